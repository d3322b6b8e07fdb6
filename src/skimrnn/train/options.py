"""Every setting of a training run, checked once, written to the record."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any

import numpy as np

from skimrnn.config import GATES, SkimConfig
from skimrnn.routers import find_router, router_names

SCHEDULES = ("constant", "cosine")
SKIM_STARTS = ("drawn", "reading")

RATE_WEIGHT = 5.0
"""γ that is enough for a classifier to skim the rate that is wanted, within a few points."""

CONVERSION: dict[str, Any] = {
    "distillation": 1.0,
    "dropout": 0.0,
    **{"penalty": "rate", "wanted_rate": 0.75, "skim_weight": 0.3},
    **{"learning_rate": 1e-3, "schedule": "cosine"},
}
"""Settings by which a net that goes on from a plain one, and is taught by it, says what it said.

There is nothing to overfit in a function that is known at every text: so no dropout. The penalty is
gentle, for what is learnt is to be kept; chosen by the divergence on validation texts
(docs/experiments.md)."""

_TYPES: dict[str, tuple[str, type | UnionType]] = {
    "int": ("a whole number", int),
    "float": ("a number", int | float),
    "bool": ("True or False", bool),
    "str": ("a string", str),
}
"""What an option must be, by the type that it is declared with."""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """The settings of one run.

    Attributes:
        cell: "lstm", "gru", "rnn_tanh" or "rnn_relu".
        hidden_size: D.
        levels: units updated at each level, (D, S_1, ...); (D,) trains the plain RNN.
        num_layers: stacked layers.
        bidirectional: whether each layer also reads backwards.
        skim_input: what a small cell sees, "prefix" or "full".
        shared: whether small cells are the full cell's first units, without weights of their own.
        router_input: what the router sees, "hidden" or "state"; None for the cell's default.
        router: which of ``skimrnn.routers`` decides.
        router_options: the router's own settings; its defaults are filled in.
        hard: whether training takes the level of the largest share whole.
        embedding_size: E, if there are no word vectors.
        penalty: "skim", "cost" or "rate".
        skim_weight: γ, weight of the penalty; where the router is reinforced, it is taken off the
            reward.
        wanted_rate: the skim rate that penalty "rate" aims at.
        warm_start_steps: optimiser steps without skimming at first.
        skim_ramp_steps: steps over which γ then rises to its value.
        skim_start: what skims begins "drawn", at random, or "reading", once the warm start is
            over: small cells as the full cell's first units, and routers that read.
        temperature_rate: of τ = max(floor, exp(-rate * steps)).
        temperature_floor: likewise.
        threshold_spread: each text of a step is trained for a θ of its own, drawn with log-odds
            within so much of 0; 0 trains for θ = 0.5 alone.
        batch_size: texts per step.
        epochs: at most so many passes over the training texts.
        patience: stop after so many evaluations without a better one.
        evaluations_per_epoch: how often the validation texts are read.
        learning_rate: of Adam, at its highest.
        schedule: "constant", or "cosine" down to 0 at the last epoch.
        weight_decay: decoupled (AdamW), on weight matrices outside the embedding.
        gradient_clip: largest norm of the gradient.
        dropout: on word vectors and on the final state.
        distillation: share of a labelled text's loss that a teacher's probabilities have, if there
            is one.
        adversarial: length of the worst shift of a text's word vectors that the text must also be
            labelled rightly with; 0 for none.
        unknown_probability: chance that a training word becomes the unknown word.
        averaging: decay per step of the averaged weights that are evaluated and kept; 0 for none.
        freeze_embedding: whether word vectors stay as they were loaded.
        max_tokens: training texts are cut there; reading never cuts.
        min_count: words seen at least so often enter the vocabulary.
        max_words: at most so many words; None for no limit.
        seed: of parameters, order, dropout and noise.

    Raises:
        ValueError: if a value is out of its range, naming all that are.
    """

    cell: str = "lstm"
    hidden_size: int = 100
    levels: tuple[int, ...] = (100, 5)
    num_layers: int = 1
    bidirectional: bool = False
    skim_input: str = "prefix"
    shared: bool = False
    router_input: str | None = None
    router: str = "softmax"
    router_options: Mapping[str, int] = dataclasses.field(default_factory=dict, hash=False)
    hard: bool = False
    embedding_size: int = 50
    penalty: str = "skim"
    skim_weight: float = 0.01
    wanted_rate: float | None = None
    warm_start_steps: int = 0
    skim_ramp_steps: int = 0
    skim_start: str = "drawn"
    temperature_rate: float = 1e-4
    temperature_floor: float = 0.5
    threshold_spread: float = 0.0
    batch_size: int = 32
    epochs: int = 20
    patience: int = 12
    evaluations_per_epoch: int = 2
    learning_rate: float = 2e-3
    schedule: str = "constant"
    weight_decay: float = 0.0
    gradient_clip: float = 1.0
    dropout: float = 0.5
    distillation: float = 0.5
    adversarial: float = 0.0
    unknown_probability: float = 0.02
    averaging: float = 0.99
    freeze_embedding: bool = False
    max_tokens: int = 400
    min_count: int = 2
    max_words: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        self._settle_types()
        levels = tuple(self.levels) if isinstance(self.levels, Iterable) else self.levels
        object.__setattr__(self, "levels", levels)
        if self.router in router_names():
            options = find_router(self.router).settle(self.router_options)
            object.__setattr__(self, "router_options", options)
        wants_rate = self.penalty == "rate"
        several = isinstance(levels, tuple) and len(levels) > 1
        routed = several and self.router in router_names()
        training = find_router(self.router).training if routed else "sampled"
        sampled = training == "sampled"
        paid = ("cost",) if training == "reinforced" else ("cost", "rate")
        checks = {
            f"cell must be one of {', '.join(GATES)}": self.cell in GATES,
            "penalty must be skim, cost or rate": self.penalty in ("skim", "cost", "rate"),
            f"schedule must be one of {', '.join(SCHEDULES)}": self.schedule in SCHEDULES,
            "skim_weight must be a number of at least 0": 0 <= self.skim_weight < math.inf,
            "wanted_rate must be from 0 to 1 with penalty rate, and is for that alone": (
                wants_rate == (self.wanted_rate is not None) and 0 <= (self.wanted_rate or 0) <= 1
            ),
            f"skim_start must be one of {', '.join(SKIM_STARTS)}, and is for a run with "
            "warm_start_steps": self.skim_start == "drawn"
            or (self.skim_start in SKIM_STARTS and self.warm_start_steps > 0),
            "temperature_rate must be at least 0": self.temperature_rate >= 0,
            "temperature_floor must be above 0": self.temperature_floor > 0,
            "threshold_spread must be a number of at least 0": 0
            <= self.threshold_spread
            < math.inf,
            f"penalty must be {' or '.join(paid)} with the router {self.router}": (
                sampled or self.penalty in paid
            ),
            f"threshold_spread must be 0 with the router {self.router}": (
                sampled or self.threshold_spread == 0
            ),
            f"hard must be left out with the router {self.router}": sampled or not self.hard,
            f"temperature_rate must be left out with the router {self.router}": (
                sampled or self.temperature_rate == TrainingOptions.temperature_rate
            ),
            f"temperature_floor must be left out with the router {self.router}": (
                sampled or self.temperature_floor == TrainingOptions.temperature_floor
            ),
            "learning_rate must be a number above 0": 0 < self.learning_rate < math.inf,
            "weight_decay must be at least 0": self.weight_decay >= 0,
            "gradient_clip must be above 0": self.gradient_clip > 0,
            "dropout must be from 0 to below 1": 0 <= self.dropout < 1,
            "distillation must be from 0 to 1": 0 <= self.distillation <= 1,
            "adversarial must be a number of at least 0": 0 <= self.adversarial < math.inf,
            "unknown_probability must be from 0 to below 1": 0 <= self.unknown_probability < 1,
            "averaging must be from 0 to below 1": 0 <= self.averaging < 1,
            "seed must be from 0 to 2**63 - 1": 0 <= self.seed < 2**63,
            "max_words must be at least 1": self.max_words is None or self.max_words >= 1,
        }
        checks |= {
            f"{name} must be at least {least}": getattr(self, name) >= least
            for least, names in (
                (0, ("warm_start_steps", "skim_ramp_steps")),
                (
                    1,
                    (
                        "hidden_size",
                        "num_layers",
                        "embedding_size",
                        "batch_size",
                        "epochs",
                        "patience",
                        "evaluations_per_epoch",
                        "max_tokens",
                        "min_count",
                    ),
                ),
            )
            for name in names
        }
        broken = [
            f"{claim} (got {getattr(self, claim.split()[0])!r})"
            for claim, holds in checks.items()
            if not holds
        ]
        if broken:
            raise ValueError("these training options do not fit: " + "; ".join(broken))
        try:
            self.layer(self.embedding_size)
        except ValueError as error:
            raise ValueError(f"these training options do not fit: {error}") from error

    def _settle_types(self) -> None:
        """Make NumPy's numbers Python's, and refuse what is not of its option's type."""
        wrong = []
        for field in dataclasses.fields(self):
            kind, value = str(field.type), getattr(self, field.name)
            declared = kind.removesuffix(" | None")
            if isinstance(value, np.generic):
                value = value.item()
                object.__setattr__(self, field.name, value)
            if declared not in _TYPES or (value is None and declared != kind):
                continue
            must, accepted = _TYPES[declared]
            if not isinstance(value, accepted) or (isinstance(value, bool) and declared != "bool"):
                wrong.append(f"{field.name} must be {must} (got {value!r})")
        if wrong:
            raise ValueError("these training options do not fit: " + "; ".join(wrong))

    def layer(self, input_size: int, **other: Any) -> SkimConfig:
        """The layers that these settings ask for, for vectors of ``input_size`` numbers.

        Args:
            input_size: E.
            **other: options of ``SkimConfig`` that are to be others than here.

        Raises:
            ValueError: if they do not fit.
        """
        names = {field.name for field in dataclasses.fields(SkimConfig)}
        own = {name: value for name, value in vars(self).items() if name in names}
        return SkimConfig(**{**own, "input_size": input_size, **other})

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values; shared and router_options where they are set."""
        values = {**dataclasses.asdict(self), "levels": list(self.levels)}
        for name in ("shared", "router_options"):
            if not values[name]:
                del values[name]
        return values
