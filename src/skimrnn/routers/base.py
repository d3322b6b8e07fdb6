"""What a router is, and the list of those that there are.

A router sees the token x and a part s of the state *before* it, and says K logits; their softmax
is p, which the rule then turns into a level. Most remember nothing and say ``logits``. One that
does says ``memory``, ``route`` and ``remember`` instead: some numbers go from token to token beside
the state. One that looks ahead says ``following``, ``foresee`` and ``join``: before the text is
read, some numbers go from its last token to its first. Its equations are written once, on ``Ops``:
the NumPy reference hands them one token and sums in a fixed order, the torch layers hand them every
row of a batch and differentiate.

Letters: E a layer's input size, K levels, |s| what the router sees of the state, R what it
remembers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from skimrnn.config import SkimConfig

Array = Any
"""A NumPy array of one token, (size,), or a torch tensor of many, (rows, size)."""


class Ops(Protocol):
    """The arithmetic that a router is written in."""

    def linear(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        """``weight x + bias`` over the last axis; weight (out, in), bias (out,)."""
        ...

    def tanh(self, x: Array) -> Array:
        """Entry by entry."""
        ...

    def sigmoid(self, x: Array) -> Array:
        """Entry by entry."""
        ...

    def relu(self, x: Array) -> Array:
        """Entry by entry."""
        ...

    def log(self, x: Array) -> Array:
        """Entry by entry; ``LOG_OF_NOTHING``, with no gradient, where x is not above 0."""
        ...

    def minimum(self, x: Array, y: Array) -> Array:
        """Entry by entry."""
        ...

    def complement(self, x: Array) -> Array:
        """1 - x."""
        ...

    def largest(self, x: Array, count: int) -> Array:
        """1 at the ``count`` largest of the last axis, of equal ones the first; else 0.

        It has no gradient.
        """
        ...

    def choose(self, sign: Array, x: Array, y: Array) -> Array:
        """``x`` where the sign, one number a row, is below 0; else ``y``."""
        ...

    def constant(self, numbers: Sequence[Any], like: Array) -> Array:
        """Numbers as a parameter, of the kind of another; no gradient goes to them."""
        ...

    def argmax(self, x: Array) -> Array:
        """The place of the largest of the last axis, from 0, of equal ones the first: 1 a row.

        It has no gradient.
        """
        ...

    def full(self, x: Array, value: float) -> Array:
        """The value in the place of every entry of x."""
        ...

    def columns(self, x: Array, begin: int, end: int) -> Array:
        """Those of the last axis from ``begin`` to before ``end``."""
        ...

    def concatenate(self, parts: Sequence[Array]) -> Array:
        """The parts one after the other along the last axis."""
        ...


LOG_OF_NOTHING = -200.0
"""A probability of 0 as a logit: in float32 it is 0 again, and no difference of two is NaN."""


class Router(ABC):
    """One direction of one layer's router, with its parameters.

    Args:
        weights: its parameters, by the names of ``parameter_shapes``.
        inputs: E.
        ops: the arithmetic to use.
        options: its settings, all of ``defaults``; these if None.
        sizes: the layer's levels, (D, S_1, ...).

    Attributes:
        name: what a configuration calls it; of the class, as all that follow.
        defaults: its settings besides, whole numbers by name (``SkimConfig.router_options``).
        levels: K, if it can tell no other number of levels apart.
        bias_start: where parameters with ``bias`` in their name start.
        reading_bias: the first number of ``router_bias``, the others 0, with which a router begins
            by reading (``SkimLSTM.begin_by_reading``); 0 if it does so anyhow, or has none.
        training: how a training step makes shares of the levels out of p. "sampled": by the
            Gumbel-softmax; "soft": likewise without noise, so that at temperature 1 they are p;
            "straight": the likelier one has all, and the gradient goes straight through, to p;
            "reinforced": a level is drawn and taken whole, and REINFORCE tells whether it was good.
    """

    name: ClassVar[str]
    defaults: ClassVar[Mapping[str, int]] = {}
    levels: ClassVar[int | None] = None
    bias_start: ClassVar[float] = 0.0
    reading_bias: ClassVar[float] = 0.0
    training: ClassVar[Literal["sampled", "soft", "straight", "reinforced"]] = "sampled"

    def __init__(
        self,
        weights: Mapping[str, Array],
        inputs: int,
        ops: Ops,
        options: Mapping[str, int] | None = None,
        sizes: Sequence[int] = (),
    ) -> None:
        self.weights, self.inputs, self.ops, self.sizes = weights, inputs, ops, sizes
        self.options = self.defaults if options is None else options

    @classmethod
    def settle(cls, given: object) -> dict[str, int]:
        """All its options: those given, and the defaults of the others.

        Raises:
            ValueError: if there is no such option, or a value is refused.
        """
        if not isinstance(given, Mapping) or not set(given) <= set(cls.defaults):
            names = ", ".join(cls.defaults) or "none"
            raise ValueError(
                f"the router {cls.name!r} has these options: {names}; got router_options={given!r}"
            )
        options: dict[str, int] = {**cls.defaults, **given}
        if any(isinstance(one, bool) or not isinstance(one, int) for one in options.values()):
            raise ValueError(f"router_options must be whole numbers; got {given!r}")
        problem = cls.problem_of(options)
        if problem is not None:
            raise ValueError(problem)
        return options

    @classmethod
    def problem_of(cls, options: Mapping[str, int]) -> str | None:
        """Why it cannot have these options, all of ``defaults``; None if it can."""
        return None

    @staticmethod
    @abstractmethod
    def parameter_shapes(config: SkimConfig, inputs: int) -> dict[str, tuple[int, ...]]:
        """Its parameters in a layer with these inputs; every name begins with ``router_``.

        Those with ``bias`` in their name start at ``bias_start``, the others as a cell's do.
        """

    @staticmethod
    @abstractmethod
    def operations(config: SkimConfig, inputs: int) -> int:
        """Multiply-accumulates on one token; with ``inputs=0``, those that the state needs."""

    @staticmethod
    def noise_size(config: SkimConfig) -> int:
        """The numbers that training draws for a token, if it draws any."""
        return len(config.levels)

    @abstractmethod
    def prepare(self, x: Array) -> Array:
        """What tokens say by themselves, one row each: x (E,) or (rows, E)."""

    def logits(self, prepared: Array, s: Array) -> Array:
        """K logits a row, from ``prepare``'s rows and what is seen of the state before, |s|."""
        raise NotImplementedError(f"{type(self).__name__} says neither logits nor route")

    # ---- for those that remember ----------------------------------------------------------------

    @staticmethod
    def memory(config: SkimConfig) -> tuple[float, ...]:
        """The R numbers that it remembers before the first token."""
        return ()

    def route(self, prepared: Array, s: Array, memory: Array) -> tuple[Array, Array]:
        """K logits a row, from what ``logits`` gets and the memory (R,), and what is to be kept."""
        return self.logits(prepared, s), memory

    def remember(self, kept: Array, skimmed: Array) -> Array:
        """The memory after the token, (R,), from what ``route`` kept.

        Args:
            kept: as ``route`` gave it.
            skimmed: (1,), 0 if the token was read and 1 if not; in training the share.
        """
        return kept

    # ---- for those that look ahead ---------------------------------------------------------------

    @staticmethod
    def following(config: SkimConfig) -> tuple[float, ...]:
        """The numbers that are known of what follows the last token; often none."""
        return ()

    def foresee(self, prepared: Array, following: Array) -> Array:
        """What is known of what follows the token before, as many numbers.

        Args:
            prepared: what ``prepare`` gave for this token.
            following: what is known of what follows this one.
        """
        return following

    def join(self, prepared: Array, following: Array) -> Array:
        """What ``logits`` and ``route`` get in the place of ``prepare``'s rows."""
        return prepared

    # ---- for those that are reinforced; ``route`` takes the likeliest choice ---------------------

    def due(self, memory: Array) -> Array:
        """Below 0 where something is to be chosen before this token, 1 a row."""
        raise NotImplementedError(f"{type(self).__name__} does not say when a choice is due")

    def choices(self, s: Array) -> Array:
        """A logit for each choice, ``noise_size`` a row."""
        raise NotImplementedError(f"{type(self).__name__} does not say what there is to choose")

    def follow(self, memory: Array, choice: Array) -> tuple[Array, Array]:
        """What ``route`` gives, by the number of the choice, 1 a row, where one is due."""
        raise NotImplementedError(f"{type(self).__name__} does not say what a choice does")

    def baseline(self, s: Array) -> Array:
        """The reward to be expected, 1 a row."""
        raise NotImplementedError(f"{type(self).__name__} has no baseline")


def check_logits(router: Router, logits: Any, *rows: int) -> None:
    """Refuse logits that are not one for each level: those of one row, or of so many rows.

    Raises:
        ValueError: naming the router, and what it gave.
    """
    wanted, given = (*rows, len(router.sizes)), tuple(logits.shape)
    if given != wanted:
        raise ValueError(
            f"the router {router.name!r} must give {wanted[-1]} logits a row, one for each level, "
            f"in the shape {wanted}; got {given}"
        )


_routers: dict[str, type[Router]] = {}

R = TypeVar("R", bound=type[Router])


def register(router: R) -> R:
    """Make a router class known by its ``name``; a decorator.

    Raises:
        ValueError: if another class has that name.
    """
    known = _routers.setdefault(router.name, router)
    if known is not router:
        raise ValueError(
            f"there is a router {router.name!r} already, {known.__module__}.{known.__qualname__}; "
            f"give {router.__module__}.{router.__qualname__} another name"
        )
    return router


def router_names() -> tuple[str, ...]:
    """The routers known, in the order of their registration."""
    return tuple(_routers)


def find_router(name: object) -> type[Router]:
    """The router class of that name.

    Raises:
        ValueError: if none is known.
    """
    if not isinstance(name, str) or name not in _routers:
        raise ValueError(
            f"router must be one of {', '.join(_routers)}; got {name!r} (a router of your own is "
            "known once the file that registers it is imported)"
        )
    return _routers[name]
