"""The arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

BUILT_IN_DATA = ("sst", "rotten-tomatoes", "imdb", "ag-news", "sst+rotten-tomatoes")
"""As ``skimrnn.tasks.BUILT_IN``, which help must not import."""

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A bundled model's name, or the path of a model folder; a path has a separator "
        "(./mine). If there is no such folder, org/name is looked for on the public hub.",
        show_default=False,
    ),
]
DataArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help=f"One of {', '.join(BUILT_IN_DATA)}; or the path of your own CSV, TSV or JSON Lines "
        "file, or of a folder; a path has a separator (./reviews.csv).",
        show_default=False,
    ),
]
ThresholdOption = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        metavar="T",
        help="Skim a word if the router's probability of skimming exceeds T; 1 reads everything, "
        'below 0 skims everything, "argmax" takes the likeliest level. The model\'s own if left '
        "out.",
        show_default=False,
    ),
]
BudgetOption = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Read at most this share of the words, 0 to 1, at every point of a text.",
        show_default=False,
    ),
]
BurstOption = Annotated[
    float | None,
    typer.Option(
        metavar="WORDS",
        help="Words that may be read ahead of the budget.",
        show_default=False,
    ),
]
RouterOptionsOption = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help='Other settings of its router than it was trained with: "reads=3" for SkipW.',
        show_default=False,
    ),
]
DataDirOption = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        help="Folder of the built-in data sets; $SKIMRNN_DATA or ./data if left out.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
OutOption = Annotated[
    Path, typer.Option(metavar="FOLDER", help="The model folder to write.", show_default=False)
]
DtypeOption = Annotated[
    str, typer.Option(metavar="TYPE", help="Store the model in float16, float32 or float64.")
]
DeviceOption = Annotated[
    str, typer.Option(metavar="cpu|cuda", help="Train on the CPU or on a GPU.")
]
TextColumnOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Your file's column with the text; common names are found.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
LabelColumnOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Your file's column with the label; common names are found.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
LabelSeparatorOption = Annotated[
    str | None,
    typer.Option(
        metavar="CHARACTERS",
        help="What stands between a text's labels in your file, of which it may then have any "
        'number: "|". Left out, a text has one label; to evaluate, what the model was trained '
        "with. In JSON Lines a label may also be a list.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Use at most N texts, drawn at random by a fixed seed.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.", show_default=False)]


def parse_threshold(given: str | None) -> float | str | None:
    """The threshold that an option's text stands for.

    Raises:
        ValueError: if it is neither a number nor "argmax".
    """
    if given is None or given == "argmax":
        return given
    try:
        return float(given)
    except ValueError:
        raise ValueError(f'a threshold must be a number or "argmax"; got {given!r}') from None


def parse_router_options(given: str | None) -> dict[str, int]:
    """The settings that an option's text stands for; none without a text.

    Raises:
        ValueError: if it is not names with whole numbers.
    """
    pairs = [part.partition("=") for part in given.split(",")] if given is not None else []
    try:
        return {name.strip(): int(number) for name, _, number in pairs}
    except ValueError:
        raise ValueError(
            "--router-options must be names with whole numbers, such as "
            f'"window=10,reads=5"; got {given!r}'
        ) from None
