"""What the skimming layers of a model did, collected around a forward pass."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from torch import Tensor, distributed, nn

from skimrnn import cost
from skimrnn.config import SkimConfig
from skimrnn.nn.router import Choices
from skimrnn.nn.sequences import Ragged
from skimrnn.routers import find_router

PENALTIES = ("skim", "cost", "rate")

_active: ContextVar[tuple[Reads, ...]] = ContextVar("skimrnn_records", default=())


@dataclass(frozen=True)
class LayerReads:
    """What one layer and direction did in one call of one module.

    Attributes:
        module: the skimming module that was called.
        layer: which of its layers.
        direction: 0 forward, 1 backward.
        skimming: False if the module ran its full cell alone.
        log_p: log-probabilities of the N real tokens, (N, K), with their gradient.
        levels: level of each of the N tokens (in training the one with the largest share), (N,).
        layout: where the tokens lie in the batch.
        choices: what the router drew, if it is reinforced and trained.
    """

    module: nn.Module
    layer: int
    direction: int
    skimming: bool
    log_p: Tensor
    levels: Tensor
    layout: Ragged
    choices: Choices | None = None

    @property
    def config(self) -> SkimConfig:
        """The module's options."""
        config = self.module.config
        assert isinstance(config, SkimConfig)
        return config

    @property
    def p(self) -> Tensor:
        """Probabilities (B, T, K), in the order of the caller's texts; 0 past a text's end."""
        return self.layout.pad(self.log_p.exp(), 0)

    @property
    def level(self) -> Tensor:
        """Levels (B, T), likewise; -1 past a text's end."""
        return self.layout.pad(self.levels, -1)

    @property
    def lengths(self) -> Tensor:
        """Tokens of each text, (B,)."""
        return self.layout.lengths


@dataclass
class Reads:
    """All that was recorded, in the order of the calls.

    Attributes:
        entries: one per call, layer and direction.
    """

    entries: list[LayerReads] = field(default_factory=list)

    def penalty(
        self, kind: str = "skim", *, rate: float | None = None, weight: float | None = None
    ) -> Tensor:
        """The term to add to the loss, times its weight γ.

        Each is a mean over the real tokens of a text, then over layers and directions, then over
        texts; layers that ran without skimming count 0.

        Args:
            kind: "skim", minus the log-probability of skimming (the paper's); "cost", the
                expected share of a read's operations; "rate", the squared distance of the mean
                probability of skimming from ``rate``, over all processes.
            rate: the wanted skim rate, in [0, 1]; for "rate" only.
            weight: for one of several processes: what its mean over texts counts, such that the
                mean of all processes' is the joined batch's. It may have recorded nothing.

        Returns:
            A scalar with its gradient.

        Raises:
            ValueError: if nothing was recorded, the options do not fit, or the penalty would have
                no gradient though a router is being trained.
        """
        if kind not in PENALTIES:
            raise ValueError(f"penalty must be one of {', '.join(PENALTIES)}; got {kind!r}")
        if (kind == "rate") != (rate is not None) or not 0 <= (rate or 0) <= 1:
            raise ValueError(
                'rate must be from 0 to 1 with penalty "rate", and left out otherwise; '
                f"got penalty {kind!r}, rate={rate!r}"
            )
        if not self.entries and weight is None:
            raise ValueError(
                "no skimming layer was called inside record(): run the forward pass in the block"
            )
        if torch.is_grad_enabled() and any(map(_lost_its_gradient, self.entries)):
            raise ValueError(
                "the penalty would have no gradient: the forward pass of a layer in training ran "
                "without one, under torch.no_grad() or a checkpoint with use_reentrant=True; let "
                "it have one, with use_reentrant=False"
            )
        values = [_token_values(entry, kind) for entry in self.entries]
        means = [
            entry.layout.text_means(value).sum() / max(entry.layout.batch, 1)
            for entry, value in zip(self.entries, values, strict=True)
        ]
        mean = torch.stack(means).mean() if means else torch.zeros(())
        if weight is not None:
            mean = mean * weight
        if kind != "rate":
            return mean
        if weight is None and not any(entry.skimming for entry in self.entries):
            return mean * 0
        assert rate is not None
        return (_over_processes(mean) - rate) ** 2

    def text_costs(self) -> Tensor:
        """What penalty "cost" averages, for each text by itself, (B,), in the caller's order."""
        costs = [entry.layout.text_means(_token_values(entry, "cost")) for entry in self.entries]
        return torch.stack(costs).mean(dim=0)

    def reinforcement(self, reward: Tensor) -> Tensor:
        """What to add to each text's loss, (B,), so that drawn choices are learnt by REINFORCE.

        With the reward r of a text, and p and b of each of its choices, in all layers and
        directions: the sum of ``-(r - b) log p``, whose gradient does not go to b, and of
        ``(r - b)²``, from which the baseline b learns.

        Args:
            reward: of each text, (B,), in the caller's order; the larger, the better.

        Raises:
            ValueError: if there are not so many texts.

        Source: Williams, 1992; with this baseline, Yu, Lee and Le, ACL 2017.
        """
        total, reward = torch.zeros_like(reward), reward.detach()
        for entry in self.entries:
            if entry.choices is None:
                continue
            if reward.shape != (entry.layout.batch,):
                raise ValueError(
                    f"a reward must be one number for each of {entry.layout.batch} texts; got "
                    f"{tuple(reward.shape)}"
                )
            made, log_p, baseline = entry.choices
            advantage = reward[entry.layout.texts_of] - baseline
            each = advantage**2 - advantage.detach() * log_p
            total = total.index_add(0, entry.layout.texts_of, torch.where(made, each, 0).to(total))
        return total

    def skim_rate(self) -> float | None:
        """Share of (token, layer, direction) with a level above 0; None without a token."""
        skimmed = sum(int((entry.levels > 0).sum()) for entry in self.entries)
        total = sum(entry.levels.numel() for entry in self.entries)
        return skimmed / total if total else None

    def cost(self) -> cost.Cost:
        """The operations it took, against reading every token, one count per text and call.

        Layers that ran without skimming count as reading everything, without a router.
        """
        calls: list[list[cost.Cost]] = []
        for entry in self.entries:
            if entry.layer == entry.direction == 0:
                calls.append([])
            calls[-1].append(_entry_cost(entry))
        counts = [dataclasses.astuple(cost.summed(call)) for call in calls]
        columns = zip(*counts, strict=True) if counts else [(), (), (), ()]
        return cost.Cost(*(tuple(itertools.chain(*column)) for column in columns))


@contextlib.contextmanager
def record() -> Iterator[Reads]:
    """Collect what every skimming layer called in the block does, however deep it sits.

    Blocks may be nested (each collects) and every thread has its own. A layer called twice, or
    shared by two places, is collected twice.

    Returns:
        The ``Reads``, filled while the block runs.
    """
    reads = Reads()
    token = _active.set((*_active.get(), reads))
    try:
        yield reads
    finally:
        _active.reset(token)


def recording() -> bool:
    """Whether a ``record()`` block is open in this thread."""
    return bool(_active.get())


def report(entry: LayerReads) -> None:
    """Add an entry to every open ``record()`` block."""
    for reads in _active.get():
        reads.entries.append(entry)


def _lost_its_gradient(entry: LayerReads) -> bool:
    """Whether a router that is being trained was run without a gradient."""
    if not entry.skimming or not entry.module.training or entry.log_p.requires_grad:
        return False
    if torch._C._are_functorch_transforms_active():  # whose tensors do not say what they require
        return False
    if find_router(entry.config.router).training == "reinforced":  # which learns without
        return False
    routers = (one for name, one in entry.module.named_parameters() if "router_" in name)
    return any(one.requires_grad for one in routers)


def _token_values(entry: LayerReads, kind: str) -> Tensor:
    """The penalty of each of the N tokens, (N,)."""
    log_p = entry.log_p
    if not entry.skimming:
        return log_p[:, 0] * 0
    if kind == "skim":
        if find_router(entry.config.router).training != "sampled":  # whose p may be 0
            raise ValueError(
                f'penalty "skim" is for routers that are sampled, and {entry.config.router!r} is '
                'not; use "cost" or "rate"'
            )
        return -torch.logsumexp(log_p[:, 1:], dim=1)
    if kind == "rate":
        return log_p[:, 1:].exp().sum(dim=1)
    operations = cost.level_operations(entry.config, entry.layer)
    share = torch.tensor(operations, dtype=log_p.dtype, device=log_p.device) / operations[0]
    return log_p.exp() @ share


def _over_processes(mean: Tensor) -> Tensor:
    """The mean over all processes, whose gradient is that of this process's own mean.

    DDP averages the gradients of the processes, which gives the gradient of the joint mean.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return mean
    total = mean.detach().clone()
    distributed.all_reduce(total)
    return mean + (total / distributed.get_world_size() - mean.detach())


def _entry_cost(entry: LayerReads) -> cost.Cost:
    level = entry.level.cpu().numpy()
    texts = [row[:n] for row, n in zip(level, entry.lengths.tolist(), strict=True)]
    counted = cost.count_layer(entry.config, entry.layer, texts)
    if entry.skimming:
        return counted
    full, recurrent = counted.read_all, counted.recurrent_read_all
    return cost.Cost(full, full, recurrent, recurrent)  # no router ran
