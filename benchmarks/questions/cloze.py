"""The attention-sum reader on cloze questions of the Children's Book Test.

    python -m benchmarks.questions.cloze [--kind named] [--row NAME ...] [--seed N ...]

Each finished run is one JSON file under ``results/questions``; a run whose file is there is not
made again, and one that was cut off goes on from its checkpoint. Without the official question
files the questions are made of the raw books, and every figure says so: ``official`` is false.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.classification.vectors import glove
from skimrnn.files import write_atomically
from skimrnn.tasks import DataError, cloze, find_data_dir

RESULTS = machine.RESULTS / "questions"
RUNS = Path("runs") / "questions"

SHARED: dict[str, Any] = {
    "hidden_size": 100,
    "batch_size": 32,
    "epochs": 8,
    "patience": 6,
    "evaluations_per_epoch": 2,
    "learning_rate": 2e-3,
    "dropout": 0.3,
    "averaging": 0.99,
    "skim_ramp_steps": 200,
}
ROWS: dict[str, dict[str, Any]] = {
    "attention-sum": {"levels": (100,)},
    "anonymous": {"levels": (100,), "epochs": 16},
    "anonymous-skim-20-0.05": {"levels": (100, 20), "skim_weight": 0.05, "epochs": 16},
    "anonymous-skip-0.05": {"levels": (100, 0), "skim_weight": 0.05, "epochs": 16},
}
"""``TrainingOptions`` of each row; in the anonymous ones slots stand for named candidates."""


def make(task: cloze.ClozeTask, name: str, seed: int, data_dir: str | None) -> Path:
    """Train, answer the test's questions and write one run's numbers."""
    import torch

    from skimrnn.train import TrainingOptions
    from skimrnn.train.cloze import encode_cloze, measure_cloze, train_cloze

    torch.set_num_threads(1)
    options = TrainingOptions(**{**SHARED, **ROWS[name], "seed": seed})
    folder = RUNS / f"{task.name}-{name}-seed{seed}"
    anonymous = name.startswith("anonymous")
    model, vocabulary, outcome = train_cloze(
        task, options, folder, vectors=glove(data_dir), anonymous=anonymous
    )
    result = {
        "task": task.name,
        "official": task.record["official"],
        "row": name,
        "seed": seed,
        "data": task.record,
        "options": options.to_dict(),
        "best": outcome.best,
        "history": outcome.history,
        "seconds": round(outcome.seconds, 1),
        "test": measure_cloze(model, encode_cloze(task.test, vocabulary), anonymous),
        "most_frequent_candidate": frequent(task.test),
        **machine.provenance("python -m benchmarks.questions.cloze"),
    }
    path = RESULTS / f"{task.name}-{name}-seed{seed}.json"
    write_atomically(path, (json.dumps(result, indent=1) + "\n").encode())
    return path


def frequent(questions: tuple[cloze.ClozeQuestion, ...]) -> dict[str, float]:
    """What guesses get right that no net is needed for.

    The candidate that occurs most often in the context, of all and of those with a capital.
    """
    right = {"all": 0, "capitalised": 0}
    for one in questions:
        counts = Counter(" ".join(one.context).split())
        names = [word for word in one.candidates if word[0].isupper()] or list(one.candidates)
        for kind, words in (("all", one.candidates), ("capitalised", names)):
            guess = max(words, key=lambda word: counts[word])
            right[kind] += guess == one.candidates[one.answer]
    return {kind: count / len(questions) for kind, count in right.items()}


def main() -> None:
    """Make every run that has no result yet."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.questions.cloze",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--kind", choices=tuple(cloze.KINDS), default="named")
    said = f"all if left out: {', '.join(ROWS)}"
    parser.add_argument("--row", nargs="*", choices=tuple(ROWS), default=list(ROWS), help=said)
    parser.add_argument("--seed", nargs="*", type=int, default=[0])
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    folder, looked_in = find_data_dir(arguments.data_dir)
    task = None if folder is None else cloze.load(folder, kind=arguments.kind)
    if task is None:
        raise DataError(f"there is no Children's Book Test ({looked_in}); put {cloze.EXPECTED}")
    for seed in arguments.seed:
        for name in arguments.row:
            if not (RESULTS / f"{task.name}-{name}-seed{seed}.json").exists():
                print(make(task, name, seed, arguments.data_dir), flush=True)


if __name__ == "__main__":
    main()
