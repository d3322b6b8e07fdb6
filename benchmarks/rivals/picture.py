"""Draw ``docs/rivals.svg``: accuracy against measured time of every rival, a panel for each set.

python -m benchmarks.rivals.picture
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.classification.pictures.data import Results, load
from benchmarks.classification.pictures.drawing import (
    AMBER,
    BLACK,
    BLUE,
    GREEN,
    PURPLE,
    QUIET,
    SKY,
    VERMILION,
    Label,
    draw_front,
    log_time,
    picture,
    place_labels,
)
from benchmarks.rivals.texts import METHODS, SETS, Place, best_of, places

PICTURE = Path(__file__).parents[2] / "docs" / "rivals.svg"
MARKS = {
    "LSTM": ("s", BLACK),
    "small LSTM": ("p", BLACK),
    "random skimming": ("X", VERMILION),
    "Skim-LSTM": ("o", BLUE),
    "Skim-LSTM by rate": ("*", BLUE),
    "skipping by our router": ("D", SKY),
    "on a frozen LSTM": ("d", SKY),
    "Skip RNN": ("^", PURPLE),
    "SkipW": ("v", AMBER),
    "VCRNN": ("h", GREEN),
    "LSTM-Jump": (">", QUIET),
    "Leap-LSTM": ("P", BLACK),
}


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.parse_args()
    draw(load(), PICTURE)
    print(PICTURE)


def draw(results: Results, path: Path) -> None:
    """Draw the sets that have rows with a time."""
    sets = {task: [one for one in places(results, task) if one.us] for task in SETS}
    sets = {task: found for task, found in sets.items() if found}
    with picture(path, (11, 4.6 * -(-len(sets) // 2)), 2, rows=-(-len(sets) // 2)) as panels:
        for axes, (task, found) in zip(panels, sets.items(), strict=False):
            _panel(axes, SETS[task], found)
        for axes in panels[len(sets) :]:
            axes.set_axis_off()
        handles = {name: line for axes in panels for line, name in _legend_of(axes)}
        ordered = [name for name in (*METHODS, "the front") if name in handles]
        panels[0].figure.legend(
            [handles[name] for name in ordered], ordered, loc="outside lower center", ncols=4
        )
        for axes, found in zip(panels, sets.values(), strict=False):  # what they avoid stands now
            place_labels(axes, _labels(found))


def _legend_of(axes: Any) -> list[tuple[Any, str]]:
    return list(zip(*axes.get_legend_handles_labels(), strict=True))


def _panel(axes: Any, title: str, found: list[Place]) -> None:
    best = best_of(found)
    front = sorted((one for one in found if one.row in best), key=lambda one: one.us or 0)
    draw_front(axes, [one.us for one in front], [one.accuracy for one in front])
    for one in found:
        marker, colour = MARKS[one.method]
        axes.plot(one.us, one.accuracy, marker, color=colour, linestyle="none", label=one.method)
    log_time(axes)
    axes.set_ylabel("test accuracy %")
    axes.set_title(title)
    axes.margins(x=0.12, y=0.12)


def _labels(found: list[Place]) -> list[Label]:
    """The rows on the front, and of each method that has none there its most accurate one."""
    best = best_of(found)
    named = [one for one in found if one.row in best]
    for method in METHODS:
        rows = [one for one in found if one.method == method]
        if rows and not any(one.row in best for one in rows):
            named.append(max(rows, key=lambda one: one.accuracy))
    return [
        Label(one.us or 0, one.accuracy, one.method, MARKS[one.method][1], one.row in best)
        for one in named
    ]


if __name__ == "__main__":
    main()
