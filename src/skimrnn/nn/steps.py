"""Through one direction of a layer in torch, token by token: mixed in training, else chosen.

``walk`` takes a batch from step to step. ``Mixing`` computes every level and mixes; ``Choosing``
takes each row to one level and lets it enter no other cell's product, and so does ``Drawing``,
where what decides is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from skimrnn.cell_parameters import cell_parameters
from skimrnn.config import SkimConfig
from skimrnn.nn.cells import CELLS, CellWeights, State
from skimrnn.nn.router import Choices, Routing, TorchOps
from skimrnn.nn.rule import Choose, Mix
from skimrnn.nn.sequences import Ragged
from skimrnn.routers import find_router


class Direction(NamedTuple):
    """What one direction of one layer works with: its cells by level, and its router."""

    config: SkimConfig
    cells: list[CellWeights | None]
    router: Routing

    @classmethod
    def of(cls, config: SkimConfig, layer: int, tensors: Mapping[str, Tensor]) -> Direction:
        """Made of its parameters, by their names without suffix; biases may be absent."""
        cells = [
            CellWeights(*cell_parameters(tensors, config, level)) if size else None
            for level, size in enumerate(config.levels)
        ]
        own = {name: tensors[name] for name in config.router_shapes(layer)}
        inputs = config.layer_input_size(layer)
        made = find_router(config.router)
        router = made(own, inputs, TorchOps, config.router_options, config.levels)
        assert config.router_input is not None
        routing = Routing(router, config.router_input, config.memory, config.following)
        return cls(config, cells, routing)

    def update(self, level: int, x_part: Tensor, state: State) -> State:
        """The cells' state after a token at this level; units from S on are copied."""
        cell, size = self.cells[level], self.config.levels[level]
        assert cell is not None
        if level == 0:
            return CELLS[self.config.cell](x_part, state.h, state, cell)
        own = state.map(lambda part: part[:, :size])
        seen = own.h if self.config.skim_input == "prefix" else state.h
        new = CELLS[self.config.cell](x_part, seen, own, cell)
        return new.merge(state, lambda part, old: torch.cat([part, old[:, size:]], dim=1))

    def take(self, levels: Tensor, x: Tensor, state: State) -> State:
        """The cells' state after tokens x (rows, E), each row taken to one level (rows,)."""
        new = state
        for level, cell in enumerate(self.cells):
            rows = (levels == level).nonzero()[:, 0]
            if cell is None or not len(rows):
                continue
            x_part = functional.linear(x[rows], cell.weight_ih, cell.bias_ih)
            new = new.put(rows, self.update(level, x_part, state.take(rows)))
        return new


class SequenceRead(NamedTuple):
    """One direction of one layer over a batch of N tokens.

    Attributes:
        outputs: h after each token, (N, D).
        log_p: log-probabilities, (N, K).
        levels: the level taken, or in training the one with the largest share, (N,).
        state: the last state of the B texts, without a router's memory.
        choices: what was drawn, if that is what decided.
    """

    outputs: Tensor
    log_p: Tensor
    levels: Tensor
    state: State
    choices: Choices | None = None


Step = Callable[[int, State], tuple[State, Tensor, Tensor]]


def walk(take_step: Step, layout: Ragged, initial: State, backwards: bool) -> SequenceRead:
    """Take a batch through all of its steps.

    Args:
        take_step: from t and the state before to that after it, log-probabilities and levels.
        layout: where the tokens lie.
        initial: the state before the first token, of B texts.
        backwards: whether to begin at each text's end.
    """
    outputs, log_p, levels = ([initial.h] * layout.steps for _ in range(3))
    state, ended = initial.rows(0, 0), []
    for t in reversed(range(layout.steps)) if backwards else range(layout.steps):
        alive, rows = len(state.h), layout.sizes[t]
        if rows > alive:  # texts begin: at the first token, or backwards at their last
            begun = initial.rows(alive, rows)
            state = state.above(begun) if alive else begun
        elif rows < alive:  # texts ended
            ended.append(state.rows(rows, alive))
            state = state.rows(0, rows)
        state, log_p[t], levels[t] = take_step(t, state)
        outputs[t] = state.h
    for rest in reversed(ended):
        state = state.above(rest)
    read = torch.cat(outputs), torch.cat(log_p), torch.cat(levels)
    return SequenceRead(*read, state.of_cells())


class Mixing:
    """A training step: every level computed, mixed by the Gumbel-softmax."""

    def __init__(
        self,
        mix: Mix,
        parts: Direction,
        x: Tensor,
        layout: Ragged,
        noise: Tensor,
        backwards: bool,
    ) -> None:
        self._parts = parts
        self._mix = mix
        self._noise = layout.split(noise.to(x.dtype))
        self._prepared = layout.split(parts.router.prepare(x, layout, backwards))
        self._inputs = [
            None if w is None else layout.split(functional.linear(x, w.weight_ih, w.bias_ih))
            for w in parts.cells
        ]

    def __call__(self, t: int, state: State) -> tuple[State, Tensor, Tensor]:
        """The mixed state after step t, the log-probabilities and the levels with most share."""
        log_p, kept = self._parts.router(self._prepared[t], state)
        share = self._mix(log_p, self._noise[t])
        memory = self._parts.router.remember(kept, share[:, 1:].sum(dim=1))
        state, mixed = state.of_cells(), None
        for level, inputs in enumerate(self._inputs):
            new = state if inputs is None else self._parts.update(level, inputs[t], state)
            weighted = new.weighted(share[:, level : level + 1])
            mixed = weighted if mixed is None else mixed.merge(weighted, torch.add)
        assert mixed is not None
        return mixed._replace(memory=memory), log_p, share.argmax(dim=1)


class Choosing:
    """A step in ``eval()``: each row takes one level, and enters no other cell's product.

    Args:
        module: the layer, for its rule.
        parts: its cells and router.
        x: the tokens (N, E).
        layout: where they lie.
        backwards: whether texts are read from their ends.
        levels: the level to take each token at, (N,); the rule chooses if None.
    """

    def __init__(
        self,
        module: Any,
        parts: Direction,
        x: Tensor,
        layout: Ragged,
        backwards: bool,
        levels: Tensor | None = None,
    ) -> None:
        self._parts = parts
        self._x = layout.split(x)
        self._prepared = layout.split(parts.router.prepare(x, layout, backwards))
        self._given = None if levels is None else layout.split(levels)
        if levels is None:
            self._choose = Choose(
                layout.batch, module.threshold, module.budget, module.burst, layout.order, x.device
            )

    def __call__(self, t: int, state: State) -> tuple[State, Tensor, Tensor]:
        """The state after step t, the log-probabilities and the levels taken."""
        log_p, kept = self._parts.router(self._prepared[t], state)
        levels = self._choose(log_p.exp()) if self._given is None else self._given[t]
        memory = self._parts.router.remember(kept, (levels > 0).to(log_p.dtype))
        new = self._parts.take(levels, self._x[t], state.of_cells())
        return new._replace(memory=memory), log_p, levels


class Drawing:
    """A training step of a router that is reinforced: its choices are drawn, each row follows them.

    Args:
        parts: the cells and the router.
        x: the tokens (N, E).
        layout: where they lie.
        noise: Gumbel noise, (N, choices).
    """

    def __init__(self, parts: Direction, x: Tensor, layout: Ragged, noise: Tensor) -> None:
        self._parts = parts
        self._x = layout.split(x)
        self._noise = layout.split(noise.to(x.dtype))
        self._drawn: dict[int, Choices] = {}

    def __call__(self, t: int, state: State) -> tuple[State, Tensor, Tensor]:
        """The state after step t, the log-probabilities and the levels taken."""
        log_p, kept, self._drawn[t] = self._parts.router.draw(state, self._noise[t])
        levels = log_p.argmax(dim=1)
        memory = self._parts.router.remember(kept, (levels > 0).to(log_p.dtype))
        new = self._parts.take(levels, self._x[t], state.of_cells())
        return new._replace(memory=memory), log_p, levels

    def choices(self) -> Choices:
        """What was drawn before each of the N tokens, once all steps are taken."""
        steps = [self._drawn[t] for t in sorted(self._drawn)]
        return Choices(*(torch.cat(parts) for parts in zip(*steps, strict=True)))
