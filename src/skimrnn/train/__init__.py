"""Training; needs torch. ``train_classifier`` goes from a task to a model folder."""

from skimrnn.train.classification import Trained, train_classifier
from skimrnn.train.options import TrainingOptions

__all__ = ["Trained", "TrainingOptions", "train_classifier"]
