"""What scores a batch of texts, in whatever process it finds itself."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skimrnn.reading import chosen, names_of

if TYPE_CHECKING:
    from skimrnn.runtime import Model

ADDED: dict[str, type] = {"label": str, "probability": float, "words": int, "skim_rate": float}
"""The columns that are always added, and their values' type."""
SEPARATOR = "|"
"""Between the labels of a text that has several."""
PLACES = 6
"""Decimal places of what is written."""

Columns = dict[str, list[Any]]
"""Columns by name, a value a row; None where there is nothing to say."""


@dataclass(frozen=True)
class BatchScorer:
    """Scores batches of texts; picklable, and each process loads the model once.

    Attributes:
        model: the name of a bundled model, or the path of a model folder, as ``skimrnn.load``
            takes them.
        column: the column that holds the texts.
        threshold: θ, a number or "argmax"; the model's own if None.
        budget: ceiling on the share of words read; the model's own if None.
        burst: reads allowed ahead of the budget; the model's own if None.
        precision: of the recurrent weights, "float32" or "int8".
        probabilities: whether to give the probability of every class.
        prefix: what the names of the added columns begin with.
    """

    model: str
    column: str = "text"
    threshold: float | str | None = None
    budget: float | None = None
    burst: float | None = None
    precision: str = "float32"
    probabilities: bool = False
    prefix: str = ""

    @cached_property
    def loaded(self) -> Model:
        """The model, loaded when first asked for.

        Raises:
            ValueError: if there is none, it cannot read texts, or an option is refused.
        """
        from skimrnn.runtime import load

        model = load(self.model, precision=self.precision)
        model.predict_proba("", threshold=self.threshold, budget=self.budget, burst=self.burst)
        return model

    def __getstate__(self) -> dict[str, Any]:
        return dataclasses.asdict(self)  # without the model: each process loads its own

    @cached_property
    def added(self) -> dict[str, type]:
        """The columns that it adds, and their values' type."""
        classes = self.loaded.labels if self.probabilities else ()
        every = {**ADDED, **{f"probability_{name}": float for name in classes}}
        return {self.prefix + name: kind for name, kind in every.items()}

    def score(self, texts: Sequence[Any]) -> Columns:
        """Score N texts.

        Args:
            texts: a str each; whatever else, and a text that is blank, is not read.

        Returns:
            The columns ``added``, of N values: the likeliest class, or all classes that a text has,
            ``SEPARATOR`` between them, if it may have several; the greatest probability, how many
            words the text has, the share of them skimmed, in [0, 1] and None without a word, and
            the probability of each class if wanted. All None for what was not read.
        """
        texts = list(texts)  # a pandas column is asked by its index, not by place
        read = [index for index, text in enumerate(texts) if is_text(text)]
        found = self.loaded.predict_counted(
            [texts[index] for index in read],
            threshold=self.threshold,
            budget=self.budget,
            burst=self.burst,
        )
        labels = self.loaded.labels
        which = chosen(found.probabilities, self.loaded.multilabel)
        rounded = found.probabilities.astype(float).round(PLACES)
        rates = found.skim_rate.round(PLACES).tolist()
        columns: list[list[Any]] = [
            [SEPARATOR.join(names_of(row, labels)) for row in which],
            rounded.max(axis=1, initial=0.0).tolist(),
            found.words.tolist(),
            [None if math.isnan(rate) else rate for rate in rates],
        ]
        if self.probabilities:
            columns += rounded.T.tolist()
        if len(read) < len(texts):
            columns = [_spread(column, read, len(texts)) for column in columns]
        return dict(zip(self.added, columns, strict=True))


def is_text(value: Any) -> bool:
    """Whether this can be read: a str with something in it."""
    return isinstance(value, str) and bool(value.strip())


def _spread(values: list[Any], places: list[int], count: int) -> list[Any]:
    column: list[Any] = [None] * count
    for place, value in zip(places, values, strict=True):
        column[place] = value
    return column
