"""The equations of the models in ``answerers``, in NumPy, for one context and one question.

The same, under the same names, as ``nn/models/``; the layers are read by a reader.

Letters: T words of a context, J words of a question, X what stands for a word, D hidden size, M
rows that are remembered of each word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skimrnn.decision import Rule
from skimrnn.reference import SequenceReading
from skimrnn.runtime.registry import SequenceReader

Array = NDArray[Any]
Scores = tuple[Array, Array, SequenceReading]
"""Of each word as the first (T,) and as the last (T,) of the answer; how the context was read."""


class Scorer(Protocol):
    """A model's equations with its parameters; to be shared by threads."""

    def remembered(self, x: Array) -> Array:
        """What is kept of words, whatever stands beside them: (M, n, 1, X) of (n, 1, X)."""
        ...

    def scores(self, context: Array, question: Array, features: Array, rule: Rule) -> Scores:
        """Scores of a context (M, T, X) with ``features`` (T, F) and a question (M, J, X)."""
        ...


class _Parts:
    def __init__(self, of: Mapping[str, Array], readers: Mapping[str, SequenceReader]) -> None:
        self._of, self._readers = of, readers

    def _linear(self, name: str, x: Array) -> Array:
        return linear(self._of, name, x)


class AttentionScorer(_Parts):
    """Those of ``nn/models/attention.py``."""

    def remembered(self, x: Array) -> Array:
        """The word vectors as they are, and what their likeness is told by, (2, n, 1, X)."""
        return np.stack([x, relu(self._linear("alignment", x))])

    def scores(self, context: Array, question: Array, features: Array, rule: Rule) -> Scores:
        """Of each word, by pointers that the question makes."""
        (x, key), (asked, asked_key) = context, question
        alike = softmax(key @ asked_key.T) @ asked
        seen = np.concatenate([x, alike, x * alike, features], axis=1)
        read = self._readers["context"].read(seen, rule)
        states = self._readers["question"].read(asked, Rule()).output
        summary = softmax(self._linear("summary", states)[:, 0]) @ states
        start, end = (read.output @ self._linear(name, summary) for name in ("start", "end"))
        return start, end, read


class BidafScorer(_Parts):
    """Those of ``nn/models/bidaf.py``."""

    def remembered(self, x: Array) -> Array:
        """The word vectors as they are, (1, n, 1, X)."""
        return x[None]

    def scores(self, context: Array, question: Array, features: Array, rule: Rule) -> Scores:
        """Of each word, by what modelling says of it."""
        nothing = np.zeros((question.shape[1], features.shape[1]), features.dtype)
        h, u = (
            self._readers["encoder"].read(np.concatenate([x[0], beside], axis=1), Rule()).output
            for x, beside in ((context, features), (question, nothing))
        )
        flow = self._flow(h, u)
        read = self._readers["modelling"].read(flow, rule)
        ended = self._readers["ending"].read(read.output, Rule()).output
        start, end = (
            self._linear(name, np.concatenate([flow, states], axis=1))[:, 0]
            for name, states in (("start", read.output), ("end", ended))
        )
        return start, end, read

    def _flow(self, h: Array, u: Array) -> Array:
        """Each context word's state, what the question has like it, and both products, (T, 8 D)."""
        of_context, of_question, of_both = self._of["likeness.weight"][0].reshape(3, -1)
        likeness = (h * of_both) @ u.T + (h @ of_context)[:, None] + u @ of_question
        alike = softmax(likeness) @ u
        summary = softmax(likeness.max(axis=1)) @ h
        return np.concatenate([h, alike, h * alike, h * summary], axis=1)


SCORERS: dict[str, type[AttentionScorer | BidafScorer]] = {
    "attention": AttentionScorer,
    "bidaf": BidafScorer,
}
"""By the names of ``skimrnn.answerers``."""


def linear(of: Mapping[str, Array], name: str, x: Array) -> Array:
    """The linear map of this name of the last axis of x."""
    return np.asarray(x @ of[f"{name}.weight"].T + of[f"{name}.bias"])


def relu(x: Array) -> Array:
    """What is above 0."""
    return np.maximum(x, 0)


def softmax(x: Array) -> Array:
    """Over the last axis."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
