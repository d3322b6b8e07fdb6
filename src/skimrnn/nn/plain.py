"""``torch.nn.LSTM`` reading one text: what ``skimrnn bench`` sets beside the other engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Array = NDArray[Any]


def reader(
    parameters: Mapping[str, Array], embedding: Array
) -> Callable[[NDArray[np.int32]], Array]:
    """From rows (T,) of the embedding (V, E) to an LSTM's last hidden state (D,).

    Args:
        parameters: of one layer, forward, by torch's names.
        embedding: word vectors.
    """
    gates, hidden = parameters["weight_hh_l0"].shape
    assert gates == 4 * hidden
    words, size = embedding.shape
    vectors = nn.Embedding(words, size, _weight=torch.from_numpy(embedding))
    lstm = nn.LSTM(size, hidden)
    lstm.load_state_dict({name: torch.from_numpy(p) for name, p in parameters.items()})
    lstm.eval()

    def read(rows: NDArray[np.int32]) -> Array:
        with torch.inference_mode():
            _, (h, _) = lstm(vectors(torch.from_numpy(rows)))
        state: Array = h[0].numpy()
        return state

    return read
