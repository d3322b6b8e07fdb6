"""The implementations that can read, by name: listed, chosen once at load, forced if wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skimrnn.config import SkimConfig
from skimrnn.decision import Rule, Way
from skimrnn.extension import ENVIRONMENT_VARIABLE, instruction_sets, named_implementation
from skimrnn.model_file import TextPart
from skimrnn.reading import TextReading
from skimrnn.reference import SequenceReading
from skimrnn.runtime import native
from skimrnn.runtime.carried import Carried
from skimrnn.runtime.numpy_reader import NumpyReader, NumpyTextReader

NUMPY = "numpy"

PRECISIONS = ("float32", "int8")
"""What a native implementation may keep recurrent weights in; "numpy" reads as the model is."""

MAX_TABLE_BYTES = 2**40

_ENVIRONMENT = f"the environment variable {ENVIRONMENT_VARIABLE}"

Array = NDArray[Any]


class SequenceReader(Protocol):
    """Reads sequences of vectors through one stack of layers; immutable, shared by threads."""

    def read(
        self, x: Array, way: Way, initial: tuple[Array, Array | None] | None = None
    ) -> SequenceReading:
        """Read one sequence x (T, E) in this way, from zeros or from ``initial``."""
        ...

    def read_words(self, rows: NDArray[np.int32], way: Way) -> SequenceReading:
        """Read one text given as rows (T,) of the embedding; ``output`` may be left empty."""
        ...

    def continue_words(
        self, rows: NDArray[np.int32], rule: Rule, carried: Carried
    ) -> tuple[SequenceReading, Carried]:
        """Read the next words of a text, forward: the same bits as reading it in one."""
        ...


class TextReader(Protocol):
    """Reads texts to class probabilities; immutable, shared by threads."""

    def rows(self, text: str | bytes) -> NDArray[np.int32]:
        """The rows (T,) of a text's words in the embedding."""
        ...

    def head(self, h: Array) -> NDArray[np.float32]:
        """The probability of each class, (C,), from final hidden states (directions * D,)."""
        ...

    def read(self, text: str | bytes, way: Way) -> TextReading:
        """Read one text in this way."""
        ...

    def predict(self, texts: Sequence[str | bytes], rules: Sequence[Rule]) -> NDArray[np.float32]:
        """The probability of each class for each of N texts, (N, C)."""
        ...

    def predict_counted(
        self, texts: Sequence[str | bytes], rules: Sequence[Rule]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Besides, each text's words and its (word, layer, direction) skimmed, (N, 2)."""
        ...


def implementations() -> tuple[str, ...]:
    """The names of the implementations that this machine can run, fastest first.

    Those of the native reader bear the name of their instruction set; "numpy" is the reference.
    """
    return (*instruction_sets(), NUMPY)


def able(config: SkimConfig, dtype: Any) -> tuple[str, ...]:
    """The implementations that can read a model of these options and parameters, fastest first."""
    native_can = dtype != np.float64 and _knows_router(config)
    return implementations() if native_can else (NUMPY,)


def named_here() -> str | None:
    """The implementation that the environment names, None if it names none.

    Raises:
        ValueError: if this machine cannot run it.
    """
    named = named_implementation()
    if named is not None:
        _check_runs(named, _ENVIRONMENT)
    return named


def _check_runs(name: str, origin: str) -> None:
    if name not in implementations():
        raise ValueError(
            f"{origin} names {name!r}, which this machine cannot run; "
            f"it can run: {', '.join(implementations())}"
        )


def _knows_router(config: SkimConfig) -> bool:
    return not config.skims or config.router in native.ROUTERS


def _native_instead(config: SkimConfig, dtype: Any) -> str:
    """What else to do than read with NumPy, or why there is nothing else, to end a sentence."""
    if dtype == np.float64:
        return ", or save the model as float32: the native implementations compute in that"
    if not _knows_router(config):
        return f": the router {config.router!r} is known to no native implementation"
    if able(config, dtype)[0] == NUMPY:
        return ": this machine has no native implementation"
    return ", or read with a native implementation"


def sequence_reader(
    config: SkimConfig,
    parameters: Mapping[str, Array],
    name: str | None = None,
    embedding: Array | None = None,
    *,
    precision: str = "float32",
    table_bytes: int | None = None,
) -> tuple[str, SequenceReader]:
    """The implementation to read with, and its name.

    Args:
        config: the layers' options.
        parameters: named as in ``config.parameter_shapes()``.
        name: which implementation; None takes the environment variable
            ``SKIMRNN_IMPLEMENTATION`` or else the fastest that can. The native ones compute in
            float32 and know ``native.ROUTERS``, so a float64 model, or one with another
            router, is read with "numpy" unless one is named.
        embedding: word vectors (V, E), for ``read_words``.
        precision: of the recurrent weights, one of ``PRECISIONS``.
        table_bytes: room for the input parts of words; ``native.TABLE_BYTES`` if None.

    Raises:
        ValueError: if there is no implementation of that name here, it cannot read the model, or
            an option is refused.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}; got {precision!r}")
    whole = isinstance(table_bytes, int) and not isinstance(table_bytes, bool)
    if table_bytes is not None and not (whole and 0 <= table_bytes <= MAX_TABLE_BYTES):
        raise ValueError(
            f"table_bytes must be a whole number from 0 to {MAX_TABLE_BYTES}, or None; "
            f"got {table_bytes!r}"
        )
    dtype = next(iter(parameters.values())).dtype
    wanted = name or named_here() or able(config, dtype)[0]
    origin = "implementation" if name else _ENVIRONMENT
    _check_runs(wanted, origin)
    if wanted == NUMPY and precision != "float32":
        raise ValueError(
            f'"{NUMPY}" reads in the precision of the model, not in {precision!r}; leave precision '
            f"out{_native_instead(config, dtype)}"
        )
    if wanted == NUMPY:
        return wanted, NumpyReader(config, parameters, embedding)
    if dtype == np.float64:
        raise ValueError(
            f"{origin} names {wanted!r}, which computes in float32, and the model is float64; "
            f'use "{NUMPY}" or save it as float32'
        )
    if not _knows_router(config):
        raise ValueError(
            f"{origin} names {wanted!r}, which knows the router {', '.join(native.ROUTERS)} only, "
            f'and the model has {config.router!r}; use "{NUMPY}"'
        )
    return wanted, native.NativeReader(
        config, parameters, wanted, embedding, table_bytes, precision
    )


def text_reader(reader: SequenceReader, text: TextPart, directions: int) -> TextReader:
    """What reads text with the layers of ``reader``, by the same implementation."""
    if isinstance(reader, native.NativeReader):
        return native.NativeTextReader(reader, text)
    assert isinstance(reader, NumpyReader)
    return NumpyTextReader(reader, text, directions)
