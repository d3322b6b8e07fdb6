"""The model that a command reads texts with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skimrnn.runtime import Model


def load_reader(name: str, router_options: str | None = None) -> Model:
    """Load a text classifier by the name or path that was given to a command.

    Args:
        name: the name or path.
        router_options: what ``--router-options`` was given.

    Raises:
        ValueError: if there is none, or it is damaged, or holds layers alone, or its router
            cannot have these options.
    """
    from skimrnn.cli.options import parse_router_options
    from skimrnn.model_file import read_model
    from skimrnn.runtime import Model, model_folder

    file = read_model(model_folder(name))
    if file.text is None:
        raise ValueError(
            f"{name} holds layers alone, without words and labels, and cannot read texts; give a "
            f"text classifier, as skimrnn train writes them"
        )
    return Model(file.with_router_options(parse_router_options(router_options)))
