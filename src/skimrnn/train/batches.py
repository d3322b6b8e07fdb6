"""Texts as word rows, and which texts make a batch: by similar length, in a seeded order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from skimrnn.reading import CHOSEN_FROM
from skimrnn.tasks.base import Targets

POOL_BATCHES = 64
"""Batches are cut from pools of so many batches' texts, sorted by length."""

MOST_PADDED = 2**20
"""Words of a batch of evaluation, padding included: one long text makes its batch a smaller one."""


@dataclass(frozen=True)
class Encoded:
    """Texts as rows of the embedding.

    Attributes:
        rows: one int32 array (T,) per text.
        targets: class of each text, int64 (N,); of multi-label texts whether each has each label,
            bool (N, C).
        soft: what to learn instead, a probability of each class, float32 (N, C); None for the
            classes alone.
        weights: how much each text counts, float32 (N,), 1 in the mean; None for all alike.
    """

    rows: list[NDArray[np.int32]]
    targets: Targets
    soft: NDArray[np.float32] | None = None
    weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def lengths(self) -> NDArray[np.int64]:
        """Words of each text, (N,)."""
        return np.array([len(row) for row in self.rows], dtype=np.int64)


@dataclass(frozen=True)
class Batch:
    """A batch of texts: rows (B, T) padded with 0, lengths (B,), targets (B,), all int64.

    Targets of multi-label texts are bool (B, C). ``wanted`` is what to learn: the targets, or
    probabilities (B, C) in their place. ``weights`` is how much each text counts, float32 (B,);
    None for all alike.
    """

    rows: Tensor
    lengths: Tensor
    targets: Tensor
    wanted: Tensor
    weights: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The batch with what a model computes with there; lengths stay on the CPU."""
        return Batch(
            self.rows.to(device),
            self.lengths,
            self.targets.to(device),
            self.wanted.to(device),
            None if self.weights is None else self.weights.to(device),
        )

    def loss(self, scores: Tensor) -> Tensor:
        """The mean cross-entropy of scores (B, C), each text counted by its weight.

        Of multi-label texts it is binary and summed over the labels.
        """
        if self.targets.ndim == 2:
            each = F.binary_cross_entropy_with_logits(scores, self.wanted, reduction="none").sum(1)
            return (each if self.weights is None else each * self.weights).mean()
        if self.weights is None:
            return F.cross_entropy(scores, self.wanted)
        each = F.cross_entropy(scores, self.wanted, reduction="none")
        return (each * self.weights).mean()

    def predicted(self, scores: Tensor) -> Tensor:
        """What scores (B, C) say of each text, shaped as ``targets``."""
        if self.targets.ndim == 2:
            return scores.sigmoid() >= CHOSEN_FROM
        return scores.argmax(dim=1)

    def hits(self, predicted: Tensor) -> Tensor:
        """1 for each text that is given what it has, all of its labels, else 0, (B,)."""
        same = predicted == self.targets
        return (same.all(dim=1) if same.ndim == 2 else same).float()


def epoch_batches(
    lengths: NDArray[np.int64], batch_size: int, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """The texts of each batch of an epoch: every text once, similar lengths together."""
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    pool = batch_size * POOL_BATCHES
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), pool):
        texts = order[start : start + pool]
        texts = texts[np.argsort(lengths[texts], kind="stable")]
        batches += [texts[at : at + batch_size] for at in range(0, len(texts), batch_size)]
    return [batches[at] for at in random.permutation(len(batches))]


def ordered_batches(
    lengths: NDArray[np.int64], batch_size: int, padded: int = MOST_PADDED
) -> list[NDArray[np.int64]]:
    """All texts, from the shortest to the longest, for evaluation.

    Args:
        lengths: words of each text, (N,).
        batch_size: texts of a batch.
        padded: words of a batch, its texts all as long as the longest; a text of more is alone.
    """
    batches: list[NDArray[np.int64]] = []
    order, at = np.argsort(lengths, kind="stable"), 0
    while at < len(order):
        texts = order[at : at + batch_size]
        whole = np.arange(1, len(texts) + 1) * lengths[texts]
        fits = max(1, int(np.searchsorted(whole, padded, side="right")))
        batches.append(texts[:fits])
        at += fits
    return batches


def collate(data: Encoded, texts: Sequence[int] | NDArray[np.int64]) -> Batch:
    """The batch that these texts make."""
    rows = [data.rows[text] for text in texts]
    lengths = [len(row) for row in rows]
    padded = np.zeros((len(rows), max(lengths)), dtype=np.int64)
    for b, row in enumerate(rows):
        padded[b, : len(row)] = row
    targets = torch.from_numpy(data.targets[texts])
    wanted = targets.float() if targets.ndim == 2 else targets
    if data.soft is not None:
        wanted = torch.from_numpy(data.soft[texts])
    weights = None if data.weights is None else torch.from_numpy(data.weights[texts])
    return Batch(torch.from_numpy(padded), torch.tensor(lengths), targets, wanted, weights)


def soften(
    targets: Targets, teacher: NDArray[np.floating[Any]], share: float, unlabelled: int = 0
) -> tuple[Targets, NDArray[np.float32]]:
    """What to learn from labels and a teacher.

    Args:
        targets: class of each labelled text, (N,), or whether it has each label, (N, C).
        teacher: its probability of each class for the labelled texts and, after them, M unlabelled
            ones, (N + M, C).
        share: of what is learnt of a labelled text, how much is the teacher's, from 0 to 1; the
            rest is its label's. Of an unlabelled text all is the teacher's.
        unlabelled: M.

    Returns:
        Targets of all texts, an unlabelled one's being the likeliest of its teacher's, and what
        to learn, (N + M, C).

    Raises:
        ValueError: if the teacher's rows are not one per text, each adding up to 1, or, of
            multi-label texts, each number from 0 to 1.
    """
    teacher = np.asarray(teacher, np.float32)
    labelled, texts = len(targets), len(targets) + unlabelled
    which = f"each of the {labelled} training texts"
    which += f" and {unlabelled} unlabelled ones" if unlabelled else ""
    if targets.ndim == 2:
        wanted = (texts, targets.shape[1])
        if teacher.shape != wanted:
            raise ValueError(
                f"a teacher must give a probability of each label for {which}, {wanted}; got "
                f"{teacher.shape}"
            )
        fits = np.all((teacher >= 0) & (teacher <= 1), axis=1)
        rule = "from 0 to 1"
        hard = targets.astype(np.float32)
        likeliest: Targets = teacher[labelled:] >= CHOSEN_FROM
    else:
        if teacher.ndim != 2 or len(teacher) != texts or targets.max() >= teacher.shape[1]:
            raise ValueError(
                f"a teacher must give a probability of each class for {which}, "
                f"(texts, classes); got {teacher.shape}"
            )
        fits = np.all(teacher >= 0, axis=1) & (np.abs(teacher.sum(axis=1) - 1) <= 1e-3)
        rule = "at least 0 and add up to 1 per text"
        hard = np.eye(teacher.shape[1], dtype=np.float32)[targets]
        likeliest = teacher[labelled:].argmax(axis=1)
    if not fits.all():
        row = int(np.argmin(fits))
        text = f"training text {row}" if row < labelled else f"unlabelled text {row - labelled}"
        given = ", ".join(f"{number:g}" for number in teacher[row])
        raise ValueError(f"a teacher's probabilities must be {rule}; got {given} for {text}")
    mixed = (1 - np.float32(share)) * hard + np.float32(share) * teacher[:labelled]
    every: Any = np.concatenate([targets, likeliest])  # of either kind, which no type says
    return every, np.concatenate([mixed, teacher[labelled:]])


def even_weights(weights: Any, texts: int) -> NDArray[np.float32] | None:
    """How much each text counts, scaled so that the mean is 1, (N,); None for None.

    Raises:
        ValueError: if they are not one finite number of at least 0 per text, one of them above 0.
    """
    if weights is None:
        return None
    given = np.asarray(weights, np.float64)
    if given.shape != (texts,):
        raise ValueError(
            f"weights must be one number for each of the {texts} texts; got shape {given.shape}"
        )
    if not np.isfinite(given).all() or (given < 0).any() or not given.any():
        raise ValueError("weights must be finite, at least 0, and not all 0")
    return np.asarray(given / given.mean(), np.float32)


def drop_words(rows: Tensor, probability: float, generator: np.random.Generator) -> Tensor:
    """The rows with each word made the unknown word (row 0) at this probability."""
    keep = torch.from_numpy(generator.random(tuple(rows.shape)) >= probability)
    return rows * keep
