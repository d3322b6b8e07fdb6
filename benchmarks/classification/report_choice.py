"""The tables of docs/choosing.md and docs/faq.md: what S, γ, a rate do, and what else there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.classification.report_shown import best_of
from benchmarks.classification.rows import FOLDS, ROWS, TITLES
from benchmarks.classification.stats import Runs
from benchmarks.pages import between

DOCS = Path(__file__).parents[2] / "docs"
CHOOSING, FAQ = DOCS / "choosing.md", DOCS / "faq.md"
SIZES = (
    *("skim-5-0.01-tuned", "skim-5-0.02-tuned", "skim-10-0.005-tuned", "skim-10-0.01-tuned"),
    *("skim-10-0.02-tuned", "skim-20-0.01-tuned", "rate-10-0.9-tuned", "rate-10-0.95-tuned"),
)
ALTERNATIVES = ("lstm-tuned", "small-lstm-tuned", "averages", "ngrams", "tf-idf")

Tasks = dict[str, dict[str, Runs]]


def pages(tasks: Tasks, times: dict[str, Any]) -> dict[Path, str]:
    """Both pages, their tables written anew."""
    return {
        CHOOSING: between(CHOOSING, "sizes", "\n".join(sizes(tasks))),
        FAQ: between(FAQ, "alternatives", "\n".join(alternatives(tasks, times))),
    }


def sizes(tasks: Tasks) -> list[str]:
    """Accuracy and words skimmed by S and γ or rate, mean of the seeds that each row has."""
    shown = {
        task: rows
        for task, rows in tasks.items()
        if task != FOLDS and sum(name in rows for name in SIZES) > 1
    }
    lines = [
        f"| test acc. %, skimmed %, seeds | {' | '.join(TITLES[task] for task in shown)} |",
        f"| --- |{' --- |' * len(shown)}",
    ]
    for name in SIZES:
        cells = []
        for rows in shown.values():
            if name not in rows:
                cells.append("")
                continue
            accuracy, rate = (
                100 * rows[name].values("test", key).mean() for key in ("accuracy", "skim_rate")
            )
            cells.append(f"{accuracy:.2f}, {rate:.0f}, {len(rows[name].by_seed)}")
        lines.append(f"| {ROWS[name].what} | {' | '.join(cells)} |")
    return lines


def alternatives(tasks: Tasks, times: dict[str, Any]) -> list[str]:
    """Accuracy and time of the chosen skimming row and of what could be used instead."""
    lines = ["| task | row | test acc. % | µs a text |", "| --- | --- | ---: | ---: |"]
    for task, rows in tasks.items():
        best = best_of(rows)
        if task not in times or best is None:
            continue
        us = {
            row["row"]: row["us_per_text"]
            for row in times[task]["rows"]
            if row["precision"] != "int8" and row["accuracy"] is not None
        }
        for name in (best, *ALTERNATIVES):
            if name in rows and name in us:
                accuracy = 100 * rows[name].values("test", "accuracy").mean()
                lines.append(
                    f"| {TITLES[task]} | {ROWS[name].what} | {accuracy:.2f} | {us[name]:.1f} |"
                )
    return lines
