"""Rotten Tomatoes snippets (sentence polarity v1.0), from ``rt-polarity.pos`` and ``.neg``.

Pang and Lee, ACL 2005. There is no official split; the paper's sizes are drawn at random.
"""

from pathlib import Path
from typing import Any

import numpy as np

from skimrnn.tasks.base import Examples, TextTask, make_task
from skimrnn.tasks.sources import file_record, folders_to_try, read_lines
from skimrnn.tasks.splits import random_split, rows_apart, split_sizes

LABELS = ("negative", "positive")
EXPECTED = "mr/rt-polarity.{pos,neg} or rt-polaritydata/rt-polarity.{pos,neg}"
PUBLISHED = (8_530, 1_066, 1_066)

_FOLDERS = (
    "mr",
    "rotten-tomatoes",
    "rotten_tomatoes",
    "rt-polaritydata",
    "rt-polaritydata/rt-polaritydata",
)


def load(data_dir: Path, *, seed: int = 0) -> TextTask | None:
    """Return the task read from the folder, or None if the two files are not there.

    The split is a plain random one of the paper's sizes (not stratified).
    """
    for folder in folders_to_try(data_dir, _FOLDERS):
        paths = [folder / "rt-polarity.neg", folder / "rt-polarity.pos"]
        if all(path.is_file() for path in paths):
            # The files are Windows-1252, and byte 0x85 is a character there, not a line end.
            classes = [read_lines(path, encoding="cp1252") for path in paths]
            targets = np.repeat(np.arange(2), [len(lines) for lines in classes])
            files = [file_record(path, folder) for path in paths]
            examples = Examples(classes[0] + classes[1], targets)
            return split_task(examples, {"source": "files", "files": files}, seed=seed)
    return None


def split_task(examples: Examples, provenance: dict[str, Any], *, seed: int) -> TextTask:
    """Return the task: a seeded random split of all snippets into the paper's sizes."""
    sizes = split_sizes(len(examples), PUBLISHED)
    rows = random_split(len(examples), sizes, seed)
    splits = dict(zip(("train", "validation", "test"), map(examples.take, rows), strict=True))
    return finish_task(splits, {**provenance, "seed": seed, "split": "random, not stratified"})


def finish_task(splits: dict[str, Examples], record: dict[str, Any]) -> TextTask:
    """Return the task without the training snippets that occur again in validation or test."""
    train = splits["train"]
    keep = rows_apart(train.texts, [*splits["validation"].texts, *splits["test"].texts])
    dropped = {"train_snippets_equal_to_a_held_out_one": len(train) - len(keep)}
    splits = {**splits, "train": train.take(keep)}
    return make_task("rotten-tomatoes", LABELS, splits, {**record, "dropped": dropped})
