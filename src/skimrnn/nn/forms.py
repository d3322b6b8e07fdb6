"""Torch's forms of input and state, brought to the one form that the layers work on, and back.

Refusals are torch's own, type and words, but that of a state of another dtype, which torch lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from skimrnn.nn.sequences import Ragged

Hidden = Tensor | tuple[Tensor, Tensor]


class Entered(NamedTuple):
    """A call in the form that the layers work on.

    Attributes:
        data: vectors of the N real tokens, (N, E).
        layout: where they lie.
        state: h_0 and, for an LSTM, c_0, each (layers * directions, B, D), in the layout's order.
        leave: turns outputs (N, directions * D) and the last state (as ``state``) into what
            torch's layer would return for this call.
    """

    data: Tensor
    layout: Ragged
    state: tuple[Tensor, ...]
    leave: Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor | PackedSequence, Hidden]]


def enter(module: Any, input: Tensor | PackedSequence, hx: Hidden | None) -> Entered:
    """Bring a call of a recurrent module (an ``nn.RNNBase``) to the working form.

    Raises:
        RuntimeError: if a shape does not fit the module.
        ValueError: if the input has neither 2 nor 3 axes, or it or the state another dtype than
            the weights.
    """
    if isinstance(input, PackedSequence):
        return _enter_packed(module, input, hx)
    return _enter_padded(module, input, hx)


def layout_of(module: Any, input: Tensor | PackedSequence) -> tuple[Tensor, Ragged]:
    """The N real tokens of an input that fits the module, and where they lie."""
    if isinstance(input, PackedSequence):
        return input.data, Ragged.from_packed(input)
    steps = input.unsqueeze(1) if input.dim() == 2 else input
    if module.batch_first and input.dim() == 3:
        steps = input.transpose(0, 1)
    layout = Ragged([steps.size(1)] * steps.size(0), None, steps.device)
    return steps.reshape(-1, steps.size(2)), layout


def _enter_packed(module: Any, input: PackedSequence, hx: Hidden | None) -> Entered:
    data, layout = layout_of(module, input)
    if hx is None:
        hx = _zeros(module, data, layout.batch)
    else:
        hx = module.permute_hidden(hx, input.sorted_indices)
    module.check_forward_args(data, hx, input.batch_sizes)
    _check_dtype(hx, data.dtype)

    def leave(outputs: Tensor, state: tuple[Tensor, ...]) -> tuple[PackedSequence, Hidden]:
        packed = PackedSequence(
            outputs, input.batch_sizes, input.sorted_indices, input.unsorted_indices
        )
        return packed, module.permute_hidden(_as_given(state), input.unsorted_indices)

    return Entered(data, layout, _parts(hx), leave)


def _enter_padded(module: Any, input: Tensor, hx: Hidden | None) -> Entered:
    if input.dim() not in (2, 3):
        name, noun = module.mode.split("_")[0], "D"
        if name == "RNN":  # torch words this one differently
            noun = "D tensor"
        raise ValueError(f"{name}: Expected input to be 2D or 3D, got {input.dim()}{noun} instead")
    batched = input.dim() == 3
    batch = input if batched else input.unsqueeze(0 if module.batch_first else 1)
    if hx is None:
        hx = _zeros(module, batch, batch.size(0 if module.batch_first else 1))
    else:
        hx = _batched_state(module, hx, batched)
    module.check_forward_args(batch, hx, None)
    _check_dtype(hx, batch.dtype)
    data, layout = layout_of(module, batch)
    if not layout.steps:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")

    def leave(outputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, Hidden]:
        steps = outputs.reshape(layout.steps, layout.batch, outputs.size(1))
        if not batched:
            return steps.squeeze(1), _as_given(tuple(part.squeeze(1) for part in state))
        return (steps.transpose(0, 1) if module.batch_first else steps), _as_given(state)

    return Entered(data, layout, _parts(hx), leave)


def _zeros(module: Any, like: Tensor, batch: int) -> Hidden:
    count = module.num_layers * (2 if module.bidirectional else 1)
    zeros = like.new_zeros(count, batch, module.hidden_size)
    return (zeros, zeros) if module.mode == "LSTM" else zeros


def _batched_state(module: Any, hx: Any, batched: bool) -> Hidden:
    """The state with a batch axis, refused as torch refuses it if its rank does not fit."""
    rank = 3 if batched else 2
    kind = "batched 3-D" if batched else "unbatched 2-D"
    ranks = [hx[0].dim(), hx[1].dim()] if module.mode == "LSTM" else [hx.dim()]
    if any(each != rank for each in ranks):
        given = (
            f"hx and cx should also be {rank}-D but got ({ranks[0]}-D, {ranks[1]}-D) tensors"
            if len(ranks) == 2
            else f"hx should also be {rank}-D but got {ranks[0]}-D tensor"
        )
        raise RuntimeError(f"For {kind} input, {given}")
    return hx if batched else _as_given(tuple(part.unsqueeze(1) for part in _parts(hx)))


def _check_dtype(hx: Hidden, dtype: torch.dtype) -> None:
    """Torch checks the input's alone, and what a state of another dtype does is left to chance."""
    for part in _parts(hx):
        if part.dtype != dtype:
            raise ValueError(
                f"hx must have the type {dtype}, as input and weights; got type {part.dtype}: "
                f"convert it with hx.to({dtype})"
            )


def _parts(hx: Hidden) -> tuple[Tensor, ...]:
    return (hx,) if isinstance(hx, Tensor) else tuple(hx)


def _as_given(parts: tuple[Tensor, ...]) -> Hidden:
    return parts[0] if len(parts) == 1 else (parts[0], parts[1])
