"""Reading: what reading one text produced, token by token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skimrnn import cost
from skimrnn.config import SkimConfig
from skimrnn.decision import Rule
from skimrnn.text import Words, scan

CHOSEN_FROM = 0.5
"""A label of a multi-label model is chosen from this probability on."""


class _Read:
    """What every reading of a text can say of its tokens."""

    text: str
    level: NDArray[np.int8]
    p: NDArray[np.float32]
    rule: Rule | None
    config: SkimConfig

    def __len__(self) -> int:
        """T, the number of tokens."""
        return int(self.level.shape[-1])

    @property
    def threshold(self) -> float | str | None:
        """θ as it was for this text; None where levels were given."""
        return None if self.rule is None else self.rule.threshold

    @property
    def budget(self) -> float | None:
        """The ceiling on reads as it was for this text; None if there was none."""
        return None if self.rule is None else self.rule.budget

    @property
    def skimmed(self) -> NDArray[np.bool_]:
        """Whether each token was skimmed, (layers, directions, T)."""
        return np.asarray(self.level > 0)

    @property
    def skim_rate(self) -> float | None:
        """Share of (token, layer, direction) that was skimmed, in [0, 1]; None without a token."""
        return skim_rate([self.level])

    def cost(self) -> cost.Cost:
        """The operations it took, against reading every token."""
        return cost.count(self.config, [self.level])

    @cached_property
    def _scanned(self) -> Words:
        return scan(self.text)

    @property
    def words(self) -> list[str]:
        """The T tokens as the model looked them up; made when first asked for."""
        return self._scanned.words

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each token starts in ``text``, in code points."""
        return self._scanned.starts

    @property
    def ends(self) -> NDArray[np.int64]:
        """Where each token ends in ``text``, in code points; one past the last."""
        return self._scanned.ends


@dataclass(frozen=True, eq=False)
class Reading(_Read):
    """What reading one text produced.

    Attributes:
        text: the text as it was given (bytes decoded).
        labels: the C classes of the model.
        probabilities: probability of each class, float32 (C,).
        level: level at which each token was taken, int8 (layers, directions, T), in text order;
            0 is read, 1 and above is skimmed.
        p: the router's probabilities, float32 (layers, directions, T, K), in text order.
        rule: the threshold and budget that chose the levels; None where the caller gave them.
        config: the options of the layers that read.
        multilabel: whether each label is there or not by itself; the probabilities then do not
            add up to 1.
    """

    text: str
    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    level: NDArray[np.int8]
    p: NDArray[np.float32]
    rule: Rule | None
    config: SkimConfig
    multilabel: bool = False

    @property
    def label(self) -> str:
        """The likeliest class; the first of them if several are equal."""
        return self.labels[int(np.argmax(self.probabilities))]

    @property
    def chosen(self) -> tuple[str, ...]:
        """The labels that the text has: of a multi-label model those from 0.5 on, maybe none.

        In the order of ``labels``; of any other model ``label`` alone.
        """
        return names_of(chosen(self.probabilities, self.multilabel), self.labels)


@dataclass(frozen=True, eq=False)
class AnswerReading(_Read):
    """The answer that was found in a context, and what reading the context took.

    Attributes:
        text: the context as it was given.
        question: the question as it was given.
        start: where the answer starts in ``text``, in code points.
        end: where it ends; one past its last code point.
        probability: of these two ends, by the model's two distributions over the words.
        level: level at which each context word was taken, int8 (layers, directions, T).
        p: the router's probabilities, float32 (layers, directions, T, K).
        rule: the threshold and budget that chose the levels.
        config: the options of the layers that read the context.
    """

    text: str
    question: str
    start: int
    end: int
    probability: float
    level: NDArray[np.int8]
    p: NDArray[np.float32]
    rule: Rule | None
    config: SkimConfig

    @property
    def answer(self) -> str:
        """The part of the context that answers."""
        return self.text[self.start : self.end]

    @property
    def label(self) -> str:
        """The answer, as what a text is labelled with."""
        return self.answer

    @property
    def labels(self) -> tuple[str, ...]:
        """The answer alone."""
        return (self.answer,)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The answer alone."""
        return (self.answer,)

    @property
    def multilabel(self) -> bool:
        """Never: there is one answer."""
        return False

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """The answer's probability, (1,)."""
        return np.array([self.probability])

    @property
    def skim_rates(self) -> NDArray[np.float64]:
        """Share of context words that each layer and direction skimmed, (layers, directions)."""
        return np.asarray(self.skimmed.mean(axis=2))


class TextReading(NamedTuple):
    """What an implementation gives for one text; ``Reading`` says what each is.

    Attributes:
        probabilities: (C,).
        level: (layers, directions, T).
        p: (layers, directions, T, K).
    """

    probabilities: NDArray[np.float32]
    level: NDArray[np.int8]
    p: NDArray[np.float32]


def chosen(probabilities: NDArray[Any], multilabel: bool) -> NDArray[np.bool_]:
    """Which labels a text has by its probabilities (..., C), bool (..., C).

    Of a multi-label model those from ``CHOSEN_FROM`` on; of any other the likeliest, the first of
    them if several are equal.
    """
    if multilabel:
        return np.asarray(probabilities >= CHOSEN_FROM)
    likeliest = np.argmax(probabilities, axis=-1)
    return np.asarray(np.arange(probabilities.shape[-1]) == likeliest[..., None])


def names_of(chosen: NDArray[np.bool_], labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels that are chosen, bool (C,), in their order."""
    return tuple(label for label, one in zip(labels, chosen.tolist(), strict=True) if one)


def skim_rate(levels: Iterable[NDArray[Any]]) -> float | None:
    """Share of entries with level > 0, pooled over all arrays; None if there is no entry."""
    skimmed = total = 0
    for level in levels:
        skimmed += int(np.count_nonzero(level))
        total += level.size
    return skimmed / total if total else None
