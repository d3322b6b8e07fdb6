"""From words to vectors: a word's own vector beside what its spelling says, through a highway."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skimrnn.answerer_config import AnswererConfig
from skimrnn.text.passages import BYTES


class WordEncoder(nn.Module):
    """X numbers for each word.

    Args:
        config: the sizes.

    Source: Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014, over the
    bytes of a word; Srivastava, Greff and Schmidhuber, "Highway Networks", 2015.
    """

    def __init__(self, config: AnswererConfig) -> None:
        super().__init__()
        size = config.word_size
        if config.filters:
            self.bytes = nn.Embedding(BYTES, config.byte_size, padding_idx=0)
            self.filters = nn.Conv1d(
                config.byte_size,
                config.filters,
                config.filter_width,
                padding=config.filter_width - 1,
            )
        self.spells = bool(config.filters)
        self.carry, self.change = nn.Linear(size, size), nn.Linear(size, size)
        nn.init.constant_(self.carry.bias, 1.0)  # a word is mostly itself at first

    def forward(self, vectors: Tensor, spelling: Tensor) -> Tensor:
        """What stands for words, (U, X), of their vectors (U, E) and spelling (U, SPELLING)."""
        x = vectors
        if self.spells:
            found = self.filters(self.bytes(spelling).transpose(1, 2))
            x = torch.cat([x, F.relu(found).amax(dim=2)], dim=1)
        carried = torch.sigmoid(self.carry(x))
        encoded: Tensor = carried * x + (1 - carried) * F.relu(self.change(x))
        return encoded
