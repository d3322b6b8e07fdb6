"""How well predictions fit their targets."""

import numpy as np
from numpy.typing import ArrayLike


def accuracy(targets: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of predictions, (N,), that equal their targets, (N,).

    Raises:
        ValueError: if the two differ in shape or are empty.
    """
    wanted = np.asarray(targets, dtype=np.int64)
    given = np.asarray(predicted, dtype=np.int64)
    if wanted.shape != given.shape or wanted.ndim != 1 or not len(wanted):
        raise ValueError(
            "targets and predicted must be two lists of one length, not empty; "
            f"got shapes {wanted.shape} and {given.shape}"
        )
    return float(np.mean(wanted == given))
