"""What an answerer is made of: its kind, the sizes of its parts, the layers that read and skim.

An answerer finds the part of a context that answers a question. Its recurrent layers are those of
``SkimConfig``; ``answerers/`` says what lies around them, with the shape of every parameter, so
that training and reading agree on one list.

Letters: E word vector, X what stands for a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skimrnn.answerers.base import Sizes, find_answerer, linear
from skimrnn.config import SkimConfig
from skimrnn.text.passages import BYTES, FEATURES

_LEAST = {"embedding_size": 1, "byte_size": 1, "filters": 0, "filter_width": 1}


@dataclass(frozen=True)
class AnswererConfig:
    """The sizes of an answerer.

    Attributes:
        model: its kind, one of ``answerers``.
        embedding_size: E, of a word vector.
        byte_size: of the vector of each byte of a word's spelling.
        filters: of the convolution over a spelling; 0 leaves spellings out.
        filter_width: bytes that a filter sees.
        layers: the recurrent layers by their names, all reading in both directions.

    Raises:
        ValueError: if the sizes do not fit each other.
    """

    model: str
    embedding_size: int
    byte_size: int
    filters: int
    filter_width: int
    layers: Mapping[str, SkimConfig]

    def __post_init__(self) -> None:
        problems = []
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                problems.append(f"{name} must be a whole number of at least {least}; got {value!r}")
        try:
            wanted = find_answerer(self.model).layers
        except ValueError as error:
            problems.append(str(error))
        else:
            if set(self.layers) != set(wanted):
                problems.append(f"layers must be {', '.join(wanted)}; got {', '.join(self.layers)}")
        if not problems:
            for name, layer in self.layers.items():
                if layer.input_size != (size := self.inputs(name)):
                    problems.append(f"{name} must take {size} inputs; got {layer.input_size}")
                if layer.cell != "lstm" or not layer.bidirectional:
                    problems.append(f"{name} must be an LSTM that reads in both directions")
        if problems:
            raise ValueError("these sizes make no answerer: " + "; ".join(problems))

    @property
    def word_size(self) -> int:
        """X: a word's vector beside what its spelling says."""
        return self.embedding_size + self.filters

    @property
    def sizes(self) -> Sizes:
        """What the model's other sizes hang on."""
        hidden = {name: layer.hidden_size for name, layer in self.layers.items()}
        return Sizes(self.word_size, len(FEATURES), hidden)

    @property
    def context(self) -> SkimConfig:
        """The layer that reads the context, and may skim."""
        return self.layers[find_answerer(self.model).skims]

    def inputs(self, layer: str) -> int:
        """The inputs that a layer must take."""
        return find_answerer(self.model).inputs(self.sizes, layer)

    def parameter_shapes(self, words: int) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter, by its name; ``words`` is V, the rows of the embedding."""
        shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (words, self.embedding_size)}
        if self.filters:
            shapes |= {
                "words.bytes.weight": (BYTES, self.byte_size),
                "words.filters.weight": (self.filters, self.byte_size, self.filter_width),
                "words.filters.bias": (self.filters,),
            }
        for name in ("words.carry", "words.change"):
            shapes |= linear(name, self.word_size, self.word_size)
        shapes |= find_answerer(self.model).parameter_shapes(self.sizes)
        for name, layer in self.layers.items():
            shapes |= {f"{name}.{key}": shape for key, shape in layer.parameter_shapes().items()}
        return shapes

    def to_dict(self) -> dict[str, Any]:
        """The sizes as JSON values."""
        values: dict[str, Any] = {name: getattr(self, name) for name in ("model", *_LEAST)}
        return {**values, "layers": {name: one.to_dict() for name, one in self.layers.items()}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AnswererConfig:
        """What ``to_dict`` gave.

        Raises:
            ValueError: if something is missing, unknown or does not fit.
        """
        wanted = {"model", *_LEAST, "layers"}
        if set(values) != wanted:
            odd = sorted(set(values) ^ wanted)
            raise ValueError(f"it must have {', '.join(sorted(wanted))}; differing: {odd}")
        layers = values["layers"]
        if not isinstance(layers, Mapping):
            raise ValueError("layers must be an object with a layer by each name")
        rest = {name: value for name, value in values.items() if name != "layers"}
        made = {name: SkimConfig.from_dict(one) for name, one in layers.items()}
        return cls(**rest, layers=made)


def make_layers(
    model: str, word_size: int, settings: Mapping[str, Mapping[str, Any]]
) -> dict[str, SkimConfig]:
    """The layers of a model, each with the settings of its name and the inputs that it must take.

    Args:
        model: one of ``answerers``.
        word_size: X.
        settings: of ``SkimConfig``, by the name of the layer, without the inputs.
    """
    kind, made = find_answerer(model), dict[str, SkimConfig]()
    for name in kind.layers:
        hidden = {done: layer.hidden_size for done, layer in made.items()}
        inputs = kind.inputs(Sizes(word_size, len(FEATURES), hidden), name)
        made[name] = SkimConfig(input_size=inputs, bidirectional=True, **settings[name])
    return made
