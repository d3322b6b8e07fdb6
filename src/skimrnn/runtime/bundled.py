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
        ValueError: if a bare name is no bundled model's.
    """
    if isinstance(model, os.PathLike) or os.sep in model or (os.altsep and os.altsep in model):
        return folder_of(model)
    if model in bundled_models():
        return _folder(_CLASSIFIERS, model)
    hint = f"; for the folder here, write .{os.sep}{model}" if Path(model).is_dir() else ""
    if model in bundled_answerers():
        hint = f"; {model} answers questions: use load_answerer, or skimrnn answer"
    raise ValueError(
        f"there is no bundled model {model!r}, only: {', '.join(bundled_models()) or 'none'} "
        f"(a path has a separator){hint}"
    )


def answerer_folder(model: str | os.PathLike[str]) -> Path:
    """The folder that a bundled answerer's name, a path or a name on the hub stands for.

    Raises:
        HubError: if it is no folder here and the hub does not give it.
    """
    if isinstance(model, str) and model in bundled_answerers():
        return _folder(_ANSWERERS, model)
    return folder_of(model)


def _names(kind: str) -> tuple[str, ...]:
    root = resources.files("skimrnn") / kind
    if not root.is_dir():
        return ()
    return tuple(sorted(entry.name for entry in root.iterdir() if entry.is_dir()))


def _folder(kind: str, name: str) -> Path:
    return Path(str(resources.files("skimrnn") / kind / name))
