"""``skimrnn answer``: find the part of a text that answers a question."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from skimrnn.cli.options import (
    BudgetOption,
    BurstOption,
    JsonOption,
    ThresholdOption,
    parse_threshold,
)

TITLE = "What was read for an answer"


def answer(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A bundled model that answers questions (squad), the folder of one, or a name "
            "on the public hub, org/name.",
            show_default=False,
        ),
    ],
    context: Annotated[
        str,
        typer.Option(
            metavar="FILE|-",
            help="The file with the text that holds the answer; - for the standard input.",
            show_default=False,
        ),
    ],
    question: Annotated[
        list[str],
        typer.Option(
            metavar="TEXT", help="What is asked; may be given more than once.", show_default=False
        ),
    ],
    threshold: ThresholdOption = None,
    budget: BudgetOption = None,
    burst: BurstOption = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a page that shows what was read.", show_default=False
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Find the part of a text that answers a question, and show which words were read."""
    from skimrnn.cli.output import console, note, print_json
    from skimrnn.files import write_atomically
    from skimrnn.runtime import load_answerer
    from skimrnn.show import render_html, render_terminal, view
    from skimrnn.show.phrases import DIRECTION_NAMES, one_line, percent

    chosen = parse_threshold(threshold)
    answerer = load_answerer(model)
    text = _context(context)
    screen = console()
    views = []
    for number, asked in enumerate(question):
        found = answerer.answer(text, asked, threshold=chosen, budget=budget, burst=burst)
        one = view(found)
        views.append(one)
        if json:
            own = {"question": asked, "answer": found.answer, "start": found.start}
            print_json(
                {
                    **own,
                    "end": found.end,
                    "probability": found.probability,
                    "skim_rates": found.skim_rates.tolist(),
                    **{key: value for key, value in one.items() if key not in _OF_A_LABEL},
                }
            )
            continue
        if number:
            screen.print()
        screen.print(f"{one_line(asked)}", style="bold")
        screen.print(render_terminal(one))
        for layer, rates in enumerate(found.skim_rates.tolist(), start=1):
            said = ", ".join(
                f"{percent(rate)} {way}" for rate, way in zip(rates, DIRECTION_NAMES, strict=True)
            )
            screen.print(f"layer {layer} skimmed {said}", style="dim")
    if html is not None:
        write_atomically(html, render_html(views, title=TITLE, asked=question).encode())
        note(f"wrote {html}")


_OF_A_LABEL = ("label", "probabilities")


def _context(given: str) -> str:
    content = sys.stdin.buffer.read() if given == "-" else Path(given).expanduser().read_bytes()
    return content.decode("utf-8", errors="replace").removesuffix("\n")
