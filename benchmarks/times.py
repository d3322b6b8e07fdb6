"""Time the models of the classification runs, from text to label, side by side.

    python -m benchmarks.times [--task NAME ...] [--data-dir DIR]

Needs the models that ``benchmarks.classification`` leaves under ``runs/classification``, and a
quiet machine: nothing else should run. Writes ``results/times.json``, keeping tasks not named.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import skimrnn
from benchmarks.classification import ROWS, RUNS, SEEDS, TASKS, Run
from benchmarks.machine import provenance
from skimrnn.bench.timing import take_turns
from skimrnn.files import write_atomically
from skimrnn.tasks import Examples, load_task

RESULT = Path(__file__).parent / "results" / "times.json"
PLAIN = "lstm"
TEXTS, ROUNDS = 400, 9
PRECISIONS = ("float32", "int8")


def main() -> None:
    """Measure, then write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--task", nargs="*", choices=TASKS, default=TASKS)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    result = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for task in arguments.task:
        models = {row: RUNS / Run(task, row, SEEDS[task][0]).name for row in ROWS}
        models = {row: folder for row, folder in models.items() if folder.exists()}
        if PLAIN not in models:
            print(f"{task}: no model of the row {PLAIN} under {RUNS}")
            continue
        result[task] = {
            "rows": measure(models, task, arguments.data_dir),
            **provenance("python -m benchmarks.times"),
        }
    write_atomically(RESULT, (json.dumps(result, indent=1) + "\n").encode())


def measure(models: dict[str, Path], task: str, data_dir: str | None) -> list[dict[str, Any]]:
    """Microseconds of every row and precision on the same texts, and over the plain row's."""
    test = load_task(task.removesuffix("-phrases"), data_dir=data_dir).test
    texts = test.texts
    some = np.random.default_rng(0).permutation(len(texts))[:TEXTS]
    chosen = [texts[at] for at in some]
    names = [(row, precision) for row in models for precision in PRECISIONS]
    loaded = {name: skimrnn.load(models[name[0]], precision=name[1]) for name in names}
    words = [len(loaded[names[0]].read(text)) for text in chosen]
    chosen, words = zip(*((t, n) for t, n in zip(chosen, words, strict=True) if n), strict=True)
    contenders: list[Callable[[str], object]] = [loaded[name].predict_proba for name in names]
    times = dict(zip(names, take_turns(contenders, chosen, words, ROUNDS), strict=True))
    rows = []
    for row, precision in names:
        own, plain = times[row, precision].per_round(), times[PLAIN, precision].per_round()
        rows.append(
            {
                "row": row,
                "precision": precision,
                "implementation": loaded[row, precision].implementation,
                "texts": len(chosen),
                "words": int(sum(words)),
                "accuracy": accuracy(loaded[row, precision], test),
                "us_per_word": float(np.median(own)),
                "us_per_text": float(np.median(own)) * sum(words) / len(chosen),
                "plain_over_this": float(np.median(plain / own)),
            }
        )
    return rows


def accuracy(model: skimrnn.Model, test: Examples) -> float:
    """Share of all test texts that are labelled rightly."""
    labels = model.predict(test.texts, workers=2)
    targets = [model.labels[target] for target in test.targets]
    return float(np.mean([one == other for one, other in zip(labels, targets, strict=True)]))


if __name__ == "__main__":
    main()
