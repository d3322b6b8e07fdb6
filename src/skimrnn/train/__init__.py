"""Training; needs torch. ``train_classifier`` goes from a task to a model folder."""

from skimrnn.train.classification import Trained, train_classifier
from skimrnn.train.options import TrainingOptions

__all__ = ["Trained", "TrainingOptions", "set_threads", "train_classifier"]


def set_threads(threads: int) -> None:
    """Let torch use so many threads, in the whole process from now on."""
    import torch  # not at the top: what is imported there first says what to install without it

    torch.set_num_threads(threads)
