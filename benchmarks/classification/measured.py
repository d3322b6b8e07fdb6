"""What a run's file says of a model on texts, the same for every kind of row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Measured = dict[str, Any]


def measured(correct: NDArray[np.bool_], tokens: int, **counted: float | None) -> Measured:
    """Accuracy, and what was counted.

    Args:
        correct: which texts are labelled rightly, (N,).
        tokens: words of all texts.
        counted: skim rate and ratios of operations, where the row has them.
    """
    return {
        "texts": len(correct),
        "tokens": tokens,
        "accuracy": float(correct.mean()),
        "skim_rate": None,
        "flop_reduction": None,
        "flop_reduction_per_text": None,
        "recurrent_reduction": None,
        **counted,
        "correct": np.packbits(correct).tobytes().hex(),
    }
