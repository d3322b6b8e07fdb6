"""What an answerer is made of: the sizes of its parts, and the layers that read and skim.

An answerer finds the part of a context that answers a question. Its recurrent layers are those of
``SkimConfig``; what lies around them is named here, with the shape of every parameter, so that
training and reading agree on one list.

Letters: B batch, T words of a context, J words of a question, E word vector, X what stands for a
word, D hidden size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skimrnn.config import SkimConfig
from skimrnn.text.passages import BYTES, FEATURES

MODELS = ("attention",)


@dataclass(frozen=True)
class AnswererConfig:
    """The sizes of an answerer.

    Attributes:
        model: "attention", the LSTM with attention.
        embedding_size: E, of a word vector.
        byte_size: of the vector of each byte of a word's spelling.
        filters: of the convolution over a spelling; 0 leaves spellings out.
        filter_width: bytes that a filter sees.
        question: the layer that reads the question.
        context: the layers that read the context.

    Raises:
        ValueError: if the sizes do not fit each other.
    """

    model: str
    embedding_size: int
    byte_size: int
    filters: int
    filter_width: int
    question: SkimConfig
    context: SkimConfig

    def __post_init__(self) -> None:
        problems = []
        if self.model not in MODELS:
            problems.append(f"model must be one of {', '.join(MODELS)}; got {self.model!r}")
        for name, least in (
            ("embedding_size", 1),
            ("byte_size", 1),
            ("filters", 0),
            ("filter_width", 1),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                problems.append(f"{name} must be a whole number of at least {least}; got {value!r}")
        if not problems:
            for name, size in (("question", self.word_size), ("context", self.context_size)):
                layer = getattr(self, name)
                if layer.input_size != size:
                    problems.append(f"{name} must take {size} inputs; got {layer.input_size}")
                if not layer.bidirectional:
                    problems.append(f"{name} must read in both directions")
        if problems:
            raise ValueError("these sizes make no answerer: " + "; ".join(problems))

    @property
    def word_size(self) -> int:
        """X: a word's vector beside what its spelling says."""
        return self.embedding_size + self.filters

    @property
    def context_size(self) -> int:
        """What stands for a context word: itself, the question's words like it, both multiplied."""
        return 3 * self.word_size + len(FEATURES)

    @property
    def layers(self) -> dict[str, SkimConfig]:
        """The recurrent layers, by the name of their parameters."""
        return {"question": self.question, "context": self.context}

    def parameter_shapes(self, words: int) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter, by its name; ``words`` is V, the rows of the embedding."""
        X, Q, H = self.word_size, 2 * self.question.hidden_size, 2 * self.context.hidden_size
        shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (words, self.embedding_size)}
        if self.filters:
            shapes |= {
                "words.bytes.weight": (BYTES, self.byte_size),
                "words.filters.weight": (self.filters, self.byte_size, self.filter_width),
                "words.filters.bias": (self.filters,),
            }
        for name, rows, columns in (
            ("words.carry", X, X),
            ("words.change", X, X),
            ("alignment", X, X),
            ("summary", 1, Q),
            ("start", H, Q),
            ("end", H, Q),
        ):
            shapes[f"{name}.weight"] = (rows, columns)
            shapes[f"{name}.bias"] = (rows,)
        for name, layer in self.layers.items():
            shapes |= {f"{name}.{key}": shape for key, shape in layer.parameter_shapes().items()}
        return shapes

    def to_dict(self) -> dict[str, Any]:
        """The sizes as JSON values."""
        values: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("model", "embedding_size", "byte_size", "filters", "filter_width")
        }
        return {**values, "layers": {name: one.to_dict() for name, one in self.layers.items()}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AnswererConfig:
        """What ``to_dict`` gave.

        Raises:
            ValueError: if something is missing, unknown or does not fit.
        """
        wanted = {"model", "embedding_size", "byte_size", "filters", "filter_width", "layers"}
        if set(values) != wanted:
            odd = sorted(set(values) ^ wanted)
            raise ValueError(f"it must have {', '.join(sorted(wanted))}; differing: {odd}")
        layers = values["layers"]
        if not isinstance(layers, Mapping) or set(layers) != {"question", "context"}:
            raise ValueError("layers must be an object with question and context")
        rest = {name: value for name, value in values.items() if name != "layers"}
        question, context = (SkimConfig.from_dict(layers[name]) for name in ("question", "context"))
        return cls(**rest, question=question, context=context)
