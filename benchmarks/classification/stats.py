"""The committed runs, read back: rows by task, and how sure a difference between two of them is."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from benchmarks.classification.rows import PLAIN, ROWS, TASKS, TENTHS
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

    def beside(self, other: Runs) -> Runs:
        """Those of them whose seed the other row has too."""
        return Runs(self.name, {s: run for s, run in self.by_seed.items() if s in other.by_seed})

    def at(self, seed: int) -> dict[str, Any] | None:
        """A seed's run, if made. A linear model draws nothing: it has one for all (of a fold)."""
        if ROWS[self.name].linear:
            seed = seed % TENTHS if self.folds else min(self.by_seed)
        return self.by_seed.get(seed)

    @property
    def folds(self) -> bool:
        """Whether a seed says which tenth of the texts was tested on."""
        return any("fold" in run["data"] for run in self.by_seed.values())


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

    The interval has the farther ends of two. A bootstrap that draws seeds and texts anew counts
    chance within a text too often, and with few seeds that of seeds too little; Student's interval
    by the variances of both is right where there are few. A row without seeds of its own counts
    once for every seed of the other.
    """
    parts = paired(one, other)
    if not parts:
        return None
    gain = np.concatenate(parts, axis=1)
    mean, half = float(gain.mean()), half_width(parts)
    low, high = bootstrap(gain)
    return Difference(100 * mean, 100 * min(low, mean - half), 100 * max(high, mean + half))


def paired(one: Runs, other: Runs) -> list[NDArray[np.int8]]:
    """What one row gains over another at each text: 1, 0 or -1, (seeds, texts).

    Of folds there are as many such parts, (rounds, texts of the fold), otherwise there is one;
    none if there is no pair of seeds, or no pair for some fold.
    """
    by_part: dict[int, list[NDArray[np.int8]]] = defaultdict(list)
    for seed in sorted({*one.by_seed, *other.by_seed}):
        mine, theirs = one.at(seed), other.at(seed)
        if mine and theirs:
            gain = _correct(mine).astype(np.int8) - _correct(theirs)
            by_part[seed % TENTHS if one.folds else 0].append(gain)
    if len(by_part) < (TENTHS if one.folds else 1):
        return []
    rounds = min(map(len, by_part.values()))
    return [np.stack(by_part[part][:rounds]) for part in sorted(by_part)]


def _correct(run: dict[str, Any]) -> NDArray[np.bool_]:
    bits = np.frombuffer(bytes.fromhex(run["test"]["correct"]), dtype=np.uint8)
    return np.unpackbits(bits)[: run["test"]["texts"]].astype(bool)


def bootstrap(gain: NDArray[np.int8]) -> tuple[float, float]:
    """The 95 % interval of the mean of (seeds, texts), both drawn anew."""
    draws = len(gain)
    # Texts with the same gains under every seed are alike: draw how many there are of each kind.
    kinds, counts = np.unique(gain, axis=1, return_counts=True)
    random = np.random.default_rng(0)
    drawn = random.multinomial(counts.sum(), counts / counts.sum(), RESAMPLES)
    seed_counts = random.multinomial(draws, np.full(draws, 1 / draws), RESAMPLES)
    means = ((seed_counts @ kinds) * drawn).sum(axis=1) / (draws * counts.sum())
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def half_width(parts: list[NDArray[np.int8]]) -> float:
    """Half of Student's 95 % interval of a mean over seeds and texts, or over folds.

    Seeds and texts are crossed: of the variance of their means the part of a single seed on a
    single text is in both, and is taken off once; degrees of freedom are Satterthwaite's. Of a
    single seed it is over texts alone.
    """
    if len(parts) > 1:
        variances = [(np.var([part.mean() for part in parts], ddof=1) / len(parts), len(parts) - 1)]
        total = variances[0][0]
    else:
        (gain,) = parts
        seeds, texts = gain.shape
        by_text = gain.mean(axis=0)
        variances = [(by_text.var(ddof=1) / texts, texts - 1)]
        total = variances[0][0]
        if seeds > 1:
            by_seed = gain.mean(axis=1)
            free = (seeds - 1) * (texts - 1)
            rest = gain - by_seed[:, None] - by_text + gain.mean()
            both = float((rest**2).sum()) / free / gain.size
            variances += [(by_seed.var(ddof=1) / seeds, seeds - 1), (both, free)]
            total = max(total, variances[1][0], total + variances[1][0] - both)
    if not total:
        return 0.0
    freedom = total**2 / sum(variance**2 / free for variance, free in variances)
    return float(student.ppf(0.975, freedom) * total**0.5)


def group(rows: dict[str, Runs], recipe: str) -> dict[str, Runs]:
    """The rows of one recipe, and first the plain LSTM that they are compared with."""
    own = {name: runs for name, runs in rows.items() if ROWS[name].recipe == recipe}
    plain = PLAIN[recipe]
    return {plain: rows[plain], **own} if own and plain in rows else own


def plain_of(name: str) -> str:
    """The plain LSTM that a row is compared with."""
    return PLAIN[ROWS[name].recipe]


def chosen(rows: dict[str, Runs]) -> str | None:
    """Of a recipe's candidates, the one with the best mean validation accuracy."""
    return max(
        candidates(rows),
        key=lambda name: rows[name].values("validation", "accuracy").mean(),
        default=None,
    )


def candidates(rows: dict[str, Runs]) -> list[str]:
    """A recipe's skimming LSTMs, less those with fewer seeds than another."""
    skimming = [name for name in rows if ROWS[name].candidate]
    most = max((len(rows[name].by_seed) for name in skimming), default=0)
    return [name for name in skimming if len(rows[name].by_seed) == most]
