"""Texts of nine words, one of which says the label, and settings of a net that learns them fast."""

from typing import Any

import numpy as np

from skimrnn.tasks import Examples, TextTask
from skimrnn.train import TrainingOptions

LABELS = ("bad", "good")


def texts(count: int, seed: int) -> Examples:
    """So many of them."""
    random = np.random.default_rng(seed)
    filler = [f"w{n}" for n in range(20)]
    targets = random.integers(0, 2, count)
    made = []
    for target in targets:
        words = [str(word) for word in random.choice(filler, 9)]
        words[random.integers(9)] = LABELS[target]
        made.append(" ".join(words))
    return Examples(made, targets)


def moods() -> TextTask:
    """The task."""
    record = {"name": "moods", "labels": list(LABELS), "counts": {"train": {"texts": 240}}}
    return TextTask("moods", LABELS, texts(240, 0), texts(80, 1), texts(80, 2), record)


def options(**changes: Any) -> TrainingOptions:
    """The settings; a plain LSTM's, unless told otherwise."""
    given = {"hidden_size": 12, "levels": (12,), "embedding_size": 6, "batch_size": 16}
    given |= {"epochs": 8, "learning_rate": 0.01, "dropout": 0.1, "averaging": 0.9, "patience": 99}
    return TrainingOptions(**{**given, **changes})
