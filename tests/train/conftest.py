"""A made-up task that is learnt in a second: texts are good or bad by the words in them."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from skimrnn.tasks import Examples, TextTask
from skimrnn.train import TrainingOptions

FILLER = ("the", "a", "film", "it", "was", "and", "of", "to", "one", "in", "this", "that")


def texts(count: int, seed: int) -> Examples:
    random = np.random.default_rng(seed)
    targets = np.arange(count) % 2
    made = []
    for target in targets:
        words = [str(word) for word in random.choice(FILLER, random.integers(2, 8))]
        words.insert(int(random.integers(len(words) + 1)), ("bad", "good")[target])
        made.append(" ".join(words))
    return Examples(made, targets)


@pytest.fixture(scope="session")
def task() -> TextTask:
    record = {"name": "moods", "labels": ["bad", "good"], "counts": {"train": {"texts": 96}}}
    return TextTask("moods", ("bad", "good"), texts(96, 1), texts(40, 2), texts(40, 3), record)


@pytest.fixture(scope="session")
def options() -> Callable[..., TrainingOptions]:
    def make(**changes: Any) -> TrainingOptions:
        settings: dict[str, Any] = {
            "hidden_size": 12,
            "levels": (12, 3),
            "embedding_size": 8,
            "batch_size": 16,
            "epochs": 6,
            "evaluations_per_epoch": 1,
            "learning_rate": 0.02,
            "dropout": 0.1,
            "averaging": 0.0,
            "seed": 1,
        }
        return TrainingOptions(**{**settings, **changes})

    return make


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
