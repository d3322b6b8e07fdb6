"""Choosing the threshold of a trained model by what is measured: accuracy, share skimmed, time.

Of a multi-label model the micro-F1 is taken for the accuracy throughout (``Evaluation.score``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from skimrnn.evaluation import Evaluation, evaluate
from skimrnn.runtime import Model
from skimrnn.tasks import Examples

THRESHOLDS = (0.0, 0.01, 0.02, *(n / 20 for n in range(1, 20)), 0.98, 0.99, 1.0)
"""θ that are tried; 1 reads everything."""

PAYS = 0.95
"""Skimming pays if it takes less than this share of the time of reading everything."""


class CalibrationError(ValueError):
    """A goal that no threshold reaches, or a model that has no threshold to choose."""


@dataclass(frozen=True)
class Calibration:
    """What was measured, and the threshold that was chosen.

    Attributes:
        goal: "max_accuracy_drop", "skim_rate" or "max_us_per_token".
        value: of the goal.
        points: an evaluation at each threshold, θ rising.
        chosen: one of them.
    """

    goal: str
    value: float
    points: tuple[Evaluation, ...]
    chosen: Evaluation

    @property
    def most_accurate(self) -> Evaluation:
        """The point with the highest accuracy (F1 if multi-label); of several, the fastest."""
        return max(self.points, key=lambda point: (point.score, -relative_time(point)))

    def to_dict(self) -> dict[str, Any]:
        """The calibration as plain JSON values, for the model's training record."""
        return {
            "goal": {self.goal: self.value},
            "chosen": self.chosen.to_dict(),
            "points": [point.to_dict() for point in self.points],
        }


def calibrate(
    model: Model,
    examples: Examples,
    *,
    max_accuracy_drop: float | None = None,
    skim_rate: float | None = None,
    max_us_per_token: float | None = None,
    thresholds: Sequence[float] = THRESHOLDS,
    show: Callable[[int, int], None] = lambda done, total: None,
) -> Calibration:
    """Read labelled texts at one threshold after the other, and choose by exactly one goal.

    Texts that the model was not trained on, nor is judged by later, are the ones to choose with.

    Args:
        model: what reads.
        examples: labelled texts; classes are rows of ``model.labels``.
        max_accuracy_drop: points of accuracy (0.5 is half a percent) that may be lost against the
            most accurate threshold; the fastest of those is chosen. Of a multi-label model they
            are points of micro-F1.
        skim_rate: the share to skim at least; of those that do, the most accurate is chosen.
        max_us_per_token: microseconds a token at most; of those, the most accurate is chosen.
        thresholds: θ to try; 1, reading all that the model's budget lets it, is always among them.
        show: called with the texts read so far and in all.

    Returns:
        Every point, and the one chosen. Times are measured here and now, skimming and reading
        everything in turns; compare them by their ratio.

    Raises:
        ValueError: if not exactly one goal is given, or it is out of its range.
        CalibrationError: if the model never skims, or no threshold reaches the goal.
    """
    goal, value = goal_of(
        max_accuracy_drop=max_accuracy_drop,
        skim_rate=skim_rate,
        max_us_per_token=max_us_per_token,
    )
    if not model.config.skims:
        raise CalibrationError(
            f"this model never skims (levels={model.config.levels}), so it has no threshold to "
            "choose; train one with a skim size"
        )
    tried = sorted({*thresholds, 1.0})
    points: list[Evaluation] = []
    for number, threshold in enumerate(tried):
        before = number * len(examples)
        points.append(
            evaluate(
                model,
                examples,
                threshold=threshold,
                show=lambda done, before=before: show(before + done, len(tried) * len(examples)),  # type: ignore[misc]
            )
        )
    return Calibration(goal, value, tuple(points), _choose(goal, value, points))


def relative_time(point: Evaluation) -> float:
    """Time over that of reading everything, both taken in turns; below 1 is faster."""
    return point.seconds_skimming / max(point.seconds_reading, 1e-12)


def us_per_token(point: Evaluation) -> float:
    """Microseconds a token takes, from text to label."""
    return 1e6 * point.seconds_skimming / max(point.timed_tokens, 1)


def goal_of(**goals: float | None) -> tuple[str, float]:
    """The one goal that is given, and its value.

    Raises:
        ValueError: if not exactly one is given, or it is out of its range or not finite.
    """
    given = {name: value for name, value in goals.items() if value is not None}
    if len(given) != 1:
        raise ValueError(f"give exactly one of {', '.join(goals)}; got {len(given)} of them")
    [(name, value)] = given.items()
    highest = {"max_accuracy_drop": 100.0, "skim_rate": 1.0}.get(name, math.inf)
    # JSON, as which the goal is stored, has no infinity.
    if isinstance(value, bool) or not 0 <= value <= highest or math.isinf(value):
        upper = f" to {highest:g}" if highest != math.inf else " or more, and finite"
        raise ValueError(f"{name} must be 0{upper}; got {value!r}")
    return name, float(value)


def _choose(goal: str, value: float, points: Sequence[Evaluation]) -> Evaluation:
    if goal == "max_accuracy_drop":
        best = max(point.score for point in points)
        enough = [point for point in points if 100 * (best - point.score) <= value + 1e-9]
        return min(enough, key=relative_time)
    if goal == "skim_rate":
        reached = [point for point in points if (point.skim_rate or 0) >= value]
        closest = f"the most that is skimmed is {max(p.skim_rate or 0 for p in points):.1%}"
    else:
        reached = [point for point in points if us_per_token(point) <= value]
        closest = f"the fastest takes {min(map(us_per_token, points)):.3g} microseconds"
    if not reached:
        raise CalibrationError(f"no threshold tried reaches {goal}={value:g}: {closest}")
    return max(reached, key=lambda point: (point.score, -relative_time(point)))


def summary(calibration: Calibration) -> str:
    """One sentence on what was chosen, and one where skimming does not pay."""
    chosen, best = calibration.chosen, calibration.most_accurate
    ratio = relative_time(chosen)
    lost = 100 * (best.score - chosen.score)
    if chosen.threshold >= 1 and not chosen.skim_rate:  # type: ignore[operator]
        return "Reading everything meets the goal best: with this goal, skimming does not pay."
    right = "right" if chosen.f1 is None else "micro-F1"
    said = (
        f"Threshold {chosen.threshold:g}: {chosen.score:.1%} {right}, {lost:.2f} points below the "
        f"most accurate (threshold {best.threshold:g}); {chosen.skim_rate or 0:.1%} skimmed; "
        f"{us_per_token(chosen):.2f} µs a word, {ratio:.2f} of the time of reading everything."
    )
    if ratio > PAYS:
        said += " That is no gain worth the name: here, skimming does not pay in time."
    return said
