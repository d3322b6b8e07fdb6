"""Checkpoints: all that a run needs to go on as if it had never stopped.

One line, ``skimrnn checkpoint VERSION SHA256``, then what ``torch.save`` wrote. The digest is of
that: torch by itself reads many a damaged file without a word, other numbers in it.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import torch

from skimrnn.files import write_atomically

VERSION = 1

_MARK = b"skimrnn checkpoint"
_OF_THE_DATA = ("data", "texts", "words")


def save_checkpoint(path: Path, key: dict[str, Any], state: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: the file.
        key: what the run is (options, data); a checkpoint is resumed by the same key only.
        state: tensors, numbers, strings, lists and dictionaries.
    """
    buffer = io.BytesIO()
    torch.save({"key": key, "state": state}, buffer)
    content = buffer.getvalue()
    line = b"%s %d %s\n" % (_MARK, VERSION, hashlib.sha256(content).hexdigest().encode())
    write_atomically(path, line + content)


def load_checkpoint(path: Path, key: dict[str, Any]) -> dict[str, Any] | None:
    """The state of a checkpoint, or None if there is none.

    Raises:
        ValueError: if it is damaged, or of a run with another key; the message says what differs.
        OSError: if it cannot be read.
    """
    if not path.exists():
        return None
    old, state = open_checkpoint(path)
    check_same(path, old, key)
    return state


def open_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The key and the state of a checkpoint.

    Raises:
        ValueError: if it is damaged.
        OSError: if it cannot be read.
    """
    remedy = remedy_for(path)
    line, _, content = path.read_bytes().partition(b"\n")
    mark, _, digest = line.rpartition(b" ")
    if mark != b"%s %d" % (_MARK, VERSION) and line.startswith(_MARK):
        version = mark.removeprefix(_MARK).decode(errors="replace").strip()
        raise ValueError(f"{path} has checkpoint version {version}, not {VERSION}; {remedy}")
    if not line.startswith(_MARK) or digest != hashlib.sha256(content).hexdigest().encode():
        raise ValueError(f"{path} is not a whole checkpoint; {remedy}")
    try:
        whole = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"{path} is of another torch than {torch.__version__} ({error}); {remedy}"
        ) from None
    return whole["key"], whole["state"]


def check_same(path: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Raise if a checkpoint's key differs from a run's.

    Raises:
        ValueError: if it does; the message says in what.
    """
    differing = _differing(old, new)
    if differing:
        raise ValueError(f"{path} is of another run ({'; '.join(differing)}); {remedy_for(path)}")


def remedy_for(path: Path) -> str:
    """What to do about a checkpoint that cannot be gone on with."""
    return f"delete {path} to start anew, or train into another folder"


def _differing(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What differs, the settings first, then what may only follow from them or from the data."""
    names = sorted(
        (name for name in {*old, *new} if old.get(name) != new.get(name)),
        key=lambda name: (name in _OF_THE_DATA, name),
    )
    said = [
        f"{name} was {old.get(name)!r} and is {new.get(name)!r}" for name in names if name != "data"
    ]
    return said + ["the texts, the labels or what a teacher says of them differ"] * (
        "data" in names
    )
