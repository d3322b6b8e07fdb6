"""Make the runs of the classification table: every row of every task, seed by seed.

    python -m benchmarks.classification [--task NAME ...] [--row NAME ...] [--seed N ...]

Each finished run is one JSON file under ``results/classification``; a run whose file is there is
not made again, and one that was cut off goes on from its checkpoint. ``rows.py`` says what the rows
are; the test texts are read once, after training. ``report.py`` makes the tables.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

import skimrnn
from benchmarks import machine
from benchmarks.classification import controls, given, linear, taught
from benchmarks.classification.measured import Measured, measured
from benchmarks.classification.rows import (
    FOLDS,
    LEARNED,
    PLAIN,
    ROWS,
    SEEDS,
    SOURCES,
    TASKS,
    TEACHERS,
    TENTHS,
    VECTORS_FROM,
    WORDS_LEFT,
    Row,
    seeds_of,
    settings_of,
)
from benchmarks.classification.vectors import glove
from benchmarks.classification.vectors import write as write_vectors
from skimrnn import cost
from skimrnn.files import sha256, write_atomically
from skimrnn.reading import skim_rate
from skimrnn.tasks import Examples, TextTask, load_task
from skimrnn.tasks.base import make_task
from skimrnn.tasks.splits import permutation
from skimrnn.text import scan
from skimrnn.train.given import GivenLevels
from skimrnn.train.teachers import load_teachers, say

RESULTS = machine.RESULTS / "classification"
RUNS = Path("runs") / "classification"

T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """One row of one task with one seed."""

    task: str
    name: str
    seed: int

    @property
    def stem(self) -> str:
        """The stem of the run's files."""
        return f"{self.task}-{self.name}-seed{self.seed}"

    @property
    def result(self) -> Path:
        """Where the run's numbers go."""
        return RESULTS / f"{self.stem}.json"

    @property
    def folder(self) -> Path:
        """Where its model goes."""
        return RUNS / self.stem

    @property
    def row(self) -> Row:
        """What it is a run of."""
        return ROWS[self.name]


class Made(NamedTuple):
    """A finished model: what goes into the record, and what measures it on texts."""

    record: dict[str, Any]
    measure: Callable[[Examples], Measured]


def make(run: Run, data_dir: str | None) -> Path:
    """Train, evaluate and write one run's numbers."""
    task = task_of(run, data_dir)
    made = _linear(run, task, data_dir) if run.row.linear else _recurrent(run, task, data_dir)
    validation, test = made.measure(task.validation), made.measure(task.test)
    log = run.folder / "log.jsonl"
    _log_test(log, test)
    result = {
        "task": run.task,
        "row": run.name,
        "seed": run.seed,
        "data": task.record,
        **made.record,
        "log_sha256": sha256(log),
        "validation": validation,
        "test": test,
        **machine.provenance("python -m benchmarks.classification"),
    }
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    write_atomically(run.result, text.encode())
    return run.result


def _log_test(log: Path, test: Measured) -> None:
    """Say at the end of a run's log that the test texts were read."""
    evaluations = log.read_bytes() if log.exists() else b""
    event = {"event": "test", "texts": test["texts"], "accuracy": test["accuracy"]}
    write_atomically(log, evaluations + (json.dumps(event) + "\n").encode())


def _linear(run: Run, task: TextTask, data_dir: str | None) -> Made:
    assert run.row.linear is not None
    if run.row.has_sentences:
        more = taught.read(sentences_of(run, task, data_dir))
        every = [task.train, Examples(more.texts, more.p.argmax(axis=1))]
        task = replace(task, train=Examples.join(every))
    vectors = vectors_of(run.task, run.row, data_dir)
    model = linear.fit(run.row.linear, task, vectors)
    model.write(run.folder / "model.pickle")
    record = {"options": {"strength": model.strength}, "vectors": {"source": Path(vectors).name}}
    return Made(record, lambda examples: linear.measure(model, examples))


def _recurrent(run: Run, task: TextTask, data_dir: str | None) -> Made:
    import torch

    from benchmarks.classification.controls.training import train as train_control
    from skimrnn.train import TrainingOptions, train_classifier

    torch.set_num_threads(1)
    row, folder = run.row, run.folder
    options = TrainingOptions(**settings_of(run.task, run.name, run.seed))
    vectors = vectors_of(run.task, row, data_dir)
    if row.control:
        trained = train_control(task, row.control, options, folder, vectors=vectors)
        control = controls.load(folder)
        measure = lambda examples: controls.measure(control, examples)  # noqa: E731
    else:
        levels = given_levels(run.task, row, task)
        base, start = (
            model_of(replace(run, name=name), task, data_dir) if name else None
            for name in (row.base, row.start)
        )
        texts, teacher = said_of(run, task, data_dir) if row.has_teacher else ([], None)
        trained = train_classifier(
            task,
            options,
            folder,
            vectors=None if base or start else vectors,
            teacher=teacher,
            unlabelled=texts,
            given_levels=levels,
            base=base,
            start=start,
        )
        model = skimrnn.load(folder)
        measure = lambda examples: measure_model(model, examples, levels)  # noqa: E731
    record = {
        "options": trained.record["options"],
        "vectors": trained.record["vectors"],
        "given_levels": trained.record.get("given_levels"),
        "teacher": teacher_of(run) if row.has_teacher else None,
        "sentences_sha256": (
            sha256(sentences_of(run, task, data_dir)) if row.has_sentences else None
        ),
        "unlabelled": trained.record.get("unlabelled"),
        "base": trained.record.get("base"),
        "start": trained.record.get("start"),
        "best": trained.outcome.best,
        "steps": trained.outcome.steps,
        "seconds": trained.record["seconds"],
    }
    return Made(record, measure)


def model_of(run: Run, task: TextTask, data_dir: str | None) -> Path:
    """The folder of another run that one needs, trained if it is not on this machine."""
    if not (run.folder / "training.json").exists():
        _recurrent(run, task, data_dir)
    return run.folder


def said_of(
    run: Run, task: TextTask, data_dir: str | None
) -> tuple[list[str], NDArray[np.float32]]:
    """Sentences of reviews, and what the run learns of the training texts and of them, (N + M, C).

    A converted run learns what its plain LSTM says of them all; a taught one the training texts'
    labels, and of sentences what their file says.
    """
    texts, p = [], np.zeros((0, len(task.labels)), np.float32)
    if run.row.has_sentences:
        texts, p = taught.read(sentences_of(run, task, data_dir))
    if run.row.recipe == "converted":
        plain = load_teachers([model_of(converted_from(run), task, data_dir)], task.labels)
        return texts, say(plain, task.labels, [*task.train.texts, *texts])
    labels = np.eye(len(task.labels), dtype=np.float32)[task.train.targets]
    return texts, np.concatenate([labels, p])


def converted_from(run: Run) -> Run:
    """The run of the plain LSTM that a converted one is taught by."""
    return replace(run, name=PLAIN["converted"])


def teachers_of(run: Run) -> list[Run]:
    """The runs whose models say what a taught one learns of sentences."""
    return [Run(run.task, run.row.teacher, seed) for seed in TEACHERS]


def teacher_of(run: Run) -> str:
    """What the run's teacher is, in words."""
    return converted_from(run).stem if run.row.recipe == "converted" else hinting(run)


def hinting(run: Run) -> str:
    """What says what of the sentences in the file of a run's task, in words."""
    names = ", ".join(one.stem for one in teachers_of(run))
    return f"the mean of {names}; log-odds ± {taught.REVIEW_LOG_ODDS} by the review's label"


def sentences_of(run: Run, task: TextTask, data_dir: str | None) -> Path:
    """The file of the sentences that a run learns from as well, made if it is not there.

    Its name tells what says what of them, so that another teacher has another file.
    """
    said = f"{hinting(run)}; {taught.SENTENCES} of {taught.SHORTEST} to {taught.LONGEST} words"
    digest = hashlib.sha256(said.encode()).hexdigest()[:8]
    path = taught.FOLDER / f"{run.task}-{digest}.jsonl"
    if not path.exists():
        folders = [model_of(one, task, data_dir) for one in teachers_of(run)]
        taught.write(task, load_task(taught.REVIEWS, data_dir=data_dir), folders, path)
    return path


# ---- what a row is made of ----------------------------------------------------------------------


def task_of(run: Run, data_dir: str | None) -> TextTask:
    """A run's texts: its fold of them if there are folds, cut if the row cuts them."""
    source, phrases = SOURCES.get(run.task, run.task), run.task == "sst-phrases"
    task = load_task(source, data_dir=data_dir, phrases=phrases)
    if run.task == FOLDS:
        task = fold(task, run.seed % TENTHS)
    if (which := run.row.cut) is None:
        return task
    left = WORDS_LEFT[run.task]
    parts = {
        split: Examples([cut(text, which, left) for text in one.texts], one.targets)
        for split, one in task.splits().items()
    }
    return replace(task, **parts, record={**task.record, "cut": f"{which} {left} words"})


def fold(task: TextTask, number: int, folds: int = TENTHS) -> TextTask:
    """All texts split anew: one of equal parts to test on, as many of the others to validate on."""
    every = Examples.join(list(task.splits().values()))
    parts = np.array_split(permutation(len(every), 0), folds)
    tested = parts.pop(number)
    rest = np.concatenate(parts)
    rest = rest[permutation(len(rest), number)]
    splits = {
        "train": every.take(np.sort(rest[len(tested) :])),
        "validation": every.take(np.sort(rest[: len(tested)])),
        "test": every.take(np.sort(tested)),
    }
    record = {name: task.record[name] for name in ("source", "files") if name in task.record}
    said = f"fold {number + 1} of {folds}; validation texts are drawn from the others"
    return make_task(task.name, task.labels, splits, {**record, "fold": number, "split": said})


def cut(text: str, which: str, words: int) -> str:
    """The "first" or the "last" words of a text, so many of them."""
    found = scan(text)
    if len(found.words) <= words:
        return text
    return text[: found.ends[words - 1]] if which == "first" else text[found.starts[-words] :]


def vectors_of(task: str, row: Row, data_dir: str | None) -> str | Path:
    """The word vectors that the row's recipe has."""
    return write_vectors(VECTORS_FROM[task], data_dir) if row.tuned else glove(data_dir)


def given_levels(name: str, row: Row, task: TextTask) -> GivenLevels | None:
    """The rule that gives the row's levels, at the learned row's rate; None if they are learnt."""
    if row.given is None:
        return None
    texts = (scan(text).words for text in task.train.texts)
    return given.make(row.given, learned_rate(name, row.follows), texts)


def learned_rate(task: str, row: str = LEARNED) -> float:
    """The share of validation words that a learned row skims, mean of its first three seeds.

    Raises:
        FileNotFoundError: if one of these runs is not there.
    """
    results = [Run(task, row, seed).result for seed in SEEDS[task][:3]]
    missing = [path.name for path in results if not path.exists()]
    if missing:
        raise FileNotFoundError(
            f"levels are given at the rate of {row}, and {', '.join(missing)} is not there; "
            f"make it first: python -m benchmarks.classification --task {task} --row {row}"
        )
    rates = [json.loads(path.read_text())["validation"]["skim_rate"] for path in results]
    return round(float(np.mean(rates)), 3)


# ---- measuring ----------------------------------------------------------------------------------


def measure_model(
    model: skimrnn.Model, examples: Examples, levels: GivenLevels | None = None
) -> Measured:
    """Accuracy and operations of a model on texts, read without torch."""
    places = None
    if levels is not None:
        rows = [model.vocabulary.rows(scan(text).words) for text in examples.texts]
        places = [levels(row, model.vocabulary, (0, text)) for text, row in enumerate(rows)]
    readings = model.read(examples.texts, levels=places)
    targets = [model.labels[target] for target in examples.targets]
    correct = np.array([r.label == t for r, t in zip(readings, targets, strict=True)])
    taken = [reading.level for reading in readings]
    counted = cost.count(model.config, taken)
    return measured(
        correct,
        sum(len(reading) for reading in readings),
        skim_rate=skim_rate(taken) if model.config.skims else None,
        flop_reduction=counted.flop_reduction,
        flop_reduction_per_text=counted.flop_reduction_per_text,
        recurrent_reduction=counted.recurrent_reduction,
    )


def wanted(tasks: list[str], names: list[str] | None, seeds: list[int] | None) -> list[Run]:
    """The runs asked for, of those that the tasks have, seed by seed."""
    runs = [
        Run(task, name, seed)
        for task in tasks
        for name in names or ROWS
        for seed in seeds_of(task, name)
        if seeds is None or seed in seeds
    ]
    return sorted(runs, key=lambda run: run.seed)


def side_by_side(
    make: Callable[[T, str | None], Path], runs: Sequence[T], data_dir: str | None, workers: int
) -> None:
    """Make runs in so many processes, and print each one's file when it is there."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn, _end_with_parent) as pool:
        jobs = [pool.submit(make, run, data_dir) for run in runs]
        for job in as_completed(jobs):
            print(job.result(), flush=True)


def _end_with_parent() -> None:
    """A worker whose parent was killed ends too; its checkpoint is there to go on from."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Make every run that has no result yet."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.classification",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    names: dict[str, Any] = {"nargs": "*", "metavar": "NAME"}
    said = f"all if left out: {', '.join(TASKS)}"
    parser.add_argument("--task", **names, choices=TASKS, default=list(TASKS), help=said)
    said = "all if left out; rows.py lists them"
    parser.add_argument("--row", **names, choices=tuple(ROWS), help=said)
    parser.add_argument("--seed", nargs="*", type=int, help="all of a task's if left out")
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    parser.add_argument("--workers", type=int, default=2, help="runs made side by side")
    arguments = parser.parse_args()
    data_dir = arguments.data_dir
    runs = wanted(arguments.task, arguments.row, arguments.seed)
    waiting = [run for run in runs if not run.result.exists()]
    print(f"{len(runs) - len(waiting)} of {len(runs)} runs are there already", flush=True)
    for task in {run.task for run in waiting if run.row.tuned}:  # before runs want them at once
        write_vectors(VECTORS_FROM[task], data_dir)
    taught_by = {(run.task, run.row.teacher): run for run in waiting if run.row.has_sentences}
    for run in taught_by.values():
        sentences_of(run, task_of(run, data_dir), data_dir)
    earlier = [(run, run.row.base or run.row.start) for run in waiting]
    needed = {replace(run, name=name) for run, name in earlier if name}
    needed |= {converted_from(run) for run in waiting if run.row.recipe == "converted"}
    for run in needed:
        model_of(run, task_of(run, data_dir), data_dir)
    # A run that follows another's rate comes after it.
    for part in ([r for r in waiting if not r.row.given], [r for r in waiting if r.row.given]):
        side_by_side(make, part, data_dir, arguments.workers)


if __name__ == "__main__":
    main()
