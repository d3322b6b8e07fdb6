"""The folder beside the output where a run keeps what it has scored, to go on from.

A part's name says what it is: ``000000012-10000-3``, the thirteenth batch, 10,000 rows, 3 of them
without a label. It is there whole or not at all, so the names are all that a run must remember.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from skimrnn.files import held_alone, write_atomically
from skimrnn.scoring.files import ScoringError

MANIFEST = "manifest.json"
LOCK = "lock"
_FORMAT = "skimrnn score"
_VERSION = 1
_JOINED = "joined"
"""Key of the manifest: which file the parts became, and the rows of it."""
_PART = re.compile(r"(\d{9,})-(\d+)-(\d+)")


class Part(NamedTuple):
    """What a part holds.

    Attributes:
        number: of its batch, from 0.
        rows: how many.
        unlabelled: how many of them have no text, and so no label.
    """

    number: int
    rows: int
    unlabelled: int


class Rows(NamedTuple):
    """Rows of a whole output, and how many of them have no text."""

    rows: int
    unlabelled: int


def became(output: Path) -> Rows | None:
    """The rows of an output that a run wrote whole, but was cut off before it removed its parts."""
    try:
        made = json.loads((_folder_of(output) / MANIFEST).read_bytes())[_JOINED]
        same = _identity(output.stat()).items() <= made.items()
        return Rows(int(made["rows"]), int(made["unlabelled"])) if same else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _folder_of(output: Path) -> Path:
    return output.with_name(f"{output.name}.parts")


def _identity(status: os.stat_result) -> dict[str, int]:
    """What a file keeps when it is given another name."""
    return {"file": status.st_ino, "bytes": status.st_size}


class Parts:
    """The parts of one output, opened for a run.

    Args:
        output: the file that they will become.
        settings: all that decides what is written, as JSON values.

    Raises:
        ScoringError: if there are parts of another run.
    """

    def __init__(self, output: Path, settings: Mapping[str, Any]) -> None:
        self.folder = _folder_of(output)
        manifest = self.folder / MANIFEST
        self._wanted = wanted = {"format": _FORMAT, "version": _VERSION, **settings}
        if manifest.exists():
            self._compare(manifest, wanted)
        elif self.folder.exists() and any(self.folder.iterdir()):
            raise ScoringError(
                f"{self.folder} is in the way: it has files, and none of them is the {MANIFEST} of "
                "skimrnn score; move it, or give another output"
            )
        else:
            write_atomically(manifest, json.dumps(wanted, indent=1).encode())

    def _compare(self, manifest: Path, wanted: Mapping[str, Any]) -> None:
        try:
            found = json.loads(manifest.read_bytes())
            found.pop(_JOINED, None)
        except (ValueError, AttributeError) as error:
            raise ScoringError(
                f"{manifest} is damaged: {error}; remove {self.folder} to begin anew"
            ) from error
        differing = [
            f"{name} was {json.dumps(found.get(name))} and is now {json.dumps(wanted.get(name))}"
            for name in dict.fromkeys([*found, *wanted])
            if found.get(name) != wanted.get(name)
        ]
        if differing:
            raise ScoringError(
                f"{self.folder} was begun in another way: {'; '.join(differing)}; give what was "
                "given then to go on, or remove that folder to begin anew"
            )

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs out of the folder for the block; the death of this one lets them in.

        Raises:
            ScoringError: if one is at it.
        """
        try:
            with held_alone(self.folder / LOCK):
                yield
        except BlockingIOError as error:
            raise ScoringError(
                f"{self.folder} is being filled by another run; wait for its end, or give another "
                "output"
            ) from error

    def found(self) -> dict[int, Part]:
        """The parts that there are, by number."""
        matches = (_PART.fullmatch(path.name) for path in self.folder.iterdir())
        parts = (Part(*map(int, match.groups())) for match in matches if match)
        return {part.number: part for part in parts}

    def path(self, part: Part) -> Path:
        """Where a part is."""
        return self.folder / f"{part.number:09d}-{part.rows}-{part.unlabelled}"

    def joined(self, file: BinaryIO, rows: Rows) -> None:
        """Remember that they were joined to this file, which is about to become the output."""
        file.flush()
        made = {**_identity(os.fstat(file.fileno())), **rows._asdict()}
        data = json.dumps({**self._wanted, _JOINED: made}, indent=1).encode()
        write_atomically(self.folder / MANIFEST, data)

    def remove(self) -> None:
        """Remove them all, the manifest last: what is left of a killed removal is still a run's."""
        for path in (*map(self.path, self.found().values()), self.folder / LOCK):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
