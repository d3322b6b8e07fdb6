"""Small made-up models, as the model folder holds them."""

from pathlib import Path
from typing import Any

import numpy as np

from skimrnn.config import SkimConfig
from skimrnn.decision import Rule
from skimrnn.model_file import ModelFile, TextPart, write_model
from skimrnn.text import UNKNOWN, Vocabulary

WORDS = (UNKNOWN, "the", "film", "is", "good", "bad", "n't", "é", "😀", "'s")
LABELS = ("negative", "positive", "né 😀")


def make_config(levels: tuple[int, ...] = (7, 3), **options: Any) -> SkimConfig:
    return SkimConfig(
        **{"cell": "lstm", "input_size": 5, **options}, hidden_size=levels[0], levels=levels
    )


def make_layer(config: SkimConfig | None = None, *, seed: int = 0, **more: Any) -> ModelFile:
    config = config or make_config()
    dtype = more.pop("dtype", "float32")
    return ModelFile(config, _draw(config.parameter_shapes(), seed, dtype), **more)


def make_classifier(config: SkimConfig | None = None, *, seed: int = 0, **more: Any) -> ModelFile:
    """A classifier of three classes; ``words``, ``labels``, ``activation``, ``dtype`` as given."""
    config = config or make_config()
    words, labels = more.pop("words", WORDS), more.pop("labels", LABELS)
    activation = more.pop("activation", "softmax")
    dtype = more.get("dtype", "float32")
    states = config.directions * config.hidden_size
    own = _draw(
        {
            "embedding": (len(words), config.input_size),
            "head_weight": (len(labels), states),
            "head_bias": (len(labels),),
        },
        seed + 1,
        dtype,
    )
    text = TextPart(tuple(labels), Vocabulary(tuple(words)), **own, activation=activation)
    return make_layer(config, seed=seed, text=text, **more)


def saved(folder: Path, model: ModelFile | None = None) -> Path:
    """The folder, with the model written to it."""
    write_model(folder, make_classifier() if model is None else model)
    return folder


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every path below the folder with its bytes; None for a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def _draw(
    shapes: dict[str, tuple[int, ...]], seed: int, dtype: str
) -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(seed)
    return {name: random.normal(0, 0.8, shape).astype(dtype) for name, shape in shapes.items()}


def rules() -> list[Rule]:
    return [Rule(), Rule(0.25, 0.5, 2), Rule("argmax"), Rule(1), Rule(-1, 0.0, 0.0)]
