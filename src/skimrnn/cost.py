"""What reading costs in multiply-accumulates: the one place that defines "x fewer operations".

Counted per token, layer and direction, with G gates, D hidden and S skim units, E that layer's
own inputs and |s| the router's part of the state:

    read      = G * D * (E + D)
    skim(S)   = G * S * (E + S) for skim_input="prefix";  G * S * (E + D) for "full"
    router    = K * (E + |s|)    (the "softmax" one; another says its own) on every token of a
                                 layer with K > 1, whoever picks the level

Embedding look-up, biases and element-wise work are left out. The recurrent count leaves out
every E as well: what is left when the input part is looked up per word. None of this is time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.config import SkimConfig
from skimrnn.routers import find_router


@dataclass(frozen=True)
class Cost:
    """Operations counted over one or more texts.

    Attributes:
        read_all: had every token been read and no router run, one count per text.
        taken: for the levels really taken, router included, one count per text.
        recurrent_read_all: as ``read_all``, without the input part.
        recurrent_taken: as ``taken``, without the input part.
    """

    read_all: tuple[int, ...]
    taken: tuple[int, ...]
    recurrent_read_all: tuple[int, ...]
    recurrent_taken: tuple[int, ...]

    @property
    def flop_reduction(self) -> float | None:
        """Sum of reading everything over sum of what was done; None without a token."""
        return _ratio(sum(self.read_all), sum(self.taken))

    @property
    def flop_reduction_per_text(self) -> float | None:
        """Mean of the texts' own ratios, texts without a token left out; None if none is left."""
        ratios = [a / b for a, b in zip(self.read_all, self.taken, strict=True) if b]
        return float(np.mean(ratios)) if ratios else None

    @property
    def recurrent_reduction(self) -> float | None:
        """As ``flop_reduction`` with the input part looked up per word; None without a token."""
        return _ratio(sum(self.recurrent_read_all), sum(self.recurrent_taken))


def level_operations(config: SkimConfig, layer: int, *, recurrent: bool = False) -> list[int]:
    """Operations of one token at each level in this layer, the router left out."""
    inputs = 0 if recurrent else config.layer_input_size(layer)
    seen = [config.hidden_size] + [config.skim_seen(k) for k in range(1, len(config.levels))]
    return [
        config.gates * size * (inputs + part)
        for size, part in zip(config.levels, seen, strict=True)
    ]


def router_operations(config: SkimConfig, layer: int, *, recurrent: bool = False) -> int:
    """Operations of the router on one token in this layer; 0 for the plain RNN."""
    if not config.skims:
        return 0
    inputs = 0 if recurrent else config.layer_input_size(layer)
    return find_router(config.router).operations(config, inputs)


def count(config: SkimConfig, levels: Sequence[NDArray[Any]]) -> Cost:
    """Count the operations of texts read at these levels.

    Args:
        config: the layers' options.
        levels: one array (layers, directions, T) per text.

    Returns:
        The counts, text by text, summed over layers and directions.
    """
    return summed(
        [
            count_layer(config, layer, [level[layer] for level in levels])
            for layer in range(config.num_layers)
        ]
    )


def summed(parts: Sequence[Cost]) -> Cost:
    """The counts of the same texts in several layers or directions, added text by text."""
    rows = zip(*(dataclasses.astuple(each) for each in parts), strict=True)
    return Cost(*(tuple(map(sum, zip(*row, strict=True))) for row in rows))


def count_layer(config: SkimConfig, layer: int, levels: Sequence[NDArray[Any]]) -> Cost:
    """Count the operations of one layer.

    Args:
        config: the layers' options.
        layer: which layer.
        levels: one array of levels per text, of any shape.

    Returns:
        The counts, text by text.
    """
    taken_at = [np.bincount(level.ravel(), minlength=len(config.levels)) for level in levels]
    columns = []
    for recurrent in (False, True):
        operations = level_operations(config, layer, recurrent=recurrent)
        router = router_operations(config, layer, recurrent=recurrent)
        columns.append(tuple(int(at.sum()) * operations[0] for at in taken_at))
        columns.append(tuple(int(at.sum()) * router + int(at @ operations) for at in taken_at))
    return Cost(*columns)


def _ratio(full: int, taken: int) -> float | None:
    return full / taken if taken else None
