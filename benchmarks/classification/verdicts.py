"""What a curve over θ says: how much time it saves at hardly any loss, and against what front.

A point is a dictionary with ``threshold``, ``accuracy`` and ``validation_accuracy`` in [0, 1] and
``us_per_text``, the measured time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

ALLOWED = 0.01
"""A curve may lose less than so much accuracy."""
REQUIRED = 2.0
"""And must be so many times faster for it."""
NEAR = 0.005
"""A curve reaches a front that it stays nearer to than this, in accuracy."""

Point = dict[str, Any]


def verdicts(curve: Sequence[Point], separate: Sequence[Point]) -> dict[str, Any]:
    """All that is said of one model's curve, beside the separately trained models' points.

    ``from_reading_all`` and ``from_half`` start at θ = 1 and 0.5 and compare with the accuracy
    there. A model that was trained to skim may be at its worst where it reads everything, so
    ``from_best`` takes the time of reading everything but the best accuracy of the whole curve.
    ``chosen_on_validation`` is the same with both thresholds chosen on validation texts: the only
    one of the four that selects, and its loss is the one that the test texts then show.
    """
    best, chosen = (
        max(curve, key=lambda point: float(point[name]), default=None)
        for name in ("accuracy", "validation_accuracy")
    )
    start, half = (at_threshold(curve, value) for value in (1.0, 0.5))
    return {
        "from_reading_all": fastest(curve, start, start),
        "from_half": fastest(curve, half, half),
        "from_best": fastest(curve, start, best),
        "chosen_on_validation": fastest(curve, start, chosen, "validation_accuracy"),
        "front": behind(curve, separate),
    }


def at_threshold(curve: Sequence[Point], threshold: float) -> Point | None:
    """The curve's point at a threshold, if it has one."""
    return next((point for point in curve if point["threshold"] == threshold), None)


def fastest(
    curve: Sequence[Point],
    start: Point | None,
    reference: Point | None,
    judged_by: str = "accuracy",
) -> dict[str, Any] | None:
    """The fastest point, below a threshold, that loses less than ``ALLOWED``.

    Args:
        curve: one model's points.
        start: the point whose time counts, and below whose threshold to look.
        reference: the point whose accuracy counts.
        judged_by: the accuracy that may not fall, "accuracy" or "validation_accuracy".

    Returns:
        The thresholds of the start, the reference and the point found; what lies between the last
        two in accuracy on the test texts; the ratio of the times; whether that is as required, at
        less than the allowed loss. None if there is no start or no such point.
    """
    if start is None or reference is None:
        return None
    kept = [
        point
        for point in curve
        if point["threshold"] <= start["threshold"]
        and reference[judged_by] - point[judged_by] < ALLOWED
    ]
    if not kept:
        return None
    found = min(kept, key=_time)
    change = found["accuracy"] - reference["accuracy"]
    ratio = start["us_per_text"] / found["us_per_text"]
    return {
        "from": start["threshold"],
        "against": reference["threshold"],
        "to": found["threshold"],
        "accuracy_change": change,
        "times_faster": ratio,
        "met": bool(ratio >= REQUIRED and -change < ALLOWED),
    }


def front(
    points: Sequence[Point],
    time: Callable[[Point], float] | None = None,
    accuracy: Callable[[Point], float] | None = None,
) -> list[Point]:
    """The points that no other one beats in both time and accuracy, fastest first."""
    time, accuracy = time or _time, accuracy or _accuracy
    kept: list[Point] = []
    for point in sorted(points, key=lambda one: (time(one), -accuracy(one))):
        if not kept or accuracy(point) > accuracy(kept[-1]):
            kept.append(point)
    return kept


def behind(curve: Sequence[Point], separate: Sequence[Point]) -> dict[str, Any] | None:
    """How far one model's curve stays behind the front of others; None if there are no others.

    Returns:
        The front's rows; the greatest accuracy that the curve lacks, at no more time, of any of
        them (negative where it is ahead of all; None where it is never as fast as one of them);
        whether that is nearer than ``NEAR``.
    """
    best = front(separate)
    if not best:
        return None
    lacks: list[float] = []
    for point in best:
        reached = accuracy_within(curve, point["us_per_text"])
        if reached is None:
            return {"rows": [one["row"] for one in best], "lacks": None, "reached": False}
        lacks.append(point["accuracy"] - reached)
    worst = max(lacks)
    return {"rows": [one["row"] for one in best], "lacks": worst, "reached": bool(worst < NEAR)}


def accuracy_within(curve: Sequence[Point], us: float) -> float | None:
    """The best accuracy that a curve gives in so many microseconds a text; None if in none.

    Between two thresholds lies the line: texts shared between both give every point of it.
    """
    ordered = sorted(curve, key=_time)
    times, accuracies = [_time(one) for one in ordered], [_accuracy(one) for one in ordered]
    in_time = [a for t, a in zip(times, accuracies, strict=True) if t <= us]
    if not in_time:
        return None
    return max(*in_time, float(np.interp(us, times, accuracies)))


def _time(point: Point) -> float:
    return float(point["us_per_text"])


def _accuracy(point: Point) -> float:
    return float(point["accuracy"])
