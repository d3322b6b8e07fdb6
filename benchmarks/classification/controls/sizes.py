"""Find how many units each control may have to take as long as the learned row that it stands by.

    python -m benchmarks.classification.controls.sizes [--task NAME ...] [--data-dir DIR]

Random weights, each task's own words and test texts, from text to label, all in turns; what skims
does so at the learned row's rate. A control's time is a straight line between the sizes tried, and
the size found, in whole cache lines, is then timed in turns once more. Writes
``results/sizes.json``, keeping tasks not named; ``rows.AS_LONG`` has what it found. Needs a quiet
machine, a C++ compiler and the results of the learned row.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.classification.controls.reader import Control
from benchmarks.classification.controls.speed import random_control
from benchmarks.classification.controls.tables import LINE
from benchmarks.classification.rows import AS_LONG, LEARNED, TUNED, settings_of
from benchmarks.classification.runs import learned_rate
from benchmarks.machine import RESULTS, provenance
from skimrnn.bench.networks import Network, with_skim_rate
from skimrnn.bench.timing import in_own_thread, take_turns
from skimrnn.config import SkimConfig
from skimrnn.files import write_atomically
from skimrnn.model_file import ModelFile, TextPart
from skimrnn.runtime.model import Model
from skimrnn.tasks import TextTask, load_task
from skimrnn.text import Vocabulary, scan

PATH = RESULTS / "sizes.json"
UNITS = {"qrnn": (100, 400, 800, 1200, 1600), "mingru": (100, 800, 1600, 2400, 3200)}
"""Sizes tried, by cell."""
TEXTS, ROUNDS = 400, 15

TASKS = tuple(AS_LONG["qrnn-wide-tuned"])
Call = Callable[[str], object]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--task", nargs="*", choices=TASKS, default=TASKS)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    found = json.loads(PATH.read_text()) if PATH.exists() else {}
    for name in arguments.task:
        task = load_task(name, data_dir=arguments.data_dir)
        sizes = in_own_thread(lambda n=name, t=task: measure(n, t))  # type: ignore[misc]
        command = "python -m benchmarks.classification.controls.sizes"
        found[name] = {**sizes, **provenance(command)}
        print(name, json.dumps(sizes, indent=1))
        write_atomically(PATH, (json.dumps(found, indent=1) + "\n").encode())


def measure(name: str, task: TextTask) -> dict[str, Any]:
    """The times of a task's learned row and of controls of every size, and the sizes found."""
    vocabulary = words_of(name, task)
    some = np.random.default_rng(0).permutation(len(task.test))[:TEXTS]
    texts = [text for at in some if scan(text := task.test.texts[at]).words]
    rate = learned_rate(name)
    skimming = skimming_model(name, vocabulary, texts, rate).predict_proba
    of_cell: dict[str, Any] = {}
    for cell, sizes in UNITS.items():
        calls = [control_of(cell, units, name, vocabulary) for units in sizes]
        learned, *times = us_per_text([skimming, *calls], texts)
        units = as_long(sizes, times, learned)
        del calls  # their tables take gigabytes
        again, time = us_per_text([skimming, control_of(cell, units, name, vocabulary)], texts)
        of_cell[cell] = {
            "tried": dict(zip(map(str, sizes), times, strict=True)),
            "learned_us_per_text": learned,
            "units": units,
            "us_per_text": time,
            "learned_us_per_text_beside": again,
        }
    return {"learned": LEARNED, "skim_rate": rate, "words": len(vocabulary), "cells": of_cell}


def words_of(name: str, task: TextTask) -> Vocabulary:
    """All words of the training texts; a model leaves a few rare ones out."""
    longest = settings_of(name, LEARNED, 0).get("max_tokens")
    words = [scan(text).words[:longest] for text in task.train.texts]
    return Vocabulary.build(words, min_count=1)


def skimming_model(name: str, vocabulary: Vocabulary, texts: Sequence[str], rate: float) -> Model:
    """A model of the learned row's shape with random weights that skims at a rate on texts."""
    settings, E = settings_of(name, LEARNED, 0), TUNED[name]["embedding_size"]
    D = settings["hidden_size"]
    config = SkimConfig(cell="lstm", input_size=E, hidden_size=D, levels=settings["levels"])
    random = np.random.default_rng(0)

    def uniform(*shape: int) -> Any:
        return random.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(D))

    parameters = {key: uniform(*shape) for key, shape in config.parameter_shapes().items()}
    embedding = random.normal(size=(len(vocabulary), E)).astype(np.float32)
    rows = [vocabulary.rows(scan(text).words) for text in texts]
    network = with_skim_rate(Network(config, parameters, embedding, None), rate, rows)
    part = TextPart(("one", "other"), vocabulary, embedding, uniform(2, D), uniform(2))
    return Model(ModelFile(config, network.parameters, text=part))


def control_of(cell: str, units: int, name: str, vocabulary: Vocabulary) -> Call:
    """What reads a text with a control of random weights that knows these words."""
    control = random_control(cell, units, TUNED[name]["embedding_size"], words=len(vocabulary))
    return Control(replace(control, vocabulary=vocabulary)).predict_proba


def us_per_text(calls: Sequence[Call], texts: Sequence[str]) -> list[float]:
    """Microseconds a text of each, the median of rounds."""
    times = take_turns(calls, texts, [1] * len(texts), ROUNDS)
    return [float(np.median(time.per_round())) for time in times]


def as_long(units: Sequence[int], times: Sequence[float], learned: float) -> int:
    """The units, in whole cache lines, at which a control takes what the learned row takes.

    Raises:
        ValueError: if every size is slower, or every one faster.
    """
    slower: NDArray[Any] = np.flatnonzero(np.asarray(times) > learned)
    if not len(slower) or slower[0] == 0:
        tried = ", ".join(f"{n}: {time:.1f}" for n, time in zip(units, times, strict=True))
        raise ValueError(
            f"no two of the sizes tried take less and more than {learned:.1f} µs a text: {tried}; "
            "try others (UNITS)"
        )
    at = slower[0] - 1
    found = np.interp(learned, times[at : at + 2], units[at : at + 2])
    return LINE * round(float(found) / LINE)


if __name__ == "__main__":
    main()
