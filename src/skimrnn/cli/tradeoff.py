"""``skimrnn tradeoff``: what a model gains and loses as it skims more."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skimrnn.cli.options import (
    BudgetOption,
    BurstOption,
    DataArgument,
    DataDirOption,
    JsonOption,
    LabelColumnOption,
    LabelSeparatorOption,
    LimitOption,
    ModelArgument,
    RouterOptionsOption,
    TextColumnOption,
)

if TYPE_CHECKING:
    from skimrnn.evaluation import Evaluation

THRESHOLDS = "0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1"


def tradeoff(
    model: ModelArgument,
    data: DataArgument,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the curve as JSON.", show_default=False),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw the curve: a .png, .svg or .pdf file (needs matplotlib).",
            show_default=False,
        ),
    ] = None,
    thresholds: Annotated[
        str, typer.Option(metavar="LIST", help="The thresholds, separated by commas.")
    ] = THRESHOLDS,
    budget: BudgetOption = None,
    burst: BurstOption = None,
    router_options: RouterOptionsOption = None,
    data_dir: DataDirOption = None,
    text_column: TextColumnOption = None,
    label_column: LabelColumnOption = None,
    label_separator: LabelSeparatorOption = None,
    limit: LimitOption = None,
    json: JsonOption = False,
) -> None:
    """Read labelled texts at one threshold after the other: accuracy against work and time.

    The texts are those that evaluate reads. Times are measured on a sample of at most 200. Of a
    multi-label model the table has the micro-F1 of its labels for the accuracy, the JSON both.
    """
    from skimrnn import __version__, evaluation
    from skimrnn.cli.output import counting, note, print_json
    from skimrnn.cli.reader import load_reader, load_texts
    from skimrnn.files import write_atomically

    chosen = parse_thresholds(thresholds)
    check_picture(picture)
    reader = load_reader(model, router_options)
    evaluation.rule_in_force(reader, None, budget, burst)  # refused before anything is read
    found, examples = load_texts(
        reader, data, limit, data_dir, text_column, label_column, label_separator
    )
    if not reader.config.skims:
        note(f"{model} is a plain RNN: it reads everything at every threshold")
    points: list[Evaluation] = []
    with counting(len(examples) * len(chosen), "reading") as show:
        for threshold in chosen:
            before = len(points) * len(examples)
            points.append(
                evaluation.evaluate(
                    reader,
                    examples,
                    threshold=threshold,
                    budget=budget,
                    burst=burst,
                    show=lambda done, before=before: show(before + done),  # type: ignore[misc]
                )
            )
    curve: dict[str, Any] = {
        "model": model,
        "data": data,
        "split": found.split,
        "texts": len(examples),
        "skimrnn": __version__,
        "points": [point.to_dict() for point in points],
    }
    if json:
        print_json(curve)
    else:
        ceiling = points[-1].budget
        under = "" if ceiling is None else f", budget {ceiling:g}, burst {points[-1].burst:g}"
        _print(points, f"{model} on {data}, {len(examples):,} texts{under}")
    if out is not None:
        from json import dumps

        write_atomically(out, (dumps(curve, indent=2, allow_nan=False) + "\n").encode())
        note(f"wrote {out}")
    if picture is not None:
        from skimrnn.cli.picture import draw

        draw(curve, picture)
        note(f"wrote {picture}")


def parse_thresholds(given: str) -> list[float]:
    """The numbers of a list such as "0.1,0.5,1", rising and each once.

    Raises:
        ValueError: if one is not a number, or there is none.
    """
    try:
        numbers = {float(part) for part in given.split(",") if part.strip()}
    except ValueError:
        numbers = set()
    if not numbers or any(map(math.isnan, numbers)):
        raise ValueError(f"thresholds must be numbers separated by commas; got {given!r}")
    return sorted(numbers)


def check_picture(path: Path | None) -> None:
    """Refuse a picture that could not be drawn, before minutes are spent on the curve.

    Raises:
        ValueError: if the file's name ends in no known way.
        OSError: if the target is a folder, or lies in a file.
        ModuleNotFoundError: if matplotlib is not installed.
    """
    if path is None:
        return
    endings = (".png", ".svg", ".pdf")
    if path.suffix.lower() not in endings:
        raise ValueError(f"a picture's name must end in {', '.join(endings)}; got {str(path)!r}")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the picture another name")
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir():
        raise NotADirectoryError(f"{path} cannot be written: {above} is a file, not a folder")
    if not _installed("matplotlib"):
        raise ModuleNotFoundError(
            f"{path} cannot be drawn: that needs matplotlib; "
            "install it with: pip install 'skimrnn[plot]'",
            name="matplotlib",
        )


def _installed(package: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(package) is not None
    except ValueError:  # as where an import of it is blocked
        return False


def _print(points: list[Evaluation], title: str) -> None:
    from rich.table import Table

    from skimrnn.cli.output import console, percent, seconds, times

    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="bold",
    )
    for heading in (
        "threshold",
        "accuracy" if points[0].f1 is None else "micro-F1",
        "skimmed",
        "fewer\noperations",
        "recurrent\npart",
        "time",
        "reading\nall",
        "faster",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for point in points:
        table.add_row(
            f"{point.threshold:g}",
            percent(point.score),
            percent(point.skim_rate),
            times(point.flop_reduction),
            times(point.recurrent_reduction),
            seconds(point.seconds_skimming),
            seconds(point.seconds_reading),
            times(point.seconds_reading / max(point.seconds_skimming, 1e-9)),
        )
    screen = console()
    screen.print(title, style="bold underline")
    screen.print(table)
    last = points[-1]
    screen.print(
        f"Operations are counted on all {last.texts:,} texts, times measured on "
        f"{last.timed_texts} of them, {last.implementation} implementation.",
        style="dim",
    )
