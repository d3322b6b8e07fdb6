"""Time a word with each control, beside our plain and skimming reader: text as rows, batch 1.

    python -m benchmarks.classification.controls.speed [--hidden-size D]

Random weights, 20,000 words as frequent as in language, all in turns over the same texts; prints a
line a reader. ``benchmarks.classification.times`` times trained models, from text to label.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.classification.controls.native import NativeControl
from benchmarks.classification.controls.saved import SavedControl
from skimrnn.bench.networks import VOCABULARY, make_network, make_texts, reader_of, with_skim_rate
from skimrnn.bench.timing import take_turns
from skimrnn.decision import Rule
from skimrnn.text import UNKNOWN, Vocabulary

SIZES = {"qrnn": (3, 2), "mingru": (2, 1)}
"""Gates and words that they see, by cell."""
SKIM_RATE, SKIM_SIZE, ROUNDS = 0.95, 5, 15


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--hidden-size", type=int, default=100)
    size = parser.parse_args().hidden_size
    texts = make_texts(0)
    networks = {
        "plain LSTM": make_network("lstm", size, None),
        f"skimming {SKIM_RATE:.0%}": with_skim_rate(
            make_network("lstm", size, SKIM_SIZE), SKIM_RATE, texts
        ),
    }
    readers: dict[str, Callable[[Any], object]] = {}
    for precision in ("float32", "int8"):
        for name, network in networks.items():
            reader = reader_of(network, precision=precision, table_bytes=2**30)
            readers[f"{name}, {precision}"] = lambda rows, reader=reader: reader.read_words(
                rows, Rule()
            )
    readers |= {cell: NativeControl(random_control(cell, size)).read for cell in SIZES}
    times = take_turns(list(readers.values()), texts, [len(text) for text in texts], ROUNDS)
    for name, time in zip(readers, times, strict=True):
        low, middle, high = 1000 * np.quantile(time.per_round(), [0.25, 0.5, 0.75])
        print(f"{name:24} {middle:6.1f} ns a word (quartiles {low:.1f} … {high:.1f})")


def random_control(
    cell: str,
    hidden_size: int,
    input_size: int | None = None,
    words: int = VOCABULARY,
    seed: int = 0,
) -> SavedControl:
    """A control of two classes with random weights; E = D if ``input_size`` is None."""
    random = np.random.default_rng(seed)
    gates, window = SIZES[cell]
    D, E = hidden_size, input_size or hidden_size

    def uniform(*shape: int) -> Any:
        return random.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(D))

    return SavedControl(
        cell,
        ("one", "other"),
        Vocabulary((UNKNOWN, *(f"w{row}" for row in range(1, words)))),
        random.normal(size=(words, E)).astype(np.float32),
        uniform(gates * D, window * E),
        uniform(gates * D),
        uniform(2, D),
        uniform(2),
        {},
    )


if __name__ == "__main__":
    main()
