"""Which level a token is read at: the threshold and the budget, without any network.

Or the caller says it, and nothing is chosen (``Given``).

Deterministic, no noise. Probabilities and threshold are compared in float32; the budget is
computed in float64. The torch layers repeat this rule for whole batches (``nn/rule.py``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.config import SkimConfig

ARGMAX = "argmax"


@dataclass(frozen=True)
class Rule:
    """How the levels of one text are chosen from the router's probabilities.

    Attributes:
        threshold: θ. θ >= 1 always reads and θ < 0 always takes the last level, both without
            looking at the probabilities; otherwise the deepest level at which the probability
            of that level or a deeper one exceeds θ. "argmax" takes the likeliest level, ties
            to the deeper.
        budget: share of tokens that may be read, from 0 to 1: of the first n at most
            budget n + burst, for every n; None for no ceiling.
        burst: reads allowed ahead of the budget, at least 0.

    Raises:
        ValueError: if a value is not as above.
    """

    threshold: float | str = 0.5
    budget: float | None = None
    burst: float = 1

    def __post_init__(self) -> None:
        check_threshold(self.threshold)
        if self.budget is not None and not (_is_number(self.budget) and 0 <= self.budget <= 1):
            raise ValueError(f"budget must be from 0 to 1, or None; got {self.budget!r}")
        if not (_is_number(self.burst) and 0 <= self.burst < math.inf):
            raise ValueError(f"burst must be a number of at least 0; got {self.burst!r}")
        # NumPy's numbers become Python's, which compare, print and travel alike everywhere.
        for name in ("threshold", "budget", "burst"):
            value = getattr(self, name)
            if isinstance(value, np.generic):
                object.__setattr__(self, name, value.item())


Way = Rule | NDArray[np.int8]
"""What decides the levels of one text: a rule, or the levels themselves, given beforehand,
(layers, directions, T) in text order."""


class Chooser:
    """Chooses the levels of one text in one layer and direction, token after token.

    Args:
        rule: threshold and budget.
        reads: tokens at level 0 before the first.
        tokens: tokens before the first.
    """

    def __init__(self, rule: Rule, reads: int = 0, tokens: int = 0) -> None:
        self.rule = rule
        self.tokens = tokens
        self.reads = reads

    def __call__(self, p: NDArray[Any]) -> int:
        """The level of the next token, given its probabilities (K,)."""
        level = choose_level(p, self.rule.threshold)
        self.tokens += 1
        if level == 0:
            if allowed(self.reads, self.tokens, self.rule.budget, self.rule.burst):
                self.reads += 1
            else:
                level = 1
        return level


class Given:
    """Takes the tokens of one text, in one layer and direction, at levels given beforehand.

    Stands where a ``Chooser`` stands, and does not look at probabilities.

    Args:
        levels: one for each token, (T,), in the order of reading.
    """

    def __init__(self, levels: NDArray[np.int8]) -> None:
        self._left = iter(levels.tolist())

    def __call__(self, p: NDArray[Any]) -> int:
        """The level of the next token."""
        return int(next(self._left))


def choose_level(p: NDArray[Any], threshold: float | str) -> int:
    """The level that the threshold picks from the probabilities ``p`` (K,) of one token."""
    last = len(p) - 1
    if threshold == ARGMAX:
        return last - int(np.argmax(np.asarray(p, dtype=np.float32)[::-1]))
    if threshold >= 1:  # type: ignore[operator]
        return 0
    if threshold < 0:  # type: ignore[operator]
        return last
    limit = np.float32(threshold)
    total = np.float32(0)
    for level in range(last, 0, -1):
        total = total + np.float32(p[level])
        if total > limit:
            return level
    return 0


def allowed(reads: int, token: int, budget: float | None, burst: float) -> bool:
    """Whether token number ``token`` (from 1) may be read after ``reads`` tokens were."""
    return budget is None or reads + 1 <= burst + budget * token


def rules_for(
    count: int,
    threshold: float | str | Sequence[float],
    budget: float | Sequence[float] | None,
    burst: float | Sequence[float],
) -> list[Rule]:
    """One rule per text, from values for all texts or one value per text.

    Raises:
        ValueError: if a value is refused or a sequence has not ``count`` entries.
    """
    columns = [
        _per_text(name, value, count)
        for name, value in (("threshold", threshold), ("budget", budget), ("burst", burst))
    ]
    return [Rule(*values) for values in zip(*columns, strict=True)]


def rules_or_own(
    own: Rule,
    config: SkimConfig,
    count: int,
    threshold: float | str | Sequence[float] | None,
    budget: float | Sequence[float] | None,
    burst: float | Sequence[float] | None,
) -> list[Rule]:
    """One rule per text: a model's own, but for what a call has given.

    Raises:
        ValueError: as ``rules_for``, and if there is a budget and nothing to skim at.
    """
    if threshold is None and budget is None and burst is None:
        return [own] * count  # the usual call, and for a short text half of its time
    rules = rules_for(
        count,
        own.threshold if threshold is None else threshold,
        own.budget if budget is None else budget,
        own.burst if burst is None else burst,
    )
    if not config.skims and any(rule.budget is not None for rule in rules):
        raise ValueError(
            "a budget needs a level to skim at, and this model has none "
            f"(levels={config.levels}); leave the budget out"
        )
    return rules


def check_threshold(threshold: object) -> None:
    """Raise a ValueError unless this is a number other than NaN, or "argmax"."""
    if threshold != ARGMAX and (not _is_number(threshold) or math.isnan(threshold)):  # type: ignore[arg-type]
        raise ValueError(f'threshold must be a number (not NaN) or "argmax"; got {threshold!r}')


def _per_text(name: str, value: Any, count: int) -> list[Any]:
    if value is None or isinstance(value, str) or np.ndim(value) == 0:
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise ValueError(
            f"{name} must be one value or one per text; got {len(values)} for {count} texts"
        )
    for text, entry in enumerate(values):
        # Tensor and array entries have a float too; a str such as "0.5" has one by accident.
        try:
            values[text] = None if isinstance(entry, str) else float(entry)
        except (TypeError, ValueError, OverflowError):
            values[text] = None
        if values[text] is None:
            none = " (1 sets no ceiling)" if name == "budget" else ""
            raise ValueError(
                f"{name} must be a number for each text{none}; got {entry!r} for text {text}"
            )
    return values


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    try:
        float(value)
    except OverflowError:  # a whole number beyond every float
        return False
    return True
