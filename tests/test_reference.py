"""The equations in NumPy, against hand-worked numbers and against torch's own single-step cells."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from skimrnn.config import SkimConfig
from skimrnn.reference import (
    CELLS,
    CellWeights,
    State,
    product,
    read_sequence,
    route,
    sigmoid,
    step,
    unpack,
    update,
)


def make(seed=0, dtype=np.float64, **options):
    """A configuration and its parameters."""
    base = {"cell": "lstm", "input_size": 3, "hidden_size": 5, "levels": (5, 2, 0)}
    config = SkimConfig(**base | options)
    random = np.random.default_rng(seed)
    parameters = {
        name: random.normal(size=shape).astype(dtype)
        for name, shape in config.parameter_shapes().items()
    }
    return config, unpack(parameters, config), random


def test_a_step_worked_out_by_hand():
    """One unit, weights 0 but the biases: i = f = o = 1/2, g = tanh 1; c' = c/2 + g/2."""
    bias = np.array([0.0, 0.0, 1.0, 0.0])
    w = CellWeights(np.zeros((4, 1)), np.zeros((4, 1)), bias, np.zeros(4))
    state = CELLS["lstm"](np.ones(1), np.ones(1), State(np.ones(1), np.array([0.8])), w)
    c = 0.4 + np.tanh(1) / 2
    assert state.c == pytest.approx([c])
    assert state.h == pytest.approx([np.tanh(c) / 2])


def test_a_gru_step_worked_out_by_hand():
    """The recurrent bias of n is inside the reset: n = tanh(1 + r * 2), r = z = 1/2."""
    w = CellWeights(
        np.zeros((3, 1)), np.zeros((3, 1)), np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, 2.0])
    )
    state = CELLS["gru"](np.ones(1), np.ones(1), State(np.array([0.6])), w)
    assert state.h == pytest.approx([0.5 * np.tanh(2) + 0.3])


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("lstm", nn.LSTMCell),
        ("gru", nn.GRUCell),
        ("rnn_tanh", nn.RNNCell),
        ("rnn_relu", lambda *sizes, **_: nn.RNNCell(*sizes, nonlinearity="relu").double()),
    ],
)
@pytest.mark.parametrize("sizes", [(1, 1), (3, 7), (17, 15), (33, 31)])
def test_cells_are_torchs(cell, kind, sizes):
    theirs = kind(*sizes, dtype=torch.float64)
    w = CellWeights(*(p.detach().numpy() for p in theirs.parameters()))
    random = np.random.default_rng(0)
    x, h, c = random.normal(size=sizes[0]), *random.normal(size=(2, sizes[1]))
    state = CELLS[cell](x, h, State(h, c), w)
    given = [torch.from_numpy(part)[None] for part in (x, h, c)]
    with torch.no_grad():
        if cell == "lstm":
            wanted_h, wanted_c = theirs(given[0], (given[1], given[2]))
            np.testing.assert_allclose(state.c, wanted_c[0], rtol=1e-12)
        else:
            wanted_h = theirs(given[0], given[1])
    np.testing.assert_allclose(state.h, wanted_h[0], rtol=1e-12, atol=1e-15)


def test_router_columns_are_x_then_c_then_h():
    _, [[weights]], _ = make()
    weights.router.weights["router_weight"][:] = 0
    weights.router.weights["router_weight"][1, 0] = 1  # x[0]
    weights.router.weights["router_weight"][1, 3] = 10  # c[0]
    weights.router.weights["router_weight"][1, 8] = 100  # h[0]
    weights.router.weights["router_bias"][:] = [0, 0.5, -np.inf]
    x, state = np.array([0.1, 9, 9]), State(np.full(5, 0.003), np.full(5, 0.02))
    p, _ = route(weights.router.prepare(x), state, weights, "state")
    logit = 0.1 + 0.2 + 0.3 + 0.5
    assert p == pytest.approx([1 / (1 + np.exp(logit)), 1 / (1 + np.exp(-logit)), 0])


def test_the_router_does_not_overflow():
    _, [[weights]], _ = make()
    weights.router.weights["router_weight"][:] = 0
    weights.router.weights["router_bias"][:] = [1e4, -1e4, 0]
    prepared, state = weights.router.prepare(np.zeros(3)), State(np.zeros(5), np.zeros(5))
    p, _ = route(prepared, state, weights, "state")
    assert p.tolist() == [1, 0, 0]


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
@pytest.mark.parametrize("skim_input", ["prefix", "full"])
def test_a_skim_changes_the_first_units_only_and_a_skip_none(cell, skim_input):
    config, [[weights]], random = make(cell=cell, skim_input=skim_input)
    h, c = random.normal(size=(2, 5))
    before = State(h.copy(), c.copy() if cell == "lstm" else None)
    skimmed = update(random.normal(size=3), before, 1, weights, config)
    skipped = update(random.normal(size=3), before, 2, weights, config)
    for old, new, same in zip(before, skimmed, skipped, strict=True):
        if old is None:
            assert new is same is None
            continue
        np.testing.assert_array_equal(new[2:], old[2:])
        assert (new[:2] != old[:2]).all()
        np.testing.assert_array_equal(same, old)
    np.testing.assert_array_equal(before.h, h)  # the state given is not modified


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_prefix_sees_the_first_units_and_full_sees_all(cell):
    """Moving a unit beyond S changes a skim's result only if the small cell sees it."""
    for skim_input, sees in (("prefix", False), ("full", True)):
        config, [[weights]], random = make(cell=cell, skim_input=skim_input)
        x, h, c = random.normal(size=3), *random.normal(size=(2, 5))
        state = State(h, c if cell == "lstm" else None)
        moved = state._replace(h=h + np.array([0, 0, 0, 0, 1.0]))
        one, other = (update(x, s, 1, weights, config).h[:2] for s in (state, moved))
        assert (one != other).all() == sees
        assert np.array_equal(one, other) is not sees


def test_a_step_gives_the_state_the_level_and_p():
    config, [[weights]], random = make()
    x, state = random.normal(size=3), State(*random.normal(size=(2, 5)))
    asked = []
    prepared = weights.router.prepare(x)
    new, level, p = step(x, prepared, state, weights, config, lambda p: asked.append(p) or 1)
    assert level == 1
    assert asked == [p] or np.array_equal(asked[0], p)
    np.testing.assert_array_equal(p, route(prepared, state, weights, "state")[0])
    np.testing.assert_array_equal(new.h, update(x, state, 1, weights, config).h)


def test_the_plain_rnn_asks_nobody():
    config, [[weights]], random = make(levels=(5,))
    state = State(np.zeros(5), np.zeros(5))
    new, level, p = step(random.normal(size=3), None, state, weights, config, choose=None)
    assert (level, p.tolist()) == (0, [1])
    assert new.h.any()


def test_a_sequence_goes_through_layers_and_directions_in_text_order():
    """Backwards is forwards on the reversed text; the second layer sees both, forward first."""
    config, weights, random = make(num_layers=2, bidirectional=True)
    x = random.normal(size=(6, 3))
    asked = [[[], []], [[], []]]
    choosers = [
        [lambda p, i=i, j=j: asked[i][j].append(p) or len(asked[i][j]) % 3 for j in (0, 1)]
        for i in (0, 1)
    ]
    read = read_sequence(x, weights, config, choosers)

    def alone(x, layer, direction):
        one = SkimConfig(**config.to_dict() | {"num_layers": 1, "bidirectional": False})
        one = SkimConfig(**one.to_dict() | {"input_size": x.shape[1]})
        count = iter(range(1, 100))
        row = x[::-1] if direction else x
        result = read_sequence(
            row, [[weights[layer][direction]]], one, [[lambda p: next(count) % 3]]
        )
        output = result.output[::-1] if direction else result.output
        return output, result

    for layer in (0, 1):
        outputs = []
        for direction in (0, 1):
            output, result = alone(x, layer, direction)
            outputs.append(output)
            order = slice(None, None, -1 if direction else 1)
            np.testing.assert_array_equal(read.level[layer, direction], result.level[0, 0][order])
            np.testing.assert_array_equal(read.p[layer, direction], result.p[0, 0][order])
            np.testing.assert_array_equal(read.h_n[2 * layer + direction], result.h_n[0])
            np.testing.assert_array_equal(read.c_n[2 * layer + direction], result.c_n[0])
        x = np.concatenate(outputs, axis=1)
    np.testing.assert_array_equal(read.output, x)
    assert read.level[0].tolist() == [[1, 2, 0, 1, 2, 0], [0, 2, 1, 0, 2, 1]]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_no_token_leaves_the_initial_state(cell):
    config, weights, random = make(cell=cell, num_layers=2)
    h, c = random.normal(size=(2, 2, 5))
    initial = (h, c if cell == "lstm" else None)
    read = read_sequence(np.zeros((0, 3)), weights, config, [[None]] * 2, initial)
    assert read.output.shape == (0, 5)
    assert read.p.shape == (2, 1, 0, 3)
    np.testing.assert_array_equal(read.h_n, h)
    assert (read.c_n is None) == (cell != "lstm")
    zeros = read_sequence(np.zeros((0, 3)), weights, config, [[None]] * 2)
    assert (zeros.h_n == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_is_that_of_the_parameters(dtype):
    config, weights, random = make(dtype=dtype, num_layers=2, bidirectional=True)
    x = random.normal(size=(4, 3)).astype(dtype)
    read = read_sequence(x, weights, config, [[lambda p: 1] * 2] * 2)
    assert {part.dtype for part in (read.output, read.h_n, read.c_n, read.p)} == {np.dtype(dtype)}
    assert read.level.dtype == np.int8


def test_missing_biases_are_zeros():
    _, [[weights]], _ = make(bias=False)
    for cell in weights.cells[:2]:
        assert not cell.bias_ih.any()
        assert not cell.bias_hh.any()
    assert weights.cells[2] is None
    assert weights.router.weights["router_bias"].shape == (3,)


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([np.float32, np.float64]))
def test_a_product_is_bitwise_that_of_each_row_alone(rows, columns, dtype):
    random = np.random.default_rng(rows * 41 + columns)
    matrix = random.normal(size=(rows, columns)).astype(dtype)
    vector = random.normal(size=columns).astype(dtype)
    whole = product(matrix, vector)
    assert whole.dtype == dtype
    np.testing.assert_allclose(whole, matrix.astype(float) @ vector, rtol=1e-3, atol=1e-5)
    for row in range(rows):
        assert product(matrix[row : row + 1], vector)[0] == whole[row]


@given(st.floats(-1e4, 1e4))
def test_sigmoid_is_the_logistic_function_and_never_overflows(x):
    with np.errstate(all="raise", under="ignore"):
        value = float(sigmoid(np.float64(x)))
    assert 0 <= value <= 1
    assert value == pytest.approx(1 / (1 + np.exp(-min(max(x, -700), 700))), rel=1e-9, abs=1e-15)
