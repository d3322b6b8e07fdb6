"""Which words are read: by frequency, part of speech and place in the text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.classification.pictures.drawing import AMBER, BLUE, GREEN, VERMILION, picture
from benchmarks.classification.rows import TITLES

STYLES = {
    "sst": (BLUE, "o"),
    "rotten-tomatoes": (VERMILION, "s"),
    "imdb": (GREEN, "^"),
    "ag-news": (AMBER, "D"),
}


APART = 0.2
"""The tasks' dots stand so far above one another, in steps of a kind."""


def draw(words: dict[str, Any], path: Path) -> None:
    """Draw the picture; left and middle a dot a task, right a line a task."""
    tasks = [task for task in STYLES if task in words]
    with picture(
        path, (9.5, 4.6), 3, "Words read, share of their kind", width_ratios=(1, 1, 1.15)
    ) as axes:
        bands, parts, tenths = axes
        for number, task in enumerate(tasks):
            colour, marker = STYLES[task]
            style = {"color": colour, "marker": marker, "label": TITLES[task].split(",")[0]}
            aside = APART * (number - (len(tasks) - 1) / 2)
            _dots(bands, words[task]["bands"], aside, style)
            _dots(parts, ordered(words, words[task]["parts"]), aside, style)
            shares = [_percent(one) for one in words[task]["tenths"]]
            middles = [100 * (at + 0.5) / len(shares) for at in range(len(shares))]
            tenths.plot(middles, shares, markersize=4.5, linewidth=1.4, **style)
        bands.set_title("by rank in the training texts")
        parts.set_title("by part of speech")
        tenths.set_title("by place in the text")
        tenths.set_ylim(bottom=0)
        tenths.set_xlabel("words before it, % of the text")
        tenths.set_ylabel("read %")
        handles = bands.get_legend_handles_labels()
        bands.figure.legend(*handles, loc="outside lower center", ncols=4)


def ordered(words: dict[str, Any], parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts of speech of one task in the order of their mean share read over all tasks."""
    shares: dict[str, list[float]] = {}
    for task in words.values():
        for part in task["parts"]:
            shares.setdefault(part["name"], []).append(part["read"] or 0.0)
    return sorted(parts, key=lambda part: -sum(shares[part["name"]]) / len(shares[part["name"]]))


def _dots(axes: Any, kinds: list[dict[str, Any]], aside: float, style: dict[str, Any]) -> None:
    """A dot a kind, the first on top; none where there was no such word."""
    places = [at + aside for at in range(len(kinds))]
    axes.plot(list(map(_percent, kinds)), places, linestyle="none", markersize=6, **style)
    axes.set_yticks(range(len(kinds)), [kind["name"] for kind in kinds])
    axes.set_ylim(len(kinds) - 0.5, -0.5)
    axes.set_xlim(-3, 103)
    axes.set_xlabel("read %")


def _percent(kind: dict[str, Any]) -> float:
    return 100 * kind["read"] if kind["words"] else float("nan")
