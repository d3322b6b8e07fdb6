"""A router of your own in one file: here one that sees the word alone, and not what was read.

    python examples/own_router.py

Needs torch to train; the saved model is then read without it, as any other. docs/new-router.md says
what each part is for.
"""

import tempfile
from pathlib import Path

import numpy as np

import skimrnn
from skimrnn.config import SkimConfig
from skimrnn.routers import Array, Router, register
from skimrnn.tasks import Examples, TextTask
from skimrnn.train import TrainingOptions, train_classifier


@register
class WordRouter(Router):
    """``p = softmax(W x + b)``."""

    name = "word"

    @staticmethod
    def parameter_shapes(config: SkimConfig, inputs: int) -> dict[str, tuple[int, ...]]:
        """One row and one bias for each level."""
        levels = len(config.levels)
        return {"router_weight": (levels, inputs), "router_bias": (levels,)}

    @staticmethod
    def operations(config: SkimConfig, inputs: int) -> int:
        """K * E; nothing is multiplied with the state."""
        return len(config.levels) * inputs

    def prepare(self, x: Array) -> Array:
        """The logits: all that it says, it says of the word."""
        return self.ops.linear(x, self.weights["router_weight"], self.weights["router_bias"])

    def logits(self, prepared: Array, s: Array) -> Array:
        """The state ``s`` is not looked at."""
        return prepared


def made_up_texts(count: int, seed: int) -> Examples:
    """Texts of filler with one word that decides."""
    random = np.random.default_rng(seed)
    filler, words = [f"w{n}" for n in range(30)], ("dull", "fine")
    labels = random.integers(0, 2, count)
    texts = []
    for label in labels:
        text = [str(word) for word in random.choice(filler, 12)]
        text[random.integers(12)] = words[label]
        texts.append(" ".join(text))
    return Examples(texts, labels)


def main() -> None:
    """Train, save, read without torch, and say what was read."""
    parts = made_up_texts(400, 0), made_up_texts(100, 1), made_up_texts(300, 2)
    record = {"name": "made-up", "labels": ["dull", "fine"], "counts": {"train": {"texts": 400}}}
    task = TextTask("made-up", ("dull", "fine"), *parts, record)
    options = TrainingOptions(
        hidden_size=16,
        levels=(16, 2),
        embedding_size=8,
        router="word",
        epochs=6,
        skim_weight=0.1,
        dropout=0.1,
        averaging=0.9,
        learning_rate=0.01,
    )
    with tempfile.TemporaryDirectory() as folder:
        train_classifier(task, options, Path(folder) / "model")
        model = skimrnn.load(Path(folder) / "model")
    readings = model.read(list(task.test.texts))
    labels = [task.labels[target] for target in task.test.targets]
    accuracy = np.mean([one.label == label for one, label in zip(readings, labels, strict=True)])
    rate = np.mean([one.skim_rate for one in readings])
    print(f"accuracy {accuracy:.1%}, {rate:.0%} of the words skimmed, with {model.implementation}")
    first = readings[0]
    pairs = zip(first.words, first.skimmed[0, 0], strict=True)
    print("read of the first text:", *(word for word, skimmed in pairs if not skimmed))


if __name__ == "__main__":
    main()
