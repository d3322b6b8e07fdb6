"""A router at work in torch: log-probabilities for the rows of a batch, step after step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from skimrnn.nn.cells import State
from skimrnn.nn.sequences import Ragged
from skimrnn.routers import LOG_OF_NOTHING, Router, check_logits


class TorchOps:
    """The arithmetic that routers are written in (``routers.Ops``), in torch."""

    linear = staticmethod(F.linear)
    tanh = staticmethod(torch.tanh)
    sigmoid = staticmethod(torch.sigmoid)
    relu = staticmethod(torch.relu)
    minimum = staticmethod(torch.minimum)

    @staticmethod
    def log(x: Tensor) -> Tensor:
        """The natural logarithm, ``LOG_OF_NOTHING`` with no gradient where x is not above 0."""
        there = x > 0
        return torch.where(there, torch.where(there, x, 1.0).log(), LOG_OF_NOTHING)

    @staticmethod
    def complement(x: Tensor) -> Tensor:
        """1 - x."""
        return 1 - x

    @staticmethod
    def largest(x: Tensor, count: int) -> Tensor:
        """1 at the ``count`` largest of the last axis, of equal ones the first; else 0."""
        order = x.detach().sort(dim=-1, descending=True, stable=True).indices
        return torch.zeros_like(x).scatter(-1, order[..., :count], 1.0)

    @staticmethod
    def choose(sign: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """``x`` where the sign (rows, 1) is below 0, else ``y``."""
        return torch.where(sign < 0, x, y)

    @staticmethod
    def constant(numbers: Sequence[Any], like: Tensor) -> Tensor:
        """Numbers as a tensor of the other's dtype, on its device."""
        return like.new_tensor(numbers)

    @staticmethod
    def argmax(x: Tensor) -> Tensor:
        """The place of the largest of the last axis, (rows, 1), of equal ones the first."""
        return x.argmax(dim=-1, keepdim=True).to(x.dtype)

    full = staticmethod(torch.full_like)

    @staticmethod
    def columns(x: Tensor, begin: int, end: int) -> Tensor:
        """Those of the last axis from ``begin`` to before ``end``."""
        return x[..., begin:end]

    @staticmethod
    def concatenate(parts: Sequence[Tensor]) -> Tensor:
        """The parts one after the other along the last axis."""
        return torch.cat(list(parts), dim=-1)


class Choices(NamedTuple):
    """What a router that is reinforced drew in training, for N tokens.

    Attributes:
        made: whether there was something to choose before the token, bool (N,).
        log_p: the log-probability of what was drawn, (N,); means nothing where nothing was.
        baseline: the reward that was expected, (N,), likewise; its gradient ends at the state.
    """

    made: Tensor
    log_p: Tensor
    baseline: Tensor


class Routing:
    """What a layer asks of the router of one direction.

    Args:
        router: the router, made with ``TorchOps``.
        router_input: "hidden": it sees h; "state": c and h.
        memory: what it remembers before the first token, R numbers.
        following: what it knows of what follows the last, if it looks ahead.

    Attributes:
        router: as given.
    """

    def __init__(
        self,
        router: Router,
        router_input: str,
        memory: tuple[float, ...] = (),
        following: tuple[float, ...] = (),
    ) -> None:
        self.router, self._router_input, self._memory = router, router_input, memory
        self._following = following

    def begin(self, state: State) -> State:
        """The state with the memory before the first token."""
        if not self._memory:
            return state
        memory = state.h.new_tensor(self._memory)
        return state._replace(memory=memory.expand(len(state.h), -1))

    def prepare(self, x: Tensor, layout: Ragged, backwards: bool) -> Tensor:
        """What the inputs (N, E) of all tokens say, with what follows each, (N, anything).

        Args:
            x: the tokens.
            layout: where they lie.
            backwards: whether texts are read from their ends: then what is before follows.
        """
        prepared: Tensor = self.router.prepare(x)
        if not self._following:
            return prepared
        nothing = x.new_tensor(self._following)
        rows, before = layout.split(prepared), [prepared] * layout.steps
        following = nothing.expand(0, -1)
        for t in range(layout.steps) if backwards else reversed(range(layout.steps)):
            ends = nothing.expand(max(layout.sizes[t] - len(following), 0), -1)
            following = torch.cat([following[: layout.sizes[t]], ends])
            before[t] = following
            following = self.router.foresee(rows[t], following)
        joined: Tensor = self.router.join(prepared, torch.cat(before))
        return joined

    def __call__(self, prepared: Tensor, state: State) -> tuple[Tensor, Tensor | None]:
        """Log-probabilities (rows, K) of one step, and what is kept for ``remember``.

        Args:
            prepared: the rows that ``prepare`` gave for this step.
            state: the state before.
        """
        logits, kept = self.router.route(prepared, self._seen(state), state.memory)
        check_logits(self.router, logits, len(state.h))
        return F.log_softmax(logits, dim=1), kept

    def draw(self, state: State, noise: Tensor) -> tuple[Tensor, Tensor, Choices]:
        """The same of a step at which choices are drawn, and those.

        Args:
            state: the state before.
            noise: Gumbel noise, (rows, choices).
        """
        router, seen = self.router, self._seen(state)
        logits = router.choices(seen)
        drawn = (logits + noise).argmax(dim=1, keepdim=True)
        levels, kept = router.follow(state.memory, drawn.to(logits.dtype))
        choices = Choices(
            router.due(state.memory)[:, 0] < 0,
            F.log_softmax(logits, dim=1).gather(1, drawn)[:, 0],
            router.baseline(seen.detach())[:, 0],
        )
        return F.log_softmax(levels, dim=1), kept, choices

    def _seen(self, state: State) -> Tensor:
        if self._router_input != "state":
            return state.h
        assert state.c is not None
        return torch.cat([state.c, state.h], dim=1)

    def remember(self, kept: Tensor | None, skimmed: Tensor) -> Tensor | None:
        """The memory after the step, where ``skimmed`` (rows,) is the share that was not read."""
        if kept is None:
            return None
        memory: Tensor = self.router.remember(kept, skimmed[:, None])
        return memory
