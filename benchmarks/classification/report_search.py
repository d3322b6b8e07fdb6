"""The part of docs/results.md about the search of settings: what was tried, and what was best."""

from __future__ import annotations

from benchmarks.classification import search
from benchmarks.classification.rows import ROWS, SEARCHED, TITLES
from benchmarks.classification.trials import RECIPE, SEEDS, TRIALS

INTRODUCTION = """\
## Settings of their own

A skimming LSTM has eight rows by the tuned recipe, of which validation texts choose one. These
families have as many trials: the recipe, and seven settings that differ from it in one value
(`python -m benchmarks.classification.search`, which reads no test text). Validation accuracy %, the
mean of so many seeds; **bold**: the best. Where that is not the recipe, the row
`…-searched-tuned` above has it, made with all seeds.
"""


def lines() -> list[str]:
    """The table, of every family and task that all trials were made of; empty without one."""
    heads = [trial.what for trial in TRIALS.values()]
    table = []
    for task in SEEDS:
        for row in SEARCHED:
            if (best := search.best(task, row)) is None:
                continue
            found = search.accuracies(task, row)
            cells = [
                f"**{100 * found[name]:.2f}**" if name == best else f"{100 * found[name]:.2f}"
                for name in (RECIPE, *TRIALS)
            ]
            seeds = str(len(SEEDS[task]))
            table.append("| " + " | ".join([TITLES[task], ROWS[row].what, *cells, seeds]) + " |")
    if not table:
        return []
    return [
        INTRODUCTION,
        f"| set | family | recipe | {' | '.join(heads)} | seeds |",
        f"| --- | --- |{' ---: |' * (2 + len(heads))}",
        *table,
        "",
    ]
