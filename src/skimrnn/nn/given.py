"""Levels that a caller gives instead of leaving them to the router: checked, and as noise."""

from __future__ import annotations

import torch
from torch import Tensor

from skimrnn.config import SkimConfig
from skimrnn.nn.sequences import Ragged, is_whole


def levels_of_tokens(
    levels: Tensor, layout: Ragged, config: SkimConfig, *, skimming: bool
) -> Tensor:
    """Given levels of the N real tokens of a batch, int64 (layers, directions, N).

    Args:
        levels: (B, T) or (layers, directions, B, T), in the caller's order; T may be larger than
            the longest text needs.
        layout: where the tokens lie.
        config: the layer's options.
        skimming: whether it skims; if not, the full cell runs alone, which is level 0.

    Raises:
        ValueError: if a shape, the dtype or a real token's level does not fit.
    """
    texts, states = layout.batch, (config.num_layers, config.directions)
    *before, tokens = levels.shape or (0,)
    if tuple(before) not in ((texts,), (*states, texts)) or tokens < layout.steps:
        raise ValueError(
            "levels must be (texts, tokens of the longest) or (layers, directions, texts, tokens) "
            f"= {(texts, layout.steps)} or {(*states, texts, layout.steps)}; "
            f"got {tuple(levels.shape)}"
        )
    if not is_whole(levels):
        raise ValueError(f"levels must be whole numbers, such as int64; got {levels.dtype}")
    device = layout.texts_of.device
    given = levels.to(device, torch.int64)[..., layout.texts_of, layout.steps_of]
    last = len(config.levels) - 1 if skimming else 0
    wrong = given[(given < 0) | (given > last)]
    if len(wrong):
        expected = f"from 0, which reads, to {last}" if last else "0 where the full cell runs alone"
        raise ValueError(
            f"levels must be {expected} (levels={config.levels}, skimming={skimming}); "
            f"got {int(wrong[0])}"
        )
    return given.expand(*states, -1)


def noise_of_levels(levels: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """Noise (N, K) that gives all of a token's share to the level given for it, (N,).

    0 there and elsewhere a number so far below that the softmax is one-hot to the bit, and its
    gradient exactly 0; finite, because infinity less infinity is no number.
    """
    lowest = max(-1e30, torch.finfo(dtype).min)
    noise = torch.full((len(levels), count), lowest, dtype=dtype, device=levels.device)
    return noise.scatter_(1, levels[:, None], 0)
