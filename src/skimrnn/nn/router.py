"""A router at work in torch: log-probabilities for the rows of a batch, step after step."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from skimrnn.nn.cells import State
from skimrnn.routers import Router


class TorchOps:
    """The arithmetic that routers are written in (``routers.Ops``), in torch."""

    linear = staticmethod(F.linear)
    tanh = staticmethod(torch.tanh)
    sigmoid = staticmethod(torch.sigmoid)
    relu = staticmethod(torch.relu)


class Routing:
    """What a layer asks of the router of one direction.

    Args:
        router: the router, made with ``TorchOps``.
        router_input: "hidden": it sees h; "state": c and h.

    Attributes:
        router: as given.
    """

    def __init__(self, router: Router, router_input: str) -> None:
        self.router, self._router_input = router, router_input

    def prepare(self, x: Tensor) -> Tensor:
        """What the inputs (N, E) of all tokens say by themselves, (N, anything)."""
        prepared: Tensor = self.router.prepare(x)
        return prepared

    def __call__(self, prepared: Tensor, state: State) -> Tensor:
        """Log-probabilities (rows, K) of one step, from its prepared rows and the state before."""
        seen = state.h
        if self._router_input == "state":
            assert state.c is not None
            seen = torch.cat([state.c, state.h], dim=1)
        return F.log_softmax(self.router.logits(prepared, seen), dim=1)
