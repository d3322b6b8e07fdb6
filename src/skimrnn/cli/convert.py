"""What ``skimrnn train --convert MODEL`` stands for: options that make a plain RNN skim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def converting(given: Mapping[str, Any]) -> dict[str, Any]:
    """The command's parameters, with those that ``convert`` stands for where they were left out.

    The run goes on from the plain RNN and is taught by it, so that the new model says what that one
    says. Skimming updates a fifth of the units unless told otherwise.

    Args:
        given: the parameters by name, None for what was left out.

    Raises:
        ValueError: if the model skims already, or it is told otherwise what to begin with, to keep
            or to be taught by.
    """
    name = given["convert"]
    if name is None:
        return dict(given)
    from skimrnn.model_file import read_model
    from skimrnn.runtime import model_folder
    from skimrnn.train.options import CONVERSION

    others = [other for other in ("start", "base", "teacher", "vectors") if given[other]]
    if given["no_skim"]:
        others.append("no_skim")
    if others:
        flags = ", ".join(f"--{other.replace('_', '-')}" for other in others)
        raise ValueError(
            f"--convert {name} begins with that model, is taught by it and skims; leave out {flags}"
        )
    config = read_model(model_folder(name)).config
    if config.skims:
        raise ValueError(
            f"{name} skims already (levels={config.levels}); go on from it with --start, or "
            "convert a model that was trained with --no-skim"
        )
    filled = {**CONVERSION, "start": name, "teacher": [name]}
    if given["levels"] is None:
        filled["skim_size"] = config.hidden_size // 5
    if given["penalty"] not in (None, "rate"):  # then there is no rate to want, and γ is another's
        del filled["penalty"], filled["wanted_rate"], filled["skim_weight"]
    # An option that can be given several times is a tuple, empty if it was left out.
    left_out = {key for key, value in given.items() if value is None or value == ()}
    return {**given, **{key: value for key, value in filled.items() if key in left_out}}
