"""A kernel's gradient can be taken once and backwards: all else is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch

Backward = Callable[..., Any]


def no_forward_mode(ctx: Any, *tangents: Any) -> Any:
    """What a kernel has for a ``jvp``: a refusal that says what to do."""
    raise RuntimeError(
        'this layer\'s kernel has no forward-mode derivative: set path="eager" on the layer'
    )


def once_differentiable(backward: Backward) -> Backward:
    """A backward pass that refuses to be part of a graph.

    Torch's decorator of this name lets ``create_graph=True`` pass where the incoming gradient is a
    constant, as that of a sum is, and gives a gradient that depends on nothing: a penalty on it
    would be trained without a word.
    """

    @wraps(backward)
    def once(ctx: Any, *grads: Any) -> Any:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "this layer's kernel has no second derivative, and create_graph=True asks for one: "
                'set path="eager" on the layer'
            )
        if any(torch._C._functorch.is_legacy_batchedtensor(g) for g in grads if g is not None):
            raise RuntimeError(
                "this layer's kernel takes one gradient at a time, and vectorize=True or "
                'is_grads_batched=True gives many: set path="eager" on the layer'
            )
        return backward(ctx, *grads)

    return once
