"""What the taught recipe learns from beside a task's own texts: sentences of film reviews.

The sentences are those of IMDb's training reviews, and nobody has labelled them. A teacher says of
each how likely it is to be positive: the mean of some plain LSTMs of the task. The label of the
review that a sentence stands in is a hint too, by which the teacher's odds are changed.

Sentences that give away a text that the task holds out (``skimrnn.tasks.overlap``) are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skimrnn.files import write_atomically
from skimrnn.tasks import TextTask
from skimrnn.tasks.overlap import HeldOut
from skimrnn.tasks.splits import permutation
from skimrnn.text import scan
from skimrnn.train.teachers import load_teachers, say

FOLDER = Path("runs") / "taught"
REVIEWS = "imdb"
SENTENCES = 100_000
SHORTEST, LONGEST = 5, 45
REVIEW_LOG_ODDS = 0.7
"""What a review's label adds to the log-odds of each of its sentences."""

_ENDS = re.compile(r"(?<=[.!?])\s+|<br />")


class Taught(NamedTuple):
    """Sentences and what is learnt of them.

    Attributes:
        texts: the sentences.
        p: the probability of each of the task's labels, (M, C).
    """

    texts: list[str]
    p: NDArray[np.float32]


def write(task: TextTask, reviews: TextTask, teachers: Sequence[Path], path: Path) -> None:
    """Make the sentences with what teachers say of them, as JSON Lines.

    Args:
        task: what is to be learnt; its labels must be those of the reviews.
        reviews: the task of the reviews.
        teachers: model folders.
        path: the file to write.
    """
    found = list(sentences(task, reviews))
    p = say(load_teachers(teachers, task.labels), task.labels, [text for text, _ in found])
    p = hinted(p, np.array([target for _, target in found]))
    lines = [
        json.dumps({"text": text, "p": row}, ensure_ascii=False)
        for (text, _), row in zip(found, p.tolist(), strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def read(path: Path) -> Taught:
    """What ``write`` wrote."""
    # Not splitlines: a review may hold what other programs end a line with.
    lines = [json.loads(line) for line in path.read_text("utf-8").rstrip("\n").split("\n")]
    texts = [one["text"] for one in lines]
    return Taught(texts, np.array([one["p"] for one in lines], np.float32))


def sentences(task: TextTask, reviews: TextTask) -> Iterator[tuple[str, int]]:
    """So many different sentences, of reviews in a seeded order, each with its review's class."""
    held_out = HeldOut([*task.validation.texts, *task.test.texts])
    seen: set[str] = set()
    for review in permutation(len(reviews.train), 0).tolist():
        for text in map(str.strip, _ENDS.split(reviews.train.texts[review])):
            fits = SHORTEST <= len(scan(text).words) <= LONGEST
            if fits and text not in seen and not held_out.leaks(text):
                seen.add(text)
                yield text, int(reviews.train.targets[review])
                if len(seen) == SENTENCES:
                    return


def hinted(p: NDArray[np.float32], classes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Probabilities of two labels, (M, 2), their odds changed by what each review was, (M,)."""
    odds = np.log(p[:, 1] / p[:, 0]) + REVIEW_LOG_ODDS * (2 * classes - 1)
    positive = 1 / (1 + np.exp(-odds))
    return np.stack([1 - positive, positive], axis=1).astype(np.float32)
