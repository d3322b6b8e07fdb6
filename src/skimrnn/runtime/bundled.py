"""The models that come with the package, and the folder that a name stands for."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from skimrnn.hub import folder_of

_CLASSIFIERS, _ANSWERERS = "models", "answering"
"""Folders of the package, which hold a model folder each."""


def bundled_models() -> tuple[str, ...]:
    """The names of the text classifiers that come with the package."""
    return _names(_CLASSIFIERS)


def bundled_answerers() -> tuple[str, ...]:
    """The names of the models that answer questions and come with the package."""
    return _names(_ANSWERERS)


def model_folder(model: str | os.PathLike[str]) -> Path:
    """The folder that a bundled classifier's name, a path or a name on the hub stands for.

    Raises:
        HubError: if it is no folder here and the hub does not give it.
        ValueError: if a bare name is no bundled classifier's.
    """
    other = "{} answers questions: use load_answerer, or skimrnn answer"
    return _found(model, _CLASSIFIERS, (_ANSWERERS, other))


def answerer_folder(model: str | os.PathLike[str]) -> Path:
    """The folder that a bundled answerer's name, a path or a name on the hub stands for.

    Raises:
        HubError: if it is no folder here and the hub does not give it.
        ValueError: if a bare name is no bundled answerer's.
    """
    other = "{} labels texts: use load, or skimrnn read"
    return _found(model, _ANSWERERS, (_CLASSIFIERS, other))


def _found(model: str | os.PathLike[str], kind: str, other: tuple[str, str]) -> Path:
    """The folder of a model of this kind; ``other`` is the other kind, and what to say of it."""
    if isinstance(model, os.PathLike) or os.sep in model or (os.altsep and os.altsep in model):
        return folder_of(model)
    if model in _names(kind):
        return Path(str(resources.files("skimrnn") / kind / model))
    hint = f"; for the folder here, write .{os.sep}{model}" if Path(model).is_dir() else ""
    if model in _names(other[0]):
        hint = f"; {other[1].format(model)}"
    raise ValueError(
        f"there is no bundled model {model!r}, only: {', '.join(_names(kind)) or 'none'} "
        f"(a path has a separator){hint}"
    )


def _names(kind: str) -> tuple[str, ...]:
    root = resources.files("skimrnn") / kind
    if not root.is_dir():
        return ()
    return tuple(sorted(entry.name for entry in root.iterdir() if entry.is_dir()))
