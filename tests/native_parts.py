"""Small random networks, texts of word numbers, and comparisons of what was read."""

from typing import Any

import numpy as np

from models import make_layer
from skimrnn.config import GATES, SkimConfig
from skimrnn.reference import SequenceReading

WORDS = 40
# Rounding of float32 in another order; tests/agreement.py says why.
CLOSE = 3e-5


def make_parts(
    config: SkimConfig, seed: int = 0, scale: float = 1.0
) -> tuple[dict[str, Any], np.ndarray]:
    """Parameters, and an embedding of ``WORDS`` words."""
    parameters = {
        name: np.float32(scale / np.sqrt(config.hidden_size / 3)) * value
        for name, value in make_layer(config, seed=seed).parameters.items()
    }
    random = np.random.default_rng(seed + 1)
    return parameters, random.normal(size=(WORDS, config.input_size)).astype(np.float32)


def make_rows(tokens: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, WORDS, tokens).astype(np.int32)


def assert_same_bits(one: SequenceReading, other: SequenceReading, *, output: bool = True) -> None:
    for name in one._fields:
        ours, theirs = getattr(one, name), getattr(other, name)
        if name != "output" or output:
            assert (ours is None) == (theirs is None), name
            assert ours is None or ours.tobytes() == theirs.tobytes(), name


def assert_near(one: SequenceReading, other: SequenceReading, *, output: bool = True) -> None:
    np.testing.assert_array_equal(one.level, other.level)
    for name in ("p", "h_n", "c_n", *(("output",) if output else ())):
        ours, theirs = getattr(one, name), getattr(other, name)
        assert (ours is None) == (theirs is None), name
        if ours is not None:
            np.testing.assert_allclose(ours, theirs, rtol=CLOSE, atol=CLOSE, err_msg=name)


def row_bytes(config: SkimConfig) -> int:
    """Bytes of a table row: gates and the router's logits, in whole groups of sixteen floats."""

    def padded(size: int) -> int:
        return -(-size // 16) * 16

    def rows(units: int) -> int:
        gates = GATES[config.cell]
        narrow = gates > 1 and 1 <= units % 16 <= 4  # the gates of four units share sixteen rows
        return units // 16 * 16 * gates + 16 if narrow else padded(units) * gates

    floats = sum(map(rows, config.levels))
    if config.router in ("softmax", "vcrnn") and config.skims:  # others do not look at the word
        floats += padded(len(config.levels) - 1 if config.router == "softmax" else 1)
    if config.router == "leap-lstm" and config.skims:  # the layer, the LSTM's gates, the filters
        units, ahead, filters = config.router_options.values()
        gates = padded(ahead) * 4 if ahead % 16 not in (1, 2, 3, 4) else ahead // 16 * 64 + 16
        floats += padded(units) + gates + padded(12 * filters)
    return 4 * config.directions * floats
