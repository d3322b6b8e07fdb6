"""VCRNN: a token is worth a share of the units, and the first so many are updated.

With ``shared=True``, where a small cell is the leading block of the full one, it is the paper's
VCRNN (cell "rnn_tanh") or VCGRU ("gru"), but that units are updated in the steps of ``levels``
(there: one by one): the smallest level that covers the share is taken. No share is below 0, so a
last level of 0 is taken at thresholds below one half alone.

Where this differs besides: in training the candidates of all levels are mixed, each of which saw
its own units (there: one candidate, which saw all units through the mask). The token is seen whole
(there: its first numbers alone). λ is one number and is divided by the temperature, which falls in
training (there: λ rises). What is paid for is operations (penalty "cost"; there: m). An LSTM's c is
treated as h.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from skimrnn.routers.base import LOG_OF_NOTHING, Array, Ops, Router, register

if TYPE_CHECKING:
    from skimrnn.config import SkimConfig


@register
class VcrnnRouter(Router):
    """Updates the fewest units that are a share m of all.

    From the token and the state before it::

        m = sigmoid(u x + v s + b)
        p(level k or a larger one) = sigmoid(λ (m - S_{k+1} / D))

    The second is how far units S_{k+1} to S_k are updated in training; λ is "sharpness", D times
    the paper's, which counts units. The threshold θ takes the smallest S_k above
    D (m + log(θ / (1 - θ)) / λ), or D: one half takes the share as it is, a higher θ adds as many
    units to every token, a lower one takes away.

    router_weight (u, v) is (1, E + |s|), router_bias b (1,).

    Source: Jernite et al., "Variable Computation in Recurrent Neural Networks", ICLR 2017.
    """

    name = "vcrnn"
    defaults: ClassVar[Mapping[str, int]] = {"sharpness": 20}
    reading_bias = math.log(9)
    training = "soft"

    def __init__(
        self,
        weights: Mapping[str, Array],
        inputs: int,
        ops: Ops,
        options: Mapping[str, int] | None = None,
        sizes: Sequence[int] = (),
    ) -> None:
        super().__init__(weights, inputs, ops, options, sizes)
        weight, sharpness = weights["router_weight"], self.options["sharpness"]
        self._weight_x, self._weight_s = weight[:, :inputs], weight[:, inputs:]
        # No level is larger than the first, and all are as large as the last.
        edges = [-sharpness * size / sizes[0] for size in sizes[1:]]
        self._edges = ops.constant([LOG_OF_NOTHING, *edges, -LOG_OF_NOTHING], weight)
        self._slopes = ops.constant([[sharpness]] * (len(sizes) + 1), weight)

    @classmethod
    def problem_of(cls, options: Mapping[str, int]) -> str | None:
        """λ is above 0; a far larger one would have no gradient."""
        sharpness = options["sharpness"]
        if 1 <= sharpness <= -LOG_OF_NOTHING / 2:
            return None
        return (
            f"the router 'vcrnn' needs a sharpness from 1 to {-LOG_OF_NOTHING / 2:g}; "
            f"got sharpness={sharpness}"
        )

    @staticmethod
    def parameter_shapes(config: SkimConfig, inputs: int) -> dict[str, tuple[int, ...]]:
        """One row, whatever the levels."""
        return {"router_weight": (1, inputs + config.router_state_size), "router_bias": (1,)}

    @staticmethod
    def operations(config: SkimConfig, inputs: int) -> int:
        """E + |s|."""
        return inputs + config.router_state_size

    def prepare(self, x: Array) -> Array:
        """The token's part of the scheduler's sum."""
        return self.ops.linear(x, self._weight_x, self.weights["router_bias"])

    def logits(self, prepared: Array, s: Array) -> Array:
        """The logarithms of p."""
        ops, levels = self.ops, len(self.sizes)
        share = ops.sigmoid(prepared + ops.linear(s, self._weight_s))
        reached = ops.sigmoid(ops.linear(share, self._slopes, self._edges))
        return ops.log(ops.columns(reached, 1, levels + 1) - ops.columns(reached, 0, levels))
