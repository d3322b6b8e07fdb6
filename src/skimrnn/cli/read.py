"""``skimrnn read``: label texts and show what was read and what was skimmed."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skimrnn.cli.options import (
    BudgetOption,
    BurstOption,
    ModelArgument,
    RouterOptionsOption,
    ThresholdOption,
    parse_threshold,
)

if TYPE_CHECKING:
    from skimrnn.show import View

_ENDINGS_OF_FILES = (
    *(".txt", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".md", ".html", ".htm", ".xml"),
    *(".pdf", ".doc", ".docx", ".rtf", ".log", ".gz", ".zip"),
)
_STARTS_OF_PATHS = ("./", "../", "/", "~/", f".{os.sep}", f"..{os.sep}")
_LONGEST_NAME = 255
"""Of more characters no name of a file is; what has blanks too is then a text beyond doubt."""


@dataclass(frozen=True)
class Source:
    """A text to read and where it came from; None for one given as an argument."""

    text: str | bytes
    name: str | None


def read(
    model: ModelArgument,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT|FILE|-",
            help="What to read. The name of a file that exists stands for its content, one text; "
            "- stands for the standard input, which is read too if nothing is named; everything "
            "else is a text itself.",
            show_default=False,
        ),
    ] = None,
    threshold: ThresholdOption = None,
    budget: BudgetOption = None,
    burst: BurstOption = None,
    router_options: RouterOptionsOption = None,
    lines: Annotated[
        bool,
        typer.Option("--lines", help="Take each line of a file or of the input for a text."),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page that shows the texts.", show_default=False),
    ] = None,
    svg: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a picture of one text.", show_default=False),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line for each text.")
    ] = False,
) -> None:
    """Label texts, and show which words were read and which were skimmed."""
    from skimrnn.cli.output import note, print_json
    from skimrnn.cli.reader import load_reader
    from skimrnn.files import write_atomically
    from skimrnn.show import render_html, render_svg, view

    chosen = parse_threshold(threshold)
    reader = load_reader(model, router_options)
    sources = find_sources(texts or [], lines=lines)
    if svg is not None and len(sources) != 1:
        raise ValueError(f"--svg makes a picture of one text; got {len(sources)}")
    views = []
    for number, source in enumerate(sources):
        reading = reader.read(source.text, threshold=chosen, budget=budget, burst=burst)
        one = view(reading)
        if html is not None or svg is not None:
            views.append(one)
        if json:
            print_json(one)
        elif html is None or number < 20:
            _print(one, source, first=number == 0)
        elif number == 20:
            note(f"the other texts, {len(sources) - 20} of them, stand in {html}")
    if svg is not None:
        write_atomically(svg, render_svg(views[0]).encode())
        note(f"wrote {svg}")
    if html is not None:
        write_atomically(html, render_html(views).encode())
        note(f"wrote {html}")


def find_sources(given: list[str], *, lines: bool) -> list[Source]:
    """What the arguments stand for: texts, files, the standard input.

    Raises:
        ValueError: if there is nothing to read, or something named like a path is no file.
    """
    from skimrnn.cli.output import note

    if not given:
        if sys.stdin.isatty():
            raise ValueError(
                'nothing to read: give a text in quotes ("a fine film"), a file, or - for the '
                "standard input"
            )
        given = ["-"]
    sources: list[Source] = []
    for argument in given:
        if argument == "-":
            sources += _pieces(sys.stdin.buffer.read(), "standard input", lines)
        elif _is_file(argument):
            sources += _pieces(Path(argument).expanduser().read_bytes(), argument, lines)
        elif (signs := _signs_of_a_path(argument)) == 2:
            what = "a folder" if Path(argument).expanduser().is_dir() else "no file"
            raise ValueError(f"{argument} is {what}; give a file, or a text")
        else:
            if signs:
                note(f"{argument} was read as a text: there is no such file")
            sources.append(Source(argument, None))
    return sources


def _signs_of_a_path(argument: str) -> int:
    """How much speaks for a path: 0 nothing, 1 its start or its ending, 2 beyond doubt."""
    starts = argument.startswith(_STARTS_OF_PATHS)
    ends = argument.lower().endswith(_ENDINGS_OF_FILES)
    if not any(map(str.isspace, argument)):
        return 2 if starts else int(ends)
    if len(argument.splitlines()) > 1 or len(argument) > _LONGEST_NAME:
        return 0
    return starts + ends


def _is_file(argument: str) -> bool:
    try:
        path = Path(argument)
        if argument.startswith("~"):
            path = path.expanduser()
        return path.is_file() or path.is_fifo()
    except (OSError, ValueError, RuntimeError):  # too long for a name, a null character, no home
        return False


def _pieces(content: bytes, name: str, lines: bool) -> list[Source]:
    if not lines:
        return [Source(content.removesuffix(b"\n"), name)]
    return [Source(line.rstrip(b"\r"), name) for line in content.split(b"\n") if line.strip()]


def _print(view: View, source: Source, *, first: bool) -> None:
    from skimrnn.cli.output import console
    from skimrnn.show import render_terminal
    from skimrnn.show.phrases import one_line

    screen = console()
    if not first:
        screen.print()
    if source.name is not None:
        screen.print(f"{one_line(source.name)}:", style="dim")
    screen.print(render_terminal(view))
