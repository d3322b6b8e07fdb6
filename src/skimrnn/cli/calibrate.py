"""``skimrnn calibrate``: choose a model's threshold by what it costs and gains on your texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skimrnn.cli.options import (
    DataArgument,
    DataDirOption,
    JsonOption,
    LabelColumnOption,
    LabelSeparatorOption,
    LimitOption,
    ModelArgument,
    TextColumnOption,
)

if TYPE_CHECKING:
    from skimrnn.calibration import Calibration

_GOAL = "Goal (exactly one)"


def calibrate(
    model: ModelArgument,
    data: DataArgument,
    max_accuracy_drop: Annotated[
        float | None,
        typer.Option(
            metavar="POINTS",
            help="The fastest threshold that loses at most so many points of accuracy; of micro-F1 "
            "if the model is multi-label.",
            show_default=False,
            rich_help_panel=_GOAL,
        ),
    ] = None,
    skim_rate: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="The most accurate threshold that skims at least this share, 0 to 1.",
            show_default=False,
            rich_help_panel=_GOAL,
        ),
    ] = None,
    max_us_per_token: Annotated[
        float | None,
        typer.Option(
            metavar="US",
            help="The most accurate threshold that takes at most so many microseconds a word.",
            show_default=False,
            rich_help_panel=_GOAL,
        ),
    ] = None,
    no_budget: Annotated[
        bool,
        typer.Option(
            "--no-budget",
            help="Read without the model's budget, and store none.",
            show_default=False,
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Store the result as a new model folder; the model's own if left out.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing.", show_default=False)
    ] = False,
    data_dir: DataDirOption = None,
    text_column: TextColumnOption = None,
    label_column: LabelColumnOption = None,
    label_separator: LabelSeparatorOption = None,
    limit: LimitOption = None,
    json: JsonOption = False,
) -> None:
    """Measure a model at many thresholds, choose one, and store it in the model folder.

    Accuracy, share skimmed and time are measured on these texts, on this machine. Of a multi-label
    model the micro-F1 of its labels is taken for the accuracy.
    """
    from skimrnn import bundled_models, calibration
    from skimrnn.cli.output import counting, note, print_json, shown_path, without_folders
    from skimrnn.cli.reader import load_reader, load_texts
    from skimrnn.decision import Rule
    from skimrnn.model_file import with_rule
    from skimrnn.model_folder import check_target
    from skimrnn.runtime import model_folder

    goals = (max_accuracy_drop, skim_rate, max_us_per_token)
    if (count := sum(goal is not None for goal in goals)) != 1:
        raise ValueError(
            "give exactly one of --max-accuracy-drop, --skim-rate and --max-us-per-token; got "
            f"{count} of them"
        )
    calibration.goal_of(  # refused before anything is read
        max_accuracy_drop=max_accuracy_drop,
        skim_rate=skim_rate,
        max_us_per_token=max_us_per_token,
    )
    reader = load_reader(model)
    if no_budget:
        reader.rule = Rule(reader.rule.threshold)
    target = out or model_folder(model)
    if not dry_run and out is None and model in bundled_models():
        raise ValueError(
            f"{model} comes with the package and stays as it is; name a folder to store the result "
            "in with --out, or store nothing with --dry-run"
        )
    if not dry_run and out is None and not Path(model).exists():
        raise ValueError(
            f"{model} is a copy of what the hub has; name a folder to store the result in with "
            "--out, or store nothing with --dry-run"
        )
    if not dry_run:
        check_target(target)  # refused before minutes are spent
    found, examples = load_texts(
        reader, data, limit, data_dir, text_column, label_column, label_separator
    )
    if found.split == "test":
        note(
            "these are test texts: a threshold chosen with them is judged too kindly by them later"
        )
    with counting(len(examples) * len(calibration.THRESHOLDS), "reading") as show:
        result = calibration.calibrate(
            reader,
            examples,
            max_accuracy_drop=max_accuracy_drop,
            skim_rate=skim_rate,
            max_us_per_token=max_us_per_token,
            show=lambda done, _: show(done),
        )
    if json:
        print_json(result.to_dict())
    else:
        _print(result, f"{model} on {data}, {len(examples):,} texts")
    if dry_run:
        return
    rule = Rule(result.chosen.threshold, reader.rule.budget, reader.rule.burst)
    record = {"data": without_folders(data), "split": found.split, "limit": limit}
    with_rule(model_folder(model), target, rule, {"calibration": result.to_dict() | record})
    note(f"{shown_path(target)} reads at threshold {result.chosen.threshold:g} from now on")


def _print(result: Calibration, title: str) -> None:
    from rich.table import Table

    from skimrnn.calibration import relative_time, summary, us_per_token
    from skimrnn.cli.output import console, percent, times

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    score = "accuracy" if result.chosen.f1 is None else "micro-F1"
    for heading in ("threshold", score, "skimmed", "fewer\noperations", "µs/word", "faster"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for point in result.points:
        chosen = point is result.chosen
        table.add_row(
            f"{point.threshold:g}",
            percent(point.score),
            percent(point.skim_rate),
            times(point.flop_reduction),
            f"{us_per_token(point):.3f}",
            times(1 / max(relative_time(point), 1e-9)),
            "<- chosen" if chosen else "",
            style="bold" if chosen else None,
        )
    screen = console()
    screen.print(title, style="bold underline")
    screen.print(table)
    screen.print(summary(result))
    last = result.points[-1]
    screen.print(
        f"Times: {last.timed_texts} of the texts, text to label, {last.implementation} "
        "implementation, in turns with reading everything.",
        style="dim",
    )
