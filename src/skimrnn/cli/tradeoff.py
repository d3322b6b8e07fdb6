"""``skimrnn tradeoff``: what a model gains and loses as it skims more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skimrnn.cli.options import (
    DataArgument,
    DataDirOption,
    JsonOption,
    LabelColumnOption,
    LimitOption,
    ModelArgument,
    TextColumnOption,
    parse_threshold,
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
    data_dir: DataDirOption = None,
    text_column: TextColumnOption = None,
    label_column: LabelColumnOption = None,
    limit: LimitOption = None,
    json: JsonOption = False,
) -> None:
    """Read labelled texts at one threshold after the other: accuracy against work and time.

    The texts are those that evaluate reads. Times are measured on a sample of at most 200.
    """
    from skimrnn import __version__, evaluation, load
    from skimrnn.cli.output import counting, note, print_json
    from skimrnn.files import write_atomically

    chosen = parse_thresholds(thresholds)
    check_picture(picture)
    reader = load(model)
    found = evaluation.load_test_texts(
        reader, data, data_dir=data_dir, text_column=text_column, label_column=label_column
    )
    for message in found.notes:
        note(message)
    if not reader.config.skims:
        note(f"{model} is a plain RNN: it reads everything at every threshold")
    examples = found.examples if limit is None else evaluation.sample(found.examples, limit)
    points: list[Evaluation] = []
    with counting(len(examples) * len(chosen), "reading") as show:
        for threshold in chosen:
            before = len(points) * len(examples)
            points.append(
                evaluation.evaluate(
                    reader,
                    examples,
                    threshold=threshold,
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
        _print(points, f"{model} on {data}, {len(examples):,} texts")
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
    numbers = [parse_threshold(part.strip()) for part in given.split(",") if part.strip()]
    if not numbers or not all(isinstance(number, float) for number in numbers):
        raise ValueError(f"thresholds must be numbers separated by commas; got {given!r}")
    return sorted({float(number) for number in numbers if number is not None})


def check_picture(path: Path | None) -> None:
    """Refuse a picture that could not be drawn, before minutes are spent on the curve.

    Raises:
        ValueError: if the file's name ends in no known way.
    """
    endings = (".png", ".svg", ".pdf")
    if path is not None and path.suffix.lower() not in endings:
        raise ValueError(f"a picture's name must end in {', '.join(endings)}; got {str(path)!r}")


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
        "accuracy",
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
            percent(point.accuracy),
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
