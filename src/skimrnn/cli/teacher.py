"""What ``skimrnn train`` learns from beside labels: what other models say of the texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skimrnn.tasks import TextTask
    from skimrnn.tasks.rows import Texts


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
) -> Texts | None:
    """The texts of ``--unlabelled``; None if it is left out.

    Raises:
        DataError: if the file cannot be read or used.
        ValueError: if there is no teacher to say something of them.
    """
    from skimrnn.tasks.rows import read_texts

    if path is None:
        return None
    if not teachers:
        raise ValueError(
            f"--unlabelled texts are learnt from by what a teacher says of them; got {path} and no "
            "--teacher, name one or leave it out"
        )
    return read_texts(path.expanduser(), text_column=text_column)


def without_held_out(texts: Sequence[str], task: TextTask) -> list[str]:
    """The unlabelled texts that a task does not keep to judge by.

    Raises:
        DataError: if there is none.
    """
    from skimrnn.tasks import DataError
    from skimrnn.tasks.splits import rows_apart

    rows = rows_apart(texts, [*task.validation.texts, *task.test.texts])
    left = [texts[row] for row in rows]
    if not left:
        raise DataError(
            f"all {len(texts):,} --unlabelled texts are validation or test texts of {task.name}, "
            "which must not be learnt from; give others"
        )
    return left
