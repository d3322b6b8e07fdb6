"""Try the same number of settings for each family, and judge them on validation texts alone.

    python -m benchmarks.classification.search [--task NAME ...] [--row NAME ...] [--seed N ...]

``trials.py`` says what is tried. Each finished run is one JSON file under ``results/search``; a run
whose file is there is not made again, and one that was cut off goes on from its checkpoint. No
test text is read: the task that a run is given has its validation texts in their place.
``rows.SEARCHED`` has what was found best, and those rows are then made like all others, by
``benchmarks.classification``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.classification.rows import ROWS, SEARCHED, VECTORS_FROM, settings_of
from benchmarks.classification.runs import RUNS, Run, side_by_side, task_of, vectors_of
from benchmarks.classification.trials import RECIPE, SEEDS, TRIALS
from benchmarks.classification.vectors import write as write_vectors
from skimrnn.files import sha256, write_atomically

RESULTS = machine.RESULTS / "search"


@dataclass(frozen=True)
class Tried:
    """One trial of one family's row on one task with one seed."""

    task: str
    row: str
    trial: str
    seed: int

    @property
    def stem(self) -> str:
        """The stem of its files."""
        return f"{self.task}-{self.row}-{self.trial}-seed{self.seed}"

    @property
    def result(self) -> Path:
        """Where its numbers go; of the recipe they are those of the row itself."""
        if self.trial == RECIPE:
            return Run(self.task, self.row, self.seed).result
        return RESULTS / f"{self.stem}.json"

    @property
    def accuracy(self) -> float | None:
        """The best accuracy on validation texts, in [0, 1]; None if it was not made."""
        if not self.result.exists():
            return None
        return float(json.loads(self.result.read_text())["best"]["accuracy"])


def make(tried: Tried, data_dir: str | None) -> Path:
    """Train and write one trial's numbers."""
    import torch

    from benchmarks.classification.controls.training import train as train_control
    from skimrnn.train import TrainingOptions, train_classifier

    torch.set_num_threads(1)
    row, run = ROWS[tried.row], Run(tried.task, tried.row, tried.seed)
    task = task_of(run, data_dir)
    task = replace(task, test=task.validation)
    settings = settings_of(tried.task, tried.row, tried.seed)
    options = TrainingOptions(**TRIALS[tried.trial].of(settings))
    folder = RUNS.with_name("search") / tried.stem
    given: dict[str, Any] = {"vectors": vectors_of(tried.task, row, data_dir)}
    if row.control:
        trained = train_control(task, row.control, options, folder, **given)
    else:
        trained = train_classifier(task, options, folder, **given)
    result = {
        "task": tried.task,
        "row": tried.row,
        "trial": tried.trial,
        "seed": tried.seed,
        "data": task.record,
        "options": trained.record["options"],
        "vectors": trained.record["vectors"],
        "best": trained.outcome.best,
        "steps": trained.outcome.steps,
        "seconds": trained.record["seconds"],
        "log_sha256": sha256(folder / "log.jsonl"),
        **machine.provenance("python -m benchmarks.classification.search"),
    }
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    write_atomically(tried.result, text.encode())
    return tried.result


def trials(
    tasks: list[str], rows: list[str], seeds: list[int] | None = None, names: Any = TRIALS
) -> list[Tried]:
    """The trials of these tasks and rows, seed by seed."""
    every = [
        Tried(task, row, name, seed)
        for task in tasks
        for row in rows
        for name in names
        for seed in SEEDS[task]
        if seeds is None or seed in seeds
    ]
    return sorted(every, key=lambda tried: tried.seed)


def accuracies(task: str, row: str) -> dict[str, float]:
    """The mean validation accuracy of the recipe and of each trial that has all of its seeds."""
    found = {}
    for name in (RECIPE, *TRIALS):
        each = [Tried(task, row, name, seed).accuracy for seed in SEEDS[task]]
        whole = [accuracy for accuracy in each if accuracy is not None]
        if len(whole) == len(each):
            found[name] = float(np.mean(whole))
    return found


def best(task: str, row: str) -> str | None:
    """The trial of the best accuracy, the recipe first among equals; None if one is missing."""
    found = accuracies(task, row)
    return max(found, key=lambda name: found[name]) if len(found) == 1 + len(TRIALS) else None


def main() -> None:
    """Make every trial that has no result yet."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.classification.search",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    names: dict[str, Any] = {"nargs": "*", "metavar": "NAME"}
    said = "all if left out: "
    parser.add_argument(
        "--task", **names, choices=tuple(SEEDS), default=list(SEEDS), help=said + ", ".join(SEEDS)
    )
    parser.add_argument(
        "--row",
        **names,
        choices=tuple(SEARCHED),
        default=list(SEARCHED),
        help=said + ", ".join(SEARCHED),
    )
    parser.add_argument(
        "--trial",
        **names,
        choices=tuple(TRIALS),
        default=list(TRIALS),
        help=said + ", ".join(TRIALS),
    )
    parser.add_argument("--seed", nargs="*", type=int, help="all of a task's if left out")
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    parser.add_argument("--workers", type=int, default=2, help="runs made side by side")
    given = parser.parse_args()
    asked = trials(given.task, given.row, given.seed, given.trial)
    waiting = [tried for tried in asked if not tried.result.exists()]
    print(f"{len(asked) - len(waiting)} of {len(asked)} trials are there already", flush=True)
    for task in {tried.task for tried in waiting}:  # before runs want them at once
        write_vectors(VECTORS_FROM[task], given.data_dir)
    side_by_side(make, waiting, given.data_dir, given.workers)


if __name__ == "__main__":
    main()
