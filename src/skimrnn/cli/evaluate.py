"""``skimrnn evaluate``: how well and how fast a model reads labelled texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skimrnn.cli.options import (
    BudgetOption,
    BurstOption,
    DataArgument,
    DataDirOption,
    JsonOption,
    LabelColumnOption,
    LabelSeparatorOption,
    LimitOption,
    ModelArgument,
    RouterOptionsOption,
    TextColumnOption,
    ThresholdOption,
    parse_threshold,
)

if TYPE_CHECKING:
    from skimrnn.evaluation import Evaluation


def evaluate(
    model: ModelArgument,
    data: DataArgument,
    threshold: ThresholdOption = None,
    budget: BudgetOption = None,
    burst: BurstOption = None,
    router_options: RouterOptionsOption = None,
    data_dir: DataDirOption = None,
    text_column: TextColumnOption = None,
    label_column: LabelColumnOption = None,
    label_separator: LabelSeparatorOption = None,
    limit: LimitOption = None,
    json: JsonOption = False,
) -> None:
    """Measure accuracy, share skimmed, operations saved and seconds on labelled texts.

    Of a built-in data set the test split is read; of your own data the test split if there is
    one or if the model was trained on these very files, else every text. Of a multi-label model
    accuracy is the share of texts given all their labels and no other; its micro-F1 stands beside.
    """
    from skimrnn import evaluation
    from skimrnn.cli.output import counting, print_json
    from skimrnn.cli.reader import load_reader, load_texts

    chosen = parse_threshold(threshold)
    reader = load_reader(model, router_options)
    evaluation.rule_in_force(reader, chosen, budget, burst)  # refused before anything is read
    found, examples = load_texts(
        reader, data, limit, data_dir, text_column, label_column, label_separator
    )
    with counting(len(examples), "reading") as show:
        result = evaluation.evaluate(
            reader, examples, threshold=chosen, budget=budget, burst=burst, show=show
        )
    if json:
        print_json({**result.to_dict(), "model": model, "data": data, "split": found.split})
    else:
        split = "test split" if found.split == "test" else "all texts"
        sampled = f", {len(examples):,} drawn of {len(found.examples):,}" if limit else ""
        _print(result, f"{model} on {data} ({split}{sampled})", skims=reader.config.skims)


def _print(result: Evaluation, title: str, *, skims: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from skimrnn.cli.output import console, faster, percent, seconds
    from skimrnn.show.phrases import fewer

    uncounted = "nothing counted"
    per_text = fewer(result.flop_reduction_per_text) or uncounted
    timed = (
        f"{seconds(result.seconds_skimming)} against {seconds(result.seconds_reading)} reading "
        f"everything: {faster(result.seconds_skimming, result.seconds_reading)}"
    )
    how = "CPU time of one thread" if result.clock == "thread_time" else "time of day"
    rule = f"threshold {result.threshold}"
    if result.budget is not None:
        rule += f", budget {result.budget:g}, burst {result.burst:g}"
    words = f"of {result.tokens:,} words"
    texts = f"{result.texts:,} texts"
    rows: list[tuple[str, str, str]] = [("accuracy", percent(result.accuracy), texts)]
    if result.f1 is not None:
        rows = [
            ("micro-F1", percent(result.f1), f"of the labels of {texts}"),
            ("accuracy", percent(result.accuracy), "all labels of a text right, no other"),
        ]
    if skims:
        rows += [
            ("skimmed", percent(result.skim_rate), words),
            (
                "operations",
                fewer(result.flop_reduction) or uncounted,
                f"per text {per_text}",
            ),
            (
                "recurrent part",
                fewer(result.recurrent_reduction) or uncounted,
                "the same with the input part left out",
            ),
            ("time", timed, ""),
        ]
    else:
        rows += [
            ("skimmed", "nothing", f"{words}: a plain RNN, it never skims"),
            ("time", seconds(result.seconds_reading), ""),
        ]
    rows += [
        (
            "",
            "",
            f"{how}, {result.timed_texts} texts, median of {result.timing_repeats}, "
            f"{result.implementation}",
        ),
        ("rule", rule, ""),
    ]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    for name, value, more in rows:
        line = Text(value)
        if more:
            line.append(("  " if value else "") + more, "dim")
        grid.add_row(name, line)
    screen = console()
    screen.print(title, style="bold underline")
    screen.print(grid)
