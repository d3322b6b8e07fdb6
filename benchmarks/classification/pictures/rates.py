"""The share of words skimmed against S and γ, of both recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.classification.pictures.data import Results, spread
from benchmarks.classification.pictures.drawing import BLUE, VERMILION, picture
from benchmarks.classification.rows import TITLES

SIZES = {5: (BLUE, "o"), 10: (VERMILION, "s")}
WEIGHTS = (0.01, 0.02)
RECIPES = {"": "base recipe", "-tuned": "tuned recipe"}
ASIDE = 0.07
"""The lines stand so far apart that their bars do not cover each other, in steps of γ."""

Line = list[tuple[float, float, float]]


def line(results: Results, task: str, size: int, recipe: str) -> Line:
    """γ, mean rate and its standard deviation over seeds, in percent, where runs are there."""
    found: Line = []
    for weight in WEIGHTS:
        rates = results.percents(task, f"skim-{size}-{weight}{recipe}", "skim_rate")
        if len(rates):
            found.append((weight, float(rates.mean()), spread(rates)))
    return found


def tasks_of(results: Results) -> list[str]:
    """The tasks of which any of it is known."""
    return [
        task
        for task in TITLES
        if any(line(results, task, size, recipe) for size in SIZES for recipe in RECIPES)
    ]


def draw(results: Results, path: Path) -> None:
    """Draw the picture, axes by axes a task."""
    tasks = tasks_of(results)
    with picture(
        path, (9.5, 3.9), len(tasks), "Words skimmed, by S and γ", sharey=True
    ) as all_axes:
        for task, axes in zip(tasks, all_axes, strict=True):
            _panel(axes, results, task)
        all_axes[0].set_ylabel("words skimmed %, test texts")
        handles: dict[str, Any] = {}
        for axes in all_axes:
            lines, names = axes.get_legend_handles_labels()
            handles |= dict(zip(names, lines, strict=True))
        axes.figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)


def _panel(axes: Any, results: Results, task: str) -> None:
    combinations = [(size, recipe) for recipe in RECIPES for size in SIZES]
    for number, (size, recipe) in enumerate(combinations):
        found = line(results, task, size, recipe)
        if not found:
            continue
        colour, marker = SIZES[size]
        aside = ASIDE * (number - (len(combinations) - 1) / 2)
        axes.errorbar(
            [WEIGHTS.index(weight) + aside for weight, _, _ in found],
            [mean for _, mean, _ in found],
            [deviation for _, _, deviation in found],
            color=colour,
            marker=marker,
            markersize=5.5,
            markerfacecolor=colour if recipe else "white",
            linestyle="-" if recipe else (0, (3, 2)),
            linewidth=1.3,
            capsize=3,
            label=f"S = {size}, {RECIPES[recipe]}",
        )
    axes.set_xticks(range(len(WEIGHTS)), [f"γ = {weight}" for weight in WEIGHTS])
    axes.set_xlim(-0.4, len(WEIGHTS) - 0.6)
    axes.set_title("SST, phrases" if task == "sst-phrases" else TITLES[task].split(",")[0])
