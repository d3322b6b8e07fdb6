"""A trained classifier that training begins with: below a new model, or as its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from skimrnn.model_file import ModelFile, TextPart, read_model
from skimrnn.train.options import TrainingOptions

OF_THE_FULL_CELL = ("cell", "hidden_size", "num_layers", "bidirectional")
"""Options that are the earlier model's."""


@dataclass(frozen=True)
class EarlierModel:
    """A model that another begins with.

    Attributes:
        name: its folder's.
        file: the model.
        text: its words and head.
    """

    name: str
    file: ModelFile
    text: TextPart

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """The model of a folder.

        Raises:
            ModelFileError: if the folder cannot be read.
            ValueError: if it is a layer alone.
        """
        file = read_model(folder)
        if file.text is None:
            what = cls.__name__.lower()
            raise ValueError(f"the {what} {folder} is a layer alone; name a classifier's folder")
        return cls(folder.name, file, file.text)

    def check_full_cell(self, folder: Path, options: TrainingOptions) -> None:
        """Raise if it has another full cell than these options ask for.

        Raises:
            ValueError: if so.
        """
        config = self.file.config
        found = {name: getattr(config, name) for name in OF_THE_FULL_CELL}
        wanted = {name: getattr(options, name) for name in OF_THE_FULL_CELL}
        if found != wanted or not config.bias:
            given = ", ".join(f"{name}={value!r}" for name, value in wanted.items())
            its = ", ".join(f"{name}={value!r}" for name, value in found.items())
            raise ValueError(
                f"a {type(self).__name__.lower()} must have the full cell that is asked for, "
                f"{given}, bias=True; {folder} has {its}, bias={config.bias}"
            )


def earlier_model(how: str, name: str, training: Mapping[str, Any]) -> dict[str, Any]:
    """What a training record says of a model that came before: on what it was trained.

    Args:
        how: it was "base", "start" or "teacher".
        name: its name or folder.
        training: its own training record.
    """
    kept = {key: training[key] for key in ("task", "earlier") if key in training}
    return {"how": how, "name": Path(name).name, **kept}


def unlabelled_file(file: Mapping[str, Any]) -> dict[str, Any]:
    """What a training record says of a file of unlabelled texts that was learnt from."""
    task = {"columns": {}, "files": [dict(file)]}
    return {"how": "unlabelled", "name": Path(file["path"]).name, "task": task}
