"""The settings that are tried for families that have no S and γ to choose from.

A skimming LSTM has eight rows of which validation texts choose one (``rows.py``). So has every
other family: the recipe's settings and seven others, each changed in one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

RECIPE = "recipe"
"""The name of the trial that changes nothing."""


@dataclass(frozen=True)
class Trial:
    """One setting changed.

    Attributes:
        what: in the page.
        setting: of ``TrainingOptions``.
        value: what it becomes; None if ``times`` says it.
        times: what the recipe's value is multiplied by.
    """

    what: str
    setting: str
    value: float | None = None
    times: float = 1.0

    def of(self, settings: dict[str, Any]) -> dict[str, Any]:
        """A row's settings, changed."""
        value = settings[self.setting] * self.times if self.value is None else self.value
        return {**settings, self.setting: value}


TRIALS = {
    "slower": Trial("learning rate ÷ 2", "learning_rate", times=0.5),
    "faster": Trial("learning rate × 2", "learning_rate", times=2.0),
    "dropout-less": Trial("dropout 0.3", "dropout", 0.3),
    "dropout-more": Trial("dropout 0.7", "dropout", 0.7),
    "adversarial-less": Trial("shift ÷ 2", "adversarial", times=0.5),
    "adversarial-more": Trial("shift × 2", "adversarial", times=2.0),
    "decay": Trial("weight decay 0.1", "weight_decay", 0.1),
}
"""By name; the shift is that of the adversarial loss."""

SEEDS = {"sst": (0, 1, 2), "rotten-tomatoes": (0, 1, 2), "ag-news": (0,), "imdb": (0,)}
"""The seeds of every trial, by task."""
