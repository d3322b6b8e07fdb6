"""The part of docs/results.md about the search of settings: what was tried, and what was best."""

from __future__ import annotations

from benchmarks.classification import search
from benchmarks.classification.rows import LEARNED, ROWS, SEARCHED, TITLES, searched_name
from benchmarks.classification.stats import Runs, chosen, difference
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


def missing() -> list[str]:
    """Rows of a table of what is not finished: each family and task that lacks a trial."""
    said = []
    for task in SEEDS:
        for row in SEARCHED:
            # The recipe's own row is no trial of the search.
            made = len(search.accuracies(task, row).keys() & TRIALS.keys())
            if made < len(TRIALS):
                said.append(f"| {TITLES[task]} | {made} of {len(TRIALS)} trials | {row} |")
    return said


def beside(task: str, rows: dict[str, Runs]) -> list[str]:
    """Skimming against each family with one setting each, and with the best of eight each."""
    best = chosen(rows)
    if best is None or LEARNED not in rows:
        return []
    table = []
    for family in SEARCHED:
        if family in rows:
            own = own_best(task, family)
            cells = [ROWS[family].what, against(rows, LEARNED, family), ""]
            if own in rows:
                cells[2] = f"{against(rows, best, own)}: {own}"
            table.append("| " + " | ".join(cells) + " |")
    if not table:
        return []
    return [
        f"As many settings each. *One*: {LEARNED} against the recipe's own row of nets that, all "
        "but the plain LSTM, were made to take as long (*Time* has what they took). *Eight*: the "
        f"chosen {best}, whatever its time, against the best of "
        "the family's (*Settings of their own*, below).",
        "",
        "| against | one each | eight each |",
        "| --- | --- | --- |",
        *table,
        "",
    ]


def own_best(task: str, family: str) -> str | None:
    """The row of the best of a family's eight settings; None as long as one was not tried."""
    best = search.best(task, family) if task in SEEDS else None
    if best is None:
        return None
    return family if best == RECIPE else searched_name(family)


def against(rows: dict[str, Runs], one: str, other: str) -> str:
    """The difference of two rows and what it says; empty as long as one was not made."""
    found = difference(rows[one], rows[other]) if other in rows else None
    if found is None:
        return ""
    return f"{found} {'worse' if found.high < 0 else found.verdict}"
