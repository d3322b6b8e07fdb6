"""The rivals on texts, side by side: what the committed runs and times say of each row.

Of ``benchmarks.classification``, whose rows share recipe, texts and seeds; a method has two rows at
most, what a search over two settings gives, Skim-LSTM two by each of two penalties. All rows of a
set are compared on the seeds that every one of them has, seed 0 if no more.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.classification.pictures import pareto
from benchmarks.classification.pictures.data import Results
from benchmarks.classification.stats import Runs
from benchmarks.classification.verdicts import front

SETS = {
    "sst": "SST",
    "rotten-tomatoes": "Rotten Tomatoes",
    "imdb": "IMDb",
    "ag-news": "AG News, a subset",
}
METHODS = {
    "LSTM": ("lstm-tuned",),
    "small LSTM": ("small-lstm-tuned", "tiny-lstm-tuned"),
    "random skimming": ("random-tuned",),
    "Skim-LSTM": ("skim-10-0.01-tuned", "skim-20-0.01-tuned"),
    "Skim-LSTM by rate": ("rate-10-0.9-tuned", "rate-10-0.95-tuned"),
    "skipping by our router": ("skip-0.01-tuned",),
    "on a frozen LSTM": ("frozen-0-0.1-tuned", "frozen-10-0.1-tuned"),
    "Skip RNN": ("skip-rnn-0.05-tuned", "skip-rnn-0.2-tuned"),
    "SkipW": ("skipw-0.05-tuned", "skipw-0.2-tuned"),
    "VCRNN": ("vcrnn-0.05-tuned", "vcrnn-0.2-tuned"),
    "LSTM-Jump": ("lstm-jump-tuned", "lstm-jump-fewer-tuned"),
    "Leap-LSTM": ("leap-lstm-0.5-tuned", "leap-lstm-0.8-tuned"),
}
"""The rows of each method, in the order of the table."""


@dataclass(frozen=True)
class Place:
    """A row of one set.

    Attributes:
        method: of ``METHODS``.
        row: of ``benchmarks.classification``.
        accuracy: on the test texts, in percent, the mean of the shared seeds.
        skipped: words not read in full, in percent; None if all are read.
        us: measured microseconds from text to label in float32, of seed 0; None if not timed.
    """

    method: str
    row: str
    accuracy: float
    skipped: float | None
    us: float | None


def seeds_shared(rows: dict[str, Runs]) -> list[int]:
    """The seeds that every row has that is compared."""
    sets = [set(rows[row].by_seed) for group in METHODS.values() for row in group if row in rows]
    return sorted(set.intersection(*sets)) if sets else []


def places(results: Results, task: str) -> list[Place]:
    """The rows that a set has, in the order of ``METHODS``."""
    rows = results.runs.get(task, {})
    us = {placed.row: placed.us for placed in pareto.placed(results, task)}
    seeds = seeds_shared(rows)
    found = []
    for method, group in METHODS.items():
        for row in (row for row in group if row in rows):
            tests = [rows[row].by_seed[seed]["test"] for seed in seeds]
            rates = [test["skim_rate"] for test in tests]
            accuracy = 100 * sum(test["accuracy"] for test in tests) / len(tests)
            skipped = None if None in rates else 100 * sum(rates) / len(rates)
            found.append(Place(method, row, accuracy, skipped, us.get(row)))
    return found


def best_of(found: list[Place]) -> set[str]:
    """The rows that no other one beats in both accuracy and time."""
    points = [
        {"us_per_text": place.us, "accuracy": place.accuracy, "row": place.row}
        for place in found
        if place.us is not None
    ]
    return {point["row"] for point in front(points)}


def table(results: Results) -> str:
    """A line for each row, a column for each set: accuracy, share not read, time."""
    sets = {task: places(results, task) for task in SETS if places(results, task)}
    cells: dict[str, dict[str, str]] = {}
    for task, found in sets.items():
        best = best_of(found)
        for place in found:
            parts = [] if place.skipped is None else [f"{place.skipped:.0f} %"]
            parts += [] if place.us is None else [f"{place.us:.1f} µs"]
            accuracy = f"{place.accuracy:.1f}"
            accuracy = f"**{accuracy}**" if place.row in best else accuracy
            cells.setdefault(place.row, {})[task] = f"{accuracy} ({', '.join(parts)})"
    lines = [
        "One recipe, the same seeds, at most two settings of a method; Skim-LSTM has two by the",
        "paper's penalty and two by a skip rate that is wanted. Accuracy in percent (share of the",
        "words not read in full; measured time from text to label). **Bold**: no other row of the",
        "table is better in both. Random skimming has the time of skim-10-0.01. What the rows are,",
        "their spreads over more seeds and intervals stand in [results](results.md).",
        "",
        "| method | row | " + " | ".join(heading(results, task) for task in sets) + " |",
        "| --- | --- |" + " ---: |" * len(sets),
    ]
    for method, group in METHODS.items():
        for row in (row for row in group if row in cells):
            line = " | ".join(cells[row].get(task, "") for task in sets)
            lines.append(f"| {method} | {row.removesuffix('-tuned')} | {line} |")
    return "\n".join(lines) + "\n"


def heading(results: Results, task: str) -> str:
    """The set, and what its numbers are means of."""
    seeds = len(seeds_shared(results.runs[task]))
    return f"{SETS[task]} ({seeds} seed{'s' if seeds > 1 else ''})"
