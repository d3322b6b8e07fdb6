"""Skimming layers for torch; needs torch, which reading a saved model does not.

``SkimLSTM``, ``SkimGRU`` and ``SkimRNN`` take the place of torch's layers; ``record`` tells what
they skimmed; ``skimmify`` puts them into an existing model; ``save`` hands them to the reader, and
``load`` takes them back.
"""

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "skimrnn.nn and skimrnn.train need torch; install it with: pip install 'skimrnn[train]'",
        name=error.name,
    ) from error

from skimrnn.nn.classifier import TextClassifier
from skimrnn.nn.recording import LayerReads, Reads, record
from skimrnn.nn.saving import load, save
from skimrnn.nn.skim import SkimGRU, SkimLSTM, SkimRNN
from skimrnn.nn.surgery import from_rnn, skimmify

__all__ = [
    "LayerReads",
    "Reads",
    "SkimGRU",
    "SkimLSTM",
    "SkimRNN",
    "TextClassifier",
    "from_rnn",
    "load",
    "record",
    "save",
    "skimmify",
]
