"""The part of docs/results.md about what was to be shown, and what was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.classification.pictures.data import Results
from benchmarks.classification.pictures.pareto import placed
from benchmarks.classification.rows import FOLDS, ROWS, TITLES
from benchmarks.classification.stats import (
    MARGIN,
    Difference,
    Runs,
    chosen,
    difference,
    group,
    plain_of,
)
from benchmarks.classification.verdicts import ALLOWED, NEAR, REQUIRED
from benchmarks.pages import number

HOW = {
    "taught": ", taught by sentences of reviews",
    "converted": ", the plain LSTM made to skim",
}
"""What is said after a set's name of a row that is not made by the set's own texts alone."""
SMALLER = ("small-lstm", "tiny-lstm", "lstm-20", "qrnn", "mingru")
"""How the names of rows begin that are quick by being small or simple."""


@dataclass(frozen=True)
class Asked:
    """What is asked of a set's chosen row; None where nothing is.

    Attributes:
        accuracy: test accuracy in percent, at least.
        skimmed: share of words in percent, at least.
        faster: time of our plain reader in float32 over its own, at least.
        us: microseconds a text, at most.
    """

    accuracy: float | None = None
    skimmed: float | None = None
    faster: float | None = None
    us: float | None = None


_ROTTEN_TOMATOES = (Asked(79.0, 55.0), Asked(84.2, 52.0))
ASKED = {
    "imdb": (Asked(90.0, 80.0, 4.0), Asked(92.5, us=60.0)),
    "sst": (Asked(83.0, 60.0), Asked(86.4, 68.0)),
    "rotten-tomatoes": _ROTTEN_TOMATOES,
    FOLDS: _ROTTEN_TOMATOES,
    "ag-news": (Asked(None, 50.0, 1.5), Asked(None, 75.0, 2.5)),
}
"""By task: what is required, and what is aimed at."""
AIM_BY_TEACHER = {"sst": 88.0}
"""The accuracy that is aimed at by the taught recipe, where it is another."""


def lines(results: Results) -> list[str]:
    """All of it: what was asked of each set's rows, and of every set."""
    table = [_asked_of(results, task, best) for task, best in bests(results.runs) if task in ASKED]
    return [
        "## What was to be shown",
        "",
        "The chosen skimming row of each task, by the tuned recipe where there is one, and by the "
        "taught and the converted one: not inferior to the plain LSTM, and as accurate, sparing "
        "and quick as is required.",
        "",
        "| set | row | against plain | test acc. % | required (aim) | skimmed % | required (aim) "
        "| plain's time ÷ | required (aim) | µs a text | (aim) | |",
        "| --- | --- | ---: | ---: | --- | ---: | --- | ---: | --- | ---: | --- | --- |",
        *("| " + " | ".join(cells) + " |" for cells in table),
        "",
        *_of_every_set(results),
    ]


# ---- of each set --------------------------------------------------------------------------------


def _asked_of(results: Results, task: str, best: str) -> list[str]:
    """The cells of one chosen row."""
    rows, (required, aim) = results.runs[task], ASKED[task]
    aimed = AIM_BY_TEACHER.get(task) if ROWS[best].recipe == "taught" else None
    times = results.times.get(task)
    against = difference(rows[best], rows[plain_of(best)])
    accuracy, skimmed = (
        100 * float(rows[best].values("test", key).mean()) for key in ("accuracy", "skim_rate")
    )
    faster = time_of(times, best, "plain_over_this")
    found = (
        (accuracy, required.accuracy, aimed or aim.accuracy),
        (skimmed, required.skimmed, aim.skimmed),
        (faster, required.faster, aim.faster),
    )
    cells = [title(task, best), best, f"{against}: {against.verdict}" if against else ""]
    for value, needed, wished in found:
        cells += [number(value, ".2f"), asked(needed, wished)]
    cells += [number(time_of(times, best, "us_per_text"), ".1f"), asked(None, aim.us, "≤")]
    met = against is not None and against.low > -MARGIN
    met &= all(
        needed is None or (value is not None and value >= needed) for value, needed, _ in found
    )
    return [*cells, "met" if met else "**not met**"]


def time_of(times: dict[str, Any] | None, row: str, what: str) -> float | None:
    """What was measured of a row in float32; None if it was not."""
    for one in times["rows"] if times else ():
        if (one["row"], one["precision"]) == (row, "float32"):
            return float(one[what])
    return None


def asked(required: float | None, aim: float | None, than: str = "≥") -> str:
    """What was asked for, and what was hoped for."""
    parts = [f"{than} {required:g}"] if required is not None else []
    return " ".join([*parts, f"({than} {aim:g})"] if aim is not None else parts)


# ---- of every set -------------------------------------------------------------------------------


def _of_every_set(results: Results) -> list[str]:
    """What is asked of every set: of learning what to skim, of the front, and of one net over θ."""
    table = [
        [TITLES[task], _against_random(rows), _front(results, task, rows), *_theta(results, task)]
        for task, rows in results.runs.items()
        if any(ROWS[name].given == "random" for name in rows)
    ]
    if not table:
        return []
    return [
        "Of every set: whether learning what to skim is worth more than random words, retrained at "
        "the same rate; whether the chosen rows are on the front beside small LSTMs, QRNNs and "
        "minGRUs of any recipe, that is, whether none of them is both quicker and as accurate; "
        f"of how many nets θ buys {REQUIRED:g} times the speed for less than {100 * ALLOWED:g} "
        "point, from reading everything, and what the best of them over θ lacks to the front of "
        f"those trained separately (the aim: less than {100 * NEAR:g} points). *One model over θ*, "
        "below, has more.",
        "",
        "| set | learned − random, points | on the front | one model over θ | lacks, points |",
        "| --- | --- | --- | --- | ---: |",
        *("| " + " | ".join(cells) + " |" for cells in table),
        "",
    ]


def _against_random(rows: dict[str, Runs]) -> str:
    cells = []
    for name in rows:
        row = ROWS[name]
        if row.given == "random" and row.follows in rows:
            against = difference(rows[row.follows], rows[name])
            if against is not None:
                cells.append(f"{row.follows} {against}: {said(against, 'random skimming')}")
    return "; ".join(cells)


def said(against: Difference, what: str) -> str:
    """Whether learning to skim is worth it."""
    if against.low > 0:
        return "learned skimming is better"
    return f"{what} is better" if against.high < 0 else "not told apart"


def _front(results: Results, task: str, rows: dict[str, Runs]) -> str:
    places = {place.row: place for place in placed(results, task)}
    smaller = [place for place in places.values() if place.row.startswith(SMALLER)]
    cells = []
    for _, best in bests({task: rows}):
        if best in places and smaller:
            own = places[best]
            ahead = [
                one.row for one in smaller if one.us <= own.us and one.accuracy >= own.accuracy
            ]
            cells.append(f"{best}: no, for {', '.join(ahead)}" if ahead else f"{best}: yes")
    return "; ".join(cells)


def _theta(results: Results, task: str) -> list[str]:
    verdicts = results.curves.get(task, {}).get("verdicts", {})
    if not verdicts:
        return ["", ""]
    met = sum(
        bool(one["from_reading_all"] and one["from_reading_all"]["met"])
        for one in verdicts.values()
    )
    lacks = [
        one["front"]["lacks"]
        for one in verdicts.values()
        if one["front"] and one["front"]["lacks"] is not None
    ]
    return [f"{met} of {len(verdicts)}", number(min(lacks, default=None), "+.2f", 100)]


# ---- the chosen rows ----------------------------------------------------------------------------


def best_of(rows: dict[str, Runs], recipes: Sequence[str] = ("tuned", "base")) -> str | None:
    """The chosen row, of the first recipe that has one beside a plain LSTM."""
    for recipe in recipes:
        best = chosen(group(rows, recipe))
        if best is not None and plain_of(best) in rows:
            return best
    return None


def bests(tasks: dict[str, dict[str, Runs]]) -> Iterator[tuple[str, str]]:
    """Each task with its chosen row, and again with those of recipes that read more."""
    for task, rows in tasks.items():
        for best in (best_of(rows), best_of(rows, ["taught"]), best_of(rows, ["converted"])):
            if best is not None:
                yield task, best


def title(task: str, best: str) -> str:
    """The task, and how its row was made if that is not by its own texts alone."""
    return TITLES[task] + HOW.get(ROWS[best].recipe, "")
