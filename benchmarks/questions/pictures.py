"""Draw the picture of docs/results-questions.md from the files in ``results``.

    python -m benchmarks.questions.pictures

``docs/theta-squad.svg``: F1 of each model over θ, against operations saved and, where it was
measured, against time, beside the models that read everything.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.classification.pictures.drawing import (
    BLACK,
    BLUE,
    GREEN,
    PURPLE,
    VERMILION,
    Label,
    picture,
    place_labels,
)
from benchmarks.questions.front import curve_of, useful
from benchmarks.questions.report import load, optional
from benchmarks.questions.rows import ROWS

PICTURE = Path(__file__).parents[2] / "docs" / "theta-squad.svg"
STYLES = {
    "attention-skim-20-rate-0.6-long": (BLUE, "o-"),
    "attention-skip-rate-0.52-long": (VERMILION, "s--"),
    "attention-skim-20-rate-0.8-long": (PURPLE, "^-"),
    "bidaf-skim-50-0.1": (GREEN, "D-."),
}
SMALL = "attention-small"
NAMED = (0.5, 0.1)
"""Thresholds that are written beside their points."""


def draw(
    runs: dict[str, Any], curves: dict[str, Any], times: dict[str, Any], path: Path
) -> list[str]:
    """Draw it; give the names that found no room."""
    timed = {
        row["row"]: row["ms"]
        for row in times.get("rows", [])
        if row["reader"] != "torch"
        and row["threshold"] is None
        and (row["precision"], row["words"]) == ("float32", "met before")
    }
    panels = [("flop_reduction", "operations ÷")]
    if timed:
        panels.append(("ms", "measured time, ms a question"))
    left_out: list[str] = []
    # With the rest of a curve, all that matters would lie on one line.
    drawn = {name: useful(curve_of(name, curves, times)) for name in STYLES if name in curves}
    beside = {*(ROWS[name].plain for name in drawn), SMALL}
    plain = {name: run for name, run in runs.items() if name in beside}
    with picture(path, (5.4 * len(panels), 5.0), len(panels), sharey=True) as axes:
        for number, (key, what) in enumerate(panels):
            labels = []
            for name, curve in drawn.items():
                colour, line = STYLES[name]
                points = [p for p in curve if p[key] is not None]
                at = [point[key] for point in points]
                f1 = [100 * point["f1"] for point in points]
                label = ROWS[name].what if not number else None
                axes[number].plot(at, f1, line, color=colour, markersize=4.5, label=label)
                labels += [
                    Label(x, y, f"θ = {point['threshold']:g}", colour)
                    for x, y, point in zip(at, f1, points, strict=True)
                    if point["threshold"] in NAMED
                ]
            for name, run in plain.items():
                x = run["test"]["flop_reduction"] if key != "ms" else timed.get(name)
                if x is not None and (key == "ms" or name != SMALL):
                    y = 100 * run["test"]["f1"]
                    axes[number].plot([x], [y], "D", color=BLACK, markersize=6.5)
                    labels.insert(0, Label(x, y, name, BLACK, bold=True))
            axes[number].set_xlabel(what)
            axes[number].margins(x=0.1, y=0.1)
            left_out += place_labels(axes[number], labels)
        axes[0].set_ylabel("F1 on dev, %")
        axes[0].figure.legend(loc="outside lower center", ncols=2)
    return left_out


def main() -> None:
    """Draw what there are results for."""
    argparse.ArgumentParser(
        "python -m benchmarks.questions.pictures",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    ).parse_args()
    curves = optional("question-curves")
    if not curves:
        print("no curves yet: python -m benchmarks.questions.curves")
        return
    left_out = draw(load(), curves, optional("question-times"), PICTURE)
    print(PICTURE, *(f"(no room for {name})" for name in left_out))


if __name__ == "__main__":
    main()
