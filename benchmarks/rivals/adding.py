"""The adding task of Skip RNN's paper: does it learn while it skips, and do its dials work?

    python -m benchmarks.rivals.adding [--row NAME ...] [--seed N ...] [--steps N]

A sequence of 50 pairs (a value, uniform within 0.5 of 0, and a marker): the sum of the two values
that are marked, one in the first tenth and one in the second half, is to be told at the end.
Solved: the mean squared error is below a hundredth of the variance of what is to be told, 1/6.

Writes ``results/rivals/adding-ROW-seedN.json`` for each run that has none: error and share read
over training, and in the end over the threshold, and over the reads that a window of SkipW may
have, on new sequences, by the reader without torch.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import skimrnn
from benchmarks.machine import RESULTS, provenance
from skimrnn.config import SkimConfig
from skimrnn.files import write_atomically
from skimrnn.nn import record, save
from skimrnn.nn.skim import layer_of
from skimrnn.nn.timed import set_up

FOLDER = RESULTS / "rivals"
LENGTH, UNITS, BATCH, CLIP = 50, 110, 256, 1.0
LEARNING_RATE = 1e-3
VARIANCE = 1 / 6
SOLVED = VARIANCE / 100
EVALUATED, EVERY = 2048, 250
THRESHOLDS = (0.5, 0.4, 0.3, 0.2, 0.1, 0.0)

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Row:
    """What a row is.

    Attributes:
        cell: as ``SkimConfig`` has it.
        router: what skips; None if every pair is read.
        cost: what a read costs, beside half of the squared error.
        options: of the router.
    """

    cell: str
    router: str | None = "skip-rnn"
    cost: float = 0.0
    options: dict[str, int] = field(default_factory=dict)


# The first marker is in the first window. That a second one comes later no window can know, so a
# ceiling would lose it: training has none.
_WINDOW = {"window": 5, "reads": 5}


ROWS = {
    "gru": Row("gru", None),
    "skip-gru": Row("gru"),
    "skip-gru-1e-5": Row("gru", cost=1e-5),
    "skip-gru-1e-4": Row("gru", cost=1e-4),
    "skipw-gru-1e-5": Row("gru", "skipw", 1e-5, _WINDOW),
    "lstm": Row("lstm", None),
    "skip-lstm": Row("lstm"),
    "skip-lstm-1e-5": Row("lstm", cost=1e-5),
    "skip-lstm-1e-4": Row("lstm", cost=1e-4),
}


class Adder(nn.Module):
    """A layer, and one number from its last state."""

    def __init__(self, row: Row) -> None:
        super().__init__()
        skips = {"router": row.router, "router_options": row.options, "levels": (UNITS, 0)}
        options: dict[str, Any] = skips if row.router else {"levels": (UNITS,)}
        config = SkimConfig(cell=row.cell, input_size=2, hidden_size=UNITS, **options)
        self.rnn = layer_of(config, batch_first=True)
        self.head = nn.Linear(UNITS, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) from x (B, T, 2)."""
        outputs, _ = self.rnn(x)
        told: torch.Tensor = self.head(outputs[:, -1])[:, 0]
        return told


def sequences(random: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Pairs (count, T, 2), and the sums (count,)."""
    x = np.zeros((count, LENGTH, 2), np.float32)
    x[..., 0] = random.uniform(-0.5, 0.5, (count, LENGTH))
    rows = np.arange(count)
    places = random.integers(0, LENGTH // 10, count), random.integers(LENGTH // 2, LENGTH, count)
    for place in places:
        x[rows, place, 1] = 1
    return x, sum(x[rows, place, 0] for place in places)  # type: ignore[return-value]


def measure(
    model: Adder, x: Array, y: Array, threshold: float, **router_options: int
) -> dict[str, float]:
    """Mean squared error and share read, without torch; with these router options changed."""
    with tempfile.TemporaryDirectory() as scratch:
        save(model.rnn, Path(scratch) / "layer")
        layer = skimrnn.load_layer(Path(scratch) / "layer", router_options=router_options)
    options = {"threshold": threshold} if layer.config.skims else {}
    read = layer.read_vectors(x, **options)
    weight, bias = (p.detach().numpy() for p in (model.head.weight, model.head.bias))
    error = (read.h_n[-1] @ weight[0] + bias[0] - y) ** 2
    return {
        "threshold": threshold,
        **router_options,
        "error": float(error.mean()),
        "read": float((read.level == 0).mean()),
    }


def make(name: str, seed: int, steps: int) -> Path:
    """Train and write one run's numbers."""
    row = ROWS[name]
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    test = sequences(np.random.default_rng(10_000 + seed), EVALUATED)
    model = Adder(row)
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    history, began = [], time.process_time()
    for step in range(1, steps + 1):
        x, y = map(torch.from_numpy, sequences(random, BATCH))
        model.train()
        with record() as reads:
            loss = 0.5 * ((model(x) - y) ** 2).mean()
        if row.cost:
            loss = loss + row.cost * LENGTH * reads.penalty("cost")  # the share read, a pair
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        if step % EVERY == 0:
            model.eval()
            found = {"step": step, **measure(model, *test, 0.5)}
            history.append(found)
            print(name, json.dumps(found), flush=True)
    thresholds = THRESHOLDS if row.router else THRESHOLDS[:1]
    ceilings = range(row.options.get("reads", 0) - 1, -1, -1)
    new = sequences(np.random.default_rng(20_000 + seed), 4 * EVALUATED)
    result: dict[str, Any] = {
        "row": name,
        "seed": seed,
        "steps": steps,
        "batch": BATCH,
        "units": UNITS,
        "learning_rate": LEARNING_RATE,
        "cost": row.cost,
        "solved_below": SOLVED,
        "solved_at": next((one["step"] for one in history if one["error"] < SOLVED), None),
        "test": [measure(model, *new, threshold) for threshold in thresholds],
        "ceilings": [measure(model, *new, 0.5, reads=reads) for reads in ceilings],
        "history": history,
        "seconds": time.process_time() - began,
        **provenance("python -m benchmarks.rivals.adding"),
    }
    path = FOLDER / f"adding-{name}-seed{seed}.json"
    write_atomically(path, (json.dumps(result, indent=1) + "\n").encode())
    return path


def main() -> None:
    """Make every run that has no result yet."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.rivals.adding",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--row", nargs="*", choices=tuple(ROWS), default=list(ROWS))
    parser.add_argument("--seed", nargs="*", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=4000)
    arguments = parser.parse_args()
    set_up(threads=1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for seed in arguments.seed:
        for name in arguments.row:
            if not (FOLDER / f"adding-{name}-seed{seed}.json").exists():
                print(make(name, seed, arguments.steps), flush=True)


if __name__ == "__main__":
    main()
