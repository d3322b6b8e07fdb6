"""A layer's sequence on a GPU in one call: what ``steps.walk`` does with ``Mixing``, and back.

The kernels are those of ``fused_kernels``, for both directions at once; products that do not wait
for the step before, and the weights' gradients, are torch's own. An LSTM in float32 that reads all,
or has two levels and the "softmax" router.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import metadata
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from skimrnn.config import SkimConfig
from skimrnn.decision import ARGMAX, rules_for
from skimrnn.nn.cells import CellWeights, State
from skimrnn.nn.once import no_forward_mode, once_differentiable
from skimrnn.nn.rule import check_temperature
from skimrnn.nn.sequences import Ragged
from skimrnn.nn.steps import Direction, SequenceRead
from skimrnn.routers.softmax import SoftmaxRouter

DEVICES = ("cuda",)
"""Where the kernels run; with ``TRITON_INTERPRET=1`` Triton can run them on the CPU as well."""

TRITON = (3, 6)
"""The oldest version that these kernels have run with."""

ROWS = 2
"""Texts that one program takes."""

UNITS = 128
"""Units at most whose gates a program holds at a time."""

SEEN = 16
"""Numbers that come in, of which a program holds the weights at a time."""

LAUNCH = {"num_warps": 4}


class Settings(NamedTuple):
    """What is not a tensor: options of the layer and of this pass.

    Attributes:
        hidden: D.
        small: S.
        small_sees: units of h that the small cell sees.
        c_routed: whether the router sees c.
        plain: whether the full cell alone is run.
        hard: whether the likelier level is taken whole.
        chooses: whether a level is chosen by a limit instead of mixed.
        temperature: τ.
        steps: T.
    """

    hidden: int
    small: int = 0
    small_sees: int = 0
    c_routed: bool = False
    plain: bool = True
    hard: bool = False
    chooses: bool = False
    temperature: float = 1.0
    steps: int = 0

    def constants(self) -> dict[str, Any]:
        """The kernels' compile-time arguments that both share."""
        return {
            "D": self.hidden,
            "S": self.small,
            "SMALL_SEES": self.small_sees,
            "C_ROUTED": self.c_routed,
            "PLAIN": self.plain,
            "HARD": self.hard,
            "ROWS": ROWS,
            "UNITS": min(UNITS, max(16, 1 << (self.hidden - 1).bit_length())),
            "SEEN": SEEN,
            **LAUNCH,
        }


def obstacle(config: SkimConfig, x: Tensor) -> str | None:
    """What stands in the way of the kernels, None if nothing does."""
    if x.device.type not in DEVICES:
        return f"needs a CUDA device, and the input is on {x.device}"
    if config.cell != "lstm":
        return f"knows the cell lstm, not {config.cell}"
    if len(config.levels) > 2:
        return f"knows two levels, and there are {len(config.levels)}"
    if config.router != "softmax":
        return f"knows the router softmax, not {config.router!r}"
    if x.dtype != torch.float32:
        return f"computes in float32, and the input is {x.dtype}"
    found = _triton()
    if found < TRITON:
        there = ".".join(map(str, found)) if any(found) else "none"
        return f"needs Triton {TRITON[0]}.{TRITON[1]}, which newer torch brings; there is {there}"
    return None


@cache
def _triton() -> tuple[int, int]:
    """The version that is installed, (0, 0) if none is."""
    try:
        major, minor = metadata.version("triton").split(".")[:2]
    except metadata.PackageNotFoundError:
        return 0, 0
    return int(major), int(minor)


def mix(
    module: Any,
    parts: Sequence[Direction],
    x: Tensor,
    layout: Ragged,
    noise: Sequence[Tensor],
    initial: Sequence[State],
) -> list[SequenceRead]:
    """What ``steps.walk`` does with ``steps.Mixing``, in each direction.

    For an input that ``obstacle`` let through.
    """
    check_temperature(module.temperature)
    drawn = torch.stack([each[:, 1] - each[:, 0] for each in noise]).to(x.dtype)
    return _skim(module, parts, x, layout, drawn, initial)


def choose(
    module: Any, parts: Sequence[Direction], x: Tensor, layout: Ragged, initial: Sequence[State]
) -> list[SequenceRead]:
    """What ``steps.walk`` does with ``steps.Choosing`` where there is no budget.

    Both cells are computed, and one is taken: on a GPU a skip saves nothing.
    """
    rules = rules_for(layout.batch, module.threshold, None, 1)
    below_half = torch.nextafter(torch.tensor(0.5), torch.tensor(0.0)).item()
    limits = [below_half if r.threshold == ARGMAX else float(r.threshold) for r in rules or ()]
    limit = torch.tensor(limits or [0.5], device=x.device).clamp(-1, 2).expand(layout.batch)
    limit = limit if layout.order is None else limit[layout.order]
    return _skim(module, parts, x, layout, limit.repeat(len(parts), 1), initial, chooses=True)


def read_all(
    cells: Sequence[CellWeights], x: Tensor, layout: Ragged, initial: Sequence[State]
) -> list[SequenceRead]:
    """The full cell alone, in each direction."""
    settings = Settings(initial[0].h.shape[1], steps=layout.steps)
    nothing = x.new_zeros(len(cells), 1)
    inputs = (nothing, nothing, nothing, *_of_cells(x, cells), nothing, nothing)
    outputs, _, _, h, c = _run(settings, layout, inputs, initial)
    log_p, levels = x.new_zeros(len(x), 1), torch.zeros(len(x), dtype=torch.int64, device=x.device)
    return [SequenceRead(outputs[d], log_p, levels, State(h[d], c[d])) for d in range(len(cells))]


def _skim(
    module: Any,
    parts: Sequence[Direction],
    x: Tensor,
    layout: Ragged,
    noise: Tensor,
    initial: Sequence[State],
    chooses: bool = False,
) -> list[SequenceRead]:
    config: SkimConfig = parts[0].config
    hidden, small = config.levels
    settings = Settings(
        hidden,
        small,
        hidden if config.skim_input == "full" else small,
        config.router_input == "state",
        plain=False,
        hard=module.hard,
        chooses=chooses,
        temperature=module.temperature,
        steps=layout.steps,
    )
    delta_x, routers = zip(*(_of_router(x, part) for part in parts), strict=True)
    full, little = zip(*(part.cells for part in parts), strict=True)
    of_small = _of_cells(x, little) if small else [x.new_zeros(len(parts), 1)] * 2
    inputs = (noise, torch.stack(delta_x), torch.stack(routers), *_of_cells(x, full), *of_small)
    outputs, delta, share, h, c = _run(settings, layout, inputs, initial)
    log_p = torch.stack([F.logsigmoid(-delta), F.logsigmoid(delta)], dim=2)
    levels = (share > 0.5).long()
    return [
        SequenceRead(outputs[d], log_p[d], levels[d], State(h[d], c[d])) for d in range(len(parts))
    ]


def _of_router(x: Tensor, part: Direction) -> tuple[Tensor, Tensor]:
    """What the tokens add to delta, (N,), and how c and h do, (2, D)."""
    router, inputs = part.router.router, x.shape[1]
    assert isinstance(router, SoftmaxRouter)
    weight, bias = router.weight[1] - router.weight[0], router.bias[1] - router.bias[0]
    of_state = weight[inputs:].view(-1, part.config.hidden_size)
    if len(of_state) == 1:
        of_state = torch.cat([torch.zeros_like(of_state), of_state])
    return x @ weight[:inputs] + bias, of_state


def _of_cells(x: Tensor, cells: Sequence[CellWeights]) -> tuple[Tensor, Tensor]:
    """What tokens add to the gates, (directions, N, 4 S), and weights (directions, 4 S, seen)."""
    inputs = []
    for cell in cells:
        bias = None
        if cell.bias_ih is not None and cell.bias_hh is not None:
            bias = cell.bias_ih + cell.bias_hh
        inputs.append(F.linear(x, cell.weight_ih, bias))
    return torch.stack(inputs), torch.stack([cell.weight_hh for cell in cells])


def _run(
    settings: Settings, layout: Ragged, inputs: Sequence[Tensor], initial: Sequence[State]
) -> tuple[Tensor, ...]:
    first = torch.tensor([0, *layout.sizes]).cumsum(0).to(torch.int32).to(inputs[0].device)
    h = torch.stack([state.h[: layout.batch] for state in initial])
    c = torch.stack([state.c[: layout.batch] for state in initial if state.c is not None])
    read: tuple[Tensor, ...] = _Fused.apply(settings, first, *inputs, h, c)  # type: ignore[no-untyped-call]
    return read


class _Fused(torch.autograd.Function):
    """From what each token adds, recurrent weights and first states to outputs, and back."""

    @staticmethod
    def forward(ctx: Any, settings: Settings, *tensors: Tensor) -> tuple[Tensor, ...]:
        from skimrnn.nn import fused_kernels

        given = [tensor.contiguous() for tensor in tensors]
        first, noise, delta_x, router, full_x, full_w, small_x, small_w, h_0, c_0 = given
        directions, tokens = full_x.shape[:2]
        batch, hidden, keep = *h_0.shape[1:], any(ctx.needs_input_grad)
        kept, routed = tokens if keep else 1, 1 if settings.plain else tokens

        def empty(*shape: int) -> Tensor:
            return full_x.new_empty((directions, *shape))

        h, c = (torch.stack([state, state], dim=1) for state in (h_0, c_0))
        outputs, delta, share = empty(tokens, hidden), empty(routed), empty(routed)
        h_before, c_before = empty(kept, hidden), empty(kept, hidden)
        full_gates, small_gates = empty(kept, 4 * hidden), empty(kept, max(1, 4 * settings.small))
        turned = [
            weight.mT.contiguous() if weight.ndim > 2 else weight for weight in (full_w, small_w)
        ]
        with _on(full_x):
            fused_kernels.forward[-(-batch // ROWS), directions](
                *(delta_x, noise, router, full_x, turned[0], small_x, turned[1], first, h, c),
                *(outputs, h_before, c_before, delta, share, full_gates, small_gates),
                *(settings.temperature, tokens, batch, settings.steps),
                **settings.constants(),
                CHOOSE=settings.chooses,
                KEEP=keep,
            )
        ctx.settings = settings
        ctx.save_for_backward(
            *(first, router, full_w, small_w, h_before, c_before, share),
            *(full_gates, small_gates),
        )
        ctx.mark_non_differentiable(share)
        last = settings.steps % 2
        return outputs, delta, share, h[:, last], c[:, last]

    jvp = staticmethod(no_forward_mode)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        from skimrnn.nn import fused_kernels

        settings: Settings = ctx.settings
        first, router, full_w, small_w, h_before, c_before, share, full_gates, small_gates = (
            ctx.saved_tensors
        )
        outputs_grad, delta_grad, _, h_grad, c_grad = grads
        directions, batch = h_grad.shape[:2]
        # Overwritten below; a second backward pass must find what was saved.
        full_gates, small_gates = full_gates.clone(), small_gates.clone()
        h, c = (torch.stack([grad, grad], dim=1) for grad in (h_grad, c_grad))
        delta = torch.empty_like(share)
        with _on(share):
            fused_kernels.backward[-(-batch // ROWS), directions](
                *(outputs_grad.contiguous(), delta_grad.contiguous(), router, full_w, small_w),
                *(first, h, c, h_before, c_before, share, full_gates, small_gates, delta),
                *(settings.temperature, h_before.shape[1], batch, settings.steps),
                **settings.constants(),
            )
        last = settings.steps % 2
        of_delta: tuple[Tensor | None, Tensor | None] = None, None
        if not settings.plain:
            of_router = [delta[:, None] @ before for before in (c_before, h_before)]
            of_delta = delta, torch.cat(of_router, dim=1)
        of_small: tuple[Tensor | None, Tensor | None] = None, None
        if settings.small:
            seen = h_before[:, :, : settings.small_sees]
            of_small = small_gates, small_gates.mT @ seen
        of_full = full_gates, full_gates.mT @ h_before
        return None, None, None, *of_delta, *of_full, *of_small, h[:, last], c[:, last]


def _on(tensor: Tensor) -> Any:
    """The tensor's GPU as the current one, which is where Triton launches."""
    return torch.cuda.device_of(tensor)  # type: ignore[no-untyped-call]
