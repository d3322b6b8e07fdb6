"""Tables in files: CSV and JSON Lines, gzipped or not, read in batches and written in parts.

Parquet, which needs pyarrow, stands in ``parquet.py``. A batch keeps what it was read as, so that
its columns come out of a file of the same kind as they went in.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import math
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol

from skimrnn.scoring.scorer import Columns

BATCH_BYTES = 2**22
"""A batch ends with the row that reaches so many bytes, if not before."""

LARGEST_CELL = 2**26
"""So many characters may a cell of a CSV file have: a quote that is never closed ends there."""

_MARK = b"\xef\xbb\xbf"  # that some programs begin UTF-8 with


class ScoringError(ValueError):
    """A table that cannot be scored, or parts that are not of this run."""


class Batch(Protocol):
    """Rows that follow each other; picklable."""

    def __len__(self) -> int:
        """How many."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The columns; of JSON Lines, those that any of these rows has."""
        ...

    def texts(self, column: str) -> list[Any]:
        """The values of a column, None where a row has none."""
        ...

    def rows(self) -> list[dict[str, Any]]:
        """The rows as Python's values."""
        ...


class Source(Protocol):
    """A file of rows."""

    def batches(self, rows: int) -> Iterator[Batch]:
        """All rows in order, at most so many a batch, the same every time; one batch at least."""
        ...

    def done(self) -> float:
        """The share of the file that has been read, in [0, 1]."""
        ...


class Sink(Protocol):
    """A kind of file to write, in parts of a batch each; picklable."""

    def part(self, batch: Batch, added: Columns, *, first: bool) -> bytes:
        """A batch and what is added to it."""
        ...

    def join(self, parts: Iterable[Path], file: BinaryIO) -> None:
        """Write the whole file."""
        ...


class _LineFile:
    """A file of lines that knows how far it was read; unpacked if its name ends in ``.gz``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._bytes = max(1, path.stat().st_size)

    def done(self) -> float:
        """The share of the file that has been read."""
        if self._file is None or self._file.closed:
            return float(self._file is not None)
        return self._file.tell() / self._bytes

    def lines(self) -> Iterator[bytes]:
        r"""Its lines, each with its ``\n``."""
        with self.path.open("rb") as self._file:
            packed = is_packed(self.path)
            unpacked: Any = gzip.GzipFile(fileobj=self._file) if packed else self._file
            try:
                for number, line in enumerate(unpacked):
                    yield line if number else line.removeprefix(_MARK)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise ScoringError(f"{self.path} cannot be unpacked: {error}") from error


def is_packed(path: Path) -> bool:
    """Whether its name says that it is gzipped."""
    return path.suffix.lower() == ".gz"


# ---- CSV ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CsvBatch:
    """Rows of a CSV file, each value a str."""

    names: tuple[str, ...]
    cells: list[list[str]]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.cells)

    def texts(self, column: str) -> list[Any]:
        """The values of a column."""
        place = self.names.index(column)
        return [row[place] for row in self.cells]

    def rows(self) -> list[dict[str, Any]]:
        """The rows by name."""
        return [dict(zip(self.names, row, strict=True)) for row in self.cells]


class CsvSource(_LineFile):
    """A CSV file in UTF-8 with a header. A line with nothing on it is no row."""

    def batches(self, rows: int) -> Iterator[Batch]:
        """All rows in order, at most so many a batch.

        Raises:
            ScoringError: if it is no such file, with the line.
        """
        before = csv.field_size_limit(LARGEST_CELL)  # the module's own state
        self._line, self._begins, self._size = 0, 1, 0
        try:
            yield from self._batches(rows)
        except csv.Error as error:
            said = str(error)
            if said.startswith("field larger"):
                said = f"a cell has more than {LARGEST_CELL:,} characters"
            raise ScoringError(
                f"{self.path}, line {self._begins}: {said}; a text with quotes must be quoted, "
                'and quotes inside of it doubled ("")'
            ) from error
        finally:
            csv.field_size_limit(before)

    def _batches(self, rows: int) -> Iterator[Batch]:
        reader = csv.reader(self._decoded(), strict=True)
        names = tuple(next(reader, ()))
        if not names:
            raise ScoringError(f"{self.path} has no header; its first line must name the columns")
        refuse_repeated(names, self.path)
        cells: list[list[str]] = []
        first, self._size = True, 0
        for row in self._numbered(reader):
            if len(row) != len(names):
                if not row:
                    continue
                if len(row) > len(names):
                    raise ScoringError(
                        f"{self.path}, line {self._begins}: {len(row)} cells, but the header has "
                        f"{len(names)} columns ({listed(names)}); quote texts that hold a comma"
                    )
                row += [""] * (len(names) - len(row))
            cells.append(row)
            if len(cells) == rows or self._size >= BATCH_BYTES:
                yield CsvBatch(names, cells)
                cells, first, self._size = [], False, 0
        if cells or first:
            yield CsvBatch(names, cells)

    def _numbered(self, reader: Iterator[list[str]]) -> Iterator[list[str]]:
        """The rows; meanwhile ``_begins`` is the line that the row at hand begins on."""
        while True:
            self._begins = self._line + 1
            if (row := next(reader, None)) is None:
                return
            yield row

    def _decoded(self) -> Iterator[str]:
        for line in self.lines():
            self._line += 1
            self._size += len(line)
            try:
                yield line.decode()
            except UnicodeDecodeError as error:
                raise not_utf8(self.path, self._line) from error


class _TextSink:
    """What CSV and JSON Lines share: parts that are simply put one after the other."""

    def __init__(self, *, packed: bool) -> None:
        self._packed = packed

    def join(self, parts: Iterable[Path], file: BinaryIO) -> None:
        """Write the whole file."""
        for part in parts:
            with part.open("rb") as opened:
                shutil.copyfileobj(opened, file)

    def _encoded(self, text: str | bytes) -> bytes:
        try:
            data = text if isinstance(text, bytes) else text.encode()
        except UnicodeEncodeError as error:
            raise ScoringError(
                f"a value holds half of a surrogate pair, {text[error.start]!a}, which no file in "
                "UTF-8 can hold but as an escape in JSON Lines; write to a .jsonl file"
            ) from error
        # A gzip file may have many members: parts stay parts.
        return gzip.compress(data, 6, mtime=0) if self._packed else data


class CsvSink(_TextSink):
    """CSV with the columns of the first batch, and those that are added."""

    def __init__(self, names: Sequence[str], *, packed: bool) -> None:
        super().__init__(packed=packed)
        self._names = tuple(names)

    def part(self, batch: Batch, added: Columns, *, first: bool) -> bytes:
        """A batch and what is added to it."""
        if isinstance(batch, CsvBatch):
            carried = batch.cells
        else:
            check_names(batch, self._names)
            carried = [[_cell(row.get(name)) for name in self._names] for row in batch.rows()]
        rows = [[*row, *more] for row, *more in zip(carried, *added.values(), strict=True)]
        if first:
            rows.insert(0, [*self._names, *added])
        return self._encoded(_csv(rows))


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    written = ""
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n", quoting=quoting).writerows(rows)
        written = text.getvalue()
        if "\r" not in written:  # Python before 3.13 leaves a cell that holds one unquoted
            break
    return written


def _cell(value: Any) -> str:
    """A value in a cell: nothing for None, other than text as in JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=_said)


# ---- JSON Lines --------------------------------------------------------------------------------


@dataclass(frozen=True)
class JsonBatch:
    """Lines of a JSON Lines file, as they stand there.

    Attributes:
        path: of the file.
        line: the number of the first line, from 1.
        lines: with blank ones, which are no rows.
        filled: how many are not blank.
    """

    path: Path
    line: int
    lines: tuple[bytes, ...]
    filled: int

    def __len__(self) -> int:
        """How many rows."""
        return self.filled

    @property
    def names(self) -> tuple[str, ...]:
        """The keys that any row has."""
        return tuple(dict.fromkeys(key for _, row in self.parsed for key in row))

    @cached_property
    def parsed(self) -> list[tuple[bytes, dict[str, Any]]]:
        """Each row's line and what it says."""
        found = []
        for number, line in enumerate(self.lines, start=self.line):
            stripped = line.strip()
            if not stripped:
                continue
            try:
                row = json.loads(stripped)
            except UnicodeDecodeError as error:
                raise not_utf8(self.path, number) from error
            except (ValueError, RecursionError) as error:
                raise ScoringError(
                    f"{self.path}, line {number}: not JSON ({error}); expected an object a line"
                ) from error
            if not isinstance(row, dict):
                raise ScoringError(
                    f"{self.path}, line {number}: expected a JSON object; got {type(row).__name__}"
                )
            found.append((stripped, row))
        return found

    def texts(self, column: str) -> list[Any]:
        """The values of a key, None where there is none."""
        return [row.get(column) for _, row in self.parsed]

    def rows(self) -> list[dict[str, Any]]:
        """The rows."""
        return [row for _, row in self.parsed]


class JsonSource(_LineFile):
    """A file with a JSON object on each line, in UTF-8."""

    def batches(self, rows: int) -> Iterator[Batch]:
        """All rows in order, at most so many a batch."""
        lines: list[bytes] = []
        begin, filled, size, first = 1, 0, 0, True
        for line in self.lines():
            lines.append(line)
            size += len(line)
            filled += not line.isspace()
            if filled == rows or size >= BATCH_BYTES:
                yield JsonBatch(self.path, begin, tuple(lines), filled)
                begin += len(lines)
                lines, filled, size, first = [], 0, 0, False
        if filled or first:
            yield JsonBatch(self.path, begin, tuple(lines), filled)


class JsonSink(_TextSink):
    """A JSON object a line. A line that came as one stays as it was, with the added at its end."""

    def part(self, batch: Batch, added: Columns, *, first: bool) -> bytes:
        """A batch and what is added to it."""
        mores = [dict(zip(added, values, strict=True)) for values in zip(*added.values())]  # noqa: B905
        if isinstance(batch, JsonBatch):
            pairs = zip(batch.parsed, mores, strict=True)
            return self._encoded(b"".join(_extended(*one, more) for one, more in pairs))
        rows = zip(batch.rows(), mores, strict=True)
        lines = (f"{_dumped(_finite({**row, **more}))}\n" for row, more in rows)
        return self._encoded("".join(lines))


def _extended(line: bytes, row: Mapping[str, Any], more: Mapping[str, Any]) -> bytes:
    """A line that ends with ``}``, and more at its end."""
    comma = b", " if row else b""
    return line[:-1] + comma + _dumped(more)[1:].encode() + b"\n"


def _dumped(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=_said)


def _finite(value: Any) -> Any:
    """A value without what JSON has no number for: NaN and infinities become None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def _said(value: Any) -> str:
    """What JSON has no kind for, as a text: bytes in base 64, a date as it is written."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


# ---- shared ------------------------------------------------------------------------------------


def refuse_repeated(names: Sequence[str], path: Path) -> None:
    """Refuse a file that has a column twice.

    Raises:
        ScoringError: naming it.
    """
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ScoringError(f"{path} has the column {listed(repeated)} more than once; rename one")


def check_names(batch: Batch, known: Sequence[str]) -> None:
    """Refuse rows with columns that the first batch has not.

    Raises:
        ScoringError: naming them.
    """
    unknown = [name for name in batch.names if name not in known]
    if unknown:
        raise ScoringError(
            f"some rows have {listed(unknown)}, which none of the first has, and a CSV or parquet "
            "file has the same columns in every row; write to a .jsonl file"
        )


def not_utf8(path: Path, line: int) -> ScoringError:
    """What to say of bytes that are not text."""
    return ScoringError(f"{path}, line {line}: not UTF-8; convert the file to UTF-8")


def listed(names: Iterable[str]) -> str:
    """Names for a message."""
    return ", ".join(map(repr, names)) or "none"
