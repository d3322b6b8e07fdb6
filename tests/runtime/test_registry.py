"""Implementations: listed, the fastest by default, forced by argument or environment."""

from pathlib import Path

import numpy as np
import pytest

import skimrnn
from models import make_classifier, saved
from skimrnn import extension
from skimrnn.runtime import Layer, Model, implementations, load, load_layer
from skimrnn.runtime.native import NativeReader
from skimrnn.runtime.numpy_reader import NumpyReader

VARIABLE = "SKIMRNN_IMPLEMENTATION"


def test_listing() -> None:
    names = implementations()
    assert isinstance(names, tuple)
    fastest_first = ("avx512", "avx2", "neon", "portable", "numpy")
    assert names == tuple(name for name in fastest_first if name in names)
    assert names[-1] == "numpy"
    assert len(names) == 1 + len(extension.instruction_sets())
    assert skimrnn.implementations() == names


def test_the_first_is_the_default(folder: Path) -> None:
    assert load(folder).implementation == implementations()[0]
    assert load_layer(folder).implementation == implementations()[0]


@pytest.mark.parametrize("name", implementations())
def test_one_is_forced_by_argument(name: str, folder: Path) -> None:
    reads_with = NumpyReader if name == "numpy" else NativeReader
    for model in (load(folder, implementation=name), load_layer(folder, implementation=name)):
        assert model.implementation == name
        assert type(model._reader) is reads_with
        if isinstance(model._reader, NativeReader):
            assert model._reader.network.isa == name


@pytest.mark.parametrize("name", implementations())
def test_one_is_forced_by_the_environment(name: str, folder: Path, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, name)
    assert load(folder).implementation == name
    assert load_layer(folder).implementation == name


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


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("double") / "model", make_classifier(dtype="float64"))


def test_a_float64_model_is_read_with_numpy(double: Path, monkeypatch) -> None:
    for loader in (load, load_layer):
        assert loader(double).implementation == "numpy"
        assert loader(double, implementation="numpy").implementation == "numpy"
    monkeypatch.setenv(VARIABLE, "numpy")
    assert load(double).implementation == "numpy"


@pytest.mark.skipif(not extension.instruction_sets(), reason="the native reader is not compiled in")
@pytest.mark.parametrize("name", extension.instruction_sets())
@pytest.mark.parametrize("loader", [load, load_layer])
def test_a_native_one_refuses_a_float64_model_by_name(
    loader, name: str, double: Path, monkeypatch
) -> None:
    told = f"names '{name}', which computes in float32, and the model is float64; use \"numpy\""
    with pytest.raises(ValueError, match=f"^implementation {told}"):
        loader(double, implementation=name)
    monkeypatch.setenv(VARIABLE, name)
    with pytest.raises(ValueError, match=f"^the environment variable {VARIABLE} {told}"):
        loader(double)
    assert loader(double, implementation="numpy").implementation == "numpy"


def test_without_the_extension_everything_is_read_with_numpy(
    folder: Path, double: Path, monkeypatch
) -> None:
    monkeypatch.setattr(extension, "kernels", None)
    assert extension.instruction_sets() == ()
    assert implementations() == skimrnn.implementations() == ("numpy",)
    for path in (folder, double):
        assert load_layer(path).implementation == "numpy"
        model = load(path)
        assert model.implementation == "numpy"
        assert len(model.read("the good film")) == 3
    for name in skimrnn.bundled_models():
        assert load(name).predict_proba("a good film").sum() == pytest.approx(1)
    for name in ("avx512", "avx2", "portable"):
        with pytest.raises(ValueError, match=f"names '{name}'.*it can run: numpy$"):
            load(folder, implementation=name)


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
