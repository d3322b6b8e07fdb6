"""The θ at which each model skims a wanted share, chosen on validation; dev is then read with it.

    python -m benchmarks.questions.chosen [--row NAME ...] [--seed N] [--data-dir DIR]

Needs the models that ``benchmarks.questions`` leaves under ``runs/questions``, and reads those that
are there. Writes ``results/question-chosen.json`` after every row, keeping rows not named.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

import skimrnn
from benchmarks.machine import RESULTS, provenance
from benchmarks.questions.measured import measure, trained
from benchmarks.questions.rows import ROWS
from skimrnn.files import write_atomically
from skimrnn.reading import skim_rate
from skimrnn.tasks import Questions, load_questions

RESULT = RESULTS / "question-chosen.json"
WANTED = {"attention": 0.5, "bidaf": 0.45}
"""Share of the context's words to be skimmed, by model."""

SLACK = 0.01
"""More than what is wanted, on validation: another set may be skimmed a little less."""

DRAWN, HALVINGS = 1000, 10
KEPT = ("questions", "f1", "exact_match", "skim_rate", "skim_rates", "flop_reduction", "f1_percent")


def threshold_for(answerer: skimrnn.Answerer, asked: Questions, share: float) -> float:
    """The largest θ found by halving at which at least this share is skimmed.

    Args:
        answerer: a model that skims.
        asked: questions to find it on; ``DRAWN`` of them are read.
        share: from 0 to below 1.
    """
    some = asked.take(np.random.default_rng(0).permutation(len(asked))[:DRAWN])
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        levels = [
            answerer.answer(some.contexts[one.context], one.text, threshold=middle).level
            for one in some.questions
        ]
        low, high = (middle, high) if skim_rate(levels) >= share else (low, middle)
    return low


def chosen(answerer: skimrnn.Answerer, wanted: float, **sets: Questions) -> dict[str, Any]:
    """θ, and what it comes to on ``validation``, where it was found, and on ``test``."""
    threshold = threshold_for(answerer, sets["validation"], wanted + SLACK)
    found = {name: measure(answerer, asked, threshold) for name, asked in sets.items()}
    return {
        "wanted": wanted,
        "threshold": threshold,
        **{name: {key: numbers[key] for key in KEPT} for name, numbers in found.items()},
    }


def main() -> None:
    """Choose row by row, and write after each."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.questions.chosen",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    skimming = [name for name, row in ROWS.items() if row.skims]
    said = f"all if left out: {', '.join(skimming)}"
    parser.add_argument("--row", nargs="*", choices=skimming, default=skimming, help=said)
    parser.add_argument("--seed", type=int, default=0, help="of the models")
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    task = load_questions("squad", data_dir=arguments.data_dir)
    folders = trained(arguments.seed)
    for name in arguments.row:
        if name not in folders:
            print(f"{name}: not trained here with seed {arguments.seed}")
            continue
        row = chosen(
            skimrnn.load_answerer(folders[name]),
            WANTED[ROWS[name].model],
            validation=task.validation,
            test=task.test,
        )
        found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        found[name] = {
            "seed": arguments.seed,
            **row,
            **provenance("python -m benchmarks.questions.chosen"),
        }
        write_atomically(RESULT, (json.dumps(found) + "\n").encode())
        print(f"{name}: {row['threshold']:.4f}", flush=True)


if __name__ == "__main__":
    main()
