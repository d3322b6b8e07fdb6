"""A training step on a GPU as two recorded graphs, forward and backward: no launch per word.

``steps.walk`` with ``steps.Mixing`` over padded batches, recorded once per bucket of shapes with
``torch.cuda.make_graphed_callables`` and replayed. A recording keeps what its backward pass needs
in memory of its own, so one that is waiting for its backward pass is not replayed: a layer that is
called twice gets two.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from skimrnn.config import SkimConfig
from skimrnn.nn.cells import State
from skimrnn.nn.rule import Mix, check_temperature
from skimrnn.nn.sequences import Ragged
from skimrnn.nn.steps import Direction, Mixing, SequenceRead, walk

MAX_RECORDINGS = 32
"""Of one layer and direction; the one unused for longest goes first."""

Function = Callable[..., tuple[Tensor, ...]]


def bucket(size: int) -> int:
    """The size that one so large is padded to: 4, 5, 6 or 7 times a power of two, or below 4."""
    unit = 1
    while size > 7 * unit:
        unit *= 2
    return -(-size // unit) * unit


class Padded(NamedTuple):
    """What does not change between replays.

    Attributes:
        config: the layer's options.
        layer: which of its layers.
        names: of the parameters, without suffix, in the order in which they are given.
        backwards: whether texts are read from their ends.
        hard: whether the likeliest sample is taken whole.
    """

    config: SkimConfig
    layer: int
    names: tuple[str, ...]
    backwards: bool
    hard: bool

    def read(
        self,
        x: Tensor,
        alive: Tensor,
        noise: Tensor,
        temperature: Tensor,
        *others: Tensor,
    ) -> tuple[Tensor, ...]:
        """Outputs (T, B, D), log-probabilities (T, B, K) and the parts of the last state.

        Args:
            x: tokens (T, B, E), anything past a text's end.
            alive: whether there is a token, (T, B, 1).
            noise: (T, B, K).
            temperature: a scalar.
            others: the first state's parts (B, D), then the parameters.
        """
        steps, batch = x.shape[:2]
        parts = 2 if self.config.cell == "lstm" else 1
        initial = State(*others[:parts])
        tensors = dict(zip(self.names, others[parts:], strict=True))
        layout = Ragged([batch] * steps, None, x.device)
        take_step = Mixing(
            Mix(temperature, self.hard),
            Direction.of(self.config, self.layer, tensors),
            x.flatten(0, 1),
            layout,
            noise.flatten(0, 1),
            self.backwards,
        )
        alive_at = alive.unbind(0)

        def step(t: int, state: State) -> tuple[State, Tensor, Tensor]:
            new, log_p, levels = take_step(t, state)
            kept = new.merge(state, lambda one, old: torch.where(alive_at[t], one, old))
            return kept, log_p, levels

        read = walk(step, layout, initial, self.backwards)
        state = [part for part in read.state if part is not None]
        return (
            read.outputs.view(steps, batch, -1),
            read.log_p.view(steps, batch, -1),
            *state,
        )


class _InUse:
    """Held by a replay's autograd graph as long as its backward pass may come."""


class Recording:
    """A recorded function, and whether it may be replayed."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.replays = 0
        self._holder: weakref.ref[_InUse] | None = None

    @property
    def free(self) -> bool:
        """Whether no backward pass is waiting."""
        return self._holder is None or self._holder() is None

    def take(self, holder: _InUse) -> int:
        """Note who waits, and give the replay's number."""
        self._holder = weakref.ref(holder)
        self.replays += 1
        return self.replays

    def release(self) -> None:
        """Note that the backward pass has been."""
        self._holder = None


class _Guard(torch.autograd.Function):
    """Copies a recording's results out of its memory, and guards its backward pass."""

    @staticmethod
    def forward(ctx: Any, recording: Recording, *results: Tensor) -> tuple[Tensor, ...]:
        ctx.recording, ctx.holder = recording, _InUse()
        ctx.number = recording.take(ctx.holder)
        return tuple(result.clone() for result in results)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        if ctx.number != ctx.recording.replays:
            raise RuntimeError(
                "this backward pass comes a second time, after the layer was called again, and "
                'what it needs is gone; set path="eager" on the layer to go back so often'
            )
        ctx.recording.release()
        ctx.holder = None
        return None, *grads


class RecordingError(RuntimeError):
    """A step could not be recorded."""


def record_on_gpu(function: Function, samples: Sequence[Tensor]) -> Function:
    """The function as CUDA graphs.

    Raises:
        RecordingError: if torch cannot record it.
    """
    try:
        recorded = torch.cuda.make_graphed_callables(
            function, tuple(samples), allow_unused_input=True
        )
    except RuntimeError as error:
        raise RecordingError(
            f'this training step cannot be recorded as CUDA graphs ({error}); use path="eager"'
        ) from error
    return cast("Function", recorded)


class Recordings:
    """The recordings of one layer and direction, by what they were recorded for."""

    def __init__(
        self, record: Callable[[Function, Sequence[Tensor]], Function] = record_on_gpu
    ) -> None:
        self._record = record
        self._kept: OrderedDict[tuple[Any, ...], list[Recording]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    def __deepcopy__(self, memo: dict[int, Any]) -> Recordings:
        return Recordings(self._record)  # of a copy's own parameters

    def __reduce__(self) -> tuple[Any, ...]:
        return Recordings, ()

    def run(self, what: Padded, arguments: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The results of ``what.read``, by a replay."""
        key = (what, *((tuple(a.shape), a.dtype, a.device, a.requires_grad) for a in arguments))
        found = self._kept.setdefault(key, [])
        self._kept.move_to_end(key)
        recording = next((each for each in found if each.free), None)
        if recording is None:
            samples = [a.detach().clone().requires_grad_(a.requires_grad) for a in arguments]
            recording = Recording(self._record(what.read, samples))
            found.append(recording)
            while len(self) > MAX_RECORDINGS and len(self._kept) > 1:
                self._kept.popitem(last=False)
        replayed = recording.function(*arguments)
        results: tuple[Tensor, ...]
        results = _Guard.apply(recording, *replayed)  # type: ignore[no-untyped-call]
        return results


def mix(
    recordings: Recordings,
    what: Padded,
    tensors: Sequence[Tensor],
    x: Tensor,
    layout: Ragged,
    noise: Tensor,
    initial: State,
    temperature: float,
) -> SequenceRead:
    """What ``steps.walk`` does with ``steps.Mixing``, by a replay.

    Args:
        recordings: those of this layer and direction.
        what: its options.
        tensors: its parameters, named in ``what.names``.
        x: the tokens (N, E), laid out as ``layout`` says.
        layout: where they lie.
        noise: Gumbel noise (N, K).
        initial: the state of the B texts before their first token.
        temperature: τ.
    """
    check_temperature(temperature)
    steps, batch = bucket(layout.steps), bucket(layout.batch)
    places = _places(layout.sizes, batch).to(x.device)

    def pad(values: Tensor) -> Tensor:
        padded = values.new_zeros(steps * batch, values.shape[1])
        return padded.index_copy(0, places, values).view(steps, batch, -1)

    def pad_rows(part: Tensor) -> Tensor:
        return torch.cat([part, part.new_zeros(batch - len(part), part.shape[1])])

    alive = pad(torch.ones_like(x[:, :1])).bool()
    state = [pad_rows(part) for part in initial if part is not None]
    tau = torch.full((), temperature, dtype=x.dtype, device=x.device)
    outputs, log_p, *last = recordings.run(
        what, [pad(x), alive, pad(noise.to(x.dtype)), tau, *state, *tensors]
    )
    log_p = log_p.flatten(0, 1)[places]
    levels = (log_p.detach() + noise).argmax(dim=1)
    outputs = outputs.flatten(0, 1)[places]
    return SequenceRead(outputs, log_p, levels, State(*(part[: layout.batch] for part in last)))


def _places(sizes: Sequence[int], batch: int) -> Tensor:
    """Where each of the N tokens lies among the padded ones, (N,)."""
    return torch.cat([torch.arange(size) + step * batch for step, size in enumerate(sizes)])
