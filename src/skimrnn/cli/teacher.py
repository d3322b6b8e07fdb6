"""What ``skimrnn train`` learns from beside labels: what other models say of the texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


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
