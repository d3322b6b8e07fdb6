"""The models that answer questions, a file each: their layers, and the shapes around them."""

from skimrnn.answerers.base import AnswererModel, Sizes, answerer_models, find_answerer

__all__ = ["AnswererModel", "Sizes", "answerer_models", "find_answerer"]
