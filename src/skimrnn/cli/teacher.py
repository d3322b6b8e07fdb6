"""What ``skimrnn train`` learns from beside labels: what other models say of the texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from skimrnn.runtime import Model
    from skimrnn.tasks import TextTask


def check_share(distillation: float | None, teacher: object) -> None:
    """Raise if a share is given for a teacher that there is not.

    Raises:
        ValueError: if so.
    """
    if distillation is not None and not teacher:
        raise ValueError(
            f"--distillation is a teacher's share of the loss; got {distillation} and no "
            "--teacher, name one or leave it out"
        )


def unlabelled_texts(
    path: Path | None, teachers: Sequence[str], text_column: str | None
) -> list[str]:
    """The texts of ``--unlabelled``; none if it is left out.

    Raises:
        DataError: if the file cannot be read or used.
        ValueError: if there is no teacher to say something of them.
    """
    from skimrnn.tasks.rows import read_texts

    if path is None:
        return []
    if not teachers:
        raise ValueError(
            f"--unlabelled texts are learnt from by what a teacher says of them; got {path} and no "
            "--teacher, name one or leave it out"
        )
    return read_texts(path.expanduser(), text_column=text_column)


def teachings(
    names: Sequence[str], task: TextTask, unlabelled: Sequence[str] = ()
) -> NDArray[np.float32] | None:
    """What models say of a task's training texts and of more, in the mean; None without a model.

    Args:
        names: of bundled models, or model folders.
        task: the texts.
        unlabelled: M more.

    Returns:
        The probability of each of the task's labels, (N + M, C).

    Raises:
        ModelFileError: if a folder cannot be read.
        ValueError: if there is no such model, its labels are others, or it alone or the task
            alone is multi-label.
    """
    import numpy as np

    from skimrnn.runtime import load

    if not names:
        return None
    texts = [*task.train.texts, *unlabelled]
    models = [load(name) for name in names]
    for name, model in zip(names, models, strict=True):
        _check_labels(name, model, task)
    said = [
        model.predict_proba(texts)[:, [model.labels.index(label) for label in task.labels]]
        for model in models
    ]
    mean: NDArray[np.float32] = np.mean(said, axis=0)
    return mean


def _check_labels(name: str, model: Model, task: TextTask) -> None:
    if set(model.labels) != set(task.labels):
        raise ValueError(
            f"a teacher must know the labels {', '.join(task.labels)}; {name} knows "
            f"{', '.join(model.labels)}"
        )
    if model.multilabel != task.multilabel:
        several = "any number of labels a text", "one label a text"
        gives, has = several if model.multilabel else several[::-1]
        raise ValueError(f"the teacher {name} gives {gives}, and {task.name} has {has}")
