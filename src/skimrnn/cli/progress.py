"""What a person sees of a training run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from skimrnn.cli.output import console, percent

if TYPE_CHECKING:
    from rich.progress import TaskID

MEMORY_STEPS = 50
"""The running averages remember about so many steps."""
PLAIN_SECONDS = 30.0
"""Where there is no terminal, a line between evaluations at most so often."""


class RunningAverage:
    """An average that forgets slowly; of the first values it is the plain mean."""

    def __init__(self, memory: int = MEMORY_STEPS) -> None:
        self._memory = memory
        self._count = 0
        self.value = 0.0

    def add(self, value: float) -> None:
        """Take one more value in."""
        self._count += 1
        self.value += (value - self.value) / min(self._count, self._memory)

    @property
    def known(self) -> bool:
        """Whether there was a value yet."""
        return self._count > 0


class TrainingProgress:
    """Shows the events of a run on stderr; a context manager."""

    def __init__(self, epochs: int, evaluations_per_epoch: int = 1) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._epochs = epochs
        self._epoch_format = "6.2f" if evaluations_per_epoch > 10 else "5.1f"
        self._screen = console(stderr=True)
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            console=self._screen,
            transient=True,
            expand=True,
            disable=not self._screen.is_terminal,
        )
        self._task: TaskID | None = None
        self._loss, self._accuracy, self._skimmed = (RunningAverage() for _ in range(3))
        self._tokens, self._seconds = RunningAverage(), RunningAverage()
        self._clock = self._printed = time.monotonic()

    def __enter__(self) -> TrainingProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the bar away."""
        self._bar.stop()

    def show(self, event: dict[str, Any]) -> None:
        """Show one event of the training loop."""
        if event["event"] == "evaluation":
            self._evaluation(event)
        else:
            self._step(event)
        self._clock = time.monotonic()

    def _step(self, event: dict[str, Any]) -> None:
        step, total = event["step"], event["of"]
        if self._task is None:
            self._begin(step, total)
        else:  # the first step warms up, and its time includes what came before
            self._tokens.add(event["tokens"])
            self._seconds.add(time.monotonic() - self._clock)
        self._loss.add(event["loss"])
        self._accuracy.add(event["accuracy"])
        if event["skim_rate"] is not None:
            self._skimmed.add(event["skim_rate"])
        assert self._task is not None
        epoch = -(-step * self._epochs // total)
        self._bar.update(
            self._task,
            completed=step,
            epoch=f"{epoch}/{self._epochs}",
            numbers=self._numbers(),
        )
        plain = not self._screen.is_terminal
        if plain and time.monotonic() - self._printed >= PLAIN_SECONDS:
            self._line(f"step {step:,} of {total:,}: {self._numbers()}")

    def _begin(self, step: int, total: int) -> None:
        if step > 1:
            self._line(f"going on from the checkpoint of step {step - 1:,} of {total:,}")
        self._task = self._bar.add_task("", total=total, epoch="", numbers="")
        self._bar.start()

    def _numbers(self) -> str:
        parts = [f"loss {self._loss.value:.3f}", f"accuracy {percent(self._accuracy.value, 0)}"]
        if self._skimmed.known:
            parts.append(f"skimmed {percent(self._skimmed.value, 0)}")
        if self._seconds.value > 0:
            parts.append(f"{_short(self._tokens.value / self._seconds.value)} tokens/s")
        return "  ".join(parts)

    def _evaluation(self, event: dict[str, Any]) -> None:
        said = f"epoch {event['epoch']:{self._epoch_format}}"
        if "exact_match" in event:
            said += (
                f"  validation: F1 {percent(event['f1'])}  exact {percent(event['exact_match'])}"
            )
        else:
            f1 = f"micro-F1 {percent(event['f1'])}  " if "f1" in event else ""
            said += f"  validation: {f1}accuracy {percent(event['accuracy'])}"
            said += f"  loss {event['loss']:.3f}"
        if event["skim_rate"] is not None:
            said += f"  skimmed {percent(event['skim_rate'])}"
        if event["best"]:
            said += "  best so far"
        self._line(said)

    def _line(self, said: str) -> None:
        self._printed = time.monotonic()
        self._bar.console.print(said, soft_wrap=True)


def _short(number: float) -> str:
    return f"{number / 1000:.1f}k" if number >= 1000 else f"{number:.0f}"
