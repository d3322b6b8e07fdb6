"""The library's native scanner with any vocabulary, for the rivals that cut texts as we do."""

from __future__ import annotations

import numpy as np

import skimrnn
from skimrnn.model_file import TextPart
from skimrnn.runtime.native import NativeReader, NativeTextReader
from skimrnn.text import Vocabulary


def scanner(vocabulary: Vocabulary) -> NativeTextReader:
    """The native scanner with this vocabulary, behind the smallest network."""
    config = skimrnn.SkimConfig(cell="rnn_tanh", input_size=1, hidden_size=1, levels=(1,))
    parameters = {n: np.zeros(s, np.float32) for n, s in config.parameter_shapes().items()}
    embedding, head = np.zeros((len(vocabulary), 1), np.float32), np.zeros((1, 1), np.float32)
    text = TextPart(("any",), vocabulary, embedding, head, head[0])
    isa = skimrnn.implementations()[0]
    return NativeTextReader(NativeReader(config, parameters, isa, embedding, 0), text)
