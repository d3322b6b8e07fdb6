"""The implementations that can read, by name: listed, chosen once at load, forced if wanted."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skimrnn.config import SkimConfig
from skimrnn.decision import Chooser, Rule
from skimrnn.reference import SequenceReading, read_sequence, unpack

ENVIRONMENT_VARIABLE = "SKIMRNN_IMPLEMENTATION"
"""Names the implementation that every model loads with; an unknown name is an error."""

Array = NDArray[Any]


class SequenceReader(Protocol):
    """Reads sequences of vectors through one stack of layers; immutable, shared by threads."""

    def read(
        self, x: Array, rule: Rule, initial: tuple[Array, Array | None] | None = None
    ) -> SequenceReading:
        """Read one sequence x (T, E) by this rule, from zeros or from ``initial``."""
        ...


class NumpyReader:
    """The reference's step in a loop."""

    def __init__(self, config: SkimConfig, parameters: Mapping[str, Array]) -> None:
        self._config = config
        self._weights = unpack(parameters, config)
        self._dtype = next(iter(parameters.values())).dtype

    def read(
        self, x: Array, rule: Rule, initial: tuple[Array, Array | None] | None = None
    ) -> SequenceReading:
        """Read one sequence x (T, E) by this rule, from zeros or from ``initial``."""
        config = self._config
        if rule.budget is not None and not config.skims:
            raise ValueError(
                f"a budget needs a level to skim at, and this model has none (levels="
                f"{config.levels}); leave the budget out"
            )
        choosers = [
            [Chooser(rule) for _ in range(config.directions)] for _ in range(config.num_layers)
        ]
        x = np.asarray(x, dtype=self._dtype, order="C")  # sums run in the order of the memory
        return read_sequence(x, self._weights, config, choosers, initial)


_READERS: dict[str, Callable[[SkimConfig, Mapping[str, Array]], SequenceReader]] = {
    "numpy": NumpyReader,
}


def implementations() -> tuple[str, ...]:
    """The names of the implementations that this machine can run, fastest first."""
    return tuple(_READERS)


def sequence_reader(
    config: SkimConfig, parameters: Mapping[str, Array], name: str | None = None
) -> tuple[str, SequenceReader]:
    """The implementation to read with, and its name.

    Args:
        config: the layers' options.
        parameters: named as in ``config.parameter_shapes()``.
        name: which implementation; None takes the environment variable
            ``SKIMRNN_IMPLEMENTATION`` or else the fastest.

    Raises:
        ValueError: if there is no implementation of that name.
    """
    wanted = name or os.environ.get(ENVIRONMENT_VARIABLE) or implementations()[0]
    if wanted not in _READERS:
        origin = "implementation" if name else f"the environment variable {ENVIRONMENT_VARIABLE}"
        raise ValueError(
            f"{origin} names {wanted!r}, which this machine cannot run; "
            f"it can run: {', '.join(implementations())}"
        )
    return wanted, _READERS[wanted](config, parameters)
