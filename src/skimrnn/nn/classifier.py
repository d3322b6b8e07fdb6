"""A text classifier around a skimming layer: word vectors, layer, linear head."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from skimrnn.model_file import ACTIVATIONS, SOFTMAX
from skimrnn.nn.pretrained import Pretrained
from skimrnn.nn.sequences import is_whole
from skimrnn.nn.skim import SkimLayer
from skimrnn.text import Vocabulary


class TextClassifier(Pretrained, nn.Module):
    """Word rows to class scores, by the last layer's final hidden state.

    The layer reads the texts that have words: of a ``threshold``, ``budget`` or ``burst`` that it
    holds per text, it needs one for each of those.

    Args:
        rnn: the layer that reads; its ``batch_first`` and the order of texts do not matter.
        words: V, rows of the embedding; row 0 is the unknown word.
        classes: C.
        dropout: probability of zeroing a unit of the word vectors and of the final state.
        activation: what makes the scores probabilities: "softmax", one class a text, or
            "sigmoid", each class by itself.

    Attributes:
        embedding: (V, E).
        rnn: the layer.
        head: from the directions * D final units to C scores.
        vocabulary: the V words, if they are known: what ``save`` writes unless told otherwise.
        labels: the C classes, likewise.

    Raises:
        ValueError: if there is no such activation.
    """

    vocabulary: Vocabulary | None = None
    labels: Sequence[str] | None = None

    def __init__(
        self,
        rnn: SkimLayer,
        words: int,
        classes: int,
        dropout: float = 0.0,
        activation: str = SOFTMAX,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {', '.join(ACTIVATIONS)}; got {activation!r}"
            )
        self.activation = activation
        self.embedding = nn.Embedding(words, rnn.input_size)
        self.rnn = rnn
        self.head = nn.Linear(rnn.config.directions * rnn.hidden_size, classes)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        rows: Tensor,
        lengths: Tensor,
        noise: Tensor | None = None,
        levels: Tensor | None = None,
        *,
        shift: Tensor | None = None,
    ) -> Tensor:
        """Scores (B, C) of texts given as word rows.

        Args:
            rows: word rows, int64 (B, T), padded with anything.
            lengths: words of each text, (B,); a text may have none.
            noise: Gumbel noise for the layer, (layers, directions, B, T, K); drawn if None.
            levels: levels to take, (B, T) or (layers, directions, B, T); the layer's ``forward``
                says what they do.
            shift: what to add to the word vectors, (B, T, E); nothing if None.

        Returns:
            Scores before the activation.

        Raises:
            ValueError: if a length is not a whole number from 0 to T, or there is not one for
                each text.
        """
        if (
            not is_whole(lengths)
            or lengths.shape != rows.shape[:1]
            or bool(((lengths < 0) | (lengths > rows.shape[1])).any())
        ):
            raise ValueError(
                f"lengths must be a whole number from 0 to {rows.shape[1]} for each of "
                f"{len(rows)} texts; got {lengths.dtype} {lengths.tolist()}"
            )
        last = self.embedding.weight.new_zeros(len(rows), self.head.in_features)
        full = (lengths > 0).nonzero()[:, 0].to(rows.device)
        if len(full):
            places = torch.arange(rows.shape[1], device=rows.device)
            padding = places >= lengths.to(rows.device)[:, None]
            x = self.embedding(rows.masked_fill(padding, 0)[full])
            if shift is not None:
                x = x + shift[full]
            x = self.dropout(x)
            packed = pack_padded_sequence(
                x, lengths[lengths > 0].cpu(), batch_first=True, enforce_sorted=False
            )
            if noise is not None:
                noise = noise[:, :, full]
            if levels is not None:
                levels = levels[..., full, :]
            _, state = self.rnn(packed, noise=noise, levels=levels)
            h_n = state[0] if isinstance(state, tuple) else state
            final = h_n[-self.rnn.config.directions :].transpose(0, 1).flatten(1)
            last = last.index_copy(0, full, final)
        scores: Tensor = self.head(self.dropout(last))
        return scores
