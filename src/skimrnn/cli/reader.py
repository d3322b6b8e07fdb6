"""The model that a command reads texts with, and the labelled texts that it is judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skimrnn.evaluation import TestTexts
    from skimrnn.runtime import Model
    from skimrnn.tasks import Examples


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


def load_texts(
    reader: Model,
    data: str,
    limit: int | None,
    data_dir: str | None,
    text_column: str | None,
    label_column: str | None,
    label_separator: str | None,
) -> tuple[TestTexts, Examples]:
    """Load the texts that a model may be judged by, and say on stderr what to know of them.

    Args:
        reader: the model.
        data: as ``evaluation.load_test_texts`` takes it.
        limit: at most so many are to be read; all if None.
        data_dir: as ``evaluation.load_test_texts`` takes it.
        text_column: likewise.
        label_column: likewise.
        label_separator: likewise.

    Returns:
        All that was found, and those to read, drawn at random if they are fewer.

    Raises:
        DataError: as ``evaluation.load_test_texts`` does.
    """
    from skimrnn import evaluation
    from skimrnn.cli.output import note

    found = evaluation.load_test_texts(
        reader,
        data,
        data_dir=data_dir,
        text_column=text_column,
        label_column=label_column,
        label_separator=label_separator,
    )
    for message in found.notes:
        note(message)
    if limit is None:
        return found, found.examples
    return found, evaluation.sample(found.examples, limit)
