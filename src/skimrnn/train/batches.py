"""Texts as word rows, and which texts make a batch: by similar length, in a seeded order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

POOL_BATCHES = 64
"""Batches are cut from pools of so many batches' texts, sorted by length."""


@dataclass(frozen=True)
class Encoded:
    """Texts as rows of the embedding.

    Attributes:
        rows: one int32 array (T,) per text.
        targets: class of each text, int64 (N,).
    """

    rows: list[NDArray[np.int32]]
    targets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def lengths(self) -> NDArray[np.int64]:
        """Words of each text, (N,)."""
        return np.array([len(row) for row in self.rows], dtype=np.int64)


@dataclass(frozen=True)
class Batch:
    """A batch of texts: rows (B, T) padded with 0, lengths (B,), targets (B,), all int64."""

    rows: Tensor
    lengths: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> Batch:
        """The batch with what a model computes with there; lengths stay on the CPU."""
        return Batch(self.rows.to(device), self.lengths, self.targets.to(device))


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


def ordered_batches(lengths: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """All texts, from the shortest to the longest, for evaluation."""
    order = np.argsort(lengths, kind="stable")
    return [order[at : at + batch_size] for at in range(0, len(order), batch_size)]


def collate(data: Encoded, texts: Sequence[int] | NDArray[np.int64]) -> Batch:
    """The batch that these texts make."""
    rows = [data.rows[text] for text in texts]
    lengths = [len(row) for row in rows]
    padded = np.zeros((len(rows), max(lengths)), dtype=np.int64)
    for b, row in enumerate(rows):
        padded[b, : len(row)] = row
    return Batch(
        torch.from_numpy(padded), torch.tensor(lengths), torch.from_numpy(data.targets[texts])
    )


def drop_words(rows: Tensor, probability: float, generator: np.random.Generator) -> Tensor:
    """The rows with each word made the unknown word (row 0) at this probability."""
    keep = torch.from_numpy(generator.random(tuple(rows.shape)) >= probability)
    return rows * keep
