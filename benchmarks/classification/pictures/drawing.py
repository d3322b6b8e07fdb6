"""How the pictures of the docs are drawn; needs matplotlib.

Every picture stands on a white card of its own, so that it is legible on any page. The same
numbers give the same bytes. Colours are those of Okabe and Ito, told apart by the colour-blind;
none of them means anything that a marker or a name does not say too.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np

from skimrnn.files import write_atomically

BLUE, VERMILION, GREEN, PURPLE = "#0072b2", "#c44e00", "#00805f", "#a8508a"
AMBER, SKY, BLACK, QUIET = "#b07800", "#3a9bd0", "#222222", "#5c6670"
TEXT_SIZE = 8.5
_STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": BLACK,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "grid.alpha": 0.25,
    "axes.grid": True,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.hashsalt": "skimrnn",
}


@dataclass(frozen=True)
class Label:
    """A name for a point, in data coordinates."""

    x: float
    y: float
    text: str
    colour: str = BLACK
    bold: bool = False


@contextmanager
def picture(
    path: Path,
    size: tuple[float, float],
    columns: int = 1,
    title: str = "",
    rows: int = 1,
    **more: Any,
) -> Iterator[list[Any]]:
    """Give the axes, row by row, of a picture that is written when they have been drawn on.

    Args:
        path: an .svg file.
        size: width and height in inches.
        columns: how many axes stand side by side.
        title: of the whole picture.
        rows: how many stand above each other.
        more: for ``Figure.subplots``.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)
        axes = list(figure.subplots(rows, columns, squeeze=False, **more).flat)
        if title:
            figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
        yield axes
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    write_atomically(path, content.getvalue())


def log_time(axes: Any, what: str = "measured time, µs a text") -> None:
    """Make x a logarithmic axis of microseconds, with plain numbers at the ticks."""
    from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(what)


def draw_front(axes: Any, times: Sequence[Any], accuracies: Sequence[float]) -> None:
    """Draw the stairs over what no other point beats in both, fastest first, below all points."""
    axes.step(
        *(times, accuracies),
        where="post",
        color=QUIET,
        linewidth=1.2,
        linestyle=(0, (5, 3)),
        zorder=1,
        label="the front",
    )


def place_labels(axes: Any, labels: Sequence[Label]) -> list[str]:
    """Write names beside their points where nothing else stands; those in front choose first.

    To be called last, since the places depend on the axes' limits.

    Returns:
        The names for which there was no room.
    """
    from matplotlib.text import Text

    figure = axes.figure
    figure.draw_without_rendering()  # the layout is settled now
    renderer = figure.canvas.get_renderer()
    room = axes.get_window_extent(renderer).extents
    half = 4 * figure.dpi / 72
    named = [(label.x, label.y) for label in labels]
    marks = {
        (x, y): (at[0] - half, at[1] - half, at[0] + half, at[1] + half)
        for x, y in dict.fromkeys([*named, *_lone_points(axes)])
        for at in [axes.transData.transform((x, y))]
    }
    taken: list[Sequence[float]] = list(_along_lines(axes))
    left_out = []
    for label in labels:
        others = [mark for point, mark in marks.items() if point != (label.x, label.y)]
        for reach, (across, up) in product(_REACHES, _DIRECTIONS):
            note = _annotate(axes, label, reach * across, reach * up)
            note.update_positions(renderer)
            left, bottom, right, top = Text.get_window_extent(note, renderer).extents
            box = (left - _GAP, bottom, right + _GAP, top)
            if _inside(box, room) and not any(_meet(box, one) for one in (*taken, *others)):
                taken.append(box)
                if note.arrow_patch is not None:  # the line to it
                    begin = axes.transData.transform((label.x, label.y))
                    offset = np.array([across, up]) * reach * figure.dpi / 72
                    taken += _along(begin, begin + offset)
                break
            note.remove()
        else:
            left_out.append(label.text)
    return left_out


_REACHES = (6, 11, 18, 27, 38, 52, 70, 92, 120, 155)
"""How far from its point a name may stand, in points, nearest first."""
_DIRECTIONS = (
    *((1, 0), (-1, 0), (0, 1), (0, -1)),
    *((0.8, 0.8), (-0.8, 0.8), (0.8, -0.8), (-0.8, -0.8)),
)
"""Right, left, above, below, then the corners, in the order that they are tried in."""
_STEP = 4.0
_GAP = 4.0
"""Between two names side by side, in pixels."""


def _lone_points(axes: Any) -> Iterator[tuple[float, float]]:
    """The points that no line joins, with a name or without."""
    for line in axes.get_lines():
        if line.get_linestyle() == "None":
            yield from ((float(x), float(y)) for x, y in line.get_xydata())


def _along_lines(axes: Any) -> Iterator[tuple[float, float, float, float]]:
    """Small boxes, in pixels, all along the lines that are drawn in the axes."""
    for line in axes.get_lines():
        if line.get_linestyle() == "None":
            continue
        corners = line.get_xydata()
        if line.get_drawstyle() == "steps-post":
            turns = np.column_stack([corners[1:, 0], corners[:-1, 1]])
            corners = np.insert(corners, np.arange(1, len(corners)), turns, axis=0)
        corners = axes.transData.transform(corners)
        for begin, end in pairwise(corners):
            yield from _along(begin, end)


def _along(begin: Any, end: Any) -> Iterator[tuple[float, float, float, float]]:
    """Small boxes along one line, in pixels."""
    steps = 1 + int(np.hypot(*(end - begin)) / _STEP)
    for x, y in np.linspace(begin, end, steps + 1):
        yield x - 1, y - 1, x + 1, y + 1


def _annotate(axes: Any, label: Label, across: float, up: float) -> Any:
    """Write a name so many points away from its point, with a line to it if that is far."""
    far = max(abs(across), abs(up)) > 12
    note = axes.annotate(
        label.text,
        (label.x, label.y),
        xytext=(across, up),
        textcoords="offset points",
        ha="left" if across > 0 else "right" if across < 0 else "center",
        va="bottom" if up > 0 else "top" if up < 0 else "center",
        fontsize=TEXT_SIZE,
        fontweight="bold" if label.bold else "normal",
        color=label.colour,
        arrowprops={"arrowstyle": "-", "color": QUIET, "lw": 0.5, "shrinkA": 0, "shrinkB": 3}
        if far
        else None,
    )
    note.set_in_layout(False)
    return note


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two boxes (left, bottom, right, top) share a place."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _inside(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] >= other[0] and one[1] >= other[1] and one[2] <= other[2] and one[3] <= other[3]
