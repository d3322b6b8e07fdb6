"""What the pictures are drawn from: the result files, as far as they are there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.classification import stats, timed
from benchmarks.classification.stats import Runs


@dataclass(frozen=True)
class Results:
    """The result files, by task but for the last; empty where one was not made.

    Attributes:
        runs: of ``benchmarks.classification``, by row.
        times: of ``benchmarks.classification.times``.
        curves: of ``benchmarks.classification.curves``.
        words: of ``benchmarks.classification.words``.
        reviews: of ``benchmarks.classification.reviews``.
    """

    runs: dict[str, dict[str, Runs]] = field(default_factory=dict)
    times: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict)
    words: dict[str, Any] = field(default_factory=dict)
    reviews: dict[str, Any] = field(default_factory=dict)

    def percents(self, task: str, row: str, key: str) -> NDArray[np.float64]:
        """A share of the test texts in percent, one a seed, (seeds,); empty if nothing is known."""
        runs = self.runs.get(task, {}).get(row)
        return np.empty(0) if runs is None else 100 * runs.values("test", key)


def load() -> Results:
    """Read what there is in the folder of results."""
    files = (stats.RESULTS / f"{name}.json" for name in ("curves", "words", "reviews"))
    return Results(
        stats.load(),
        timed.load(stats.RESULTS / "times.json"),
        *(json.loads(file.read_text()) if file.exists() else {} for file in files),
    )


def spread(values: NDArray[np.float64]) -> float:
    """The standard deviation over seeds; 0 for one seed."""
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0
