"""A router at work in torch: log-probabilities for the rows of a batch, step after step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from skimrnn.nn.cells import State
from skimrnn.routers import LOG_OF_NOTHING, Router


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
    def columns(x: Tensor, begin: int, end: int) -> Tensor:
        """Those of the last axis from ``begin`` to before ``end``."""
        return x[..., begin:end]

    @staticmethod
    def concatenate(parts: Sequence[Tensor]) -> Tensor:
        """The parts one after the other along the last axis."""
        return torch.cat(list(parts), dim=-1)


class Routing:
    """What a layer asks of the router of one direction.

    Args:
        router: the router, made with ``TorchOps``.
        router_input: "hidden": it sees h; "state": c and h.
        memory: what it remembers before the first token, R numbers.

    Attributes:
        router: as given.
    """

    def __init__(self, router: Router, router_input: str, memory: tuple[float, ...] = ()) -> None:
        self.router, self._router_input, self._memory = router, router_input, memory

    def begin(self, state: State) -> State:
        """The state with the memory before the first token."""
        if not self._memory:
            return state
        memory = state.h.new_tensor(self._memory)
        return state._replace(memory=memory.expand(len(state.h), -1))

    def prepare(self, x: Tensor) -> Tensor:
        """What the inputs (N, E) of all tokens say by themselves, (N, anything)."""
        prepared: Tensor = self.router.prepare(x)
        return prepared

    def __call__(self, prepared: Tensor, state: State) -> tuple[Tensor, Tensor | None]:
        """Log-probabilities (rows, K) of one step, and what is kept for ``remember``.

        Args:
            prepared: the rows that ``prepare`` gave for this step.
            state: the state before.
        """
        seen = state.h
        if self._router_input == "state":
            assert state.c is not None
            seen = torch.cat([state.c, state.h], dim=1)
        logits, kept = self.router.route(prepared, seen, state.memory)
        return F.log_softmax(logits, dim=1), kept

    def remember(self, kept: Tensor | None, skimmed: Tensor) -> Tensor | None:
        """The memory after the step, where ``skimmed`` (rows,) is the share that was not read."""
        if kept is None:
            return None
        memory: Tensor = self.router.remember(kept, skimmed[:, None])
        return memory
