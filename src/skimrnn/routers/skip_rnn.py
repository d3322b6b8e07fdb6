"""Skip RNN: the state says how soon it needs the next token.

Each token that is not read adds to what has been saved up, until it is enough to read; the token
itself is not looked at. With ``levels=(D, 0)``, where a skip copies the state, it is the paper's;
with the threshold θ in the place of one half it is ThrRNN, whose own threshold is 1 - θ.

Where the paper leaves a choice: W sees what ``router_input`` says, so [c ; h] of an LSTM or h (the
authors' code: c), each layer and direction decides for itself (there: the uppermost layer for all),
and what is paid for a read is the share of level 0 (penalty "cost", a mean over tokens; there: a
sum). What is saved up is taken to be 0 after a read before the gradient goes through, as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skimrnn.routers.base import Array, Router, register

if TYPE_CHECKING:
    from skimrnn.config import SkimConfig


@register
class SkipRnnRouter(Router):
    """Reads where u is at least one half.

    u is 1 at the first token, and at the next::

        Δ  = sigmoid(W s + b)
        u' = Δ                      after a token that was read
        u' = u + min(Δ, 1 - u)      after one that was not

    p is (u, 1 - u). W (1, |s|) and b (1,), which starts at 1.

    Source: Campos et al., ICLR 2018, equations 2 to 5; the threshold in the place of one half:
    Lambert et al., 2020.
    """

    name = "skip-rnn"
    levels = 2
    bias_start = 1.0
    training = "straight"

    @staticmethod
    def parameter_shapes(config: SkimConfig, inputs: int) -> dict[str, tuple[int, ...]]:
        """One row, of the state alone."""
        return {"router_weight": (1, config.router_state_size), "router_bias": (1,)}

    @staticmethod
    def operations(config: SkimConfig, inputs: int) -> int:
        """|s|."""
        return config.router_state_size

    def prepare(self, x: Array) -> Array:
        """The tokens, which ``route`` does not look at."""
        return x

    @staticmethod
    def memory(config: SkimConfig) -> tuple[float, ...]:
        """What has been saved up; all that a read needs, so that the first token is read."""
        return (1.0,)

    def route(self, prepared: Array, s: Array, memory: Array) -> tuple[Array, Array]:
        """The logarithms of u and 1 - u, and u."""
        ops, weights = self.ops, self.weights
        delta = ops.sigmoid(ops.linear(s, weights["router_weight"], weights["router_bias"]))
        u = memory + ops.minimum(delta, ops.complement(memory))
        return ops.concatenate([ops.log(u), ops.log(ops.complement(u))]), u

    def remember(self, kept: Array, skimmed: Array) -> Array:
        """u, or nothing once the token was read."""
        return skimmed * kept
