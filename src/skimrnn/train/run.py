"""What a training run has in common whatever it trains: its folders, its record, its end."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from skimrnn.files import clear_up, write_atomically
from skimrnn.text import WordVectors
from skimrnn.train.loop import Outcome, Trainer, as_lines
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
    record = {
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
    return {key: _encodable(value) for key, value in record.items()}


def _encodable(value: Any) -> Any:
    """A value without bytes of file names that are not UTF-8, which no file of ours can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(one) for key, one in value.items()}
    return [_encodable(one) for one in value] if isinstance(value, list | tuple) else value


def vectors_record(vectors: WordVectors | None, source: str | Path | None) -> dict[str, Any] | None:
    """Where the word vectors are from, and how many words they have."""
    if vectors is None:
        return None
    return {"source": Path(str(source)).name, "words_found": len(vectors)}


def put_away(trainer: Trainer[Any], folder: Path) -> None:
    """Write the log of a run that was saved into its model folder; the checkpoint is not needed."""
    write_atomically(folder / "log.jsonl", as_lines(trainer.history))
    for done in (trainer.checkpoint, trainer.log):
        done.unlink(missing_ok=True)  # a run may have been cut off between the two
    with contextlib.suppress(OSError):  # should there be files of somebody else's
        trainer.log.parent.rmdir()
