"""Reading without torch: load a model folder, read texts or vectors."""

from skimrnn.runtime.answerer import Answerer, load_answerer
from skimrnn.runtime.bundled import bundled_answerers, bundled_models, model_folder
from skimrnn.runtime.model import Layer, Model, VectorsReading, load, load_layer
from skimrnn.runtime.registry import implementations
from skimrnn.runtime.session import Session, SessionError

__all__ = [
    "Answerer",
    "Layer",
    "Model",
    "Session",
    "SessionError",
    "VectorsReading",
    "bundled_answerers",
    "bundled_models",
    "implementations",
    "load",
    "load_answerer",
    "load_layer",
    "model_folder",
]
