"""How nearly int8 reads as float32 does: labels, decisions, accuracy of the bundled model."""

from __future__ import annotations

from typing import Any

import numpy as np

import skimrnn
from skimrnn.tasks import load_task

TASKS = ("sst", "rotten-tomatoes")


def rows(data_dir: str | None) -> list[dict[str, Any]]:
    """Float32 against int8 on each task's validation texts, and accuracy on IMDb's test."""
    full, small = (skimrnn.load("sst", precision=name) for name in ("float32", "int8"))
    made = []
    for name, split in (*((task, "validation") for task in TASKS), ("imdb", "test")):
        task = load_task(name, data_dir=data_dir)
        texts = task.splits()[split]
        made.append(_compare(full, small, texts, task.labels) | {"task": name, "split": split})
    return made


def _compare(full: Any, small: Any, examples: Any, labels: Any) -> dict[str, Any]:
    """Shares that are equal. Decisions: free, and forced to read every word.

    Read all the same, the states differ by rounding alone, so what each router would choose there
    (p against the model's threshold) is compared without one difference causing the next.
    """
    theta = full.rule.threshold
    free = [model.read(examples.texts) for model in (full, small)]
    forced = [model.read(examples.texts, threshold=2.0) for model in (full, small)]
    equal = [
        (one.level == other.level).ravel() for one, other in zip(*free, strict=True) if len(one)
    ]
    same = [
        ((one.p[..., 1] > theta) == (other.p[..., 1] > theta)).ravel()
        for one, other in zip(*forced, strict=True)
        if len(one)
    ]
    wanted = [labels[target] for target in examples.targets]
    right = [np.mean([r.label == w for r, w in zip(one, wanted, strict=True)]) for one in free]
    return {
        "texts": len(examples),
        "labels_equal": float(
            np.mean([one.label == other.label for one, other in zip(*free, strict=True)])
        ),
        "decisions_equal_forced": float(np.concatenate(same).mean()),
        "decisions_equal_free": float(np.concatenate(equal).mean()),
        "accuracy_float32": float(right[0]),
        "accuracy_int8": float(right[1]),
    }
