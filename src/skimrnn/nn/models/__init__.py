"""Models around skimming layers that answer questions."""

from skimrnn.answerer_config import AnswererConfig
from skimrnn.nn.models.attention import AttentionReader
from skimrnn.nn.models.bidaf import BidafReader
from skimrnn.nn.models.passages import PassageBatch

__all__ = [
    "MODELS",
    "AttentionReader",
    "BidafReader",
    "PassageBatch",
    "QuestionReader",
    "make_reader",
]

QuestionReader = AttentionReader | BidafReader
MODELS: dict[str, type[QuestionReader]] = {"attention": AttentionReader, "bidaf": BidafReader}
"""By the names of ``skimrnn.answerers``."""


def make_reader(config: AnswererConfig, words: int, dropout: float = 0.0) -> QuestionReader:
    """A fresh model of these sizes, for V ``words``."""
    return MODELS[config.model](config, words, dropout)
