"""Times of several contenders over the same texts, taken in turns."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

SCALES = 1.9
"""Two threads must do a control loop so many times faster than one for threads to be timed."""


def in_own_thread(work: Callable[[], T]) -> T:
    """What ``work`` gives, done in a thread that ends with it.

    Some engines set their thread's floating-point mode (ONNX Runtime's flush of denormals) and
    leave it set; the caller's stays as it was.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@dataclass(frozen=True, eq=False)
class Times:
    """One contender's times.

    Attributes:
        cpu: microseconds of processor time per token, (rounds, texts).
        wall: the same by the clock on the wall.
        tokens: tokens of each text, (texts,).
    """

    cpu: NDArray[np.float64]
    wall: NDArray[np.float64]
    tokens: NDArray[np.int64]

    def per_round(self) -> NDArray[np.float64]:
        """Microseconds per token of each round, its texts pooled, (rounds,)."""
        return np.asarray((self.cpu * self.tokens).sum(axis=1) / self.tokens.sum())


def take_turns(
    contenders: Sequence[Callable[[Any], object]],
    texts: Sequence[Any],
    tokens: Sequence[int],
    rounds: int,
    seed: int = 0,
) -> list[Times]:
    """Time every contender on every text, round after round, in an order drawn anew each round.

    Processor time is the whole process's, so that an engine with threads of its own is charged for
    them. Neighbours on a shared machine slow all contenders of a round alike; compare by round.
    """
    random = np.random.default_rng(seed)
    cpu = np.zeros((len(contenders), rounds, len(texts)))
    wall = np.zeros_like(cpu)
    for turn in range(rounds):
        for number in random.permutation(len(contenders)):
            contender = contenders[number]
            for text in texts:  # back into the caches, out of which the others pushed it
                contender(text)
            for place, text in enumerate(texts):
                wall_0, cpu_0 = time.perf_counter_ns(), time.process_time_ns()
                contender(text)
                cpu[number, turn, place] = time.process_time_ns() - cpu_0
                wall[number, turn, place] = time.perf_counter_ns() - wall_0
    each = np.array(tokens, np.int64)
    return [Times(c / each / 1000, w / each / 1000, each) for c, w in zip(cpu, wall, strict=True)]


def two_thread_gain(work: Callable[[], object], rounds: int = 7) -> float:
    """How many times faster two threads do the same work than one, which is to drop the lock."""

    def seconds(workers: int) -> float:
        with ThreadPoolExecutor(workers) as pool:
            begin = time.perf_counter()
            list(pool.map(lambda _: work(), range(8)))
            return time.perf_counter() - begin

    return float(np.median([seconds(1) / seconds(2) for _ in range(rounds)]))


def control_gain() -> float:
    """The same of a loop that needs nothing but the processor: what this machine can give."""
    block = bytes(2**24)
    return two_thread_gain(lambda: hashlib.sha256(block).digest())
