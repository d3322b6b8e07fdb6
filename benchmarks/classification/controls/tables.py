"""What a control looks up per word: its gates' input parts, as far towards the gates as they go.

No gate sees a state, so a word's own part of everything can be worked out beforehand: for the
minGRU all of its step but one product and one sum, for the QRNN all exponentials. Units are padded
to whole cache lines, U >= D. There is no cap on the table as ``skimrnn.runtime.native`` has one:
every word has its row, of 2.7 KB for the QRNN and 0.9 KB for the minGRU at D = 100.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.classification.controls.saved import SavedControl

Array = NDArray[np.float32]

LINE = 16
"""Floats of a cache line."""
LIMIT = 43.0
"""Largest exponent of a factor: a product of two is finite, and one of two sums cut there."""
_WORDS = 4096


def word_table(control: SavedControl) -> Array:
    """The control's table, (rows, parts, U), at a cache line's start; every word has its row."""
    return _MAKERS[control.cell](control)


def _qrnn(control: SavedControl) -> Array:
    """(V + 1, 6, U): factors of f, z, f of the next word, z of the next word, and so of o.

    With P = e^-(f's sum) and Q = e^-2(z's sum), f = 1 / (1 + P) and z = (1 - Q) / (1 + Q); each is
    the product of a factor of this word and one of the word before. The last row stands before a
    text and has no part in the sums: all 1.
    """
    D, E = control.hidden_size, control.embedding.shape[1]
    of_z, of_f, of_o = control.weight.reshape(3, D, 2, E).astype(np.float64)
    b_z, b_f, b_o = control.bias.reshape(3, D).astype(np.float64)
    now, before = 0, 1
    columns = [
        (-of_f[:, now], -b_f),
        (-2 * of_z[:, now], -2 * b_z),
        (-of_f[:, before], 0 * b_f),
        (-2 * of_z[:, before], 0 * b_z),
        (-of_o[:, now], -b_o),
        (-of_o[:, before], 0 * b_o),
    ]
    table = aligned((len(control.embedding) + 1, len(columns), padded(D)))
    table.fill(1)
    for first in range(0, len(control.embedding), _WORDS):
        x = control.embedding[first : first + _WORDS].astype(np.float64)
        for part, (weight, bias) in enumerate(columns):
            exponent = x @ weight.T + bias
            largest = float(np.abs(exponent).max())
            if largest > LIMIT:
                raise ValueError(
                    f"an exponent of the QRNN's word table is {largest:.1f}, and above {LIMIT:g} "
                    "it may overflow; train with smaller weights (a weight_decay above 0)"
                )
            table[first : first + len(x), part, :D] = np.exp(exponent)
    return table


def _mingru(control: SavedControl) -> Array:
    """(V, 2, U): a = 1 - z and b = z v of h_t = a h_{t-1} + b."""
    D, tiny = control.hidden_size, np.finfo(np.float32).tiny
    table = aligned((len(control.embedding), 2, padded(D)))
    table.fill(0)
    for first in range(0, len(control.embedding), _WORDS):
        x = control.embedding[first : first + _WORDS].astype(np.float64)
        sums = x @ control.weight.T.astype(np.float64) + control.bias
        keep = 0.5 - 0.5 * np.tanh(sums[:, :D] / 2)
        keep[keep < tiny] = 0  # a denormal factor would slow every product
        table[first : first + len(x), 0, :D] = keep
        table[first : first + len(x), 1, :D] = (1 - keep) * sums[:, D:]
    return table


_MAKERS = {"qrnn": _qrnn, "mingru": _mingru}


def padded(units: int) -> int:
    """Units in whole cache lines."""
    return -(-units // LINE) * LINE


def aligned(shape: tuple[int, ...]) -> Array:
    """Room for floats at a cache line's start, which NumPy does not promise."""
    count, bytes_of_line = int(np.prod(shape)), 4 * LINE
    room = np.empty(4 * count + bytes_of_line, np.uint8)
    skipped = -room.ctypes.data % bytes_of_line
    return room[skipped : skipped + 4 * count].view(np.float32).reshape(shape)
