"""The extension's contract; ``runtime/native.py`` and ``nn/native.py`` are what uses it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float32]
_Reading = tuple[Any, Any, Any, Any, Any, Any, Any]
"""Output, h_n, c_n or None, level, p, memory as ``SequenceReading`` has them; tokens at level 0."""

def runnable() -> list[str]: ...

class Network:
    def __init__(
        self,
        cell: str,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        directions: int,
        levels: Sequence[int],
        full_skim_input: bool,
        state_router: bool,
        router: str,
        router_options: dict[str, int],
        parameters: Sequence[NDArray[Any] | None],
        isa: str,
        int8: bool,
    ) -> None: ...
    def set_words(self, embedding: _Floats, table_bytes: int) -> None: ...
    def read_vectors(
        self,
        x: _Floats,
        argmax: bool,
        threshold: float,
        budget: float | None,
        burst: float,
        h_0: _Floats | None,
        c_0: _Floats | None,
        reads_0: NDArray[np.int64] | None,
        tokens_0: int,
        memory_0: _Floats | None,
        levels: NDArray[np.int8] | None,
    ) -> _Reading: ...
    def read_words(
        self,
        rows: NDArray[np.int32],
        argmax: bool,
        threshold: float,
        budget: float | None,
        burst: float,
        h_0: _Floats | None,
        c_0: _Floats | None,
        reads_0: NDArray[np.int64] | None,
        tokens_0: int,
        memory_0: _Floats | None,
        levels: NDArray[np.int8] | None,
    ) -> _Reading: ...
    @property
    def isa(self) -> str: ...
    @property
    def table_rows(self) -> int: ...
    @property
    def table_bytes(self) -> int: ...

class CharacterTable:
    def __init__(self, classes: NDArray[np.uint8], lower: NDArray[np.uint32]) -> None: ...

class TextReader:
    def head(self, h: _Floats) -> _Floats: ...
    def __init__(
        self,
        network: Network,
        table: CharacterTable,
        words: Sequence[str],
        head_weight: _Floats,
        head_bias: _Floats,
        sigmoid: bool,
    ) -> None: ...
    def rows(self, text: bytes) -> NDArray[np.int32]: ...
    def read(
        self,
        text: bytes,
        argmax: bool,
        threshold: float,
        budget: float | None,
        burst: float,
        levels: NDArray[np.int8] | None,
    ) -> tuple[_Floats, NDArray[np.int8], _Floats]: ...
    def predict(
        self,
        texts: Sequence[bytes],
        argmax: Sequence[bool],
        threshold: Sequence[float],
        budget: Sequence[float | None],
        burst: Sequence[float],
    ) -> _Floats: ...
    def predict_counted(
        self,
        texts: Sequence[bytes],
        argmax: Sequence[bool],
        threshold: Sequence[float],
        budget: Sequence[float | None],
        burst: Sequence[float],
    ) -> tuple[_Floats, NDArray[np.int64]]: ...

class TrainingOptions:
    def __init__(
        self,
        isa: str,
        cell: str,
        levels: Sequence[int],
        full_skim_input: bool,
        state_router: bool,
        backwards: bool,
        hard: bool,
        temperature: float,
        threads: int,
    ) -> None: ...

class TrainingArrays:
    def __init__(
        self,
        sizes: Sequence[int],
        cells: Sequence[tuple[_Floats | None, ...] | None],
        x: _Floats,
        router_weight: _Floats,
        router_bias: _Floats,
        noise: _Floats,
        h_0: _Floats,
        c_0: _Floats | None,
        outputs: _Floats,
        c_before: _Floats | None,
        log_p: _Floats,
    ) -> None: ...

def train_forward(
    options: TrainingOptions,
    arrays: TrainingArrays,
    level: NDArray[np.int64],
    h_n: _Floats,
    c_n: _Floats | None,
) -> None: ...
def train_backward(
    options: TrainingOptions,
    arrays: TrainingArrays,
    cell_grads: Sequence[tuple[_Floats | None, ...] | None],
    outputs_grad: _Floats | None,
    log_p_grad: _Floats | None,
    h_n_grad: _Floats | None,
    c_n_grad: _Floats | None,
    x_grad: _Floats | None,
    router_weight_grad: _Floats,
    router_bias_grad: _Floats,
    h_0_grad: _Floats,
    c_0_grad: _Floats | None,
) -> None: ...
