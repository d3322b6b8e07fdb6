"""The exported graph reads as the reader does, in ONNX Runtime; and what cannot be exported."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import skimrnn
from models import LABELS, WORDS, make_classifier, make_config, make_layer, saved
from skimrnn.config import GATES
from skimrnn.decision import Rule
from skimrnn.export import agreement, compare, export_onnx, to_onnx
from skimrnn.export.agreement import NEAR, compare_texts, compare_vectors, margin, onnx_runtime
from skimrnn.model_file import read_model
from skimrnn.runtime import Layer, Model
from strategies import configs
from two_layer_router import TwoLayerRouter

onnx = pytest.importorskip("onnx", reason="needs onnx (pip install 'skimrnn[onnx]')")
pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install 'skimrnn[onnx]')")

LENGTHS = np.array([13, 0, 1, 7, 33])
SHAPES = [
    {"levels": (33, 5)},
    {"levels": (17, 15, 1), "num_layers": 2, "bidirectional": True},
    {"levels": (7, 3, 0), "bidirectional": True},
    {"levels": (3, 0), "num_layers": 2},
    {"levels": (1,), "bidirectional": True},
    {"levels": (7, 5, 1), "shared": True},
]
OPTIONS = [
    {"cell": cell, "skim_input": seen, **({"router_input": state} if cell == "lstm" else {})}
    for cell, seen, state in product(GATES, ("prefix", "full"), ("hidden", "state"))
    if cell == "lstm" or state == "hidden"
]


def gentle(file, scale=1.6):
    """The same with weights of a trained size; a relu network must not blow up."""
    by = scale * (0.6 if file.config.cell == "rnn_relu" else 1) / file.config.hidden_size**0.5
    return replace(file, parameters={name: by * a for name, a in file.parameters.items()})


def vectors(config, dtype="float32", seed=3):
    random = np.random.default_rng(seed)
    return random.normal(size=(len(LENGTHS), LENGTHS.max(), config.input_size)).astype(dtype)


def compared(file, threshold, **more):
    """Vectors read by the reference and in ONNX Runtime."""
    run = onnx_runtime(to_onnx(file, threshold=threshold).SerializeToString())
    layer = Layer(file, "numpy")
    return compare_vectors(layer, run, vectors(file.config, **more), LENGTHS, threshold)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: str(shape["levels"]))
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options.values()))
def test_every_cell_and_option_reads_as_the_reference(options, shape):
    file = gentle(make_layer(make_config(**options, **shape)))
    for threshold in (0.4, "argmax"):
        found = compared(file, threshold)
        assert found.differing == 0
        assert found.equal >= 0.99 * found.decisions
        assert found.largest < 3e-5
    if file.config.skims:
        levels = Layer(file).read_vectors(vectors(file.config), LENGTHS, threshold=0.4).level
        assert len({*levels[levels >= 0].tolist()}) > 1  # it did choose


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_either_head_is_exported(activation):
    file = make_classifier(activation=activation)
    run = onnx_runtime(to_onnx(file).SerializeToString())
    rows = np.array([[1, 2, 3, 1]])
    exported = run({"rows": rows, "lengths": np.array([4])})["probabilities"][0]
    model = Model(file)
    text = " ".join(file.text.vocabulary.words[row] for row in rows[0])
    assert model._texts.rows(text).tolist() == rows[0].tolist()
    assert np.allclose(exported, model.predict_proba(text), atol=1e-6)


@given(configs(), st.sampled_from([0.0, 0.3, 0.5, 0.99, 1, 2.5, -1, "argmax"]))
@settings(max_examples=40)
def test_any_layer_reads_as_the_reference(config, threshold):
    found = compared(gentle(make_layer(config)), threshold)
    assert found.differing == 0
    assert found.largest < 3e-5


@pytest.mark.parametrize("cell", GATES)
def test_float64_is_exported_as_it_is(cell):
    file = gentle(make_layer(make_config((15, 3), cell=cell), dtype="float64"))
    found = compared(file, 0.5, dtype="float64")
    assert (found.differing, found.equal) == (0, found.decisions)
    assert found.largest < 1e-12


@pytest.mark.parametrize("router_input", ["hidden", "state"])
def test_a_router_of_ones_own_is_exported(router_input):
    config = make_config((15, 7, 3), router=TwoLayerRouter.name, router_input=router_input)
    found = compared(gentle(make_layer(config), scale=4), 0.4)
    assert (found.differing, found.equal) == (0, found.decisions)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("small", [0, 3])
@pytest.mark.parametrize(
    ("router", "options"),
    [
        ("skip-rnn", {}),
        ("skipw", {"window": 3, "reads": 2}),
        ("skipw", {"window": 1, "reads": 0}),
        ("lstm-jump", {"reads": 2, "longest": 3, "jumps": 3}),
        ("lstm-jump", {"reads": 1, "longest": 1, "jumps": 0}),
    ],
)
def test_what_a_router_remembers_goes_with_it(cell, small, router, options):
    config = make_config(
        (7, small),
        cell=cell,
        router=router,
        router_options=options,
        num_layers=2,
        bidirectional=True,
    )
    layer = make_layer(config)
    low = {
        name: array - 1.5 if name.startswith("router_bias") else array
        for name, array in gentle(layer, scale=4).parameters.items()
    }
    for threshold in (0.5, 0.05, 0.9, 1.0, -1.0):
        found = compared(replace(layer, parameters=low), threshold)
        assert (found.differing, found.equal) == (0, found.decisions)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("small", [0, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_follows_goes_the_other_way(cell, small, dtype):
    """Texts of several lengths side by side: past their ends nothing follows."""
    options = {"units": 5, "ahead": 3, "filters": 2}
    config = make_config(
        (7, small),
        cell=cell,
        router="leap-lstm",
        router_options=options,
        num_layers=2,
        bidirectional=True,
    )
    layer = gentle(make_layer(config, dtype=dtype), scale=4)
    for threshold in (0.5, 0.2, 0.8, 1.0, -1.0):
        found = compared(layer, threshold, dtype=dtype)
        assert (found.differing, found.equal) == (0, found.decisions)
    levels = Layer(layer).read_vectors(vectors(config, dtype), LENGTHS).level
    assert len({*levels[levels >= 0].tolist()}) > 1


@pytest.mark.parametrize("implementation", skimrnn.implementations())
@pytest.mark.parametrize("name", skimrnn.bundled_models())
def test_bundled_models_read_as_every_reader_does(name, implementation):
    file = read_model(skimrnn.runtime.model_folder(name))
    model = Model(file, implementation)
    texts = [
        "The plot is thin , but the acting is a joy from start to finish .",
        "",
        "I never thought I'd say this: a bore! " * 3,
    ]
    run = onnx_runtime(to_onnx(file).SerializeToString())
    found = compare_texts(model, run, texts, model.rule.threshold)
    assert (found.differing, found.equal) == (0, found.decisions)
    assert found.largest < 1e-5


# ---- what is in it ------------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path):
    """A classifier, and what was exported of it."""
    file = gentle(make_classifier(make_config((7, 3, 0), bidirectional=True, num_layers=2)))
    return file, export_onnx(file, tmp_path / "out" / "film.onnx", threshold=0.3)


def test_what_is_written(written):
    file, exported = written
    assert exported.vocabulary.name == "film.vocabulary.txt"
    assert exported.vocabulary.read_text(encoding="utf-8").split("\n")[:-1] == list(WORDS)
    model = onnx.load(exported.model)
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(said["threshold"]) == 0.3 == exported.threshold
    assert json.loads(said["labels"]) == list(LABELS)
    assert json.loads(said["layer"]) == file.config.to_dict()
    assert said["skimrnn_version"] == skimrnn.__version__
    assert said["model_digest"] == file.digest()
    assert "does not skip" in model.doc_string
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 18)]
    operators = {node.op_type for node in model.graph.node}
    assert {"Scan", "Gather"} <= operators
    assert not operators & {"LSTM", "If", "Loop"}


def test_inputs_and_outputs(written):
    file, exported = written
    run = onnx_runtime(exported.model)
    rows = np.array([[1, 2, 3], [4, 99, -5]])  # past its length a row is anything
    found = run({"rows": rows, "lengths": np.array([3, 1])})
    assert list(found) == ["probabilities", "level"]
    assert found["level"].shape == (2, 4, 3)
    assert found["level"].dtype == np.int8
    assert (found["level"][1, :, 1:] == -1).all()
    model = Model(file)
    ours = model.read(["the film is", "good"], threshold=0.3)
    np.testing.assert_allclose(
        found["probabilities"], [one.probabilities for one in ours], atol=1e-6
    )
    np.testing.assert_array_equal(found["level"][0], ours[0].level.reshape(4, 3))


def test_only_the_cell_that_is_always_taken_is_computed():
    file = make_layer(make_config((33, 5), cell="gru"))
    free, fixed = (to_onnx(file, threshold=threshold) for threshold in (0.5, 1))
    (loop,) = [node for node in fixed.graph.node if node.op_type == "Scan"]
    assert "Softmax" not in {node.op_type for node in loop.attribute[0].g.node}
    assert len(fixed.SerializeToString()) < len(free.SerializeToString())
    assert compared(file, 1).equal == LENGTHS.sum()


# ---- what is refused ----------------------------------------------------------------------------


def test_a_budget_cannot_be_expressed():
    file = make_classifier(rule=Rule(0.5, 0.25, 2))
    with pytest.raises(ValueError, match=r"reads with a budget of 0\.25.*cannot be expressed"):
        to_onnx(file)


def test_a_wrong_threshold_is_refused():
    with pytest.raises(ValueError, match=r"threshold must be a number.*got nan"):
        to_onnx(make_classifier(), threshold=float("nan"))


def test_what_is_too_large_for_one_file_is_refused(monkeypatch):
    monkeypatch.setattr("skimrnn.export.onnx_model._MAX_BYTES", 1000)
    with pytest.raises(ValueError, match="one ONNX file holds at most 1000; export a model with"):
        to_onnx(make_classifier())


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(package, monkeypatch):
    data = to_onnx(make_layer()).SerializeToString()
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ImportError, match=rf"needs the package {package}; .*'skimrnn\[onnx\]'"):
        to_onnx(make_layer()) if package == "onnx" else onnx_runtime(data)


# ---- the comparison -----------------------------------------------------------------------------


def test_the_comparison_sees_another_model(tmp_path):
    file = gentle(make_classifier(seed=1))
    exported = export_onnx(file, tmp_path / "a.onnx", threshold=0.5)
    assert compare(file, exported.model, 0.5).holds
    head = replace(file.text, head_bias=file.text.head_bias + np.float32([0, 0.01, 0]))
    other = compare(replace(file, text=head), exported.model, 0.5)
    assert not other.holds
    assert other.equal == other.decisions
    assert not compare(file, exported.model, 0.6).holds  # another threshold


def test_the_comparison_of_layers():
    file = gentle(make_layer(make_config((15, 5), cell="gru")))
    found = compare(file, to_onnx(file).SerializeToString(), 0.5)
    assert found.holds
    assert (found.texts, found.decisions) == (6, 65)


def test_a_decision_may_differ_where_it_turns(monkeypatch):
    p = np.array([[[[0.5, 0.5]]]], np.float32)
    ours = [(np.array([[[0]]]), p, {})]
    theirs = [(np.array([[1]]), {})]
    assert agreement._agreement(ours, theirs, 0.5).differing == 0
    assert agreement._agreement(ours, theirs, 0.5 - 2 * NEAR).differing == 1


def test_margins():
    p = np.array([0.2, 0.5, 0.3], np.float32)
    assert margin(p, 0.4) == pytest.approx(0.1)  # 0.3 for the last, 0.8 for both that skim
    assert margin(p, "argmax") == pytest.approx(0.2)
    assert margin(p, 1) == margin(p, -0.5) == margin(p[:1], 0.5) == np.inf


def test_a_saved_folder_is_what_is_exported(tmp_path):
    file = read_model(saved(tmp_path / "model", gentle(make_classifier(rule=Rule(0.45)))))
    exported = export_onnx(file, tmp_path / "m.onnx")
    assert exported.threshold == 0.45
    assert compare(file, exported.model, 0.45).holds
