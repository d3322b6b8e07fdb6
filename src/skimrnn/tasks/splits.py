"""Seeded splits that stay the same on every machine and with every NumPy."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def permutation(count: int, seed: int) -> Rows:
    """Return the numbers 0 … count-1 in an order fixed by the seed, (count,) int64.

    It sorts the raw output of the Philox generator: NumPy promises that stream for all
    versions, but not the one behind ``Generator.permutation``.
    """
    keys = np.random.Philox(seed).random_raw(count) if count else np.zeros(0, dtype=np.uint64)
    return np.argsort(keys, kind="stable").astype(np.int64)


def split_sizes(count: int, published: Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of the parts of ``count`` rows: the published ones, or their proportion.

    The published sizes are returned as they are when they add up to ``count``. Otherwise every
    part but the first is rounded from its proportion, and the first takes the rest.
    """
    total = sum(published)
    if count == total:
        return tuple(published)
    later = [round(count * size / total) for size in published[1:]]
    return (count - sum(later), *later)


def random_split(count: int, sizes: Sequence[int], seed: int) -> list[Rows]:
    """Return the rows of each part of a random split; rows keep their order within a part."""
    order = permutation(count, seed)
    edges = np.cumsum(sizes)[:-1]
    return [np.sort(part) for part in np.split(order, edges)]


def stratified_split(
    targets: NDArray[np.int64], held_out: Sequence[float], seed: int
) -> list[Rows]:
    """Return the rows of the training part and of one part for each share in ``held_out``.

    Every class gives each held-out part its rounded share, at least one row, and at most so many
    that each part after it and training have one. A class with too few rows to appear in every
    part stays in training as a whole. Rows keep their order.
    """
    order = permutation(len(targets), seed)
    parts: list[list[int]] = [[] for _ in range(len(held_out) + 1)]
    for target in np.unique(targets).tolist():
        rows = order[targets[order] == target].tolist()
        start = 0
        if len(rows) > len(held_out):
            for place, share in enumerate(held_out, start=1):
                others = len(parts) - place  # those after it, and training
                size = min(max(1, round(len(rows) * share)), len(rows) - start - others)
                parts[place].extend(rows[start : start + size])
                start += size
        parts[0].extend(rows[start:])
    return [np.array(sorted(part), dtype=np.int64) for part in parts]


def strata(targets: NDArray[np.int64] | NDArray[np.bool_]) -> Rows:
    """Return the class by which to draw each text, (N,), for ``stratified_split``.

    Args:
        targets: the class of each of N texts, (N,), which is then the one; or whether each has each
            of C labels, (N, C): then it is the rarest of its labels, C if it has none.
    """
    if targets.ndim == 1:
        return targets.astype(np.int64, copy=False)
    by_rarity = np.argsort(targets.sum(axis=0), kind="stable")
    rarest = by_rarity[np.argmax(targets[:, by_rarity], axis=1)]
    return np.where(targets.any(axis=1), rarest, np.int64(targets.shape[1]))


def rows_apart(texts: Sequence[str], others: Iterable[str]) -> list[int]:
    """Return the places of the texts that are none of the others, told by `text_key`."""
    keys = {text_key(text) for text in others}
    return [row for row, text in enumerate(texts) if text_key(text) not in keys]


def text_key(text: str) -> str:
    """Return the letters and digits of a text, case folded: two texts with one key are the same.

    Tokenisation, quotes and capitals differ between the copies of one sentence; these do not.
    """
    return "".join(filter(str.isalnum, text.casefold()))
