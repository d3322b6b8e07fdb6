"""Accuracy against measured time: every row of a task, and the front."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.classification.pictures.data import Results, spread
from benchmarks.classification.pictures.drawing import (
    QUIET,
    Label,
    draw_front,
    log_time,
    picture,
    place_labels,
)
from benchmarks.classification.pictures.families import family_of
from benchmarks.classification.rows import ROWS
from benchmarks.classification.verdicts import front

PRECISION = "float32"
NEAR = 2.5
"""Rows that are fewer points than this behind the best one have axes of their own."""
ROOM = 1.25
"""Between the first and the last of them and its edge, as a ratio of times."""


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
    """Draw one task's picture; give the names that found no room.

    Where many rows stand close together near the best and others far below, all of them are above,
    and those near the best once more below, where they have their names.
    """
    rows = placed(results, task)
    best = front_of(rows)
    top = max((row.accuracy for row in rows), default=0.0)
    far = [row for row in rows if row.accuracy <= top - NEAR]
    near = [row for row in rows if row not in far]
    size, heights = ((9.5, 11.0), (2, 3)) if far else ((9.5, 6.4), (1,))
    with picture(path, size, rows=len(heights), height_ratios=heights) as axes:
        for one in axes:
            _draw_rows(one, rows, best)
            log_time(one)
            one.set_ylabel("test accuracy %, mean of seeds")
            one.margins(x=0.1, y=0.08)
        axes[0].set_title(f"{title}: accuracy against time from text to label")
        if far:
            axes[1].set_title(f"the same, less than {NEAR:g} points behind the best")
            _look_at(axes[1], near)
            _frame(*axes)
        _legend(axes[-1], any(family_of(row.row)[2] for row in rows))
        left_out = []
        for one, its in zip(axes, [far, near] if far else [rows], strict=True):
            named = [row for row in its if row in best or not _unnamed(row.row)]
            first = sorted(named, key=lambda row: (row not in best, _later(row.row), row.us))
            left_out += place_labels(one, [_label(row, row in best) for row in first])
        return left_out


def _draw_rows(axes: Any, rows: list[Placed], best: list[Placed]) -> None:
    draw_front(axes, [row.us for row in best], [row.accuracy for row in best])
    for row in rows:
        _draw_row(axes, row)


def _look_at(axes: Any, rows: list[Placed]) -> None:
    """Set the limits to these rows, with some room around them."""
    times, accuracies = [row.us for row in rows], [row.accuracy for row in rows]
    axes.set_xlim(min(times) / ROOM, max(times) * ROOM)
    axes.set_ylim(min(accuracies) - NEAR / 10, max(accuracies) + NEAR / 5)


def _frame(whole: Any, close: Any) -> None:
    """Show in one picture what the other one looks at."""
    (left, right), (bottom, top) = close.get_xlim(), close.get_ylim()
    whole.fill_between([left, right], bottom, top, color=QUIET, alpha=0.08, linewidth=0, zorder=0)


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
