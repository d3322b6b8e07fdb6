"""IMDb Large Movie Reviews from the ``aclImdb`` folder, or from its archive read in place.

Maas et al., ACL 2011.
"""

import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from skimrnn.tasks.base import DataError, Examples, TextTask, make_task
from skimrnn.tasks.sources import decode, file_record, folders_to_try, many_files_record
from skimrnn.tasks.splits import random_split, split_sizes

LABELS = ("negative", "positive")
EXPECTED = "imdb/aclImdb/{train,test}/{pos,neg} or an archive imdb/aclImdb*.tar.{gz,xz}"
PUBLISHED = (21_143, 3_857)
PUBLISHED_TEST = 25_000

_FOLDERS = ("imdb", "IMDB", "aclImdb", "imdb/aclImdb", "IMDB/aclImdb")
_ARCHIVES = ("aclImdb*.tar.gz", "aclImdb*.tgz", "aclImdb*.tar.xz")
_REVIEW = re.compile(r"(?:^|/)(train|test)/(neg|pos)/((\d+)_\d+\.txt)$")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)

Review = tuple[str, str, int, str, bytes]  # split, class, number, file name, content


def load(data_dir: Path, *, seed: int = 0) -> TextTask | None:
    """Return the task read from the folder or archive, or None if neither is there.

    Raises:
        DataError: if the archive is damaged, or a class of a split has no review.
    """
    folders = folders_to_try(data_dir, _FOLDERS)
    for folder in folders:
        if (folder / "train" / "pos").is_dir() and (folder / "test" / "pos").is_dir():
            reviews = sorted(_walk_folder(folder))
            name = folder.resolve().name
            files = [
                many_files_record(
                    f"{name}/{part}/{kind}",
                    ((file, data) for s, k, _, file, data in reviews if (s, k) == (part, kind)),
                )
                for part in ("train", "test")
                for kind in ("neg", "pos")
            ]
            return _make(reviews, str(folder), files, seed)
    for folder in folders:
        for pattern in _ARCHIVES:
            for archive in sorted(folder.glob(pattern)):
                reviews = sorted(_walk_archive(archive))
                return _make(reviews, str(archive), [file_record(archive, folder)], seed)
    return None


def split_task(
    train: Examples, test: Examples, provenance: dict[str, Any], *, seed: int
) -> TextTask:
    """Return the task: validation is cut from the training reviews, in the paper's sizes."""
    sizes = split_sizes(len(train), PUBLISHED)
    kept, held_out = random_split(len(train), sizes, seed)
    in_test = set(test.texts)
    record = {
        **provenance,
        "seed": seed,
        "split": "the published test; validation is a random part of the published train",
        "complete": (len(train), len(test)) == (sum(PUBLISHED), PUBLISHED_TEST),
        "train_reviews_that_are_also_in_test": sum(text in in_test for text in train.texts),
    }
    splits = {"train": train.take(kept), "validation": train.take(held_out), "test": test}
    return make_task("imdb", LABELS, splits, record)


def clean(text: str) -> str:
    """Return the review with a line break for each ``<br />``."""
    return _BREAK.sub("\n", text).strip()


def _make(reviews: list[Review], where: str, files: list[dict[str, Any]], seed: int) -> TextTask:
    parts = {}
    for part in ("train", "test"):
        texts: list[str] = []
        targets: list[int] = []
        for target, kind in enumerate(("neg", "pos")):
            chosen = [r for r in reviews if r[:2] == (part, kind)]
            if not chosen:
                raise DataError(f"{where} has no review {part}/{kind}/NUMBER_RATING.txt")
            texts += [clean(decode(data, f"{part}/{kind}/{n}")) for *_, n, data in chosen]
            targets += [target] * len(chosen)
        parts[part] = Examples(texts, np.array(targets))
    provenance = {"source": "files", "files": files}
    return split_task(parts["train"], parts["test"], provenance, seed=seed)


def _walk_folder(folder: Path) -> Iterator[Review]:
    for part in ("train", "test"):
        for kind in ("neg", "pos"):
            for path in (folder / part / kind).glob("*.txt"):
                if (match := _REVIEW.search(path.as_posix())) is not None:
                    yield part, kind, int(match[4]), path.name, path.read_bytes()


def _walk_archive(archive: Path) -> Iterator[Review]:
    # A stream is read once from front to end, so nothing is unpacked to disk. It is unpacked
    # outside of tarfile, which takes the broken end of a stream of its own for the real one.
    unpack = lzma.open if archive.suffix == ".xz" else gzip.open
    try:
        with unpack(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as members:
            yield from _reviews_of(members)
            while stream.read(1 << 20):  # to the checksum at its end
                pass
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        raise DataError(f"{archive} cannot be read: {error}") from error


def _reviews_of(members: tarfile.TarFile) -> Iterable[Review]:
    for member in members:
        match = _REVIEW.search(member.name) if member.isfile() else None
        if match is not None:
            content = members.extractfile(member)
            assert content is not None
            yield match[1], match[2], int(match[4]), match[3], content.read()
