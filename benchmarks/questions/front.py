"""Curves over θ beside measured times: F1 that a model has in the time another takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

PAIRS = {
    "attention-skim-20-rate-0.6-long": "attention-skip-rate-0.52-long",
    "attention-skim-20-0.1": "attention-skip-0.1",
}
"""Rows that skim, and those that skip and were trained alike."""

LOST = 10.0
"""Points of F1 below a curve's best: what loses more is of no use to anybody."""

Point = dict[str, Any]


def curve_of(name: str, curves: dict[str, Any], times: dict[str, Any]) -> list[Point]:
    """A row's points over θ, each with its measured ms a question, None if not measured."""
    ms = {
        row["threshold"]: row["ms"]
        for row in times.get("rows", [])
        if (row["row"], row["precision"], row["words"]) == (name, "float32", "met before")
    }
    return [{**point, "ms": ms.get(point["threshold"])} for point in curves[name]["points"]]


def useful(curve: Sequence[Point]) -> list[Point]:
    """The points of a curve that lose at most ``LOST``."""
    best = max((point["f1"] for point in curve), default=0)
    return [point for point in curve if point["f1"] >= best - LOST / 100]


def at_time(curve: Sequence[Point], ms: float) -> float | None:
    """F1 of a curve in a given time: the best of what takes no longer, between points by the line.

    None if the curve was not timed or is never so fast.
    """
    timed = sorted((p["ms"], p["f1"]) for p in curve if p["ms"] is not None)
    if not timed or timed[0][0] > ms:
        return None
    taken, scores = (np.array(column) for column in zip(*timed, strict=True))
    return float(max(scores[taken <= ms].max(), np.interp(ms, taken, scores)))
