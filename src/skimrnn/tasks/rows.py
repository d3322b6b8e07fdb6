"""Reading labelled rows out of users' own files: CSV, TSV, JSON Lines, a folder per label.

Nothing is guessed silently: what does not fit is an error that names the lines.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from skimrnn.tasks.base import DataError
from skimrnn.tasks.sources import decode, file_record, many_files_record, read_text

TEXT_COLUMNS = ("text", "sentence", "review", "content")
LABEL_COLUMNS = ("label", "class", "category", "target", "sentiment")

_SHOWN = 5

T = TypeVar("T")


@dataclass(frozen=True)
class Labelled:
    """Texts with their labels as strings, and what the record says about their source.

    ``labels`` has a tuple for each text, of one label unless the data are ``multilabel``.
    ``columns`` are the names of the text's and the label's column; None for a folder per label.
    """

    texts: list[str]
    labels: list[tuple[str, ...]]
    files: list[dict[str, Any]]
    columns: dict[str, str] | None = None
    multilabel: bool = False


@dataclass(frozen=True)
class _Table:
    columns: list[str]
    rows: list[tuple[int, dict[str, Any]]]  # line number, cells


def file_kind(path: Path) -> str | None:
    """Return ``csv``, ``tsv`` or ``jsonl`` by the name of the file (``.gz`` apart), else None."""
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    return _KINDS.get(suffix)


def read_file(
    path: Path,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    label_separator: str | None = None,
) -> Labelled:
    """Return the labelled texts of one file.

    Args:
        path: a ``.csv`` or ``.tsv`` with a header, or ``.jsonl``/``.ndjson``/``.json`` with one
            object a line; each also with ``.gz``.
        text_column: name of the text's column; without it the first there is of `TEXT_COLUMNS`.
        label_column: name of the label's column; without it the first of `LABEL_COLUMNS`.
        label_separator: what stands between the labels of a text, which then may have any number
            of them, none if the cell is empty. In JSON a label may also be a list of labels.

    Raises:
        DataError: for an unknown format, a malformed or empty file, a column that is not there,
            rows without a text or a label, and an empty separator.
    """
    table = _read_table(path, ", or a folder with a folder per label")
    text_name = _choose(path, table.columns, text_column, TEXT_COLUMNS, "text")
    label_name = _choose(path, table.columns, label_column, LABEL_COLUMNS, "label")
    if text_name == label_name:
        raise DataError(
            f"{path}: the column {text_name!r} cannot be both the text and the label; "
            f"the columns are {_names(table.columns)}"
        )
    texts = _cells(path, table, text_name, "text", _as_text)
    several = label_separator is not None or any(
        isinstance(row.get(label_name), list) for _, row in table.rows
    )
    if several:
        labels = _cells(path, table, label_name, "label", _splitter(label_separator))
    else:
        labels = [(one,) for one in _cells(path, table, label_name, "label", _as_label)]
    return Labelled(
        texts,
        labels,
        [file_record(path.absolute(), path.absolute().parent)],
        {"text": text_name, "label": label_name},
        several,
    )


@dataclass(frozen=True)
class Texts:
    """Texts without labels, and what a record says about their file."""

    texts: list[str]
    file: dict[str, Any]


def read_texts(path: Path, *, text_column: str | None = None) -> Texts:
    """Return the texts of one file without labels.

    Args:
        path: a file as for `read_file`, of which the text's column alone is looked at; or a
            ``.txt``, also with ``.gz``, with a text a line.
        text_column: as for `read_file`, if the file has it; a ``.txt`` has none.

    Raises:
        DataError: as `read_file`; blank lines of a ``.txt`` are passed over.
    """
    if Path(path.name.removesuffix(".gz")).suffix.lower() == ".txt":
        texts = [line.strip() for line in read_text(path).split("\n") if line.strip()]
        if not texts:
            raise DataError(f"{path} is empty: it has no text")
        return Texts(texts, file_record(path, path.parent))
    table = _read_table(path, "; or .txt, with a text a line")
    given = text_column if text_column in table.columns else None
    known = TEXT_COLUMNS if text_column is None else (text_column, *TEXT_COLUMNS)
    name = _choose(path, table.columns, given, known, "text")
    return Texts(_cells(path, table, name, "text", _as_text), file_record(path, path.parent))


def label_folders(folder: Path) -> list[Path]:
    """Return the sub-folders that hold ``.txt`` files, by name: a folder for each label."""
    return [
        sub
        for sub in sorted(folder.iterdir())
        if sub.is_dir() and not sub.name.startswith(".") and next(sub.glob("*.txt"), None)
    ]


def read_label_folders(folder: Path, label_separator: str | None = None) -> Labelled:
    """Return the texts ``LABEL/*.txt`` of a folder, in the order of their names.

    Args:
        folder: the folder.
        label_separator: as for `read_file`, between the labels in a folder's name.

    Raises:
        DataError: if a file cannot be read, is not UTF-8 or is blank.
    """
    split = _splitter(label_separator)
    texts: list[str] = []
    labels: list[tuple[str, ...]] = []
    contents: list[tuple[str, bytes]] = []
    for sub in label_folders(folder):
        for path in sorted(sub.glob("*.txt")):
            try:
                data = path.read_bytes()
            except OSError as error:
                raise DataError(f"{path} cannot be read: {error}") from error
            contents.append((f"{sub.name}/{path.name}", data))
            texts.append(decode(data, str(path)))
            labels.append((split(sub.name) or ()) if label_separator else (sub.name,))
    blank = [name for (name, _), text in zip(contents, texts, strict=True) if not text.strip()]
    if blank:
        raise DataError(f"{folder}: no text in {_some(blank)}; fill or remove them")
    files = [many_files_record(folder.resolve().name, contents)]
    return Labelled(texts, labels, files, multilabel=label_separator is not None)


def _read_table(path: Path, or_else: str) -> _Table:
    kind = file_kind(path)
    if kind is None:
        raise DataError(
            f"{path} has no known format; expected a name that ends in "
            f"{', '.join(_KINDS)}, each also with .gz{or_else}"
        )
    table = _READERS[kind](read_text(path), path)
    if not table.rows:
        raise DataError(f"{path} is empty: it has no rows of data")
    return table


def _read_csv(text: str, path: Path) -> _Table:
    return _table(path, csv_rows(text, path))


def csv_rows(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, and the line that it begins on.

    Raises:
        DataError: if it is no CSV, with the line.
    """
    reader, start = csv.reader(io.StringIO(text, newline=""), strict=True), 1
    try:
        with _unlimited_fields():
            for cells in reader:
                yield start, cells
                start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, line {start}: {error}; a text with quotes must be quoted, and quotes "
            'inside of it doubled ("")'
        ) from error


def _read_tsv(text: str, path: Path) -> _Table:
    # A line is a row, and a quote is a character of the text, as most TSV files have it; only
    # cells quoted as a whole, as spreadsheets write them, are unquoted.
    lines = enumerate(text.split("\n"), start=1)
    return _table(
        path,
        ((n, [_unquote(c) for c in s.split("\t")] if (s := line.rstrip("\r")) else [])
         for n, line in lines),
    )  # fmt: skip


def _unquote(cell: str) -> str:
    inner = cell[1:-1].replace('""', "")
    if len(cell) >= 2 and cell[0] == cell[-1] == '"' and '"' not in inner:
        return cell[1:-1].replace('""', '"')
    return cell


def _table(path: Path, lines: Iterator[tuple[int, list[str]]]) -> _Table:
    filled = (line for line in lines if any(cell.strip() for cell in line[1]))
    _, header = next(filled, (0, []))
    columns = [name.strip() for name in header]
    # Of those without a name, which spreadsheets may leave at the end, none can be asked for.
    repeated = sorted({name for name in columns if name and columns.count(name) > 1})
    if repeated:
        raise DataError(f"{path}: the header has {_names(repeated)} more than once")
    rows = []
    for number, cells in filled:
        if len(cells) > len(columns):
            raise DataError(
                f"{path}, line {number}: {len(cells)} cells, but the header has "
                f"{len(columns)} columns ({_names(columns)}); quote texts that hold the separator"
            )
        rows.append((number, dict(zip(columns, cells, strict=False))))
    return _Table(columns, rows)


def _read_jsonl(text: str, path: Path) -> _Table:
    columns: dict[str, None] = {}
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{path}, line {number}: not JSON ({error}); expected one object on each line"
            ) from error
        if not isinstance(row, dict):
            raise DataError(
                f"{path}, line {number}: expected a JSON object with a text and a label; "
                f"got {type(row).__name__}"
            )
        columns.update(dict.fromkeys(row))
        rows.append((number, row))
    return _Table(list(columns), rows)


def _choose(
    path: Path, columns: Sequence[str], given: str | None, known: Sequence[str], what: str
) -> str:
    if given is not None:
        if given in columns:
            return given
        raise DataError(
            f"{path} has no column {given!r} for the {what}; the columns are {_names(columns)}"
        )
    by_name = {column.lower(): column for column in reversed(columns)}
    for name in known:
        if name in by_name:
            return by_name[name]
    raise DataError(
        f"{path}: no column is named {' or '.join(known)}; the columns are {_names(columns)}; "
        f"name the one with the {what} (--{what}-column)"
    )


def _cells(
    path: Path, table: _Table, column: str, what: str, convert: Callable[[Any], T | None]
) -> list[T]:
    values = [(number, convert(row.get(column))) for number, row in table.rows]
    missing = [str(number) for number, value in values if value is None]
    if missing:
        otherwise = ""
        if what == "label":
            otherwise = ", or name a separator (--label-separator) if a text may have none"
        raise DataError(
            f"{path}: {len(missing)} of {len(values)} rows have no {what} in the column "
            f"{column!r}: line {_some(missing)}; fill or remove them{otherwise}"
        )
    return [value for _, value in values if value is not None]


def _as_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _as_label(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, float) and math.isnan(value):  # as pandas writes what is missing
        return None
    if isinstance(value, (int, float)):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None


def _splitter(separator: str | None) -> Callable[[Any], tuple[str, ...] | None]:
    """What makes a cell the labels of a text, each once; None of what is no label or list."""
    if separator is not None and not separator:
        raise DataError("the separator of labels must not be empty; name one, such as '|'")

    def split(value: Any) -> tuple[str, ...] | None:
        if isinstance(value, list):
            parts = [_as_label(one) for one in value]
            return None if None in parts else tuple(dict.fromkeys(filter(None, parts)))
        if isinstance(value, str) and separator is not None:
            return tuple(dict.fromkeys(filter(None, map(str.strip, value.split(separator)))))
        one = _as_label(value)
        return None if one is None else (one,)

    return split


@contextmanager
def _unlimited_fields() -> Iterator[None]:
    # The limit of 131,072 characters is the module's own state: long texts are fine here.
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(map(repr, columns)) or "none"


def _some(items: Sequence[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more


_KINDS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
_READERS: dict[str, Callable[[str, Path], _Table]] = {
    "csv": _read_csv,
    "tsv": _read_tsv,
    "jsonl": _read_jsonl,
}
