"""From scores of first and last words to the answer: the likeliest span that is short enough."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LONGEST = 15
"""Words of the longest answer that is given, Chen et al.'s number."""


class Span(NamedTuple):
    """Part of a context.

    Attributes:
        first: its first word.
        last: its last word, at least ``first``.
        probability: of both being the answer's ends, by the pointers' two distributions.
    """

    first: int
    last: int
    probability: float


def best_span(
    start: NDArray[np.floating[Any]], end: NDArray[np.floating[Any]], longest: int = LONGEST
) -> Span:
    """The likeliest span of at most ``longest`` words.

    Args:
        start: score of each word as the answer's first, before the softmax, (T,), T at least 1.
        end: likewise as its last.
        longest: words of an answer, at least 1.
    """
    words = len(start)
    lasts = np.append(_log_softmax(end), np.full(longest - 1, -np.inf))
    both = _log_softmax(start) + lasts[np.arange(longest)[:, None] + np.arange(words)]
    longer, first = divmod(int(both.argmax()), words)
    return Span(first, first + longer, float(np.exp(both[longer, first])))


def _log_softmax(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    shifted = scores.astype(np.float64) - scores.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))
