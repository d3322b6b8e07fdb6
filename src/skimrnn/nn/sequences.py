"""Ragged batches: only real tokens, laid out as a ``PackedSequence`` lays them out.

Step by step, each step holding one token of every text that is long enough, the longest texts
first. Padding does not exist here, so it cannot be read, counted or paid for.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence


def is_whole(values: Tensor) -> bool:
    """Whether they are whole numbers by their dtype; booleans are none."""
    dtype = values.dtype
    return not (dtype.is_floating_point or dtype.is_complex or dtype == torch.bool)


class Ragged:
    """Where the N tokens of a batch of B texts lie.

    Args:
        sizes: texts alive at each of the T steps, never rising.
        order: the text that each row stands for, (B,); None if rows are in the texts' order.
        device: where index tensors are made.
    """

    def __init__(self, sizes: list[int], order: Tensor | None, device: torch.device) -> None:
        self.sizes = sizes
        self.order = order
        self._device = device

    @classmethod
    def from_packed(cls, packed: PackedSequence) -> Ragged:
        """The layout of a packed sequence."""
        return cls(packed.batch_sizes.tolist(), packed.sorted_indices, packed.data.device)

    @property
    def batch(self) -> int:
        """B, the number of texts."""
        return self.sizes[0]

    @property
    def steps(self) -> int:
        """T, the number of tokens of the longest text."""
        return len(self.sizes)

    @cached_property
    def steps_of(self) -> Tensor:
        """The step of each of the N tokens, (N,)."""
        return self._steps_of.to(self._device)

    @cached_property
    def _steps_of(self) -> Tensor:
        """The same on the CPU: a GPU would be asked for many small things."""
        return torch.repeat_interleave(torch.arange(self.steps), torch.tensor(self.sizes))

    @cached_property
    def texts_of(self) -> Tensor:
        """The text of each of the N tokens, in the caller's order, (N,)."""
        sizes = torch.tensor(self.sizes)
        begins = sizes.cumsum(0) - sizes
        rows = (torch.arange(int(sizes.sum())) - begins[self._steps_of]).to(self._device)
        return rows if self.order is None else self.order[rows]

    @cached_property
    def lengths(self) -> Tensor:
        """The tokens of each text, in the caller's order, (B,)."""
        return torch.bincount(self.texts_of, minlength=self.batch)

    def split(self, values: Tensor) -> list[Tensor]:
        """Per-token values (N, ...) as one tensor a step.

        One split, not an index at every step: the gradient of an index is as large as the whole.
        """
        return list(torch.split(values, self.sizes))

    def pad(self, values: Tensor, fill: float) -> Tensor:
        """Per-token values (N, ...) as (B, T, ...), in the caller's order."""
        shape = (self.batch, self.steps, *values.shape[1:])
        padded = values.new_full(shape, fill)
        return padded.index_put((self.texts_of, self.steps_of), values)

    def unpad(self, padded: Tensor) -> Tensor:
        """Per-token values (N, ...) out of (B, T, ...) in the caller's order."""
        return padded[self.texts_of, self.steps_of]

    def text_means(self, values: Tensor) -> Tensor:
        """The mean of per-token values (N,) over each text, (B,)."""
        # In half precision a sum of many stops growing.
        values = values.to(torch.promote_types(values.dtype, torch.float32))
        sums = values.new_zeros(self.batch).index_add(0, self.texts_of, values)
        return sums / self.lengths.to(values.dtype)
