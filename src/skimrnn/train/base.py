"""Skimming on top of a model that stays as it is.

Words, word vectors, full cell and head are those of a trained model and are not changed; what is
learnt is the router, and the small cells if there are any. Read whole (θ = 1), the new model says
what the old one says, read whole.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from skimrnn.config import is_of_full_cell
from skimrnn.nn.classifier import TextClassifier
from skimrnn.tasks import TextTask
from skimrnn.train.earlier import EarlierModel
from skimrnn.train.options import TrainingOptions


class Base(EarlierModel):
    """A model that another is put on top of."""

    @classmethod
    def read(cls, folder: Path, task: TextTask, options: TrainingOptions) -> Base:
        """The model of a folder, if it does this task and has the full cell that is asked for.

        Raises:
            ModelFileError: if the folder cannot be read.
            ValueError: if it is no classifier, or of another task, or other sizes.
        """
        base = cls.of_folder(folder)
        text = base.text
        if text.labels != task.labels or text.multilabel != task.multilabel:
            several = ", any number a text"
            raise ValueError(
                f"a base must know the labels {', '.join(task.labels)}"
                f"{several if task.multilabel else ''}; {folder} knows {', '.join(text.labels)}"
                f"{several if text.multilabel else ''}"
            )
        base.check_full_cell(folder, options)
        if len(options.levels) == 1:
            raise ValueError(
                f"there is nothing to learn on top of a base with levels={options.levels}; give a "
                "skim size, or train without a base"
            )
        if options.warm_start_steps:
            raise ValueError(
                "a base reads everything as it will from the first step on; leave out "
                f"warm_start_steps (now {options.warm_start_steps})"
            )
        return base

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
            if is_of_full_cell(name):
                arrays[f"rnn.{name}"] = array
        return {name: torch.tensor(array).float() for name, array in arrays.items()}
