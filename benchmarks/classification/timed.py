"""The measured times of every row, also of rows that were timed, or timed again, in later sittings.

A machine is not as fast today as it was yesterday. A later sitting times ``BESIDE`` again, and its
other rows are scaled by what that took then and now; ratios to it are as they were measured. Of a
row that was timed again the last time counts. Other engines are timed in the first sitting alone,
and compared with what was scaled.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.classification.rows import RECIPES
from benchmarks.machine import RESULTS

PLAIN = {recipe: "lstm" if recipe == "base" else "lstm-tuned" for recipe in RECIPES}
"""Our plain LSTM whose time a recipe's rows are compared with, in each sitting. That of taught rows
has fewer words than they have, and is 5 to 12 % faster than their own plain LSTM (times.json)."""
BESIDE = PLAIN["tuned"]
"""What every sitting times."""
PATH = RESULTS / "times.json"
PRECISIONS = ("float32", "int8")
"""In which our own models are timed."""
_SCALED = ("us_per_word", "us_per_word_spread", "us_per_text")
Rows = list[dict[str, Any]]


def load(path: Path = PATH) -> dict[str, Any]:
    """Each task's first sitting, with what later ones timed among its ``rows``.

    These have ``later``, the date and the processor of their sitting.
    """
    times = json.loads(path.read_text()) if path.exists() else {}
    return {task: joined(sittings) for task, sittings in times.items()}


def joined(task: dict[str, Any]) -> dict[str, Any]:
    """A task's sittings as one."""
    rows: Rows = list(task["rows"])
    for sitting in task.get("later", ()):
        for row in sitting["rows"]:
            if row["row"] != BESIDE:
                of = beside_of(row["precision"])
                scale = _beside(task["rows"], of) / _beside(sitting["rows"], of)
                scaled = {name: scale * row[name] for name in _SCALED}
                if (engine := _fastest_engine(task["rows"])) is not None:
                    scaled["best_engine_over_this"] = engine / scaled["us_per_text"]
                said = {"later": f"{sitting['date'][:10]}, {sitting['cpu']}"}
                rows = [one for one in rows if _key(one) != _key(row)]
                rows.append({**row, **scaled, **said})
    return {**task, "rows": rows}


def beside_of(precision: str) -> str:
    """In which precision our plain LSTM is that a row of this one is compared with."""
    return precision if precision in PRECISIONS else PRECISIONS[0]


def _key(row: dict[str, Any]) -> tuple[str, str]:
    """What is timed; by what it is read may differ from processor to processor."""
    return row["row"], row["precision"]


def _fastest_engine(rows: Rows) -> float | None:
    """What the fastest other engine took; None where none was timed."""
    return min((row["us_per_text"] for row in rows if row["bytes"] is None), default=None)


def _beside(rows: Rows, precision: str) -> float:
    """What ``BESIDE`` took in a sitting; an engine's rows have no bytes."""
    (found,) = (
        one["us_per_text"]
        for one in rows
        if (one["row"], one["precision"]) == (BESIDE, precision) and one["bytes"] is not None
    )
    return float(found)
