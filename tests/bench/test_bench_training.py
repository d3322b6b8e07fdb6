"""The bench of training: contenders that do the same, rows that say what they are."""

import json

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from skimrnn.bench import training
from skimrnn.bench.training import Row, Shape, bench, shapes
from skimrnn.cli import app
from skimrnn.nn import SkimGRU, SkimLSTM, timed

SMALL = [
    Shape("T=3, B=2, D=8", "lstm", ((3, 3),), 8),
    Shape("T=3, B=2, D=8", "gru", ((3, 3),), 8),
    Shape("natural", "lstm", ((1, 4, 2), (5, 5, 3)), 8),
]


@pytest.fixture
def _two_cores(monkeypatch):
    monkeypatch.setattr(training, "control_gain", lambda: 2.0)


def test_shapes_are_those_that_are_promised():
    named = {(shape.cell, shape.name) for shape in shapes()}
    promised = {"T=200, B=32", "T=50, B=32", "T=200, B=128"}
    assert {("lstm", f"{name}, D=100") for name in promised} <= named
    assert ("lstm", "T=400, B=64, D=200") in named
    natural = shapes()[-1]
    lengths = [length for batch in natural.lengths for length in batch]
    assert max(lengths) == 400
    assert min(lengths) >= 10
    assert 150 < sum(lengths) / len(lengths) < 260
    assert all(batch == tuple(sorted(batch)) for batch in natural.lengths)


@pytest.mark.parametrize("path", ["plain", "auto", "eager"])
@pytest.mark.parametrize("shape", SMALL, ids=lambda shape: f"{shape.cell}-{shape.name}")
def test_a_step_goes_forward_and_back_through_its_layer(monkeypatch, path, shape):
    passed = []
    plain = nn.LSTM if shape.cell == "lstm" else nn.GRU
    ours = SkimLSTM if shape.cell == "lstm" else SkimGRU

    def watch(module, inputs, output):
        if type(module) in (nn.LSTM, nn.GRU, SkimLSTM, SkimGRU):
            passed.append(type(module))
            assert module.training
            values = output[0] if torch.is_tensor(output[0]) else output[0].data
            assert values.requires_grad

    hook = nn.modules.module.register_module_forward_hook(watch)
    try:
        timed.training_step(shape.cell, path, shape.lengths, 8, 3)()
    finally:
        hook.remove()
    assert passed == [plain if path == "plain" else ours] * len(shape.lengths)


@pytest.mark.usefixtures("_two_cores")
def test_rows_of_every_device_and_path(monkeypatch):
    monkeypatch.setattr(training, "_peak", lambda shape, path: 1.5)
    threads = torch.get_num_threads()
    try:
        rows = bench(SMALL, all_paths=True, rounds=2)
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
    on_cpu = [row for row in rows if row.device == "cpu"]
    assert [row.path for row in on_cpu] == ["plain", "auto", "eager"] * len(SMALL) * 2
    for row in on_cpu:
        assert row.ms > 0
        assert row.tokens_per_second > 0
        assert (row.ratio_to_nn_lstm == 1) == (row.path == "plain")
        assert (row.gain is None) == (row.threads == 1)
        assert row.peak_mb == (1.5 if row.threads == 1 else None)
    if not torch.cuda.is_available():
        assert {row.missing for row in rows if row.device == "cuda"} == {"no GPU"}


def test_two_threads_are_not_timed_where_there_are_no_two_cores(monkeypatch):
    monkeypatch.setattr(training, "control_gain", lambda: 1.2)
    monkeypatch.setattr(training, "_peak", lambda shape, path: 1.5)
    try:
        rows = bench(SMALL[:1], rounds=2)
    finally:
        torch.set_flush_denormal(False)
    assert {row.missing for row in rows if row.threads == 2} == {
        "two threads of a control loop gain 1.20"
    }


def test_memory_is_that_of_a_pass():
    small = Shape("small", "lstm", ((40,) * 8,), 32)
    large = Shape("large", "lstm", ((400,) * 32,), 32)
    if training._peak(small, "auto") is None:
        pytest.skip("memory is measured on Linux only")
    saved = 400 * 32 * (4 * 32 + 32 + 32) * 4 / 2**20  # gates, c and outputs
    assert training._peak(small, "auto") < saved < training._peak(large, "auto") < 4 * saved


def test_the_command(monkeypatch):
    rows = [
        Row("cpu", "T=3", "lstm", "plain", 1, 2.0, 0.1, 1.0, 3000.0, None, 4.0),
        Row("cpu", "T=3", "lstm", "auto", 2, 1.0, 0.1, 0.5, 6000.0, 1.7, None),
        Row("cuda", "T=3", "lstm", "auto", 1, missing="no GPU"),
    ]
    asked = []
    monkeypatch.setattr(training, "bench", lambda **options: asked.append(options) or rows)
    told = CliRunner().invoke(app, ["bench", "training", "--json", "--all-paths"])
    assert told.exit_code == 0, told.output
    assert asked[0]["all_paths"]
    first = json.loads(told.stdout)["rows"][0]
    assert {"device", "shape", "path", "ms", "ratio_to_nn_lstm"} <= set(first)
    shown = CliRunner().invoke(app, ["bench", "training"])
    assert "lstm, T=3" in shown.stdout
    assert "cuda: no GPU" in shown.stdout
    for wrong in (["training", "--full"], ["reading", "--all-paths"]):
        refused = CliRunner().invoke(app, ["bench", *wrong])
        assert refused.exit_code == 2, refused.output
        assert f"has no {wrong[1]}" in refused.output
