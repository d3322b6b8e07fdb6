"""Random networks and texts to time: words as rare as in language, routers that really decide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.config import SkimConfig
from skimrnn.decision import Rule
from skimrnn.runtime.registry import SequenceReader, sequence_reader

VOCABULARY = 20_000
TEXTS = 8
_SHORTEST, _LONGEST, _MEDIAN = 20, 800, 180
_BISECTIONS = 16

Array = NDArray[Any]
Rows = list[NDArray[np.int32]]


@dataclass(frozen=True)
class Network:
    """A network to read with, and the skim rate that it was made for.

    Attributes:
        config: the options.
        parameters: named as in ``config.parameter_shapes()``, float32.
        embedding: word vectors (V, E).
        skim_rate: the share of tokens that it should skim, None for a network without a router.
    """

    config: SkimConfig
    parameters: dict[str, Array]
    embedding: Array
    skim_rate: float | None


def make_texts(seed: int, words: str = "zipf") -> Rows:
    """Texts as rows of the embedding, of natural lengths (log-normal, median 180 tokens).

    Args:
        seed: of the draw.
        words: "zipf": row r as frequent as 1 / (r + 2.7), as words are; "rare": any of the rarer
            half, each as often.
    """
    random = np.random.default_rng(seed)
    lengths = np.exp(random.normal(np.log(_MEDIAN), 0.6, TEXTS))
    if words == "rare":
        share = (np.arange(VOCABULARY) >= VOCABULARY // 2).astype(float)
    else:
        share = 1 / (np.arange(VOCABULARY) + 2.7)
    share /= share.sum()
    return [
        random.choice(VOCABULARY, int(length), p=share).astype(np.int32)
        for length in np.clip(lengths, _SHORTEST, _LONGEST)
    ]


def make_network(
    cell: str, hidden_size: int, skim_size: int | None, *, seed: int = 0, scale: float = 1.0
) -> Network:
    """A network with random weights, E = D; without a router if ``skim_size`` is None."""
    levels = (hidden_size,) if skim_size is None else (hidden_size, skim_size)
    config = SkimConfig(cell=cell, input_size=hidden_size, hidden_size=hidden_size, levels=levels)
    random = np.random.default_rng(seed)
    parameters = {
        name: random.uniform(-1, 1, shape).astype(np.float32) * np.float32(hidden_size**-0.5)
        for name, shape in config.parameter_shapes().items()
    }
    embedding = random.normal(size=(VOCABULARY, hidden_size)).astype(np.float32)
    return Network(config, parameters, embedding * np.float32(scale), None)


def with_skim_rate(network: Network, rate: float, texts: Rows) -> Network:
    """The network with its router's bias shifted until it skims this share of these texts.

    The router runs and decides token by token; 0 and 1 are far shifts.
    """
    if rate in (0, 1):
        return _shifted(network, 100.0 if rate else -100.0, rate)
    low, high = -20.0, 20.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        measured = skim_rate(reader_of(_shifted(network, middle, rate), table_bytes=0), texts)
        low, high = (middle, high) if measured < rate else (low, middle)
    return _shifted(network, (low + high) / 2, rate)


def reader_of(
    network: Network,
    implementation: str | None = None,
    precision: str = "float32",
    table_bytes: int | None = None,
) -> SequenceReader:
    """What reads with this network."""
    _, reader = sequence_reader(
        network.config,
        network.parameters,
        implementation,
        network.embedding,
        precision=precision,
        table_bytes=table_bytes,
    )
    return reader


def skim_rate(reader: SequenceReader, texts: Rows) -> float:
    """The share of all tokens that are skimmed."""
    levels = np.concatenate([reader.read_words(text, Rule()).level[0, 0] for text in texts])
    return float((levels > 0).mean())


def _shifted(network: Network, by: float, rate: float) -> Network:
    bias = np.array([0, by], np.float32)
    return replace(
        network, parameters=network.parameters | {"router_bias_l0": bias}, skim_rate=rate
    )
