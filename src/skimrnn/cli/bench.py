"""``skimrnn bench``: how fast this machine reads, beside other engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from skimrnn.cli.options import JsonOption

if TYPE_CHECKING:
    from skimrnn.bench import Row


def bench(
    full: Annotated[
        bool,
        typer.Option("--full", help="All hidden sizes and instruction sets, not the main ones."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Time reading with random networks: other engines, plain LSTMs, and skimming.

    One text at a time, one thread, processor time per word, all engines in turns over the same
    words; the other engines are those of pip install 'skimrnn[bench]'.
    """
    from skimrnn.bench import bench as run
    from skimrnn.bench.reading import ALL_SIZES, SIZES
    from skimrnn.cli.output import note, print_json

    rows = run(ALL_SIZES if full else SIZES, all_implementations=full, show=note)
    if json:
        print_json({"rows": [row.to_dict() for row in rows]})
    else:
        _print(rows)


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
