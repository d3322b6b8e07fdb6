"""The picture of a trade-off curve; needs matplotlib."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skimrnn.files import write_atomically

_ACCURACY, _OPERATIONS, _TIME, _QUIET = "#1b5fa7", "#1b5fa7", "#c2541b", "#5c6670"
_APART = 0.045
"""Thresholds are left out where two points are closer than this share of the plot's width."""


def draw(curve: Mapping[str, Any], path: Path) -> None:
    """Draw the JSON of ``skimrnn tradeoff`` into a .png, .svg or .pdf file.

    Left: accuracy (of a multi-label model the micro-F1 of its labels) against the share skimmed.
    Right: against the threshold, the operations saved, which are counted, and the time saved,
    which is measured.

    Raises:
        ModuleNotFoundError: if matplotlib is not installed.
        OSError: if the file cannot be written.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{path} was not drawn, for that needs matplotlib; "
            "install it with: pip install 'skimrnn[plot]'",
            name=error.name,
        ) from error
    style: dict[Any, Any] = {
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": _QUIET,
        "axes.labelcolor": "#222222",
        "xtick.color": _QUIET,
        "ytick.color": _QUIET,
        "svg.hashsalt": "skimrnn",
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(9.6, 4.2), dpi=150, layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        _accuracy(left, curve)
        _savings(right, curve)
        title = f"{curve['model']} on {curve['data']}, {curve['texts']:,} texts"
        figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
        content = io.BytesIO()
        kind = path.suffix.lower()[1:]
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        figure.savefig(content, format=kind, metadata=undated)
    write_atomically(path, content.getvalue())


def _accuracy(axes: Any, curve: Mapping[str, Any]) -> None:
    points = [point for point in curve["points"] if point["skim_rate"] is not None]
    x = [100 * point["skim_rate"] for point in points]
    several = any(point.get("f1") is not None for point in points)
    y = [100 * point["f1" if several else "accuracy"] for point in points]
    # An F1 is no share of texts, and has no such interval.
    error = [0.0 if several else _interval(point) for point in points]
    # Where nothing skims, every threshold gives the same point.
    one_place = len(set(zip(x, y, strict=True))) == 1
    low = [value - part for value, part in zip(y, error, strict=True)]
    high = [value + part for value, part in zip(y, error, strict=True)]
    axes.fill_between(x, low, high, color=_ACCURACY, alpha=0.12, linewidth=0)
    shown = slice(1) if one_place else slice(None)
    axes.plot(x[shown], y[shown], "o-", color=_ACCURACY, markersize=5, linewidth=1.6)
    all_read = [value for value, point in zip(y, points, strict=True) if point["skim_rate"] == 0]
    if all_read:
        axes.axhline(all_read[-1], color=_QUIET, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        axes.annotate(
            "reading everything",
            (0.08, all_read[-1]),
            xycoords=("axes fraction", "data"),
            xytext=(0, -4),
            textcoords="offset points",
            va="top",
            fontsize=8,
            color=_QUIET,
        )
    names = [f"{point['threshold']:g}" for point in points]
    if one_place:
        axes.errorbar(x[:1], y[:1], error[:1], color=_ACCURACY, alpha=0.3)
        names = names if len(names) == 1 else ["every threshold"]
        axes.annotate(
            names[0],
            (x[0], y[0]),
            xytext=(-6 if x[0] > 80 else 6, 6),
            textcoords="offset points",
            ha="right" if x[0] > 80 else "left",
            fontsize=8,
            color=_ACCURACY,
        )
    else:
        _name_points(axes, x, y, names)
    axes.set_xlabel("words skimmed, %")
    title = "Accuracy, by threshold (band: 95% interval)"
    axes.set_ylabel("micro-F1, %" if several else "accuracy, %")
    axes.set_title(
        "Micro-F1, by threshold" if several else title, fontsize=10, loc="left", color="#222222"
    )
    axes.margins(x=0.06, y=0.12)
    if len(set(x)) == 1:  # an axis around one number would show thousandths of a percent
        axes.set_xlim(-4, 104)


def _interval(point: Mapping[str, Any]) -> float:
    """Half of the 95% interval of a point's accuracy, in percent."""
    p = point["accuracy"]
    return 196 * math.sqrt(p * (1 - p) / point["texts"])


def _name_points(axes: Any, x: list[float], y: list[float], names: list[str]) -> None:
    """Write each point's threshold beside it: above a peak, below a dip, nothing where it is full.

    The two ends are always named.
    """
    width = max(x, default=0) - min(x, default=0)
    order = sorted(range(len(x)), key=lambda point: x[point])
    named: list[float] = []
    for place in (0, len(order) - 1, *range(1, len(order) - 1)):
        if not 0 <= place < len(order):
            continue
        point = order[place]
        if named[1:] and min(abs(x[point] - other) for other in named) < _APART * width:
            continue
        named.append(x[point])
        around = [y[order[at]] for at in (place - 1, place + 1) if 0 <= at < len(order)]
        above = bool(around) and y[point] >= sum(around) / len(around)
        axes.annotate(
            names[point],
            (x[point], y[point]),
            xytext=(0, 6 if above else -7),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=8,
            color=_ACCURACY,
        )


def _savings(axes: Any, curve: Mapping[str, Any]) -> None:
    points = [point for point in curve["points"] if point["flop_reduction"] is not None]
    x = [point["threshold"] for point in points]
    operations = [point["flop_reduction"] for point in points]
    faster = [point["seconds_reading"] / max(point["seconds_skimming"], 1e-12) for point in points]
    axes.plot(x, operations, "o-", color=_OPERATIONS, markersize=5, linewidth=1.6)
    axes.plot(x, faster, "s--", color=_TIME, markersize=4.5, linewidth=1.6)
    implementation = points[0]["implementation"] if points else ""
    axes.legend(
        ["fewer operations (counted)", f"faster (measured, {implementation})"],
        frameon=False,
        loc="upper right",
    )
    axes.axhline(1, color=_QUIET, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    axes.set_yscale("log")
    ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    highest = max([2.0, *operations, *faster])
    lowest = min([1.0, *operations, *faster])
    axes.set_ylim(0.85 * lowest, 1.5 * highest)
    axes.set_yticks([tick for tick in ticks if tick <= 1.5 * highest])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.minorticks_off()
    axes.set_xlabel("threshold")
    axes.set_title(
        "What skimming saves, against reading everything", fontsize=10, loc="left", color="#222222"
    )
