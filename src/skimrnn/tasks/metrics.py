"""How well predictions fit their targets."""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skimrnn.tasks.base import DataError
from skimrnn.tasks.questions import Questions

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(?:an?|the)\b")


@dataclass(frozen=True)
class SpanScores:
    """How well answers fit: two means over the questions, both between 0 and 1.

    Attributes:
        exact_match: share of the questions whose answer equals one of the true ones.
        f1: mean of the words' F1 with the nearest true answer.
        questions: how many there are.
    """

    exact_match: float
    f1: float
    questions: int


def accuracy(targets: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of predictions that equal their targets.

    Both are classes, (N,), or whether a text has each label, (N, C), of which then the whole row
    must be right.

    Raises:
        ValueError: if the two differ in shape or are empty.
    """
    wanted = np.asarray(targets, dtype=np.int64)
    given = np.asarray(predicted, dtype=np.int64)
    if wanted.shape != given.shape or wanted.ndim not in (1, 2) or not len(wanted):
        raise ValueError(
            "targets and predicted must be two lists of one length, not empty; "
            f"got shapes {wanted.shape} and {given.shape}"
        )
    same = wanted == given
    return float(np.mean(same if same.ndim == 1 else same.all(axis=1)))


def micro_f1(
    targets: ArrayLike, predicted: ArrayLike, weights: NDArray[np.floating[Any]] | None = None
) -> float:
    """Return the F1 of labels over all texts: of every label of every text, as if of one list.

    Args:
        targets: whether each text has each label, (N, C).
        predicted: whether it is given it, (N, C).
        weights: how much each text counts, (N,); all alike if None.

    Returns:
        2 hits / (labels there + labels given); 0 where there is neither.

    Raises:
        ValueError: if the two differ in shape.
    """
    wanted = np.asarray(targets, dtype=np.bool_)
    given = np.asarray(predicted, dtype=np.bool_)
    if wanted.shape != given.shape or wanted.ndim != 2:
        raise ValueError(
            "targets and predicted must be two tables of one shape, (N, C); "
            f"got shapes {wanted.shape} and {given.shape}"
        )
    each = np.ones(len(wanted)) if weights is None else weights
    hits = float(each @ (wanted & given).sum(axis=1))
    both = float(each @ (wanted.sum(axis=1) + given.sum(axis=1)))
    return 2 * hits / both if both else 0.0


def normalise_answer(text: str) -> str:
    """Return the answer as SQuAD compares it.

    It is lower-cased; ASCII punctuation goes, then the words a, an and the; white space between
    words becomes one blank.
    """
    bare = text.lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLE.sub(" ", bare).split())


def exact_match(prediction: str, truths: Sequence[str]) -> bool:
    """Return whether the answer equals one of the true ones, both normalised.

    Raises:
        ValueError: if there is no true answer.
    """
    return normalise_answer(prediction) in _normalised(truths)


def f1(prediction: str, truths: Sequence[str]) -> float:
    """Return the F1 of the answer's words with those of the true answer that gives the most.

    Words are those of `normalise_answer`, each as often as it stands there. As in SQuAD v1.1, an
    answer without words has 0, even where a true one has none either.

    Raises:
        ValueError: if there is no true answer.
    """
    words = Counter(normalise_answer(prediction).split())
    return max(_f1(words, Counter(truth.split())) for truth in _normalised(truths))


def squad_scores(questions: Questions, predictions: Mapping[str, str]) -> SpanScores:
    """Return the scores of SQuAD v1.1, as shares; its own script prints them times 100.

    Args:
        questions: what was asked, with the true answers.
        predictions: the answer to each id; a question without one has 0.

    Raises:
        DataError: if an id is that of no question.
        ValueError: if there are no questions.
    """
    if not len(questions):
        raise ValueError("questions must not be empty")
    unknown = predictions.keys() - {question.id for question in questions.questions}
    if unknown:
        raise DataError(
            f"{len(unknown)} of {len(predictions)} predictions are for no question of these, such "
            f"as {min(unknown)!r}; pass predictions for these {len(questions)} questions"
        )
    exact = total = 0.0
    for question in questions.questions:
        if (prediction := predictions.get(question.id)) is not None:
            truths = [answer.text for answer in question.answers]
            exact += exact_match(prediction, truths)
            total += f1(prediction, truths)
    return SpanScores(exact / len(questions), total / len(questions), len(questions))


def _normalised(truths: Sequence[str]) -> list[str]:
    if isinstance(truths, str) or not truths:
        raise ValueError(f"truths must be a list of one or more answers; got {truths!r}")
    return [normalise_answer(truth) for truth in truths]


def _f1(words: Counter[str], truth: Counter[str]) -> float:
    shared = (words & truth).total()
    # 2PR / (P + R) with P = shared / words and R = shared / true words.
    return 2 * shared / (words.total() + truth.total()) if shared else 0.0
