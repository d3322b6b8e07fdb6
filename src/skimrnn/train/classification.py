"""Training a text classifier: from a task and settings to a model folder."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skimrnn.model_file import SIGMOID, SOFTMAX, write_model
from skimrnn.model_folder import check_target
from skimrnn.nn.classifier import TextClassifier
from skimrnn.nn.recording import Reads, record
from skimrnn.nn.saving import as_file
from skimrnn.nn.skim import SkimLayer, layer_of
from skimrnn.routers import find_router
from skimrnn.runtime.registry import named_here
from skimrnn.tasks import Examples, TextTask, micro_f1
from skimrnn.text import Vocabulary, WordVectors, read_word_vectors, scan
from skimrnn.train.base import Base
from skimrnn.train.batches import (
    Batch,
    Encoded,
    collate,
    drop_words,
    epoch_batches,
    even_weights,
    ordered_batches,
    soften,
)
from skimrnn.train.card import measure_speed, model_card
from skimrnn.train.earlier import earlier_model
from skimrnn.train.given import GivenLevels, LevelsOf, batch_levels, bound
from skimrnn.train.loop import Event, Trainer
from skimrnn.train.noise import batch_gumbel
from skimrnn.train.options import TrainingOptions
from skimrnn.train.processes import Processes, Share, bare, processes
from skimrnn.train.run import Trained, put_away, run_record, vectors_record, working_folder
from skimrnn.train.start import Start

EVALUATION_BATCH = 256


class Classification:
    """Cross-entropy and the skim penalty over a task's training texts.

    Of multi-label texts the cross-entropy is that of each label by itself, summed over them.

    A router that is reinforced learns its choices by REINFORCE: a text's reward is 1 if labelled
    rightly and -1 if not, less the penalty.

    Where levels are given there is no penalty: a router has nothing to learn.

    Args:
        train: the training texts.
        validation: the texts to evaluate on.
        options: the settings.
        processes: those that train together; each takes its share of every batch.
        device: where the model is.
        levels_of: the levels of each text (``given.bound``); the router's if None.

    Raises:
        ValueError: if the router is reinforced and there are several processes.
    """

    def __init__(
        self,
        train: Encoded,
        validation: Encoded,
        options: TrainingOptions,
        processes: Processes | None = None,
        device: torch.device | str = "cpu",
        levels_of: LevelsOf | None = None,
    ) -> None:
        self._levels_of = levels_of
        reinforced = find_router(options.router).training == "reinforced"
        if reinforced and processes is not None and processes.count > 1:
            # What REINFORCE uses is not in the scores' graph, where processes look for gradients.
            raise ValueError(
                f"the router {options.router!r} is learnt by REINFORCE, which one process does "
                f"alone; got {processes.count} processes, train without torchrun"
            )
        self._processes, self._device = processes or Processes(), torch.device(device)
        self._train, self._validation, self._options = train, validation, options
        self._lengths = train.lengths()
        self.steps_per_epoch = -(-len(train) // options.batch_size)
        # A run does not skim at first; a text without words leaves the layers out.
        self.uses_all = not options.warm_start_steps and bool(self._lengths.all())
        self._epoch_batches = lru_cache(maxsize=2)(self._batches_of)

    def losses(
        self, model: nn.Module, step: int, skim_weight: float
    ) -> Iterator[tuple[Tensor, Event]]:
        """The loss of one step and its numbers to show, then that of the worst shift, if wanted.

        Keyed by ``step``.
        """
        options, rnn = self._options, bare(model).rnn
        epoch, at = divmod(step, self.steps_per_epoch)
        texts = self._epoch_batches(epoch)[at]
        share = self._processes.share(len(texts))
        batch = collate(self._train, texts[share.begin : share.end])
        key = [options.seed, step, 2] + [self._processes.rank] * (not self._processes.first)
        rows = drop_words(batch.rows, options.unknown_probability, np.random.default_rng(key))
        noise = self._noise(rnn, batch, step, share.begin)
        keys = [(options.seed, step, place) for place in range(share.begin, share.end)]
        levels = self._levels(rnn, self._train, texts[share.begin : share.end], keys)
        rows, batch = rows.to(self._device), batch.to(self._device)
        shift = self._no_shift(rows, rnn) if options.adversarial else None
        with record() as reads:
            scores = model(rows, batch.lengths, noise=noise, levels=levels, shift=shift)
        loss = batch.loss(scores) * share.weight
        correct = batch.hits(batch.predicted(scores))
        shown = {
            "loss": float(loss.detach()),
            "accuracy": float(correct.mean()),
            "tokens": int(batch.lengths.sum()),
            "skim_rate": None,
        }
        alone = self._processes.count == 1
        if rnn.config.skims and rnn.skimming and (reads.entries or not alone):
            shown["skim_rate"] = reads.skim_rate()
            reinforced = find_router(rnn.config.router).training == "reinforced"
            if self._levels_of is None and reinforced:
                loss = loss + self._reinforcement(reads, batch, correct, skim_weight) * share.weight
            elif self._levels_of is None:
                weight = None if alone else self._penalty_weight(texts, share)
                rate = options.wanted_rate
                penalty = reads.penalty(options.penalty, rate=rate, weight=weight)
                loss = loss + skim_weight * penalty
        yield loss, shown
        if shift is not None:
            worst = worst_shift(shift.grad, options.adversarial)
            scores = model(rows, batch.lengths, noise=noise, levels=levels, shift=worst)
            yield batch.loss(scores) * share.weight, {}

    def _reinforcement(
        self, reads: Reads, batch: Batch, correct: Tensor, skim_weight: float
    ) -> Tensor:
        """REINFORCE's mean over the batch's texts: right or wrong is 1 or -1, less the cost."""
        if not reads.entries:
            return correct.new_zeros(())
        worded = (batch.lengths > 0).to(correct.device)  # the others have nothing to choose
        reward = 2 * correct[worded] - 1 - skim_weight * reads.text_costs().detach()
        each = reads.reinforcement(reward)
        if batch.weights is not None:
            each = each * batch.weights[worded]
        return each.sum() / len(correct)

    def _no_shift(self, rows: Tensor, rnn: SkimLayer) -> Tensor:
        """Zeros to be added to the word vectors, for the gradient that they have."""
        return torch.zeros(*rows.shape, rnn.input_size, device=self._device, requires_grad=True)

    def _penalty_weight(self, texts: NDArray[np.int64], share: Share) -> float:
        """Of this process's share: the penalty is a mean over the texts that have a word."""
        worded = self._lengths[texts] > 0
        own = worded[share.begin : share.end].sum() * (share.weight > 0)
        return float(own * self._processes.count / max(worded.sum(), 1))

    def evaluate(self, model: TextClassifier) -> Event:
        """Accuracy, loss and skim rate on the validation texts; of multi-label ones F1 as well."""
        data, correct, loss, skimmed, tokens = self._validation, 0.0, 0.0, 0, 0
        predicted = np.zeros_like(data.targets)
        for texts in ordered_batches(data.lengths(), EVALUATION_BATCH):
            batch = collate(data, texts).to(self._device)
            keys = [(self._options.seed, text) for text in texts.tolist()]
            levels = self._levels(model.rnn, data, texts, keys)
            with record() as reads:
                scores = model(batch.rows, batch.lengths, levels=levels)
            found = batch.predicted(scores)
            predicted[texts] = found.cpu().numpy()
            hits = batch.hits(found)
            correct += float(hits.sum() if batch.weights is None else hits @ batch.weights)
            loss += float(batch.loss(scores)) * len(texts)
            for entry in reads.entries:
                skimmed += int((entry.levels > 0).sum())
                tokens += entry.levels.numel()
        rate = skimmed / tokens if tokens and model.rnn.config.skims else None
        accuracy = correct / len(data)
        mean = loss / len(data)
        decides, more = accuracy, {}
        if data.targets.ndim == 2:
            decides = micro_f1(data.targets, predicted, data.weights)
            more["f1"] = decides
        # Of two equal ones the lower loss wins.
        score = decides - 1e-6 * min(mean, 1e3)
        return {"score": score, "accuracy": accuracy, "loss": mean, "skim_rate": rate, **more}

    def _batches_of(self, epoch: int) -> list[NDArray[np.int64]]:
        return epoch_batches(self._lengths, self._options.batch_size, self._options.seed, epoch)

    def _noise(self, rnn: SkimLayer, batch: Batch, step: int, first_row: int) -> Tensor | None:
        config = rnn.config
        if not (config.skims and rnn.skimming) or self._levels_of is not None:
            return None
        if find_router(config.router).training not in ("sampled", "reinforced"):
            return None
        noise = batch_gumbel(
            self._options.seed,
            step,
            batch.lengths.tolist(),
            config.num_layers,
            config.directions,
            config.noise_size,
            first_row=first_row,
        )
        if spread := self._options.threshold_spread:
            # Skimmed where p_skim > θ is skimmed where the skim's log-odds exceed those of θ.
            draw = np.random.default_rng([self._options.seed, step, 3])
            odds = draw.uniform(-spread, spread, first_row + len(batch.lengths))[first_row:]
            noise[..., 1:] -= odds.astype(np.float32)[:, None, None]
        return torch.from_numpy(noise).to(self._device)

    def _levels(
        self,
        rnn: SkimLayer,
        data: Encoded,
        texts: NDArray[np.int64],
        keys: Sequence[tuple[int, ...]],
    ) -> Tensor | None:
        """The given levels of these texts, (B, T); None if there are none, or nothing skims yet."""
        if self._levels_of is None or not rnn.skimming:
            return None
        levels = batch_levels(self._levels_of, [data.rows[text] for text in texts], keys)
        return levels.to(self._device)


def worst_shift(gradient: Tensor | None, length: float) -> Tensor | None:
    """The shift of each text's word vectors along which the loss rises fastest.

    Args:
        gradient: of the loss, the penalty included, by the word vectors, (B, T, E); None if it
            does not depend on them.
        length: L2 norm of each text's shift over all of its words; a text without a gradient
            stays where it is.

    Source: Miyato, Dai and Goodfellow, "Adversarial Training Methods for Semi-Supervised Text
    Classification", ICLR 2017, equation 5.
    """
    if gradient is None:
        return None
    norm = gradient.flatten(1).norm(dim=1)[:, None, None]
    return torch.where(norm > 0, length * gradient / norm, 0.0)


@dataclass(frozen=True)
class Prepared:
    """A task as a model of these settings sees it.

    Attributes:
        vocabulary: the words that it knows.
        vectors: the word vectors that were found; None if none were named.
        train: the training texts, cut at ``max_tokens``.
        validation: the validation texts, whole.
        key: what the run is, beyond its options; for ``Trainer``.
    """

    vocabulary: Vocabulary
    vectors: WordVectors | None
    train: Encoded
    validation: Encoded
    key: dict[str, Any]


def train_classifier(
    task: TextTask,
    options: TrainingOptions,
    folder: Path,
    *,
    vectors: str | Path | None = None,
    teacher: NDArray[np.floating[Any]] | None = None,
    learnt_from: Sequence[Mapping[str, Any]] = (),
    unlabelled: Sequence[str] = (),
    weights: Sequence[float] | NDArray[np.floating[Any]] | None = None,
    validation_weights: Sequence[float] | NDArray[np.floating[Any]] | None = None,
    command: str | None = None,
    dtype: str | None = None,
    device: str = "cpu",
    given_levels: GivenLevels | None = None,
    base: str | Path | None = None,
    start: str | Path | None = None,
    show: Callable[[Event], None] = lambda event: None,
) -> Trained:
    """Train a classifier on a task and save it.

    Checkpoint and log go to ``<folder>.training`` beside it. A run that was cut off goes on
    from there; when the model has been saved, both are removed, the log being in the folder.

    Several processes that torchrun started train together: each takes a share of every batch, and
    the first writes.

    Args:
        task: the texts.
        options: the settings.
        folder: the model folder to write.
        vectors: a word-vector file, or a packaged table's name; drawn at random if None.
        teacher: a probability of each class for each training text, (N, C), to learn from beside
            the labels, ``options.distillation`` of the loss; better made without that text. If the
            task is multi-label, each label's by itself.
        learnt_from: for the training record, what is known of the teachers and of the unlabelled
            texts' file (``skimrnn.train.earlier``).
        unlabelled: M further texts, to learn from by what the teacher says of them alone, whose
            rows follow those of the training texts then, (N + M, C).
        weights: how much each training text counts, (N,), against the others; all alike if None.
            An unlabelled text counts 1.
        validation_weights: likewise of the validation texts.
        command: the command to name in the record.
        dtype: "float16", "float32" or "float64" to store in; None for float32.
        device: "cpu", or "cuda" for a GPU; of several processes each takes one of its machine's.
        given_levels: what says the level of each token, in training and evaluation, for control
            experiments; the router learns nothing then, no penalty counts, and the model is to be
            read by ``model.read(text, levels=...)``. None: the router says it.
        base: the folder of a trained model whose words, word vectors, full cell and head are kept
            as they are: only what skims is learnt. Read at θ = 1, the new model is the old one.
        start: the folder of a trained model to go on from, whose full cell has the sizes that are
            asked for: the run begins with its words, word vectors and layers, and with its head if
            it has the same labels. What skims begins anew where its options are others.
        show: called with each step's and each evaluation's numbers.

    Returns:
        What was trained.

    Raises:
        ValueError: if a setting does not fit, a checkpoint is of another run, or the environment
            names an implementation that this machine cannot run.
        FileExistsError: if the folder holds something that is not a model.
        FloatingPointError: if a gradient is not finite.
        OSError: if files cannot be written; what was there before is kept.
    """
    check_target(folder, dtype)
    named_here()  # one that this machine cannot run is told of now, not when the model is timed
    given = {"base": base, "start": start, "vectors": vectors}
    several = [f"{name} {value}" for name, value in given.items() if value is not None]
    if len(several) > 1:
        raise ValueError(f"a base or a start has its own word vectors; got {' and '.join(several)}")
    below = None if base is None else Base.read(Path(base), task, options)
    begun = None if start is None else Start.read(Path(start), options)
    came_before = {"base": below, "start": begun}
    earlier = [
        earlier_model(how, one.name, one.file.training) for how, one in came_before.items() if one
    ]
    earlier += map(dict, learnt_from)
    prepared = prepare(
        task,
        options,
        vectors,
        teacher,
        weights,
        validation_weights,
        unlabelled=unlabelled,
        vocabulary=None if below is None else below.text.vocabulary,
        first=() if begun is None else begun.words,
    )
    vocabulary, found = prepared.vocabulary, prepared.vectors
    train, validation = prepared.train, prepared.validation
    key = {
        **prepared.key,
        "given_levels": None if given_levels is None else given_levels.name,
        "base": None if below is None else below.digest,
        **({} if begun is None else {"start": begun.digest}),
    }
    levels_of = None
    if given_levels is not None:
        levels_of = bound(given_levels, vocabulary, options.levels)
    with processes(device) as together, torch.random.fork_rng(devices=[]):  # the caller's stay his
        torch.manual_seed(options.seed)
        activation = SIGMOID if task.multilabel else SOFTMAX
        size = next((one.file.config.input_size for one in (below, begun) if one), None)
        model = build_model(options, vocabulary, len(task.labels), found, activation, size)
        if below is not None:
            below.place(model)
        if begun is not None:
            begun.place(model, task)
        if levels_of is not None:  # weight decay would move a router that learns nothing
            for name, parameter in model.rnn.named_parameters():
                parameter.requires_grad_(not name.startswith("router_"))
        working = working_folder(folder, together)
        model.to(device)
        objective = Classification(train, validation, options, together, device, levels_of)
        trainer = Trainer(model, objective, options, working, key, show, together)
        outcome = trainer.run()
        model.cpu()
        model.rnn.skimming, model.rnn.temperature = True, 1.0
        training = run_record(
            command,
            options,
            task.record,
            outcome,
            together,
            device,
            teacher=teacher is not None,
            unlabelled=len(unlabelled),
            weighted=weights is not None,
            multilabel=task.multilabel,
            given_levels=key["given_levels"],
            base=None if below is None else below.name,
            start=None if begun is None else begun.name,
            **({"earlier": earlier} if earlier else {}),
            vectors=vectors_record(found, vectors),
            vocabulary=len(vocabulary),
        )
        if together.first:
            file = as_file(model, vocabulary=vocabulary, labels=task.labels, training=training)
            # At levels that are given there is no speed to tell: nothing decides them in use.
            speed = None if given_levels else measure_speed(file, task.validation.texts, dtype)
            card = model_card(file.config, training, file.rule.threshold, speed)
            write_model(folder, replace(file, card=card), dtype=dtype)
            put_away(trainer, folder)
    return Trained(folder, outcome, training)


def prepare(
    task: TextTask,
    options: TrainingOptions,
    vectors: str | Path | None = None,
    teacher: NDArray[np.floating[Any]] | None = None,
    weights: Sequence[float] | NDArray[np.floating[Any]] | None = None,
    validation_weights: Sequence[float] | NDArray[np.floating[Any]] | None = None,
    *,
    unlabelled: Sequence[str] = (),
    vocabulary: Vocabulary | None = None,
    first: Sequence[str] = (),
) -> Prepared:
    """The vocabulary, word vectors and encoded texts that these settings make of a task.

    Arguments as for ``train_classifier``; the vocabulary is made of all texts that are learnt from
    if None, behind the words that stand ``first``.
    """
    if len(unlabelled) and teacher is None:
        raise ValueError(
            "unlabelled texts are learnt from by what a teacher says of them; got "
            f"{len(unlabelled)} and no teacher"
        )
    texts = [*task.train.texts, *unlabelled]
    words = [scan(text).words[: options.max_tokens] for text in texts]
    found = read_vectors(vectors, words)
    vocabulary = vocabulary or Vocabulary.build(
        words,
        with_vector=set() if found is None else set(found.words),
        min_count=options.min_count,
        max_words=options.max_words,
        first=first,
    )
    targets, soft = task.train.targets, None
    settled = even_weights(weights, len(targets))
    if teacher is not None:
        targets, soft = soften(targets, teacher, options.distillation, len(unlabelled))
    if settled is not None:
        settled = np.append(settled, np.ones(len(unlabelled), np.float32))
    train = Encoded([vocabulary.rows(text) for text in words], targets, soft, settled)
    validation = encode(task.validation, vocabulary)
    validation = dataclasses.replace(
        validation, weights=even_weights(validation_weights, len(validation))
    )
    key = {
        "task": task.name,
        "vectors": None if vectors is None else str(vectors),
        "words": len(vocabulary),
        "texts": len(train),
        "data": _digest(task.labels, train, validation),
    }
    return Prepared(vocabulary, found, train, validation, key)


def encode(examples: Examples, vocabulary: Vocabulary) -> Encoded:
    """Texts as rows of the vocabulary, whole: only training texts are cut."""
    rows = [vocabulary.rows(scan(text).words) for text in examples.texts]
    return Encoded(rows, examples.targets)


def build_model(
    options: TrainingOptions,
    vocabulary: Vocabulary,
    classes: int,
    vectors: WordVectors | None,
    activation: str = SOFTMAX,
    size: int | None = None,
) -> TextClassifier:
    """A fresh model of these settings, its word vectors filled in; of size E, if that is given."""
    size = vectors_size(options, vectors) if size is None else size
    between = options.dropout if options.num_layers > 1 else 0.0
    rnn = layer_of(options.layer(size), dropout=between, hard=options.hard)
    model = TextClassifier(rnn, len(vocabulary), classes, options.dropout, activation)
    start_embedding(model, options, vocabulary, vectors)
    return model


def vectors_size(options: TrainingOptions, vectors: WordVectors | None) -> int:
    """E: that of the word vectors, if there are any."""
    return options.embedding_size if vectors is None else vectors.matrix.shape[1]


def start_embedding(
    model: nn.Module,
    options: TrainingOptions,
    vocabulary: Vocabulary,
    vectors: WordVectors | None,
) -> None:
    """Give every word its vector, drawn at random where ``vectors`` has none."""
    weight = model.get_parameter("embedding.weight")
    torch.nn.init.normal_(weight, std=0.1 if vectors is None else 0.4)
    if vectors is not None:
        rows = vocabulary.rows(vectors.words)
        known = rows > 0
        with torch.no_grad():
            weight[rows[known].astype(np.int64)] = torch.from_numpy(vectors.matrix[known])
    weight.requires_grad_(not options.freeze_embedding)


def _digest(labels: tuple[str, ...], *data: Encoded) -> str:
    """What tells the data of one run from another's."""
    digest = hashlib.sha256(repr(labels).encode("utf-8", "backslashreplace"))
    for part in data:
        digest.update(part.lengths().tobytes() + part.targets.tobytes())
        for beside in (part.soft, part.weights):
            digest.update(b"" if beside is None else beside.tobytes())
        for row in part.rows:
            digest.update(row.tobytes())
    return digest.hexdigest()


def read_vectors(
    source: str | Path | None, words: list[list[str]], every: bool = False
) -> WordVectors | None:
    """The vectors of those words that a source has, or of ``every`` one of its; None without one.

    Raises:
        ValueError: if it has none of them.
    """
    if source is None:
        return None
    wanted = {word for text in words for word in text}
    found = read_word_vectors(source, None if every else wanted)
    if not wanted & set(found.words):
        raise ValueError(f"{source} has a vector for none of the {len(wanted)} training words")
    return found
