"""One step of each cell, for a batch of rows: the equations of ``reference.py`` in torch.

A cell gets the input part of its gates (``W_ih x + b_ih``) ready made, because it does not depend
on the state; it sees ``seen`` of the hidden state and replaces the units in ``own``. Gate order
and biases are torch's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class State(NamedTuple):
    """What a layer carries from token to token.

    Attributes:
        h: hidden states, (rows, D).
        c: cell states, (rows, D); None but for the LSTM.
        memory: what the router remembers, (rows, R); None where that is nothing, and in what cells
            take and give.
    """

    h: Tensor
    c: Tensor | None = None
    memory: Tensor | None = None

    def map(self, change: Callable[[Tensor], Tensor]) -> State:
        """The state with each part changed."""
        return State(*(None if part is None else change(part) for part in self))  # type: ignore[arg-type]

    def merge(self, other: State, join: Callable[[Tensor, Tensor], Tensor]) -> State:
        """This state joined with another, part by part; what one of them lacks is left out."""
        pairs = zip(self, other, strict=True)
        return State(*(None if a is None or b is None else join(a, b) for a, b in pairs))  # type: ignore[arg-type]

    def of_cells(self) -> State:
        """What cells take and give: h and c."""
        return self._replace(memory=None)

    def rows(self, begin: int, end: int) -> State:
        """The rows from ``begin`` to before ``end``."""
        return self.map(lambda part: part[begin:end])

    def take(self, rows: Tensor) -> State:
        """The rows with these indices."""
        return self.map(lambda part: part[rows])

    def put(self, rows: Tensor, new: State) -> State:
        """The state with the rows of these indices replaced."""
        return self.merge(new, lambda part, some: part.index_copy(0, rows, some))

    def above(self, other: State) -> State:
        """These rows, then the other's."""
        return self.merge(other, lambda upper, lower: torch.cat([upper, lower]))

    def weighted(self, shares: Tensor) -> State:
        """Every row times its share; shares (rows, 1)."""
        return self.map(lambda part: shares * part)


class CellWeights(NamedTuple):
    """One cell, full or small: (G*size, E), (G*size, seen) and two biases (G*size,) or None."""

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None


Cell = Callable[[Tensor, Tensor, State, CellWeights], State]


def lstm_cell(x_part: Tensor, seen: Tensor, own: State, w: CellWeights) -> State:
    """One LSTM step; gates i, f, g, o."""
    assert own.c is not None
    i, f, g, o = (x_part + F.linear(seen, w.weight_hh, w.bias_hh)).chunk(4, dim=1)
    c = torch.sigmoid(f) * own.c + torch.sigmoid(i) * torch.tanh(g)
    return State(torch.sigmoid(o) * torch.tanh(c), c)


def gru_cell(x_part: Tensor, seen: Tensor, own: State, w: CellWeights) -> State:
    """One GRU step; gates r, z, n, with the recurrent bias of n inside the reset."""
    r_x, z_x, n_x = x_part.chunk(3, dim=1)
    r_h, z_h, n_h = F.linear(seen, w.weight_hh, w.bias_hh).chunk(3, dim=1)
    r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
    n = torch.tanh(n_x + r * n_h)
    return State((1 - z) * n + z * own.h)


def tanh_cell(x_part: Tensor, seen: Tensor, own: State, w: CellWeights) -> State:
    """One Elman step with tanh."""
    return State(torch.tanh(x_part + F.linear(seen, w.weight_hh, w.bias_hh)))


def relu_cell(x_part: Tensor, seen: Tensor, own: State, w: CellWeights) -> State:
    """One Elman step with relu."""
    return State(torch.relu(x_part + F.linear(seen, w.weight_hh, w.bias_hh)))


CELLS: dict[str, Cell] = {
    "lstm": lstm_cell,
    "gru": gru_cell,
    "rnn_tanh": tanh_cell,
    "rnn_relu": relu_cell,
}
