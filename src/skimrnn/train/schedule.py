"""What changes from step to step: temperature, weight of the penalty, learning rate."""

from __future__ import annotations

import math


def temperature(steps: int, rate: float = 1e-4, floor: float = 0.5) -> float:
    """τ after so many optimiser steps with skimming on: max(floor, exp(-rate * steps))."""
    return max(floor, math.exp(-rate * steps))


def skim_weight(steps: int, weight: float, ramp_steps: int) -> float:
    """γ after so many steps with skimming on, rising linearly to ``weight`` over the ramp."""
    return weight if steps >= ramp_steps else weight * (steps + 1) / ramp_steps


def learning_rate(step: int, total: int, highest: float, schedule: str) -> float:
    """The learning rate of a step: "constant", or "cosine", falling to 0 at the last."""
    if schedule == "constant":
        return highest
    return highest * 0.5 * (1 + math.cos(math.pi * min(step / max(total, 1), 1)))
