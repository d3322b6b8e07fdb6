"""Damaged model folders, for so many seconds: each is read, or refused by ``ModelFileError``.

python -m fuzz.folders [--seconds 60] [--seed 0]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import skimrnn
from fuzz.reading import random_model
from skimrnn import ModelFileError
from skimrnn.model_file import write_model
from skimrnn.text import Vocabulary

MEMORY = 4 * 2**30
"""Bytes of address space beyond what is there at the start: a folder cannot make us take more."""

_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31 - 1, 2**31, 2**62, 10**30, 0.5, 1e300, "", "lstm", "é" * 50),
    *([], [0], [5, 5], [3, 7], [2**31, 1], {}, {"a": []}),
)


def damage(folder: Path, random: np.random.Generator) -> None:
    """Change one thing about a folder: a file's bytes, its length, a value, a file itself."""
    files = sorted(folder.iterdir())
    path = files[int(random.integers(len(files)))]
    data = bytearray(path.read_bytes())
    kind = int(random.integers(6))
    if kind == 0 and data:
        for _ in range(int(random.integers(1, 6))):
            data[int(random.integers(len(data)))] = int(random.integers(256))
    elif kind == 1:
        data = data[: int(random.integers(len(data) + 1))]
    elif kind == 2:
        data += random.bytes(int(random.integers(1, 200)))
    elif kind == 3:
        path.unlink()
        return
    elif kind == 4:
        path = folder / "config.json"
        data = bytearray(_changed(path.read_bytes(), random))
    else:
        path = folder / "model.safetensors"
        whole = path.read_bytes()
        end = 8 + int.from_bytes(whole[:8], "little")
        header = _changed(whole[8:end], random)
        data = bytearray(len(header).to_bytes(8, "little") + header + whole[end:])
    path.write_bytes(bytes(data))


def _changed(data: bytes, random: np.random.Generator) -> bytes:
    """Some JSON with one of its parts, drawn at random, replaced."""
    value = json.loads(data)
    places: list[tuple[Any, Any]] = []

    def walk(part: Any) -> None:
        keys = list(part) if isinstance(part, dict) else range(len(part))
        for key in keys:
            places.append((part, key))
            if isinstance(part[key], dict | list):
                walk(part[key])

    walk(value)
    if places:
        part, key = places[int(random.integers(len(places)))]
        part[key] = _VALUES[int(random.integers(len(_VALUES)))]
    return json.dumps(value).encode()


def try_once(root: Path, random: np.random.Generator) -> bool:
    """Write a model, damage it, load it; whether it could still be read."""
    folder = root / "model"
    shutil.rmtree(folder, ignore_errors=True)
    vocabulary = Vocabulary(("<unknown>", "good", "bad", "n't", "é"))
    write_model(folder, random_model(random, vocabulary))
    with contextlib.suppress(OSError, ValueError):  # the first damage leaves nothing to damage
        for _ in range(int(random.integers(1, 3))):
            damage(folder, random)
    try:
        model = skimrnn.load(folder)
    except ModelFileError:
        return False
    with np.errstate(all="ignore"):
        model.read(["good bad", "", "isn't é"])
    return True


def main() -> None:
    """Damage and load until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--unlimited", action="store_true", help="for a build with sanitizers")
    options = parser.parse_args()
    if not options.unlimited:
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    end, number, read = time.monotonic() + options.seconds, 0, 0
    with tempfile.TemporaryDirectory() as root:
        while time.monotonic() < end:
            seed = [options.seed, number]
            try:
                read += try_once(Path(root), np.random.default_rng(seed))
            except BaseException:
                print(f"seed {seed}")
                raise
            number += 1
    print(f"{number:,} damaged folders: {read:,} still read, the others refused")


if __name__ == "__main__":
    main()
