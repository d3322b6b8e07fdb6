"""Parquet files, through pyarrow: the types of what is carried stay."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from skimrnn.scoring.files import (
    BATCH_BYTES,
    Batch,
    CsvBatch,
    ScoringError,
    check_names,
    refuse_repeated,
)
from skimrnn.scoring.scorer import Columns

_TYPES = {str: "string", int: "int64", float: "float64"}


def pyarrow() -> Any:
    """The package.

    Raises:
        ImportError: if it is not installed, with the command that does it.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "parquet files need pyarrow; install it with: pip install 'skimrnn[parquet]'"
        ) from error
    return pyarrow


@dataclass(frozen=True)
class ArrowBatch:
    """Rows of a table."""

    table: Any

    def __len__(self) -> int:
        """How many rows."""
        return int(self.table.num_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(self.table.column_names)

    def texts(self, column: str) -> list[Any]:
        """The values of a column."""
        return list(self.table[column].to_pylist())

    def rows(self) -> list[dict[str, Any]]:
        """The rows as Python's values."""
        return list(self.table.to_pylist())

    def __getstate__(self) -> bytes:
        # Pickled otherwise, a slice takes all of the table along.
        pa = pyarrow()
        stream = pa.BufferOutputStream()
        with pa.ipc.new_stream(stream, self.table.schema) as writer:
            writer.write_table(self.table)
        return bytes(stream.getvalue())

    def __setstate__(self, data: bytes) -> None:
        object.__setattr__(self, "table", pyarrow().ipc.open_stream(data).read_all())


class ParquetSource:
    """A parquet file."""

    def __init__(self, path: Path) -> None:
        self._path, self._arrow = path, pyarrow()
        self._read, self._rows = 0, 1

    def done(self) -> float:
        """The share of the rows that has been read."""
        return self._read / self._rows

    def batches(self, rows: int) -> Iterator[Batch]:
        """All rows in order, at most so many a batch.

        Raises:
            ScoringError: if it is no such file.
        """
        pa = self._arrow
        try:
            with pa.parquet.ParquetFile(self._path, pre_buffer=False) as file:
                refuse_repeated(file.schema_arrow.names, self._path)
                self._rows = max(1, file.metadata.num_rows)
                for record in file.iter_batches(batch_size=rows):
                    yield from self._pieces(pa.Table.from_batches([record]))
                if not file.metadata.num_rows:
                    yield ArrowBatch(file.schema_arrow.empty_table())
                self._read = self._rows
        except pa.ArrowException as error:
            raise ScoringError(f"{self._path} cannot be read as parquet: {error}") from error

    def _pieces(self, table: Any) -> Iterator[Batch]:
        pieces = -(-table.nbytes // BATCH_BYTES) or 1
        rows = -(-table.num_rows // pieces)
        for begin in range(0, table.num_rows, rows):
            piece = table.slice(begin, rows)
            self._read += piece.num_rows
            yield ArrowBatch(piece)


class ParquetSink:
    """Parquet with the columns and types of the first batch, and those that are added."""

    def __init__(self, first: Batch, added: Mapping[str, type]) -> None:
        self._schema, self._added = _table(first, None).schema, dict(added)

    def part(self, batch: Batch, added: Columns, *, first: bool) -> bytes:
        """A batch and what is added to it."""
        pa = pyarrow()
        stream = pa.BufferOutputStream()
        table = with_columns(_table(batch, self._schema), added, self._added)
        with _explained():
            pa.parquet.write_table(table, stream)
        return bytes(stream.getvalue())

    def join(self, parts: Iterable[Path], file: BinaryIO) -> None:
        """Write the whole file, each part as a group of rows."""
        parquet, writer = pyarrow().parquet, None
        for part in parts:
            table = parquet.read_table(part)
            writer = writer or parquet.ParquetWriter(file, table.schema)
            writer.write_table(table)
        assert writer is not None  # there is a part for the first batch
        writer.close()


def with_columns(table: Any, added: Columns, types: Mapping[str, type]) -> Any:
    """A table, and what is added to it."""
    pa = pyarrow()
    for name, values in added.items():
        table = table.append_column(name, pa.array(values, pa.type_for_alias(_TYPES[types[name]])))
    return table


def _table(batch: Batch, schema: Any) -> Any:
    if isinstance(batch, ArrowBatch):
        return batch.table
    pa = pyarrow()
    if isinstance(batch, CsvBatch):
        schema = pa.schema([(name, pa.string()) for name in batch.names])
    names = batch.names if schema is None else schema.names
    check_names(batch, names)
    rows = batch.rows()
    columns = {name: [row.get(name) for row in rows] for name in names}
    with _explained():
        table = pa.table(columns)
        if schema is None:
            return table
        # Told a type, Arrow makes 4 of 4.5 and drops a key that the type does not have.
        both = pa.unify_schemas([schema, table.schema], promote_options="permissive")
        if not both.equals(schema):
            wider = next(field for field in both if not field.equals(schema.field(field.name)))
            raise pa.ArrowTypeError(
                f"{wider.name!r} was {schema.field(wider.name).type} and would be {wider.type}"
            )
        return pa.table(columns, schema=schema)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (pyarrow().ArrowException, OverflowError, UnicodeEncodeError) as error:
        raise ScoringError(
            "a row does not fit a parquet table whose types are those of the first rows: "
            f"{error}; write to a .jsonl file"
        ) from error
