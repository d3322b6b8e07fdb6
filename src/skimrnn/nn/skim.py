"""SkimLSTM, SkimGRU and SkimRNN: torch's recurrent layers, reading and skimming.

The same calls and results as ``torch.nn.LSTM``, ``GRU`` and ``RNN``; for each token, layer and
direction a router takes the full cell (read) or a small one (skim). The equations are those of
``reference.py``. Training mixes all levels, by ``steps.Mixing`` or, where ``paths`` says so, by
``native``, ``fused`` or ``graph``; ``eval()`` chooses one (``steps.Choosing``) and computes no
other, but on a GPU, where ``fused`` computes both and takes one.

Letters: B batch, T tokens, N real tokens of a batch, E inputs, D hidden size, S skim size,
K levels, G gates.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.nn.utils.rnn import PackedSequence

from skimrnn.cell_parameters import cell_parameters
from skimrnn.config import SkimConfig, parameter_suffix, resolve_levels
from skimrnn.nn import fused, graph, native
from skimrnn.nn.cells import CellWeights, State
from skimrnn.nn.forms import Hidden, enter, layout_of
from skimrnn.nn.given import levels_of_tokens, noise_of_levels
from skimrnn.nn.graph import Padded, RecordingError, Recordings
from skimrnn.nn.paths import check_path, choose_path
from skimrnn.nn.pretrained import Pretrained
from skimrnn.nn.recording import LayerReads, recording, report
from skimrnn.nn.rule import Mix, draw_noise
from skimrnn.nn.sequences import Ragged
from skimrnn.nn.steps import Choosing, Direction, Drawing, Mixing, SequenceRead, walk
from skimrnn.routers import find_router


class SkimOptions(TypedDict, total=False):
    """The keyword-only options of the three layers; ``SkimLSTM`` says what each means."""

    skim_size: int | None
    levels: Sequence[int] | None
    skim_input: str
    shared: bool
    router_input: str | None
    router: str
    router_options: Mapping[str, int]
    hard: bool
    threshold: float | str
    budget: float | None
    burst: float
    path: str


class _SkimMixin(Pretrained, nn.RNNBase):
    """What the three layers share; a mix-in in front of torch's own layer."""

    config: SkimConfig
    skimming: bool
    temperature: float
    hard: bool
    threshold: float | str | Sequence[float]
    budget: float | Sequence[float] | None
    burst: float | Sequence[float]
    path: str

    def _set_up(
        self,
        cell: str,
        device: Any,
        dtype: Any,
        *,
        skim_size: int | None = None,
        levels: Sequence[int] | None = None,
        skim_input: str = "prefix",
        shared: bool = False,
        router_input: str | None = None,
        router: str = "softmax",
        router_options: Mapping[str, int] | None = None,
        hard: bool = False,
        threshold: float | str = 0.5,
        budget: float | None = None,
        burst: float = 1,
        path: str = "auto",
        **unknown: Any,
    ) -> None:
        """Add the small cells and routers to a layer that torch's constructor has made."""
        if unknown:
            raise TypeError(
                f"{type(self).__name__} has no option {', '.join(unknown)}; its own are "
                f"{', '.join(SkimOptions.__annotations__)}"
            )
        self.config = SkimConfig(
            cell=cell,
            input_size=self.input_size,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            bias=self.bias,
            bidirectional=bool(self.bidirectional),
            levels=resolve_levels(self.hidden_size, skim_size, levels),
            skim_input=skim_input,
            shared=shared,
            router_input=router_input,
            router=router,
            router_options={} if router_options is None else router_options,
        )
        self.hard, self.skimming, self.temperature = hard, True, 1.0
        self.threshold, self.budget, self.burst = threshold, budget, burst
        check_path(path)
        self.path = path
        self._recordings: dict[tuple[int, int], Recordings] = {}
        for name, shape in self.config.parameter_shapes().items():
            if name not in self._parameters:
                self.register_parameter(
                    name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
                )
                self._initialise(name)

    def reset_parameters(self) -> None:
        """Draw all parameters anew: uniform within 1/sqrt(D), router biases as the router says."""
        for name in self._parameters:
            self._initialise(name)

    def _initialise(self, name: str) -> None:
        parameter = self._parameters[name]
        assert parameter is not None
        middle, bound = 0.0, 1 / math.sqrt(self.hidden_size)
        if name.startswith("router_") and "bias" in name:
            middle, bound = find_router(self.config.router).bias_start, 0.0
        nn.init.uniform_(parameter, middle - bound, middle + bound)

    @torch.no_grad()
    def begin_by_reading(self) -> None:
        """Give what skims the start that disturbs a trained full cell the least.

        Small cells become the full cell's first units, as shared ones are. With "full" they then
        update those as a read does; with "prefix" they miss what the other units say. A router
        whose ``reading_bias`` is above 0 reads about nine tokens of ten.

        Raises:
            ValueError: if parameters are parametrised.
        """
        if parametrize.is_parametrized(self):
            raise ValueError(
                "what skims begins as the full cell where both are plain parameters; this layer "
                "has parametrised ones: begin by reading first, then parametrise"
            )
        config, parameters = self.config, dict(self.named_parameters())
        first = dataclasses.replace(config, shared=True)
        bias = find_router(config.router).reading_bias
        for layer in range(config.num_layers if config.skims else 0):
            for direction in range(config.directions):
                suffix = parameter_suffix(layer, direction)
                small = () if config.shared else enumerate(config.levels[1:], 1)
                for level in (level for level, size in small if size):
                    own = cell_parameters(parameters, config, level, f"_{suffix}")
                    parts = cell_parameters(parameters, first, level, f"_{suffix}")
                    for part, begun in zip(own, parts, strict=True):
                        if part is not None:
                            part.copy_(begun)
                if bias:
                    router = self.get_parameter(f"router_bias_{suffix}")
                    router.zero_()[0] = bias

    def extra_repr(self) -> str:
        """Torch's summary, with the levels."""
        options = f"levels={self.config.levels}"
        if self.config.skim_input != "prefix":
            options += f", skim_input={self.config.skim_input!r}"
        if self.config.shared:
            options += ", shared=True"
        if self.config.router != "softmax":
            options += f", router={self.config.router!r}"
        if self.config.router_options:
            options += f", router_options={self.config.router_options!r}"
        return f"{super().extra_repr()}, {options}, router_input={self.config.router_input!r}"

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take a torch layer's parameters as well: the full cell's, the others staying as drawn."""
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        ours = {f"{prefix}{name}" for name in self._parameters if name not in self._full_cell()}
        if not ours & set(state_dict):
            missing_keys[:] = [name for name in missing_keys if name not in ours]

    def _full_cell(self) -> set[str]:
        """The names that torch's layer has too."""
        return {name for names in self._all_weights for name in names}

    # ---- the call -------------------------------------------------------------------------------

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Hidden | None = None,
        *,
        noise: Tensor | None = None,
        levels: Tensor | None = None,
    ) -> tuple[Tensor | PackedSequence, Hidden]:
        """Read and skim, as torch's layer reads.

        Args:
            input: (T, B, E), (B, T, E) with ``batch_first``, (T, E) for one sequence, or packed.
            hx: initial state as torch's layer takes it; zeros if None. It is all that is handed
                over: a budget counts anew in each call, and so does what a router remembers.
            noise: Gumbel noise of a training step, (layers, directions, B, T, K) in text order
                (B in the caller's order, also for packed input); drawn from torch's generator if
                None. Not used in ``eval()``, nor by a router whose training is "straight" or
                "soft"; where it is "reinforced", ``config.noise_size`` numbers stand in the place
                of K.
            levels: the level to take each token at instead of what the router says, for study:
                whole numbers from 0 to K - 1, (layers, directions, B, T), or (B, T) for the same
                in every layer and direction, in text order (B in the caller's order); past a
                text's end they are not looked at. In training the level given has all the share.
                Where the full cell runs alone (``skimming=False``) all must be 0.

        Returns:
            What torch's layer returns: outputs in the form of ``input``, and the last state. What
            was skimmed is given by ``skimrnn.nn.record()``.

        Raises:
            RuntimeError: if a shape does not fit, as torch's layer does.
            ValueError: if the input is not 2-D, 3-D or packed, an option or a level does not fit,
                or there are both noise and levels.
        """
        if "torch._dynamo" in sys.modules and not _exporting():  # else nothing can be compiling
            from skimrnn.nn.uncompiled import call

            read: tuple[Tensor | PackedSequence, Hidden]
            read = call(lambda: self._forward(input, hx, noise, levels))
            return read
        return self._forward(input, hx, noise, levels)

    def _forward(
        self,
        input: Tensor | PackedSequence,
        hx: Hidden | None,
        noise: Tensor | None,
        levels: Tensor | None,
    ) -> tuple[Tensor | PackedSequence, Hidden]:
        if _exporting() and self.config.skims and self.skimming:
            raise RuntimeError(
                f"torch.export cannot hold {type(self).__name__}: which cell runs depends on the "
                "data; save the model with skimrnn.nn.save and read it with skimrnn.load, which "
                "need no torch, or set skimming=False to export the full cell alone"
            )
        tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        if tracing and self.config.skims and self.skimming:
            raise RuntimeError(
                f"a trace cannot hold {type(self).__name__}: it would read every text as it reads "
                "the one that is traced; save the model with skimrnn.nn.save and read it with "
                "skimrnn.load, or set skimming=False to trace the full cell alone"
            )
        if not self.config.skims and self.budget is not None:
            raise ValueError(
                f"a budget needs a level to skim at; got budget={self.budget!r} with "
                f"levels={self.config.levels}, set budget=None"
            )
        if noise is not None and levels is not None:
            raise ValueError(
                "noise draws the levels and levels gives them; got both: leave out one or the other"
            )
        plain = not (self.config.skims and self.skimming)
        if plain and levels is not None:
            levels_of_tokens(levels, layout_of(self, input)[1], self.config, skimming=False)
        if plain and recording():
            self._report_plain(input)
        if plain and not self._reads_all_itself(input):
            return super().forward(input, hx)  # type: ignore[no-any-return]  # torch's own
        if self._autocasts():
            return self._without_autocast(input, hx, noise, levels)
        data, layout, given, leave = enter(self, input, hx)
        if not self.training:
            noise = None
        if noise is not None:
            self._check_noise(noise, layout)
        if levels is not None:
            levels = levels_of_tokens(levels, layout, self.config, skimming=not plain)
        initial = [State(*parts) for parts in zip(*given, strict=True)]
        final: list[State] = []
        directions = self.config.directions
        for layer in range(self.num_layers):
            here = None
            if noise is not None:
                here = [layout.unpad(noise[layer, direction]) for direction in range(directions)]
            start = initial[layer * directions : (layer + 1) * directions]
            taken = None if levels is None else levels[layer]
            reads = self._read_layer(layer, data, layout, start, here, taken)
            final += [read.state for read in reads]
            data = torch.cat([read.outputs for read in reads], dim=1)
            if self.training and self.dropout and layer + 1 < self.num_layers:
                data = functional.dropout(data, self.dropout)
        return leave(
            data,
            tuple(torch.stack(parts) for parts in zip(*final, strict=True) if parts[0] is not None),
        )

    def _reads_all_itself(self, input: Tensor | PackedSequence) -> bool:
        """Whether our kernels train the full cell alone: torch's own is slow on packed input."""
        return (
            self.training
            and isinstance(input, PackedSequence)
            and not self._autocasts()
            and choose_path(self.path, self.config, input.data) in ("native", "fused")
        )

    def _autocasts(self) -> bool:
        device = self._weight.device.type
        return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)

    def _without_autocast(
        self,
        input: Tensor | PackedSequence,
        hx: Hidden | None,
        noise: Tensor | None,
        levels: Tensor | None,
    ) -> tuple[Tensor | PackedSequence, Hidden]:
        """The call in the weights' own dtype: a router's sums decide, and lose by rounding."""
        dtype, device = self._weight.dtype, self._weight.device.type
        if hx is not None:
            hx = hx.to(dtype) if isinstance(hx, Tensor) else (hx[0].to(dtype), hx[1].to(dtype))
        with torch.autocast(device, enabled=False):
            return self._forward(input.to(dtype), hx, noise, levels)

    @property
    def _weight(self) -> Tensor:
        """A parameter, for its dtype and device."""
        weight: Tensor = getattr(self, f"weight_ih_{parameter_suffix(0, 0)}")
        return weight

    def _read_layer(
        self,
        layer: int,
        x: Tensor,
        layout: Ragged,
        initial: list[State],
        noise: list[Tensor] | None,
        levels: Tensor | None,
    ) -> list[SequenceRead]:
        """Take x (N, E) through each direction of one layer.

        Args:
            layer: which.
            x: the tokens.
            layout: where they lie.
            initial: the first state of each direction.
            noise: of each direction, (N, K).
            levels: given levels, (directions, N).
        """
        tensors = [self._tensors(layer, direction) for direction in range(len(initial))]
        if not (self.config.skims and self.skimming):
            cells = [CellWeights(*cell_parameters(each, self.config, 0)) for each in tensors]
            if choose_path(self.path, self.config, x) == "fused":
                return fused.read_all(cells, x, layout, initial)
            return [
                native.read_all(self.config, cell, x, layout, initial[d], bool(d))
                for d, cell in enumerate(cells)
            ]
        parts = [Direction.of(self.config, layer, each) for each in tensors]
        router = find_router(self.config.router)
        if self.training:
            if levels is not None:
                noise = [noise_of_levels(each, len(self.config.levels), x.dtype) for each in levels]
            elif router.training not in ("sampled", "reinforced"):
                noise = [x.new_zeros(len(x), len(self.config.levels)) for _ in parts]
            elif noise is None:
                noise = [draw_noise(x, self.config.noise_size) for _ in parts]
            if router.training == "reinforced" and levels is None:
                reads = self._draw(parts, x, layout, noise, initial)
            else:
                reads = self._mix(layer, parts, x, layout, noise, initial)
        elif self._chooses_fused(x, levels):
            reads = fused.choose(self, parts, x, layout, initial)
        else:
            reads = []
            for d, part in enumerate(parts):
                given = None if levels is None else levels[d]
                choosing = Choosing(self, part, x, layout, bool(d), given)
                reads.append(walk(choosing, layout, part.router.begin(initial[d]), bool(d)))
        if recording():
            for d, read in enumerate(reads):
                taken = read.log_p, read.levels, layout, read.choices
                report(LayerReads(self, layer, d, True, *taken))
        return reads

    def _chooses_fused(self, x: Tensor, levels: Tensor | None) -> bool:
        """Whether a GPU's kernel, which computes both cells, replaces many launches a word."""
        able = self.budget is None and levels is None and self.path in ("auto", "fused")
        return able and choose_path("auto", self.config, x) == "fused"

    def _mix(
        self,
        layer: int,
        parts: list[Direction],
        x: Tensor,
        layout: Ragged,
        noise: list[Tensor],
        initial: list[State],
    ) -> list[SequenceRead]:
        """A training step of one layer, by the path that is chosen."""
        path = choose_path(self.path, self.config, x, [*noise, self.temperature])
        if path == "fused":
            return fused.mix(self, parts, x, layout, noise, initial)
        reads = []
        for d, (part, drawn, start) in enumerate(zip(parts, noise, initial, strict=True)):
            if path == "native":
                reads.append(native.mix(self, part, x, layout, drawn, start, bool(d)))
                continue
            if path == "graph":
                try:
                    reads.append(self._graphed(layer, d, x, layout, drawn, start))
                    continue
                except RecordingError as error:
                    if self.path == "graph":
                        raise
                    warnings.warn(f"{error}; it is used from now on", stacklevel=2)
                    self.path = path = "eager"
            straight = find_router(self.config.router).training == "straight"
            mix = Mix(1.0, hard=True) if straight else Mix(self.temperature, self.hard)
            begun = part.router.begin(start)
            mixing = Mixing(mix, part, x, layout, drawn, bool(d))
            reads.append(walk(mixing, layout, begun, bool(d)))
        return reads

    def _draw(
        self,
        parts: list[Direction],
        x: Tensor,
        layout: Ragged,
        noise: list[Tensor],
        initial: list[State],
    ) -> list[SequenceRead]:
        """A training step of one layer whose router's choices are drawn, always in torch."""
        choose_path(self.path, self.config, x)  # refuses a path that cannot
        reads = []
        for d, (part, drawn, start) in enumerate(zip(parts, noise, initial, strict=True)):
            drawing = Drawing(part, x, layout, drawn)
            read = walk(drawing, layout, part.router.begin(start), bool(d))
            reads.append(read._replace(choices=drawing.choices()))
        return reads

    def _check_noise(self, noise: Tensor, layout: Ragged) -> None:
        numbers, directions = self.config.noise_size, self.config.directions
        expected = (self.num_layers, directions, layout.batch, layout.steps, numbers)
        long_enough = noise.dim() == 5 and noise.shape[3] >= layout.steps
        if not long_enough or (*noise.shape[:3], layout.steps, noise.shape[4]) != expected:
            raise ValueError(
                "noise must be (layers, directions, texts, tokens of the longest, levels) = "
                f"{expected}; got {tuple(noise.shape)}"
            )

    def _report_plain(self, input: Tensor | PackedSequence) -> None:
        """Record a call without skimming: every token at level 0, no penalty."""
        data, layout = layout_of(self, input)
        log_p = data.new_full((len(data), len(self.config.levels)), -torch.inf)
        log_p[:, 0] = 0
        levels = torch.zeros(len(data), dtype=torch.int64, device=data.device)
        for layer in range(self.num_layers):
            for direction in range(self.config.directions):
                report(LayerReads(self, layer, direction, False, log_p, levels, layout))

    def _tensors(self, layer: int, direction: int) -> dict[str, Tensor]:
        """The parameters of one direction of one layer, by their names without suffix."""
        suffix = f"_{parameter_suffix(layer, direction)}"
        names = [name for name in self.config.parameter_shapes() if name.endswith(suffix)]
        return {name.removesuffix(suffix): getattr(self, name) for name in names}

    def _graphed(
        self,
        layer: int,
        direction: int,
        x: Tensor,
        layout: Ragged,
        noise: Tensor,
        initial: State,
    ) -> SequenceRead:
        """A training step by recorded graphs."""
        tensors = self._tensors(layer, direction)
        what = Padded(self.config, layer, tuple(tensors), bool(direction), self.hard)
        recordings = self._recordings.setdefault((layer, direction), Recordings())
        parameters = list(tensors.values())
        return graph.mix(recordings, what, parameters, x, layout, noise, initial, self.temperature)


def _exporting() -> bool:
    """Whether ``torch.export`` is tracing; older torch cannot say."""
    ask = getattr(torch.compiler, "is_exporting", None)
    return ask is not None and bool(ask())


def _refuse_projection(options: Mapping[str, Any]) -> None:
    """Raise what torch's GRU and RNN raise for an argument that only the LSTM has."""
    if "proj_size" in options:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class SkimLSTM(_SkimMixin, nn.LSTM):  # type: ignore[misc]
    """An LSTM that reads or skims each token; takes the place of ``torch.nn.LSTM``.

    For a token x and the state (h, c) before it, with p = softmax(W_r [x ; s] + b_r)::

        read:  (h', c') = LSTM(x, (h, c))
        skim:  (h', c')[:S] = LSTM_small(x, (h[:S], c[:S])),  (h', c')[S:] = (h, c)[S:]

    Args:
        input_size: E, the width of a token's vector.
        hidden_size: D, the width of the state and of each direction's output.
        num_layers: stacked layers.
        bias: whether the cells have biases.
        batch_first: whether batched input and output are (B, T, ...).
        dropout: probability of zeroing an output between layers, in training.
        bidirectional: whether each layer also reads backwards, with decisions of its own.
        proj_size: not supported; must be 0.
        device: where the parameters are made.
        dtype: of the parameters.
        skim_size: S, units that a skim updates, 0 <= S < D; 0 is a skip.
        levels: instead of ``skim_size``: (D, S_1, ...), strictly falling; (D,) never skims.
        skim_input: "prefix": a small cell sees h[:S]; "full": all of h.
        shared: whether small cells are the full cell's first units, without weights of their own.
        router_input: "state": the router sees [c ; h] (the default here); "hidden": h.
        router: which of ``skimrnn.routers``; "softmax" is the paper's.
        router_options: its own settings, such as SkipW's ``{"window": 10, "reads": 5}``.
        hard: whether training takes the level of the largest share whole (straight-through).
        threshold: θ in ``eval()``; skim where the probability of skimming exceeds it.
        budget: ceiling on the share of tokens read in ``eval()``: budget n + burst of the first n.
        burst: reads allowed ahead of the budget.
        path: how a training step is computed: "eager", torch's loop over the tokens; "native", one
            call on the CPU, for float32 and the "softmax" router; "fused", one kernel on a GPU, for
            two levels besides; "graph", CUDA graphs on a GPU; "auto", the fastest that can. In
            ``eval()`` all are "eager", except that on a GPU a kernel decides by the threshold.

    A state dict of ``torch.nn.LSTM`` loads into the full cell by its own names.

    Attributes:
        threshold: as above, settable at any time; also one number per text.
        budget: likewise.
        burst: likewise.
        path: likewise.
        temperature: τ of the Gumbel-softmax.
        skimming: False runs the full cell alone, as torch's LSTM does.
        config: the ``SkimConfig``; one made by its ``with_router_options`` may take its place.

    Raises:
        ValueError: if a size or an option does not fit.
        TypeError: if an argument has the wrong type, as torch's LSTM does.

    Source: Seo et al., ICLR 2018, equations 1 to 8.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
        **options: Unpack[SkimOptions],
    ) -> None:
        if proj_size:
            raise ValueError(
                "proj_size is not supported: a skim copies units of a state as wide as the "
                f"output; got proj_size={proj_size}, put a Linear after the layer"
            )
        nn.LSTM.__init__(
            self,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )
        self._set_up("lstm", device, dtype, **options)


class SkimGRU(_SkimMixin, nn.GRU):  # type: ignore[misc]
    """A GRU that reads or skims each token; takes the place of ``torch.nn.GRU``.

    Torch's GRU, with the reset gate inside the recurrent product. A skim blends with h[:S].
    Arguments, attributes and errors as for ``SkimLSTM``; the router sees h
    (``router_input="hidden"``), there is no cell state.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **options: Unpack[SkimOptions],
    ) -> None:
        _refuse_projection(options)
        nn.GRU.__init__(
            self,
            input_size,
            hidden_size,
            num_layers=num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            device=device,
            dtype=dtype,
        )
        self._set_up("gru", device, dtype, **options)


class SkimRNN(_SkimMixin, nn.RNN):  # type: ignore[misc]
    """An Elman RNN that reads or skims each token; takes the place of ``torch.nn.RNN``.

    Arguments, attributes and errors as for ``SkimGRU``, and ``nonlinearity`` as torch has it:
    "tanh" or "relu", fourth in the order.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **options: Unpack[SkimOptions],
    ) -> None:
        _refuse_projection(options)
        nn.RNN.__init__(
            self,
            input_size,
            hidden_size,
            num_layers=num_layers,
            nonlinearity=nonlinearity,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            device=device,
            dtype=dtype,
        )
        self._set_up(f"rnn_{nonlinearity}", device, dtype, **options)


SkimLayer = SkimLSTM | SkimGRU | SkimRNN
"""Any of the layers that skim."""


def layer_of(config: SkimConfig, **options: Any) -> SkimLayer:
    """A fresh layer of a configuration.

    Args:
        config: its sizes, and what skims.
        **options: what else ``SkimLSTM`` takes, such as ``batch_first`` or ``threshold``.
    """
    own = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    cell = own.pop("cell")
    if cell == "lstm":
        return SkimLSTM(**own, **options)
    if cell == "gru":
        return SkimGRU(**own, **options)
    return SkimRNN(nonlinearity=cell.removeprefix("rnn_"), **own, **options)
