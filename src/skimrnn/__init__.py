"""Recurrent networks that skim: read the words that matter, skim the rest.

The names below are loaded when first used, so that importing the package costs nothing. Training
(``skimrnn.nn``, ``skimrnn.train``) needs torch; reading does not.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from skimrnn import nn as nn
    from skimrnn.calibration import Calibration as Calibration
    from skimrnn.calibration import calibrate as calibrate
    from skimrnn.config import SkimConfig as SkimConfig
    from skimrnn.decision import Rule as Rule
    from skimrnn.estimator import SkimClassifier as SkimClassifier
    from skimrnn.hub import HubError as HubError
    from skimrnn.model_folder import ModelFileError as ModelFileError
    from skimrnn.reading import AnswerReading as AnswerReading
    from skimrnn.reading import Reading as Reading
    from skimrnn.runtime import Answerer as Answerer
    from skimrnn.runtime import Layer as Layer
    from skimrnn.runtime import Model as Model
    from skimrnn.runtime import Session as Session
    from skimrnn.runtime import SessionError as SessionError
    from skimrnn.runtime import bundled_answerers as bundled_answerers
    from skimrnn.runtime import bundled_models as bundled_models
    from skimrnn.runtime import implementations as implementations
    from skimrnn.runtime import load as load
    from skimrnn.runtime import load_answerer as load_answerer
    from skimrnn.runtime import load_layer as load_layer

_HOME = {
    "AnswerReading": "skimrnn.reading",
    "Answerer": "skimrnn.runtime",
    "Calibration": "skimrnn.calibration",
    "HubError": "skimrnn.hub",
    "Layer": "skimrnn.runtime",
    "Model": "skimrnn.runtime",
    "ModelFileError": "skimrnn.model_folder",
    "Reading": "skimrnn.reading",
    "Rule": "skimrnn.decision",
    "Session": "skimrnn.runtime",
    "SessionError": "skimrnn.runtime",
    "SkimClassifier": "skimrnn.estimator",
    "SkimConfig": "skimrnn.config",
    "bundled_answerers": "skimrnn.runtime",
    "bundled_models": "skimrnn.runtime",
    "calibrate": "skimrnn.calibration",
    "implementations": "skimrnn.runtime",
    "load": "skimrnn.runtime",
    "load_answerer": "skimrnn.runtime",
    "load_layer": "skimrnn.runtime",
}

_ROOMS = ("nn", "show", "tasks", "text", "train")

__all__ = [
    "AnswerReading",
    "Answerer",
    "Calibration",
    "HubError",
    "Layer",
    "Model",
    "ModelFileError",
    "Reading",
    "Rule",
    "Session",
    "SessionError",
    "SkimConfig",
    "__version__",
    "bundled_answerers",
    "bundled_models",
    "calibrate",
    "implementations",
    "load",
    "load_answerer",
    "load_layer",
]


_NEEDS = {"SkimClassifier": "sklearn", "nn": "torch", "train": "torch"}
"""What optional package a name needs. Without it the name is not listed; asking for it says so."""


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):  # what stands in its place is no package
        return False


if _is_there(_NEEDS["SkimClassifier"]):
    __all__ += ["SkimClassifier"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _ROOMS:
        return import_module(f"skimrnn.{name}")
    raise AttributeError(f"module 'skimrnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    rooms = (room for room in _ROOMS if room not in _NEEDS or _is_there(_NEEDS[room]))
    return sorted({*__all__, *rooms})
