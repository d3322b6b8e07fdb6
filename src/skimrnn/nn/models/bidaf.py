"""Bidirectional attention flow, BiDAF: it marks where in a context a question is answered.

One layer reads context and question alike; every pair of their states is held against each other,
and attention flows both ways; two layers model what came of it, and skim; two pointers find the
answer's ends, the last after one more layer.

Letters: B batch, T words of a context, J words of a question, X what stands for a word, D hidden
size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skimrnn.answerer_config import AnswererConfig
from skimrnn.nn.models.passages import PassageBatch, make_layer, outside, read
from skimrnn.nn.models.words import WordEncoder


class BidafReader(nn.Module):
    """Scores of every context word as the first and as the last of the answer.

    Args:
        config: the sizes.
        words: V, rows of the embedding; row 0 is the unknown word.
        dropout: probability of zeroing a number of what stands for a word, and of what is read.

    Source: Seo et al., "Bidirectional Attention Flow for Machine Comprehension", ICLR 2017; the
    spelling is of bytes, and what the words of the other side have in common is told beside.
    """

    def __init__(self, config: AnswererConfig, words: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        sizes = config.sizes.hidden
        read_size, modelled, ended = (2 * sizes[name] for name in config.layers)
        self.embedding = nn.Embedding(words, config.embedding_size)
        self.words = WordEncoder(config)
        self.encoder = make_layer(config.layers["encoder"], dropout)
        self.modelling = make_layer(config.layers["modelling"], dropout)
        self.ending = make_layer(config.layers["ending"], dropout)
        self.likeness = nn.Linear(3 * read_size, 1)
        self.start = nn.Linear(4 * read_size + modelled, 1)
        self.end = nn.Linear(4 * read_size + ended, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: PassageBatch) -> tuple[Tensor, Tensor]:
        """Scores before the softmax, each (B, T); minus infinity past a context's end."""
        past = outside(batch.context_lengths, batch.context.size(1), batch.context.device)
        different = self.words(self.embedding(batch.rows), batch.spelling)
        nothing = batch.features.new_zeros(*batch.question.shape, batch.features.size(2))
        context = self._encoded(
            F.embedding(batch.context, different), batch.features, batch.context_lengths
        )
        question = self._encoded(
            F.embedding(batch.question, different), nothing, batch.question_lengths
        )
        flow = self._flow(context, question, past, batch.question_lengths)
        modelled = read(self.modelling, self.dropout(flow), batch.context_lengths)
        ended = read(self.ending, self.dropout(modelled), batch.context_lengths)
        start, end = (
            pointer(self.dropout(torch.cat([flow, states], dim=2)))[:, :, 0].masked_fill(
                past, -torch.inf
            )
            for pointer, states in ((self.start, modelled), (self.end, ended))
        )
        return start, end

    def _encoded(self, x: Tensor, features: Tensor, lengths: Tensor) -> Tensor:
        """What the first layer says of one side's words, (B, T, 2 D)."""
        return read(self.encoder, torch.cat([self.dropout(x), features], dim=2), lengths)

    def _flow(self, context: Tensor, question: Tensor, past: Tensor, lengths: Tensor) -> Tensor:
        """Each context word's state, what the question has like it, and both products, (B, T, 8 D).

        The likeness of h and u is linear in [h ; u ; h * u], taken apart so that no tensor of
        every pair's vectors is made.
        """
        of_context, of_question, of_both = self.likeness.weight.view(3, context.size(2))
        likeness = (
            (context * of_both) @ question.transpose(1, 2)
            + (context @ of_context)[:, :, None]
            + (question @ of_question)[:, None]
            + self.likeness.bias
        )
        past_question = outside(lengths, question.size(1), question.device)
        likeness = likeness.masked_fill(past_question[:, None], -torch.inf)
        alike = likeness.softmax(dim=2) @ question
        asked_about = likeness.amax(dim=2).masked_fill(past, -torch.inf).softmax(dim=1)
        summary = asked_about[:, None] @ context
        return torch.cat([context, alike, context * alike, context * summary], dim=2)
