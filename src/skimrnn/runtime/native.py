"""The native reader: one call into C++ per text, compiled per instruction set.

The extension may be absent (no compiler when the package was installed); ``available`` then lists
nothing and models read with NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.config import SkimConfig, parameter_suffix
from skimrnn.decision import ARGMAX, Rule
from skimrnn.reference import SequenceReading

try:
    from skimrnn import _native
except ImportError:
    _native = None  # type: ignore[assignment]

Array = NDArray[Any]

TABLE_BYTES = 32 * 2**20
"""Room for input parts looked up per word, per model; the most frequent words come first."""


def available() -> tuple[str, ...]:
    """The instruction sets that this machine can run, fastest first; none without the extension."""
    return () if _native is None else tuple(_native.runnable())


class NativeReader:
    """Reads with the kernels of one instruction set, in float32.

    Args:
        config: the layers' options.
        parameters: named as in ``config.parameter_shapes()``; float32.
        isa: one of ``available()``.
        embedding: word vectors (V, E) for ``read_words``, the most frequent words first.
        table_bytes: room for input parts looked up per word; ``TABLE_BYTES`` if None.
    """

    def __init__(
        self,
        config: SkimConfig,
        parameters: Mapping[str, Array],
        isa: str,
        embedding: Array | None = None,
        table_bytes: int | None = None,
    ) -> None:
        self._config = config
        self._network = _native.Network(
            config.cell,
            config.input_size,
            config.hidden_size,
            config.num_layers,
            config.directions,
            list(config.levels),
            config.skim_input == "full",
            config.router_input == "state",
            _flat(config, parameters),
            isa,
        )
        if embedding is not None:
            room = TABLE_BYTES if table_bytes is None else table_bytes
            self._network.set_words(np.ascontiguousarray(embedding, np.float32), room)

    def read(
        self, x: Array, rule: Rule, initial: tuple[Array, Array | None] | None = None
    ) -> SequenceReading:
        """Read one sequence x (T, E) by this rule, from zeros or from ``initial``."""
        states = [
            None if part is None else np.ascontiguousarray(part, np.float32)
            for part in (initial or (None, None))
        ]
        x = np.ascontiguousarray(x, np.float32)
        return SequenceReading(*self._network.read_vectors(x, *_rule(rule), *states))

    def read_words(self, rows: NDArray[np.int32], rule: Rule) -> SequenceReading:
        """Read one text given as rows of the embedding; its ``output`` is left out, (0, ...)."""
        return SequenceReading(*self._network.read_words(rows, *_rule(rule)))


def _rule(rule: Rule) -> tuple[bool, float, float | None, float]:
    argmax = rule.threshold == ARGMAX
    return argmax, 0.0 if argmax else float(rule.threshold), rule.budget, float(rule.burst)


def _flat(config: SkimConfig, parameters: Mapping[str, Array]) -> list[Array | None]:
    """The parameters in the order that the extension takes them, None where there is none."""
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    names = []
    for layer in range(config.num_layers):
        for direction in range(config.directions):
            suffix = parameter_suffix(layer, direction)
            for level in range(len(config.levels)):
                prefix = f"skim_{level}_" if level else ""
                names += [f"{prefix}{part}_{suffix}" for part in parts]
            names += [f"router_weight_{suffix}", f"router_bias_{suffix}"]
    return [
        np.ascontiguousarray(parameters[name], np.float32) if name in parameters else None
        for name in names
    ]
