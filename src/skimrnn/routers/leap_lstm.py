"""Leap-LSTM: whether a token is read is told by what follows it, too.

Before a text is read a small LSTM goes through it from the last token to the first, and
convolutions of 3, 4 and 5 tokens say what comes next. The price: the whole text must be there
before the first decision, so that nothing is read as it comes in, and of a token that is skipped
the look ahead is still paid. With ``levels=(D, 0)``, where a skip copies the state, it is the
paper's.

Where this differs: sizes are in proportion to D = 100 (there D = 300: 100 dense units, 60 filters
of each width; the reverse LSTM has 10 units as there), the convolutions begin with the next token,
as the paper says (the authors' code lays them around the token), W_s sees what ``router_input``
says (there: h), each layer and direction decides for itself, and what is not there after a text's
end counts as zeros. The temperature falls as our schedule says (there: 0.1 all along), and reading
decides by the threshold (there: by a sample, at test as well). Penalty "rate" is the paper's
squared distance to a skip rate that is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from skimrnn.routers.base import Array, Router, register

if TYPE_CHECKING:
    from skimrnn.config import SkimConfig

MOST = 1024
"""Of any of its sizes: far more than a look ahead is worth."""


@register
class LeapLstmRouter(Router):
    """A layer of "units" (U) that sees the token, the state and what follows.

    ::

        f_t    = [h'_{t+1} ; n_{t+1}]
        hidden = relu(W_x x_t + W_s s + W_f f_t + b)
        p      = softmax(V hidden + d)

    h'_{t+1} is the state of an LSTM of "ahead" units (A) that has read from the last token to
    t + 1, n_{t+1} the relu of convolutions over 5, 4 and 3 tokens from t + 1 on, "filters" (F) of
    each width. At the last token a vector e takes the place of W_f f_t.

    router_weight_x is W_x (U, E), router_weight_s W_s (U, |s|), router_weight_ahead W_f
    (U, A + 3 F), router_bias b (U,), router_end_bias e (U,), router_out_weight V (2, U),
    router_out_bias d (2,). The LSTM's, gates i, f, g, o, are router_reverse_weight_ih (4 A, E),
    router_reverse_weight_hh (4 A, A) and router_reverse_bias (4 A,). The convolutions' are
    router_filters_weight (12 F, E), place after place in the window from 0 to 4, and in each the
    filters that reach so far, the widest first, and router_filters_bias (3 F,).

    Of what follows it knows -1 at the end and 0 elsewhere, h', the LSTM's c, and the convolutions'
    sums so far: 12 F, in the order of their weights, those that begin now, a token ago, and so on.

    Source: Huang et al., "Leap-LSTM: Enhancing Long Short-Term Memory for Text Categorization",
    IJCAI 2019.
    """

    name = "leap-lstm"
    defaults: ClassVar[Mapping[str, int]] = {"units": 32, "ahead": 10, "filters": 20}
    levels = 2

    @classmethod
    def problem_of(cls, options: Mapping[str, int]) -> str | None:
        """There is one of each, and not too many."""
        if all(1 <= size <= MOST for size in options.values()):
            return None
        given = ", ".join(f"{name}={options[name]}" for name in cls.defaults)
        return f"the router 'leap-lstm' needs sizes from 1 to {MOST:,}; got {given}"

    @staticmethod
    def parameter_shapes(config: SkimConfig, inputs: int) -> dict[str, tuple[int, ...]]:
        """Those of the layer, of its two outputs, of the LSTM and of the convolutions."""
        units, ahead, filters = (config.router_options[name] for name in LeapLstmRouter.defaults)
        return {
            "router_weight_x": (units, inputs),
            "router_weight_s": (units, config.router_state_size),
            "router_weight_ahead": (units, ahead + 3 * filters),
            "router_bias": (units,),
            "router_end_bias": (units,),
            "router_out_weight": (2, units),
            "router_out_bias": (2,),
            "router_reverse_weight_ih": (4 * ahead, inputs),
            "router_reverse_weight_hh": (4 * ahead, ahead),
            "router_reverse_bias": (4 * ahead,),
            "router_filters_weight": (12 * filters, inputs),
            "router_filters_bias": (3 * filters,),
        }

    @staticmethod
    def operations(config: SkimConfig, inputs: int) -> int:
        """The look ahead and the decision: (U + 4 A + 12 F) E + 4 A A + U (A + 3 F + |s| + 2)."""
        units, ahead, filters = (config.router_options[name] for name in LeapLstmRouter.defaults)
        seen = ahead + 3 * filters + config.router_state_size
        of_token = units + 4 * ahead + 12 * filters
        return of_token * inputs + 4 * ahead * ahead + units * (seen + 2)

    def prepare(self, x: Array) -> Array:
        """The token's part of the layer, of the LSTM's gates and of the convolutions."""
        ops, weights = self.ops, self.weights
        return ops.concatenate(
            [
                ops.linear(x, weights["router_weight_x"], weights["router_bias"]),
                ops.linear(x, weights["router_reverse_weight_ih"], weights["router_reverse_bias"]),
                ops.linear(x, weights["router_filters_weight"]),
            ]
        )

    @staticmethod
    def following(config: SkimConfig) -> tuple[float, ...]:
        """Nothing, and that it is the end."""
        ahead, filters = config.router_options["ahead"], config.router_options["filters"]
        return (-1.0, *[0.0] * (2 * ahead + 12 * filters))

    def foresee(self, prepared: Array, following: Array) -> Array:
        """The LSTM goes one token on, and every sum to the place before."""
        ops, size, filters = self.ops, self.options["ahead"], self.options["filters"]
        of_gates, of_filters = self._parts(prepared)
        end, h, c, sums = self._known(following)
        gates = of_gates + ops.linear(h, self.weights["router_reverse_weight_hh"])
        i, f, g, o = (ops.columns(gates, k * size, (k + 1) * size) for k in range(4))
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        h = ops.sigmoid(o) * ops.tanh(c)
        none = ops.full(ops.columns(sums, 0, filters), 0)  # of filters that are not so wide
        moved = [
            ops.columns(sums, 3 * filters, 11 * filters),
            none,
            ops.columns(sums, 11 * filters, 12 * filters),
            none,
            none,
        ]
        sums = of_filters + ops.concatenate(moved)
        return ops.concatenate([ops.full(end, 0), h, c, sums])

    def join(self, prepared: Array, following: Array) -> Array:
        """The layer's sum without the state's part, (U,)."""
        ops, weights = self.ops, self.weights
        end, h, _, sums = self._known(following)
        whole = ops.columns(sums, 0, 3 * self.options["filters"])
        features = ops.relu(whole + weights["router_filters_bias"])
        part = ops.linear(ops.concatenate([h, features]), weights["router_weight_ahead"])
        part = ops.choose(end, weights["router_end_bias"], part)
        return ops.columns(prepared, 0, self.options["units"]) + part

    def logits(self, prepared: Array, s: Array) -> Array:
        """``V relu(prepared + W_s s) + d``."""
        ops, weights = self.ops, self.weights
        hidden = ops.relu(prepared + ops.linear(s, weights["router_weight_s"]))
        return ops.linear(hidden, weights["router_out_weight"], weights["router_out_bias"])

    def _parts(self, prepared: Array) -> list[Array]:
        """What a token says to the LSTM and to the convolutions."""
        units, ahead, filters = (self.options[name] for name in self.defaults)
        gates = units + 4 * ahead
        return [
            self.ops.columns(prepared, units, gates),
            self.ops.columns(prepared, gates, gates + 12 * filters),
        ]

    def _known(self, following: Array) -> list[Array]:
        """Whether it is the end, h', c and the sums."""
        ahead, filters = self.options["ahead"], self.options["filters"]
        edges = [0, 1, 1 + ahead, 1 + 2 * ahead, 1 + 2 * ahead + 12 * filters]
        return [self.ops.columns(following, *pair) for pair in pairwise(edges)]
