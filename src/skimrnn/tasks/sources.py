"""Finding and reading the files of a data set, with their digests for the record."""

import gzip
import hashlib
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from skimrnn.tasks.base import DataError

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def folders_to_try(data_dir: Path, names: Iterable[str]) -> list[Path]:
    """Return the folders of these names that exist, then the data folder itself."""
    return [data_dir / name for name in names if (data_dir / name).is_dir()] + [data_dir]


def read_text(path: Path, *, encoding: str = "utf-8") -> str:
    """Return the text of a file, unpacked if its name ends in ``.gz``; no line end is changed.

    A byte order mark of UTF-8 is left out.

    Raises:
        DataError: if the file cannot be opened, unpacked or decoded.
    """
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return decode(data, str(path), encoding)


def decode(data: bytes, name: str, encoding: str = "utf-8") -> str:
    """Return the text of the bytes; ``name`` stands in the error.

    Raises:
        DataError: if the bytes are not of this encoding, with the place of the first bad one.
    """
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        looks = " (it looks like UTF-16)" if data.startswith(_UTF16_MARKS) else ""
        raise DataError(
            f"{name} is not {encoding.upper()}{looks}: byte {data[error.start]:#04x} in line "
            f"{line}; convert the file to {encoding.upper()}"
        ) from error


def read_lines(path: Path, *, encoding: str = "utf-8") -> list[str]:
    r"""Return the lines of a file that are not blank, split on ``\n`` only, ends stripped.

    ``str.splitlines`` would also split at characters that occur inside the texts (U+0085).
    """
    lines = read_text(path, encoding=encoding).split("\n")
    return [stripped for line in lines if (stripped := line.strip(" \t\r"))]


def file_record(path: Path, folder: Path) -> dict[str, Any]:
    """Return name, size and digest of a file; the name starts with that of the folder."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"path": shown(path, folder), "bytes": path.stat().st_size, "sha256": digest}


def many_files_record(name: str, files: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    """Return one entry for many small files, given as (name, content) in a fixed order.

    ``sha256`` is that of the list of their names and digests. A name may have bytes that are not
    UTF-8: they count as they are.
    """
    digest = hashlib.sha256()
    count = size = 0
    for file_name, data in files:
        count += 1
        size += len(data)
        line = f"{file_name}\0{hashlib.sha256(data).hexdigest()}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return {"path": name, "files": count, "bytes": size, "sha256": digest.hexdigest()}


def shown(path: Path, folder: Path) -> str:
    """Return the path as the record shows it: from the folder's own name on.

    Records are published with models, so they hold no path of somebody's machine.
    """
    return (Path(folder.resolve().name) / path.relative_to(folder)).as_posix()
