"""Bring trained answerers from the machine with a GPU to the one that measures them.

    python -m benchmarks.questions.carry pack FOLDER ...     # writes FOLDER.carried beside each
    python -m benchmarks.questions.carry unpack FILE ...     # makes the folders, byte for byte

Nine tenths of such a model are word vectors as GloVe's file has them, which both machines have:
they are left out, and filled in again.
"""

from __future__ import annotations

import argparse
import io
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, load_file, save

from benchmarks.classification.vectors import glove
from skimrnn.files import new_folder, sha256, write_atomically
from skimrnn.model_folder import FORMAT, ROWS
from skimrnn.text import Vocabulary, read_word_vectors

REST = "rest.safetensors"
DIGEST = "model.sha256"
_OTHERS, _PLACES = "rows that GloVe lacks", "their places"


def main() -> None:
    """Pack or unpack."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.questions.carry",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("what", choices=("pack", "unpack"))
    parser.add_argument("path", nargs="+", type=Path)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    vectors = glove(arguments.data_dir)
    for path in arguments.path:
        print((pack if arguments.what == "pack" else unpack)(path, vectors))


def pack(folder: Path, vectors: str | Path) -> Path:
    """One file of all that GloVe's does not say."""
    tensors = load_file(folder / "model.safetensors")
    vocabulary = Vocabulary.from_text((folder / "vocabulary.txt").read_text(encoding="utf-8"))
    known = _known(vocabulary, vectors, tensors[ROWS].dtype)
    table = tensors.pop(ROWS)
    places = np.flatnonzero((table != known).any(axis=1)).astype(np.int32)
    rest = save({**tensors, _OTHERS: table[places], _PLACES: places})
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for path in sorted(folder.iterdir()):
            if path.name != "model.safetensors":
                tar.add(path, path.name)
        digest = sha256(folder / "model.safetensors").encode()
        for name, data in ((REST, rest), (DIGEST, digest)):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    target = folder.with_name(f"{folder.name}.carried")
    write_atomically(target, content.getvalue())
    return target


def unpack(file: Path, vectors: str | Path) -> Path:
    """The folder again.

    Raises:
        ValueError: if the model is not to the byte what it was, as with another GloVe file.
    """
    target = file.with_name(file.name.removesuffix(".carried"))
    with new_folder(target) as folder:
        with tarfile.open(file) as tar:
            tar.extractall(folder, filter="data")
        tensors = load((folder / REST).read_bytes())
        vocabulary = Vocabulary.from_text((folder / "vocabulary.txt").read_text(encoding="utf-8"))
        others, places = tensors.pop(_OTHERS), tensors.pop(_PLACES)
        table = _known(vocabulary, vectors, others.dtype)
        table[places] = others
        (folder / "model.safetensors").write_bytes(
            save({**tensors, ROWS: table}, {"format": FORMAT})
        )
        if sha256(folder / "model.safetensors") != (folder / DIGEST).read_text():
            raise ValueError(f"{file} gives another model than was packed; is {vectors} the same?")
        for name in (REST, DIGEST):
            (folder / name).unlink()
    return target


def _known(
    vocabulary: Vocabulary, vectors: str | Path, dtype: np.dtype[np.generic]
) -> NDArray[np.generic]:
    """GloVe's vector of each word, zeros where it has none."""
    found = read_word_vectors(vectors)
    rows = vocabulary.rows(found.words)
    table = np.zeros((len(vocabulary), found.matrix.shape[1]), dtype)
    table[rows[rows > 0]] = found.matrix[rows > 0]
    return table


if __name__ == "__main__":
    main()
