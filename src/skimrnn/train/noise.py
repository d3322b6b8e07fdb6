"""Gumbel noise that depends on nothing but its key: seed, step, text, layer and direction.

One Philox stream per key, read in token order, levels within a token. So padding, batch mates,
threads, processes and the code that uses the noise never change it, and a resumed run repeats it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def gumbel(
    seed: int, step: int, row: int, layer: int, direction: int, tokens: int, levels: int
) -> NDArray[np.float64]:
    """The noise of one text in one layer and direction, (tokens, levels).

    Args:
        seed: of the run, at least 0.
        step: optimiser step, from 0.
        row: the text's place in the global batch.
        layer: from 0.
        direction: 0 forward, 1 backward; token 0 is the first in text order in both.
        tokens: how many tokens' noise; a longer text's noise begins with a shorter one's.
        levels: K.
    """
    bits = np.random.Philox(key=[seed, step], counter=[0, row, layer, direction])
    raw = bits.random_raw(tokens * levels) >> np.uint64(12)
    uniform = (raw + 0.5) * 2.0**-52  # 52 bits and a half: strictly inside (0, 1)
    return np.asarray(-np.log(-np.log(uniform))).reshape(tokens, levels)


def batch_gumbel(
    seed: int,
    step: int,
    lengths: Sequence[int],
    layers: int,
    directions: int,
    levels: int,
    *,
    first_row: int = 0,
) -> NDArray[np.float32]:
    """The noise of a batch, (layers, directions, B, T, K), zero past a text's end.

    Args:
        seed: of the run.
        step: optimiser step.
        lengths: tokens of each text, (B,).
        layers: layers of the network.
        directions: directions of each layer.
        levels: K.
        first_row: place of the first text in the global batch.
    """
    shape = (layers, directions, len(lengths), max(lengths, default=0), levels)
    noise = np.zeros(shape, dtype=np.float32)
    for layer in range(layers):
        for direction in range(directions):
            for b, tokens in enumerate(lengths):
                row = first_row + b
                own = gumbel(seed, step, row, layer, direction, tokens, levels)
                noise[layer, direction, b, :tokens] = own
    return noise
