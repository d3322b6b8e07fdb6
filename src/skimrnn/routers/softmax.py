"""The paper's router: one linear map of the token and the state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from skimrnn.routers.base import Array, Ops, Router, register

if TYPE_CHECKING:
    from skimrnn.config import SkimConfig


@register
class SoftmaxRouter(Router):
    """``p = softmax(W [x ; s] + b)``; W (K, E + |s|), columns x, then c if it is seen, then h.

    Attributes:
        weight: W.
        bias: b.

    Source: Seo et al., ICLR 2018, equation 1.
    """

    name = "softmax"
    reading_bias = math.log(9)

    def __init__(
        self,
        weights: Mapping[str, Array],
        inputs: int,
        ops: Ops,
        options: Mapping[str, int] | None = None,
        sizes: Sequence[int] = (),
    ) -> None:
        super().__init__(weights, inputs, ops, options, sizes)
        self.weight, self.bias = weights["router_weight"], weights["router_bias"]
        self._weight_x, self._weight_s = self.weight[:, :inputs], self.weight[:, inputs:]

    @staticmethod
    def parameter_shapes(config: SkimConfig, inputs: int) -> dict[str, tuple[int, ...]]:
        """One row and one bias for each level."""
        levels = len(config.levels)
        return {
            "router_weight": (levels, inputs + config.router_state_size),
            "router_bias": (levels,),
        }

    @staticmethod
    def operations(config: SkimConfig, inputs: int) -> int:
        """K * (E + |s|)."""
        return len(config.levels) * (inputs + config.router_state_size)

    def prepare(self, x: Array) -> Array:
        """The token's part of the logits."""
        return self.ops.linear(x, self._weight_x, self.bias)

    def logits(self, prepared: Array, s: Array) -> Array:
        """The token's part and the state's."""
        return prepared + self.ops.linear(s, self._weight_s)
