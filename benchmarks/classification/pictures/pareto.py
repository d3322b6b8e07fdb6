"""Accuracy against measured time: every row of a task, and the front."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.classification.pictures.data import Results, spread
from benchmarks.classification.pictures.drawing import QUIET, Label, log_time, picture, place_labels
from benchmarks.classification.pictures.families import family_of
from benchmarks.classification.rows import ROWS
from benchmarks.classification.verdicts import front

PRECISION = "float32"


@dataclass(frozen=True)
class Placed:
    """A row's place: accuracy in percent, mean and standard deviation of its seeds; µs a text."""

    row: str
    us: float
    accuracy: float
    spread: float


def placed(results: Results, task: str) -> list[Placed]:
    """The rows of a task that have both a time and an accuracy.

    Of a row that was timed in several precisions that is float32, in which accuracy was counted.
    Rows with given levels are not timed; they stand where the learned row does, whose rate they
    have. So do rows of searched settings, where that stands whose shape they have.
    """
    us: dict[str, float] = {}
    for one in results.times.get(task, {}).get("rows", []):
        # Other engines are timed as well; they have no accuracy of their own.
        if one.get("us_per_text") is None or one.get("accuracy") is None:
            continue
        if one["row"] not in us or one.get("precision") == PRECISION:
            us[one["row"]] = one["us_per_text"]
    like = {name: row.follows for name, row in ROWS.items() if row.given}
    like |= {name: row.searched for name, row in ROWS.items() if row.searched}
    us |= {name: us[timed] for name, timed in like.items() if timed in us}
    rows = []
    for row, time in us.items():
        accuracy = results.percents(task, row, "accuracy")
        if len(accuracy):
            rows.append(Placed(row, time, float(accuracy.mean()), spread(accuracy)))
    return rows


def front_of(rows: list[Placed]) -> list[Placed]:
    """The rows that no other one beats in both mean accuracy and time, fastest first."""
    points = [{"us_per_text": row.us, "accuracy": row.accuracy, "row": row} for row in rows]
    return [point["row"] for point in front(points)]


def draw(results: Results, task: str, title: str, path: Path) -> list[str]:
    """Draw one task's picture; give the names that found no room."""
    rows = placed(results, task)
    best = front_of(rows)
    with picture(path, (9.5, 6.4)) as [axes]:
        axes.step(
            [row.us for row in best],
            [row.accuracy for row in best],
            where="post",
            color=QUIET,
            linewidth=1.2,
            linestyle=(0, (5, 3)),
            zorder=1,
            label="the front",
        )
        for row in rows:
            _draw_row(axes, row)
        log_time(axes)
        axes.set_ylabel("test accuracy %, mean of seeds")
        axes.set_title(f"{title}: accuracy against time from text to label")
        axes.margins(x=0.1, y=0.08)
        _legend(axes, any(family_of(row.row)[2] for row in rows))
        named = [row for row in rows if row in best or not _unnamed(row.row)]
        first = sorted(named, key=lambda row: (row not in best, _later(row.row), row.us))
        return place_labels(axes, [_label(row, row in best) for row in first])


def _unnamed(row: str) -> bool:
    """Rivals have names in a picture of their own; rows that keep a plain LSTM are many."""
    return row in ROWS and (ROWS[row].rival or ROWS[row].base is not None)


def _later(row: str) -> int:
    """When a row's name chooses its place."""
    if family_of(row)[2]:  # of the base recipe
        return 2
    return int(row in ROWS and ROWS[row].recipe == "taught")


def _draw_row(axes: Any, row: Placed) -> None:
    family, _, base = family_of(row.row)
    axes.errorbar(
        row.us, row.accuracy, row.spread, color=family.colour, alpha=0.3, linewidth=1, zorder=2
    )
    axes.plot(
        *(row.us, row.accuracy),
        family.marker,
        color=family.colour,
        markerfacecolor="white" if base else family.colour,
        markersize=5 if base else 7,
        linestyle="none",
        label=None if base else family.name,
        zorder=3,
    )


def _label(row: Placed, best: bool) -> Label:
    family, name, _ = family_of(row.row)
    return Label(row.us, row.accuracy, name, family.colour, bold=best)


def _legend(axes: Any, base: bool) -> None:
    """Below the axes, each family once."""
    lines, names = axes.get_legend_handles_labels()
    once = dict(zip(names, lines, strict=True))
    if base:
        [once["base recipe (hollow)"]] = axes.plot(
            [], [], "o", color=QUIET, markerfacecolor="white", markersize=5
        )
    axes.figure.legend(once.values(), once.keys(), loc="outside lower center", ncols=4)
