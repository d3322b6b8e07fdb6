"""A stand-in for a Reading, with just what the view takes, and made-up views."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from skimrnn.decision import Rule
from skimrnn.reading import chosen, names_of
from skimrnn.show import View, view

HOSTILE = (
    "<script>alert('x')</script> & \"quoted\"\ttab [bold red]markup[/] "
    "\x1b[2J\x1b[31m \x9b5A \x07\x08\x00 \u202egnp.exe\u202c \u2066iso\u2069 "
    "\ud800 \udc00 a\r\nb\rc\u2028d "
) + "w" * 5000


@dataclass
class StandInCost:
    flop_reduction: float | None
    recurrent_reduction: float | None


@dataclass
class StandInReading:
    text: str
    words: list[str]
    starts: np.ndarray
    ends: np.ndarray
    level: np.ndarray
    p: np.ndarray
    labels: tuple[str, ...]
    probabilities: np.ndarray
    threshold: float | str | None = 0.5  # None: the levels were given
    budget: float | None = None
    burst: float = 1
    reduction: float | None = 4.6
    multilabel: bool = False

    @property
    def rule(self) -> Rule | None:
        return None if self.threshold is None else Rule(self.threshold, self.budget, self.burst)

    @property
    def label(self) -> str:
        return self.labels[int(self.probabilities.argmax())]

    @property
    def chosen(self) -> tuple[str, ...]:
        return names_of(chosen(self.probabilities, self.multilabel), self.labels)

    @property
    def skim_rate(self) -> float | None:
        return float((self.level > 0).mean()) if self.level.size else None

    def cost(self) -> StandInCost:
        if not self.level.size:
            return StandInCost(None, None)
        return StandInCost(self.reduction, 7.25)


def make_reading(
    text: str,
    level: Any = None,
    *,
    levels: int = 2,
    labels: tuple[str, ...] = ("negative", "positive"),
    probabilities: tuple[float, ...] = (0.25, 0.75),
    spans: list[tuple[int, int]] | None = None,
    **more: Any,
) -> StandInReading:
    """Read by blanks; `level` is (T,) or (layers, directions, T), every second word by default."""
    if spans is None:
        spans, at = [], 0
        for word in text.split(" "):
            if word:
                spans.append((at, at + len(word)))
            at += len(word) + 1
    if level is None:
        level = [number % 2 for number in range(len(spans))]
    levels_taken = np.array(level, np.int8)
    if levels_taken.ndim == 1:
        levels_taken = levels_taken[None, None]
    p = np.full((*levels_taken.shape, levels), 0.2 / max(levels - 1, 1), np.float32)
    np.put_along_axis(p, levels_taken[..., None].astype(np.int64), np.float32(0.8), axis=-1)
    return StandInReading(
        text=text,
        words=[text[start:end].lower() for start, end in spans],
        starts=np.array([start for start, _ in spans], np.int64),
        ends=np.array([end for _, end in spans], np.int64),
        level=levels_taken,
        p=p,
        labels=labels,
        probabilities=np.array(probabilities, np.float32),
        **more,
    )


@pytest.fixture
def stand_in() -> Callable[..., StandInReading]:
    return make_reading


@pytest.fixture
def seen() -> Callable[..., View]:
    def see(*args: Any, **kwargs: Any) -> View:
        return view(make_reading(*args, **kwargs))  # type: ignore[arg-type]

    return see


@pytest.fixture
def hostile() -> str:
    return HOSTILE
