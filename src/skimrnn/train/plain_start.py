"""Runs that share their plain first steps.

The steps of a run before ``warm_start_steps`` read everything, and nothing of what skims, nor of
what a teacher of answers says, is in their losses: runs that differ in these alone can begin with
one plain run's checkpoint.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from skimrnn.config import OF_WHAT_SKIMS
from skimrnn.train.checkpoint import check_same, open_checkpoint

_OF_LATER = (
    *(*OF_WHAT_SKIMS, "hard"),
    *("penalty", "skim_weight", "wanted_rate"),
    *("warm_start_steps", "skim_ramp_steps", "skim_start"),
    *("temperature_rate", "temperature_floor", "answerer"),
    *("teacher", "distillation"),
)
"""What may differ; the sizes that ``answerer`` has beside its levels show in the shapes."""


def load_plain_start(
    path: Path, key: dict[str, Any], model: nn.Module, optimiser: torch.optim.Optimizer
) -> dict[str, Any]:
    """The state of a plain run's checkpoint, as one of a run whose layers can skim.

    Small cells and routers stay as they were drawn.

    Args:
        path: the checkpoint.
        key: of the run that begins.
        model: what it trains, as drawn.
        optimiser: its optimiser, before the first step.

    Raises:
        ValueError: if the run differs in more than what matters later, or is past the plain steps.
        OSError: if the file cannot be read.
    """
    old, state = open_checkpoint(path)
    check_same(path, _without(old), _without(key))
    if state["step"] > key["warm_start_steps"]:
        raise ValueError(
            f"{path} is {state['step']} steps in, past warm_start_steps="
            f"{key['warm_start_steps']}: keep the checkpoint of that step or an earlier one"
        )
    drawn, plain = model.state_dict(), state["model"]
    odd = [name for name, value in plain.items() if drawn[name].shape != value.shape]
    if odd or not plain.keys() <= drawn.keys():
        raise ValueError(f"{path} is of a model of other sizes ({', '.join(odd) or 'other names'})")
    return {
        **state,
        "model": {**drawn, **plain},
        "averaged": None if state["averaged"] is None else {**drawn, **state["averaged"]},
        "optimiser": _renumbered(state["optimiser"], model, optimiser, set(plain)),
    }


def _without(key: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name not in _OF_LATER}


def _renumbered(
    old: dict[str, Any], model: nn.Module, optimiser: torch.optim.Optimizer, plain: set[str]
) -> dict[str, Any]:
    """The optimiser's state by the places of the same parameters in a larger model's groups."""
    name_of = {id(parameter): name for name, parameter in model.named_parameters()}
    new = optimiser.state_dict()
    moments: dict[int, dict[str, Tensor]] = {}
    for group, was, now in zip(
        optimiser.param_groups, old["param_groups"], new["param_groups"], strict=True
    ):
        names = [name_of[id(parameter)] for parameter in group["params"]]
        places = [place for place, name in zip(now["params"], names, strict=True) if name in plain]
        for before, place in zip(was["params"], places, strict=True):
            moments[place] = old["state"][before]
    return {**new, "state": moments}
