"""What a stack of skimming layers is: its sizes, its levels, and the parameters it must have.

Letters used everywhere: B batch, T tokens, E a layer's input size, D hidden size, S skim size,
K levels, G gates. Level 0 reads (the full cell, all D units); levels 1 to K-1 skim.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from skimrnn.routers import find_router

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
"""Gates per cell; the gate order is torch's: i, f, g, o (LSTM) and r, z, n (GRU)."""

SKIM_INPUTS = ("prefix", "full")
ROUTER_INPUTS = ("hidden", "state")

OF_WHAT_SKIMS = ("levels", "skim_input", "shared", "router_input", "router", "router_options")
"""Options that say what small cells and routers are; the others are the full cell's."""

MAX_LEVELS = 128
"""K at most: levels are kept as int8."""


@dataclass(frozen=True, kw_only=True)
class SkimConfig:
    """The sizes and options of a stack of skimming recurrent layers.

    Attributes:
        cell: "lstm", "gru", "rnn_tanh" or "rnn_relu".
        input_size: E of the first layer.
        hidden_size: D, of every layer.
        levels: units updated at each level, ``(D, S_1, ...)``, strictly falling; the last may be
            0 (skip). ``(D,)`` is the plain RNN: no router, no small cell.
        num_layers: stacked layers; a layer after the first sees directions * D inputs.
        bias: whether the cells have biases; the router always has one.
        bidirectional: whether each layer also reads from the last token to the first.
        skim_input: what a small cell sees of the state: "prefix" ``h[:S]`` or "full" all of ``h``.
        shared: whether small cells are the full cell's first units, without parameters of their
            own (``cell_parameters``).
        router_input: what the router sees of the state: "hidden" ``h`` or "state" ``[c ; h]``
            (LSTM only). None picks "state" for the LSTM and "hidden" for the others.
        router: which of ``skimrnn.routers``; "softmax" is the paper's.
        router_options: the router's own settings, whole numbers by name; its defaults are filled
            in. ``routers/`` has them: few routers have any.

    Raises:
        ValueError: if a size, a level or an option is not as above; the message names all.
    """

    cell: str
    input_size: int
    hidden_size: int
    levels: tuple[int, ...]
    num_layers: int = 1
    bias: bool = True
    bidirectional: bool = False
    skim_input: str = "prefix"
    shared: bool = False
    router_input: str | None = None
    router: str = "softmax"
    router_options: Mapping[str, int] = dataclasses.field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        problems = _problems({field.name: getattr(self, field.name) for field in _fields()})
        if problems:
            raise ValueError("; ".join(problems))
        object.__setattr__(self, "levels", tuple(self.levels))
        if self.router_input is None:
            chosen = "state" if self.cell == "lstm" else "hidden"
            object.__setattr__(self, "router_input", chosen)
        options = find_router(self.router).settle(self.router_options)
        object.__setattr__(self, "router_options", options)

    @property
    def gates(self) -> int:
        """G, the gates of the cell."""
        return GATES[self.cell]

    @property
    def directions(self) -> int:
        """1, or 2 if bidirectional."""
        return 2 if self.bidirectional else 1

    @property
    def skims(self) -> bool:
        """Whether there is more than one level, so that a router decides."""
        return len(self.levels) > 1

    @property
    def router_state_size(self) -> int:
        """|s|, the part of the router's input that comes from the state."""
        return self.hidden_size * (2 if self.router_input == "state" else 1)

    def layer_input_size(self, layer: int) -> int:
        """E of one layer: ``input_size`` for the first, directions * D afterwards."""
        return self.input_size if layer == 0 else self.directions * self.hidden_size

    def skim_seen(self, level: int) -> int:
        """How many units of ``h`` the small cell of this level sees."""
        return self.levels[level] if self.skim_input == "prefix" else self.hidden_size

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every parameter, by layer, then direction.

        The full cell bears the names of ``torch.nn.LSTM``; ``skim_{level}_`` marks a small cell
        that is not shared.
        A router's begin with ``router_``; ``routers/`` says what they are.
        """
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in range(self.num_layers):
            for direction in range(self.directions):
                suffix = parameter_suffix(layer, direction)
                inputs = self.layer_input_size(layer)
                shapes |= self._cell_shapes("", suffix, self.hidden_size, inputs, self.hidden_size)
                for level, size in enumerate(self.levels):
                    if level and size and not self.shared:
                        seen = self.skim_seen(level)
                        shapes |= self._cell_shapes(f"skim_{level}_", suffix, size, inputs, seen)
                if self.skims:
                    own = self.router_shapes(layer)
                    shapes |= {f"{name}_{suffix}": shape for name, shape in own.items()}
        return shapes

    @property
    def memory(self) -> tuple[float, ...]:
        """The R numbers that each router remembers before the first token; often none."""
        return find_router(self.router).memory(self) if self.skims else ()

    @property
    def following(self) -> tuple[float, ...]:
        """What each router knows of what follows the last token; often nothing."""
        return find_router(self.router).following(self) if self.skims else ()

    @property
    def noise_size(self) -> int:
        """The numbers that training draws for a token, if its router draws any; mostly K."""
        return find_router(self.router).noise_size(self)

    def router_shapes(self, layer: int) -> dict[str, tuple[int, ...]]:
        """The parameters of the router of one direction of this layer, without their suffix.

        Raises:
            ValueError: if a name does not begin with ``router_``, as training goes by.
        """
        own = find_router(self.router).parameter_shapes(self, self.layer_input_size(layer))
        strange = [name for name in own if not name.startswith("router_")]
        if strange:
            raise ValueError(
                f"parameters of a router must have names that begin with router_; {self.router!r} "
                f"has {', '.join(strange)}"
            )
        return own

    def _cell_shapes(
        self, prefix: str, suffix: str, size: int, inputs: int, seen: int
    ) -> dict[str, tuple[int, ...]]:
        rows = self.gates * size
        shapes: dict[str, tuple[int, ...]] = {
            f"{prefix}weight_ih_{suffix}": (rows, inputs),
            f"{prefix}weight_hh_{suffix}": (rows, seen),
        }
        if self.bias:
            shapes[f"{prefix}bias_ih_{suffix}"] = (rows,)
            shapes[f"{prefix}bias_hh_{suffix}"] = (rows,)
        return shapes

    def with_router_options(self, options: Mapping[str, int]) -> SkimConfig:
        """The same layers with other router options, such as those of SkipW: ``{"reads": 3}``.

        Raises:
            ValueError: if they are refused, or parameters would need other shapes.
        """
        other = dataclasses.replace(self, router_options={**self.router_options, **options})
        if other.parameter_shapes() != self.parameter_shapes():
            raise ValueError(
                f"router_options={dict(options)!r} would need other parameters than those of "
                f"{dict(self.router_options)!r}; train with them, or change another option"
            )
        return other

    def to_dict(self) -> dict[str, Any]:
        """The configuration as plain JSON values; shared and router_options where they are set."""
        values = {**dataclasses.asdict(self), "levels": list(self.levels)}
        for name in ("shared", "router_options"):
            if not values[name]:
                del values[name]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SkimConfig:
        """The configuration that ``to_dict`` wrote.

        Raises:
            ValueError: if keys are missing or unknown, or values refused; the message names all.
        """
        fields = {field.name: field for field in _fields()}
        problems = [f"unknown: {name}" for name in sorted(set(values) - set(fields))]
        problems += [
            f"missing: {name}"
            for name, field in fields.items()
            if field.default is field.default_factory is dataclasses.MISSING and name not in values
        ]
        if problems:
            raise ValueError("; ".join([*problems, *_problems(values)]))
        return cls(**values)


def is_of_full_cell(name: str) -> bool:
    """Whether a parameter of this name is the full cell's, not a small cell's or a router's."""
    return not name.startswith(("skim_", "router_"))


def parameter_suffix(layer: int, direction: int) -> str:
    """How a parameter's name ends: ``l0``, ``l0_reverse``, ``l1``, ..."""
    return f"l{layer}_reverse" if direction else f"l{layer}"


def resolve_levels(
    hidden_size: int, skim_size: int | None, levels: Sequence[int] | None
) -> tuple[int, ...]:
    """The levels that exactly one of ``skim_size`` and ``levels`` stands for.

    Raises:
        ValueError: if none or both are given, or the one given does not fit ``hidden_size``.
    """
    if (skim_size is None) == (levels is None):
        raise ValueError(
            "give exactly one of skim_size=S and levels=(D, S_1, ...); "
            f"got skim_size={skim_size!r}, levels={levels!r}"
        )
    if levels is not None:
        return check_levels(levels, hidden_size)
    if not _is_int(skim_size) or not 0 <= skim_size < hidden_size:  # type: ignore[operator]
        raise ValueError(
            "skim_size must be a whole number from 0 to hidden_size - 1; "
            f"got skim_size={skim_size!r}, hidden_size={hidden_size}"
        )
    return (hidden_size, skim_size)  # type: ignore[return-value]


def check_levels(levels: object, hidden_size: int) -> tuple[int, ...]:
    """The levels as a tuple, if they fall strictly from ``hidden_size`` and stay at least 0.

    Raises:
        ValueError: if they do not.
    """
    sizes: tuple[Any, ...] = tuple(levels) if isinstance(levels, Iterable) else ()
    if len(sizes) > MAX_LEVELS:
        raise ValueError(f"levels must be at most {MAX_LEVELS}; got {len(sizes)} of them")
    if (
        not sizes
        or not all(_is_int(size) for size in sizes)
        or sizes[0] != hidden_size
        or sizes[-1] < 0
        or any(a <= b for a, b in pairwise(sizes))
    ):
        raise ValueError(
            "levels must be whole numbers falling strictly from hidden_size, the last at least 0, "
            f"such as ({hidden_size}, {max(hidden_size // 10, 0)}); "
            f"got levels={levels!r}, hidden_size={hidden_size}"
        )
    return sizes


def _problems(values: Mapping[str, Any]) -> list[str]:
    """All that is wrong with these options of a ``SkimConfig``; an absent one is passed over."""
    problems = []
    cell, hidden_size = values.get("cell"), values.get("hidden_size")
    if "cell" in values and not (isinstance(cell, str) and cell in GATES):
        problems.append(f"cell must be one of {', '.join(GATES)}; got {cell!r}")
    for name in ("input_size", "hidden_size", "num_layers"):
        if name in values and not (_is_int(values[name]) and values[name] >= 1):
            problems.append(f"{name} must be a whole number of at least 1; got {values[name]!r}")
    for name in ("bias", "bidirectional", "shared"):
        if not isinstance(values.get(name, True), bool):
            problems.append(f"{name} must be true or false; got {values[name]!r}")
    if "levels" in values and _is_int(hidden_size) and hidden_size >= 1:  # type: ignore[operator]
        try:
            check_levels(values["levels"], hidden_size)  # type: ignore[arg-type]
        except ValueError as error:
            problems.append(str(error))
    if values.get("skim_input", "prefix") not in SKIM_INPUTS:
        problems.append(f'skim_input must be "prefix" or "full"; got {values["skim_input"]!r}')
    router_input = values.get("router_input")
    if router_input is not None and router_input not in ROUTER_INPUTS:
        problems.append(f'router_input must be "hidden" or "state"; got {router_input!r}')
    if router_input == "state" and isinstance(cell, str) and cell in GATES and cell != "lstm":
        problems.append(
            f'router_input="state" needs a cell state, which only the LSTM has; '
            f'got cell={cell!r}, use router_input="hidden"'
        )
    if "router" in values:
        try:
            router = find_router(values["router"])
            router.settle(values.get("router_options", {}))
        except ValueError as error:
            problems.append(str(error))
        else:
            given = values.get("levels")
            count = len(given) if isinstance(given, tuple | list) else 1
            if count > 1 and router.levels not in (None, count):
                problems.append(
                    f"the router {router.name!r} knows {router.levels} levels; got levels={given!r}"
                )
    return problems


def _fields() -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(SkimConfig)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
