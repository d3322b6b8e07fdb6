"""From a request to the bytes of its answer, in one thread."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from skimrnn.reading import Reading
from skimrnn.runtime import Model
from skimrnn.serve.schemas import ReadRequest
from skimrnn.show import view

POINTS = 200
"""About so many points show the course of a text's probabilities, however long it is."""
ROUNDS = 5
"""Times that a reading is timed, at most."""
TIMING_S = 0.05
"""Processor time after which no other round of timing begins, in seconds."""


@dataclass(frozen=True)
class Answer:
    """An answer, and what it took.

    Attributes:
        body: JSON.
        texts: texts read.
        read: words read in full, once for every layer and direction.
        skimmed: words skimmed, likewise.
    """

    body: bytes
    texts: int
    read: int
    skimmed: int


def answer(model: Model, name: str, request: ReadRequest) -> Answer:
    """Read the texts of a request.

    Raises:
        ValueError: if the model refuses an option, such as a budget where nothing can be skimmed.
    """
    readings = model.read(request.texts, threshold=request.threshold, budget=request.budget)
    rule = readings[0].rule
    assert rule is not None  # no levels were given
    said: dict[str, Any] = {
        "model": name,
        "threshold": rule.threshold,
        "budget": rule.budget,
        "results": [_result(model, reading, request.detail) for reading in readings],
    }
    if request.detail:
        said["time"] = time_reading(model, request)
    steps = sum(reading.level.size for reading in readings)
    skimmed = sum(int(np.count_nonzero(reading.level)) for reading in readings)
    body = json.dumps(said, allow_nan=False, separators=(",", ":")).encode()
    return Answer(body, len(readings), steps - skimmed, skimmed)


def _result(model: Model, reading: Reading, detail: bool) -> dict[str, Any]:
    said: dict[str, Any] = {
        "label": reading.label,
        "chosen": list(reading.chosen),
        "probabilities": dict(
            zip(reading.labels, _decimals(reading.probabilities.tolist()), strict=True)
        ),
        "words": len(reading),
        "skim_rate": reading.skim_rate,
    }
    if detail:
        said["detail"] = {"view": view(reading), "course": course(model, reading)}
    return said


def course(model: Model, reading: Reading) -> dict[str, Any] | None:
    """The probabilities after each word, or each few words of a long text; before the first, too.

    It reads the text once more, piece by piece. None if the model also reads from the end, or looks
    ahead: what it says of a text's beginning hangs on all that follows.
    """
    if model.config.bidirectional or model.config.following:
        return None
    rule = reading.rule
    assert rule is not None
    session = model.session(threshold=rule.threshold, budget=rule.budget, burst=rule.burst)
    every = -(-len(reading) // POINTS) or 1
    words, points = [0], [session.probabilities]
    at = 0
    for cut in reading.starts[every::every].tolist():
        session.feed(reading.text[at:cut])
        at = cut
        if session.tokens > words[-1]:
            words.append(session.tokens)
            points.append(session.probabilities)
    session.feed(reading.text[at:])
    session.finish()
    if session.tokens > words[-1]:
        words.append(session.tokens)
        points.append(session.probabilities)
    by_label = np.stack(points, axis=1).tolist()
    return {
        "words": words,
        "probabilities": {
            label: _decimals(values) for label, values in zip(reading.labels, by_label, strict=True)
        },
    }


def time_reading(model: Model, request: ReadRequest) -> dict[str, Any]:
    """This thread's processor time for the texts, as asked and reading every word, in turns."""
    ways: dict[str, dict[str, Any]] = {
        "us": {"threshold": request.threshold, "budget": request.budget},
        # A model's own budget would hold where none is given; a share of 1 forbids nothing.
        "everything_us": {"threshold": 1.0, "budget": 1.0 if model.config.skims else None},
    }
    taken: dict[str, list[int]] = {name: [] for name in ways}
    begin = time.thread_time_ns()
    while len(taken["us"]) < ROUNDS and time.thread_time_ns() - begin < TIMING_S * 1e9:
        for name, way in ways.items():
            since = time.thread_time_ns()
            model.predict_proba(request.texts, **way)
            taken[name].append(time.thread_time_ns() - since)
    medians = {name: statistics.median(ns) / 1000 for name, ns in taken.items()}
    return {**medians, "rounds": len(taken["us"])}


def _decimals(probabilities: list[float]) -> list[float]:
    """To six places, which is what a float32 is good for."""
    return [round(p, 6) for p in probabilities]
