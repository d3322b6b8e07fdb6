"""Make the runs of the SQuAD table, row by row.

    python -m benchmarks.questions [--row NAME ...] [--seed N ...] [--device cuda] [--train-only]

Each finished run is one JSON file under ``results/questions``; a run whose file is there is not
made again, and one that was cut off goes on from its checkpoint. The plain run keeps that of its
step 5,000: runs that skim or learn from a teacher after so many plain steps begin there if it is
still on this machine, and make those steps themselves if not; a teacher that is not there is
trained first. The published dev set is the test: it is read once, after
training, without torch; what is kept is chosen on articles held out of train.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import skimrnn
from benchmarks import machine
from benchmarks.classification.vectors import glove
from benchmarks.questions.measured import RUNS, folder_of, measure
from benchmarks.questions.rows import KEPT, PLAIN_STEPS, ROWS, settings_of
from skimrnn.files import sha256, write_atomically
from skimrnn.tasks import QuestionTask, load_questions

COMMAND = "python -m benchmarks.questions"
RESULTS = machine.RESULTS / "questions"


def train(
    task: QuestionTask, name: str, seed: int, data_dir: str | None, device: str = "cpu"
) -> Path:
    """The row's model folder, made if it is not there, its teacher's before."""
    import torch

    from skimrnn.train import AnswererOptions, TrainingOptions, train_answerer

    torch.set_num_threads(1)
    row, folder, plain = ROWS[name], folder_of(name, seed), plain_start(name, seed)
    options = TrainingOptions(**settings_of(name, seed))
    if not (folder / "training.json").exists():
        teacher = row.teacher and train(task, row.teacher, seed, data_dir, device)
        train_answerer(
            task,
            options,
            folder,
            made_of=AnswererOptions(model=row.model),
            vectors=glove(data_dir),
            command=COMMAND,
            device=device,
            show=_show,
            keep=(PLAIN_STEPS, plain) if name in KEPT else None,
            start=plain if row.begins_plain and plain.exists() else None,
            teacher=teacher or None,
        )
    return folder


def plain_start(name: str, seed: int) -> Path:
    """Where a row's plain row keeps its checkpoint of step 5,000."""
    return RUNS / f"squad-{ROWS[name].plain}-seed{seed}-plain-{PLAIN_STEPS}.pt"


def make(
    task: QuestionTask, name: str, seed: int, data_dir: str | None, device: str = "cpu"
) -> Path:
    """Train, answer the test's questions and write one run's numbers."""
    from skimrnn.train import TrainingOptions

    folder = train(task, name, seed, data_dir, device)
    options = TrainingOptions(**settings_of(name, seed))
    # Read back, so that a run that was cut off before it was measured is only measured.
    record = json.loads((folder / "training.json").read_text())
    if record["options"] != options.to_dict():
        raise ValueError(f"{folder} is of other settings; remove it to train anew")
    history = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    result = {
        "task": task.name,
        "row": name,
        "seed": seed,
        "data": task.record,
        "model": ROWS[name].model,
        "options": record["options"],
        "shares_plain_steps": record.get("start") is not None,
        "teacher": record.get("teacher"),
        "questions": record["questions"],
        "vectors": record["vectors"],
        "best": record["best"],
        "history": history,
        "seconds": record["seconds"],
        "device": record["device"],
        "log_sha256": sha256(folder / "log.jsonl"),
        "test": measure(skimrnn.load_answerer(folder), task.test),
        **machine.provenance(COMMAND),
    }
    path = RESULTS / f"squad-{name}-seed{seed}.json"
    write_atomically(path, (json.dumps(result) + "\n").encode())
    return path


def _show(event: dict[str, Any]) -> None:
    if event["event"] == "evaluation":
        print(json.dumps(event), flush=True)


def main() -> None:
    """Make every run that has no result yet."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.questions",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    said = f"all if left out: {', '.join(ROWS)}"
    parser.add_argument("--row", nargs="*", choices=tuple(ROWS), default=list(ROWS), help=said)
    parser.add_argument("--seed", nargs="*", type=int, default=[0])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="to train on")
    said = "leave the model; it is measured when the row is made again without this"
    parser.add_argument("--train-only", action="store_true", help=said)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    task = load_questions("squad", data_dir=arguments.data_dir)
    do = train if arguments.train_only else make
    for seed in arguments.seed:
        for name in arguments.row:
            if not (RESULTS / f"squad-{name}-seed{seed}.json").exists():
                print(do(task, name, seed, arguments.data_dir, arguments.device), flush=True)


if __name__ == "__main__":
    main()
