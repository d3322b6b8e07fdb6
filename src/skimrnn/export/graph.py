"""Arithmetic that is written down as an ONNX graph instead of being done.

A ``Value`` is the name of something that the graph will compute; its operators and the functions
below add the node that computes it. So the equations in ``network.py`` read as in ``reference.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.routers import LOG_OF_NOTHING

Array = NDArray[Any]


class Graph:
    """The nodes of a graph, in order; the body of a loop is a graph of its own.

    Args:
        outer: the graph around it, which keeps the constants of both; None for the outermost.
    """

    def __init__(self, outer: Graph | None = None) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {} if outer is None else outer.constants
        self._numbers: count[int] = count() if outer is None else outer._numbers

    def add(
        self,
        operator: str,
        *inputs: Value | Array,
        outputs: int = 1,
        **attributes: Any,
    ) -> list[Value]:
        """Add a node, and give its outputs; an array among its inputs becomes a constant."""
        from onnx import helper

        names = [one.name if isinstance(one, Value) else self.constant(one) for one in inputs]
        made = [self._fresh(operator.lower()) for _ in range(outputs)]
        self.nodes.append(helper.make_node(operator, names, made, **attributes))
        return [Value(self, name) for name in made]

    def one(self, operator: str, *inputs: Value | Array, **attributes: Any) -> Value:
        """The output of a node that has one."""
        return self.add(operator, *inputs, **attributes)[0]

    def value(self, what: str) -> Value:
        """A value that nothing in this graph computes: an input of it."""
        return Value(self, self._fresh(what))

    def constant(self, array: Array) -> str:
        """The name of a constant."""
        name = self._fresh("constant")
        self.constants[name] = np.ascontiguousarray(array)
        return name

    def initializers(self) -> list[Any]:
        """The constants as ONNX tensors."""
        from onnx import numpy_helper

        return [numpy_helper.from_array(array, name) for name, array in self.constants.items()]

    def _fresh(self, what: str) -> str:
        return f"{what}_{next(self._numbers)}"


class Value:
    """Something that a graph computes, by its name.

    Attributes:
        graph: where nodes that use it are added.
        name: its name there.
    """

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph, self.name = graph, name

    def __add__(self, other: Value | Array) -> Value:
        return self.graph.one("Add", self, other)

    def __mul__(self, other: Value | Array) -> Value:
        return self.graph.one("Mul", self, other)

    def __sub__(self, other: Value | Array) -> Value:
        return self.graph.one("Sub", self, other)

    def columns(self, begin: int, end: int) -> Value:
        """Those from ``begin`` to ``end`` of the last axis."""
        bounds = (np.array([bound]) for bound in (begin, end, -1))
        return self.graph.one("Slice", self, *bounds)


class OnnxOps:
    """The arithmetic that cells and routers are written in (``routers.Ops``), as nodes."""

    @staticmethod
    def linear(x: Value, weight: Array, bias: Array | None = None) -> Value:
        """``weight x + bias`` over the last axis; weight (out, in), bias (out,)."""
        product = x.graph.one("MatMul", x, weight.T)
        return product if bias is None or not bias.any() else product + bias

    @staticmethod
    def tanh(x: Value) -> Value:
        """Entry by entry."""
        return x.graph.one("Tanh", x)

    @staticmethod
    def sigmoid(x: Value) -> Value:
        """Entry by entry."""
        return x.graph.one("Sigmoid", x)

    @staticmethod
    def relu(x: Value) -> Value:
        """0 where x is below 0."""
        return x.graph.one("Relu", x)

    @staticmethod
    def log(x: Value) -> Value:
        """The natural logarithm, ``LOG_OF_NOTHING`` where x is not above 0."""
        graph = x.graph
        nothing = graph.one("CastLike", np.array(LOG_OF_NOTHING), x)
        there = graph.one("Greater", x, graph.one("CastLike", np.array(0.0), x))
        return where(there, graph.one("Log", x), nothing)

    @staticmethod
    def minimum(x: Value, y: Value) -> Value:
        """Entry by entry."""
        return x.graph.one("Min", x, y)

    @staticmethod
    def complement(x: Value) -> Value:
        """1 - x."""
        one = x.graph.one("CastLike", np.array(1.0), x)
        return x.graph.one("Sub", one, x)

    @staticmethod
    def largest(x: Value, count: int) -> Value:
        """1 at the ``count`` largest of the last axis, of equal ones the first; else 0."""
        graph, nothing = x.graph, x - x
        values, places = graph.add("TopK", x, np.array([count]), outputs=2, axis=-1)
        ones = OnnxOps.complement(values - values)
        return graph.one("ScatterElements", nothing, places, ones, axis=-1)

    @staticmethod
    def choose(sign: Value, x: Value, y: Value) -> Value:
        """``x`` where the sign is below 0, else ``y``."""
        graph = sign.graph
        return where(graph.one("Less", sign, graph.one("CastLike", np.array(0.0), sign)), x, y)

    @staticmethod
    def constant(numbers: Sequence[Any], like: Array) -> Array:
        """Numbers as an array of the other's dtype, as parameters are."""
        return np.array(numbers, like.dtype)

    @staticmethod
    def argmax(x: Value) -> Value:
        """The place of the largest of the last axis, of equal ones the first."""
        return x.graph.one("CastLike", x.graph.one("ArgMax", x, axis=-1, keepdims=1), x)

    @staticmethod
    def full(x: Value, value: float) -> Value:
        """The value in the place of every entry of x."""
        return (x - x) + x.graph.one("CastLike", np.array(float(value)), x)

    @staticmethod
    def columns(x: Value, begin: int, end: int) -> Value:
        """Those of the last axis from ``begin`` to before ``end``."""
        return x.columns(begin, end)

    @staticmethod
    def concatenate(parts: Sequence[Value]) -> Value:
        """The parts one after the other along the last axis."""
        return concatenate(parts, axis=-1)


def split(x: Value, parts: int) -> list[Value]:
    """Parts of equal width of the last axis."""
    if parts == 1:
        return [x]
    return x.graph.add("Split", x, outputs=parts, axis=-1, num_outputs=parts)


def concatenate(values: Sequence[Value], axis: int) -> Value:
    """The values one after the other along an axis."""
    if len(values) == 1:
        return values[0]
    return values[0].graph.one("Concat", *values, axis=axis)


def where(condition: Value, chosen: Value | Array, other: Value | Array) -> Value:
    """``chosen`` where the condition holds, else ``other``."""
    return condition.graph.one("Where", condition, chosen, other)


def sigmoid(logits: Value) -> Value:
    """Of each by itself."""
    return logits.graph.one("Sigmoid", logits)


def softmax(logits: Value) -> Value:
    """Over the last axis."""
    return logits.graph.one("Softmax", logits, axis=-1)
