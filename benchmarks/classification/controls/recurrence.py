"""h_t = a_t h_{t-1} + b_t over packed texts, with a gradient that costs as much as it.

A packed batch (``torch.nn.utils.rnn.PackedSequence``) holds the first words of all B texts, the
longest text first, then the second words of those that have one, and so on: N rows in all.
``sizes`` are the texts that have a t-th word, (T,), falling.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor


def scan(a: Tensor, b: Tensor, sizes: list[int]) -> Tensor:
    """All h (N, D) of packed a and b (N, D), from h = 0."""
    h: Tensor = _Scan.apply(a, b, sizes)
    return h


def before(sizes: list[int]) -> Tensor:
    """The row of the word before, for each row but the first words', (N - B,)."""
    shifts = torch.tensor(sizes[:-1], dtype=torch.int64)
    apart = shifts.repeat_interleave(torch.tensor(sizes[1:], dtype=torch.int64))
    return torch.arange(sizes[0], sum(sizes)) - apart


def last(sizes: list[int]) -> Tensor:
    """The row of each text's last word, (B,)."""
    counts = torch.tensor(sizes)
    texts = torch.arange(sizes[0])
    lengths = (counts > texts[:, None]).sum(dim=1)
    return (counts.cumsum(0) - counts)[lengths - 1] + texts


class _Scan(torch.autograd.Function):
    """A step is one fused operation; the rows of every step are cut once, not step by step."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, sizes: list[int]) -> Tensor:
        h = b.clone()
        steps = list(zip(a.split(sizes), h.split(sizes), strict=True))
        for (_, earlier), (factor, now) in pairwise(steps):
            now.addcmul_(factor, earlier[: len(now)])
        ctx.save_for_backward(a, h)
        ctx.sizes = sizes
        return h

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        a, h = ctx.saved_tensors
        # g_t = grad_t + a_{t+1} g_{t+1} is what h_t and b_t are given; a_t is given g_t h_{t-1}.
        g = grad.clone()
        steps = list(zip(a.split(ctx.sizes), g.split(ctx.sizes), strict=True))[::-1]
        for (factor, now), (_, earlier) in pairwise(steps):
            earlier[: len(now)].addcmul_(factor, now)
        first = ctx.sizes[0]
        of_a = torch.zeros_like(a)
        torch.mul(g[first:], h.index_select(0, before(ctx.sizes)), out=of_a[first:])
        return of_a, g, None
