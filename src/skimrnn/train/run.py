"""What a training run has in common whatever it trains: its folders, its record, its end."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from skimrnn.files import clear_up
from skimrnn.text import WordVectors
from skimrnn.train.loop import Outcome, Trainer
from skimrnn.train.options import TrainingOptions
from skimrnn.train.processes import Processes


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Attributes:
        folder: the model folder.
        outcome: how training went.
        record: what the folder's training.json holds.
    """

    folder: Path
    outcome: Outcome
    record: dict[str, Any]


def beside(folder: Path) -> Path:
    """Where checkpoint and log of a run go: beside its model folder."""
    return folder.parent / f"{folder.name}.training"


def working_folder(folder: Path, together: Processes) -> Path:
    """The same, made and cleared up."""
    working = beside(folder)
    if together.first:
        working.mkdir(parents=True, exist_ok=True)
        for path in (folder, working / "checkpoint.pt", working / "log.jsonl"):
            clear_up(path)
    return working


def run_record(
    command: str | None,
    options: TrainingOptions,
    task: dict[str, Any],
    outcome: Outcome,
    together: Processes,
    device: str = "cpu",
    **own: Any,
) -> dict[str, Any]:
    """What training.json says of a run; ``own`` is what its kind has to add."""
    return {
        "command": command,
        "options": options.to_dict(),
        "task": task,
        **own,
        "best": outcome.best,
        "steps": outcome.steps,
        "stopped_early": outcome.stopped_early,
        "seconds": round(outcome.seconds, 1),
        "processes": together.count,
        "device": "cpu" if device == "cpu" else torch.cuda.get_device_name(),
        "torch": torch.__version__,
    }


def vectors_record(vectors: WordVectors | None, source: str | Path | None) -> dict[str, Any] | None:
    """Where the word vectors are from, and how many words they have."""
    if vectors is None:
        return None
    return {"source": Path(str(source)).name, "words_found": len(vectors)}


def put_away(trainer: Trainer[Any], folder: Path) -> None:
    """Move the log of a run that was saved into its model folder; the checkpoint is not needed."""
    shutil.copyfile(trainer.log, folder / "log.jsonl")
    for done in (trainer.checkpoint, trainer.log):
        done.unlink()
    with contextlib.suppress(OSError):  # should there be files of somebody else's
        trainer.log.parent.rmdir()
