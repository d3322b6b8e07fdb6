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

    from skimrnn.cli.output import console, percent

    for hidden_size in sorted({row.hidden_size for row in rows}):
        table = Table(title=f"LSTM, {hidden_size} units", title_justify="left", box=None)
        for name in ("reader", "weights", "skimmed"):
            table.add_column(name)
        for name in ("µs/word", "p99", "x same weights", "x any", "x own plain", "x cost model"):
            table.add_column(name, justify="right")
        for row in (row for row in rows if row.hidden_size == hidden_size):
            times = (row.us_per_token, row.us_per_token_p99)
            ratios = (row.ratio_to_best_peer, row.ratio_to_any_peer, row.ratio_to_plain)
            cells = [f"{value:.3f}" if value else "-" for value in times]
            cells += [f"{value:.2f}" if value else "" for value in (*ratios, row.ratio_to_model)]
            skimmed = "" if row.skim_rate is None else percent(row.skim_rate_measured)
            table.add_row(_name(row), row.precision, skimmed, *cells)
        console().print(table)
        console().print()
    missing = {f"{row.engine} ({row.precision}): {row.missing}" for row in rows if row.missing}
    for line in sorted(missing):
        console().print(line)
    console().print(
        "x: how many times faster than the best other engine with the same weights, than the best "
        "of all, than\nour own plain LSTM; cost model: time over the sum of the parts measured "
        "alone.",
        style="dim",
    )


def _name(row: Row) -> str:
    name = row.engine if row.isa is None else f"skimrnn {row.isa}"
    if row.engine == "skimrnn" and row.what == "plain":
        name += ", plain" + ("" if row.table else ", nothing looked up")
    if row.what == "cost":
        name += ", nothing read"
    return name + (", rare words" if row.words == "rare" else "")
