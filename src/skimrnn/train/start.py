"""Training that goes on from a trained model, on texts of its own.

Words, word vectors and layers are those of the model, and its head where the labels are the same;
words that it does not know are added. All of it is then trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from skimrnn.config import OF_WHAT_SKIMS, is_of_full_cell
from skimrnn.nn.classifier import TextClassifier
from skimrnn.tasks import TextTask
from skimrnn.train.earlier import EarlierModel
from skimrnn.train.options import TrainingOptions


class Start(EarlierModel):
    """A model that another begins as."""

    @classmethod
    def read(cls, folder: Path, options: TrainingOptions) -> Start:
        """The model of a folder, if it has the full cell that is asked for.

        Raises:
            ModelFileError: if the folder cannot be read.
            ValueError: if it is no classifier, or of other sizes.
        """
        start = cls.of_folder(folder)
        start.check_full_cell(folder, options)
        return start

    @property
    def words(self) -> Sequence[str]:
        """The words that stand first in the new model's vocabulary."""
        return self.text.vocabulary.words

    @property
    def digest(self) -> str:
        """Of the model's content."""
        return self.file.digest()

    def place(self, model: TextClassifier, task: TextTask) -> None:
        """Put the parameters into a fresh model; a word that is new begins as the unknown word."""
        own, embedding = model.rnn.config, model.embedding.weight
        # Small cells and routers mean the same by their parameters only where all of these agree.
        alike = all(getattr(own, name) == getattr(self.file.config, name) for name in OF_WHAT_SKIMS)
        taken = {
            f"rnn.{name}": array
            for name, array in self.file.parameters.items()
            if alike or is_of_full_cell(name)
        }
        labels = self.text.labels
        if set(labels) == set(task.labels) and self.text.multilabel == task.multilabel:
            order = [labels.index(label) for label in task.labels]
            taken["head.weight"] = self.text.head_weight[order]
            taken["head.bias"] = self.text.head_bias[order]
        model.load_state_dict(
            {name: torch.tensor(array).float() for name, array in taken.items()}, strict=False
        )
        known = torch.tensor(self.text.embedding).float()[: len(embedding)]
        with torch.no_grad():
            embedding[:] = known[0]
            embedding[: len(known)] = known
