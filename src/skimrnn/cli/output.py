"""What the commands print with: consoles, notes, JSON, and how numbers are written."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """A console that prints strings as they are: no mark-up, no coloured numbers.

    Of several processes that torchrun started, the first alone prints. Characters that the
    terminal cannot encode, as in a file's name, are printed as backslash escapes.
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")
    quiet = _is_a_further_process()
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, quiet=quiet)


def _is_a_further_process() -> bool:
    """Whether torchrun started this process beside a first one.

    Its variables may be somebody else's: a cluster's RANK alone, or no number, silences nothing.
    """
    try:
        several = int(os.environ.get("WORLD_SIZE", "1")) > 1
        return several and int(os.environ.get("RANK", "0")) != 0
    except ValueError:
        return False


def note(message: str) -> None:
    """Say on stderr what a person should know but no program reads."""
    from skimrnn.show.phrases import printable

    screen = console(stderr=True)
    screen.print(printable(message), style="dim", soft_wrap=not screen.is_terminal)


def print_json(value: Any, *, indent: int | None = None) -> None:
    """Print strict JSON in ASCII, which every terminal and every parser takes."""
    typer.echo(json.dumps(value, indent=indent, allow_nan=False))


@contextlib.contextmanager
def counting(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, where that is a terminal, for something done ``total`` times.

    Yields:
        A function to call with how often it has been done.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    screen = console(stderr=True)
    if not screen.is_terminal:
        yield lambda done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=screen, transient=True) as progress:
        bar = progress.add_task(what, total=total)
        yield lambda done: progress.update(bar, completed=done)


def percent(share: float | None, places: int = 1) -> str:
    """A share in [0, 1] as a percentage, a dash for None."""
    return "-" if share is None else f"{100 * share:.{places}f}%"


def times(ratio: float | None) -> str:
    """A ratio as "5.1x" with a proper sign, a dash for None."""
    return "-" if ratio is None else f"{ratio:.2f}×"


def seconds(value: float) -> str:
    """A time in the unit that fits it, to three digits."""
    unit, size = next(
        ((unit, size) for unit, size in (("s", 1.0), ("ms", 1e-3)) if value >= size), ("µs", 1e-6)
    )
    scaled = value / size
    places = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{scaled:.{places}f} {unit}"


def faster(skimming: float, reading: float) -> str:
    """How two measured times compare: "2.1× faster" or "1.3× slower"."""
    if not (skimming > 0 and reading > 0):
        return "too short to measure"
    if abs(reading / skimming - 1) < 0.05:
        return "about the same"
    if reading > skimming:
        return f"{reading / skimming:.1f}× faster"
    return f"{skimming / reading:.1f}× slower"


def without_folders(data: str) -> str:
    """Data as a model's record names them, which may be published: no folder of this machine.

    Bytes of a name that are not UTF-8, which no record can hold, become U+FFFD.
    """
    if "/" not in data and os.sep not in data:
        return data
    name = Path(data).expanduser().resolve().name
    return f"./{name}".encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def shown_path(path: str | os.PathLike[str]) -> str:
    """A path as it can be given to a command again: with a separator."""
    text = os.fspath(path)
    return text if os.sep in text or (os.altsep and os.altsep in text) else f".{os.sep}{text}"
