r"""AG News topics from ``train.csv`` and ``test.csv``, or a named subset of the training rows.

Zhang, Zhao and LeCun, NIPS 2015. Rows are class (1 … 4), title and description, all quoted.
"""

import csv
import gzip
import html
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from skimrnn.tasks.base import DataError, Examples, TextTask, make_task
from skimrnn.tasks.rows import csv_rows
from skimrnn.tasks.sources import file_record, folders_to_try, read_text
from skimrnn.tasks.splits import random_split, split_sizes

LABELS = ("World", "Sports", "Business", "Sci/Tech")
EXPECTED = "ag_news/train.csv (or ag_news/train_subset.csv.gz) and ag_news/test.csv"
PUBLISHED = (101_851, 18_149)

_FOLDERS = ("ag_news", "ag_news_csv", "ag-news", "agnews")
_TRAIN = ("train.csv", "train.csv.gz", "train_subset.csv", "train_subset.csv.gz")
_TEST = ("test.csv", "test.csv.gz")

# The corpus lost the "&" of most entities: a blank stands in its place.
_BARE_NUMBER = re.compile(r" ?(?<!&)#(\d{2,5}|x[0-9a-fA-F]{2,5});")
_BARE_NAME = re.compile(
    r" ?(?<!&)\b(quot|amp|lt|gt|nbsp|hellip|[lr][sd]quo|[mn]dash"
    r"|[a-zA-Z](?:acute|grave|circ|uml|tilde|cedil));"
)
# Only HTML's own names: "<TXN.N>" is a ticker symbol, part of the text.
_TAG = re.compile(
    r"</?(?:a|b|big|blockquote|br|center|cite|div|em|font|hr|i|img|li|nobr|ol|p|small|span|strong"
    r"|sub|sup|table|td|tr|tt|u|ul)(?:[\s/][^<>]*)?>",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"[ \t\xa0]+")


def load(data_dir: Path, *, seed: int = 0) -> TextTask | None:
    """Return the task read from the folder, or None if it is not there.

    Unless there are exactly the 120,000 published training rows, the task's name is
    ``ag-news-subset``: its accuracy is not comparable with published figures.

    Raises:
        DataError: if a row is not a class from 1 to 4, a title and a description.
    """
    for folder in folders_to_try(data_dir, _FOLDERS):
        train = next((folder / name for name in _TRAIN if (folder / name).is_file()), None)
        test = next((folder / name for name in _TEST if (folder / name).is_file()), None)
        if train is None or test is None or not (_is_ours(train) and _is_ours(test)):
            continue
        files = [file_record(path, folder) for path in (train, test)]
        provenance = {"source": "files", "files": files}
        return split_task(_read(train), _read(test), provenance, seed=seed)
    return None


def split_task(
    train: Examples, test: Examples, provenance: dict[str, Any], *, seed: int
) -> TextTask:
    """Return the task: validation is cut at random from the training rows, as in the paper."""
    kept, held_out = random_split(len(train), split_sizes(len(train), PUBLISHED), seed)
    complete = len(train) == sum(PUBLISHED)
    record = {
        **provenance,
        "seed": seed,
        "split": "the published test; validation is a random part of the published train",
        "complete": complete,
    }
    if not complete:
        record["note"] = (
            f"{len(train)} of the {sum(PUBLISHED)} training rows: not comparable with "
            "published figures"
        )
    splits = {"train": train.take(kept), "validation": train.take(held_out), "test": test}
    return make_task("ag-news" if complete else "ag-news-subset", LABELS, splits, record)


def clean(text: str) -> str:
    r"""Return the text without the corpus's mark-up.

    A backslash is a line break; entities become their characters, also those whose ``&`` was
    lost (`` #39;``, `` quot;``), together with the blank that took its place; HTML tags become
    a blank; runs of blanks become one.
    """
    text = text.replace("\\", "\n")
    text = _BARE_NUMBER.sub(r"&#\1;", text)
    text = _BARE_NAME.sub(r"&\1;", text)
    text = _TAG.sub(" ", html.unescape(text))
    return _BLANKS.sub(" ", text).strip()


def _is_ours(path: Path) -> bool:
    # Somebody's own data folder may hold a train.csv and a test.csv too.
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", errors="replace") as file:
            first = next(csv.reader([file.readline()]), [])
    except csv.Error:
        return False
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return len(first) == 3 and first[0].strip() in {"1", "2", "3", "4"}


def _read(path: Path) -> Examples:
    texts: list[str] = []
    targets: list[int] = []
    for line, row in csv_rows(read_text(path), path):
        if not row:
            continue
        if len(row) != 3 or row[0].strip() not in {"1", "2", "3", "4"}:
            raise DataError(
                f"{path}, line {line}: expected a class from 1 to 4, a title and a "
                f"description; got {len(row)} columns, the first {row[0][:20]!r}"
            )
        # No full stop is put between the two: the words are exactly those of the corpus.
        texts.append(f"{clean(row[1])}\n{clean(row[2])}")
        targets.append(int(row[0]) - 1)
    return Examples(texts, np.array(targets, dtype=np.int64))
