"""One model over θ: accuracy, operations and measured time, beside separately trained models.

    python -m benchmarks.classification.curves [--task NAME ...] [--seed N ...] [--data-dir DIR]

Needs the models that ``benchmarks.classification`` leaves under ``runs/classification`` and reads
those that are there for every seed that is named; the seeds' points are averaged. Accuracy and
operations are counted on all test texts; time is measured on some of them, every model and
threshold of a seed in turns, so nothing else should run. Writes ``results/curves.json`` after every
task, keeping tasks not named.

What comes out is a curve: no threshold is selected by it. The one threshold that is chosen
(``verdicts.py``) is chosen on validation texts.
"""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path
from typing import Any

import numpy as np

import skimrnn
from benchmarks.classification.rows import FOLDS, LEARNED, TUNED
from benchmarks.classification.runs import RUNS, Run, measure_model, task_of
from benchmarks.classification.verdicts import Point, verdicts
from benchmarks.machine import RESULTS, provenance
from skimrnn.bench.timing import take_turns
from skimrnn.decision import Rule
from skimrnn.files import write_atomically
from skimrnn.tasks import TextTask
from skimrnn.text import scan

RESULT = RESULTS / "curves.json"
CURVES = (
    *(LEARNED, "skim-20-0.01-tuned", "rate-10-0.9-tuned"),
    "spread-10-0.01-tuned",
)
SEPARATE = (
    "lstm-tuned",
    *(f"skim-{size}-{weight}-tuned" for size in (5, 10) for weight in (0.01, 0.02)),
    *("skim-10-0.005-tuned", "skim-20-0.01-tuned"),
    *("rate-10-0.9-tuned", "rate-10-0.95-tuned"),
)
THRESHOLDS = (
    *(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4),
    *(0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0),
)
AS_TRAINED = 0.5
TASKS = tuple(task for task in TUNED if task != FOLDS)
SEEDS = {"sst": [0, 1, 2], "rotten-tomatoes": [0, 1, 2]}
"""Of the models, by task, where it is not the first alone."""
TEXTS, ROUNDS = 300, 9

Models = dict[tuple[str, float], skimrnn.Model]
"""What is measured: a row's model at a threshold."""


def main() -> None:
    """Measure task by task, and write after each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--task", nargs="*", choices=TASKS, default=TASKS)
    said = "of the models; 0, 1 and 2 of sentences and 0 of longer texts if left out"
    parser.add_argument("--seed", nargs="+", type=int, help=said)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    for task in arguments.task:
        seeds = arguments.seed or SEEDS.get(task, [0])
        folders = [trained(task, seed) for seed in seeds]
        rows = [row for row in folders[0] if all(row in others for others in folders)]
        if not set(rows) & set(CURVES):
            print(f"{task}: none of {', '.join(CURVES)} is under {RUNS}")
            continue
        texts = task_of(Run(task, LEARNED, seeds[0]), arguments.data_dir)
        result = {
            "seeds": seeds,
            **measure([{row: by_row[row] for row in rows} for by_row in folders], texts),
            **provenance("python -m benchmarks.classification.curves"),
        }
        found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        content = json.dumps({**found, task: result}, indent=1) + "\n"
        write_atomically(RESULT, content.encode())
        print(f"{task}: {', '.join(rows)}", flush=True)


def trained(task: str, seed: int) -> dict[str, Path]:
    """The folders of the rows' models that are there."""
    rows = dict.fromkeys((*CURVES, *SEPARATE))
    folders = {row: Run(task, row, seed).folder for row in rows}
    return {row: folder for row, folder in folders.items() if folder.exists()}


def measure(folders: list[dict[str, Path]], task: TextTask) -> dict[str, Any]:
    """The curves, the separate points and what they say, of one task; a dictionary a seed."""
    by_seed = []
    for by_row in folders:
        models = at_thresholds(by_row)
        timed, texts, words = times(models, task.test.texts)
        by_seed.append({name: _point(name, models[name], task) | timed[name] for name in models})
    points = {name: mean([one[name] for one in by_seed]) for name in by_seed[0]}
    separate = [
        {"row": row, **point} for (row, at), point in points.items() if _is_separate(row, at)
    ]
    curves = {
        row: [point for (name, _), point in points.items() if name == row]
        for row in folders[0]
        if row in CURVES
    }
    return {
        "texts": len(task.test),
        "timed_texts": texts,
        "timed_words": words,
        "implementation": next(iter(models.values())).implementation,
        "curves": curves,
        "separate": separate,
        "verdicts": {
            row: verdicts(curve, [one for one in separate if one["row"] != row])
            for row, curve in curves.items()
        },
    }


def mean(points: list[Point]) -> Point:
    """The mean of several seeds' points, number by number; what a plain LSTM has not stays None.

    ``accuracy_spread`` is the standard deviation of the accuracy, 0 for one seed.
    """
    accuracy = [point["accuracy"] for point in points]
    deviation = float(np.std(accuracy, ddof=1)) if len(points) > 1 else 0.0
    numbers = {
        key: None if value is None else float(np.mean([point[key] for point in points]))
        for key, value in points[0].items()
    }
    # The mean of equal numbers may differ from them in its last digit.
    return {**numbers, "threshold": points[0]["threshold"], "accuracy_spread": deviation}


def _is_separate(row: str, threshold: float) -> bool:
    return row in SEPARATE and threshold == AS_TRAINED


def at_thresholds(folders: dict[str, Path]) -> Models:
    """Every row's model at every threshold it is measured at."""
    models = {}
    for row, folder in folders.items():
        model = skimrnn.load(folder)
        for threshold in THRESHOLDS if row in CURVES else (AS_TRAINED,):
            models[row, threshold] = with_threshold(model, threshold)
    return models


def with_threshold(model: skimrnn.Model, threshold: float) -> skimrnn.Model:
    """The model with a rule of its own, sharing all else.

    A call that is given a threshold takes longer than one that goes by the model's own rule; on a
    short text that would hide half of the difference.
    """
    other = copy.copy(model)
    other.rule = Rule(threshold)
    return other


def times(
    models: Models, texts: tuple[str, ...] | list[str]
) -> tuple[dict[tuple[str, float], dict[str, float]], int, int]:
    """Microseconds of every model on some of the texts, how many those are, and their words."""
    drawn = [texts[at] for at in np.random.default_rng(0).permutation(len(texts))[:TEXTS]]
    words = [len(scan(text)) for text in drawn]
    drawn = [text for text, count in zip(drawn, words, strict=True) if count]
    words = [count for count in words if count]
    contenders = [model.predict_proba for model in models.values()]
    taken = take_turns(contenders, drawn, words, ROUNDS)
    found = {}
    for name, one in zip(models, taken, strict=True):
        us = float(np.median(one.per_round()))
        found[name] = {"us_per_word": us, "us_per_text": us * sum(words) / len(drawn)}
    return found, len(drawn), sum(words)


def _point(name: tuple[str, float], model: skimrnn.Model, task: TextTask) -> Point:
    """What is counted, on all validation and test texts."""
    test = measure_model(model, task.test)
    return {
        "threshold": name[1],
        "accuracy": test["accuracy"],
        "validation_accuracy": measure_model(model, task.validation)["accuracy"],
        "skim_rate": test["skim_rate"],
        "flop_reduction": test["flop_reduction"],
    }


if __name__ == "__main__":
    main()
