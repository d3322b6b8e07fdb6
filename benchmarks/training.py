"""Time training: what docs/training.md shows.

    python -m benchmarks.training [--data-dir DIR] [--gpu]

Writes ``results/training.json``; about a quarter of an hour, most of it the epoch as it was before
there were kernels for training. With ``--gpu``, on a machine that has one, it times an LSTM there
and nothing else, and writes ``results/training-gpu.json``. ``python -m benchmarks.training_report``
makes the page of both.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import provenance
from skimrnn.bench import training
from skimrnn.extension import ENVIRONMENT_VARIABLE
from skimrnn.files import write_atomically
from skimrnn.tasks import TextTask, find_word_vectors, load_task
from skimrnn.train import TrainingOptions, set_threads, train_classifier

RESULT = Path(__file__).parent / "results" / "training.json"
GPU_RESULT = RESULT.with_name("training-gpu.json")
EPOCHS = {
    "plain": ((100,), None),
    "native": ((100, 5), None),
    "eager": ((100, 5), "numpy"),
}
"""Levels, and the implementation to name in the environment, of each timed epoch."""


def main() -> None:
    """Measure, then write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    parser.add_argument("--gpu", action="store_true", help="time this machine's GPU alone")
    arguments = parser.parse_args()
    if arguments.gpu:
        _write(GPU_RESULT, {"rows": _gpu_rows()}, "python -m benchmarks.training --gpu")
        return
    data_dir = arguments.data_dir
    rows = [row.to_dict() for row in training.bench(all_paths=True, show=print)]
    set_threads(1)
    task = load_task("imdb", data_dir=data_dir)
    vectors = find_word_vectors(data_dir, 50)
    epochs = [_epoch(name, task, vectors) for name in EPOCHS]
    _write(RESULT, {"rows": rows, "epochs": epochs}, "python -m benchmarks.training")


def _write(path: Path, result: dict[str, Any], command: str) -> None:
    whole = {**result, **provenance(command)}
    write_atomically(path, (json.dumps(whole, indent=1) + "\n").encode())


def _gpu_rows() -> list[dict[str, Any]]:
    """An LSTM at every size, if there is a GPU."""
    shapes = [shape for shape in training.shapes() if shape.cell == "lstm"]
    rows = training.bench_gpu(shapes, show=print)
    if any(row.missing for row in rows):
        raise SystemExit("torch finds no GPU here; run it on a machine that has one")
    return [row.to_dict() for row in rows]


def _epoch(name: str, task: TextTask, vectors: str | Path | None) -> dict[str, Any]:
    """One pass over IMDb's training reviews, from the first step's end to the last's."""
    levels, implementation = EPOCHS[name]
    options = TrainingOptions(hidden_size=100, levels=levels, epochs=1, dropout=0.5)
    ends, words = [], []

    def note(event: dict[str, Any]) -> None:
        if event["event"] == "step":
            ends.append(time.perf_counter())
            words.append(event["tokens"])

    print(f"an epoch of IMDb: {name}")
    if implementation is not None:
        os.environ[ENVIRONMENT_VARIABLE] = implementation
    with tempfile.TemporaryDirectory() as folder:
        train_classifier(task, options, Path(folder, "model"), vectors=vectors, show=note)
    os.environ.pop(ENVIRONMENT_VARIABLE, None)
    seconds = (ends[-1] - ends[0]) * len(ends) / (len(ends) - 1)
    return {"path": name, "seconds": seconds, "steps": len(ends), "words": sum(words)}


if __name__ == "__main__":
    main()
