"""What a task is: labelled texts in three splits, and a record of where they came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


class DataError(ValueError):
    """Data that cannot be read or used; the message says which, why, and what to do."""


Targets = NDArray[np.int64] | NDArray[np.bool_]


@dataclass(frozen=True)
class Examples:
    """Texts with their classes.

    ``targets`` is (N,) int64: the row of each text's label in the task's ``labels``; or, for
    multi-label data, (N, C) bool: whether each text has each of them, maybe none. It is copied and
    made read-only.
    """

    texts: list[str]
    targets: Targets

    def __post_init__(self) -> None:
        given, count = np.array(self.targets), len(self.texts)
        several = given.ndim == 2 and given.dtype == np.bool_
        targets: NDArray[Any] = given if several else given.astype(np.int64)
        if targets.ndim != 1 + several or len(targets) != count:
            raise ValueError(
                f"targets must have one entry for each of the {count} texts; got shape "
                f"{targets.shape} (the entries of multi-label texts are rows of booleans)"
            )
        targets.setflags(write=False)
        object.__setattr__(self, "targets", targets)

    @property
    def multilabel(self) -> bool:
        """Whether a text may have several labels, or none."""
        return self.targets.ndim == 2

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> "Examples":
        """Return the examples of these rows, in this order."""
        index = np.asarray(rows, dtype=np.int64)
        targets: Any = self.targets  # of either kind, which no type says
        return Examples([self.texts[row] for row in index.tolist()], targets[index])

    @staticmethod
    def join(parts: Sequence["Examples"]) -> "Examples":
        """Return all examples of the parts, one part after the other."""
        texts = [text for part in parts for text in part.texts]
        targets: list[Any] = [part.targets for part in parts] or [np.zeros(0, dtype=np.int64)]
        return Examples(texts, np.concatenate(targets))

    def among(self, places: Sequence[int], classes: int) -> "Examples":
        """Return the same texts with classes of another list.

        Args:
            places: the row in that list of each class here.
            classes: how many the other list has.
        """
        if not self.multilabel:
            return Examples(self.texts, np.array(places, dtype=np.int64)[self.targets])
        targets = np.zeros((len(self), classes), dtype=np.bool_)
        targets[:, places] = self.targets
        return Examples(self.texts, targets)

    def as_multilabel(self, classes: int) -> "Examples":
        """Return the same texts as multi-label data of so many classes, one label each."""
        if self.multilabel:
            return self
        one_each: NDArray[np.bool_] = self.targets[:, None] == np.arange(classes)
        return Examples(self.texts, one_each)


@dataclass(frozen=True)
class TextTask:
    """A text classification task, ready for training.

    ``record`` holds only JSON types: the source, the files with their digests, the seed and the
    rule of the split, what was dropped, and the counts of every split and label.

    Raises:
        DataError: if there are fewer than two labels, a split is empty, or the training
            examples do not hold at least two of the labels; for multi-label data, if every
            training text has the same labels.
        ValueError: if labels repeat, a target names no label, or some splits alone are
            multi-label.
    """

    name: str
    labels: tuple[str, ...]
    train: Examples
    validation: Examples
    test: Examples
    record: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"labels must differ from each other; got {self.labels}")
        for split, examples in self.splits().items():
            if not len(examples):
                raise DataError(f"{self.name}: the {split} split is empty; give it examples")
            if examples.multilabel != self.multilabel:
                raise ValueError(f"{self.name}: some splits are multi-label and some are not")
            if self.multilabel:
                if examples.targets.shape[1] != len(self.labels):
                    raise ValueError(
                        f"{self.name}: targets must have a column for each of the "
                        f"{len(self.labels)} labels; the {split} split has "
                        f"{examples.targets.shape[1]}"
                    )
                continue
            low, high = int(examples.targets.min()), int(examples.targets.max())
            if low < 0 or high >= len(self.labels):
                raise ValueError(
                    f"{self.name}: targets must be between 0 and {len(self.labels) - 1}; "
                    f"the {split} split has {low} to {high}"
                )
        seen = np.unique(self.train.targets, axis=0)
        if len(seen) < 2 and self.multilabel:
            same = ", ".join(repr(self.labels[row]) for row in np.flatnonzero(seen[0])) or "none"
            raise DataError(
                f"{self.name}: every training text has the same labels ({same}); "
                "there is nothing to learn"
            )
        if len(seen) < 2:
            only = self.labels[int(seen[0])]
            raise DataError(
                f"{self.name}: every training text has the label {only!r}; "
                "a classifier needs at least two labels"
            )

    @property
    def multilabel(self) -> bool:
        """Whether a text may have several labels, or none."""
        return self.train.multilabel

    def splits(self) -> dict[str, Examples]:
        """Return the three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def make_task(
    name: str,
    labels: Sequence[str],
    splits: Mapping[str, Examples],
    record: Mapping[str, Any],
) -> TextTask:
    """Return the task, its record completed by the name, the labels and the counts."""
    counts = {
        split: {"texts": len(examples), **count_labels(examples, labels)}
        for split, examples in splits.items()
    }
    return TextTask(
        name=name,
        labels=tuple(labels),
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        record={"name": name, "labels": list(labels), **record, "counts": counts},
    )


def count_labels(examples: Examples, labels: Sequence[str]) -> dict[str, int]:
    """Return how many examples each label has, zeros included."""
    if examples.multilabel:
        counts = examples.targets.sum(axis=0)
    else:
        counts = np.bincount(examples.targets, minlength=len(labels))
    return {label: int(count) for label, count in zip(labels, counts, strict=True)}
