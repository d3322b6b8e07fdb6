"""What a reader carries from one part of a text to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.config import SkimConfig


@dataclass(frozen=True, eq=False)
class Carried:
    """Where a reading forward stands: the state, and what a budget counts.

    Attributes:
        h: hidden states, (layers, D).
        c: cell states, likewise; None but for the LSTM.
        reads: tokens read so far (level 0) in each layer, (layers,).
        tokens: tokens so far.
    """

    h: NDArray[Any]
    c: NDArray[Any] | None
    reads: NDArray[np.int64]
    tokens: int

    @classmethod
    def nothing(cls, config: SkimConfig, dtype: Any) -> Carried:
        """Before the first token."""
        zeros = np.zeros((config.num_layers, config.hidden_size), dtype)
        c = zeros if config.cell == "lstm" else None
        return cls(zeros, c, np.zeros(config.num_layers, np.int64), 0)
