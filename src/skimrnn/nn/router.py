"""The router: the probability of each level, from the token and the state before it.

A router is two calls. ``prepare`` sees all tokens of a layer at once and does what does not
depend on the state; calling it then gives the log-probabilities of one step. Another way of
routing is another class of this shape.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from skimrnn.nn.cells import State


class Router(Protocol):
    """What a layer asks of its router."""

    def prepare(self, x: Tensor) -> Tensor:
        """What the inputs (N, E) of all tokens say by themselves, (N, anything)."""
        ...

    def __call__(self, prepared: Tensor, state: State) -> Tensor:
        """Log-probabilities (rows, K) of one step, from its prepared rows and the state before."""
        ...


class SoftmaxRouter:
    """``softmax(W [x ; s] + b)``, the paper's equation 1; s is h, or c and h.

    Args:
        weight: (K, E + |s|), columns x, then c (if it is seen), then h.
        bias: (K,).
        inputs: E.
    """

    def __init__(self, weight: Tensor, bias: Tensor, inputs: int) -> None:
        self._weight_x, self._weight_s = weight[:, :inputs], weight[:, inputs:]
        self._bias = bias

    def prepare(self, x: Tensor) -> Tensor:
        """The input's part of the logits, (N, K)."""
        return F.linear(x, self._weight_x, self._bias)

    def __call__(self, prepared: Tensor, state: State) -> Tensor:
        """Log-probabilities (rows, K)."""
        seen = state.h
        if self._weight_s.shape[1] != seen.shape[1]:
            assert state.c is not None
            seen = torch.cat([state.c, state.h], dim=1)
        return F.log_softmax(prepared + F.linear(seen, self._weight_s), dim=1)
