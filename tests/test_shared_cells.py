"""Shared small cells: the full cell's first units, to the same numbers and gradients everywhere."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import skimrnn
from agreement import (
    assert_forced,
    assert_free,
    every_reader,
    make_batch,
    make_layer,
    random_levels,
    reader_of,
    run_reader,
    run_torch,
)
from models import make_layer as make_file
from skimrnn.cell_parameters import cell_parameters
from skimrnn.config import GATES, SkimConfig
from skimrnn.nn import SkimGRU, SkimLSTM, from_rnn, load, save
from skimrnn.runtime import implementations

CELLS = list(GATES)
LENGTHS = [9, 1, 33, 4]
LEVELS = (7, 4, 2, 0)


def with_own_cells(layer):
    """The same layer, whose small cells have the shared numbers as parameters of their own."""
    config = replace(layer.config, shared=False)
    options = {"num_layers": config.num_layers, "bidirectional": config.bidirectional}
    other = make_layer(
        config.cell,
        config.input_size,
        config.hidden_size,
        dtype=layer.weight_ih_l0.dtype,
        bias=config.bias,
        levels=config.levels,
        skim_input=config.skim_input,
        **options,
    )
    other.load_state_dict({**other.state_dict(), **layer.state_dict()})
    with torch.no_grad():  # gate by gate and unit by unit
        for name, parameter in other.named_parameters():
            if name.startswith("skim_"):
                _, level, whole = name.split("_", 2)
                size = config.levels[int(level)]
                seen = config.skim_seen(int(level)) if whole.startswith("weight_hh") else None
                for row in range(len(parameter)):
                    gate, unit = divmod(row, size)
                    from_row = getattr(layer, whole)[gate * config.hidden_size + unit]
                    parameter[row] = from_row if from_row.dim() == 0 else from_row[:seen]
    return other


def test_a_small_cell_is_the_leading_block():
    config = SkimConfig(
        cell="gru", input_size=1, hidden_size=3, levels=(3, 2, 0), shared=True, bias=False
    )
    whole = {
        "weight_ih_l0": np.arange(9.0).reshape(9, 1),
        "weight_hh_l0": np.arange(27.0).reshape(9, 3),
    }
    weight_ih, weight_hh, *biases = cell_parameters(whole, config, 1, "_l0")
    assert weight_ih.tolist() == [[0], [1], [3], [4], [6], [7]]  # two of each gate's three rows
    assert weight_hh.tolist() == [[0, 1], [3, 4], [9, 10], [12, 13], [18, 19], [21, 22]]
    assert biases == [None, None]
    full = cell_parameters(whole, replace(config, skim_input="full"), 1, "_l0")
    assert full[1].tolist() == whole["weight_hh_l0"][[0, 1, 3, 4, 6, 7]].tolist()
    assert cell_parameters(whole, config, 0, "_l0")[1] is whole["weight_hh_l0"]


def test_shared_cells_are_no_parameters():
    options = {"num_layers": 2, "bidirectional": True, "levels": LEVELS}
    shared, own = (SkimLSTM(3, 7, shared=one, **options) for one in (True, False))
    names = {name for name, _ in shared.named_parameters()}
    assert names == {name for name, _ in own.named_parameters() if not name.startswith("skim_")}
    assert "levels=(7, 4, 2, 0), shared=True, router_input" in repr(shared)
    assert skimrnn.cost.level_operations(shared.config, 1) == skimrnn.cost.level_operations(
        own.config, 1
    )


@every_reader
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("skim_input", ["prefix", "full"])
def test_all_read_alike(name, dtype, cell, skim_input):
    layer = make_layer(
        *(cell, 3, 7),
        levels=LEVELS,
        shared=True,
        skim_input=skim_input,
        bias=skim_input == "prefix",
        num_layers=2,
        bidirectional=True,
        dtype=dtype,
    )
    x, hx = make_batch(layer, LENGTHS, hx=True)
    other = with_own_cells(layer)
    wanted = run_torch(other, x, LENGTHS, hx)
    assert len({*wanted.level.ravel().tolist()} - {-1}) > 1
    assert_free(run_torch(layer, x, LENGTHS, hx), wanted, 0.5)
    reader = reader_of(layer, name)
    assert_free(run_reader(reader, x, LENGTHS, hx), wanted, 0.5)
    levels = random_levels(layer, LENGTHS)
    wanted = run_torch(other, x, LENGTHS, hx, levels=levels)
    assert_forced(run_torch(layer, x, LENGTHS, hx, levels=levels), wanted)
    assert_forced(run_reader(reader, x, LENGTHS, hx, levels=levels), wanted)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("skim_input", ["prefix", "full"])
def test_gradients_of_every_level_reach_the_full_cell(cell, skim_input):
    """The full cell's is its own and the sum of the small ones', each where its numbers lie."""
    layer = make_layer(cell, 3, 7, levels=LEVELS, shared=True, skim_input=skim_input).train()
    other = with_own_cells(layer).train()
    x, _ = make_batch(layer, [6, 6])
    noise = torch.randn(1, 1, 2, 6, 4, dtype=x.dtype)
    for one in (layer, other):
        output, _ = one(x.transpose(0, 1), noise=noise)
        (output * torch.arange(7)).sum().backward()
    for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        wanted = getattr(other, f"{kind}_l0").grad.clone()
        by_gate = wanted.view(GATES[cell], 7, -1)
        for level, size in ((1, 4), (2, 2)):
            part = getattr(other, f"skim_{level}_{kind}_l0").grad
            part = part.view(GATES[cell], size, -1)
            by_gate[:, :size, : part.shape[2]] += part
        assert (wanted != getattr(other, f"{kind}_l0").grad).any()
        torch.testing.assert_close(getattr(layer, f"{kind}_l0").grad, wanted)


@pytest.mark.skipif(len(implementations()) == 1, reason="needs the C++ extension")
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_kernels_train_them(cell):
    layer = make_layer(
        cell, 3, 17, levels=(17, 5, 0), shared=True, num_layers=2, dtype=torch.float32
    )
    x, _ = make_batch(layer.train(), [9, 9])
    noise = torch.randn(2, 1, 2, 9, 3)
    found = {}
    for layer.path in ("eager", "native"):
        layer.zero_grad()
        output, _ = layer(x.transpose(0, 1), noise=noise)
        output.square().sum().backward()
        found[layer.path] = [output, *(one.grad.clone() for one in layer.parameters())]
    torch.testing.assert_close(found["eager"], found["native"], rtol=1e-3, atol=1e-4)


def test_they_are_saved_and_loaded(tmp_path):
    layer = make_layer("lstm", 3, 7, levels=LEVELS, shared=True, dtype=torch.float32)
    save(layer, tmp_path / "layer")
    loaded = load(tmp_path / "layer")
    assert loaded.config == layer.config
    assert loaded.config.shared
    x, hx = make_batch(layer, LENGTHS, hx=True)
    reader = skimrnn.load_layer(tmp_path / "layer")
    assert_free(run_reader(reader, x, LENGTHS, hx), run_torch(loaded, x, LENGTHS, hx), 0.5)
    whole = torch.nn.GRU(3, 5)
    begun = from_rnn(whole, levels=(5, 2), shared=True)
    assert torch.equal(begun.weight_hh_l0, whole.weight_hh_l0)
    begun.begin_by_reading()
    assert torch.equal(begun.weight_hh_l0, whole.weight_hh_l0)


def test_the_option_is_written_where_it_is_set():
    config = SkimGRU(3, 5, skim_size=2).config
    assert "shared" not in config.to_dict()
    assert not SkimConfig.from_dict(config.to_dict()).shared
    shared = replace(config, shared=True)
    assert SkimConfig.from_dict(shared.to_dict()) == shared != config
    assert make_file(shared).digest() != make_file(config).digest()
    with pytest.raises(ValueError, match="shared must be true or false; got 1"):
        SkimGRU(3, 5, skim_size=2, shared=1)
