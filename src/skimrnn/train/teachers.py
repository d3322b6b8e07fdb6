"""What other models say of texts, for a new one to learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skimrnn.runtime import Model, load


def load_teachers(
    names: Sequence[str | Path], labels: Sequence[str], multilabel: bool = False
) -> dict[str, Model]:
    """The models of these names or folders, by them, if they know these labels and no others.

    Raises:
        ModelFileError: if a folder cannot be read.
        ValueError: if there is no such model, its labels are others, or it gives any number of
            labels a text where one is wanted, or one where any number is.
    """
    models = {str(name): load(name) for name in names}
    for name, model in models.items():
        if set(model.labels) != set(labels):
            raise ValueError(
                f"a teacher must know the labels {', '.join(labels)}; {name} knows "
                f"{', '.join(model.labels)}"
            )
        if model.multilabel != multilabel:
            several = "any number of labels a text", "one label a text"
            gives, wanted = several if model.multilabel else several[::-1]
            raise ValueError(f"the teacher {name} gives {gives}; wanted is {wanted}")
    return models


def say(
    models: Mapping[str, Model], labels: Sequence[str], texts: Sequence[str]
) -> NDArray[np.float32]:
    """The probability of each label for each text, (N, C), in the mean of the models."""
    said = [
        model.predict_proba(texts)[:, [model.labels.index(label) for label in labels]]
        for model in models.values()
    ]
    mean: NDArray[np.float32] = np.mean(said, axis=0)
    return mean
