"""Labelled texts and questions to train on and evaluate: built-in data sets and users' files."""

from skimrnn.tasks.base import DataError, Examples, TextTask
from skimrnn.tasks.load import (
    BUILT_IN,
    find_data_dir,
    load_examples,
    load_questions,
    load_task,
)
from skimrnn.tasks.metrics import (
    SpanScores,
    accuracy,
    exact_match,
    f1,
    micro_f1,
    normalise_answer,
    squad_scores,
)
from skimrnn.tasks.questions import Answer, Question, Questions, QuestionTask
from skimrnn.tasks.squad import predictions_to_json, read_predictions
from skimrnn.tasks.vectors import find_word_vectors

__all__ = [
    "BUILT_IN",
    "Answer",
    "DataError",
    "Examples",
    "Question",
    "QuestionTask",
    "Questions",
    "SpanScores",
    "TextTask",
    "accuracy",
    "exact_match",
    "f1",
    "find_data_dir",
    "find_word_vectors",
    "load_examples",
    "load_questions",
    "load_task",
    "micro_f1",
    "normalise_answer",
    "predictions_to_json",
    "read_predictions",
    "squad_scores",
]
