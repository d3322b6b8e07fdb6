"""The equations of ``reference.py`` as an ONNX graph for whole batches.

Standard operators cannot skip for one text of a batch and not for another, so every cell that may
be taken is computed at every word and ``Where`` keeps what the router chose: what comes out is what
our readers give, at the cost of all cells. The loop over the words is a ``Scan``; what words
contribute by themselves is one product before it.

Letters: B batch, T tokens, E a layer's input size, D hidden size, K levels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skimrnn.config import SkimConfig
from skimrnn.decision import ARGMAX
from skimrnn.export.graph import (
    Graph,
    OnnxOps,
    Value,
    concatenate,
    softmax,
    split,
    where,
)
from skimrnn.reference import CellWeights, DirectionWeights
from skimrnn.routers import Router

Array = NDArray[Any]

PADDING = -1
"""The level of what stands past a text's length."""


class State(NamedTuple):
    """What a layer carries from token to token.

    Attributes:
        h: hidden states, (B, D).
        c: cell states, (B, D); None but for the LSTM.
        memory: what the router remembers, (B, R); None where that is nothing, and in what cells
            take and give.
    """

    h: Value
    c: Value | None = None
    memory: Value | None = None


class Network(NamedTuple):
    """What the layers give.

    Attributes:
        output: h after every token, (T, B, directions * D); past a text's length its last.
        h_n: last hidden state of each layer and direction, each (B, D).
        c_n: last cell states, likewise; empty but for the LSTM.
        level: level of every token in each layer and direction, each int64 (T, B, 1).
    """

    output: Value
    h_n: list[Value]
    c_n: list[Value]
    level: list[Value]


# ---- the cells: what the token says, what they see of h, and the units that they replace --------


def lstm_cell(token: Value, seen: Value, own: State, w: CellWeights) -> State:
    """One LSTM step; gates i, f, g, o."""
    assert own.c is not None
    i, f, g, o = split(token + OnnxOps.linear(seen, w.weight_hh, w.bias_hh), 4)
    c = OnnxOps.sigmoid(f) * own.c + OnnxOps.sigmoid(i) * OnnxOps.tanh(g)
    return State(OnnxOps.sigmoid(o) * OnnxOps.tanh(c), c)


def gru_cell(token: Value, seen: Value, own: State, w: CellWeights) -> State:
    """One GRU step; gates r, z, n, with the recurrent bias of n inside the reset."""
    r_x, z_x, n_x = split(token, 3)
    r_h, z_h, n_h = split(OnnxOps.linear(seen, w.weight_hh, w.bias_hh), 3)
    r, z = OnnxOps.sigmoid(r_x + r_h), OnnxOps.sigmoid(z_x + z_h)
    n = OnnxOps.tanh(n_x + r * n_h)
    return State(n + z * (own.h - n))


def tanh_cell(token: Value, seen: Value, own: State, w: CellWeights) -> State:
    """One Elman step with tanh."""
    return State(OnnxOps.tanh(token + OnnxOps.linear(seen, w.weight_hh, w.bias_hh)))


def relu_cell(token: Value, seen: Value, own: State, w: CellWeights) -> State:
    """One Elman step with relu."""
    return State(OnnxOps.relu(token + OnnxOps.linear(seen, w.weight_hh, w.bias_hh)))


CELLS: dict[str, Callable[[Value, Value, State, CellWeights], State]] = {
    "lstm": lstm_cell,
    "gru": gru_cell,
    "rnn_tanh": tanh_cell,
    "rnn_relu": relu_cell,
}


# ---- one token: route, then compute every level and keep one ------------------------------------


def fixed_level(config: SkimConfig, threshold: float | str) -> int | None:
    """The level of every token, if the threshold or the layer leaves no choice."""
    if not config.skims:
        return 0
    if threshold == ARGMAX:
        return None
    if threshold >= 1:  # type: ignore[operator]
        return 0
    return len(config.levels) - 1 if threshold < 0 else None  # type: ignore[operator]


def choose_level(p: Value, threshold: float | str) -> Value:
    """The level (B, 1) that a threshold from 0 to 1, or "argmax", picks from p (B, K)."""
    graph = p.graph
    if threshold == ARGMAX:
        return graph.one("ArgMax", p, axis=-1, keepdims=1, select_last_index=1)
    # The share of a level or a deeper one falls with the level, so the levels whose share exceeds
    # the threshold are the first ones, and their number is the deepest.
    share = graph.one("CumSum", p, np.array(1), reverse=1)
    exceeds = graph.one("Greater", share, np.array(threshold, np.float32))
    deeper = exceeds.columns(1, np.iinfo(np.int64).max)
    return graph.one("ReduceSum", graph.one("Cast", deeper, to=_INT64), np.array([-1]), keepdims=1)


def route(
    token: Value, state: State, router: Router, router_input: str
) -> tuple[Value, Value | None]:
    """The probability of each level, float32 (B, K), from the state before, and what is kept."""
    seen = state.h
    if router_input == "state":
        assert state.c is not None
        seen = concatenate([state.c, state.h], axis=-1)
    logits, kept = router.route(token, seen, state.memory)
    return token.graph.one("Cast", softmax(logits), to=_FLOAT), kept


def update(token: Value, state: State, level: int, w: DirectionWeights, c: SkimConfig) -> State:
    """The state after a token at this level; units from ``levels[level]`` on are copied."""
    cell, size = w.cells[level], c.levels[level]
    assert cell is not None
    if size == c.hidden_size:
        return CELLS[c.cell](token, state.h, state, cell)
    own = State(*(None if part is None else part.columns(0, size) for part in state))  # type: ignore[arg-type]
    seen = own.h if c.skim_input == "prefix" else state.h
    new = CELLS[c.cell](token, seen, own, cell)
    whole = (
        None
        if part is None or old is None
        else concatenate([part, old.columns(size, c.hidden_size)], axis=-1)
        for part, old in zip(new, state, strict=True)
    )
    return State(*whole)  # type: ignore[arg-type]


# ---- a batch, through all layers and directions -------------------------------------------------


def read_batch(
    x: Value,
    real: Value,
    weights: Sequence[Sequence[DirectionWeights]],
    config: SkimConfig,
    threshold: float | str,
) -> Network:
    """Read a batch of sequences through every layer and direction.

    Args:
        x: token vectors, (T, B, E).
        real: whether there is such a token, bool (T, B, 1).
        weights: parameters per layer and direction, from ``reference.unpack`` with routers that
            are written in ``OnnxOps``.
        config: the layers' options.
        threshold: θ, a number or "argmax".
    """
    h_n, c_n, levels = [], [], []
    for layer in weights:
        outputs = []
        for direction, own in enumerate(layer):
            output, last, level = _direction(x, real, own, config, threshold, bool(direction))
            outputs.append(output)
            levels.append(level)
            h_n.append(last.h)
            if last.c is not None:
                c_n.append(last.c)
        x = concatenate(outputs, axis=-1)
    return Network(x, h_n, c_n, levels)


def _direction(
    x: Value,
    real: Value,
    weights: DirectionWeights,
    config: SkimConfig,
    threshold: float | str,
    backward: bool,
) -> tuple[Value, State, Value]:
    """The output h (T, B, D), the last state, and the levels (T, B, 1)."""
    from onnx import TensorProto, helper

    graph, body = x.graph, Graph(x.graph)
    fixed = fixed_level(config, threshold)
    levels = range(len(config.levels)) if fixed is None else [fixed]
    cells = {level: cell for level in levels if (cell := weights.cells[level]) is not None}
    number = TensorProto.DOUBLE if _dtype(weights) == np.float64 else TensorProto.FLOAT

    # What each step sees: whether there is a token, and what it says to each cell and the router.
    given = [OnnxOps.linear(x, cell.weight_ih, cell.bias_ih) for cell in cells.values()]
    batch = graph.one("Slice", graph.one("Shape", real), np.array([1]), np.array([2]))
    if fixed is None:
        assert weights.router is not None
        said = weights.router.prepare(x)
        if config.following:
            said = _joined(said, real, batch, weights.router, config.following, number, backward)
        given.append(said)
    given.append(real)
    tokens = [body.value("token") for _ in given]

    # The states of the batch, zero at first; a router remembers what it begins with.
    shape = graph.one("Concat", batch, np.array([config.hidden_size]), axis=0)
    zero = helper.make_tensor("zero", number, [1], [0])
    zeros = graph.one("ConstantOfShape", shape, value=zero)
    of_cells = State(body.value("h"), body.value("c") if config.cell == "lstm" else None)
    states = [part for part in of_cells if part is not None]
    count, first, old = len(states), [zeros] * len(states), of_cells
    if fixed is None and config.memory:
        old = of_cells._replace(memory=body.value("memory"))
        first.append(_repeated(config.memory, batch, zeros))

    taken = Value(body, tokens[-1].name)
    if fixed is None:
        assert weights.router is not None
        assert config.router_input is not None
        p, noted = route(tokens[-2], old, weights.router, config.router_input)
        level = choose_level(p, threshold)
    else:
        level = Value(body, body.constant(np.array([[fixed]])))
    level = where(taken, level, np.array(PADDING))
    kept = list(states)
    for token, number_of in zip(tokens, cells, strict=False):
        new = update(token, of_cells, number_of, weights, config)
        here = body.one("Equal", level, np.array(number_of))
        parts = (part for part in new if part is not None)
        kept = [where(here, part, so_far) for part, so_far in zip(parts, kept, strict=True)]
    if not cells:  # every token is skipped: an output must be computed all the same
        kept = [body.one("Identity", part) for part in states]
    after = [body.one("Identity", kept[0]), level]
    if old.memory is not None:
        assert weights.router is not None
        skimmed = body.one("CastLike", body.one("Greater", level, np.array(0)), old.memory)
        states.append(old.memory)
        kept.append(where(taken, weights.router.remember(noted, skimmed), old.memory))

    numbers = [number] * len(states)
    loop = helper.make_graph(
        body.nodes,
        "word",
        _infos([*states, *tokens], [*numbers, *[number] * (len(tokens) - 1), TensorProto.BOOL]),
        _infos([*kept, *after], [*numbers, number, TensorProto.INT64]),
    )
    way = int(backward)
    *last, output, chosen = graph.add(
        "Scan",
        *first,
        *given,
        outputs=len(states) + 2,
        body=loop,
        num_scan_inputs=len(given),
        scan_input_directions=[way] * len(given),
        scan_output_directions=[way] * 2,
    )
    return output, State(*last[:count]), chosen


def _joined(
    said: Value,
    real: Value,
    batch: Value,
    router: Router,
    nothing: tuple[float, ...],
    number: int,
    backward: bool,
) -> Value:
    """What tokens say (T, B, anything) once what follows them is known: a loop the other way."""
    from onnx import TensorProto, helper

    graph, body = said.graph, Graph(said.graph)
    following, token, taken = (body.value(what) for what in ("following", "token", "taken"))
    before = where(taken, router.foresee(token, following), following)  # as at the end, past it
    given, types = [following, token, taken], [number, number, TensorProto.BOOL]
    here = body.one("Identity", following)
    loop = helper.make_graph(
        body.nodes, "ahead", _infos(given, types), _infos([before, here], [number, number])
    )
    way = int(not backward)
    _, follows = graph.add(
        "Scan",
        _repeated(nothing, batch, said),
        said,
        real,
        outputs=2,
        body=loop,
        num_scan_inputs=2,
        scan_input_directions=[way] * 2,
        scan_output_directions=[way],
    )
    joined: Value = router.join(said, follows)
    return joined


def _repeated(numbers: tuple[float, ...], batch: Value, like: Value) -> Value:
    """The numbers for each text of the batch, (B, how many)."""
    graph = batch.graph
    one = graph.one("CastLike", np.array(numbers), like)
    return graph.one("Expand", one, graph.one("Concat", batch, np.array([len(numbers)]), axis=0))


def _infos(values: Sequence[Value], types: Sequence[int]) -> list[Any]:
    from onnx import helper

    return [
        helper.make_tensor_value_info(value.name, kind, None)
        for value, kind in zip(values, types, strict=True)
    ]


def _dtype(weights: DirectionWeights) -> np.dtype[Any]:
    assert weights.cells[0] is not None
    return np.dtype(weights.cells[0].weight_ih.dtype)


_FLOAT, _INT64 = 1, 7
"""ONNX's numbers for the types of elements."""
