"""Skim-RNN in plain NumPy, one token at a time: the equations, slow and obvious.

Every other implementation is tested against this one, and this file is never optimised. It skips
for real: the cell that was not chosen is not computed. Each sum runs over a row in a fixed order
(``product``), so a text is read bitwise the same alone and beside others.

Letters: E a layer's input size, D hidden size, S skim size, K levels, G gates.

Source: Seo, Min, Farhadi, Hajishirzi, "Neural Speed Reading via Skim-RNN", ICLR 2018. Where the
paper is open or the authors' code differs, docs/paper.md says which reading this is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skimrnn.cell_parameters import cell_parameters
from skimrnn.config import SkimConfig, parameter_suffix
from skimrnn.routers import LOG_OF_NOTHING, Router, check_logits, find_router

Array = NDArray[Any]
Choose = Callable[[Array], int]
"""Picks a level from the probabilities (K,); ``decision.Chooser`` is the usual one."""


class State(NamedTuple):
    """What a layer carries from token to token.

    Attributes:
        h: hidden state, (D,).
        c: cell state, (D,); None but for the LSTM.
        memory: what the router remembers, (R,); None in what cells take and give.
    """

    h: Array
    c: Array | None = None
    memory: Array | None = None


@dataclass(frozen=True)
class CellWeights:
    """One cell, full or small: (G*size, inputs), (G*size, seen) and two biases (G*size,)."""

    weight_ih: Array
    weight_hh: Array
    bias_ih: Array
    bias_hh: Array


@dataclass(frozen=True)
class DirectionWeights:
    """All that one direction of one layer learned.

    Attributes:
        cells: the cell of each level; None where the level copies the state (S = 0).
        router: what gives the logits of the levels; None for the plain RNN.
    """

    cells: tuple[CellWeights | None, ...]
    router: Router | None


class SequenceReading(NamedTuple):
    """What reading one sequence gives.

    Attributes:
        output: h after every token, (T, directions * D).
        h_n: last hidden state of each layer and direction, (layers * directions, D).
        c_n: last cell state, likewise; None but for the LSTM.
        level: level taken, int8 (layers, directions, T), in text order.
        p: router probabilities, (layers, directions, T, K), in text order.
        memory: what the routers remember in the end, (layers * directions, R).
    """

    output: Array
    h_n: Array
    c_n: Array | None
    level: NDArray[np.int8]
    p: Array
    memory: Array


# ---- the cells: x (E,), what they see of h, and the units of the state they replace ---------


def lstm_cell(x: Array, seen: Array, own: State, w: CellWeights) -> State:
    """One LSTM step; gates i, f, g, o."""
    assert own.c is not None
    gates = product(w.weight_ih, x) + w.bias_ih + product(w.weight_hh, seen) + w.bias_hh
    i, f, g, o = np.split(gates, 4)
    c = sigmoid(f) * own.c + sigmoid(i) * np.tanh(g)
    return State(sigmoid(o) * np.tanh(c), c)


def gru_cell(x: Array, seen: Array, own: State, w: CellWeights) -> State:
    """One GRU step; gates r, z, n, with the recurrent bias of n inside the reset."""
    r_x, z_x, n_x = np.split(product(w.weight_ih, x) + w.bias_ih, 3)
    r_h, z_h, n_h = np.split(product(w.weight_hh, seen) + w.bias_hh, 3)
    r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
    n = np.tanh(n_x + r * n_h)
    return State((1 - z) * n + z * own.h)


def tanh_cell(x: Array, seen: Array, own: State, w: CellWeights) -> State:
    """One Elman step with tanh."""
    return State(np.tanh(_elman(x, seen, w)))


def relu_cell(x: Array, seen: Array, own: State, w: CellWeights) -> State:
    """One Elman step with relu."""
    return State(np.maximum(_elman(x, seen, w), 0))


def _elman(x: Array, seen: Array, w: CellWeights) -> Array:
    return product(w.weight_ih, x) + w.bias_ih + product(w.weight_hh, seen) + w.bias_hh


CELLS = {"lstm": lstm_cell, "gru": gru_cell, "rnn_tanh": tanh_cell, "rnn_relu": relu_cell}


# ---- what the router is told of the tokens, besides the state -----------------------------------


def prepare(
    x: Array, weights: DirectionWeights, config: SkimConfig, order: Sequence[int]
) -> list[Array]:
    """What each of the tokens x (T, E) says to the router, with what follows it in the order."""
    router = weights.router
    if router is None:
        return list(x)
    prepared = [router.prepare(token) for token in x]
    if config.following:
        following = np.array(config.following, x.dtype)
        for t in reversed(order):
            alone = prepared[t]
            prepared[t] = router.join(alone, following)
            following = router.foresee(alone, following)
    return prepared


# ---- one token: route, then read or skim ------------------------------------------------------


def route(
    prepared: Array, state: State, weights: DirectionWeights, router_input: str
) -> tuple[Array, Array]:
    """The probability of each level, (K,), and what is kept.

    From a token as ``prepare`` gives it, and the state *before* it.
    """
    router, seen = weights.router, state.h
    assert router is not None
    if router_input == "state":
        assert state.c is not None
        seen = np.concatenate([state.c, state.h])
    logits, kept = router.route(prepared, seen, state.memory)
    check_logits(router, logits)
    exponentials = np.exp(logits - logits.max())
    return np.asarray(exponentials / exponentials.sum()), kept


def update(x: Array, state: State, level: int, weights: DirectionWeights, c: SkimConfig) -> State:
    """The cells' state after a token at this level; units from ``levels[level]`` on are copied."""
    cell, size = weights.cells[level], c.levels[level]
    if cell is None:
        return state
    own = State(state.h[:size], None if state.c is None else state.c[:size])
    seen = own.h if level and c.skim_input == "prefix" else state.h
    new = CELLS[c.cell](x, seen, own, cell)
    h = np.concatenate([new.h, state.h[size:]])
    if new.c is None or state.c is None:
        return state._replace(h=h)
    return state._replace(h=h, c=np.concatenate([new.c, state.c[size:]]))


def step(
    x: Array,
    prepared: Array,
    state: State,
    weights: DirectionWeights,
    config: SkimConfig,
    choose: Choose,
) -> tuple[State, int, Array]:
    """Read or skim one token.

    Args:
        x: the token's vector, (E,).
        prepared: what ``prepare`` gave for it.
        state: the state before the token; not modified.
        weights: this direction's parameters.
        config: the layer's options.
        choose: picks the level from the probabilities.

    Returns:
        The state after the token, the level taken, and the probabilities (K,).
    """
    if not config.skims:
        return update(x, state, 0, weights, config), 0, np.ones(1, dtype=x.dtype)
    assert weights.router is not None
    assert config.router_input is not None
    p, kept = route(prepared, state, weights, config.router_input)
    level = choose(p)
    memory = weights.router.remember(kept, np.array([level > 0], x.dtype))
    return update(x, state, level, weights, config)._replace(memory=memory), level, p


# ---- a sequence, through all layers and directions --------------------------------------------


def read_sequence(
    x: Array,
    weights: Sequence[Sequence[DirectionWeights]],
    config: SkimConfig,
    choosers: Sequence[Sequence[Choose]],
    initial: tuple[Array | None, ...] | None = None,
) -> SequenceReading:
    """Read one sequence of vectors through every layer and direction.

    Args:
        x: token vectors, (T, E); T may be 0.
        weights: parameters per layer and direction, from ``unpack``.
        config: the layers' options.
        choosers: one per layer and direction, each fresh for this sequence.
        initial: ``(h_0, c_0)``, each (layers * directions, D), and what the routers remember,
            (layers * directions, R), if they do not begin anew; zeros if None.

    Returns:
        Outputs, final states, levels and probabilities.
    """
    tokens, directions = len(x), config.directions
    level = np.zeros((config.num_layers, directions, tokens), dtype=np.int8)
    p = np.zeros((*level.shape, len(config.levels)), dtype=x.dtype)
    final: list[State] = []
    for layer in range(config.num_layers):
        outputs = np.zeros((tokens, directions, config.hidden_size), dtype=x.dtype)
        for direction in range(directions):
            state = initial_state(config, layer * directions + direction, x.dtype, initial)
            own, choose = weights[layer][direction], choosers[layer][direction]
            order = range(tokens - 1, -1, -1) if direction else range(tokens)
            prepared = prepare(x, own, config, order)
            for t in order:
                state, level[layer, direction, t], p[layer, direction, t] = step(
                    x[t], prepared[t], state, own, config, choose
                )
                outputs[t, direction] = state.h
            final.append(state)
        x = outputs.reshape(tokens, directions * config.hidden_size)
    c_n = np.stack([state.c for state in final]) if config.cell == "lstm" else None  # type: ignore[misc]
    memory = np.stack([state.memory for state in final])  # type: ignore[misc]
    return SequenceReading(x, np.stack([state.h for state in final]), c_n, level, p, memory)


def initial_state(
    config: SkimConfig, index: int, dtype: Any, initial: tuple[Array | None, ...] | None
) -> State:
    """The state that layer and direction number ``index`` starts from."""
    zeros = np.zeros(config.hidden_size, dtype=dtype)
    start = State(zeros, zeros if config.cell == "lstm" else None, np.array(config.memory, dtype))
    given = zip(State._fields, initial or (), strict=False)
    return start._replace(**{name: part[index] for name, part in given if part is not None})


def unpack(
    parameters: Mapping[str, Array], config: SkimConfig
) -> tuple[tuple[DirectionWeights, ...], ...]:
    """The parameters of ``config.parameter_shapes()`` grouped by layer and direction."""
    return tuple(
        tuple(_direction(parameters, config, layer, d) for d in range(config.directions))
        for layer in range(config.num_layers)
    )


def _direction(
    parameters: Mapping[str, Array], config: SkimConfig, layer: int, direction: int
) -> DirectionWeights:
    suffix = parameter_suffix(layer, direction)

    def cell(level: int) -> CellWeights:
        own = cell_parameters(parameters, config, level, f"_{suffix}")
        zeros = np.zeros(len(own[0]), dtype=own[0].dtype)
        return CellWeights(*(zeros if part is None else part for part in own))

    cells = tuple(cell(level) if size else None for level, size in enumerate(config.levels))
    router = None
    if config.skims:
        own = {name: parameters[f"{name}_{suffix}"] for name in config.router_shapes(layer)}
        inputs = config.layer_input_size(layer)
        made = find_router(config.router)
        router = made(own, inputs, NumpyOps, config.router_options, config.levels)
    return DirectionWeights(cells, router)


# ---- arithmetic ---------------------------------------------------------------------------------


def product(matrix: Array, vector: Array) -> Array:
    """Matrix (n, m) times vector (m,), every row summed in the same fixed order.

    ``einsum`` rather than ``@``: a BLAS may split or reorder the sum by size or threads.
    """
    return np.asarray(np.einsum("ij,j->i", matrix, vector))


def sigmoid(x: Array) -> Array:
    """The logistic function, by tanh: it cannot overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


class NumpyOps:
    """The arithmetic that routers are written in (``routers.Ops``), for one token."""

    tanh = staticmethod(np.tanh)
    sigmoid = staticmethod(sigmoid)

    @staticmethod
    def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
        """``weight x + bias`` of x (in,), in a fixed order."""
        return product(weight, x) if bias is None else product(weight, x) + bias

    @staticmethod
    def relu(x: Array) -> Array:
        """0 where x is below 0."""
        return np.maximum(x, 0)

    @staticmethod
    def log(x: Array) -> Array:
        """The natural logarithm, ``LOG_OF_NOTHING`` where x is not above 0."""
        return np.log(x, out=np.full_like(x, LOG_OF_NOTHING), where=x > 0)

    minimum = staticmethod(np.minimum)
    concatenate = staticmethod(np.concatenate)

    @staticmethod
    def complement(x: Array) -> Array:
        """1 - x."""
        return 1 - x

    @staticmethod
    def largest(x: Array, count: int) -> Array:
        """1 at the ``count`` largest, of equal ones the first; else 0."""
        marks = np.zeros_like(x)
        marks[np.argsort(-x, kind="stable")[:count]] = 1
        return marks

    @staticmethod
    def choose(sign: Array, x: Array, y: Array) -> Array:
        """``x`` where the sign (1,) is below 0, else ``y``."""
        return np.where(sign < 0, x, y)

    @staticmethod
    def constant(numbers: Sequence[Any], like: Array) -> Array:
        """Numbers as an array of the other's dtype."""
        return np.array(numbers, like.dtype)

    @staticmethod
    def argmax(x: Array) -> Array:
        """The place of the largest, (1,), of equal ones the first."""
        return np.array([x.argmax()], x.dtype)

    full = staticmethod(np.full_like)

    @staticmethod
    def columns(x: Array, begin: int, end: int) -> Array:
        """Those from ``begin`` to before ``end``."""
        return x[begin:end]
