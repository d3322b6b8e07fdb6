"""The layers of the controls: gates that see words and no state, so that a step is cheap.

Each stands where ``skimrnn.nn.TextClassifier`` has a skimming layer, and trains as one that never
skims. A head reads the final h alone, so nothing that only an earlier h would need is computed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from benchmarks.classification.controls.recurrence import before, last, scan


class GatedLayer(nn.Module, ABC):
    """What the controls have in common.

    Args:
        input_size: E.
        hidden_size: D.

    Attributes:
        linear: all gates' weights, drawn as torch draws a linear layer's.
    """

    window: int
    gates: int
    config = SimpleNamespace(skims=False, directions=1)
    skimming = False

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.linear = nn.Linear(self.window * input_size, self.gates * hidden_size)

    def forward(
        self, packed: PackedSequence, noise: None = None, levels: None = None
    ) -> tuple[None, Tensor]:
        """No outputs, and the final h (1, B, D) of packed texts.

        ``noise`` and ``levels`` are there because skimming layers take them.
        """
        final = self.final(packed.data, packed.batch_sizes.tolist())
        if packed.unsorted_indices is not None:
            final = final.index_select(0, packed.unsorted_indices)
        return None, final[None]

    @abstractmethod
    def final(self, x: Tensor, sizes: list[int]) -> Tensor:
        """The final h (B, D) of packed vectors x (N, E), the longest text first."""


class QRNN(GatedLayer):
    """Window 2, fo-pooling, one layer, without zoneout.

    ::

        z, f, o = tanh, sigmoid, sigmoid of W [x_t ; x_{t-1}] + b
        c_t = f c_{t-1} + (1 - f) z
        h_t = o c_t

    Source: Bradbury et al., "Quasi-Recurrent Neural Networks", ICLR 2017, equations 2 to 4.
    """

    window, gates = 2, 3

    def final(self, x: Tensor, sizes: list[int]) -> Tensor:
        """The final h (B, D) of packed vectors x (N, E), the longest text first."""
        start = x.new_zeros(sizes[0], self.input_size)
        pairs = torch.cat([x, torch.cat([start, x.index_select(0, before(sizes))])], dim=1)
        pooled = 2 * self.hidden_size
        weight, bias = self.linear.weight, self.linear.bias
        z, f = F.linear(pairs, weight[:pooled], bias[:pooled]).chunk(2, dim=1)
        z, f = z.tanh(), f.sigmoid()
        rows = last(sizes)
        c = scan(f, z - f * z, sizes).index_select(0, rows)
        o = F.linear(pairs.index_select(0, rows), weight[pooled:], bias[pooled:]).sigmoid()
        return o * c


class MinGRU(GatedLayer):
    """The plain form: its candidate is linear, without the log-space form's activation.

    ::

        z, v = sigmoid(W_z x_t + b_z), W_v x_t + b_v
        h_t = (1 - z) h_{t-1} + z v

    Source: Feng et al., "Were RNNs All We Needed?", 2024, section 3.1.
    """

    window, gates = 1, 2

    def final(self, x: Tensor, sizes: list[int]) -> Tensor:
        """The final h (B, D) of packed vectors x (N, E), the longest text first."""
        z, v = self.linear(x).chunk(2, dim=1)
        z = z.sigmoid()
        return scan(1 - z, z * v, sizes).index_select(0, last(sizes))


CELLS: dict[str, type[GatedLayer]] = {"qrnn": QRNN, "mingru": MinGRU}
