"""Calls that ``torch.compile`` leaves alone, as it leaves torch's own recurrent layers.

Imported only where torch's compiler is: that takes a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

R = TypeVar("R")


@torch.compiler.disable  # type: ignore[untyped-decorator]
def call(function: Callable[[], R]) -> R:
    """What the function gives, computed as it is written."""
    return function()
