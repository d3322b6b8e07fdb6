"""`skimrnn info`, `demo`, the version, and the helpers that print numbers."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import run

import skimrnn
from models import make_config, make_layer, saved
from skimrnn import extension
from skimrnn.cli.demo import example_texts
from skimrnn.cli.output import faster, percent, seconds, shown_path, times, without_folders
from skimrnn.text import scan

# ---- info ---------------------------------------------------------------------------------------


def test_the_installation(tmp_path, monkeypatch):
    shown = json.loads(run("info", "--json").stdout)
    assert shown["skimrnn"] == skimrnn.__version__
    assert shown["python"] == sys.version.split()[0]
    assert shown["numpy"] == np.__version__
    assert shown["implementations"] == list(skimrnn.implementations())
    assert shown["bundled_models"] == list(skimrnn.bundled_models())
    assert shown["data_dir"] is None
    (tmp_path / "data").mkdir()
    assert json.loads(run("info", "--json").stdout)["data_dir"] == str(tmp_path / "data")
    monkeypatch.setenv("SKIMRNN_DATA", str(tmp_path))
    table = run("info").stdout
    assert "SKIMRNN_IMPLEMENTATION" in table
    assert str(tmp_path)[:40] in table


def test_a_forced_implementation_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setenv("SKIMRNN_IMPLEMENTATION", "abacus")
    assert "abacus, which this machine cannot run" in " ".join(run("info").stdout.split())


def test_a_data_folder_that_is_none_is_said_beside_the_rest(monkeypatch):
    monkeypatch.setenv("SKIMRNN_DATA", "/nope")
    said = "SKIMRNN_DATA is '/nope', which is not a folder"
    shown = json.loads(run("info", "--json").stdout)
    assert (shown["data_dir"], shown["data_dir_note"]) == (None, said)
    table = " ".join(run("info").stdout.split())
    assert f"none: {said}" in table
    assert skimrnn.implementations()[0] in table


def test_an_absent_native_reader_is_said(monkeypatch):
    monkeypatch.setattr(extension, "kernels", None)
    shown = json.loads(run("info", "--json").stdout)
    assert shown["implementations"] == ["numpy"]
    assert shown["implementation"] == "numpy"
    assert shown["native_reader"] is False
    assert "not installed: install a C++ compiler" in " ".join(run("info").stdout.split())


@pytest.mark.skipif(not extension.instruction_sets(), reason="the native reader is not compiled in")
def test_who_reads_a_model_and_in_what(tmp_path):
    kinds = {
        "lstm": (make_config(), "float32 or int8"),
        "relu": (make_config(cell="rnn_relu"), "recurrent weights in float32 (numpy"),
        "double": (make_config(), "numpy alone"),
    }
    for name, (config, said) in kinds.items():
        layer = make_layer(config, dtype="float64" if name == "double" else "float32")
        folder = saved(tmp_path / name, layer)
        assert said in " ".join(run("info", folder).stdout.split())
    shown = json.loads(run("info", tmp_path / "double", "--json").stdout)
    assert (shown["implementations"], shown["precisions"]) == (["numpy"], [])


def test_a_model(model):
    shown = json.loads(run("info", model, "--json").stdout)
    assert shown["layer"]["levels"] == [8, 2]
    assert shown["labels"] == ["bad", "good"]
    loaded = skimrnn.load(model)
    assert shown["vocabulary"] == len(loaded.vocabulary)
    assert shown["embedding_parameters"] == 6 * len(loaded.vocabulary)
    assert shown["head_parameters"] == 2 * 8 + 2
    shapes = loaded.config.parameter_shapes().values()
    assert shown["layer_parameters"] == sum(int(np.prod(shape)) for shape in shapes)
    assert shown["bytes"] == sum(file.stat().st_size for file in model.iterdir())
    assert shown["training"]["task"]["name"] == "reviews"
    table = run("info", model).stdout
    assert "8 / 2 units" in table
    assert "threshold 0.5, no budget, burst 1" in table
    assert "skimrnn train ./reviews.csv" in table


def test_a_bare_layer(tmp_path):
    saved(tmp_path / "layer", make_layer())
    table = run("info", "./layer").stdout
    assert "layers alone" in table
    assert "numbers a step" in table
    for command in (["evaluate", "./layer", "./x.csv"], ["read", "./layer", "x"]):
        refused = run(*command, code=2).stderr
        assert "./layer holds layers alone" in refused
        assert "load_layer" not in refused
    assert json.loads(run("info", "./layer", "--json").stdout)["kind"] == "layer"


def test_no_such_model():
    assert "no bundled model 'nobody'" in run("info", "nobody", code=2).stderr


def test_version_and_module():
    assert run("--version").stdout == f"skimrnn {skimrnn.__version__}\n"
    done = subprocess.run(
        [sys.executable, "-m", "skimrnn", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"skimrnn {skimrnn.__version__}\n"


def test_an_unknown_command_is_a_usage_error():
    result = run("skim", code=2)
    assert "skim" in result.stderr


# ---- demo ---------------------------------------------------------------------------------------


def test_the_demo(model, tmp_path):
    result = run("demo", "--model", model, "--html", "shown/page.html", "--threshold", "0.5")
    examples = example_texts()
    assert result.stdout.count("measured: ") == len(examples)
    assert "Time on this machine" in result.stdout
    said = " ".join(result.stdout.split())
    assert "operations (counted)" in said or "reading everything (counted)" in said
    assert "writer" not in result.stdout  # other labels than those of the example texts
    page = (tmp_path / "shown" / "page.html").read_text(encoding="utf-8")
    assert page.count("<article") == len(examples)
    assert "wrote shown/page.html" in result.stderr


def test_the_demo_reads_sentences_and_reviews_with_the_models_made_for_them():
    result = run("demo")
    examples = example_texts()
    shares = {name: [e for e in examples if e.model == name] for name in skimrnn.bundled_models()}
    assert sum(map(len, shares.values())) == len(examples)
    said = " ".join(result.stdout.split())
    for name, share in shares.items():
        assert share
        assert result.stdout.count(f" of {len(examples)}, {name} ") == len(share)
        texts = [example.text for example in share]
        readings = skimrnn.load(name).read(texts)
        words = sum(len(reading) for reading in readings)
        assert f"The model '{name}', {len(share)} texts, {words} words" in said
        right = sum(r.label == e.label for r, e in zip(readings, share, strict=True))
        assert f"{right} of {len(share)} labels are what the writer" in said
    page = Path("demo.html").read_text(encoding="utf-8")
    assert page.count("<article") == len(examples)
    assert "What the models &#x27;sst&#x27; and &#x27;imdb&#x27; read and what they skimmed" in page


def test_the_demo_says_how_often_it_was_right(tmp_path):
    from models import WORDS, make_classifier

    file = make_classifier(words=WORDS, labels=("negative", "positive"))
    saved(tmp_path / "model", file)
    result = run("demo", "--model", "./model")
    right = sum(
        skimrnn.load("./model").predict(example.text) == example.label
        for example in example_texts()
    )
    said = " ".join(result.stdout.split())
    assert f"{right} of {len(example_texts())} labels" in said
    assert said.count("its writer meant:") == len(example_texts()) - right
    assert Path("demo.html").exists()


def test_the_example_texts():
    examples = example_texts()
    assert len(examples) >= 6
    assert {example.label for example in examples} == {"negative", "positive"}
    lengths = [len(scan(example.text).words) for example in examples]
    assert sum(80 <= length <= 150 for length in lengths) >= 4
    assert max(lengths) <= 150
    assert len({example.text for example in examples}) == len(examples)


# ---- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (seconds(12.345), "12.3 s"),
        (seconds(1.0), "1.00 s"),
        (seconds(0.0345), "34.5 ms"),
        (seconds(0.2), "200 ms"),
        (seconds(7e-7), "0.70 µs"),
        (percent(0.864), "86.4%"),
        (percent(None), "-"),
        (percent(0.5, 0), "50%"),
        (times(5.123), "5.12×"),
        (times(None), "-"),
        (faster(1.0, 2.1), "2.1× faster"),
        (faster(1.3, 1.0), "1.3× slower"),
        (faster(1.0, 1.04), "about the same"),
        (faster(0.0, 1.0), "too short to measure"),
        (shown_path("mine"), "./mine"),
        (shown_path(Path("/a/b")), "/a/b"),
        (without_folders("/a/b.csv"), "./b.csv"),
        (without_folders("~/b"), "./b"),
        (without_folders("a/r\udce9.csv"), "./r\ufffd.csv"),
        (without_folders("sst"), "sst"),
    ],
)
def test_numbers_are_written_for_people(made, expected):
    assert made == expected
