"""Several processes that train one model together, as torchrun starts them.

Each takes a share of every batch; torch's DistributedDataParallel averages their gradients, which
is then the gradient of the joined batch. The first process alone evaluates and writes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """A process's part of a batch.

    Attributes:
        begin: its first text's place in the batch.
        end: that after its last.
        weight: what its mean over texts counts, where the mean over all processes is the mean
            over the batch; 0 if it only keeps the others company, by a text of theirs.
    """

    begin: int
    end: int
    weight: float


@dataclass(frozen=True)
class Processes:
    """This process's place among those that train together.

    Attributes:
        rank: from 0.
        count: how many.
    """

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that evaluates, writes and shows."""
        return self.rank == 0

    def share(self, texts: int) -> Share:
        """This process's part of a batch of so many texts, at least one."""
        begin, end = (texts * part // self.count for part in (self.rank, self.rank + 1))
        if begin == end:  # fewer texts than processes: the others wait for a gradient
            return Share(0, 1, 0.0)
        return Share(begin, end, (end - begin) * self.count / texts)

    def joined(self, model: nn.Module, *, uses_all: bool) -> nn.Module:
        """The model as it is to be called in training; parameters are the first process's.

        Args:
            model: each process's own.
            uses_all: whether every step's loss depends on every parameter.
        """
        if self.count == 1:
            return model
        return DistributedDataParallel(model, find_unused_parameters=not uses_all)

    def agree(self, value: T) -> T:
        """The first process's value."""
        if self.count == 1:
            return value
        box: list[Any] = [value]
        distributed.broadcast_object_list(box, src=0)
        agreed: T = box[0]
        return agreed


def bare(model: nn.Module) -> Any:
    """The model itself, out of what ``Processes.joined`` has put around it."""
    return model.module if isinstance(model, DistributedDataParallel) else model


def check_device(device: str) -> None:
    """Refuse a device that training does not know, or that is not there.

    Raises:
        ValueError: saying which there are.
    """
    if device not in ("cpu", "cuda"):
        raise ValueError(f'device must be "cpu" or "cuda"; got {device!r}')
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f'device "cuda" needs a GPU that torch {torch.__version__} can use, and it finds '
            'none here; use device "cpu"'
        )


@contextlib.contextmanager
def processes(device: str = "cpu") -> Iterator[Processes]:
    """This process among those that torchrun started with it, if any, joined within the block.

    A group that is there already is used as it is.

    Args:
        device: "cpu", or "cuda": then of the machine's GPUs that of this process's local rank.

    Raises:
        ValueError: if torchrun's variables are incomplete, or there is no such device.
    """
    check_device(device)
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    if distributed.is_available() and distributed.is_initialized():
        yield Processes(distributed.get_rank(), distributed.get_world_size())
        return
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield Processes()
        return
    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if missing:
        raise ValueError(
            f"WORLD_SIZE says {os.environ['WORLD_SIZE']} processes, but {', '.join(missing)} is "
            "not set; start them with torchrun, or unset WORLD_SIZE"
        )
    # Its functions have the group of the moment for a default. Torch imports it late; the group
    # would live on there, and its threads, one of which may then abort Python on its way out.
    import_module("torch.distributed.nn.functional")
    distributed.init_process_group("gloo" if device == "cpu" else "nccl")
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size())
        distributed.barrier()  # nobody leaves before the first has written
    finally:
        distributed.destroy_process_group()
