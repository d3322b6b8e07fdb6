"""The trained models that are on this machine, and what is measured of their answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import skimrnn
from benchmarks.questions.rows import ROWS
from skimrnn import cost
from skimrnn.reading import skim_rate
from skimrnn.tasks import Questions, squad_scores
from skimrnn.tasks.metrics import exact_match, f1

RUNS = Path("runs") / "questions"


def folder_of(name: str, seed: int) -> Path:
    """Where a row's model is, or will be."""
    return RUNS / f"squad-{name}-seed{seed}"


def trained(seed: int) -> dict[str, Path]:
    """The folders of the rows whose model is there, in the table's order."""
    folders = {name: folder_of(name, seed) for name in ROWS}
    return {name: folder for name, folder in folders.items() if folder.exists()}


def measure(
    answerer: skimrnn.Answerer, asked: Questions, threshold: float | None = None
) -> dict[str, Any]:
    """Scores of a model's answers, what it skimmed, and the operations of the context's layers."""
    readings = [
        answerer.answer(asked.contexts[one.context], one.text, threshold=threshold)
        for one in asked.questions
    ]
    ids = [one.id for one in asked.questions]
    found = {one: reading.answer for one, reading in zip(ids, readings, strict=True)}
    scores = squad_scores(asked, found)
    truths = [[answer.text for answer in one.answers] for one in asked.questions]
    right = np.array([exact_match(found[one], t) for one, t in zip(ids, truths, strict=True)])
    levels = [reading.level for reading in readings]
    config = answerer.config.context
    skims = config.skims
    words = sum(level.shape[-1] for level in levels)
    by_layer = sum((level > 0).sum(axis=2) for level in levels) / words
    return {
        "questions": len(asked),
        "words": words,
        "f1": scores.f1,
        "exact_match": scores.exact_match,
        "skim_rate": skim_rate(levels) if skims else None,
        "skim_rates": np.asarray(by_layer).tolist() if skims else None,
        "flop_reduction": cost.count(config, levels).flop_reduction,
        "correct": np.packbits(right).tobytes().hex(),
        "f1_percent": [round(100 * f1(found[i], t)) for i, t in zip(ids, truths, strict=True)],
    }
