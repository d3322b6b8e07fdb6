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

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import skimrnn
from benchmarks.classification.runs import measure_model
from benchmarks.rivals.adding import FOLDER
from benchmarks.rivals.by_task import Points, measure_tasks
from skimrnn.decision import Rule
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
    "rate-10-0.9-tuned",
    "rate-10-0.95-tuned",
    RANDOM,
)
"""The rows that are compared; one whose model is not there is left out."""


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


def limited(folder: Path, row: str, examples: Examples) -> Points:
    """What a row's model does with texts at each ceiling."""
    return [at_ceiling(folder, row, examples, reads) for reads in CEILINGS]


def at_ceiling(folder: Path, row: str, examples: Examples, reads: int) -> dict[str, Any]:
    """What it does with texts of which it may read so much."""
    levels = None
    if row == SKIPW:
        model = skimrnn.load(folder, router_options={"reads": reads})
    elif row == RANDOM:
        model, levels = skimrnn.load(folder), Drawn(reads)
    else:
        model = skimrnn.load(folder)
        model.rule = Rule(budget=reads / WINDOW)
    return {"row": row, "reads": reads, **measure_model(model, examples, levels)}


def main() -> None:
    """Measure task by task."""
    measure_tasks("benchmarks.rivals.ceilings", __doc__, LIMITED, limited, RESULT)


if __name__ == "__main__":
    main()
