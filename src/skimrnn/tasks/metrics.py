"""Accuracy and the table of confusions."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def accuracy(targets: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of predictions, (N,), that equal their targets, (N,).

    Raises:
        ValueError: if the two differ in shape or are empty.
    """
    wanted, given = _pair(targets, predicted)
    return float(np.mean(wanted == given))


def confusion(targets: ArrayLike, predicted: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Return how often each target (row) got each prediction (column), (C, C).

    Raises:
        ValueError: if the two differ in shape, are empty, or name a class that does not exist.
    """
    wanted, given = _pair(targets, predicted)
    for name, rows in (("targets", wanted), ("predicted", given)):
        if rows.min() < 0 or rows.max() >= classes:
            raise ValueError(
                f"{name} must be between 0 and {classes - 1}; "
                f"got {int(rows.min())} to {int(rows.max())}"
            )
    counts = np.bincount(wanted * classes + given, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def _pair(targets: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    wanted = np.asarray(targets, dtype=np.int64)
    given = np.asarray(predicted, dtype=np.int64)
    if wanted.shape != given.shape or wanted.ndim != 1 or not len(wanted):
        raise ValueError(
            "targets and predicted must be two lists of one length, not empty; "
            f"got shapes {wanted.shape} and {given.shape}"
        )
    return wanted, given
