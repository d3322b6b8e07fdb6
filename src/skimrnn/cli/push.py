"""``skimrnn push``: put a model on the public hub."""

from __future__ import annotations

from typing import Annotated

import typer

from skimrnn.cli.options import ModelArgument


def push(
    model: ModelArgument,
    name: Annotated[
        str,
        typer.Argument(
            metavar="ORG/NAME", help="The repository; made if there is none.", show_default=False
        ),
    ],
    private: Annotated[
        bool, typer.Option("--private", help="Make a new repository private.")
    ] = False,
) -> None:
    """Put a model folder on the public hub, where skimrnn.load("org/name") finds it.

    Look at the card first (README.md): it says what the model was trained on and under which
    terms, and the licence of the model is yours to name there.
    """
    from skimrnn.hub import upload
    from skimrnn.runtime import model_folder

    typer.echo(upload(model_folder(model), name, private=True if private else None))
