"""Training the attention-sum reader on cloze questions: which candidate fits into the blank."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skimrnn.config import SkimConfig
from skimrnn.nn.models import PassageBatch
from skimrnn.nn.models.attention_sum import AttentionSumReader, of_candidates
from skimrnn.nn.recording import record
from skimrnn.tasks.cloze import ClozeQuestion, ClozeTask
from skimrnn.text import Vocabulary
from skimrnn.text.passages import FEATURES, SPELLING
from skimrnn.train.answering import refuse_options_of_classifiers, skimming
from skimrnn.train.batches import epoch_batches, ordered_batches
from skimrnn.train.classification import read_vectors, start_embedding, vectors_size
from skimrnn.train.loop import Event, Outcome, Trainer
from skimrnn.train.options import TrainingOptions
from skimrnn.train.questions import padded

EVALUATION_BATCH = 64


@dataclass(frozen=True)
class EncodedCloze:
    """Cloze questions by number.

    Attributes:
        contexts: which of the different words each context word is, (T,).
        queries: likewise of each query, (J,).
        candidates: likewise of each question's candidates, (N, C).
        answers: the candidate that is right, (N,).
        rows: row in the vocabulary of each different word, (F,).
        named: which candidates are written with a capital, (N, C).
        words: V, of the vocabulary.
    """

    contexts: list[NDArray[np.int32]]
    queries: list[NDArray[np.int32]]
    candidates: NDArray[np.int32]
    answers: NDArray[np.int64]
    rows: NDArray[np.int64]
    named: NDArray[np.bool_]
    words: int

    def __len__(self) -> int:
        return len(self.contexts)

    def lengths(self) -> NDArray[np.int64]:
        """Words of each context, (N,)."""
        return np.array([len(context) for context in self.contexts], dtype=np.int64)


def words_of_cloze(questions: Sequence[ClozeQuestion]) -> list[list[str]]:
    """The words of every context and of every query."""
    return [words for one in questions for words in (words_in(*one.context), words_in(one.query))]


def words_in(*sentences: str) -> list[str]:
    """The lower-cased words of sentences whose words stand apart already, as in the books."""
    return " ".join(sentences).lower().split()


def encode_cloze(questions: Sequence[ClozeQuestion], vocabulary: Vocabulary) -> EncodedCloze:
    """Questions as numbers; two candidates that differ by capitals alone are one word."""
    form_of: dict[str, int] = {}

    def numbered(words: Sequence[str]) -> NDArray[np.int32]:
        return np.array([form_of.setdefault(word, len(form_of)) for word in words], dtype=np.int32)

    contexts, queries, candidates = [], [], []
    for one in questions:
        contexts.append(numbered(words_in(*one.context)))
        queries.append(numbered(words_in(one.query)))
        candidates.append(numbered([candidate.lower() for candidate in one.candidates]))
    return EncodedCloze(
        contexts,
        queries,
        np.stack(candidates),
        np.array([one.answer for one in questions], dtype=np.int64),
        vocabulary.rows(list(form_of)).astype(np.int64),
        np.array([[word[0].isupper() for word in one.candidates] for one in questions]),
        len(vocabulary),
    )


def collate_cloze(
    data: EncodedCloze,
    chosen: Sequence[int] | NDArray[np.int64],
    slots: NDArray[np.int64] | None = None,
) -> tuple[PassageBatch, Tensor, Tensor]:
    """The batch that these questions make, where each candidate stands (B, C, T), the answers.

    Args:
        data: the questions.
        chosen: which, B of them.
        slots: what stands for each named candidate instead of its word, (B, C): row V + slot of
            the embedding; None for the words.
    """
    context, context_lengths = padded([data.contexts[one] for one in chosen])
    query, query_lengths = padded([data.queries[one] for one in chosen])
    places = context[:, None] == data.candidates[chosen][:, :, None]
    places &= np.arange(context.shape[1]) < context_lengths.numpy()[:, None, None]
    rows = data.rows
    if slots is not None:
        rows = np.concatenate([rows, data.words + np.arange(data.candidates.shape[1])])
        for text in (context, query):
            hidden = text[:, None] == data.candidates[chosen][:, :, None]  # (B, C, T)
            hidden &= data.named[chosen][:, :, None]
            slot = np.where(hidden, slots[:, :, None], 0).max(axis=1)
            np.copyto(text, len(data.rows) + slot, where=hidden.any(axis=1), casting="same_kind")
    different, numbers = np.unique(np.concatenate([context, query], axis=1), return_inverse=True)
    numbers = numbers.reshape(len(context), -1)
    batch = PassageBatch(
        torch.from_numpy(numbers[:, : context.shape[1]]),
        context_lengths,
        torch.from_numpy(numbers[:, context.shape[1] :]),
        query_lengths,
        torch.zeros(*context.shape, len(FEATURES)),  # not looked at
        torch.from_numpy(rows[different]),
        torch.zeros(len(different), SPELLING, dtype=torch.int64),  # not looked at
    )
    return batch, torch.from_numpy(places), torch.from_numpy(data.answers[chosen])


def drawn_slots(questions: int, candidates: int, seed: int, step: int) -> NDArray[np.int64]:
    """A permutation of the slots for each question of a step, (B, C)."""
    # The last number is past those of the noise of this seed and step (train/noise.py).
    stream = np.random.Philox(key=[seed, step], counter=[0, 0, 0, 2])
    return stream.random_raw(questions * candidates).reshape(questions, -1).argsort(axis=1)


def fixed_slots(questions: int, candidates: int) -> NDArray[np.int64]:
    """Each candidate's own place, (B, C)."""
    return np.tile(np.arange(candidates), (questions, 1))


class Cloze:
    """Minus the log-probability of the right word, and the skim penalty of the context's layer.

    Args:
        train: the training questions.
        validation: the questions to evaluate on.
        options: the settings.
        anonymous: whether slots stand for named candidates, drawn anew at each step.
    """

    def __init__(
        self,
        train: EncodedCloze,
        validation: EncodedCloze,
        options: TrainingOptions,
        anonymous: bool = False,
    ) -> None:
        self._train, self._validation, self._options = train, validation, options
        self._anonymous = anonymous
        self.steps_per_epoch = -(-len(train) // options.batch_size)
        self.uses_all = not options.warm_start_steps
        self._epoch_batches = lru_cache(maxsize=2)(
            lambda epoch: epoch_batches(train.lengths(), options.batch_size, options.seed, epoch)
        )

    def losses(
        self, model: nn.Module, step: int, skim_weight: float
    ) -> Iterator[tuple[Tensor, Event]]:
        """The loss of one step and its numbers to show, keyed by ``step``."""
        epoch, at = divmod(step, self.steps_per_epoch)
        chosen, slots = self._epoch_batches(epoch)[at], None
        if self._anonymous:
            count = self._train.candidates.shape[1]
            slots = drawn_slots(len(chosen), count, self._options.seed, step)
        batch, places, answers = collate_cloze(self._train, chosen, slots)
        with record() as reads:
            log_p = of_candidates(model(batch), places)
        loss = -log_p.gather(1, answers[:, None]).mean()
        shown = {
            "loss": float(loss.detach()),
            "accuracy": float((log_p.argmax(dim=1) == answers).float().mean()),
            "tokens": int(batch.context_lengths.sum()),
            "skim_rate": None,
        }
        able = skimming(reads)
        if able.entries and able.entries[0].skimming:
            shown["skim_rate"] = able.skim_rate()
            penalty = able.penalty(self._options.penalty, rate=self._options.wanted_rate)
            loss = loss + skim_weight * penalty
        yield loss, shown

    def evaluate(self, model: AttentionSumReader) -> Event:
        """Accuracy and skim rate on the validation questions."""
        found = measure_cloze(model, self._validation, self._anonymous)
        return {**found, "score": found["accuracy"]}


@torch.no_grad()
def measure_cloze(
    model: AttentionSumReader, data: EncodedCloze, anonymous: bool = False
) -> dict[str, Any]:
    """Share of questions answered rightly, and share of the contexts' words skimmed."""
    right = skimmed = entries = 0
    for chosen in ordered_batches(data.lengths(), EVALUATION_BATCH):
        slots = fixed_slots(len(chosen), data.candidates.shape[1]) if anonymous else None
        batch, places, answers = collate_cloze(data, chosen, slots)
        with record() as reads:
            found = of_candidates(model(batch), places).argmax(dim=1)
        right += int((found == answers).sum())
        for entry in skimming(reads).entries:
            skimmed += int((entry.levels > 0).sum())
            entries += entry.levels.numel()
    return {"accuracy": right / len(data), "skim_rate": skimmed / entries if entries else None}


def train_cloze(
    task: ClozeTask,
    options: TrainingOptions,
    folder: Path,
    *,
    vectors: str | Path | None = None,
    anonymous: bool = False,
    show: Callable[[Event], None] = lambda event: None,
) -> tuple[AttentionSumReader, Vocabulary, Outcome]:
    """Train an attention-sum reader; what is cut off goes on from the checkpoint in ``folder``.

    Args:
        task: the questions.
        options: the settings; ``levels`` are those of the context's layer, the query is read whole.
        folder: where checkpoint and log are kept.
        vectors: a word-vector file; drawn at random if None.
        anonymous: whether a candidate with a capital is one of C slots instead of its word, drawn
            anew for each question at each step: who does what in a few books is then nothing that
            could be learnt by heart (Hermann et al., NIPS 2015). Measure it likewise.
        show: called with each step's and each evaluation's numbers.

    Returns:
        The reader with its best weights, its words, and how training went.

    Raises:
        ValueError: if a setting does not fit, or a checkpoint is of another run.
    """
    refuse_options_of_classifiers(options)
    words = words_of_cloze(task.train)
    found = read_vectors(vectors, words)
    vocabulary = Vocabulary.build(
        words,
        with_vector=set() if found is None else set(found.words),
        min_count=options.min_count,
        max_words=options.max_words,
    )
    train, validation = (encode_cloze(one, vocabulary) for one in (task.train, task.validation))
    context = options.layer(
        vectors_size(options, found), cell="lstm", num_layers=1, bidirectional=True
    )
    query = SkimConfig(
        cell="lstm",
        input_size=context.input_size,
        hidden_size=context.hidden_size,
        levels=(context.hidden_size,),
        bidirectional=True,
    )
    key = {
        "task": task.name,
        "vectors": None if vectors is None else str(vectors),
        "words": len(vocabulary),
        "data": _digest(train, validation),
        "anonymous": anonymous,
    }
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        slots = train.candidates.shape[1] if anonymous else 0
        model = AttentionSumReader(context, query, len(vocabulary) + slots, options.dropout)
        start_embedding(model, options, vocabulary, found)
        outcome = Trainer(
            model, Cloze(train, validation, options, anonymous), options, folder, key, show
        ).run()
    model.eval()
    model.context.skimming, model.context.temperature = True, 1.0
    return model, vocabulary, outcome


def _digest(*data: EncodedCloze) -> str:
    """What tells the questions of one run from another's."""
    digest = hashlib.sha256()
    for part in data:
        arrays: list[NDArray[Any]] = [part.candidates, part.answers, part.rows, part.named]
        for array in (*arrays, *part.contexts, *part.queries):
            digest.update(array.tobytes())
    return digest.hexdigest()
