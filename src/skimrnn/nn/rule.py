"""From probabilities to levels: mixed softly in training, chosen by threshold and budget else.

``Choose`` is ``decision.Chooser`` for a batch of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from skimrnn.decision import ARGMAX, Rule, rules_for


def draw_noise(x: Tensor, levels: int) -> Tensor:
    """Gumbel noise for N tokens, (N, K), of x's dtype and device, from torch's generator."""
    exponential = x.new_empty(len(x), levels).exponential_()
    return -torch.log(exponential + torch.finfo(x.dtype).tiny)


def check_temperature(temperature: float) -> None:
    """Refuse a τ that nothing can be divided by."""
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0; got {temperature!r}")


class Mix:
    """The share of each level in a training step, by the Gumbel-softmax; noise of 0 draws nothing.

    Source: the paper's equation 6; "hard" adds the straight-through estimate.

    Args:
        temperature: τ, above 0; a tensor is not looked into.
        hard: whether the forward pass takes the likeliest sample whole.
    """

    def __init__(self, temperature: float | Tensor, hard: bool) -> None:
        if not isinstance(temperature, Tensor):
            check_temperature(temperature)
        self._temperature = temperature
        self._hard = hard

    def __call__(self, log_p: Tensor, noise: Tensor) -> Tensor:
        """Shares (rows, K) that sum to 1, from log-probabilities and Gumbel noise (rows, K)."""
        soft = F.softmax((log_p + noise) / self._temperature, dim=1)
        if not self._hard:
            return soft
        likeliest = soft.argmax(dim=1, keepdim=True)
        one_hot = torch.zeros_like(soft).scatter(1, likeliest, 1.0)
        return one_hot - soft.detach() + soft


class Choose:
    """The level of each row of a batch, step after step, in one layer and direction.

    Args:
        batch: B.
        threshold: θ, a number, "argmax", or one number per text.
        budget: the ceiling on reads, None, or one number per text.
        burst: reads allowed ahead of the budget, or one number per text.
        order: text of each row, (B,), where rows are not in the texts' order.
        device: where the probabilities are.

    Raises:
        ValueError: if an option is refused or has not one value per text.
    """

    def __init__(
        self,
        batch: int,
        threshold: float | str | Sequence[float],
        budget: float | Sequence[float] | None,
        burst: float | Sequence[float],
        order: Tensor | None,
        device: torch.device,
    ) -> None:
        rules = rules_for(batch, threshold, budget, burst) or [Rule()]

        def column(values: list[Any], dtype: torch.dtype) -> Tensor:
            whole = torch.tensor(values[:batch], dtype=dtype, device=device)
            return whole if order is None else whole[order]

        self._argmax = rules[0].threshold == ARGMAX
        thresholds = [0.5 if self._argmax else rule.threshold for rule in rules]
        self._read_all = column([threshold >= 1 for threshold in thresholds], torch.bool)  # type: ignore[operator]
        self._skim_all = column([threshold < 0 for threshold in thresholds], torch.bool)  # type: ignore[operator]
        self._limit = column([min(max(t, -1.0), 2.0) for t in thresholds], torch.float32)
        self._budget: Tensor | None = None
        if rules[0].budget is not None:
            self._budget = column([rule.budget for rule in rules], torch.float64)
            self._burst = column([rule.burst for rule in rules], torch.float64)
            self._reads = torch.zeros(batch, dtype=torch.int64, device=device)
            self._tokens = torch.zeros_like(self._reads)

    def __call__(self, p: Tensor) -> Tensor:
        """Levels (rows,) of the next token of the first rows, from p (rows, K)."""
        rows, last = p.shape[0], p.shape[1] - 1
        p = p.detach().float()
        if self._argmax:
            level = last - p.flip(1).argmax(dim=1)
        else:
            level = self._by_threshold(p, rows, last)
        return level if self._budget is None else self._within_budget(level, rows)

    def _by_threshold(self, p: Tensor, rows: int, last: int) -> Tensor:
        limit = self._limit[:rows]
        level = torch.zeros(rows, dtype=torch.int64, device=p.device)
        total = torch.zeros(rows, device=p.device)
        for k in range(last, 0, -1):
            total = total + p[:, k]
            level = torch.where((total > limit) & (level == 0), k, level)
        level = torch.where(self._read_all[:rows], 0, level)
        return torch.where(self._skim_all[:rows], last, level)

    def _within_budget(self, level: Tensor, rows: int) -> Tensor:
        assert self._budget is not None
        self._tokens[:rows] += 1
        ceiling = self._burst[:rows] + self._budget[:rows] * self._tokens[:rows]
        allowed = self._reads[:rows] + 1 <= ceiling
        level = torch.where((level == 0) & ~allowed, 1, level)
        self._reads[:rows] += level == 0
        return level
