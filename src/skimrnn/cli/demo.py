"""``skimrnn demo``: what the bundled model reads and skims in a few example texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skimrnn.cli.options import BudgetOption, BurstOption, ThresholdOption, parse_threshold

if TYPE_CHECKING:
    from skimrnn.evaluation import Timing
    from skimrnn.reading import Reading

REPEATS = 7


@dataclass(frozen=True)
class Example:
    """A text of our own, and the label that its writer had in mind."""

    label: str
    text: str


def demo(
    html: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to write the page that shows the texts.")
    ] = Path("demo.html"),
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="A bundled model's name, or the path of a model folder (./mine).",
        ),
    ] = "sst",
    threshold: ThresholdOption = None,
    budget: BudgetOption = None,
    burst: BurstOption = None,
) -> None:
    """Read example texts: what was skimmed, the label, operations saved, time measured."""
    from skimrnn.cli.output import console, note
    from skimrnn.cli.reader import load_reader
    from skimrnn.evaluation import measure, rule_in_force
    from skimrnn.files import write_atomically
    from skimrnn.show import render_html, render_terminal, view

    chosen = parse_threshold(threshold)
    reader = load_reader(model)
    rule = rule_in_force(reader, chosen, budget, burst)
    examples = example_texts()
    texts = [example.text for example in examples]
    readings = reader.read(texts, threshold=chosen, budget=budget, burst=burst)
    timing = measure(reader, texts, rule, repeats=REPEATS)
    views = [view(reading) for reading in readings]
    screen = console()
    for number, (example, one) in enumerate(zip(examples, views, strict=True)):
        screen.rule(f"{number + 1} of {len(examples)}", style="dim", align="left")
        screen.print(render_terminal(one))
        skimming, reading = timing.skimming[number], timing.reading[number]
        screen.print(_timed(skimming, reading) + _meant(example, one["label"], reader.labels))
        screen.print()
    screen.rule(style="dim")
    for line in _summary(examples, readings, timing, reader.implementation):
        screen.print(line)
    title = f"What {reader_name(model)} read and what it skimmed"
    write_atomically(html, render_html(views, title=title).encode())
    note(f"wrote {html}: the same texts as a page")


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


def _summary(
    examples: list[Example], readings: list[Reading], timing: Timing, implementation: str
) -> list[str]:
    from skimrnn import cost
    from skimrnn.cli.output import faster, percent, seconds
    from skimrnn.reading import skim_rate
    from skimrnn.show.phrases import fewer

    levels = [reading.level for reading in readings]
    counted = cost.count(readings[0].config, levels)
    words = sum(len(reading) for reading in readings)
    lines = [
        f"All {len(readings)} texts, {words:,} words: {percent(skim_rate(levels))} skimmed, "
        f"{fewer(counted.flop_reduction, 'operations')} (counted).",
        f"Time on this machine (median of {timing.repeats}, {implementation} implementation): "
        f"{seconds(timing.seconds_skimming)} against {seconds(timing.seconds_reading)} with every "
        f"word read by the same model: {faster(timing.seconds_skimming, timing.seconds_reading)}.",
    ]
    if {example.label for example in examples} <= set(readings[0].labels):
        right = sum(e.label == r.label for e, r in zip(examples, readings, strict=True))
        lines.append(f"{right} of {len(examples)} labels are what the writer of the texts meant.")
    return lines
