"""Training; needs torch: from a task to a model folder."""

from skimrnn import nn as _nn  # noqa: F401  (first: without torch it says what to install)
from skimrnn.train.answering import AnswererOptions, train_answerer
from skimrnn.train.classification import train_classifier
from skimrnn.train.given import GivenLevels
from skimrnn.train.options import TrainingOptions
from skimrnn.train.run import Trained

__all__ = [
    "AnswererOptions",
    "GivenLevels",
    "Trained",
    "TrainingOptions",
    "set_threads",
    "train_answerer",
    "train_classifier",
]


def set_threads(threads: int) -> None:
    """Let torch use so many threads, in the whole process from now on."""
    import torch  # not at the top, where it would come before what says how to install it

    torch.set_num_threads(threads)
