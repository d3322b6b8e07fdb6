"""Which words are read: by how frequent they are, by part of speech, by place in the text.

    python -m benchmarks.classification.words [--task NAME ...] [--data-dir DIR]

Needs the models that ``benchmarks.classification`` leaves under ``runs/classification``; of each
task it takes the first seed's of one row, and reads all test texts with it. Needs TextBlob for the
parts of speech. Writes ``results/words.json`` after every task, keeping tasks not named.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

import skimrnn
from benchmarks.classification.rows import FOLDS, LEARNED, SEEDS, TUNED
from benchmarks.classification.runs import Run, task_of
from benchmarks.classification.speech import PARTS, parts_of_speech
from benchmarks.machine import RESULTS, provenance
from skimrnn.files import write_atomically
from skimrnn.reading import Reading
from skimrnn.text import Vocabulary

RESULT = RESULTS / "words.json"
BANDS = ("1-10", "11-100", "101-1,000", "1,001-10,000", "above 10,000", "unknown")
LAST_RANKS = (10, 100, 1_000, 10_000)
TENTHS = tuple(f"{10 * tenth}-{10 * tenth + 10} %" for tenth in range(10))
OFTEN = 50
"""A word that occurs less often is not listed by name."""
LISTED = 20
TASKS = tuple(task for task in TUNED if task != FOLDS)


class Tally:
    """How many words there were of each kind, and how many of them were read.

    Attributes:
        words: (kinds,) counts.
        read: (kinds,) of them; parts of a word where some layers or directions read it.
    """

    def __init__(self, kinds: int) -> None:
        self.words = np.zeros(kinds, np.int64)
        self.read = np.zeros(kinds)

    def add(self, kind: NDArray[np.int64], read: NDArray[np.float64]) -> None:
        """Count the words of a text: the kind of each, (T,), and whether it was read, (T,)."""
        np.add.at(self.words, kind, 1)
        np.add.at(self.read, kind, read)

    def shares(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """By kind: its name, its words, and the share that was read, None without a word."""
        return [
            {"name": name, "words": int(words), "read": float(read / words) if words else None}
            for name, words, read in zip(names, self.words, self.read, strict=True)
        ]


def main() -> None:
    """Count task by task, and write after each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--task", nargs="*", choices=TASKS, default=TASKS)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    for task in arguments.task:
        run = Run(task, LEARNED, SEEDS[task][0])
        if not (run.folder).exists():
            print(f"{task}: there is no {run.folder}")
            continue
        model = skimrnn.load(run.folder)
        texts = task_of(run, arguments.data_dir).test.texts
        result = {
            "row": run.name,
            "seed": run.seed,
            "tagger": f"textblob {metadata.version('textblob')}",
            "texts": len(texts),
            **count((model.read(text) for text in texts), model.vocabulary, parts_of_speech),
            **provenance("python -m benchmarks.classification.words"),
        }
        found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        content = json.dumps({**found, task: result}, indent=1, ensure_ascii=False) + "\n"
        write_atomically(RESULT, content.encode())
        print(f"{task}: {result['words']:,} words", flush=True)


def count(
    readings: Iterable[Reading],
    vocabulary: Vocabulary,
    tag: Callable[[Sequence[str]], list[str]],
) -> dict[str, Any]:
    """What was read of each kind of word.

    Args:
        readings: of the texts, one by one.
        vocabulary: the words in the order of their frequency in the training texts, so that a
            word's row is its rank; row 0 is the unknown word.
        tag: gives the part of speech of each word of a text, of ``PARTS``.
    """
    bands, parts, tenths = Tally(len(BANDS)), Tally(len(PARTS)), Tally(len(TENTHS))
    each = Tally(len(vocabulary))
    number = {part: at for at, part in enumerate(PARTS)}
    for reading in readings:
        if not len(reading):
            continue
        read = (reading.level == 0).mean(axis=(0, 1))
        rows = vocabulary.rows(reading.words)
        bands.add(bands_of(rows), read)
        parts.add(np.array([number[part] for part in tag(reading.words)]), read)
        middles = (np.arange(len(read)) + 0.5) / len(read)
        tenths.add((len(TENTHS) * middles).astype(int), read)
        each.add(rows.astype(np.int64), read)
    words = [one for one in each.shares(vocabulary.words)[1:] if one["words"] >= OFTEN]
    words.sort(key=lambda one: (-one["read"], -one["words"], one["name"]))
    total = int(each.words.sum())
    return {
        "words": total,
        "read": float(each.read.sum() / total) if total else None,
        "bands": bands.shares(BANDS),
        "parts": parts.shares(PARTS),
        "tenths": tenths.shares(TENTHS),
        "often": {"at_least": OFTEN, "different_words": len(words)},
        "most_read": words[:LISTED],
        "least_read": sorted(words, key=lambda one: (one["read"], -one["words"]))[:LISTED],
    }


def bands_of(rows: NDArray[np.int32]) -> NDArray[np.int64]:
    """The place in ``BANDS`` of each word, by its rank; (T,) to (T,)."""
    return np.where(rows == 0, len(BANDS) - 1, np.searchsorted(LAST_RANKS, rows))


if __name__ == "__main__":
    main()
