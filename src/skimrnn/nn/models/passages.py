"""A batch of contexts and questions, its different words once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from skimrnn.config import SkimConfig
from skimrnn.nn.skim import SkimLSTM, layer_of


@dataclass(frozen=True)
class PassageBatch:
    """B contexts with a question each; all int64 but the features.

    Attributes:
        context: which of the U different words each context word is, (B, T).
        context_lengths: words of each context, (B,), on the CPU; each at least 1.
        question: likewise of the questions, (B, J).
        question_lengths: likewise, (B,).
        features: of each context word, float32 (B, T, 2).
        rows: row in the embedding of each different word, (U,).
        spelling: of each different word, (U, SPELLING).
    """

    context: Tensor
    context_lengths: Tensor
    question: Tensor
    question_lengths: Tensor
    features: Tensor
    rows: Tensor
    spelling: Tensor

    def to(self, device: torch.device) -> PassageBatch:
        """The batch with what a model computes with there; lengths stay on the CPU."""
        return PassageBatch(
            self.context.to(device),
            self.context_lengths,
            self.question.to(device),
            self.question_lengths,
            self.features.to(device),
            self.rows.to(device),
            self.spelling.to(device),
        )


def outside(lengths: Tensor, width: int, device: torch.device) -> Tensor:
    """Which of (B, width) places lie past their text's end."""
    return torch.arange(width, device=device) >= lengths.to(device)[:, None]


def read(layer: SkimLSTM, x: Tensor, lengths: Tensor) -> Tensor:
    """The layer's outputs (B, T, 2 D) of padded vectors (B, T, ...); 0 past a text's end.

    Packed and unpacked by one index each: torch's own functions go from step to step.
    """
    lengths, order = lengths.sort(descending=True, stable=True)
    words = torch.arange(int(lengths[0]))[:, None] < lengths  # (T, B), whether there is one
    steps, rows = words.nonzero(as_tuple=True)
    places = (order[rows] * x.size(1) + steps).to(x.device)
    order = order.to(x.device)
    packed = PackedSequence(x.flatten(0, 1)[places], words.sum(dim=1), order, order.argsort())
    data = layer(packed)[0].data
    padded: Tensor = data.new_zeros(x.size(0) * x.size(1), data.size(1))
    return padded.index_copy(0, places, data).view(x.size(0), x.size(1), -1)


def make_layer(config: SkimConfig, dropout: float) -> SkimLSTM:
    """A layer of these options; dropout lies between layers alone."""
    between = dropout if config.num_layers > 1 else 0.0
    layer = layer_of(config, batch_first=True, dropout=between)
    assert isinstance(layer, SkimLSTM)
    return layer
