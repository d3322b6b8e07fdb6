"""The part of docs/results.md about one model over θ and about which words are read.

``lines`` gives it as Markdown, from the files in ``results``; ``pictures`` draws the pictures that
it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.classification.pictures.data import Results, load
from benchmarks.classification.pictures.pareto import front_of, placed
from benchmarks.classification.pictures.rates import tasks_of
from benchmarks.classification.rows import ROWS, TITLES
from benchmarks.classification.verdicts import ALLOWED, NEAR, REQUIRED, at_threshold

SHOWN = (1.0, 0.9, 0.7, 0.5, 0.3, 0.1, 0.05, 0.02, 0.01, 0.005)
"""The thresholds of the table; the picture has all."""
NAMED = 12
"""So many words are listed as the most read."""


def lines(results: Results | None = None) -> list[str]:
    """All of it; a part is left out where its results are not there."""
    found = load() if results is None else results
    return [
        *against_time(found),
        *rates(found),
        *over_theta(found.curves),
        *what_is_read(found.words),
        *reviews(found.reviews),
    ]


# ---- accuracy against time, rates ---------------------------------------------------------------


def against_time(results: Results) -> list[str]:
    """The pictures of accuracy against time, with the rows on each front."""
    out: list[str] = []
    for task, title in TITLES.items():
        if rows := placed(results, task):
            names = ", ".join(row.row for row in front_of(rows))
            out += [f"![{title}: accuracy against time](pareto-{task}.svg)", ""]
            out += [f"{title}: on the front, fastest first: {names}.", ""]
    if not out:
        return []
    return [
        "## Accuracy against time",
        "",
        "Mean accuracy of all seeds, its standard deviation as a bar; float32, one text a call, "
        "the first seed's model timed. On the *front* are the rows that no other one beats in "
        "both; differences within the bars are not told apart. Rows with given levels stand at the "
        "time of the learned row whose rate they have, and those of searched settings at that of "
        "the row whose shape they have.",
        "",
        *out,
    ]


def rates(results: Results) -> list[str]:
    """The picture of skim rates."""
    if not tasks_of(results):
        return []
    return ["![Words skimmed against γ, for S = 5 and 10](skim-rate.svg)", ""]


# ---- one model over θ ---------------------------------------------------------------------------


def over_theta(curves: dict[str, Any]) -> list[str]:
    """What one model gives at many thresholds, and what that is worth."""
    tasks = [task for task in TITLES if task in curves]
    if not tasks:
        return []
    first = curves[tasks[0]]
    return [
        "## One model over θ",
        "",
        "One trained model read at many thresholds: accuracy and rate on all test texts, time from "
        "text to label, one text a call, the process's processor time, the median of rounds in "
        f"which all models and thresholds take turns, float32, {first['implementation']} "
        "(`python -m benchmarks.classification.curves`); bands are the standard "
        "deviation of the seeds. This is a curve on test texts, not a selection.",
        "",
        *(line for task in tasks for line in _curve(task, curves[task])),
        *_verdicts({task: curves[task] for task in tasks}),
    ]


def _curve(task: str, result: dict[str, Any]) -> list[str]:
    curves: dict[str, list[dict[str, Any]]] = result["curves"]
    cells = [
        [f"{threshold:g}", *(_point(at_threshold(points, threshold)) for points in curves.values())]
        for threshold in SHOWN
    ]
    return [
        f"![{TITLES[task]}: accuracy against time over θ](theta-{task}.svg)",
        "",
        f"{TITLES[task]}, {_seeds(result['seeds'])}: accuracy, words skimmed, µs a text of "
        f"{result['timed_words'] / result['timed_texts']:.0f} words; {result['cpu']}. Trained "
        f"separately: {', '.join(point['row'] for point in result['separate'])}.",
        "",
        *_table(["θ", *curves], cells),
        "",
    ]


def _seeds(seeds: list[int]) -> str:
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    return f"mean of seeds {', '.join(map(str, seeds))}"


def _point(point: dict[str, Any] | None) -> str:
    if point is None:
        return ""
    return (
        f"{100 * point['accuracy']:.2f} %, {100 * point['skim_rate']:.0f} %, "
        f"{point['us_per_text']:.1f}"
    )


def _verdicts(curves: dict[str, Any]) -> list[str]:
    """What was wanted of one model over θ, and whether it is so."""
    cells = [
        [TITLES[task].split(",")[0], row, *_verdict_cells(said)]
        for task, result in curves.items()
        for row, said in result["verdicts"].items()
    ]
    return [
        f"Wanted: less than {100 * ALLOWED:g} point of accuracy lost at {REQUIRED:g} times the "
        "speed or more. Each cell: times faster, the change in accuracy in points, and the θ. From "
        "θ = 1, which reads everything, against the accuracy there; the same against the best "
        "accuracy of the whole curve, since a model trained to skim may be at its worst where it "
        "reads everything; the same with θ chosen on validation texts; and from θ = 0.5. "
        "**Bold**: as wanted. The aim: the curve comes within "
        f"{100 * NEAR:g} points of the front of the other models, trained separately, the plain "
        "LSTM among them; positive points are what it lacks at its worst place.",
        "",
        *_table(
            (
                *("task", "row", "from θ = 1", "against its best", "θ chosen on validation"),
                *("from θ = 0.5", "lacks to the front, points"),
            ),
            cells,
        ),
        "",
    ]


def _verdict_cells(said: dict[str, Any]) -> list[str]:
    steps = ("from_reading_all", "from_best", "chosen_on_validation", "from_half")
    return [*(_step(said[name]) for name in steps), _front(said["front"])]


def _step(step: dict[str, Any] | None) -> str:
    if step is None:
        return ""
    text = f"{step['times_faster']:.2f}×, {100 * step['accuracy_change']:+.2f}, θ = {step['to']:g}"
    return f"**{text}**" if step["met"] else text


def _front(front: dict[str, Any] | None) -> str:
    if front is None:
        return ""
    if front["lacks"] is None:
        return "never as fast"
    text = f"{100 * front['lacks']:+.2f}"
    return f"**{text}**" if front["reached"] else text


# ---- what is read -------------------------------------------------------------------------------


def what_is_read(words: dict[str, Any]) -> list[str]:
    """The share of words read, by frequency and part of speech, and the words by name."""
    tasks = [task for task in TITLES if task in words]
    if not tasks:
        return []
    first = words[tasks[0]]
    names = [TITLES[task].split(",")[0] for task in tasks]
    kinds = [(key, at) for key in ("bands", "parts") for at in range(len(first[key]))]
    cells = [["all words", *(_share(words[task]) for task in tasks)]]
    for key, at in kinds:
        shares = (_share(words[task][key][at], words[task]["words"]) for task in tasks)
        cells.append([_kind(first[key][at]["name"]), *shares])
    return [
        "## What is read",
        "",
        "![Words read, by frequency, part of speech and place](words-read.svg)",
        "",
        f"The share of words that {first['row']} ({ROWS[first['row']].what}), seed "
        f"{first['seed']}, reads in the test texts, and in brackets how many of all words are of "
        "that kind, in percent (`python -m benchmarks.classification.words`). The rank is a "
        "word's place among the training texts' words by frequency; *unknown* words have none. "
        f"Parts of speech are coarse, by {first['tagger']}, which looks words up and guesses the "
        "rest by their endings. A word that is read is not thereby one that decides.",
        "",
        *_table(["share read %", *names], cells),
        "",
        *(line for task in tasks for line in _by_name(task, words[task])),
    ]


def _kind(name: str) -> str:
    """A band or a part of speech; bands are told by their ranks."""
    return f"rank {name}" if any(map(str.isdigit, name)) else name


def _share(kind: dict[str, Any], total: int | None = None) -> str:
    if not kind["words"]:
        return ""
    share = f"{100 * kind['read']:.1f}"
    return share if total is None else f"{share} ({100 * kind['words'] / total:.1f})"


def _by_name(task: str, result: dict[str, Any]) -> list[str]:
    often = result["often"]
    listed = ", ".join(
        f"{_code(one['name'])} {100 * one['read']:.0f}" for one in result["most_read"][:NAMED]
    )
    never = ", ".join(_code(one["name"]) for one in result["least_read"][:NAMED])
    return [
        f"{TITLES[task].split(',')[0]}: of the {often['different_words']:,} words that occur "
        f"{often['at_least']} times or more, read most often, in percent: {listed}; least often: "
        f"{never}.",
        "",
    ]


def _code(word: str) -> str:
    """A word as Markdown shows it unchanged, whatever marks it has; on no table's line."""
    return f"`` {word} ``" if "`" in word else f"`{word}`"


# ---- whole reviews ------------------------------------------------------------------------------


def reviews(found: dict[str, Any]) -> list[str]:
    """The pictures of whole reviews."""
    views = found.get("views", [])
    if not views:
        return []
    return [
        "## Whole reviews",
        "",
        f"Written for this page about films that do not exist, and read by {found['model']} "
        "(`python -m benchmarks.classification.reviews`): the words that were read stand out. "
        f"They were meant as {', '.join(found['meant'])}.",
        "",
        *(
            line
            for number, view in enumerate(views, start=1)
            for line in (f"![A whole review, read as {view['label']}](review-{number}.svg)", "")
        ),
    ]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = ["---", *("---:" for _ in heads[1:])]
    return ["| " + " | ".join(cells) + " |" for cells in (heads, rule, *rows)]
