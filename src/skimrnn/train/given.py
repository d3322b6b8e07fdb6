"""Levels given to every text of a run, instead of being learnt: control experiments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skimrnn.text import Vocabulary


class GivenLevels(Protocol):
    """Says at which level each token of a text is taken: at random, by period, by word.

    ::

        class Random:
            name = "random, 80 % skimmed"

            def __call__(self, rows, vocabulary, key):
                return (np.random.default_rng(key).random(len(rows)) < 0.8).astype(np.int8)
    """

    @property
    def name(self) -> str:
        """What tells it from others, its settings included: it goes into the record."""
        ...

    def __call__(
        self, rows: NDArray[np.int32], vocabulary: Vocabulary, key: tuple[int, ...]
    ) -> NDArray[np.int8]:
        """The level of each token, (T,), from 0 to K - 1; the same for the same arguments.

        Args:
            rows: the text's words as rows of the vocabulary, (T,), before any is made unknown by
                chance; not to be changed.
            vocabulary: the words.
            key: in training (seed, step, place in the global batch), in evaluation (seed, place
                in the validation set): for what is random.
        """
        ...


LevelsOf = Callable[[NDArray[np.int32], tuple[int, ...]], NDArray[np.int8]]
"""``GivenLevels`` with its vocabulary, from a text's rows and key."""


def bound(given: GivenLevels, vocabulary: Vocabulary, levels: Sequence[int]) -> LevelsOf:
    """The levels of a text by these, checked, for a network of the levels (D, S_1, ...).

    Raises:
        ValueError: if there is no level to skim at; when called, if what is given for a text is
            not a whole number from 0 to K - 1 for each token.
    """
    last = len(levels) - 1
    if not last:
        raise ValueError(
            f"given levels ({given.name}) need a level to skim at; got levels={tuple(levels)}, "
            "train with levels=(D, S), or leave given_levels out"
        )

    def levels_of(rows: NDArray[np.int32], key: tuple[int, ...]) -> NDArray[np.int8]:
        made = np.asarray(given(rows, vocabulary, key))
        fits = made.shape == rows.shape and (not made.size or made.dtype.kind in "iu")
        if not (fits and ((made >= 0) & (made <= last)).all()):
            raise ValueError(
                f"given levels ({given.name}) must be whole numbers from 0 to {last}, one "
                f"for each of {len(rows)} tokens; got {made.dtype} {made.shape}"
                + (f" from {made.min()} to {made.max()}" if fits and made.size else "")
            )
        return made.astype(np.int8)

    return levels_of


def batch_levels(
    levels_of: LevelsOf, texts: Sequence[NDArray[np.int32]], keys: Sequence[tuple[int, ...]]
) -> Tensor:
    """The levels of a batch, int64 (B, T), 0 past a text's end.

    Args:
        levels_of: from ``bound``.
        texts: the rows of each text, (T,).
        keys: the key of each.
    """
    padded = np.zeros((len(texts), max(map(len, texts), default=0)), np.int64)
    for row, text, key in zip(padded, texts, keys, strict=True):
        row[: len(text)] = levels_of(text, key)
    return torch.from_numpy(padded)
