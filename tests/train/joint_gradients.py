"""What ``test_processes.py`` starts with torchrun: a few steps' gradients, written by the first.

    joint_gradients.py OUT

One process alone gives the same gradients of the same joined batches.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from skimrnn.text import Vocabulary
from skimrnn.train import TrainingOptions
from skimrnn.train.batches import Encoded
from skimrnn.train.classification import Classification, build_model
from skimrnn.train.given import bound
from skimrnn.train.processes import processes

CASES = {
    "skim": {},
    "cost": {"penalty": "cost"},
    "rate": {"penalty": "rate", "wanted_rate": 0.8},
    "two layers, both ways": {"num_layers": 2, "bidirectional": True},
    "gru": {"cell": "gru"},
    "elman": {"cell": "rnn_tanh"},
    "plain": {"levels": (7,)},
    "no empty text": {},
    "one text": {"batch_size": 1},
    "adversarial": {"adversarial": 0.3},
    "adversarial, one text": {"adversarial": 0.3, "batch_size": 1},
    "spread": {"threshold_spread": 2.0},
    "three texts": {"batch_size": 3, "penalty": "rate", "wanted_rate": 0.8},
    "given levels": {"bidirectional": True},
}


class Random:
    """Levels that depend on the place in the joined batch."""

    name = "random"

    def __call__(self, rows, vocabulary, key):
        return np.random.default_rng(key).integers(0, 2, len(rows))


def gradients(case, together):
    """The gradient of each parameter, after each of three steps."""
    settings = {"hidden_size": 7, "levels": (7, 2), "embedding_size": 5, "batch_size": 8}
    options = TrainingOptions(
        **{**settings, "dropout": 0.0, "unknown_probability": 0.0, **CASES[case]}
    )
    random = np.random.default_rng(0)
    lengths = [0, 3, 9, 1, 4, 4, 7, 2, 0, 5, 12]
    if case == "no empty text":
        lengths = [length + 1 for length in lengths]
    rows = [random.integers(0, 20, n).astype(np.int32) for n in lengths]
    data = Encoded(rows, np.arange(len(rows)) % 3)
    vocabulary = Vocabulary.build([[f"word{i}" for i in range(19)]], min_count=1)
    assert len(vocabulary) == 20
    torch.manual_seed(0)
    model = build_model(options, vocabulary, 3, None)
    levels_of = bound(Random(), vocabulary, options.levels) if case == "given levels" else None
    objective = Classification(data, data, options, together, levels_of=levels_of)
    joined = together.joined(model, uses_all=objective.uses_all)
    found = {}
    for step in range(objective.steps_per_epoch):
        joined.zero_grad()
        for loss, _ in objective.losses(joined, step, 0.5):
            loss.backward()
        for name, parameter in model.named_parameters():
            zero = torch.zeros_like(parameter)
            found[f"{step} {name}"] = zero if parameter.grad is None else parameter.grad.clone()
    return found


def main():
    torch.set_num_threads(1)
    with processes() as together:
        found = {case: gradients(case, together) for case in CASES}
        if together.first:
            result = {"count": together.count, "gradients": found}
    if together.first:  # the group is no more, and its threads should be none
        tasks = Path("/proc/self/task")
        names = [(task / "comm").read_text().strip() for task in tasks.glob("*")]
        torch.save({**result, "threads": names}, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
