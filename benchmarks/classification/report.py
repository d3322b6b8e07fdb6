"""Write docs/results.md, and the tables of other pages, from the committed results.

    python -m benchmarks.classification.report [--check]

``--check`` writes nothing and fails if the pages are not what the results say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.classification import (
    report_choice,
    report_pictures,
    report_search,
    report_shown,
)
from benchmarks.classification.pictures.data import Results, load
from benchmarks.classification.report_shown import bests, said, time_of, title
from benchmarks.classification.rows import ROWS, TITLES, seeds_of
from benchmarks.classification.stats import (
    RESULTS,
    Runs,
    candidates,
    chosen,
    difference,
    group,
    plain_of,
)
from benchmarks.pages import between, number, write_or_check

ROOT = Path(__file__).parents[2]
PAGE, README = ROOT / "docs" / "results.md", ROOT / "README.md"

GIVEN = {
    "random": "random skimming",
    "periodic": "periodic skimming",
    "frequent": "skimming of frequent words",
}
"""What is skimmed where levels are given."""

# Accuracy and skim rate of the paper's Table 2 (100-d GloVe, one run each), in percent.
PAPER = {
    ("sst", "lstm"): (86.4, None),
    ("sst", "skim-5-0.01"): (86.4, 58.2),
    ("sst", "skim-10-0.01"): (85.8, 61.1),
    ("sst", "skim-5-0.02"): (85.6, 62.3),
    ("sst", "skim-10-0.02"): (86.4, 68.0),
    ("rotten-tomatoes", "lstm"): (82.5, None),
    ("rotten-tomatoes", "skim-5-0.01"): (84.2, 52.0),
    ("rotten-tomatoes", "skim-10-0.01"): (82.5, 58.5),
    ("rotten-tomatoes", "skim-5-0.02"): (81.8, 63.7),
    ("rotten-tomatoes", "skim-10-0.02"): (82.5, 63.0),
    ("imdb", "lstm"): (91.1, None),
    ("imdb", "skim-5-0.01"): (89.3, 79.2),
    ("imdb", "skim-10-0.01"): (91.2, 83.9),
    ("imdb", "skim-5-0.02"): (88.7, 63.2),
    ("imdb", "skim-10-0.02"): (90.9, 90.7),
}
RECIPES = {
    "taught": "The taught recipe",
    "converted": "The converted recipe",
    "tuned": "The tuned recipe",
    "base": "The base recipe",
}
INTRODUCTION = """\
# Results

Written by `python -m benchmarks.classification.report` from the files in `benchmarks/results`; made
by `python -m benchmarks.classification`, and times by `python -m benchmarks.classification.times`.
Each run's settings, data digests, commit and versions stand in its file; what each row is stands in
`benchmarks/classification/rows.py`.

All rows of a recipe share everything but what their name says: 100 units, the last hidden state
into a linear head, weights averaged over steps, the evaluation with the best validation accuracy
kept. The *base* recipe has GloVe 50-d vectors alone. The *tuned* one adds 100 numbers of a skip-
gram model learnt from training texts without their labels (for SST and Rotten Tomatoes those of
IMDb, also film reviews) and the adversarial loss; all controls have it (ten units alone half of
its shift on IMDb, where all of it leaves them at chance). It was found in a handful of trials on
validation texts, on IMDb with the skimming LSTM alone (docs/experiments.md), which may favour that
one. Of skimming LSTMs there are up to eight (S and γ, or S and a skip rate that is wanted), of
which validation texts choose one. So that others have as many to choose from, seven changes of the
recipe are tried for the plain LSTM and for the nets that take as long as S = 10, γ = 0.01 does;
*Settings of their own* has those sets and nets that all of it was tried with, and each set's last
table of accuracies compares one setting with one, and eight with eight. Those nets are a small
LSTM, and a QRNN and a minGRU of many units (*wide*; how many take as long: `results/sizes.json`);
of 100 units these two take a third of that time or less. Other families, Skim-GRU, skipping and
three levels among them, have one or two settings; other methods than the paper's have three seeds
on SST and one elsewhere.

S = 20 was added after S = 10 had been seen on all test sets, and the ten folds were then made with
it alone; wanted rates were added after both. On SST ten seeds left undecided whether half a point
is lost, and chose among the eight by less than a standard error: twenty more of these rows and of
the plain LSTM were decided on before any was made, and for phrases five more; random words got
theirs afterwards. The wide nets and the trials were made last, when all else had been seen, and
after them phrases' random words, five more seeds of phrases' base recipe and seven of the taught
one, whose first three had left it undecided.

The *taught* recipe, for sentences about films, adds 100,000 sentences of IMDb's training reviews.
What is learnt of each is what five plain LSTMs of the tuned recipe say of it in the mean, their
log-odds moved by 0.7 towards the label of the review that it stands in (found on SST's validation
texts with the skimming LSTM). So its rows know more than the others, and than the paper's: what
whole reviews are labelled. Every row of it has the same sentences, the n-gram model too. On SST
six seeds of S = 10 had been seen to be as good as the plain LSTM, and half a point worse could not
be ruled out: thirty of both were then decided on, and no other S is tried there. Random words, the
control of that row, have ten and came last.

The *converted* recipe makes a plain LSTM of the tuned recipe skim. A Skim-LSTM begins as it (S =
20, for a skip rate of 75 %) and learns to say what it says, of the training texts and of the same
sentences, and nothing else: neither labels nor hints. That row was decided on, with thirty seeds,
by how nearly it says the same as the plain LSTM of seed 0 on SST's validation texts, before it
had read a test text; of Rotten Tomatoes the plain LSTM got twenty more seeds for it. Before it
rows were made that keep the plain LSTM as it is and learn what skims alone; five seeds of these
had been seen to lose 0.1 to 0.8 points on test texts, so they may not be chosen. Controls of it:
random words skimmed at the same rate, and an LSTM of 20 units, which is what a skim runs, that
learns the same.

Levels that are *given* instead of learnt skim at the rate that the learned row of the same S (of
γ = 0.01, if it is of the tuned recipe, or of a skip rate of 90 %) has on validation texts, in the
mean of its first three seeds, trained and read alike.

Test texts are read once, without torch, by the saved model at θ = 0.5, when a run's file is
written; its log, whose digest stands there, ends with that (of runs by commits before 8840071 it
ends with the last evaluation on validation texts). No file was written twice, but that ten units on
IMDb were made anew with half the shift, and four first runs of the taught recipe with another
teacher (docs/experiments.md). Times and curves over θ read test texts again, and choose nothing by
them. Rotten Tomatoes has no split that its authors gave, and how the paper cut it is not known: it
is cut at random into parts of the paper's sizes. Of IMDb's training reviews 123 are in its test set
word for word, as published, and stay in both: less than 0.05 points of anybody's accuracy.

Differences are in points, with a 95 % interval over seeds and texts, paired: the farther ends of a
bootstrap that draws both anew, the wider one with ten seeds, and of Student's interval by their
variances, the wider one with three (of a single seed both are over texts alone). The ten folds have
three seeds each, and Student's interval is that of the folds' means. *Not
inferior* means that the interval's lower end is above -0.5. Operation counts are defined in
`skimrnn.cost`; they are not time. The paper used 100-d vectors, did not say what it tuned, and
reports single runs; its operation counts are not shown beside ours, since they are higher than any
literal count gives.
"""


def section(task: str, rows: dict[str, Runs], times: dict[str, Any]) -> list[str]:
    """All of one task."""
    lines = [f"## {TITLES[task]}", ""]
    for recipe, heading in RECIPES.items():
        part = group(rows, recipe)
        if any(plain_of(name) in part for name in part):
            lines += [f"### {heading}", "", *table(task, part), *verdicts(part)]
            lines += report_search.beside(task, part)
    return lines + measured(task, times)


def table(task: str, rows: dict[str, Runs]) -> list[str]:
    """The accuracies and operation counts of one recipe's rows."""
    plain = rows[plain_of(next(iter(rows)))]
    best = chosen(rows)
    first = next(iter(plain.by_seed.values()))
    counts = {split: value["texts"] for split, value in first["data"]["counts"].items()}
    lines = [
        f"{counts['train']:,} / {counts['validation']:,} / {counts['test']:,} texts; mean ± "
        "standard deviation over seeds. **Bold**: the skimming row with the best validation "
        "accuracy.",
        "",
        "| row | what | seeds | validation acc. % | test acc. % | against plain | skimmed % "
        "| operations ÷ | per text ÷ | recurrent ÷ | paper: acc. %, skimmed % |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, runs in rows.items():
        cells = [
            f"**{name}**" if name == best else name,
            ROWS[name].what,
            f"{len(runs.by_seed)}" if not ROWS[name].linear else "",
            spread(100 * runs.values("validation", "accuracy")),
            spread(100 * runs.values("test", "accuracy")),
            "" if runs is plain else str(difference(runs, plain) or ""),
            *operations(runs),
            paper(task, name),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def operations(runs: Runs) -> list[str]:
    """Skim rate and the three ratios of operations; empty where nothing is skimmed."""
    if any(run["test"]["skim_rate"] is None for run in runs.by_seed.values()):
        return [""] * 4
    keys = ("flop_reduction", "flop_reduction_per_text", "recurrent_reduction")
    return [
        spread(100 * runs.values("test", "skim_rate")),
        *(f"{runs.values('test', key).mean():.2f}" for key in keys),
    ]


def paper(task: str, name: str) -> str:
    """What the paper has for the row."""
    accuracy, skimmed = PAPER.get((task, name.removesuffix("-tuned")), (None, None))
    return "" if accuracy is None else f"{accuracy}" + (f", {skimmed}" if skimmed else "")


def verdicts(rows: dict[str, Runs]) -> list[str]:
    """The row that was chosen against the plain LSTM, and learned skimming against given levels."""
    best = chosen(rows)
    if best is None:
        return []
    plain = difference(rows[best], rows[plain_of(best)])
    how = "Chosen on validation" if len(candidates(rows)) > 1 else "The only one to choose"
    lines = [
        f"{how}: {best}, {plain} points against the plain LSTM, skimming "
        f"{skimmed_by(rows[best])} of the words: "
        f"**{plain.verdict if plain else 'no pair of seeds'}**."
    ]
    for name in rows:
        what, follows = GIVEN.get(ROWS[name].given or ""), ROWS[name].follows
        if what is None:
            continue
        against = difference(rows[follows], rows[name]) if follows in rows else None
        if against:
            lines.append(
                f"{follows}, skimming {skimmed_by(rows[follows])}, against {name}, {what}, "
                f"{skimmed_by(rows[name])}: {against} points, **{said(against, what)}**."
            )
    return [*lines, ""]


def skimmed_by(runs: Runs) -> str:
    """The mean share of test words that a row skims."""
    return f"{100 * runs.values('test', 'skim_rate').mean():.1f} %"


def measured(task: str, times: dict[str, Any]) -> list[str]:
    """What the task's rows take from text to label, if that was measured."""
    if task not in times:
        return []
    result = times[task]
    first = result["rows"][0]
    lines = [
        "### Time",
        "",
        f"Text to label, one text a call, one thread's processor time, {first['texts']} test texts "
        f"of {first['words'] / first['texts']:.0f} words in turns, models of seed 0, "
        f"{result['cpu']} (`python -m benchmarks.classification.times`). Other engines read the "
        "plain LSTM behind our scanner and have no head to compute. *Plain ÷*: the time of our own "
        "plain LSTM of the same precision and recipe (the tuned one's for taught rows, too) over "
        "this; *engine ÷*: that of the fastest other engine. *Test acc.* is that of the very model "
        "that was timed: one that was no longer there was trained again, which by another "
        "processor's rounding makes another model of the row. *Skimming may claim only what is "
        "above our own plain reader.*" + _of_later(result["rows"]),
        "",
        "| row | read by | precision | test acc. % | µs a word | µs a text | plain ÷ | engine ÷ "
        "| model, MB |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in sorted(result["rows"], key=lambda row: row["us_per_text"]):
        cells = [
            row["row"] + ("†" if "later" in row else ""),
            row["reader"],
            row["precision"],
            number(row["accuracy"], ".2f", 100),
            f"{row['us_per_word']:.3f}",
            f"{row['us_per_text']:.1f}",
            number(row["plain_over_this"], ".2f"),
            number(row["best_engine_over_this"], ".2f"),
            number(row["bytes"], ".1f", 1e-6),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def _of_later(rows: list[dict[str, Any]]) -> str:
    dates = sorted({row["later"] for row in rows if "later" in row})
    if not dates:
        return ""
    return (
        f" †: timed in a sitting of its own ({'; '.join(dates)}) beside the plain LSTM; its µs are "
        "scaled by what that took then and at first, and *engine ÷* is by these."
    )


# ---- pages --------------------------------------------------------------------------------------


def timing(result: dict[str, Any]) -> list[str]:
    """What the bundled model costs in time, by implementation."""
    first = result["implementations"][0]
    lines = [
        f"## Time of the bundled model `{result['model']}`",
        "",
        f"`python -m benchmarks.classification.bundled` on {result['cpu']}: from text to label, "
        f"one text a call, one thread, its CPU time; {first['timed_texts']} of the test texts, "
        "each with its median, skimming (θ = 0.5) and reading everything (θ = 1) taking turns. "
        "Cutting the text into words is part of it.",
        "",
        "| implementation | accuracy % | skimmed % | µs per word, skimming | reading everything "
        "| time ÷ | operations ÷ |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in result["implementations"]:
        skimming, reading = (
            1e6 * row[f"seconds_{how}"] / row["timed_tokens"] for how in ("skimming", "reading")
        )
        lines.append(
            f"| {row['implementation']} | {100 * row['accuracy']:.2f} "
            f"| {100 * row['skim_rate']:.1f} | {skimming:.2f} | {reading:.2f} "
            f"| {reading / skimming:.2f} | {row['flop_reduction']:.2f} |"
        )
    return [*lines, ""]


def summary(results: Results) -> str:
    """The README's table."""
    lines = [
        "| test accuracy %, mean of seeds | plain LSTM | Skim-LSTM | difference, points (95 %) "
        "| words skimmed | operations ÷ | time ÷ |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for task, best in bests(results.runs):
        runs = results.runs[task][best]
        plain = results.runs[task][plain_of(best)].beside(runs)  # the difference is made of pairs
        faster = time_of(results.times.get(task), best, "plain_over_this")
        lines.append(
            f"| {title(task, best)} | {spread(100 * plain.values('test', 'accuracy'))} "
            f"| {spread(100 * runs.values('test', 'accuracy'))} "
            f"| {difference(runs, plain)} "
            f"| {100 * runs.values('test', 'skim_rate').mean():.0f} % "
            f"| {runs.values('test', 'flop_reduction').mean():.1f} "
            f"| {number(faster, '.1f')} |"
        )
    return "\n".join(lines)


def spread(values: NDArray[np.float64]) -> str:
    """Mean and, of several seeds, standard deviation."""
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{values.mean():.2f} ± {values.std(ddof=1):.2f}"


def missing(tasks: dict[str, dict[str, Runs]]) -> list[str]:
    """A table of the rows, and of the searches, that have fewer seeds or trials than were meant."""
    lines = []
    for task, rows in tasks.items():
        by_count: dict[tuple[int, int], list[str]] = {}
        for name in ROWS:
            made, meant = len(rows[name].by_seed) if name in rows else 0, len(seeds_of(task, name))
            if made < meant:
                by_count.setdefault((made, meant if made else 0), []).append(name)
        for (made, meant), names in sorted(by_count.items(), reverse=True):
            said = f"{made} of {meant}" if made else "not made"
            lines.append(f"| {TITLES[task]} | {said} | {', '.join(names)} |")
    lines += report_search.missing()
    heads = ["## Not finished", "", "| set | seeds | rows |", "| --- | --- | --- |"]
    return [*heads, *lines, ""] if lines else []


def page(results: Results) -> str:
    """docs/results.md."""
    lines = [INTRODUCTION, *report_shown.lines(results)]
    for task, rows in results.runs.items():
        lines += section(task, rows, results.times)
    lines += report_search.lines()
    lines += report_pictures.lines(results)
    for path in sorted(RESULTS.glob("bundled-*.json"), reverse=True):
        lines += timing(json.loads(path.read_text()))
    return "\n".join([*lines, *missing(results.runs)])


def main() -> None:
    """Write the pages, or check them."""

    def pages() -> dict[Path, str]:
        results = load()
        return {
            PAGE: page(results),
            README: between(README, "results", summary(results)),
            **report_choice.pages(results.runs, results.times),
        }

    write_or_check("benchmarks.classification.report", __doc__, pages)


if __name__ == "__main__":
    main()
