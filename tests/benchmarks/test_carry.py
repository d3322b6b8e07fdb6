"""An answerer goes to another machine without its GloVe vectors, and is there what it was."""

import numpy as np
import pytest

from answerers import as_file, make_answerer
from benchmarks.questions.carry import pack, unpack
from skimrnn.answerer_file import write_answerer
from skimrnn.model_folder import ROWS


@pytest.fixture
def packed(tmp_path):
    """A model folder whose third to last words have vectors of a file, and what was packed."""
    model = as_file(make_answerer())
    size = model.config.embedding_size
    values = {
        word: np.arange(size) + row / 8
        for row, word in enumerate(model.vocabulary.words)
        if row > 2
    }
    table = model.parameters[ROWS].astype(np.float32).copy()
    for row, word in enumerate(model.vocabulary.words):
        if word in values:
            table[row] = values[word]
    model.parameters[ROWS] = table
    vectors = tmp_path / "vectors.txt"
    lines = [f"{word} {' '.join(map(str, value))}" for word, value in values.items()]
    vectors.write_text("\n".join(["elsewhere " + " ".join(["1"] * size), *lines]) + "\n")
    write_answerer(tmp_path / "model", model, dtype="float32")
    (tmp_path / "model" / "log.jsonl").write_text("{}\n")
    return tmp_path / "model", pack(tmp_path / "model", vectors), vectors


def test_the_folder_is_the_same_to_the_byte(packed, tmp_path):
    folder, file, vectors = packed
    (tmp_path / "there").mkdir()
    moved = file.rename(tmp_path / "there" / file.name)
    made = unpack(moved, vectors)
    assert made == tmp_path / "there" / "model"
    assert {p.name: p.read_bytes() for p in made.iterdir()} == {
        p.name: p.read_bytes() for p in folder.iterdir()
    }


def test_other_vectors_are_noticed_and_nothing_is_written(packed, tmp_path):
    _, file, vectors = packed
    text = vectors.read_text().splitlines()
    vectors.write_text("\n".join([*text[:-1], text[-1] + "5"]) + "\n")
    moved = file.rename(tmp_path / "other.carried")
    with pytest.raises(ValueError, match="gives another model than was packed"):
        unpack(moved, vectors)
    assert not (tmp_path / "other").exists()
