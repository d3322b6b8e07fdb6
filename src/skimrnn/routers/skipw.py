"""SkipW (Skip-Window): at a window's first token the state says which of its tokens will be read.

At most so many tokens of a window are read, whatever they are: a ceiling that holds for every
window, and one to be lowered or raised once trained (``SkimConfig.with_router_options``). The
price: nothing in the window is seen when its tokens are chosen. With ``levels=(D, 0)``, where a
skip copies the state, it is the paper's; its threshold is ThrRNN's, 1 - θ here. Once nothing of a
window is read, the state is what it was, and nothing that follows is read.

Where a choice is open: W sees what ``router_input`` says, each layer and direction has windows of
its own, counted from where it begins, the ceiling holds in training too ("reads" as large as
"window" trains without), b starts at 1, and what is paid for a read is the share of level 0
(penalty "cost"). A score that is not kept has no gradient. Scores are ranked before the sigmoid,
which may make different ones the same; of the same the earlier token is kept. A text's last window
may be cut short, and scores beyond the end are lost. θ >= 1 reads all, as with every router.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from skimrnn.routers.base import Array, Router, register

if TYPE_CHECKING:
    from skimrnn.config import SkimConfig


@register
class SkipWRouter(Router):
    """Reads where the token's score is kept and at least one half.

    At the first of every "window" tokens, from the state before it::

        scores = sigmoid(W s + b)    the "reads" largest are kept, the others set to 0

    p is (score, 1 - score). W (window, |s|) and b (window,), which starts at 1.

    It remembers a ring of window + 1 numbers, which turns by one at each token: the scores that are
    left, -1 where the window ends, and what was used.

    Source: Mayet et al., ICLR 2021.
    """

    name = "skipw"
    defaults: ClassVar[Mapping[str, int]] = {"window": 10, "reads": 5}
    levels = 2
    bias_start = 1.0
    training = "straight"

    @classmethod
    def problem_of(cls, options: Mapping[str, int]) -> str | None:
        """A window has a token, and as many as are read of it."""
        window, reads = options["window"], options["reads"]
        if window >= 1 and 0 <= reads <= window:
            return None
        return (
            "the router 'skipw' needs a window of at least 1 token and reads from 0 to window of "
            f"them; got window={window}, reads={reads}"
        )

    @staticmethod
    def parameter_shapes(config: SkimConfig, inputs: int) -> dict[str, tuple[int, ...]]:
        """A row for each token of a window, of the state alone."""
        window = config.router_options["window"]
        return {
            "router_weight": (window, config.router_state_size),
            "router_bias": (window,),
        }

    @staticmethod
    def operations(config: SkimConfig, inputs: int) -> int:
        """|s|: all rows at one token of a window, which is a row a token."""
        return config.router_state_size

    def prepare(self, x: Array) -> Array:
        """The tokens, which ``route`` does not look at."""
        return x

    @staticmethod
    def memory(config: SkimConfig) -> tuple[float, ...]:
        """A ring that begins with the end of a window."""
        return (-1.0, *[0.0] * config.router_options["window"])

    def route(self, prepared: Array, s: Array, memory: Array) -> tuple[Array, Array]:
        """The logarithms of the token's score and of what it lacks of 1, and the ring turned."""
        ops, window = self.ops, self.options["window"]
        logits = ops.linear(s, self.weights["router_weight"], self.weights["router_bias"])
        scores = ops.sigmoid(logits) * ops.largest(logits, self.options["reads"])
        first = ops.columns(memory, 0, 1)  # below 0: a window begins
        ring = ops.choose(first, ops.concatenate([scores, first]), memory)
        score, rest = ops.columns(ring, 0, 1), ops.columns(ring, 1, window + 1)
        p = ops.concatenate([ops.log(score), ops.log(ops.complement(score))])
        return p, ops.concatenate([rest, score])
