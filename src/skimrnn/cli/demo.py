"""``skimrnn demo``: what the bundled models read and skim in a few example texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skimrnn.cli.options import BudgetOption, BurstOption, ThresholdOption, parse_threshold

if TYPE_CHECKING:
    from skimrnn.decision import Rule
    from skimrnn.evaluation import Timing
    from skimrnn.reading import Reading
    from skimrnn.runtime import Model

REPEATS = 7
SENTENCES, REVIEWS = "sst", "imdb"
"""Which bundled model reads single sentences, and which whole reviews."""


@dataclass(frozen=True)
class Example:
    """A text of our own, and the label that its writer had in mind."""

    label: str
    text: str

    @property
    def model(self) -> str:
        """The bundled model that was made for texts of its kind: one sentence, or several."""
        return SENTENCES if self.text.count(". ") == 0 else REVIEWS


@dataclass(frozen=True)
class Part:
    """Examples that one model has read.

    Attributes:
        name: of the model, as it was given.
        examples: the texts.
        readings: what was read of each.
        timing: how long it took.
        model: what read.
    """

    name: str
    examples: list[Example]
    readings: list[Reading]
    timing: Timing
    model: Model


def demo(
    html: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to write the page that shows the texts.")
    ] = Path("demo.html"),
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A bundled model's name, or the path of a model folder (./mine). Left out: sst "
            "reads the sentences and imdb the reviews.",
            show_default=False,
        ),
    ] = None,
    threshold: ThresholdOption = None,
    budget: BudgetOption = None,
    burst: BurstOption = None,
) -> None:
    """Read example texts: what was skimmed, the label, operations saved, time measured."""
    from skimrnn.cli.output import console, note
    from skimrnn.files import write_atomically
    from skimrnn.show import render_html, render_terminal, view

    chosen = parse_threshold(threshold)
    parts = [
        _read(name, examples, chosen, budget, burst)
        for name, examples in _shares(model, example_texts()).items()
    ]
    screen, number, views = console(), 0, []
    count = sum(len(part.examples) for part in parts)
    for part in parts:
        for place, (example, reading) in enumerate(zip(part.examples, part.readings, strict=True)):
            number += 1
            one = view(reading)
            views.append(one)
            screen.rule(f"{number} of {count}, {Path(part.name).name}", style="dim", align="left")
            screen.print(render_terminal(one))
            times = part.timing.skimming[place], part.timing.reading[place]
            screen.print(_timed(*times) + _meant(example, one["label"], part.model.labels))
            screen.print()
    for part in parts:
        screen.rule(style="dim")
        for line in _summary(part):
            screen.print(line)
    write_atomically(html, render_html(views, title=_title(parts)).encode())
    note(f"wrote {html}: the same texts as a page")


def _title(parts: Sequence[Part]) -> str:
    if len(parts) == 1:
        return f"What {reader_name(parts[0].name)} read and what it skimmed"
    names = " and ".join(repr(Path(part.name).name) for part in parts)
    return f"What the models {names} read and what they skimmed"


def _shares(model: str | None, examples: list[Example]) -> dict[str, list[Example]]:
    """The examples that each model reads, by its name."""
    shares: dict[str, list[Example]] = {}
    for example in examples:
        shares.setdefault(model or example.model, []).append(example)
    return shares


def _read(
    name: str,
    examples: list[Example],
    threshold: float | str | None,
    budget: float | None,
    burst: float | None,
) -> Part:
    from skimrnn.cli.reader import load_reader
    from skimrnn.evaluation import measure, rule_in_force

    reader = load_reader(name)
    rule: Rule = rule_in_force(reader, threshold, budget, burst)
    texts = [example.text for example in examples]
    readings = reader.read(texts, threshold=threshold, budget=budget, burst=burst)
    return Part(name, examples, readings, measure(reader, texts, rule, repeats=REPEATS), reader)


def example_texts() -> list[Example]:
    """The example texts of the package, short ones first."""
    content = (resources.files("skimrnn.cli") / "demo_texts.txt").read_text(encoding="utf-8")
    examples = []
    for block in content.strip().split("\n\n"):
        label, text = block.split("\n", 1)
        examples.append(Example(label.strip("[]"), text.replace("\n", " ")))
    return examples


def reader_name(model: str) -> str:
    """How the page's title names a model: a bundled model's name, or the folder's own."""
    return f"the model {Path(model).name!r}"


def _timed(skimming: float, reading: float) -> str:
    from skimrnn.cli.output import faster, seconds

    return (
        f"measured: {seconds(skimming)} against {seconds(reading)} reading everything, "
        f"{faster(skimming, reading)}"
    )


def _meant(example: Example, label: str, labels: Sequence[str]) -> str:
    if example.label not in labels or example.label == label:
        return ""
    return f"\nits writer meant: {example.label}"


def _summary(part: Part) -> list[str]:
    from skimrnn import cost
    from skimrnn.cli.output import faster, percent, seconds
    from skimrnn.reading import skim_rate
    from skimrnn.show.phrases import fewer

    readings, timing = part.readings, part.timing
    levels = [reading.level for reading in readings]
    counted = cost.count(readings[0].config, levels)
    words = sum(len(reading) for reading in readings)
    lines = [
        f"T{reader_name(part.name)[1:]}, {len(readings)} texts, {words:,} words: "
        f"{percent(skim_rate(levels))} skimmed, "
        f"{fewer(counted.flop_reduction, 'operations')} (counted).",
        f"Time on this machine (median of {timing.repeats}, {part.model.implementation} "
        f"implementation): {seconds(timing.seconds_skimming)} against "
        f"{seconds(timing.seconds_reading)} with every word read by the same model: "
        f"{faster(timing.seconds_skimming, timing.seconds_reading)}.",
    ]
    if {example.label for example in part.examples} <= set(part.model.labels):
        pairs = zip(part.examples, readings, strict=True)
        right = sum(example.label == reading.label for example, reading in pairs)
        lines.append(f"{right} of {len(readings)} labels are what the writer of the texts meant.")
    return lines
