"""The native reader: one call into C++ per text, compiled per instruction set.

Without the extension (``extension.kernels``) nothing here can be used, and models read with NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.cell_parameters import cell_parameters
from skimrnn.config import SkimConfig, parameter_suffix
from skimrnn.decision import ARGMAX, Rule, Way
from skimrnn.extension import kernels
from skimrnn.model_file import TextPart
from skimrnn.reading import TextReading
from skimrnn.reference import SequenceReading
from skimrnn.runtime.carried import Carried
from skimrnn.text import read_character_tables

Array = NDArray[Any]

ROUTERS = ("softmax", "skip-rnn", "skipw", "vcrnn", "lstm-jump", "leap-lstm")
"""The routers that the kernels know."""

TABLE_BYTES = 32 * 2**20
"""Room for input parts looked up per word, per model; the most frequent words come first."""


def precisions(config: SkimConfig) -> tuple[str, ...]:
    """What the kernels can keep such a model's recurrent weights in."""
    return ("float32",) if config.cell == "rnn_relu" else ("float32", "int8")


class NativeReader:
    """Reads with the kernels of one instruction set, in float32.

    Args:
        config: the layers' options.
        parameters: named as in ``config.parameter_shapes()``; float32.
        isa: one of ``extension.instruction_sets()``.
        embedding: word vectors (V, E) for ``read_words``, the most frequent words first.
        table_bytes: room for input parts looked up per word; ``TABLE_BYTES`` if None.
        precision: "float32", or "int8" for the recurrent weights.

    Raises:
        ValueError: if the cell cannot be read in that precision.
    """

    def __init__(
        self,
        config: SkimConfig,
        parameters: Mapping[str, Array],
        isa: str,
        embedding: Array | None = None,
        table_bytes: int | None = None,
        precision: str = "float32",
    ) -> None:
        if precision not in precisions(config):
            raise ValueError(
                f'precision "{precision}" needs a cell whose h stays within 1, and that of '
                f'{config.cell} does not; use "float32"'
            )
        self._config, self._int8 = config, precision == "int8"
        self.network = kernels.Network(
            config.cell,
            config.input_size,
            config.hidden_size,
            config.num_layers,
            config.directions,
            list(config.levels),
            config.skim_input == "full",
            config.router_input == "state",
            config.router if config.skims else ROUTERS[0],
            dict(config.router_options),
            flat_parameters(config, parameters),
            isa,
            self._int8,
        )
        if embedding is not None:
            room = TABLE_BYTES if table_bytes is None else table_bytes
            self.network.set_words(_floats(embedding), room)

    def read(
        self, x: Array, way: Way, initial: tuple[Array, Array | None] | None = None
    ) -> SequenceReading:
        """Read one sequence x (T, E) in this way, from zeros or from ``initial``.

        Raises:
            ValueError: if ``initial`` has an h beyond 1 and the precision is int8.
        """
        largest = float(np.abs(initial[0]).max()) if self._int8 and initial is not None else 0.0
        if not largest <= 1:
            raise ValueError(
                f'precision "int8" reads from an h within -1 to 1; got {largest:g} in hx, use '
                'precision="float32"'
            )
        h_0, c_0 = (None if part is None else _floats(part) for part in (initial or (None, None)))
        x, (rule, levels) = _floats(x), _parts(way)
        *read, _ = self.network.read_vectors(x, *_rule(rule), h_0, c_0, None, 0, None, levels)
        return SequenceReading(*read)

    def read_words(self, rows: NDArray[np.int32], way: Way) -> SequenceReading:
        """Read one text given as rows of the embedding; its ``output`` is left out, (0, ...)."""
        rule, levels = _parts(way)
        *read, _ = self.network.read_words(rows, *_rule(rule), None, None, None, 0, None, levels)
        return SequenceReading(*read)

    def continue_words(
        self, rows: NDArray[np.int32], rule: Rule, carried: Carried
    ) -> tuple[SequenceReading, Carried]:
        """Read the next words of a text, forward, from where it stands."""
        state, tokens = (carried.h, carried.c, carried.reads), carried.tokens
        *read, reads = self.network.read_words(
            rows, *_rule(rule), *state, tokens, carried.memory, None
        )
        reading = SequenceReading(*read)
        return reading, carried.after(reading, reads)


class NativeTextReader:
    """Text in, class probabilities out, in one call: words, layers, head.

    Args:
        reader: the layers, with the text part's embedding.
        text: vocabulary and head.
    """

    def __init__(self, reader: NativeReader, text: TextPart) -> None:
        self._reader = kernels.TextReader(
            reader.network,
            _character_table(),
            text.vocabulary.words,
            np.ascontiguousarray(text.head_weight, np.float32),
            np.ascontiguousarray(text.head_bias, np.float32),
            text.multilabel,
        )

    def rows(self, text: str | bytes) -> NDArray[np.int32]:
        """The rows of a text's words, as ``vocabulary.rows(scan(text).words)`` gives them."""
        return self._reader.rows(_encoded(text))

    def head(self, h: Array) -> NDArray[np.float32]:
        """The probability of each class, (C,), from final hidden states (directions * D,)."""
        return self._reader.head(np.ascontiguousarray(h, np.float32))

    def read(self, text: str | bytes, way: Way) -> TextReading:
        """Read one text in this way."""
        rule, levels = _parts(way)
        return TextReading(*self._reader.read(_encoded(text), *_rule(rule), levels))

    def predict(self, texts: Sequence[str | bytes], rules: Sequence[Rule]) -> NDArray[np.float32]:
        """The probability of each class for each of N texts, (N, C); nothing kept per token."""
        return self._reader.predict([_encoded(text) for text in texts], *_columns(rules))

    def predict_counted(
        self, texts: Sequence[str | bytes], rules: Sequence[Rule]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Besides, each text's words and its (word, layer, direction) skimmed, (N, 2)."""
        return self._reader.predict_counted([_encoded(text) for text in texts], *_columns(rules))


@cache
def _character_table() -> Any:
    return kernels.CharacterTable(*read_character_tables())


def _encoded(text: str | bytes) -> bytes:
    """The text as the scanner takes it: UTF-8, lone surrogates as three bytes each."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    return text.encode("utf-8", "surrogatepass")


def _parts(way: Way) -> tuple[Rule, NDArray[np.int8] | None]:
    """A rule, and the levels that are taken instead of what it chooses; None if it chooses."""
    if isinstance(way, Rule):
        return way, None
    return Rule(), np.ascontiguousarray(way, np.int8)


def _rule(rule: Rule) -> tuple[bool, float, float | None, float]:
    argmax = rule.threshold == ARGMAX
    return argmax, 0.0 if argmax else float(rule.threshold), rule.budget, float(rule.burst)


def _columns(rules: Sequence[Rule]) -> list[Any]:
    return list(zip(*map(_rule, rules), strict=True)) or [(), (), (), ()]


def flat_parameters(config: SkimConfig, parameters: Mapping[str, Array]) -> list[Array | None]:
    """The parameters in the order that the extension takes them, None where there is none."""
    flat: list[Array | None] = []
    shapes = config.router_shapes(0) if config.skims else ("router_weight", "router_bias")
    own = [name for name in shapes if "baseline" not in name]  # which reading does not need
    for layer in range(config.num_layers):
        for direction in range(config.directions):
            suffix = f"_{parameter_suffix(layer, direction)}"
            for level, size in enumerate(config.levels):
                flat += cell_parameters(parameters, config, level, suffix) if size else [None] * 4
            flat += [parameters.get(f"{name}{suffix}") for name in own]
    return [None if part is None else _floats(part) for part in flat]


def _floats(array: Array) -> NDArray[np.float32]:
    """As the kernels take them: float32, row after row, each number at a multiple of its size."""
    return np.require(array, np.float32, ["C", "A"])
