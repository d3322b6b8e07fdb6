"""One model over θ: accuracy against measured time, beside separately trained models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.classification.pictures.drawing import (
    AMBER,
    BLACK,
    BLUE,
    PURPLE,
    QUIET,
    VERMILION,
    Label,
    log_time,
    picture,
    place_labels,
)
from benchmarks.classification.pictures.families import family_of
from benchmarks.classification.rows import LEARNED

STYLES = {
    LEARNED: ("Skim-LSTM, S = 10, γ = 0.01", BLUE, "o-"),
    "skim-20-0.01-tuned": ("Skim-LSTM, S = 20, γ = 0.01", PURPLE, "v-"),
    "rate-10-0.9-tuned": ("S = 10, a rate of 90 %", AMBER, "P-"),
    "spread-10-0.01-tuned": ("S = 10, trained for many θ", VERMILION, "s--"),
}
NAMED = (1.0, 0.9, 0.5, 0.1, 0.01)
"""Thresholds that are written beside their points."""


def draw(result: dict[str, Any], title: str, path: Path) -> list[str]:
    """Draw one task's picture; give the names that found no room."""
    labels: list[Label] = []
    with picture(path, (9.5, 5.2)) as [axes]:
        for row, points in result["curves"].items():
            name, colour, line = STYLES[row]
            us, accuracy = _columns(points)
            axes.plot(us, accuracy, line, color=colour, markersize=4.5, linewidth=1.4, label=name)
            _band(axes, points, colour)
            labels += _thresholds(points, colour)
            _ring(axes, points, result["verdicts"][row], colour)
        separate = result["separate"]
        axes.plot(
            *_columns(separate), "D", color=BLACK, markersize=6.5, label="trained separately, S · γ"
        )
        for point in separate:
            at = (point["us_per_text"], 100 * point["accuracy"])
            labels.insert(0, Label(*at, family_of(point["row"])[1], BLACK, bold=True))
        axes.plot(
            *([], [], "o"),
            color=QUIET,
            markersize=11,
            markerfacecolor="none",
            label="the fastest within 1 point of the curve's best",
        )
        log_time(axes)
        axes.set_ylabel("test accuracy %")
        axes.set_title(f"{title}: one model at many thresholds θ")
        axes.margins(x=0.08, y=0.1)
        axes.figure.legend(loc="outside lower center", ncols=3)
        return place_labels(axes, labels)


def _band(axes: Any, points: list[dict[str, Any]], colour: str) -> None:
    """One standard deviation of the seeds to both sides; of no width for one seed."""
    us, accuracy = _columns(points)
    spread = [100 * point["accuracy_spread"] for point in points]
    low = [mean - part for mean, part in zip(accuracy, spread, strict=True)]
    high = [mean + part for mean, part in zip(accuracy, spread, strict=True)]
    axes.fill_between(us, low, high, color=colour, alpha=0.12, linewidth=0)


def _columns(points: list[dict[str, Any]]) -> tuple[list[float], list[float]]:
    return (
        [point["us_per_text"] for point in points],
        [100 * point["accuracy"] for point in points],
    )


def _thresholds(points: list[dict[str, Any]], colour: str) -> list[Label]:
    return [
        Label(point["us_per_text"], 100 * point["accuracy"], f"θ = {point['threshold']:g}", colour)
        for point in points
        if point["threshold"] in NAMED
    ]


def _ring(axes: Any, points: list[dict[str, Any]], verdicts: dict[str, Any], colour: str) -> None:
    """Mark the point that ``from_best`` found."""
    found = verdicts["from_best"]
    for point in points:
        if found and point["threshold"] == found["to"]:
            at = point["us_per_text"], 100 * point["accuracy"]
            axes.plot(*at, "o", color=colour, markersize=11, markerfacecolor="none")
