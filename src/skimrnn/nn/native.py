"""A whole sequence's training step in C++: the same mixture as ``steps.Mixing``, and its gradient.

``cpp/training.h`` says what the kernels do. Kept for the backward pass, in float32 numbers a token:
the activated gates (4 D + 4 S of an LSTM, 3 D + 3 S of a GRU), an LSTM's c (D) or a GRU's recurrent
part of its new state (D + S), the outputs (D), and 2 K.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from skimrnn.config import SkimConfig
from skimrnn.extension import instruction_sets, kernels, named_implementation
from skimrnn.nn.cells import CellWeights, State
from skimrnn.nn.once import no_forward_mode, once_differentiable
from skimrnn.nn.rule import check_temperature
from skimrnn.nn.sequences import Ragged
from skimrnn.nn.steps import Direction, SequenceRead
from skimrnn.routers.softmax import SoftmaxRouter

CELLS = ("lstm", "gru")
ROUTERS = ("softmax",)

ROWS_PER_THREAD = 4
"""At least so many texts of a batch go to a thread."""


class Settings(NamedTuple):
    """What is not a tensor: options of the layer and of this pass.

    Attributes:
        isa: the kernels' instruction set.
        cell: one of ``CELLS``.
        levels: (D, S_1, ...).
        full_skim_input: whether small cells see all of h.
        state_router: whether the router sees c.
        backwards: whether texts are read from their ends.
        hard: whether the likeliest sample is taken whole.
        temperature: τ.
        threads: how many share a batch; the gradient needs the same.
        sizes: texts alive at each step, never rising.
    """

    isa: str
    cell: str
    levels: list[int]
    full_skim_input: bool
    state_router: bool
    backwards: bool
    hard: bool
    temperature: float
    threads: int
    sizes: list[int]

    def for_kernels(self) -> Any:
        """As the extension takes them."""
        return kernels.TrainingOptions(*self[:-1])


def mix(
    module: Any,
    parts: Direction,
    x: Tensor,
    layout: Ragged,
    noise: Tensor,
    initial: State,
    backwards: bool,
) -> SequenceRead:
    """What ``steps.walk`` does with ``steps.Mixing``, for an input that ``paths`` found able."""
    check_temperature(module.temperature)
    config, router = parts.config, parts.router.router
    assert isinstance(router, SoftmaxRouter)
    settings = Settings(
        instruction_set(),
        config.cell,
        list(config.levels),
        config.skim_input == "full",
        config.router_input == "state",
        backwards,
        module.hard,
        module.temperature,
        _threads(layout),
        layout.sizes,
    )
    cells = [cell for cell in parts.cells if cell is not None]
    return _run(settings, noise, x, (router.weight, router.bias), initial, cells)


def read_all(
    config: SkimConfig,
    cell: CellWeights,
    x: Tensor,
    layout: Ragged,
    initial: State,
    backwards: bool,
) -> SequenceRead:
    """The full cell alone: one level, which has all the share whatever a router says."""
    levels = [config.hidden_size]
    settings = Settings(
        *(instruction_set(), config.cell, levels, False, False, backwards, False, 1.0),
        *(_threads(layout), layout.sizes),
    )
    router = x.new_zeros(1, x.shape[1] + config.hidden_size), x.new_zeros(1)
    return _run(settings, x.new_zeros(len(x), 1), x, router, initial, [cell])


def _run(
    settings: Settings,
    noise: Tensor,
    x: Tensor,
    router: tuple[Tensor, Tensor],
    initial: State,
    cells: Sequence[CellWeights],
) -> SequenceRead:
    batch = settings.sizes[0]
    state = initial.h[:batch], None if initial.c is None else initial.c[:batch]
    tensors = [tensor for cell in cells for tensor in cell]
    for tensor in (*router, *tensors):
        if tensor is not None and tensor.dtype != x.dtype:
            raise ValueError(
                f"a layer's parameters must all have the input's type, {x.dtype}; got "
                f"{tensor.dtype}: convert the whole layer, as layer.to({x.dtype}) does"
            )
    outputs, log_p, levels, *last = _Mixing.apply(  # type: ignore[no-untyped-call]
        settings, noise.to(x.dtype), x, *router, *state, *tensors
    )
    return SequenceRead(outputs, log_p, levels, State(*last))


def _threads(layout: Ragged) -> int:
    """Torch's, but with some rows each: a thread has sums of its own for every weight."""
    return max(1, min(torch.get_num_threads(), layout.batch // ROWS_PER_THREAD))


def instruction_set() -> str:
    """The one to train with: what the environment names, or the fastest."""
    return named_implementation() or instruction_sets()[0]


class _Mixing(torch.autograd.Function):
    """From tokens, first states and parameters to a ``SequenceRead``, and back.

    The parameters are the router's two, and each cell's four of ``CellWeights``.
    """

    @staticmethod
    def forward(ctx: Any, settings: Settings, *tensors: Tensor | None) -> tuple[Tensor | None, ...]:
        noise, x, router_weight, router_bias, h_0, c_0, *cells = _contiguous(tensors)
        tokens, hidden = len(x), settings.levels[0]
        levels = torch.empty(tokens, dtype=torch.int64, device=x.device)
        outputs, log_p = x.new_empty(tokens, hidden), x.new_empty(tokens, len(settings.levels))
        lstm = settings.cell == "lstm"
        c_before = x.new_empty(tokens, hidden) if lstm else None
        h_n, c_n = torch.empty_like(h_0), torch.empty_like(c_0) if lstm else None
        made = []
        for size in filter(None, settings.levels):
            of_new = None if lstm else x.new_empty(tokens, size)
            made += [x.new_empty(tokens, (4 if lstm else 3) * size), of_new]
        given = (x, router_weight, router_bias, noise, h_0, c_0, outputs, c_before, log_p)
        arrays = _arrays(settings, given, cells, made)
        kernels.train_forward(settings.for_kernels(), arrays, *_numpy(levels, h_n, c_n))
        ctx.settings, ctx.cells = settings, len(cells)
        ctx.save_for_backward(*given, *cells, *made)
        ctx.mark_non_differentiable(levels)
        ctx.set_materialize_grads(False)
        return outputs, log_p, levels, h_n, c_n

    jvp = staticmethod(no_forward_mode)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        settings, tensors = ctx.settings, ctx.saved_tensors
        given, cells, made = tensors[:9], tensors[9 : 9 + ctx.cells], tensors[9 + ctx.cells :]
        x, router_weight, router_bias, _, h_0, c_0, *_ = given
        outputs_grad, log_p_grad, _, h_n_grad, c_n_grad = _contiguous(grads)
        x_grad = torch.empty_like(x) if ctx.needs_input_grad[2] else None
        of_router = torch.zeros_like(router_weight), torch.zeros_like(router_bias)
        of_state = torch.empty_like(h_0), None if c_0 is None else torch.empty_like(c_0)
        of_cells = [None if each is None else torch.zeros_like(each) for each in cells]
        lstm = settings.cell == "lstm"
        if lstm:  # its biases have one gradient
            of_cells[3::4] = [None] * (len(cells) // 4)
        kernels.train_backward(
            settings.for_kernels(),
            _arrays(settings, given, cells, made),
            _by_level(settings, _numpy(*of_cells), 4),
            *_numpy(outputs_grad, log_p_grad, h_n_grad, c_n_grad, x_grad, *of_router, *of_state),
        )
        if lstm:
            of_cells[3::4] = of_cells[2::4]
        return None, None, x_grad, *of_router, *of_state, *of_cells


def _arrays(
    settings: Settings,
    given: Sequence[Tensor | None],
    cells: Sequence[Tensor | None],
    made: Sequence[Tensor | None],
) -> Any:
    """What both passes take, as the extension takes it."""
    of_cells = _by_level(settings, _numpy(*cells), 4)
    of_made = _by_level(settings, _numpy(*made), 2)
    joined = [a and (*a, *b) for a, b in zip(of_cells, of_made, strict=True)]
    return kernels.TrainingArrays(settings.sizes, joined, *_numpy(*given))


def _by_level(settings: Settings, flat: Sequence[Any], each: int) -> list[Any]:
    """``each`` of them for each level, None for one without units."""
    rest = iter(flat)
    return [tuple(next(rest) for _ in range(each)) if size else None for size in settings.levels]


def _contiguous(tensors: Sequence[Tensor | None]) -> list[Any]:
    return [None if tensor is None else tensor.contiguous() for tensor in tensors]


def _numpy(*tensors: Tensor | None) -> tuple[Any, ...]:
    """The same memory as NumPy arrays, which the extension takes."""
    return tuple(None if tensor is None else tensor.detach().numpy() for tensor in tensors)
