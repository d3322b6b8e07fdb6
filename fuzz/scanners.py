"""Both scanners over random texts: the same words, every time.

python -m fuzz.scanners [--count 10000000] [--seed 0] [--workers 2]

Every word that a batch's texts hold is in its vocabulary, so rows differ where words do.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

import numpy as np

from fuzz.texts import random_texts
from skimrnn import extension
from skimrnn.config import SkimConfig
from skimrnn.model_file import TextPart
from skimrnn.runtime.native import NativeReader, NativeTextReader
from skimrnn.text import Vocabulary, scan

BATCH = 20_000


def text_reader(vocabulary: Vocabulary) -> NativeTextReader:
    """The smallest reader that can look words up in this vocabulary."""
    config = SkimConfig(cell="rnn_tanh", input_size=1, hidden_size=1, levels=(1,))
    parameters = {n: np.zeros(s, np.float32) for n, s in config.parameter_shapes().items()}
    embedding = np.zeros((len(vocabulary), 1), np.float32)
    head = np.zeros((1, 1), np.float32)
    text = TextPart(("any",), vocabulary, embedding, head, head[0])
    reader = NativeReader(
        config, parameters, extension.instruction_sets()[0], embedding, table_bytes=0
    )
    return NativeTextReader(reader, text)


def differences(count: int, seed: int | list[int]) -> list[str]:
    """The texts, of ``count`` random ones, that the two scanners cut differently."""
    texts = random_texts(count, seed)
    words = [scan(text).words for text in texts]
    vocabulary = Vocabulary.build(words, min_count=1)
    reader = text_reader(vocabulary)
    return [
        text
        for text, found in zip(texts, words, strict=True)
        if not np.array_equal(reader.rows(text), vocabulary.rows(found))
    ]


def main() -> None:
    """Compare batch after batch; fail at the first difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    batches = -(-options.count // BATCH)
    seeds = [[options.seed, number] for number in range(batches)]
    begin = time.monotonic()
    with ProcessPoolExecutor(options.workers) as pool:
        for number, found in enumerate(pool.map(differences, repeat(BATCH), seeds), 1):
            if found:
                print(f"seed {seeds[number - 1]}: cut differently: {found[:5]!a}")
                sys.exit(1)
            if number % 50 == 0 or number == batches:
                seconds = time.monotonic() - begin
                print(f"{number * BATCH:,} texts without a difference, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
