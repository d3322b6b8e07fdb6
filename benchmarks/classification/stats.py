"""The committed runs, read back: rows by task, and how sure a difference between two of them is."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.classification.rows import PLAIN, ROWS, TASKS
from benchmarks.machine import RESULTS

RESAMPLES = 10_000
MARGIN = 0.5
"""Points of accuracy that a row may lose and still be called not inferior."""


@dataclass(frozen=True)
class Runs:
    """The runs of one row of one task, by seed."""

    name: str
    by_seed: dict[int, dict[str, Any]]

    def values(self, split: str, key: str) -> NDArray[np.float64]:
        """One number per seed."""
        return np.array([run[split][key] for _, run in sorted(self.by_seed.items())], dtype=float)

    def correct(self, seeds: list[int]) -> NDArray[np.bool_]:
        """Which test texts were right, (seeds, texts); a model without seeds has one for all.

        The texts of several folds stand side by side, (1, texts).
        """
        rows = []
        for seed in seeds:
            test = self.by_seed[seed if len(self.by_seed) > 1 else min(self.by_seed)]["test"]
            bits = np.frombuffer(bytes.fromhex(test["correct"]), dtype=np.uint8)
            rows.append(np.unpackbits(bits)[: test["texts"]].astype(bool))
        folds = any("fold" in run["data"] for run in self.by_seed.values())
        return np.concatenate(rows)[None] if folds else np.stack(rows)


@dataclass(frozen=True)
class Difference:
    """A difference of accuracies in points, with its 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Whether the first row is as good as the second, but for the margin."""
        if self.low > -MARGIN:
            return "better" if self.low > 0 else "not inferior"
        return "inferior" if self.high < -MARGIN else "undecided"

    def __str__(self) -> str:
        return f"{self.mean:+.2f} ({self.low:+.2f} … {self.high:+.2f})"


def load() -> dict[str, dict[str, Runs]]:
    """Runs by task and row, in the order of ``rows.py``."""
    found: dict[str, dict[str, dict[int, dict[str, Any]]]] = defaultdict(lambda: defaultdict(dict))
    for path in sorted((RESULTS / "classification").glob("*.json")):
        run = json.loads(path.read_text())
        found[run["task"]][run["row"]][run["seed"]] = run
    return {
        task: {name: Runs(name, found[task][name]) for name in ROWS if name in found[task]}
        for task in TASKS
        if task in found
    }


def difference(one: Runs, other: Runs) -> Difference | None:
    """Mean accuracy of one row less another's, paired by seed and text; None without a pair.

    The interval is a bootstrap that draws seeds and texts anew. A row without seeds of its own
    counts once for every seed of the other.
    """
    shared = set(one.by_seed) & set(other.by_seed)
    alone = [runs for runs in (one, other) if ROWS[runs.name].linear]
    seeds = sorted(other.by_seed if one in alone else one.by_seed if other in alone else shared)
    if not seeds:
        return None
    gain = one.correct(seeds).astype(np.int8) - other.correct(seeds)
    draws = len(gain)
    # Texts with the same gains under every seed are alike: draw how many there are of each kind.
    kinds, counts = np.unique(gain, axis=1, return_counts=True)
    random = np.random.default_rng(0)
    drawn = random.multinomial(counts.sum(), counts / counts.sum(), RESAMPLES)
    seed_counts = random.multinomial(draws, np.full(draws, 1 / draws), RESAMPLES)
    means = ((seed_counts @ kinds) * drawn).sum(axis=1) / (draws * counts.sum())
    low, high = np.percentile(means, [2.5, 97.5])
    return Difference(100 * float(gain.mean()), 100 * float(low), 100 * float(high))


def group(rows: dict[str, Runs], recipe: str) -> dict[str, Runs]:
    """The rows of one recipe."""
    return {name: runs for name, runs in rows.items() if ROWS[name].recipe == recipe}


def plain_of(name: str) -> str:
    """The plain LSTM of the same recipe."""
    return PLAIN[ROWS[name].recipe]


def chosen(rows: dict[str, Runs]) -> str | None:
    """Of a recipe's skimming rows, the one with the best mean validation accuracy.

    Rivals' rows are not among them; rows with fewer seeds than another are not looked at.
    """
    skimming = [name for name in rows if ROWS[name].skims and not ROWS[name].rival]
    most = max((len(rows[name].by_seed) for name in skimming), default=0)
    complete = [name for name in skimming if len(rows[name].by_seed) == most]
    return max(
        complete, key=lambda name: rows[name].values("validation", "accuracy").mean(), default=None
    )
