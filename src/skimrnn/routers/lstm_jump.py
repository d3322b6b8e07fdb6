"""LSTM-Jump: so many tokens are read, then the state says how far to jump, or to stop.

A text's cost is bounded whatever it says: after at most "jumps" jumps, each followed by "reads"
tokens, nothing more is read. Both can be changed once trained, at no parameter's expense
(``SkimConfig.with_router_options``), and they alone are its dial: p is 0 or 1, so every threshold
from 0 to below 1 decides alike; θ >= 1 reads all and θ < 0 nothing, as with every router. With
``levels=(D, 0)``, where a skip copies the state, it is the paper's.

The jump is drawn in training and learnt by REINFORCE (``Reads.reinforcement``): all choices of a
text have the same reward, 1 or -1 for its label, less a cost of its reads, which the paper has not.
In reading the likeliest is taken, of equal ones the shortest.

Where the paper leaves a choice: W sees what ``router_input`` says (there: h), each layer and
direction jumps for itself, the last jump is still followed by its tokens, and nothing is chosen
once none is left. Tokens are counted by their place: one that a budget, a threshold or given levels
do not read counts as read, and the other way round. Cross-entropy, REINFORCE's term and the
baseline's squared error are added, each with weight 1. The gradient of a choice's log-probability
goes on into the cells, that of the baseline does not. The baseline's parameters are kept with the
model, though reading has no use for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from skimrnn.routers.base import Array, Router, register

if TYPE_CHECKING:
    from skimrnn.config import SkimConfig

MOST = 2**24
"""Float32, in which it remembers, counts so far."""


@register
class LstmJumpRouter(Router):
    """Reads "reads" tokens (R), jumps at most "longest" (K), and again, at most "jumps" times (N).

    Once R tokens are read, from the state after them::

        j ~ softmax(W s + b)    0: nothing more is read; else the j-th next token is the next read

    W (K + 1, |s|), b (K + 1,); of the baseline u s + c, which guesses the reward, u (1, |s|) and
    c (1,).

    It remembers, from the next token on, how many are to be read and, before them, skipped until a
    jump is chosen, and the jumps left; all 0 once it stopped.

    Source: Yu, Lee and Le, "Learning to Skim Text", ACL 2017.
    """

    name = "lstm-jump"
    defaults: ClassVar[Mapping[str, int]] = {"reads": 7, "longest": 10, "jumps": 4}
    levels = 2
    training = "reinforced"

    @classmethod
    def problem_of(cls, options: Mapping[str, int]) -> str | None:
        """Something is read before a jump, and a jump gets somewhere."""
        enough = options["reads"] >= 1 and options["longest"] >= 1 and options["jumps"] >= 0
        if enough and max(options.values()) <= MOST:
            return None
        given = ", ".join(f"{name}={options[name]}" for name in cls.defaults)
        return (
            "the router 'lstm-jump' needs reads of at least 1 token, a longest jump of at least 1 "
            f"and at least 0 jumps, and none of them above {MOST:,}; got {given}"
        )

    @staticmethod
    def parameter_shapes(config: SkimConfig, inputs: int) -> dict[str, tuple[int, ...]]:
        """A row for each length of a jump, and the baseline's."""
        jumps, seen = config.router_options["longest"] + 1, config.router_state_size
        return {
            "router_weight": (jumps, seen),
            "router_bias": (jumps,),
            "router_baseline_weight": (1, seen),
            "router_baseline_bias": (1,),
        }

    @staticmethod
    def operations(config: SkimConfig, inputs: int) -> int:
        """(K + 1) |s| / R, rounded up: the most, since R tokens lie between two choices."""
        options = config.router_options
        return -(-(options["longest"] + 1) * config.router_state_size // options["reads"])

    @staticmethod
    def noise_size(config: SkimConfig) -> int:
        """K + 1."""
        return config.router_options["longest"] + 1

    def prepare(self, x: Array) -> Array:
        """The tokens, which ``route`` does not look at."""
        return x

    @staticmethod
    def memory(config: SkimConfig) -> tuple[float, ...]:
        """R tokens to read, none to skip, N jumps."""
        return float(config.router_options["reads"]), 0.0, float(config.router_options["jumps"])

    def route(self, prepared: Array, s: Array, memory: Array) -> tuple[Array, Array]:
        """What ``follow`` says of the likeliest jump."""
        return self.follow(memory, self.ops.argmax(self.choices(s)))

    def due(self, memory: Array) -> Array:
        """Below 0 where nothing is left to read or skip, and a jump is left."""
        ops = self.ops
        read, skip, jumps = (ops.columns(memory, i, i + 1) for i in range(3))
        one = ops.full(read, 1)
        return read + skip + ops.complement(ops.minimum(jumps, one)) + ops.full(read, -0.5)

    def choices(self, s: Array) -> Array:
        """A logit for each jump from 0 to K."""
        return self.ops.linear(s, self.weights["router_weight"], self.weights["router_bias"])

    def follow(self, memory: Array, choice: Array) -> tuple[Array, Array]:
        """The logarithms of 1 and 0, read first, and the memory after the token."""
        ops = self.ops
        one, less = ops.full(choice, 1), ops.full(choice, -1)
        goes_on = ops.minimum(choice, one)
        begun = [
            goes_on * ops.full(choice, self.options["reads"]),
            ops.relu(choice + less),
            goes_on * (ops.columns(memory, 2, 3) + less),
        ]
        memory = ops.choose(self.due(memory), ops.concatenate(begun), memory)
        read, skip, jumps = (ops.columns(memory, i, i + 1) for i in range(3))
        reads = ops.minimum(read, one) * ops.complement(ops.minimum(skip, one))
        p = ops.concatenate([ops.log(reads), ops.log(ops.complement(reads))])
        return p, ops.concatenate([read + less * reads, ops.relu(skip + less), jumps])

    def baseline(self, s: Array) -> Array:
        """By the state alone: ``u s + c``."""
        weights = self.weights
        return self.ops.linear(
            s, weights["router_baseline_weight"], weights["router_baseline_bias"]
        )
