"""The training loop: steps, evaluations, the best weights, checkpoints.

What is learned is an ``Objective``'s affair. Everything random is keyed by seed and step, so that
a resumed run is the run that was cut off.
"""

from __future__ import annotations

import contextlib
import copy
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from skimrnn.files import write_atomically
from skimrnn.nn.skim import SkimLayer
from skimrnn.train.checkpoint import load_checkpoint, save_checkpoint
from skimrnn.train.clipping import clip_gradient
from skimrnn.train.memory import kept_memory
from skimrnn.train.options import TrainingOptions
from skimrnn.train.plain_start import load_plain_start
from skimrnn.train.processes import Processes
from skimrnn.train.schedule import learning_rate, skim_weight, temperature

CHECKPOINT_SECONDS = 60.0

Event = dict[str, Any]
M = TypeVar("M", bound=nn.Module)
M_contra = TypeVar("M_contra", bound=nn.Module, contravariant=True)


class Objective(Protocol[M_contra]):
    """What a run learns, with a model of its own kind."""

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps in one pass over the training data."""
        ...

    @property
    def uses_all(self) -> bool:
        """Whether every step's loss depends on every parameter."""
        ...

    def losses(
        self, model: nn.Module, step: int, skim_weight: float
    ) -> Iterator[tuple[Tensor, Event]]:
        """The parts of one step's loss, each with numbers to show; keyed by ``step``.

        The gradient of a part is taken before the next one is asked for, which may look at it.
        The model is as ``Processes.joined`` gives it.
        """
        ...

    def evaluate(self, model: M_contra) -> Event:
        """Numbers on the validation data; "score" is the one that should rise."""
        ...


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        best: the best evaluation's numbers, with "step" and "epoch".
        history: every evaluation's numbers.
        steps: optimiser steps made.
        stopped_early: whether patience ran out.
        seconds: time spent, all parts of a resumed run together.
    """

    best: Event
    history: list[Event]
    steps: int
    stopped_early: bool
    seconds: float


class Trainer(Generic[M]):
    """Trains a model, resuming from the folder's checkpoint if there is one.

    Args:
        model: what is trained; ends with the best evaluation's weights.
        objective: what it learns.
        options: the settings.
        folder: where checkpoint and log go.
        key: what the run is, beyond its options; a checkpoint is resumed by the same key only.
        show: called with each step's and each evaluation's numbers.
        processes: those that train together; the first evaluates, writes and shows.
        keep: a step, and a file: the checkpoint of that step is also written there.
        start: such a file of a run whose steps until then would be the same, to begin with.
    """

    def __init__(
        self,
        model: M,
        objective: Objective[M],
        options: TrainingOptions,
        folder: Path,
        key: dict[str, Any],
        show: Callable[[Event], None] = lambda event: None,
        processes: Processes | None = None,
        keep: tuple[int, Path] | None = None,
        start: Path | None = None,
    ) -> None:
        self.model, self.objective, self.options = model, objective, options
        self.processes = processes or Processes()
        self.show = show if self.processes.first else lambda event: None
        self.joined = self.processes.joined(model, uses_all=objective.uses_all)
        self.checkpoint, self.log = folder / "checkpoint.pt", folder / "log.jsonl"
        self.keep, self.start = keep, start
        self.key = {**key, **options.to_dict()}
        self.optimiser = torch.optim.AdamW(
            _groups(model, options), lr=options.learning_rate, fused=True
        )
        self.averaged = copy.deepcopy(model) if options.averaging else None
        self.layers = [
            layer
            for whole in (model, self.averaged)
            if whole is not None
            for layer in whole.modules()
            if isinstance(layer, SkimLayer)
        ]
        self.step = 0
        self.without_gain = 0
        self.seconds = 0.0
        self.history: list[Event] = []
        self.best: Event | None = None
        self.best_weights: dict[str, Tensor] = {}

    def run(self) -> Outcome:
        """Train to the end and leave the best weights in the model."""
        options, per_epoch = self.options, self.objective.steps_per_epoch
        total = options.epochs * per_epoch
        evaluated = evaluation_steps(per_epoch, options.evaluations_per_epoch)
        if any(layer.config.skims for layer in self.layers) and total <= options.warm_start_steps:
            raise ValueError(
                f"the run ends after {total} steps and would never skim with warm_start_steps="
                f"{options.warm_start_steps}; lower that, or raise epochs (now {options.epochs})"
            )
        self._resume()
        began = saved = time.monotonic()
        spent = self.seconds
        with flushed_denormals(), kept_memory():
            while self.step < total and self.without_gain < options.patience:
                self._one_step(total)
                self.seconds = spent + time.monotonic() - began
                kept = self.keep is not None and self.step == self.keep[0]
                if (self.step - 1) % per_epoch + 1 in evaluated:
                    self._evaluate(per_epoch)
                elif time.monotonic() - saved < CHECKPOINT_SECONDS and not kept:
                    continue
                self._save()
                saved = time.monotonic()
        assert self.best is not None
        self.model.load_state_dict(self.best_weights)
        early = self.without_gain >= options.patience and self.step < total
        return Outcome(self.best, self.history, self.step, early, self.seconds)

    def _one_step(self, total: int) -> None:
        options = self.options
        skimming = self.step - options.warm_start_steps
        for layer in self.layers:
            layer.skimming = skimming >= 0
            if skimming == 0 and options.skim_start == "reading":
                layer.begin_by_reading()
            layer.temperature = temperature(
                max(skimming, 0), options.temperature_rate, options.temperature_floor
            )
        weight = skim_weight(max(skimming, 0), options.skim_weight, options.skim_ramp_steps)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.step, total, options.learning_rate, options.schedule)
        torch.manual_seed(step_seed(options.seed, self.step, self.processes.rank))
        self.joined.train()
        self.optimiser.zero_grad()
        shown: Event = {}
        for loss, numbers in self.objective.losses(self.joined, self.step, weight):
            # On top of a base, texts without a word leave nothing to learn. Processes that are
            # several must all go on, or none: there that is an error.
            if loss.requires_grad or self.processes.count > 1:
                loss.backward()  # type: ignore[no-untyped-call]
            shown |= numbers
        norm = clip_gradient(self.model.parameters(), options.gradient_clip)
        if not torch.isfinite(norm):
            raise FloatingPointError(
                f"the gradient of step {self.step} is not finite; lower learning_rate "
                f"(now {options.learning_rate}) and train again"
            )
        self.optimiser.step()
        self.step += 1
        self._average()
        self.show({"event": "step", "step": self.step, "of": total, **shown})

    @torch.no_grad()
    def _average(self) -> None:
        if self.averaged is None:
            return
        # At first the average follows closely, so that the initial weights are soon forgotten.
        keep = min(self.options.averaging, (1 + self.step) / (10 + self.step))
        both = zip(self.averaged.parameters(), self.model.parameters(), strict=True)
        means, ours = zip(*(pair for pair in both if pair[1].requires_grad), strict=True)
        torch._foreach_lerp_(means, ours, 1 - keep)

    def _evaluate(self, per_epoch: int) -> None:
        model = self.model if self.averaged is None else self.averaged
        model.eval()
        numbers: Event = {}
        if self.processes.first:
            with torch.no_grad():
                numbers = self.objective.evaluate(model)
        numbers = self.processes.agree(numbers)
        event = {
            "event": "evaluation",
            "step": self.step,
            "epoch": self.step / per_epoch,
            **numbers,
        }
        self.history.append(event)
        warm = self.options.warm_start_steps if any(x.config.skims for x in self.layers) else 0
        # Weights of the plain phase are not what will skim, however good they read.
        plain = self.best is None or self.best["step"] <= warm < self.step
        better = plain or numbers["score"] > self.best["score"]  # type: ignore[index]
        if better:
            self.best, self.without_gain = event, 0
            self.best_weights = {name: t.clone() for name, t in model.state_dict().items()}
        elif self.step > warm:
            self.without_gain += 1
        self.show({**event, "best": better})

    # ---- checkpoint and log ------------------------------------------------------------------

    def _save(self) -> None:
        if not self.processes.first:
            return
        state = {
            "step": self.step,
            "without_gain": self.without_gain,
            "seconds": self.seconds,
            "history": self.history,
            "best": self.best,
            "best_weights": self.best_weights,
            "model": self.model.state_dict(),
            "averaged": None if self.averaged is None else self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        if self.keep is not None and self.step == self.keep[0]:
            save_checkpoint(self.keep[1], self.key, state)
        save_checkpoint(self.checkpoint, self.key, state)
        write_atomically(self.log, as_lines(self.history))

    def _resume(self) -> None:
        state = None
        if self.processes.first:
            state = load_checkpoint(self.checkpoint, self.key)
            if state is None and self.start is not None:
                state = load_plain_start(self.start, self.key, self.model, self.optimiser)
        state = self.processes.agree(state)
        if state is None:
            return
        self.step, self.without_gain = state["step"], state["without_gain"]
        self.seconds, self.history, self.best = state["seconds"], state["history"], state["best"]
        self.best_weights = state["best_weights"]
        self.model.load_state_dict(state["model"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])


def as_lines(history: list[Event]) -> bytes:
    """Evaluations as they stand in log.jsonl."""
    return "".join(json.dumps(event) + "\n" for event in history).encode()


def _groups(model: nn.Module, options: TrainingOptions) -> list[dict[str, Any]]:
    """The parameters with and without weight decay; embeddings and biases have none."""
    embeddings = {
        id(p) for m in model.modules() if isinstance(m, nn.Embedding) for p in m.parameters()
    }
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for parameter in model.parameters():
        if parameter.requires_grad:
            decays = parameter.ndim > 1 and id(parameter) not in embeddings
            (decayed if decays else free).append(parameter)
    return [
        {"params": decayed, "weight_decay": options.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]


def evaluation_steps(steps: int, times: int) -> set[int]:
    """The steps of an epoch, counted from 1, that an evaluation follows.

    As evenly spread as whole steps allow, the last at the epoch's end.

    Args:
        steps: steps in the epoch.
        times: evaluations wanted; an epoch of fewer steps has one after each.
    """
    return {round(number * steps / times) for number in range(1, times + 1)} - {0}


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    """The seed of one step's dropout, so that a resumed run draws what the first would have."""
    key = [seed, step] if rank == 0 else [seed, step, rank]
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


@contextlib.contextmanager
def flushed_denormals() -> Iterator[None]:
    """Treat denormal numbers as zero in the block, then as before.

    A recurrent backward pass is full of them, and they slow it down more than tenfold.
    """
    before = bool(torch.tensor(1e-40) * torch.tensor(1.0) == 0)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
