"""What a reader carries from one part of a text to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.config import SkimConfig
from skimrnn.reference import SequenceReading


@dataclass(frozen=True, eq=False)
class Carried:
    """Where a reading forward stands: the state, what a budget counts and a router remembers.

    Attributes:
        h: hidden states, (layers, D).
        c: cell states, likewise; None but for the LSTM.
        reads: tokens read so far (level 0) in each layer, (layers,).
        tokens: tokens so far.
        memory: what each layer's router remembers, (layers, R).
    """

    h: NDArray[Any]
    c: NDArray[Any] | None
    reads: NDArray[np.int64]
    tokens: int
    memory: NDArray[Any]

    @classmethod
    def nothing(cls, config: SkimConfig, dtype: Any) -> Carried:
        """Before the first token."""
        zeros = np.zeros((config.num_layers, config.hidden_size), dtype)
        c = zeros if config.cell == "lstm" else None
        memory = np.tile(np.array(config.memory, dtype), (config.num_layers, 1))
        return cls(zeros, c, np.zeros(config.num_layers, np.int64), 0, memory)

    def after(self, read: SequenceReading, reads: NDArray[np.int64]) -> Carried:
        """After a part that was read from here, with the tokens read until its end."""
        tokens = self.tokens + read.level.shape[2]
        return Carried(read.h_n, read.c_n, reads, tokens, read.memory)
