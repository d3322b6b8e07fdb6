"""How nearly int8 reads as float32 does: labels, decisions, accuracy of the bundled models."""

from __future__ import annotations

from typing import Any

import numpy as np

import skimrnn
from skimrnn.tasks import load_task

SPLITS = {
    "sst": (("sst", "validation"), ("sst", "test")),
    "imdb": (("imdb", "validation"), ("imdb", "test")),
}
"""Of each bundled model, the texts that it is asked about: a task and a part of it."""


def rows(data_dir: str | None) -> list[dict[str, Any]]:
    """Float32 against int8 of each bundled model."""
    made = []
    for name, splits in SPLITS.items():
        full, small = (skimrnn.load(name, precision=one) for one in ("float32", "int8"))
        for task_name, split in splits:
            task = load_task(task_name, data_dir=data_dir)
            compared = _compare(full, small, task.splits()[split], task.labels)
            made.append({"model": name, "task": task_name, "split": split, **compared})
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
