"""Torch's threads, for the commands that train."""

from __future__ import annotations

import os


def use_threads(threads: int | None) -> None:
    """Make torch's threads sleep while they wait, and set their number if it is given.

    Call it before torch is imported. OpenMP's threads spin unless told otherwise. Where others want
    the same cores, one that spins keeps those it waits for from running, and a step of small
    products takes many times as long.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if threads is not None:
        from skimrnn.train import set_threads

        set_threads(threads)
