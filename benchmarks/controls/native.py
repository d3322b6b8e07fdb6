"""``scan.cc``, compiled for this machine when it is first needed, and called through ctypes."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import secrets
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.controls.saved import SavedControl
from benchmarks.controls.tables import padded, word_table
from benchmarks.machine import cpu

SOURCE = Path(__file__).with_name("scan.cc")
FOLDER = Path("runs") / "controls"
FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffast-math", "-fPIC")
WIDE = "-mprefer-vector-width=512"
"""Where there are such vectors, compilers stay at half of them unless told."""

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
    name = os.environ.get("CXX", "c++")
    compiler = shutil.which(name)
    if compiler is None:
        raise RuntimeError(
            f"the controls read with {SOURCE.name}, and there is no C++ compiler {name!r} to make "
            "it with; install one, or name another in CXX"
        )
    flags = [*FLAGS, f"-DUNITS={units}"]
    if platform.machine() in ("x86_64", "AMD64"):
        flags.append(WIDE)
    version = _run([compiler, "--version"])
    key = "\n".join([*flags, version, cpu()]).encode() + SOURCE.read_bytes()
    library = FOLDER / f"scan-{hashlib.sha256(key).hexdigest()[:16]}.so"
    if not library.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        unfinished = library.with_suffix(f".{secrets.token_hex(4)}")
        made = f"{unfinished}.o"
        _run([compiler, *flags, "-c", str(SOURCE), "-o", made])
        # Linked without -ffast-math, with which some compilers change the caller's handling of
        # denormal numbers as soon as the library is loaded.
        _run([compiler, "-shared", made, "-o", str(unfinished)])
        os.unlink(made)
        unfinished.replace(library)
    return library


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed; its words were:\n{done.stderr}")
    return done.stdout
