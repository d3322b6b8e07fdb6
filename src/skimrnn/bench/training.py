"""Time of a training step, forward and backward: skimming layers beside torch's own.

All contenders of a shape do the same batches in turns, in one process; ratios are medians over
rounds of one contender's time over another's in the same round. Needs torch.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from skimrnn.bench.timing import SCALES, Times, control_gain, in_own_thread, take_turns

DEFAULT_PATH, OTHER_PATHS = "auto", ("eager",)
SKIM_SIZE = 5
_PLAIN = "plain"
_ROUNDS = 9
_BATCHES, _POOL = 12, 1536
_MEDIAN, _SPREAD, _LONGEST = 176, 0.62, 400
"""IMDb's training reviews in words, cut at 400: log-normal lengths, nearly."""

_MEMORY = """
import json, re, sys
from pathlib import Path
from skimrnn.nn import timed
def megabytes(what):
    return int(re.search(what + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
cell, path, lengths, hidden, skim = json.loads(sys.argv[1])
timed.set_up(1)
timed.training_step(cell, path, [[2] * len(lengths[0])], hidden, skim)()
step = timed.training_step(cell, path, lengths, hidden, skim)
before = megabytes("VmRSS")
for _ in range(3):
    step()
print(megabytes("VmHWM") - before)
"""
"""Inputs not counted; the peak so far is well below, that of importing torch."""


@dataclass(frozen=True)
class Shape:
    """What is trained on.

    Attributes:
        name: for people.
        cell: "lstm" or "gru".
        lengths: texts' lengths, batch by batch.
        hidden_size: D, and the width of the inputs.
    """

    name: str
    cell: str
    lengths: tuple[tuple[int, ...], ...]
    hidden_size: int

    @property
    def tokens(self) -> int:
        """Of all batches."""
        return sum(map(sum, self.lengths))


@dataclass(frozen=True)
class Row:
    """One contender at one shape.

    Attributes:
        device: "cpu", or the GPU's name.
        shape: by name.
        cell: "lstm" or "gru".
        path: of the skimming layer, or "plain" for torch's own.
        threads: torch's.
        ms: of one pass over the shape's batches, median over rounds; of processor time for one
            thread, else by the clock.
        ms_spread: distance between the quartiles of the rounds.
        ratio_to_nn_lstm: ours over torch's layer of that cell, median over rounds; below 1 ours is
            faster.
        tokens_per_second: real tokens, without padding.
        gain: of these threads over one, median over rounds; None for one thread.
        peak_mb: most memory that a pass takes beyond weights and inputs, in a process of its own;
            None where Linux cannot be asked.
        missing: why it was not timed, None if it was.
    """

    device: str
    shape: str
    cell: str
    path: str
    threads: int
    ms: float | None = None
    ms_spread: float | None = None
    ratio_to_nn_lstm: float | None = None
    tokens_per_second: float | None = None
    gain: float | None = None
    peak_mb: float | None = None
    missing: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return dataclasses.asdict(self)


def shapes() -> list[Shape]:
    """Equal lengths T by texts B, and batches of natural lengths as training makes them."""
    equal = [("lstm", *size) for size in ((200, 32, 100), (50, 32, 100), (200, 128, 100))]
    equal += [("lstm", 400, 64, 200), ("gru", 200, 32, 100)]
    named = [
        Shape(f"T={steps}, B={texts}, D={hidden}", cell, ((steps,) * texts,), hidden)
        for cell, steps, texts, hidden in equal
    ]
    random = np.random.default_rng(0)
    lengths = np.exp(random.normal(np.log(_MEDIAN), _SPREAD, _POOL)).astype(int)
    lengths = np.sort(np.clip(lengths, 10, _LONGEST)).reshape(-1, 32)
    some = lengths[:: len(lengths) // _BATCHES]
    batches = tuple(tuple(map(int, batch)) for batch in some)
    return [*named, Shape("natural lengths, B=32, D=100", "lstm", batches, 100)]


def bench(
    chosen: Sequence[Shape] | None = None,
    *,
    all_paths: bool = False,
    rounds: int = _ROUNDS,
    show: Callable[[str], object] = lambda line: None,
) -> list[Row]:
    """Every row: one thread, then two where two threads pay, then the GPU if there is one.

    Args:
        chosen: what to train on; ``shapes()`` if None.
        all_paths: whether to time the other paths too.
        rounds: turns that every contender takes.
        show: called with what is done now.

    Raises:
        ImportError: without torch.
    """
    timed = import_module("skimrnn.nn.timed")
    chosen = shapes() if chosen is None else chosen
    paths = (_PLAIN, DEFAULT_PATH, *(OTHER_PATHS if all_paths else ()))
    rows: list[Row] = []
    for shape in chosen:
        show(f"{shape.cell}, {shape.name}: one thread, memory")
        times = _time(timed, shape, paths, (1,), rounds)
        rows += _rows("cpu", shape, paths, 1, times, by_clock=False)
        for number, path in enumerate(paths, len(rows) - len(paths)):
            rows[number] = dataclasses.replace(rows[number], peak_mb=_peak(shape, path))
    gain = control_gain()
    for shape in chosen:
        show(f"{shape.cell}, {shape.name}: two threads")
        if gain < SCALES:
            missing = f"two threads of a control loop gain {gain:.2f}"
            rows += [Row("cpu", shape.name, shape.cell, p, 2, missing=missing) for p in paths]
            continue
        times = _time(timed, shape, paths, (1, 2), rounds)
        alone, both = times[::2], times[1::2]
        for row, one, two in zip(
            _rows("cpu", shape, paths, 2, both, by_clock=True), alone, both, strict=True
        ):
            rows.append(dataclasses.replace(row, gain=_ratio(one, two, by_clock=True)))
    return rows + bench_gpu(chosen, paths, rounds=rounds, show=show)


def bench_gpu(
    chosen: Sequence[Shape],
    paths: Sequence[str] = (_PLAIN, DEFAULT_PATH),
    *,
    rounds: int = _ROUNDS,
    show: Callable[[str], object] = lambda line: None,
) -> list[Row]:
    """The rows of this machine's GPU, or that it has none.

    Args:
        chosen: what to train on.
        paths: torch's own layer first.
        rounds: turns that every contender takes.
        show: called with what is done now.

    Raises:
        ImportError: without torch.
    """
    timed = import_module("skimrnn.nn.timed")
    gpu, rows = timed.cuda_name(), list[Row]()
    for shape in chosen:
        if gpu is None:
            rows += [Row("cuda", shape.name, shape.cell, p, 1, missing="no GPU") for p in paths]
            continue
        show(f"{shape.cell}, {shape.name}: {gpu}")
        times = _time(timed, shape, paths, (1,), rounds, "cuda")
        rows += _rows(gpu, shape, paths, 1, times, by_clock=True)
    return rows


def _time(
    timed: Any,
    shape: Shape,
    paths: Sequence[str],
    threads: Sequence[int],
    rounds: int,
    device: str = "cpu",
) -> list[Times]:
    """Times by path, and within a path by number of threads."""

    def run() -> list[Times]:
        contenders = []
        for path in paths:
            step = timed.training_step(
                shape.cell, path, shape.lengths, shape.hidden_size, SKIM_SIZE, device
            )
            for count in threads:
                contenders.append(_with_threads(timed, step, count))
        return take_turns(contenders, [None], [1], rounds)

    return in_own_thread(run)


def _with_threads(timed: Any, step: Callable[[], None], count: int) -> Callable[[Any], None]:
    def run(_: Any) -> None:
        timed.set_up(count)
        step()

    return run


def _rows(
    device: str,
    shape: Shape,
    paths: Sequence[str],
    threads: int,
    times: Sequence[Times],
    *,
    by_clock: bool,
) -> list[Row]:
    rows = []
    for path, own in zip(paths, times, strict=True):
        ms = _milliseconds(own, by_clock=by_clock)
        low, middle, high = np.percentile(ms, (25, 50, 75))
        rows.append(
            Row(
                device,
                shape.name,
                shape.cell,
                path,
                threads,
                ms=float(middle),
                ms_spread=float(high - low),
                ratio_to_nn_lstm=_ratio(own, times[0], by_clock=by_clock),
                tokens_per_second=shape.tokens / float(middle) * 1000,
            )
        )
    return rows


def _milliseconds(times: Times, *, by_clock: bool) -> Any:
    return (times.wall if by_clock else times.cpu)[:, 0] / 1000


def _ratio(one: Times, other: Times, *, by_clock: bool) -> float:
    ratios = _milliseconds(one, by_clock=by_clock) / _milliseconds(other, by_clock=by_clock)
    return float(np.median(ratios))


def _peak(shape: Shape, path: str) -> float | None:
    """Megabytes that a pass takes, in a process of its own."""
    if not Path("/proc/self/status").exists():
        return None
    given = json.dumps([shape.cell, path, shape.lengths, shape.hidden_size, SKIM_SIZE])
    command = [sys.executable, "-c", _MEMORY, given]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)
