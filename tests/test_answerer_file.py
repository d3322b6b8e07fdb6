"""The folder of an answerer: it comes back as it was, and what is damaged is refused by name."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from answerers import answerer_config, as_file, make_answerer
from models import saved, tree
from skimrnn.answerer_config import AnswererConfig
from skimrnn.answerer_file import read_answerer, write_answerer
from skimrnn.decision import Rule
from skimrnn.model_file import read_model
from skimrnn.model_folder import ModelFileError
from skimrnn.nn.saving import save_answerer
from skimrnn.text import Vocabulary


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_answerer(tmp_path / "mine", as_file(make_answerer(), rule=Rule(0.3, 0.5, 2.0)))
    return tmp_path / "mine"


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(ModelFileError) as caught:
        read_answerer(folder)
    return caught.value.problems


def change(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    file = as_file(make_answerer(), training={"seed": 3}, card="# Mine é", rule=Rule(0.25))
    write_answerer(tmp_path / "mine", file)
    back = read_answerer(tmp_path / "mine")
    assert (back.config, back.rule, back.vocabulary) == (file.config, file.rule, file.vocabulary)
    assert (back.training, back.card) == (file.training, file.card)
    assert back.parameters.keys() == file.parameters.keys()
    for name, array in file.parameters.items():
        assert np.array_equal(back.parameters[name], array)


def test_torch_s_parameters_are_those_that_the_sizes_ask_for() -> None:
    for config in (
        *(answerer_config(), answerer_config((7,)), answerer_config(filters=0)),
        answerer_config(model="bidaf"),
    ):
        model = make_answerer(config)
        shapes = {name: tuple(one.shape) for name, one in model.named_parameters()}
        assert shapes == config.parameter_shapes(12)
        assert AnswererConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_float16_and_int8_are_read_as_float32(tmp_path: Path) -> None:
    file = as_file(make_answerer())
    write_answerer(tmp_path / "small", file, dtype="float16", int8_rows=True)
    stored = load_file(tmp_path / "small" / "model.safetensors")
    assert stored["embedding.weight"].dtype == np.int8
    back = read_answerer(tmp_path / "small")
    for name, array in file.parameters.items():
        assert back.parameters[name].dtype == np.float32
        wide = np.abs(array).max() / 100 if name == "embedding.weight" else 2e-3
        assert np.abs(back.parameters[name] - array).max() <= wide


def test_a_saved_model_replaces_an_older_one_and_nothing_else(tmp_path: Path) -> None:
    model = make_answerer()
    save_answerer(model, tmp_path / "mine", as_file(model).vocabulary)
    before = tree(tmp_path / "mine")
    with torch.no_grad():
        model.summary.bias += 1
    save_answerer(model, tmp_path / "mine", as_file(model).vocabulary)
    assert tree(tmp_path / "mine") != before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="holds files"):
        save_answerer(model, tmp_path / "other", as_file(model).vocabulary)


def test_what_cannot_be_read_back_is_not_written(tmp_path: Path) -> None:
    file = as_file(make_answerer())
    few = Vocabulary(file.vocabulary.words[:-1])
    with pytest.raises(ValueError, match=r"embedding.weight is \(12, 5\); expected \(11, 5\)"):
        write_answerer(tmp_path / "mine", type(file)(file.config, file.parameters, few))
    broken = {**file.parameters, "start.bias": file.parameters["start.bias"] * np.nan}
    with pytest.raises(ValueError, match=r"start\.bias has values that are not finite"):
        write_answerer(tmp_path / "mine", type(file)(file.config, broken, file.vocabulary))
    assert not (tmp_path / "mine").exists()


def test_each_kind_refuses_the_other(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="load_answerer reads it"):
        read_model(folder)
    saved(tmp_path / "classifier")
    (problem,) = problems_of(tmp_path / "classifier")
    assert problem == "its kind is 'classifier', not \"answerer\"; read it with skimrnn.load"


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "none") == ["there is no such folder"]
    assert problems_of(tmp_path) == ["it has no config.json, so it is not a model folder"]


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocabulary.txt"])
def test_a_file_that_is_missing_or_cut(name: str, folder: Path) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    said = "parameter embedding.weight" if name == "vocabulary.txt" else name
    assert any(problem.startswith(said) for problem in problems_of(folder))
    (folder / name).unlink()
    assert any(name in problem for problem in problems_of(folder))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model": "magic"}, "answerer: these sizes make no answerer: model must be one of"),
        ({"model": "bidaf"}, "layers must be encoder, modelling, ending; got question, context"),
        ({"filters": -1}, "filters must be a whole number of at least 0; got -1"),
        ({"embedding_size": 6}, "question must take 10 inputs; got 9"),
        ({"embedding_size": 2**40}, "embedding_size must be at most"),
        ({"layers": {}}, "layers must be question, context; got"),
        ({"layers": 3}, "layers must be an object with a layer by each name"),
        ({"more": 1}, "differing: ['more']"),
    ],
)
def test_sizes_that_make_no_answerer(changes: dict, expected: str, folder: Path) -> None:
    own = json.loads((folder / "config.json").read_text())["answerer"]
    change(folder, answerer={**own, **changes})
    assert any(expected in problem for problem in problems_of(folder))


def test_a_rule_or_a_parameter_that_does_not_fit(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["alignment.bias"]
    tensors["start.weight"] = tensors["start.weight"][:, :-1].copy()
    save_file(tensors, folder / "model.safetensors")
    change(folder, rule={"threshold": "never", "budget": None, "burst": 1})
    found = problems_of(folder)
    assert "parameter alignment.bias is missing" in found
    assert any(one.startswith("parameter start.weight is (14, 13)") for one in found)
    assert any(one.startswith("rule: threshold must be") for one in found)


def test_all_problems_are_named_at_once(folder: Path) -> None:
    (folder / "vocabulary.txt").write_bytes(b"\xff")
    (folder / "training.json").write_text("[]")
    found = problems_of(folder)
    assert [one.split(":")[0] for one in found] == ["vocabulary.txt", "training.json"]
