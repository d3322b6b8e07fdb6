"""The "numpy" implementation: the reference's step in a loop, and what makes it read text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.config import SkimConfig
from skimrnn.decision import Chooser, Given, Rule, Way
from skimrnn.model_file import TextPart
from skimrnn.reading import TextReading
from skimrnn.reference import Choose, SequenceReading, product, read_sequence, unpack
from skimrnn.runtime.carried import Carried
from skimrnn.text import scan

Array = NDArray[Any]


class NumpyReader:
    """The reference's step in a loop."""

    def __init__(
        self, config: SkimConfig, parameters: Mapping[str, Array], embedding: Array | None = None
    ) -> None:
        self._config = config
        self._weights = unpack(parameters, config)
        self._dtype = next(iter(parameters.values())).dtype
        self._embedding = embedding

    def read(
        self, x: Array, way: Way, initial: tuple[Array, Array | None] | None = None
    ) -> SequenceReading:
        """Read one sequence x (T, E) in this way, from zeros or from ``initial``."""
        x = np.asarray(x, dtype=self._dtype, order="C")  # sums run in the order of the memory
        return read_sequence(x, self._weights, self._config, self._choosers(way), initial)

    def read_words(self, rows: NDArray[np.int32], way: Way) -> SequenceReading:
        """Read one text given as rows (T,) of the embedding."""
        assert self._embedding is not None
        return self.read(self._embedding[rows], way)

    def continue_words(
        self, rows: NDArray[np.int32], rule: Rule, carried: Carried
    ) -> tuple[SequenceReading, Carried]:
        """Read the next words of a text, forward, from where it stands."""
        assert self._embedding is not None
        choosers = [Chooser(rule, reads, carried.tokens) for reads in carried.reads.tolist()]
        x = np.asarray(self._embedding[rows], dtype=self._dtype, order="C")
        each = [[chooser] for chooser in choosers]
        start = (carried.h, carried.c, carried.memory)
        read = read_sequence(x, self._weights, self._config, each, start)
        reads = np.array([chooser.reads for chooser in choosers], np.int64)
        return read, carried.after(read, reads)

    def _choosers(self, way: Way) -> list[list[Choose]]:
        """One for each layer and direction, fresh for one text."""

        def make(layer: int, direction: int) -> Choose:
            if isinstance(way, Rule):
                return Chooser(way)
            own = way[layer, direction]
            return Given(own[::-1] if direction else own)

        directions = range(self._config.directions)
        return [[make(layer, d) for d in directions] for layer in range(self._config.num_layers)]


class NumpyTextReader:
    """Scanner, look-up, layers and head, one after the other."""

    def __init__(self, reader: NumpyReader, text: TextPart, directions: int) -> None:
        self._reader, self._text, self._directions = reader, text, directions

    def rows(self, text: str | bytes) -> NDArray[np.int32]:
        """The rows (T,) of a text's words in the embedding."""
        return self._text.vocabulary.rows(scan(text).words)

    def head(self, h: Array) -> NDArray[np.float32]:
        """The probability of each class, (C,), from final hidden states (directions * D,)."""
        logits = product(self._text.head_weight, h) + self._text.head_bias
        if self._text.multilabel:
            below = np.exp(-np.abs(logits))  # at most 1
            return np.asarray(np.where(logits < 0, below, 1) / (1 + below), dtype=np.float32)
        exponentials = np.exp(logits - logits.max())
        return np.asarray(exponentials / exponentials.sum(), dtype=np.float32)

    def read(self, text: str | bytes, way: Way) -> TextReading:
        """Read one text in this way."""
        read = self._reader.read_words(self.rows(text), way)
        probabilities = self.head(read.h_n[-self._directions :].reshape(-1))
        return TextReading(probabilities, read.level, read.p.astype(np.float32, copy=False))

    def predict(self, texts: Sequence[str | bytes], rules: Sequence[Rule]) -> NDArray[np.float32]:
        """The probability of each class for each of N texts, (N, C)."""
        return self.predict_counted(texts, rules)[0]

    def predict_counted(
        self, texts: Sequence[str | bytes], rules: Sequence[Rule]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Besides, each text's words and its (word, layer, direction) skimmed, (N, 2)."""
        read = [self.read(*pair) for pair in zip(texts, rules, strict=True)]
        rows = np.array([one.probabilities for one in read], np.float32)
        counts = [(one.level.shape[-1], np.count_nonzero(one.level)) for one in read]
        return (
            rows.reshape(len(read), len(self._text.labels)),
            np.array(counts, np.int64).reshape(len(read), 2),
        )
