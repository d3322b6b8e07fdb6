"""``scan.cc``, compiled for this machine when it is first needed, and called through ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.classification.controls import compiler
from benchmarks.classification.controls.saved import SavedControl
from benchmarks.classification.controls.tables import padded, word_table

SOURCE = Path(__file__).with_name("scan.cc")

Array = NDArray[np.float32]


class _Control(ctypes.Structure):
    """``Control`` of ``scan.cc``."""

    _fields_ = [
        ("table", ctypes.c_void_p),
        ("head_weight", ctypes.c_void_p),
        ("head_bias", ctypes.c_void_p),
        ("words", ctypes.c_int64),
        ("classes", ctypes.c_int64),
    ]


class NativeControl:
    """Reads a text's rows in one call; immutable, to be shared by threads.

    Attributes:
        table: what is looked up per word (``tables.py``).
    """

    def __init__(self, control: SavedControl) -> None:
        self.table = word_table(control)
        classes, units = control.head_weight.shape
        self._weight = np.zeros((classes, padded(units)), np.float32)
        self._weight[:, :units] = control.head_weight
        self._bias = np.ascontiguousarray(control.head_bias)
        self._control = _Control(
            *(part.ctypes.data for part in (self.table, self._weight, self._bias)),
            *(len(control.vocabulary), classes),
        )
        self._reference = ctypes.byref(self._control)
        self._probabilities = ctypes.c_float * classes
        self._read = _function(f"read_{control.cell}", padded(units))

    def read(self, rows: NDArray[np.int32]) -> Array:
        """The probability of each class (C,) of a text given as rows of the vocabulary (T,)."""
        p = self._probabilities()
        # The rows as bytes: a copy that costs less than asking an array for its address.
        if not self._read(self._reference, rows.tobytes(), len(rows), p):
            raise ValueError(
                f"rows must be from 0 to below {self._control.words}, the words known; got "
                f"{rows.min()} to {rows.max()}"
            )
        return np.frombuffer(p, np.float32)


@cache
def _function(name: str, units: int) -> Callable[..., bool]:
    function = getattr(_library(units), name)
    pointer = ctypes.c_void_p
    function.argtypes = [pointer, ctypes.c_char_p, ctypes.c_int64, pointer]
    function.restype = ctypes.c_bool
    return function


@cache
def _library(units: int) -> ctypes.CDLL:
    return ctypes.CDLL(str(compiled(units).resolve()))


def compiled(units: int) -> Path:
    """The shared library of ``scan.cc`` for so many units, made if it is not there.

    Raises:
        RuntimeError: if there is no compiler, or it fails.
    """
    return compiler.compiled(SOURCE, f"-DUNITS={units}")
