"""A kernel's gradient can be taken once: it cannot be differentiated itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch

Backward = Callable[..., Any]


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
        return backward(ctx, *grads)

    return once
