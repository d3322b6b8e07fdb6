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


def earlier_record(
    begun_with: Mapping[str, EarlierModel | None], taught_by: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What a training record says of the models that came before: what they were trained on.

    Args:
        begun_with: the base and the start, by these words.
        taught_by: the training records of teachers, by their names.

    Returns:
        Their list as "earlier"; nothing where there are none.
    """
    found = [(how, one.name, one.file.training) for how, one in begun_with.items() if one]
    found += [("teacher", Path(name).name, training) for name, training in taught_by.items()]
    kept = ("task", "earlier")
    earlier = [
        {"how": how, "name": name, **{key: training[key] for key in kept if key in training}}
        for how, name, training in found
    ]
    return {"earlier": earlier} if earlier else {}
