"""Files and folders that appear whole or not at all, and their digests."""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_UNFINISHED, _ASIDE = "new", "old"
_TO_SYNC = "rb+" if sys.platform == "win32" else "rb"
"""Elsewhere a file that may not be written can be synchronized, as those of git's objects."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that ``path`` holds the old bytes or the new ones, never a part.

    A link is followed. What is neither a file nor a folder, such as a device or a pipe, is written
    into as it is.

    Raises:
        OSError: if it cannot be written, naming ``path``, which is then as it was.
    """
    try:
        # Of the path itself: a pipe's link in /dev/fd has a target that no file bears as a name.
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(data)
        elif path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        else:
            _replace(Path(os.path.realpath(path)), data)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), os.fspath(path)) from error


def _replace(path: Path, data: bytes) -> None:
    with new_file(path) as file:
        file.write(data)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to fill, which becomes ``path`` when the block ends without an error.

    On an error ``path`` stays as it was and the unfinished file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _beside(path, _UNFINISHED)
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which becomes ``path`` when the block ends without an error.

    What ``path`` held before is replaced whole; a link is followed. On an error ``path`` stays
    as it was and the unfinished folder is removed.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _beside(path, _UNFINISHED)
    try:
        unfinished.mkdir()
        yield unfinished
        for file in unfinished.rglob("*"):
            if file.is_file():
                with file.open(_TO_SYNC) as handle:
                    os.fsync(handle.fileno())
        _swap(unfinished, path)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _swap(new: Path, path: Path) -> None:
    """Put ``new`` where ``path`` is; an old ``path`` is set aside first, and back on failure."""
    if not path.exists():
        new.rename(path)
        return
    aside = _beside(path, _ASIDE)
    try:
        path.rename(aside)
        new.rename(path)
    except BaseException:
        if not path.exists():
            aside.rename(path)
        raise
    finally:
        # Should the way back fail as well, the old content is all there is: it stays aside.
        if path.exists():
            shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def held_alone(path: Path) -> Iterator[None]:
    """Hold a file, made if need be, that one process at a time can hold; its death lets go of it.

    Raises:
        BlockingIOError: if another holds it.
        OSError: if it cannot be made.
    """
    with path.open("ab") as file:
        _lock(file)
        yield


def _lock(file: BinaryIO) -> None:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(errno.EAGAIN, "held by another process") from error
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def sha256(path: Path) -> str:
    """The SHA-256 digest of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def clear_up(path: Path) -> None:
    """Undo what a killed process left beside a file or folder that it was replacing.

    What was unfinished goes; an old folder that was set aside comes back if nothing has taken its
    place. Not for a path that another process may be writing.
    """
    path = Path(os.path.realpath(path))
    for left in _left_beside(path, _UNFINISHED):
        _remove(left)
    for left in _left_beside(path, _ASIDE):
        if path.exists():
            _remove(left)
        else:
            left.rename(path)


def _left_beside(path: Path, what: str) -> list[Path]:
    return sorted(path.parent.glob(f"{glob.escape(_hidden_name(path, what))}*"))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _beside(path: Path, what: str) -> Path:
    """A hidden name in the same folder, on the same disk, that nothing has.

    ``tempfile`` would make it private, and to undo that the process's umask must be asked for,
    which cannot be done without changing it under other threads.
    """
    return path.with_name(_hidden_name(path, what) + secrets.token_hex(8))


def _hidden_name(path: Path, what: str) -> str:
    return f".{path.name[:50]}.{what}-"
