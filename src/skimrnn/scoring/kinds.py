"""Which kind of table a file is, by its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from skimrnn.scoring.files import (
    Batch,
    CsvSink,
    CsvSource,
    JsonSink,
    JsonSource,
    ScoringError,
    Sink,
    Source,
    is_packed,
)

_KINDS = {".csv": "csv", ".jsonl": "json", ".ndjson": "json", ".parquet": "parquet"}


def kind_of(path: Path) -> str:
    """What kind of file this is, ``.gz`` apart.

    Raises:
        ScoringError: if it is none that is known.
    """
    packed = is_packed(path)
    found = _KINDS.get(Path(path.stem if packed else path.name).suffix.lower())
    if found is None or (packed and found == "parquet"):
        raise ScoringError(
            f"{path} has no known format; expected a name that ends in .csv, .jsonl or .ndjson, "
            "each also with .gz, or in .parquet"
        )
    return found


def open_source(path: Path) -> Source:
    """The rows of a file.

    Raises:
        ScoringError: if its format is not known.
        ImportError: if it is parquet and pyarrow is not installed.
    """
    kind = kind_of(path)
    if kind == "parquet":
        from skimrnn.scoring.parquet import ParquetSource

        return ParquetSource(path)
    return CsvSource(path) if kind == "csv" else JsonSource(path)


def make_sink(path: Path, first: Batch, added: Mapping[str, type]) -> Sink:
    """What writes a file of this name, whose rows begin with this batch.

    Raises:
        ScoringError, ImportError: as ``open_source``.
    """
    kind = kind_of(path)
    if kind == "parquet":
        from skimrnn.scoring.parquet import ParquetSink

        return ParquetSink(first, added)
    if kind == "csv":
        return CsvSink(first.names, packed=is_packed(path))
    return JsonSink(packed=is_packed(path))
