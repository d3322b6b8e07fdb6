"""``skimrnn score``: label the texts of a file of any size."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skimrnn.cli.options import BudgetOption, BurstOption, ThresholdOption, parse_threshold

if TYPE_CHECKING:
    from skimrnn.scoring import Scored

_KINDS = ".csv, .jsonl or .ndjson, each also with .gz, or .parquet"


def score(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT", help=f"A file whose name ends in {_KINDS}.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Argument(
            metavar="OUTPUT", help="The file to write, of any of these kinds.", show_default=False
        ),
    ],
    model: Annotated[
        str,
        typer.Option(metavar="MODEL", help="A bundled model's name, or the path of a folder."),
    ] = "sst",
    column: Annotated[
        str, typer.Option(metavar="NAME", help="The column with the texts.")
    ] = "text",
    threshold: ThresholdOption = None,
    budget: BudgetOption = None,
    burst: BurstOption = None,
    precision: Annotated[
        str, typer.Option(metavar="float32|int8", help="Of the recurrent weights.")
    ] = "float32",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Add the probability of every class.")
    ] = False,
    prefix: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Begin the added columns' names with this.", show_default=False
        ),
    ] = "",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Processes that score; one a core if left out.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, metavar="ROWS", help="Rows that are scored and kept at once.")
    ] = 10_000,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at a row without a text.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an OUTPUT that is there.")
    ] = False,
) -> None:
    """Label the texts of a file of any size, in memory that does not grow with it.

    The rows come out in their order, with the columns label, probability, words and skim_rate
    added. A run that was cut off goes on from there if the same command is given again.
    """
    from skimrnn.cli.errors import INTERRUPTED, fail
    from skimrnn.cli.output import note
    from skimrnn.scoring import BatchScorer, score_file

    scorer = BatchScorer(
        model,
        column=column,
        threshold=parse_threshold(threshold),
        budget=budget,
        burst=burst,
        precision=precision,
        probabilities=probabilities,
        prefix=prefix,
    )
    try:
        with _bar(output) as show:
            done = score_file(
                *(source, output, scorer),
                workers=workers,
                batch_rows=batch,
                strict=strict,
                overwrite=overwrite,
                show=show,
            )
    except KeyboardInterrupt:
        fail("interrupted; give the same command to go on from what is scored", INTERRUPTED)
    said = f"wrote {output}: {done.rows:,} row{'s' * (done.rows != 1)}"
    if done.resumed:
        said += f", {done.resumed:,} of them scored before"
    note(said)
    if done.unlabelled:
        some = "1 row has" if done.unlabelled == 1 else f"{done.unlabelled:,} rows have"
        note(f"{some} no text in the column {column!r}, and so no label")


@contextlib.contextmanager
def _bar(output: Path) -> Iterator[Callable[[Scored], None]]:
    """A bar on stderr, where that is a terminal."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    from skimrnn.cli.output import console

    screen = console(stderr=True)
    rows = TextColumn("{task.fields[rows]:,} rows")
    columns = (TextColumn("scoring"), BarColumn(), TaskProgressColumn(), rows, Remaining())
    hidden = not screen.is_terminal
    with Progress(*columns, console=screen, transient=True, disable=hidden) as progress:
        task = progress.add_task("", total=1.0, rows=0)
        yield lambda done: progress.update(task, completed=done.share, rows=done.rows)
