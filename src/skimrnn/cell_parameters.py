"""Which parameters the cell of a level has: its own, or those of the full cell's first units.

Written once for NumPy arrays and for torch tensors; of the latter gradients reach the full cell.

Letters: E a layer's input size, D hidden size, S skim size, G gates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skimrnn.config import SkimConfig

Array = Any
"""A NumPy array or a torch tensor."""


def cell_parameters(
    parameters: Mapping[str, Array], config: SkimConfig, level: int, suffix: str = ""
) -> tuple[Array, Array, Array | None, Array | None]:
    """weight_ih, weight_hh, bias_ih and bias_hh of a level with units; None for absent biases.

    Args:
        parameters: those of ``config.parameter_shapes()``, by name.
        config: the layer's options.
        level: which cell, 0 for the full one.
        suffix: how the names end, such as ``_l0_reverse``.

    Returns:
        (G*S, E), (G*S, seen) and twice (G*S,); of a shared cell the rows of the first S units of
        each gate, and in ``weight_hh`` the columns of what it sees.
    """
    prefix = f"skim_{level}_" if level and not config.shared else ""
    weight_ih, weight_hh = (parameters[f"{prefix}weight_{part}{suffix}"] for part in ("ih", "hh"))
    bias_ih, bias_hh = (parameters.get(f"{prefix}bias_{part}{suffix}") for part in ("ih", "hh"))
    if prefix or not level:
        return weight_ih, weight_hh, bias_ih, bias_hh

    def first(whole: Array) -> Array:
        return _first_units(whole, config.gates, config.levels[level])

    return (
        first(weight_ih),
        first(weight_hh)[:, : config.skim_seen(level)],
        None if bias_ih is None else first(bias_ih),
        None if bias_hh is None else first(bias_hh),
    )


def _first_units(whole: Array, gates: int, size: int) -> Array:
    """Of (G*D, ...) the rows of each gate's first units, (G*size, ...)."""
    others = whole.shape[1:]
    return whole.reshape(gates, -1, *others)[:, :size].reshape(gates * size, *others)
