"""Checkpoints: all that a run needs to go on as if it had never stopped."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from skimrnn.files import write_atomically

VERSION = 1


def save_checkpoint(path: Path, key: dict[str, Any], state: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: the file.
        key: what the run is (options, data); a checkpoint is resumed by the same key only.
        state: tensors, numbers, strings, lists and dictionaries.
    """
    buffer = io.BytesIO()
    torch.save({"version": VERSION, "key": key, "state": state}, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path, key: dict[str, Any]) -> dict[str, Any] | None:
    """The state of a checkpoint, or None if there is none.

    Raises:
        ValueError: if it is damaged, or of a run with another key; the message says what differs.
    """
    if not path.exists():
        return None
    remedy = f"delete {path} to start anew, or train into another folder"
    try:
        content = torch.load(path, weights_only=True)
        version, old, state = content["version"], content["key"], content["state"]
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError):
        raise ValueError(f"{path} is not a whole checkpoint; {remedy}") from None
    if version != VERSION:
        raise ValueError(f"{path} has checkpoint version {version}, not {VERSION}; {remedy}")
    differing = sorted(
        f"{name} was {old.get(name)!r} and is {key.get(name)!r}"
        for name in {*old, *key}
        if old.get(name) != key.get(name)
    )
    if differing:
        raise ValueError(f"{path} is of another run ({'; '.join(differing)}); {remedy}")
    assert isinstance(state, dict)
    return state
