"""Skimming on top of a model that stays as it is.

Words, word vectors, full cell and head are those of a trained model and are not changed; what is
learnt is the router, and the small cells if there are any. Read whole (θ = 1), the new model says
what the old one says, read whole.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch

from skimrnn.model_file import ModelFile, TextPart, read_model
from skimrnn.nn.classifier import TextClassifier
from skimrnn.tasks import TextTask
from skimrnn.train.options import TrainingOptions

OF_THE_FULL_CELL = ("cell", "hidden_size", "num_layers", "bidirectional")
"""Options that are the base's."""


def read_classifier(folder: Path, what: str) -> tuple[ModelFile, TextPart]:
    """The model of a folder and its words, if it is a classifier's; ``what`` is what for.

    Raises:
        ModelFileError: if the folder cannot be read.
        ValueError: if it is a layer alone.
    """
    file = read_model(folder)
    if file.text is None:
        raise ValueError(f"the {what} {folder} is a layer alone; name a classifier's folder")
    return file, file.text


def check_full_cell(file: ModelFile, folder: Path, options: TrainingOptions, what: str) -> None:
    """Raise if a model has another full cell than these options ask for.

    Raises:
        ValueError: if so.
    """
    found = {name: getattr(file.config, name) for name in OF_THE_FULL_CELL}
    wanted = {name: getattr(options, name) for name in OF_THE_FULL_CELL}
    if found != wanted or not file.config.bias:
        given = ", ".join(f"{name}={value!r}" for name, value in wanted.items())
        its = ", ".join(f"{name}={value!r}" for name, value in found.items())
        raise ValueError(
            f"a {what} must have the full cell that is asked for, {given}, bias=True; {folder} "
            f"has {its}, bias={file.config.bias}"
        )


@dataclass(frozen=True)
class Base:
    """A model that another is put on top of.

    Attributes:
        name: its folder's.
        file: the model.
        text: its words and head.
    """

    name: str
    file: ModelFile
    text: TextPart

    @classmethod
    def read(cls, folder: Path, task: TextTask, options: TrainingOptions) -> Base:
        """The model of a folder, if it does this task and has the full cell that is asked for.

        Raises:
            ModelFileError: if the folder cannot be read.
            ValueError: if it is no classifier, or of another task, or other sizes.
        """
        file, text = read_classifier(folder, "base")
        if text.labels != task.labels or text.multilabel != task.multilabel:
            several = ", any number a text"
            raise ValueError(
                f"a base must know the labels {', '.join(task.labels)}"
                f"{several if task.multilabel else ''}; {folder} knows {', '.join(text.labels)}"
                f"{several if text.multilabel else ''}"
            )
        check_full_cell(file, folder, options, "base")
        if len(options.levels) == 1:
            raise ValueError(
                f"there is nothing to learn on top of a base with levels={options.levels}; give a "
                "skim size, or train without a base"
            )
        return cls(folder.name, file, text)

    @property
    def digest(self) -> str:
        """Of the parameters that are kept."""
        digest = hashlib.sha256()
        for name, array in sorted(self._kept().items()):
            digest.update(name.encode() + array.numpy().tobytes())
        return digest.hexdigest()

    def place(self, model: TextClassifier) -> None:
        """Put the parameters that are kept into a fresh model, where they do not change."""
        kept = self._kept()
        model.load_state_dict(kept, strict=False)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name not in kept)

    def _kept(self) -> dict[str, torch.Tensor]:
        """Vectors, full cell and head, by their names in a ``TextClassifier``."""
        arrays = {
            "embedding.weight": self.text.embedding,
            "head.weight": self.text.head_weight,
            "head.bias": self.text.head_bias,
        }
        for name, array in self.file.parameters.items():
            if not name.startswith(("skim_", "router_")):
                arrays[f"rnn.{name}"] = array
        return {name: torch.tensor(array).float() for name, array in arrays.items()}
