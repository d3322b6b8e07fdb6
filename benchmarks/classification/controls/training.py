"""Training a control as ``skimrnn.train.train_classifier`` trains: same data, recipe and loop."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.classification.controls.gated import CELLS
from benchmarks.classification.controls.saved import SavedControl
from skimrnn.nn.classifier import TextClassifier
from skimrnn.tasks import TextTask
from skimrnn.text import Vocabulary
from skimrnn.train import Trained, TrainingOptions
from skimrnn.train.classification import (
    Classification,
    Prepared,
    prepare,
    start_embedding,
    vectors_size,
)
from skimrnn.train.loop import Event, Trainer
from skimrnn.train.processes import Processes
from skimrnn.train.run import put_away, vectors_record, working_folder


def train(
    task: TextTask,
    cell: str,
    options: TrainingOptions,
    folder: Path,
    *,
    vectors: str | Path | None = None,
    show: Callable[[Event], None] = lambda event: None,
) -> Trained:
    """Train a control on a task and save it, with its log.

    A run that was cut off goes on from what it left in ``<folder>.training``.

    Args:
        task: the texts.
        cell: "qrnn" or "mingru".
        options: the settings; what they say of cell, levels and skimming does not matter.
        folder: where to write.
        vectors: a word-vector file; drawn at random if None.
        show: called with each step's and each evaluation's numbers.

    Returns:
        What was trained.

    Raises:
        ValueError: if there is no such control, or a checkpoint is of another run.
    """
    if cell not in CELLS:
        raise ValueError(f"a control is one of {', '.join(CELLS)}; got {cell!r}")
    prepared = prepare(task, options, vectors)
    working = working_folder(folder, Processes())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        model = build(cell, options, prepared, len(task.labels))
        objective = Classification(prepared.train, prepared.validation, options)
        key = {**prepared.key, "control": cell}
        trainer = Trainer(model, objective, options, working, key, show)
        outcome = trainer.run()
    record = {
        "options": {**options.to_dict(), "cell": cell},
        "vectors": vectors_record(prepared.vectors, vectors),
        "best": outcome.best,
        "steps": outcome.steps,
        "seconds": round(outcome.seconds, 1),
    }
    control(model, cell, task.labels, prepared.vocabulary, record).write(folder)
    put_away(trainer, folder)
    return Trained(folder, outcome, record)


def build(cell: str, options: TrainingOptions, prepared: Prepared, classes: int) -> TextClassifier:
    """A fresh control of these settings, its word vectors filled in."""
    vocabulary, vectors = prepared.vocabulary, prepared.vectors
    layer = CELLS[cell](vectors_size(options, vectors), options.hidden_size)
    model = TextClassifier(layer, len(vocabulary), classes, options.dropout)
    start_embedding(model, options, vocabulary, vectors)
    return model


def control(
    model: TextClassifier,
    cell: str,
    labels: tuple[str, ...],
    vocabulary: Vocabulary,
    record: dict[str, Any],
) -> SavedControl:
    """What there is to save of a control."""
    parameters = {name: value.detach().numpy().copy() for name, value in model.named_parameters()}
    return SavedControl(
        cell,
        labels,
        vocabulary,
        parameters["embedding.weight"],
        parameters["rnn.linear.weight"],
        parameters["rnn.linear.bias"],
        parameters["head.weight"],
        parameters["head.bias"],
        json.loads(json.dumps(record)),
    )
