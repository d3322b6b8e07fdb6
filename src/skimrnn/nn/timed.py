"""What ``skimrnn bench`` times of torch: its LSTM reading a text, and steps of training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from skimrnn.nn.skim import SkimGRU, SkimLSTM

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


PLAIN = "plain"
"""The path of torch's own layer."""

_CLASSES = {"lstm": (nn.LSTM, SkimLSTM), "gru": (nn.GRU, SkimGRU)}


def training_step(
    cell: str,
    path: str,
    lengths: Sequence[Sequence[int]],
    hidden_size: int,
    skim_size: int,
    device: str = "cpu",
) -> Callable[[], None]:
    """A layer's forward and backward pass over some batches of random vectors (E = D).

    Batches of equal lengths are given as tensors, others packed, sorted by length.

    Args:
        cell: "lstm" or "gru".
        path: ``PLAIN``, or a path of the skimming layer.
        lengths: of each batch's texts.
        hidden_size: D.
        skim_size: S.
        device: where.

    Returns:
        What does one pass over all the batches, and waits for the device.
    """
    torch.manual_seed(0)
    plain, skimming = _CLASSES[cell]
    layer: nn.Module
    if path == PLAIN:
        layer = plain(hidden_size, hidden_size)
    else:
        layer = skimming(hidden_size, hidden_size, skim_size=skim_size, path=path)
    layer = layer.to(device).train()
    batches = []
    for batch in lengths:
        x = torch.randn(max(batch), len(batch), hidden_size, device=device)
        equal = min(batch) == max(batch)
        weights = torch.randn(sum(batch), hidden_size, device=device)
        batches.append((x.requires_grad_(), None if equal else torch.tensor(batch), weights))

    def step() -> None:
        for x, own, weights in batches:
            x.grad = None
            layer.zero_grad()
            given = x if own is None else pack_padded_sequence(x, own, enforce_sorted=False)
            output, _ = layer(given)
            flat = output.flatten(0, 1) if own is None else output.data
            (flat * weights).sum().backward()
        if device != "cpu":
            torch.cuda.synchronize()

    return step


def set_up(threads: int) -> None:
    """So many threads, and denormal numbers flushed, as training does; in the whole process."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)


def cuda_name() -> str | None:
    """The GPU's name, None without one."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None
