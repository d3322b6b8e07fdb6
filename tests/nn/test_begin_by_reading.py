"""The start that disturbs a trained full cell the least: small cells copied, routers that read."""

import pytest
import torch

from agreement import make_layer

CELLS = ["lstm", "gru", "rnn_tanh", "rnn_relu"]
INPUTS, UNITS = 6, 8


def after(layer, x, state, level):
    """The states after one token that is taken at a level."""
    _, last = layer(x, state, levels=torch.full((x.shape[1], 1), level))
    return last if isinstance(last, tuple) else (last,)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("skim_input", ["full", "prefix"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_skim_then_updates_its_units_as_a_read_does(cell, skim_input, bias):
    sizes = (8, 5, 2, 0)
    layer = make_layer(cell, INPUTS, UNITS, levels=sizes, skim_input=skim_input, bias=bias)
    layer.eval().begin_by_reading()
    x = torch.randn(1, 3, INPUTS, dtype=torch.float64)
    states = 2 if cell == "lstm" else 1
    given = [torch.randn(1, 3, UNITS, dtype=x.dtype) for _ in range(states)]
    for level, size in enumerate(sizes[1:], 1):
        before = [part.clone() for part in given]
        if skim_input == "prefix":  # what it cannot see is nothing
            before[0][:, :, size:] = 0
        state = tuple(before) if cell == "lstm" else before[0]
        whole, skimmed = (after(layer, x, state, taken) for taken in (0, level))
        for read, skim, old in zip(whole, skimmed, before, strict=True):
            torch.testing.assert_close(skim[:, :, :size], read[:, :, :size])
            assert torch.equal(skim[:, :, size:], old[:, :, size:])


def test_every_layer_and_direction_begins_so():
    layer = make_layer("lstm", INPUTS, UNITS, skim_size=3, num_layers=2, bidirectional=True)
    layer.begin_by_reading()
    for suffix in ("l0", "l0_reverse", "l1", "l1_reverse"):
        gates = getattr(layer, f"weight_ih_{suffix}").view(4, UNITS, -1)[:, :3]
        assert torch.equal(getattr(layer, f"skim_1_weight_ih_{suffix}").view_as(gates), gates)


@pytest.mark.parametrize("levels", [(8, 2), (8, 0), (8, 4, 2)])
def test_routers_then_read_nine_tokens_of_ten(levels):
    layer = make_layer("gru", INPUTS, UNITS, levels=levels)
    with torch.no_grad():
        layer.router_weight_l0.zero_()
    layer.begin_by_reading()
    odds = layer.router_bias_l0.detach().exp()
    assert float(odds[0] / odds.sum()) == pytest.approx(9 / (8 + len(levels)))


def test_a_router_that_begins_by_reading_anyhow_is_left_alone():
    layer = make_layer("lstm", INPUTS, UNITS, skim_size=0, router="skip-rnn")
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    layer.begin_by_reading()
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_a_plain_layer_has_nothing_to_begin():
    layer = make_layer("lstm", INPUTS, UNITS, levels=(UNITS,))
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    layer.begin_by_reading()
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
