"""The C++ extension, if there is one, and the instruction sets to run it with.

It may be absent (no compiler when the package was installed): models are then read with NumPy,
and trained with torch alone.
"""

from __future__ import annotations

import os

__all__ = ["ENVIRONMENT_VARIABLE", "instruction_sets", "kernels", "named_implementation"]

try:
    from skimrnn import _native as kernels
except ImportError:
    kernels = None  # type: ignore[assignment]

ENVIRONMENT_VARIABLE = "SKIMRNN_IMPLEMENTATION"
"""Names the implementation to read and train with; an unknown name is an error."""


def instruction_sets() -> tuple[str, ...]:
    """Those that this machine can run, fastest first; none without the extension."""
    return () if kernels is None else tuple(kernels.runnable())


def named_implementation() -> str | None:
    """What the environment names, None if nothing."""
    return os.environ.get(ENVIRONMENT_VARIABLE) or None
