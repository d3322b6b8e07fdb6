"""Reading without torch: load a model folder, read texts or vectors."""

from skimrnn.runtime.answerer import Answerer, load_answerer
from skimrnn.runtime.model import (
    Layer,
    Model,
    VectorsReading,
    bundled_models,
    load,
    load_layer,
    model_folder,
)
from skimrnn.runtime.registry import implementations
from skimrnn.runtime.session import Session, SessionError

__all__ = [
    "Answerer",
    "Layer",
    "Model",
    "Session",
    "SessionError",
    "VectorsReading",
    "bundled_models",
    "implementations",
    "load",
    "load_answerer",
    "load_layer",
    "model_folder",
]
