"""Labelled texts for training and evaluation: built-in data sets and users' own files."""

from skimrnn.tasks.base import DataError, Examples, TextTask
from skimrnn.tasks.load import BUILT_IN, find_data_dir, load_examples, load_task
from skimrnn.tasks.metrics import accuracy
from skimrnn.tasks.vectors import find_word_vectors

__all__ = [
    "BUILT_IN",
    "DataError",
    "Examples",
    "TextTask",
    "accuracy",
    "find_data_dir",
    "find_word_vectors",
    "load_examples",
    "load_task",
]
