"""Memory that a training step frees is kept for the next one.

glibc hands large freed blocks back to the system at once. A step needs many of them, and each
then comes back as pages that are faulted in and zeroed one by one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # mallopt's names for them, malloc.h
_MIB = 1 << 20
_KEPT = {_MMAP_THRESHOLD: 1024 * _MIB, _TRIM_THRESHOLD: 2047 * _MIB, _TOP_PAD: 64 * _MIB}
# The largest thresholds that glibc's own rule comes to by itself, and its padding.
_AFTER = {_MMAP_THRESHOLD: 32 * _MIB, _TRIM_THRESHOLD: 64 * _MIB, _TOP_PAD: _MIB // 8}
_OWN_SETTINGS = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_")


@contextlib.contextmanager
def kept_memory() -> Iterator[None]:
    """Keep what is freed in the process, blocks of up to 1 GiB; give it back after the with-block.

    It holds for the whole process. Nothing is done without glibc, nor where the environment has
    settings of its own for glibc's malloc.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    _set(libc, _KEPT)
    try:
        yield
    finally:
        _set(libc, _AFTER)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library, if it is there to be set."""
    tuned = "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if sys.platform != "linux" or tuned or any(name in os.environ for name in _OWN_SETTINGS):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None


def _set(libc: ctypes.CDLL, options: dict[int, int]) -> None:
    for option, value in options.items():
        libc.mallopt(option, value)
