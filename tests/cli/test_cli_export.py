"""`skimrnn export`: what is written, what is said of it, and what is refused."""

import re
import sys

import pytest
from cli_helpers import run

from models import make_config, make_layer, saved
from skimrnn.decision import Rule
from skimrnn.export import Agreement


@pytest.fixture
def onnx():
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install 'skimrnn[onnx]')")
    return pytest.importorskip("onnx", reason="needs onnx (pip install 'skimrnn[onnx]')")


def metadata(onnx, path):
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_a_classifier_is_written_and_checked(model, tmp_path, onnx):
    result = run("export", model, "out/m.onnx", "--format", "onnx", "--threshold", "0.25")
    assert "wrote out/m.onnx, θ fixed at 0.25" in result.stderr
    assert "wrote out/m.vocabulary.txt" in result.stderr
    said = r"on 6 made-up texts, (\d+) of \1 decisions are as in our reader"
    assert re.search(said, result.stdout)
    words = (tmp_path / "out" / "m.vocabulary.txt").read_bytes()
    assert words == (model / "vocabulary.txt").read_bytes()
    assert metadata(onnx, tmp_path / "out" / "m.onnx")["threshold"] == "0.25"


def test_layers_alone_have_no_words(tmp_path, onnx):
    saved(tmp_path / "layer", make_layer(make_config(cell="gru")))
    result = run("export", "./layer", "layer.onnx", "--threshold", "argmax")
    assert "on 6 made-up sequences, " in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["layer", "layer.onnx"]
    assert metadata(onnx, tmp_path / "layer.onnx")["threshold"] == '"argmax"'


def test_what_was_not_checked_is_told(model, monkeypatch, onnx):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = run("export", model, "m.onnx")
    assert "not checked: onnxruntime is not installed" in result.stderr
    assert result.stdout == ""


def test_a_model_that_reads_otherwise_is_an_error(model, monkeypatch, onnx):
    bad = Agreement(texts=6, decisions=65, equal=64, differing=1, largest=0.5)
    monkeypatch.setattr("skimrnn.export.compare", lambda *given: bad)
    result = run("export", model, "m.onnx", code=1)
    assert "m.onnx does not read as the model does: in ONNX Runtime" in result.stderr
    assert "64 of 65 decisions" in result.stderr


def test_a_budget_is_refused_and_nothing_is_written(tmp_path, onnx):
    saved(tmp_path / "layer", make_layer(rule=Rule(0.5, 0.25)))
    refused = run("export", "./layer", "layer.onnx", code=2).stderr
    assert "budget of 0.25" in refused
    assert not (tmp_path / "layer.onnx").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["m.onnx", "--format", "tflite"], "--format must be onnx; got 'tflite'"),
        (["m.pb"], "the file must end in .onnx; got m.pb"),
        (["m.onnx", "--threshold", "low"], 'a threshold must be a number or "argmax"; got'),
    ],
)
def test_what_is_refused(model, arguments, said):
    assert said in run("export", model, *arguments, code=2).stderr


def test_without_the_package(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    refused = run("export", model, "m.onnx", code=2).stderr
    assert "needs the package onnx; install it with: pip install 'skimrnn[onnx]'" in refused
