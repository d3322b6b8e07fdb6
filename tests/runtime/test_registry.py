"""Implementations: listed, the fastest by default, forced by argument or environment."""

from pathlib import Path

import numpy as np
import pytest

import skimrnn
from skimrnn.runtime import Layer, Model, implementations, load, load_layer

VARIABLE = "SKIMRNN_IMPLEMENTATION"


def test_listing() -> None:
    names = implementations()
    assert isinstance(names, tuple)
    assert "numpy" in names
    assert len(set(names)) == len(names)
    assert skimrnn.implementations() == names


def test_the_first_is_the_default(folder: Path) -> None:
    assert load(folder).implementation == implementations()[0]
    assert load_layer(folder).implementation == implementations()[0]


@pytest.mark.parametrize("name", implementations())
def test_one_is_forced_by_argument(name: str, folder: Path) -> None:
    assert load(folder, implementation=name).implementation == name
    assert load_layer(folder, implementation=name).implementation == name


@pytest.mark.parametrize("name", implementations())
def test_one_is_forced_by_the_environment(name: str, folder: Path, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, name)
    assert load(folder).implementation == name


def test_an_empty_variable_forces_nothing(folder: Path, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert load(folder).implementation == implementations()[0]


@pytest.mark.parametrize("loader", [load, load_layer])
def test_an_unknown_name_is_an_error(loader, folder: Path, monkeypatch) -> None:
    known = f"it can run: {', '.join(implementations())}"
    with pytest.raises(ValueError, match=f"^implementation names 'gpu'.*{known}"):
        loader(folder, implementation="gpu")
    monkeypatch.setenv(VARIABLE, "Numpy")
    with pytest.raises(
        ValueError, match=f"^the environment variable {VARIABLE} names 'Numpy'.*{known}"
    ):
        loader(folder)


def test_the_argument_goes_before_the_environment(folder: Path, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "absent")
    assert load(folder, implementation="numpy").implementation == "numpy"


@pytest.mark.parametrize("name", implementations())
def test_every_implementation_reads_the_same(name: str, folder: Path) -> None:
    """Decisions equal, values close; agreement in detail is tested elsewhere."""
    text = "the good film is n't bad"
    ours = load(folder, implementation=name).read(text)
    theirs = load(folder, implementation="numpy").read(text)
    np.testing.assert_array_equal(ours.level, theirs.level)
    np.testing.assert_allclose(ours.probabilities, theirs.probabilities, rtol=1e-5)


def test_models_are_what_load_gives(folder: Path) -> None:
    assert type(load(folder)) is Model
    assert type(load_layer(folder)) is Layer
