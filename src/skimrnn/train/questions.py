"""Contexts and questions as numbers, and the batches that a training step takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skimrnn.nn.models import PassageBatch
from skimrnn.tasks import Questions
from skimrnn.text import Vocabulary, scan
from skimrnn.text.passages import spelling, words_between

Words = NDArray[np.int32]


@dataclass(frozen=True)
class EncodedQuestions:
    """Questions by number, their contexts once.

    Attributes:
        texts: each context as it was given.
        starts: where each word of each context begins in its text, (T,).
        ends: and ends, (T,).
        contexts: which of the ``forms`` each word is, (T,).
        capitals: whether each word begins with a capital, (T,).
        questions: which of the forms each word of each question is, (J,).
        context_of: the context of each question, (N,).
        spans: first and last word of each answer, (N, 2).
        asked: the place of each question in what was encoded, (N,).
        rows: row in the vocabulary of each form, (F,).
        spelling: of each form, (F, SPELLING).
    """

    texts: list[str]
    starts: list[NDArray[np.int64]]
    ends: list[NDArray[np.int64]]
    contexts: list[Words]
    capitals: list[NDArray[np.bool_]]
    questions: list[Words]
    context_of: NDArray[np.int64]
    spans: NDArray[np.int64]
    asked: NDArray[np.int64]
    rows: NDArray[np.int64]
    spelling: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.questions)

    def lengths(self) -> NDArray[np.int64]:
        """Words of each question's context, (N,)."""
        words = np.array([len(context) for context in self.contexts], dtype=np.int64)
        return words[self.context_of]


def words_of(questions: Questions) -> list[list[str]]:
    """The words of every context and question."""
    texts = [*questions.contexts, *(question.text for question in questions.questions)]
    return [scan(text).words for text in texts]


def encode_questions(
    questions: Questions, vocabulary: Vocabulary, max_tokens: int | None = None
) -> EncodedQuestions:
    """Cut contexts and questions into words, and find the words of the first answer of each.

    Left out is a question without a word, or whose answer has none or, in a context that is cut,
    is not within it.

    Args:
        questions: what is asked.
        vocabulary: the words with a row of their own.
        max_tokens: words of a context that are kept; all if None.
    """
    form_of: dict[str, int] = {}

    def numbered(words: Sequence[str]) -> Words:
        return np.array([form_of.setdefault(word, len(form_of)) for word in words], dtype=np.int32)

    contexts, capitals, starts, ends, cut = [], [], [], [], []
    for text in questions.contexts:
        found = scan(text)
        cut.append(found)
        contexts.append(numbered(found.words[:max_tokens]))
        starts.append(found.starts[:max_tokens])
        ends.append(found.ends[:max_tokens])
        capitals.append(np.array([text[at].isupper() for at in starts[-1].tolist()], dtype=bool))
    asked, rows, spans = [], [], []
    for place, question in enumerate(questions.questions):
        answer = question.answers[0]
        span = words_between(cut[question.context], answer.start, answer.end)
        words = scan(question.text).words
        if words and span is not None and span[1] < len(contexts[question.context]):
            asked.append(place)
            rows.append(numbered(words))
            spans.append(span)
    of = [questions.questions[place].context for place in asked]
    forms = list(form_of)
    return EncodedQuestions(
        texts=list(questions.contexts),
        starts=starts,
        ends=ends,
        contexts=contexts,
        capitals=capitals,
        questions=rows,
        context_of=np.array(of, dtype=np.int64),
        spans=np.array(spans, dtype=np.int64).reshape(-1, 2),
        asked=np.array(asked, dtype=np.int64),
        rows=vocabulary.rows(forms).astype(np.int64),
        spelling=spelling(forms),
    )


def collate_questions(
    data: EncodedQuestions, chosen: Sequence[int] | NDArray[np.int64]
) -> tuple[PassageBatch, torch.Tensor]:
    """The batch that these questions make, and the first and last word of each answer, (B, 2)."""
    contexts = [data.contexts[data.context_of[one]] for one in chosen]
    questions = [data.questions[one] for one in chosen]
    different, numbers = np.unique(np.concatenate(contexts + questions), return_inverse=True)
    sides = np.split(numbers, np.cumsum([len(part) for part in contexts + questions])[:-1])
    B = len(contexts)
    context, context_lengths = padded(sides[:B])
    question, question_lengths = padded(sides[B:])
    features = np.zeros((*context.shape, 2), dtype=np.float32)
    for b, one in enumerate(chosen):
        n = len(sides[b])
        features[b, :n, 0] = np.isin(sides[b], sides[B + b])
        features[b, :n, 1] = data.capitals[data.context_of[one]]
    batch = PassageBatch(
        torch.from_numpy(context),
        context_lengths,
        torch.from_numpy(question),
        question_lengths,
        torch.from_numpy(features),
        torch.from_numpy(data.rows[different]),
        torch.from_numpy(data.spelling[different]),
    )
    return batch, torch.from_numpy(data.spans[np.asarray(chosen)])


def padded(
    rows: Sequence[NDArray[np.integer[Any]]],
) -> tuple[NDArray[np.int64], torch.Tensor]:
    """Rows of different lengths as one array, padded with 0, and their lengths."""
    lengths = [len(row) for row in rows]
    whole = np.zeros((len(rows), max(lengths)), dtype=np.int64)
    for b, row in enumerate(rows):
        whole[b, : len(row)] = row
    return whole, torch.tensor(lengths)
