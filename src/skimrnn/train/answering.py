"""Training an answerer: from questions about contexts to a model folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from skimrnn.answerer_config import AnswererConfig, make_layers
from skimrnn.answerers import find_answerer
from skimrnn.config import OF_WHAT_SKIMS
from skimrnn.files import sha256
from skimrnn.model_folder import check_target
from skimrnn.nn.models import QuestionReader, make_reader
from skimrnn.nn.recording import Reads, record
from skimrnn.nn.saving import load_answerer, save_answerer
from skimrnn.routers import find_router
from skimrnn.spans import best_span
from skimrnn.tasks import Questions, QuestionTask, squad_scores
from skimrnn.text import Vocabulary, WordVectors
from skimrnn.train.batches import epoch_batches, ordered_batches
from skimrnn.train.classification import read_vectors, start_embedding, vectors_size
from skimrnn.train.loop import Event, Trainer
from skimrnn.train.options import TrainingOptions
from skimrnn.train.processes import Processes, processes
from skimrnn.train.questions import (
    EncodedQuestions,
    collate_questions,
    encode_questions,
    words_of,
)
from skimrnn.train.run import Trained, put_away, run_record, vectors_record, working_folder

EVALUATION_BATCH = 64

_OF_CLASSIFIERS = (
    *("cell", "bidirectional", "hard", "adversarial", "threshold_spread"),
    "unknown_probability",
)
"""Training options that answerers and cloze readers have no use for."""


@dataclass(frozen=True, kw_only=True)
class AnswererOptions:
    """What an answerer is made of, beside ``TrainingOptions``.

    Attributes:
        model: one of ``skimrnn.answerers``.
        filters: of the convolution over a word's spelling; 0 leaves spellings out.
        byte_size: of the vector of each byte.
        filter_width: bytes that a filter sees.

    Raises:
        ValueError: if there is no such model.
    """

    model: str = "attention"
    filters: int = 50
    byte_size: int = 16
    filter_width: int = 5

    def __post_init__(self) -> None:
        find_answerer(self.model)


class Answering:
    """Cross-entropy of the answer's first and last word, and the skim penalty.

    A teacher's probabilities have their share of the first once the warm start is over.

    Args:
        train: the training questions.
        validation: the questions to evaluate on.
        asked: the same as they were given, with all their answers.
        options: the settings.
        together: the processes that train together; each takes its share of every batch.
        device: where the model is.
        teacher: a model that knows the same words, in ``eval()`` there.
    """

    def __init__(
        self,
        train: EncodedQuestions,
        validation: EncodedQuestions,
        asked: Questions,
        options: TrainingOptions,
        together: Processes | None = None,
        device: torch.device | str = "cpu",
        teacher: QuestionReader | None = None,
    ) -> None:
        self._processes, self._device = together or Processes(), torch.device(device)
        self._train, self._validation, self._asked = train, validation, asked
        self._options, self._lengths, self._teacher = options, train.lengths(), teacher
        self.steps_per_epoch = -(-len(train) // options.batch_size)
        self.uses_all = not options.warm_start_steps
        self._epoch_batches = lru_cache(maxsize=2)(self._batches_of)

    def losses(
        self, model: nn.Module, step: int, skim_weight: float
    ) -> Iterator[tuple[Tensor, Event]]:
        """The loss of one step and its numbers to show, keyed by ``step``."""
        options = self._options
        epoch, at = divmod(step, self.steps_per_epoch)
        chosen = self._epoch_batches(epoch)[at]
        share = self._processes.share(len(chosen))
        batch, spans = collate_questions(self._train, chosen[share.begin : share.end])
        batch, spans = batch.to(self._device), spans.to(self._device)
        with record() as reads:
            start, end = model(batch)
        loss = F.cross_entropy(start, spans[:, 0]) + F.cross_entropy(end, spans[:, 1])
        if self._teacher is not None and step >= options.warm_start_steps:
            with torch.no_grad():
                taught = self._teacher(batch)
            soft = sum(map(divergence, (start, end), taught), torch.zeros_like(loss))
            loss = torch.lerp(loss, soft, options.distillation)
        loss = loss * share.weight
        found = (start.argmax(dim=1) == spans[:, 0]) & (end.argmax(dim=1) == spans[:, 1])
        shown = {
            "loss": float(loss.detach()),
            "accuracy": float(found.float().mean()),
            "tokens": int(batch.context_lengths.sum()),
            "skim_rate": None,
        }
        able = skimming(reads)
        if able.entries and able.entries[0].skimming:
            shown["skim_rate"] = able.skim_rate()
            weight = None if self._processes.count == 1 else share.weight
            penalty = able.penalty(options.penalty, rate=options.wanted_rate, weight=weight)
            loss = loss + skim_weight * penalty
        yield loss, shown

    def evaluate(self, model: QuestionReader) -> Event:
        """F1, exact match and skim rate, in all and by layer and direction."""
        predicted, skimmed, tokens = {}, dict[str, int](), 0
        for batch, start, end, chosen in self._read(model, skimmed):
            tokens += int(batch.context_lengths.sum())
            for one, *scores in zip(chosen, start.numpy(), end.numpy(), strict=True):
                context = self._validation.context_of[one]
                words = len(self._validation.contexts[context])
                span = best_span(*(score[:words] for score in scores))
                question = self._asked.questions[self._validation.asked[one]]
                begin = self._validation.starts[context][span.first]
                until = self._validation.ends[context][span.last]
                predicted[question.id] = self._validation.texts[context][begin:until]
        scored = squad_scores(self._asked, predicted)
        rates = {name: count / tokens for name, count in skimmed.items()}
        return {
            "score": scored.f1,
            "f1": scored.f1,
            "exact_match": scored.exact_match,
            "skim_rate": float(np.mean(list(rates.values()))) if rates else None,
            "skim_rates": rates,
        }

    def _read(self, model: QuestionReader, skimmed: dict[str, int]) -> Iterator[Any]:
        """Every batch with its scores; what each layer and direction skims is added up."""
        data = self._validation
        for chosen in ordered_batches(data.lengths(), EVALUATION_BATCH):
            batch, _ = collate_questions(data, chosen)
            with record() as reads:
                start, end = model(batch.to(self._device))
            for entry in skimming(reads).entries:
                name = f"layer {entry.layer + 1}, {'backward' if entry.direction else 'forward'}"
                skimmed[name] = skimmed.get(name, 0) + int((entry.levels > 0).sum())
            yield batch, start.cpu(), end.cpu(), chosen

    def _batches_of(self, epoch: int) -> list[NDArray[np.int64]]:
        return epoch_batches(self._lengths, self._options.batch_size, self._options.seed, epoch)


def divergence(scores: Tensor, taught: Tensor) -> Tensor:
    """Cross-entropy of scores (B, T) against the probabilities of a teacher's, (B, T).

    Both are minus infinity past a context's end.
    """
    p = taught.softmax(dim=1)
    # Where p is 0 the logarithm may be minus infinity, and their product would be nothing at all.
    log_p = scores.log_softmax(dim=1).masked_fill(p == 0, 0)
    return -(p * log_p).sum(dim=1).mean()


def skimming(reads: Reads) -> Reads:
    """What the layers that can skim did."""
    return Reads([entry for entry in reads.entries if entry.config.skims])


def train_answerer(
    task: QuestionTask,
    options: TrainingOptions,
    folder: Path,
    *,
    made_of: AnswererOptions | None = None,
    vectors: str | Path | None = None,
    command: str | None = None,
    dtype: str | None = None,
    device: str = "cpu",
    show: Callable[[Event], None] = lambda event: None,
    keep: tuple[int, Path] | None = None,
    start: Path | None = None,
    teacher: Path | None = None,
) -> Trained:
    """Train an answerer on a task and save it; what is cut off goes on from its checkpoint.

    Args:
        task: the questions.
        options: the settings; ``num_layers`` and ``levels`` are those of the context's layers,
            which read in both directions; the other layers have as many units and read all.
            With ``freeze_embedding`` the vocabulary also has the words that ``vectors`` has and
            the training texts lack.
        folder: the model folder to write.
        made_of: the model and its sizes.
        vectors: a word-vector file; drawn at random if None.
        command: the command to name in the record.
        dtype: "float16", "float32" or "float64" to store in; None for float32.
        device: "cpu", or "cuda" for a GPU; of several processes each takes one of its machine's.
        show: called with each step's and each evaluation's numbers.
        keep: a step, and a file: the checkpoint of that step is also written there.
        start: such a file of a run that differs in what skims or in its teacher alone; its steps,
            which must lie within ``warm_start_steps``, need not be made again.
        teacher: folder of an answerer that knows the same words, as one trained on this task with
            these vectors does: after ``warm_start_steps`` its probabilities of the answer's first
            and last word have the share ``distillation`` of the loss.

    Raises:
        ValueError: if a setting does not fit, a checkpoint is of another run, or the teacher
            knows other words.
        ModelFileError: if the teacher cannot be read.
        FileExistsError: if the folder holds something that is not a model.
        FloatingPointError: if a gradient is not finite.
        OSError: if files cannot be written; what was there before is kept.
    """
    check_target(folder, dtype)
    refuse_options_of_classifiers(options)
    sizes = made_of or AnswererOptions()
    words = words_of(task.train)
    found = read_vectors(vectors, words, every=options.freeze_embedding)
    vocabulary = build_vocabulary(words, options, found)
    train = encode_questions(task.train, vocabulary, options.max_tokens)
    validation = encode_questions(task.validation, vocabulary)
    if not len(train):
        raise ValueError(
            f"none of the {len(task.train):,} training questions has its answer within the first "
            f"{options.max_tokens} words of its text; raise max_tokens"
        )
    if not len(validation):
        raise ValueError(
            f"none of the {len(task.validation):,} questions to validate on has a word, and one in "
            "its answer; give others"
        )
    config = build_config(options, sizes, vectors_size(options, found))
    key = {
        "task": task.name,
        "vectors": None if vectors is None else str(vectors),
        "words": len(vocabulary),
        "texts": len(train),
        "data": _digest(train, validation),
        "answerer": config.to_dict(),
        "teacher": None if teacher is None else sha256(teacher / "model.safetensors"),
    }
    teaching = None if teacher is None else load_teacher(teacher, vocabulary)
    with processes(device) as together, torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        model = make_reader(config, len(vocabulary), options.dropout)
        start_embedding(model, options, vocabulary, found)
        working = working_folder(folder, together)
        model.to(device)
        if teaching is not None:
            teaching.to(device, torch.float32)
        objective = Answering(
            train, validation, task.validation, options, together, device, teaching
        )
        trainer = Trainer(
            model, objective, options, working, key, show, together, keep=keep, start=start
        )
        outcome = trainer.run()
        training = run_record(
            command,
            options,
            task.record,
            outcome,
            together,
            device,
            questions={"train": len(train), "validation": len(validation)},
            vectors=vectors_record(found, vectors),
            vocabulary=len(vocabulary),
            teacher=None if teacher is None else {"name": teacher.name, "sha256": key["teacher"]},
            start=None if start is None else start.name,
        )
        if together.first:
            save_answerer(model.cpu(), folder, vocabulary, training=training, dtype=dtype)
            put_away(trainer, folder)
    return Trained(folder, outcome, training)


def load_teacher(folder: Path, vocabulary: Vocabulary) -> QuestionReader:
    """An answerer to learn from.

    Raises:
        ModelFileError: if the folder cannot be read.
        ValueError: if it knows other words.
    """
    teacher, words = load_answerer(folder)
    if words.words != vocabulary.words:
        raise ValueError(
            f"a teacher must know the words of the model that it teaches, {len(vocabulary):,} here;"
            f" {folder} knows {len(words):,}, of other data, vectors or options of the vocabulary"
        )
    return teacher


def refuse_options_of_classifiers(options: TrainingOptions) -> None:
    """Raise for what would silently do nothing.

    Raises:
        ValueError: if an option that is a classifier's alone differs from its default, or the
            router learns from labels.
    """
    if find_router(options.router).training == "reinforced":
        raise ValueError(
            f"the router {options.router!r} is learnt by REINFORCE from right and wrong labels, "
            "which classifiers alone have; name another router"
        )
    usual = TrainingOptions()
    changed = [
        f"{name}={getattr(options, name)!r} (leave it at {getattr(usual, name)!r})"
        for name in _OF_CLASSIFIERS
        if getattr(options, name) != getattr(usual, name)
    ]
    if changed:
        raise ValueError(f"these training options are for classifiers alone: {', '.join(changed)}")


def build_vocabulary(
    words: list[list[str]], options: TrainingOptions, vectors: WordVectors | None
) -> Vocabulary:
    """The training texts' words, the most frequent first, then other words with a vector.

    A vector that is not trained is as good for a word that the training texts lack.
    """
    known = [] if vectors is None else vectors.words
    vocabulary = Vocabulary.build(
        words, with_vector=set(known), min_count=options.min_count, max_words=options.max_words
    )
    if not options.freeze_embedding:
        return vocabulary
    seen = {word for text in words for word in text}
    possible = Vocabulary.build([known], min_count=1)  # without what none can hold
    others = [word for word in known if word not in seen and word in possible]
    both = (*vocabulary.words, *others)
    return Vocabulary(both[: None if options.max_words is None else options.max_words + 1])


def build_config(
    options: TrainingOptions, sizes: AnswererOptions, embedding_size: int
) -> AnswererConfig:
    """The sizes that these settings make."""
    shared: dict[str, Any] = {
        "cell": "lstm",
        "hidden_size": options.hidden_size,
        "levels": (options.hidden_size,),
    }
    skimming = {
        **shared,
        "num_layers": options.num_layers,
        **{name: getattr(options, name) for name in OF_WHAT_SKIMS},
    }
    kind = find_answerer(sizes.model)
    settings = {name: skimming if name == kind.skims else shared for name in kind.layers}
    return AnswererConfig(
        model=sizes.model,
        embedding_size=embedding_size,
        byte_size=sizes.byte_size,
        filters=sizes.filters,
        filter_width=sizes.filter_width,
        layers=make_layers(sizes.model, embedding_size + sizes.filters, settings),
    )


def _digest(*data: EncodedQuestions) -> str:
    """What tells the questions of one run from another's."""
    digest = hashlib.sha256()
    for part in data:
        arrays: list[NDArray[Any]] = [part.context_of, part.spans, part.rows]
        for array in (*arrays, *part.contexts, *part.questions):
            digest.update(array.tobytes())
    return digest.hexdigest()
