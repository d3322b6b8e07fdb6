"""What a router is, and the list of those that there are.

A router sees the token x and a part s of the state *before* it, and says K logits; their softmax
is p, which the rule then turns into a level. Its equations are written once, on ``Ops``: the NumPy
reference hands them one token and sums in a fixed order, the torch layers hand them every row of
a batch and differentiate.

Letters: E a layer's input size, K levels, |s| what the router sees of the state.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

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


class Router(ABC):
    """One direction of one layer's router, with its parameters.

    Args:
        weights: its parameters, by the names of ``parameter_shapes``.
        inputs: E.
        ops: the arithmetic to use.

    Attributes:
        name: what a configuration calls it; of the class.
    """

    name: ClassVar[str]

    def __init__(self, weights: Mapping[str, Array], inputs: int, ops: Ops) -> None:
        self.weights, self.inputs, self.ops = weights, inputs, ops

    @staticmethod
    @abstractmethod
    def parameter_shapes(config: SkimConfig, inputs: int) -> dict[str, tuple[int, ...]]:
        """Its parameters in a layer with these inputs; every name begins with ``router_``.

        Those with ``bias`` in their name start at 0, the others as a cell's do.
        """

    @staticmethod
    @abstractmethod
    def operations(config: SkimConfig, inputs: int) -> int:
        """Multiply-accumulates on one token; with ``inputs=0``, those that the state needs."""

    @abstractmethod
    def prepare(self, x: Array) -> Array:
        """What tokens say by themselves, one row each: x (E,) or (rows, E)."""

    @abstractmethod
    def logits(self, prepared: Array, s: Array) -> Array:
        """K logits a row, from ``prepare``'s rows and what is seen of the state before, |s|."""


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
