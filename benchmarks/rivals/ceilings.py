"""At equal ceilings: at most so many of each ten words, whoever chooses them.

    python -m benchmarks.rivals.ceilings [--task NAME ...] [--data-dir DIR]

Needs the models that ``benchmarks.classification`` leaves under ``runs/classification``. SkipW's
ceiling is its "reads" of a window; of the others it is the budget of the rule, a tenth of it each,
with one word in advance. Whoever reads at random reads that many of each ten words, drawn once, by
a model that was trained on random words. All but SkipW, which was trained with half, have met no
ceiling in training. Every test text is read without torch, at θ = 0.5. Writes
``results/rivals/ceilings.json``, keeping tasks not named.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import skimrnn
from benchmarks.classification.rows import TASKS
from benchmarks.classification.runs import RUNS, Run, measure_model, task_of
from benchmarks.machine import provenance
from benchmarks.rivals.adding import FOLDER
from skimrnn.decision import Rule
from skimrnn.files import write_atomically
from skimrnn.tasks import Examples
from skimrnn.text import Vocabulary

RESULT = FOLDER / "ceilings.json"
WINDOW = 10
CEILINGS = (5, 4, 3, 2, 1)
SKIPW, RANDOM = "skipw-0.05-tuned", "random-tuned"
LIMITED = (
    SKIPW,
    "skip-rnn-0.05-tuned",
    "skip-0.01-tuned",
    "skim-10-0.01-tuned",
    "spread-10-0.01-tuned",
    RANDOM,
)
"""The rows that are compared; one whose model is not there is left out."""
SEED = 0


class Drawn:
    """Given levels: of each window so many words, at random; of a last one cut short its share.

    Args:
        reads: words of a window that are read.
    """

    def __init__(self, reads: int) -> None:
        self._reads, self.name = reads, f"random {reads} of {WINDOW}"

    def __call__(
        self, rows: NDArray[np.int32], vocabulary: Vocabulary, key: tuple[int, ...]
    ) -> NDArray[np.int8]:
        """The levels of a text's words, (T,), by its key alone."""
        ranks = np.random.default_rng(key).random((-(-len(rows) // WINDOW), WINDOW))
        order = ranks.argsort(axis=1).argsort(axis=1)
        return (order >= self._reads).astype(np.int8).reshape(-1)[: len(rows)]


def limited(folder: Path, row: str, examples: Examples, reads: int) -> dict[str, Any]:
    """What a row's model does with texts of which it may read so much."""
    levels = None
    if row == SKIPW:
        model = skimrnn.load(folder, router_options={"reads": reads})
    elif row == RANDOM:
        model, levels = skimrnn.load(folder), Drawn(reads)
    else:
        model = skimrnn.load(folder)
        model.rule = Rule(budget=reads / WINDOW)
    found = measure_model(model, examples, levels)
    return {"row": row, "reads": reads, **found}


def main() -> None:
    """Measure task by task, and write after each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--task", nargs="*", choices=TASKS, default=TASKS)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    for name in arguments.task:
        folders = {row: Run(name, row, SEED).folder for row in LIMITED}
        there = {row: folder for row, folder in folders.items() if folder.exists()}
        if SKIPW not in there or len(there) < 2:
            print(f"{name}: no {SKIPW}, or nothing to compare it with, under {RUNS}")
            continue
        test = task_of(Run(name, SKIPW, SEED), arguments.data_dir).test
        points = [limited(there[row], row, test, reads) for row in there for reads in CEILINGS]
        result = {"points": points, **provenance("python -m benchmarks.rivals.ceilings")}
        found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        write_atomically(RESULT, (json.dumps({**found, name: result}, indent=1) + "\n").encode())
        for point in points:
            print(name, {key: value for key, value in point.items() if key != "correct"})


if __name__ == "__main__":
    main()
