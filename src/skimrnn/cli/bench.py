"""``skimrnn bench``: how fast this machine reads and trains, beside other engines."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from skimrnn.cli.options import JsonOption

if TYPE_CHECKING:
    from skimrnn.bench import Row
    from skimrnn.bench.training import Row as TrainingRow


class What(StrEnum):
    """What is timed."""

    reading = "reading"
    training = "training"


def bench(
    what: Annotated[What, typer.Argument(help="What to time.")] = What.reading,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="Reading: all hidden sizes and instruction sets, not the main ones."
        ),
    ] = False,
    all_paths: Annotated[
        bool, typer.Option("--all-paths", help="Training: torch's loop over the words as well.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Time reading, or a training step, with random networks.

    Reading: one text at a time, one thread, processor time per word, all engines in turns over the
    same words; the other engines are those of pip install 'skimrnn[bench]'. Training: forward and
    backward pass of a skimming layer beside torch's own; needs torch.
    """
    from skimrnn.cli.output import note, print_json

    foreign = "--all-paths" if what is What.reading and all_paths else None
    foreign = "--full" if what is What.training and full else foreign
    if foreign:
        raise ValueError(f"skimrnn bench {what.value} has no {foreign}; leave it out")
    if what is What.training:
        from skimrnn.bench import training

        trained = training.bench(all_paths=all_paths, show=note)
        if json:
            print_json({"rows": [row.to_dict() for row in trained]})
        else:
            _print_training(trained)
        return
    from skimrnn.bench import bench as run
    from skimrnn.bench.reading import ALL_SIZES, SIZES

    rows = run(ALL_SIZES if full else SIZES, all_implementations=full, show=note)
    if json:
        print_json({"rows": [row.to_dict() for row in rows]})
    else:
        _print(rows)


def _print_training(rows: Sequence[TrainingRow]) -> None:
    from rich.table import Table

    from skimrnn.cli.output import console

    screen = console()
    table = Table(title="forward and backward pass", title_justify="left", box=None)
    for name in ("layer", "path", "threads"):
        table.add_column(name, no_wrap=True)
    for name in ("ms", "÷ torch's", "words/s", "gain", "MB"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        if row.ms is None:
            continue
        where = "" if row.device == "cpu" else f", {row.device}"
        table.add_row(
            f"{row.cell}, {row.shape}{where}",
            row.path,
            str(row.threads),
            f"{row.ms:.1f}",
            f"{row.ratio_to_nn_lstm:.2f}",
            f"{row.tokens_per_second:,.0f}",
            "" if row.gain is None else f"{row.gain:.2f}",
            "" if row.peak_mb is None else f"{row.peak_mb:.0f}",
        )
    screen.print(table)
    missing = [row for row in rows if row.missing]
    named = {"cpu": "two threads"}
    for line in sorted({f"{named.get(row.device, row.device)}: {row.missing}" for row in missing}):
        screen.print(line)
    screen.print(
        "÷ torch's: time over that of torch.nn's own layer (plain); gain: of two threads over one;",
        style="dim",
    )
    screen.print("MB: most memory beyond weights and inputs.", style="dim")


def _print(rows: Sequence[Row]) -> None:
    from rich.table import Table

    from skimrnn.cli.output import console

    screen = console()
    for hidden_size in sorted({row.hidden_size for row in rows}):
        table = Table(title=f"LSTM, {hidden_size} units", title_justify="left", box=None)
        table.add_column("", no_wrap=True)
        for name in ("µs/word", "p99", "alike", "any", "plain", "model"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in rows:
            if row.hidden_size != hidden_size or row.missing or row.what == "cost":
                continue
            times = (row.us_per_token, row.us_per_token_p99)
            ratios = (row.ratio_to_best_peer, row.ratio_to_any_peer, row.ratio_to_plain)
            cells = ["" if value is None else f"{value:.3f}" for value in times]
            cells += ["" if value is None else f"{value:.2f}" for value in ratios]
            cells.append("" if row.ratio_to_model is None else f"{row.ratio_to_model:.2f}")
            table.add_row(_name(row), *cells)
        screen.print(table)
        screen.print()
    for line in sorted({f"{row.engine}, {row.precision}: {row.missing}" for row in rows}):
        if not line.endswith(": None"):
            screen.print(line)
    for line in (
        "alike, any: times faster than the best other engine with weights alike, of all;",
        "plain: than our plain LSTM; model: time over that of its parts measured alone.",
    ):
        screen.print(line, style="dim")


def _name(row: Row) -> str:
    from skimrnn.cli.output import percent

    if row.isa is None:
        return f"{row.engine}, {row.precision}"
    name = f"{row.isa} {row.precision}, "
    if row.what == "plain":
        name += "plain" if row.table else "plain, no table"
    else:
        name += f"{percent(row.skim_rate_measured, 0)} skimmed"
    return name + (", rare" if row.words == "rare" else "")
