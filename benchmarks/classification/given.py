"""Levels given instead of decided: what a learned router must be better than.

Each skims the same share of words as the learned row that it is compared with, by a rule that does
not look at what the words mean for the label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from skimrnn.text import Vocabulary
from skimrnn.train.given import GivenLevels

Rows = NDArray[np.int32]
Levels = NDArray[np.int8]


class Random:
    """Each word is skimmed with the same probability, drawn anew at every step of training."""

    def __init__(self, rate: float) -> None:
        self.rate, self.name = rate, f"random {rate:.4f}"

    def __call__(self, rows: Rows, vocabulary: Vocabulary, key: tuple[int, ...]) -> Levels:
        """Levels (T,) of a text, by its key alone."""
        return (np.random.default_rng(key).random(len(rows)) < self.rate).astype(np.int8)


class Periodic:
    """Words are read at even distances, the last of each distance."""

    def __init__(self, rate: float) -> None:
        self.rate, self.name = rate, f"periodic {rate:.4f}"

    def __call__(self, rows: Rows, vocabulary: Vocabulary, key: tuple[int, ...]) -> Levels:
        """Levels (T,) of a text, by its length alone."""
        reads = np.floor(np.arange(len(rows) + 1) * (1 - self.rate) + 1e-9)
        return (np.diff(reads) == 0).astype(np.int8)


class Frequent:
    """The most frequent words are skimmed: stop words first, then as many more as the rate takes.

    Args:
        texts: the words of the training texts, which are counted.
        rate: the share of their words to skim.
    """

    def __init__(self, texts: Iterable[Sequence[str]], rate: float) -> None:
        counts = Counter(word for text in texts for word in text)
        left = rate * counts.total()
        self.words: list[str] = []
        for word, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
            if left < count / 2:
                break
            self.words.append(word)
            left -= count
        self.rate, self.name = rate, f"frequent {rate:.4f}"
        self._of: tuple[Vocabulary, NDArray[np.bool_]] | None = None

    def __call__(self, rows: Rows, vocabulary: Vocabulary, key: tuple[int, ...]) -> Levels:
        """Levels (T,) of a text, by its words alone; an unknown word is read."""
        if self._of is None or self._of[0] is not vocabulary:
            frequent = np.zeros(len(vocabulary), bool)
            frequent[vocabulary.rows(self.words)] = True
            frequent[0] = False
            self._of = vocabulary, frequent
        return self._of[1][rows].astype(np.int8)


def make(kind: str, rate: float, texts: Iterable[Sequence[str]]) -> GivenLevels:
    """The kind that a row names, at this rate; ``texts`` are the training texts' words."""
    if kind == "frequent":
        return Frequent(texts, rate)
    return {"random": Random, "periodic": Periodic}[kind](rate)
