"""A context and a question as an answerer sees them: words, their spelling, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skimrnn.text.words import Words, scan

SPELLING = 16
"""Bytes of a word that are looked at."""
BYTES = 257
"""Values of a spelling: 0 is no byte, 1 + b is the byte b."""
FEATURES = ("occurs in the question", "begins with a capital")
"""What is known of a context word beside what it is."""


@dataclass(frozen=True, eq=False)
class Passage:
    """A context with a question about it, cut into words.

    Attributes:
        text: the context as it was given.
        context: its T words and their places.
        question: the question's J words, lower-cased.
    """

    text: str
    context: Words
    question: tuple[str, ...]

    @classmethod
    def of(cls, text: str, question: str) -> Passage:
        """Cut both into words by the rules of ``scan``."""
        return cls(text, scan(text), tuple(scan(question).words))

    @property
    def features(self) -> npt.NDArray[np.float32]:
        """``FEATURES`` of each context word, 0 or 1, (T, 2)."""
        asked, text = set(self.question), self.text
        occurs = [word in asked for word in self.context.words]
        begins = [text[start].isupper() for start in self.context.starts.tolist()]
        return np.array([occurs, begins], dtype=np.float32).T


def spelling(words: Sequence[str]) -> npt.NDArray[np.int64]:
    """The first UTF-8 bytes of each word, each plus 1, then zeros, (n, SPELLING)."""
    rows = np.zeros((len(words), SPELLING), dtype=np.int64)
    for row, word in zip(rows, words, strict=True):
        found = np.frombuffer(word.encode("utf-8", "surrogatepass")[:SPELLING], dtype=np.uint8)
        row[: len(found)] = found.astype(np.int64) + 1
    return rows


def words_between(words: Words, start: int, end: int) -> tuple[int, int] | None:
    """The first and the last word that have a code point in text[start:end]; None if none has."""
    first = int(np.searchsorted(words.ends, start, side="right"))
    last = int(np.searchsorted(words.starts, end, side="left")) - 1
    return (first, last) if first <= last else None
