"""The rows of the SQuAD table: what each one is, and the recipe that all share.

The first steps read everything, as the paper's do; then routers learn what to skim.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SHARED: dict[str, Any] = {
    "hidden_size": 100,
    "num_layers": 2,
    "batch_size": 64,
    "epochs": 8,
    "patience": 16,
    "evaluations_per_epoch": 1,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "dropout": 0.3,
    "averaging": 0.999,
    "freeze_embedding": True,
    "max_tokens": 400,
}


LONG: dict[str, Any] = {"epochs": 12}
"""What rows that train for longer have instead: skimming is still being learnt after eight."""


@dataclass(frozen=True)
class Row:
    """What a row is.

    Attributes:
        what: in the page, in a few words.
        settings: of ``TrainingOptions``, beside the recipe's.
        model: one of ``skimrnn.answerers``.
        teacher: the row whose model it learns from once it skims; None for none.
        long: whether it trains for longer, as its plain row then does.
    """

    what: str
    settings: dict[str, Any] = field(default_factory=dict)
    model: str = "attention"
    teacher: str | None = None
    long: bool = False

    @property
    def skims(self) -> bool:
        """Whether its layers over the context can skim."""
        return len(self.settings["levels"]) > 1

    @property
    def plain(self) -> str:
        """The row of the same model that reads all, with as many units, and has no teacher."""
        return self.model + "-long" * self.long

    @property
    def begins_plain(self) -> bool:
        """Whether its first ``PLAIN_STEPS`` are those of its plain row."""
        return self.skims or self.teacher is not None


PLAIN_STEPS = 5000
"""Optimiser steps that read everything, before skimming is learnt; the paper's."""

KEPT = ("attention", "attention-long", "bidaf")
"""Plain rows whose first ``PLAIN_STEPS`` are also those of rows that skim or have a teacher."""


def _skim(size: int, weight: float) -> dict[str, Any]:
    return {"levels": (100, size), "skim_weight": weight, "warm_start_steps": PLAIN_STEPS}


def _rate(size: int, wanted: float) -> dict[str, Any]:
    """What is paid for is the distance from this rate."""
    return {**_skim(size, 10.0), "penalty": "rate", "wanted_rate": wanted}


_READING: dict[str, Any] = {"skim_start": "reading"}


ROWS = {
    "attention": Row("LSTM with attention", {"levels": (100,)}),
    "attention-again": Row("the same once more, on another machine", {"levels": (100,)}),
    "attention-skim-20-0.1": Row("skimming, S = 20, γ = 0.1", _skim(20, 0.1)),
    "attention-skip-0.1": Row("skipping, S = 0, γ = 0.1", _skim(0, 0.1)),
    "attention-skim-20-0.05": Row("skimming, S = 20, γ = 0.05", _skim(20, 0.05)),
    "attention-skim-20-0.2": Row("skimming, S = 20, γ = 0.2", _skim(20, 0.2)),
    "attention-skim-20-0.2-reading": Row(
        "skimming, S = 20, γ = 0.2, begun by reading", {**_skim(20, 0.2), **_READING}
    ),
    "attention-skim-20-rate-0.6-reading": Row(
        "skimming, S = 20, a rate of 60 %, begun by reading", {**_rate(20, 0.6), **_READING}
    ),
    "attention-long": Row("LSTM with attention, 12 passes", {"levels": (100,)}, long=True),
    "attention-skim-20-0.2-long": Row(
        "skimming, S = 20, γ = 0.2, 12 passes", _skim(20, 0.2), long=True
    ),
    **{
        f"attention-{name}-rate-{wanted}-long": Row(
            f"{what}, a rate of {100 * wanted:g} %, begun by reading, 12 passes",
            {**_rate(size, wanted), **_READING},
            long=True,
        )
        for name, what, size, wanted in (
            ("skim-20", "skimming, S = 20", 20, 0.52),
            ("skim-20", "skimming, S = 20", 20, 0.6),
            ("skip", "skipping, S = 0", 0, 0.52),
            ("skim-20", "skimming, S = 20", 20, 0.8),
        )
    },
    "attention-small": Row("LSTM with attention, D = 50", {"hidden_size": 50, "levels": (50,)}),
    "bidaf": Row("BiDAF", {"levels": (100,)}, "bidaf"),
    "bidaf-skim-50-0.01": Row("BiDAF, skimming, S = 50, γ = 0.01", _skim(50, 0.01), "bidaf"),
    "bidaf-skim-50-0.001": Row("BiDAF, skimming, S = 50, γ = 0.001", _skim(50, 0.001), "bidaf"),
    "bidaf-skim-50-0.1": Row("BiDAF, skimming, S = 50, γ = 0.1", _skim(50, 0.1), "bidaf"),
    "bidaf-skim-50-0.2": Row("BiDAF, skimming, S = 50, γ = 0.2", _skim(50, 0.2), "bidaf"),
    "attention-taught": Row(
        "LSTM with attention, BiDAF its teacher",
        {"levels": (100,), "warm_start_steps": PLAIN_STEPS},
        teacher="bidaf",
    ),
    **{
        f"attention-skim-20-{weight}-taught": Row(
            f"skimming, S = 20, γ = {weight}, BiDAF its teacher", _skim(20, weight), teacher="bidaf"
        )
        for weight in (0.1, 0.2, 0.3)
    },
}


def settings_of(name: str, seed: int) -> dict[str, Any]:
    """All that ``TrainingOptions`` is given for a row, where it differs from the defaults."""
    row = ROWS[name]
    return {**SHARED, **(LONG if row.long else {}), **row.settings, "seed": seed}
