"""A gradient that is too long is made shorter."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def clip_gradient(parameters: Iterable[Tensor], most: float) -> Tensor:
    """Scale the gradient to a norm of at most ``most``; give the norm that it had.

    As torch's ``clip_grad_norm_``, which would set to zero a gradient whose squares alone overflow.
    Over a long text one can grow so far, and then its direction counts.
    """
    gradients = [each.grad for each in parameters if each.grad is not None]
    if not gradients:
        return torch.zeros(())
    norm = _norm(gradients, None)
    if torch.isinf(norm):
        norm = _norm(gradients, torch.float64)
    scale = (most / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale)
    return norm


def _norm(gradients: list[Tensor], dtype: torch.dtype | None) -> Tensor:
    norms = [torch.linalg.vector_norm(gradient, dtype=dtype) for gradient in gradients]
    norm: Tensor = torch.linalg.vector_norm(torch.stack(norms))
    return norm
