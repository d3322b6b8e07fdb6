"""The LSTM with attention: it marks where in a context a question is answered.

Each context word is put beside what the question has like it; two layers in both directions read
that, and skim; two pointers, made of the question, find the first and the last word of the answer.

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


class AttentionReader(nn.Module):
    """Scores of every context word as the first and as the last of the answer.

    Args:
        config: the sizes.
        words: V, rows of the embedding; row 0 is the unknown word.
        dropout: probability of zeroing a number of what stands for a word, and of what is read.

    Source: Seo et al., ICLR 2018, appendix A ("LSTM+Att"), whose text leaves the attention open;
    ours is that of Chen et al., "Reading Wikipedia to Answer Open-Domain Questions", ACL 2017, with
    the product of both sides beside it.
    """

    def __init__(self, config: AnswererConfig, words: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        size = config.word_size
        self.embedding = nn.Embedding(words, config.embedding_size)
        self.words = WordEncoder(config)
        self.alignment = nn.Linear(size, size)
        self.question = make_layer(config.layers["question"], dropout)
        self.context = make_layer(config.layers["context"], dropout)
        asked, seen = (2 * config.layers[name].hidden_size for name in ("question", "context"))
        self.summary = nn.Linear(asked, 1)
        self.start, self.end = nn.Linear(asked, seen), nn.Linear(asked, seen)
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: PassageBatch) -> tuple[Tensor, Tensor]:
        """Scores before the softmax, each (B, T); minus infinity past a context's end."""
        past_context = outside(batch.context_lengths, batch.context.size(1), batch.context.device)
        past_question = outside(
            batch.question_lengths, batch.question.size(1), batch.question.device
        )
        different = self.words(self.embedding(batch.rows), batch.spelling)
        context = self.dropout(F.embedding(batch.context, different))
        question = self.dropout(F.embedding(batch.question, different))
        alike = self._alike(context, question, past_question)
        seen = torch.cat([context, alike, context * alike, batch.features], dim=2)
        states = self.dropout(read(self.context, seen, batch.context_lengths))
        asked = self._asked(question, batch.question_lengths, past_question)
        scores = [
            (states @ pointer(asked)[:, :, None])[:, :, 0].masked_fill(past_context, -torch.inf)
            for pointer in (self.start, self.end)
        ]
        return scores[0], scores[1]

    def _alike(self, context: Tensor, question: Tensor, past: Tensor) -> Tensor:
        """For each context word the question's words, weighted by likeness, (B, T, X)."""
        ours, theirs = F.relu(self.alignment(context)), F.relu(self.alignment(question))
        likeness = (ours @ theirs.transpose(1, 2)).masked_fill(past[:, None], -torch.inf)
        alike: Tensor = likeness.softmax(dim=2) @ question
        return alike

    def _asked(self, question: Tensor, lengths: Tensor, past: Tensor) -> Tensor:
        """The question as one vector, (B, 2 D)."""
        states = self.dropout(read(self.question, question, lengths))
        weight = self.summary(states)[:, :, 0].masked_fill(past, -torch.inf).softmax(dim=1)
        asked: Tensor = (weight[:, None] @ states)[:, 0]
        return asked
