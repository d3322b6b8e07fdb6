"""Time what an exported model costs in ONNX Runtime: what docs/export.md shows.

    python -m benchmarks.export [--beside TEXT]

Writes ``results/export.json``; some minutes. ``python -m benchmarks.export_report`` makes the page.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import provenance
from skimrnn.bench.networks import (
    Network,
    make_network,
    make_texts,
    reader_of,
    skim_rate,
    with_skim_rate,
)
from skimrnn.bench.peers import onnx_lstm
from skimrnn.bench.timing import in_own_thread, take_turns
from skimrnn.decision import Rule
from skimrnn.export import to_onnx
from skimrnn.export.agreement import onnx_runtime
from skimrnn.files import write_atomically
from skimrnn.model_file import ModelFile, TextPart
from skimrnn.text import Vocabulary

RESULT = Path(__file__).parent / "results" / "export.json"
SIZES, SKIM_SIZE, RATE = (100, 512), 5, 0.75
BATCH, ROUNDS = 8, 15

Read = Callable[[NDArray[np.int32]], object]


def main() -> None:
    """Measure, then write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", default="nothing else", help="what else the machine was doing")
    beside = parser.parse_args().beside
    result = {
        "rows": [row for size in SIZES for row in in_own_thread(lambda size=size: rows(size))],
        "skim_size": SKIM_SIZE,
        "batch": BATCH,
        "rounds": ROUNDS,
        "beside": beside,
        **provenance("python -m benchmarks.export"),
    }
    write_atomically(RESULT, (json.dumps(result, indent=1) + "\n").encode())


def rows(hidden_size: int) -> list[dict[str, Any]]:
    """Every contender at this size: microseconds of processor time for each word of a text."""
    texts = make_texts(seed=0)
    network = with_skim_rate(make_network("lstm", hidden_size, SKIM_SIZE), RATE, texts)
    ours = reader_of(network)
    batched = exported(network, batch=BATCH)
    contenders: dict[str, Read] = {
        "ours": lambda text: ours.read_words(text, Rule()),
        "ours-reading": lambda text: ours.read_words(text, Rule(1)),
        "onnx": exported(network),
        "onnx-batch": batched,
        "onnx-reading": exported(network, threshold=1),
        "onnx-lstm": dense(make_network("lstm", hidden_size, None)),
    }
    taken = take_turns([*contenders.values()], texts, [len(text) for text in texts], ROUNDS)
    share = skim_rate(ours, texts)
    made = []
    for name, times in zip(contenders, taken, strict=True):
        per_word = times.per_round() / (BATCH if name == "onnx-batch" else 1)
        low, middle, high = np.quantile(per_word, (0.25, 0.5, 0.75))
        made.append(
            {
                "hidden_size": hidden_size,
                "what": name,
                "skim_rate": share,
                "us_per_word": float(middle),
                "us_per_word_spread": float(high - low),
            }
        )
        print(made[-1])
    return made


def exported(network: Network, *, threshold: float = 0.5, batch: int = 1) -> Read:
    """The network as ``skimrnn export`` writes it; it reads a text so many times at once."""
    words = Vocabulary(("<unknown>", *(f"word{i}" for i in range(1, len(network.embedding)))))
    head = np.zeros((2, network.config.hidden_size), np.float32)
    text = TextPart(("no", "yes"), words, network.embedding, head, head[:, 0])
    file = ModelFile(network.config, network.parameters, text=text)
    run = onnx_runtime(to_onnx(file, threshold=threshold).SerializeToString())

    def read(rows: NDArray[np.int32]) -> object:
        repeated = np.tile(rows.astype(np.int64), (batch, 1))
        return run({"rows": repeated, "lengths": np.full(batch, len(rows))})

    return read


def dense(network: Network) -> Read:
    """ONNX's own LSTM operator, which is one kernel, without a router."""
    run = onnx_runtime(onnx_lstm(network).SerializeToString())
    return lambda rows: run({"ids": rows})


if __name__ == "__main__":
    main()
