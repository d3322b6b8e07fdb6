"""What is kept of every word that a model has met, so that it is made once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Remembered:
    """M rows for each of the words met; to be shared by threads.

    A word's rows are written before it is listed, and neither is changed after.
    """

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._rows: Array | None = None
        self._adding = threading.Lock()

    def __len__(self) -> int:
        return len(self._places)

    def of(self, words: Sequence[str], make: Callable[[list[str]], Array]) -> Array:
        """The rows of each word, (M, n, X).

        Args:
            words: n of them.
            make: the rows of some words that were not met before, (M, some, X).
        """
        places = self._places
        if self.new(words):
            self._add(words, make)
        assert self._rows is not None
        return self._rows.take([places[word] for word in words], axis=1)

    def new(self, words: Sequence[str]) -> list[str]:
        """Those that were not met, each once."""
        return [word for word in dict.fromkeys(words) if word not in self._places]

    def _add(self, words: Sequence[str], make: Callable[[list[str]], Array]) -> None:
        with self._adding:
            new = self.new(words)
            if not new:
                return
            made = make(new)
            before, until = len(self._places), len(self._places) + len(new)
            if self._rows is None or self._rows.shape[1] < until:
                room = np.empty((made.shape[0], 2 * until, made.shape[2]), made.dtype)
                if self._rows is not None:
                    room[:, :before] = self._rows[:, :before]
                self._rows = room
            self._rows[:, before:until] = made
            self._places.update(zip(new, range(before, until), strict=True))
