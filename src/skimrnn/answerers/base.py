"""What a model that answers questions says of itself, before any number is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Sizes:
    """What the layers and parameters of a model hang on.

    Attributes:
        word: X, what stands for a word.
        features: numbers of each context word beside.
        hidden: D of each layer, by its name; empty where they are not known yet.
    """

    word: int
    features: int
    hidden: dict[str, int]


class AnswererModel(Protocol):
    """One kind of model, by its sizes alone.

    Attributes:
        name: as it stands in config.json.
        skims: the layer that reads the context, and may skim.
        layers: all layers, in the order in which they read.
    """

    name: str
    skims: str
    layers: tuple[str, ...]

    def inputs(self, sizes: Sizes, layer: str) -> int:
        """The inputs of a layer; ``sizes.hidden`` has those of the layers before it."""
        ...

    def parameter_shapes(self, sizes: Sizes) -> Shapes:
        """The shape of every parameter that is neither a layer's nor a word's."""
        ...


def linear(name: str, rows: int, columns: int) -> Shapes:
    """A linear map from ``columns`` numbers to ``rows``, with its bias."""
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def answerer_models() -> dict[str, AnswererModel]:
    """All models, by name."""
    from skimrnn.answerers.attention import Attention
    from skimrnn.answerers.bidaf import Bidaf

    return {model.name: model for model in (Attention(), Bidaf())}


def find_answerer(name: object) -> AnswererModel:
    """The model of this name.

    Raises:
        ValueError: if there is none.
    """
    models = answerer_models()
    if not isinstance(name, str) or name not in models:
        raise ValueError(f"model must be one of {', '.join(models)}; got {name!r}")
    return models[name]
