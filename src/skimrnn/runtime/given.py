"""Levels that a caller gives instead of leaving them to router and rule: checked, in one form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.config import SkimConfig

Levels = NDArray[np.int8]
"""Of one text, (layers, directions, T), in text order, each from 0 to K - 1."""


def refuse_rule(**options: Any) -> None:
    """Raise a ValueError if any of these options of a rule was given, levels being given too."""
    said = [f"{name}={value!r}" for name, value in options.items() if value is not None]
    if said:
        raise ValueError(
            "given levels leave nothing to choose for a threshold, budget or burst; got levels and "
            f"{', '.join(said)}: leave out one or the other"
        )


def for_texts(levels: Any, tokens: Sequence[int], config: SkimConfig) -> list[Levels | None]:
    """The levels of each of several texts; None where the rule is to decide.

    Args:
        levels: for each text (T,), (layers, directions, T) or None.
        tokens: T of each text.
        config: the layers' options.

    Raises:
        ValueError: if there is not one entry per text, or one does not fit.
    """
    given = list(levels) if isinstance(levels, Iterable) else [levels]
    if len(given) != len(tokens):
        raise ValueError(
            f"levels must be one array per text, or None for a text that the rule decides; "
            f"got {len(given)} for {len(tokens)} texts"
        )
    return [
        None if one is None else _checked(_array(one), n, config, f"levels of text {text}")
        for text, (one, n) in enumerate(zip(given, tokens, strict=True))
    ]


def for_sequences(
    levels: Any, tokens: int, lengths: Sequence[int], config: SkimConfig, batched: bool
) -> list[Levels]:
    """The levels of each sequence of a padded batch, cut to its length.

    Args:
        levels: (B, T) or (B, layers, directions, T); for one sequence without the B axis.
        tokens: T, padding included.
        lengths: tokens of each sequence, (B,).
        config: the layers' options.
        batched: whether there is a B axis.

    Raises:
        ValueError: if the shape, the dtype or a level within a sequence does not fit.
    """
    array = _array(levels)
    batch = (len(lengths),) if batched else ()
    shapes = [(*batch, tokens), (*batch, config.num_layers, config.directions, tokens)]
    if array.shape not in shapes:
        raise ValueError(
            f"levels must have the shape {shapes[0]}, or {shapes[1]} for each layer and direction; "
            f"got {array.shape}"
        )
    rows = array if batched else array[None]
    return [
        _checked(row[..., :n], n, config, f"levels of sequence {b}" if batched else "levels")
        for b, (row, n) in enumerate(zip(rows, lengths, strict=True))
    ]


def _checked(levels: NDArray[Any], tokens: int, config: SkimConfig, name: str) -> Levels:
    """The levels (T,) or (layers, directions, T) as ``Levels``."""
    shape = (config.num_layers, config.directions, tokens)
    if levels.shape not in ((tokens,), shape):
        raise ValueError(
            f"{name} must have the shape ({tokens},), or {shape} for each layer and direction: "
            f"one for each token (reading.words lists them); got {levels.shape}"
        )
    if levels.size and levels.dtype.kind not in "iu":  # an empty list is of no kind
        raise ValueError(f"{name} must be whole numbers, such as int8; got {levels.dtype}")
    last = len(config.levels) - 1
    wrong = levels[(levels < 0) | (levels > last)]
    if wrong.size:
        raise ValueError(
            f"{name} must be from 0, which reads, to {last}, the last level of "
            f"levels={config.levels}; got {wrong[0]}"
        )
    return np.array(np.broadcast_to(levels, shape), np.int8, order="C")


def _array(levels: Any) -> NDArray[Any]:
    try:
        return np.asarray(levels)
    except ValueError as error:  # rows of unequal lengths
        raise ValueError(f"levels must be whole numbers in one array each; {error}") from None
