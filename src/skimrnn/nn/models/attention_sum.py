"""The attention-sum reader: it says which word of a context fits into a query's blank.

A skimming layer reads the context, another the query; a word of the context gets the share that its
state's product with the query's last states gives it, and a candidate the sum over all the places
where it stands.

Letters: B batch, T words of a context, J words of a query, E word vector, D hidden size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from skimrnn.config import SkimConfig
from skimrnn.nn.models.passages import PassageBatch, make_layer, outside, read


class AttentionSumReader(nn.Module):
    """The share of every context word.

    Args:
        context: the layer that reads the context, in both directions, E inputs.
        query: the layer that reads the query, likewise, with as many units.
        words: V, rows of the embedding; row 0 is the unknown word, and the last may be slots.
        dropout: probability of zeroing a number of a word's vector.

    Raises:
        ValueError: if the layers do not fit each other.

    Source: Kadlec, Schmid, Bajgar and Kleindienst, "Text Understanding with the Attention Sum
    Reader Network", ACL 2016.
    """

    def __init__(
        self, context: SkimConfig, query: SkimConfig, words: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        fits = (context.input_size, context.hidden_size) == (query.input_size, query.hidden_size)
        if not (fits and context.bidirectional and query.bidirectional):
            raise ValueError(
                "context and query must read in both directions, with as many inputs and units; "
                f"got {context} and {query}"
            )
        self.embedding = nn.Embedding(words, context.input_size)
        self.context, self.query = make_layer(context, dropout), make_layer(query, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: PassageBatch) -> Tensor:
        """Log-probabilities (B, T) of the context's words; minus infinity past its end."""
        different = self.embedding(batch.rows)
        context, query = (
            self.dropout(F.embedding(side, different)) for side in (batch.context, batch.question)
        )
        states = read(self.context, context, batch.context_lengths)
        packed = pack_padded_sequence(
            query, batch.question_lengths, batch_first=True, enforce_sorted=False
        )
        _, (h_n, _) = self.query(packed)
        asked = h_n[-2:].transpose(0, 1).flatten(1)  # the last layer's two directions
        scores = (states @ asked[:, :, None])[:, :, 0]
        past = outside(batch.context_lengths, scores.size(1), scores.device)
        log_p: Tensor = scores.masked_fill(past, -torch.inf).log_softmax(dim=1)
        return log_p


def of_candidates(log_p: Tensor, places: Tensor) -> Tensor:
    """The log-probability of each candidate, (B, C): the sum over the places where it stands.

    Args:
        log_p: of each context word, (B, T).
        places: where each candidate stands, (B, C, T); minus infinity is given to one that does
            not.
    """
    return log_p[:, None].expand(places.shape).masked_fill(~places, -torch.inf).logsumexp(dim=2)
