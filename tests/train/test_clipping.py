"""Clipping: torch's, but for a gradient whose squares overflow."""

import pytest
import torch
from torch import nn

from skimrnn.train.clipping import clip_gradient


def parameters(scale):
    torch.manual_seed(0)
    made = [nn.Parameter(torch.zeros(shape)) for shape in ((50, 7), (3,), (1,), (2,))]
    for one in made[:3]:  # the last was not used
        one.grad = scale * torch.randn(one.shape)
    return made


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_it_is_torchs(scale):
    ours, theirs = parameters(scale), parameters(scale)
    norm = clip_gradient(ours, 1.0)
    assert norm == nn.utils.clip_grad_norm_(theirs, 1.0)
    for one, other in zip(ours[:3], theirs[:3], strict=True):
        assert torch.equal(one.grad, other.grad)


@pytest.mark.parametrize("scale", [1e19, 1e30, 1e37])
def test_squares_that_overflow_leave_the_direction(scale):
    ours, usual = parameters(scale), parameters(1.0)
    assert torch.isinf(torch.cat([one.grad.flatten() for one in ours[:3]]).square().sum())
    norm = clip_gradient(ours, 1.0)
    assert torch.isfinite(norm)
    assert norm / scale == pytest.approx(float(clip_gradient(usual, 1.0)))
    for one, other in zip(ours[:3], usual[:3], strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-5, atol=0)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_is_not_finite_is_told_by_the_norm(value):
    ours = parameters(1.0)
    ours[1].grad[0] = value
    assert not torch.isfinite(clip_gradient(ours, 1.0))
