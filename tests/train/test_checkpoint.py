"""Checkpoints come back whole, and are refused when damaged, foreign or of another run."""

import errno
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from skimrnn.train.checkpoint import load_checkpoint, save_checkpoint

KEY = {"task": "moods", "seed": 1, "levels": [12, 3]}


def state() -> dict[str, Any]:
    torch.manual_seed(0)
    layer = torch.nn.LSTM(3, 4)
    optimiser = torch.optim.AdamW(layer.parameters())
    layer(torch.randn(5, 2, 3))[0].sum().backward()
    optimiser.step()
    return {
        "step": 7,
        "best": {"score": 0.5, "skim_rate": None},
        "history": [{"a": [1.5, "é"]}],
        "model": layer.state_dict(),
        "optimiser": optimiser.state_dict(),
    }


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, torch.Tensor):
        return ours.dtype == theirs.dtype and torch.equal(ours, theirs)
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return bool(ours == theirs)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "run" / "checkpoint.pt", KEY, state())
    return tmp_path / "run" / "checkpoint.pt"


def test_round_trip(path: Path) -> None:
    found = load_checkpoint(path, KEY)
    assert same(found, state())
    assert not same(found, {**state(), "step": 8})
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


def test_none_there(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "checkpoint.pt", KEY) is None


def test_another_run_says_what_differs(path: Path) -> None:
    with pytest.raises(ValueError, match="is of another run") as caught:
        load_checkpoint(path, {"task": "moods", "seed": 2, "dtype": "float16"})
    assert str(caught.value) == (
        f"{path} is of another run (dtype was None and is 'float16'; "
        "levels was [12, 3] and is None; seed was 1 and is 2); "
        f"delete {path} to start anew, or train into another folder"
    )


def test_what_the_user_changed_comes_before_what_follows_from_it(tmp_path: Path) -> None:
    path, old = tmp_path / "checkpoint.pt", {"data": "a" * 64, "texts": 5, "words": 9, "seed": 0}
    save_checkpoint(path, old, state())
    with pytest.raises(ValueError, match="is of another run") as caught:
        load_checkpoint(path, {"data": "b" * 64, "texts": 6, "words": 9, "seed": 1})
    said = (
        "(seed was 0 and is 1; texts was 5 and is 6; the texts, the labels or what a teacher says "
        "of them differ)"
    )
    assert said in str(caught.value)
    assert "aaaa" not in str(caught.value)


def test_another_version(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"checkpoint 1 ", b"checkpoint 2 ", 1))
    with pytest.raises(ValueError, match=f"{path} has checkpoint version 2, not 1; delete {path}"):
        load_checkpoint(path, KEY)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "one byte": lambda data: data[:1],
    "half": lambda data: data[: len(data) // 2],
    "no last byte": lambda data: data[:-1],
    "one more byte": lambda data: data + b"\0",
    "zeros": lambda data: bytes(len(data)),
    "pickle": lambda data: pickle.dumps({"version": 1}),
    "torch": lambda data: data.partition(b"\n")[2],
    "text": lambda data: b"a text\nof lines",
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file(name: str, path: Path) -> None:
    path.write_bytes(DAMAGE[name](path.read_bytes()))
    with pytest.raises(
        ValueError, match=f"{path} is not a whole checkpoint; delete {path} to start"
    ):
        load_checkpoint(path, KEY)


def test_one_bit_anywhere_is_noticed(path: Path) -> None:
    """Torch alone would load some of these, with other numbers in them."""
    data = path.read_bytes()
    for at in range(0, len(data), 61):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        path.write_bytes(changed)
        with pytest.raises(ValueError, match="to start anew"):
            load_checkpoint(path, KEY)


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "disk full while saving"), KeyboardInterrupt()], ids=repr
)
def test_a_failed_save_keeps_the_old_one(path: Path, error, monkeypatch) -> None:
    def fail(handle: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        save_checkpoint(path, KEY, {**state(), "step": 8})
    assert same(load_checkpoint(path, KEY), state())
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]
