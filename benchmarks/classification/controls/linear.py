"""``linear.cc``: what n-grams and averaged vectors say of a text, in one native call."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.classification import ngrams
from benchmarks.classification.controls.compiler import compiled
from benchmarks.classification.controls.tables import aligned

SOURCE = Path(__file__).with_name("linear.cc")

Array = NDArray[np.float32]


class _Linear(ctypes.Structure):
    """``Linear`` of ``linear.cc``."""

    _fields_ = [
        ("weights", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("words", ctypes.c_int64),
        ("longest", ctypes.c_int64),
    ]


class NativeLinear:
    """Scores a text's rows in one call; immutable, to be shared by threads.

    Args:
        function: its name in ``linear.cc``.
        weights: (features, C), copied.
        bias: (C,).
        words: V, the first of the features.
        longest: words of the longest run that is a feature.

    Raises:
        RuntimeError: if there is no compiler, or it fails.
    """

    implementation = SOURCE.name

    def __init__(
        self, function: str, weights: Array, bias: Array, words: int, longest: int = 1
    ) -> None:
        features, scores = weights.shape
        self._score = getattr(_library(scores, ngrams.BUCKETS), function)
        pointer = ctypes.c_void_p
        self._score.argtypes = [pointer, ctypes.c_char_p, ctypes.c_int64, pointer]
        self._score.restype = ctypes.c_bool
        self._weights = aligned((features, stride(scores)))
        self._weights[:, :scores] = weights
        self._weights[:, scores:] = 0
        self._bias = np.ascontiguousarray(bias, np.float32)
        data = self._weights.ctypes.data, self._bias.ctypes.data
        self._model = _Linear(*data, words, longest)
        self._reference = ctypes.byref(self._model)
        self._probabilities = ctypes.c_float * max(scores, 2)

    def probabilities(self, rows: NDArray[np.int32]) -> Array:
        """The probability of each class, (C,), of a text given as rows of the vocabulary (T,).

        Raises:
            ValueError: if a row is outside of the vocabulary.
        """
        p = self._probabilities()
        # The rows as bytes: a copy that costs less than asking an array for its address.
        if not self._score(self._reference, rows.tobytes(), len(rows), p):
            raise ValueError(
                f"rows must be from 0 to below {self._model.words}, the words known; got "
                f"{rows.min()} to {rows.max()}"
            )
        return np.frombuffer(p, np.float32)


def native_ngrams(model: ngrams.Ngrams) -> NativeLinear:
    """``Ngrams.probabilities``, natively."""
    weights = model.weights.T
    return NativeLinear("score_ngrams", weights, model.bias, model.words, model.longest)


def native_averages(weights: Array, bias: Array) -> NativeLinear:
    """``Averages.probabilities`` of the rows, natively; (V, C) and (C,), as there."""
    return NativeLinear("score_averages", weights, bias, len(weights))


def stride(scores: int) -> int:
    """Floats from a feature's weights to the next one's: a power of two."""
    return 1 << (scores - 1).bit_length()


@cache
def _library(scores: int, buckets: int) -> ctypes.CDLL:
    flags = (f"-DSCORES={scores}", f"-DBUCKETS={buckets}", f"-DMIX={ngrams.MIX}")
    return ctypes.CDLL(str(compiled(SOURCE, *flags).resolve()))
