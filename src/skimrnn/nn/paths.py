"""Which way a step goes: torch's eager loop, a native call, a GPU kernel or recorded CUDA graphs.

All compute the same mixture from the same noise; ``eager`` is the reference in torch, and the one
that knows every cell, router, device and dtype.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from skimrnn import extension
from skimrnn.config import SkimConfig
from skimrnn.nn import fused, native
from skimrnn.routers import find_router

PATHS = ("auto", "eager", "native", "fused", "graph")


def check_path(path: object) -> None:
    """Refuse a name that is none of ``PATHS``."""
    if path not in PATHS:
        raise ValueError(f"path must be one of {', '.join(PATHS)}; got {path!r}")


def choose_path(path: str, config: SkimConfig, x: Tensor, drawn_by: Iterable[object] = ()) -> str:
    """The way to go with these inputs: the one named, or with "auto" the fastest that can.

    Args:
        path: one of ``PATHS``.
        config: the layer's options.
        x: its input.
        drawn_by: what levels are drawn by, noise and temperature; a gradient that one of these
            requires is given by "eager" alone.

    Raises:
        ValueError: if the one named does not exist or cannot.
    """
    check_path(path)
    obstacles = {
        "native": _native_obstacle(config, x),
        "fused": fused.obstacle(config, x),
        "graph": _graph_obstacle(config, x),
    }
    learnt = (isinstance(one, Tensor) and one.requires_grad for one in drawn_by)
    if torch.is_grad_enabled() and any(learnt):
        obstacles = dict.fromkeys(obstacles, "gives noise and temperature no gradient")
    if torch._C._are_functorch_transforms_active():  # which differentiate torch's operators alone
        obstacles = dict.fromkeys(obstacles, "is not for the transforms of torch.func")
    if path == "auto":
        return next((name for name, obstacle in obstacles.items() if obstacle is None), "eager")
    if obstacles.get(path):
        raise ValueError(f'path "{path}" {obstacles[path]}; use "auto" or "eager"')
    return path


def _graph_obstacle(config: SkimConfig, x: Tensor) -> str | None:
    if config.memory or find_router(config.router).training != "sampled":
        return f"knows no router that remembers or draws no noise, such as {config.router!r}"
    if config.following:
        return f"knows no router that looks ahead, such as {config.router!r}"
    if x.device.type != "cuda":
        return f"needs a CUDA device, and the input is on {x.device}"
    if not torch.is_grad_enabled():
        return "records a backward pass as well, and gradients are disabled"
    return None


def _native_obstacle(config: SkimConfig, x: Tensor) -> str | None:
    """What stands in the way of the kernels, None if nothing does."""
    names, named = extension.instruction_sets(), extension.named_implementation()
    if not names:
        return "needs the C++ extension, which was not built when skimrnn was installed"
    if named is not None and named not in names:
        return f"needs an instruction set, and {extension.ENVIRONMENT_VARIABLE} names {named!r}"
    if config.cell not in native.CELLS:
        return f"knows the cells {', '.join(native.CELLS)}, not {config.cell}"
    if config.router not in native.ROUTERS:
        return f"knows the router {', '.join(native.ROUTERS)}, not {config.router!r}"
    if x.device.type != "cpu":
        return f"runs on the CPU, and the input is on {x.device}"
    if x.dtype != torch.float32:
        return f"computes in float32, and the input is {x.dtype}"
    return None
