"""Write docs/results-questions.md and the README's table of it from the committed results.

    python -m benchmarks.questions.report [--check]

``--check`` writes nothing and fails if the page is not what the results say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import RESULTS
from benchmarks.pages import between, write_or_check
from benchmarks.questions import cloze
from benchmarks.questions.front import LOST, PAIRS, at_time, curve_of, useful
from benchmarks.questions.rows import ROWS

ROOT = Path(__file__).parents[2]
PAGE, README = ROOT / "docs" / "results-questions.md", ROOT / "README.md"
IN_README = (
    *("attention-long", "attention-skim-20-rate-0.6-long", "attention-skim-20-rate-0.8-long"),
    *("attention-small", "bidaf", "bidaf-skim-50-0.1"),
)
RESAMPLES = 10_000

PAPER = {
    # F1, exact match and words skimmed of the paper's Table 4 (100-d vectors, single runs), %.
    "attention": (75.5, 67.0, None),
    "attention-skim-20-0.05": (75.5, 66.0, 39.7),
    "attention-skim-20-0.1": (75.3, 66.0, 56.2),
    "attention-skim-20-0.2": (75.0, 66.0, 76.4),
    "attention-skip-0.1": (75.7, 66.7, 37.7),
    "attention-small": (74.0, 64.4, None),
    "bidaf": (77.3, 67.7, None),
    "bidaf-skim-50-0.01": (76.9, 67.0, 74.5),
    "bidaf-skim-50-0.001": (77.1, 67.4, 47.1),
}

INTRODUCTION = """\
# Results: answering questions

Written by `python -m benchmarks.questions.report` from the files in `benchmarks/results`; made by
`python -m benchmarks.questions`, `.chosen`, `.cloze`, `.curves` and `.times`. Each run's settings,
data digests, commit and versions stand in its file; what each row is, in
`benchmarks/questions/rows.py`; the models, in [questions.md](questions.md).

"""

SQUAD = """\
## SQuAD v1.1

All rows share everything but what their name says: GloVe 50-d vectors that are not trained, 50
convolutions over a word's bytes, two layers of 100 units in both directions over the context, eight
passes over the training questions (*long*: twelve, and held against the plain row with as many),
weights averaged over steps, and of the evaluations after each pass that with the best F1 on
articles held out of train kept. Runs that skim read everything for 5,000 steps first, as the
paper's do (a plain run's own steps, where `shares_plain_steps` says so), and keep an evaluation
after those. γ is the weight of the paper's penalty; rows with a *rate* pay for the squared distance
of the mean probability of skimming from it instead. *Begun by reading*: after the plain steps small
cells begin as the full cell's first units and routers by reading, else both as drawn. Dev is the
test: it is read once, without torch, by the saved model at θ = 0.5. Single runs, on two processors
and a GPU.

Differences are in points of F1, with a 95 % bootstrap interval over questions, paired. Another run
moves them as well: *attention-again* is the plain row with the same seed on another machine. Of the
attention rows of eight passes that skim or have a teacher all but attention-skim-20-0.1, which made
its own, begin with the steps of that one, and of the long ones with those of attention-long. The
paper used 100-d vectors.
"""

Run = dict[str, Any]


def load() -> dict[str, Run]:
    """The runs on SQuAD by row, of the first seed, in the table's order."""
    paths = {name: RESULTS / "questions" / f"squad-{name}-seed0.json" for name in ROWS}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}


def optional(name: str) -> dict[str, Any]:
    """A result file that may not have been made yet."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


# ---- what was to be shown -----------------------------------------------------------------------


def shown(
    runs: dict[str, Run], chosen: dict[str, Any], curves: dict[str, Any], times: dict[str, Any]
) -> list[str]:
    """What was asked for, beside what was found; what has not been run is said."""
    rows = [*_plain(runs), *_skimming(runs, chosen), *_controls(runs, curves, times)]
    rows += _speed(runs, curves, times)
    return [
        "### What was to be shown",
        "",
        "| what | required (aim) | found | |",
        "| --- | --- | --- | --- |",
        *(f"| {' | '.join(cells)} |" for cells in rows),
        "",
    ]


def _plain(runs: dict[str, Run]) -> list[list[str]]:
    cells = []
    for name, what, f1, em, aim in (
        ("attention", "LSTM + attention, plain: F1 / exact match", 70, 60, "75.5 / 67"),
        ("bidaf", "BiDAF, plain: F1", 72, None, "77.3"),
    ):
        asked = f"≥ {f1}" + (f" / {em}" if em else "") + f" (≥ {aim})"
        if name not in runs:
            cells.append([what, asked, "", "**not made**"])
            continue
        test = runs[name]["test"]
        found = f"{100 * test['f1']:.1f}" + (f" / {100 * test['exact_match']:.1f}" if em else "")
        met = 100 * test["f1"] >= f1 and (em is None or 100 * test["exact_match"] >= em)
        cells.append([what, asked, found, _met(met)])
    return cells


def _skimming(runs: dict[str, Run], chosen: dict[str, Any]) -> list[list[str]]:
    cells = []
    for model, what, lost, rate, aim in (
        (
            "attention",
            "the same, skimming, two γ or rates: F1 against plain, at so much skimmed",
            0.7,
            50,
            "≥ plain at 56 %; ≥ plain - 0.5 at 76 %",
        ),
        ("bidaf", "BiDAF, skimming: likewise", 0.7, 45, "≥ plain - 0.2 at 75 %"),
    ):
        asked = f"≥ plain - {lost} at ≥ {rate} % ({aim})"
        made = [
            name for name in runs if name.startswith(f"{model}-skim") and ROWS[name].plain in runs
        ]
        if not made:
            cells.append([what, asked, "", "**not made**"])
            continue
        tests = {name: (name, runs[name]["test"]) for name in made}
        if best := best_chosen(model, chosen):
            said = f"{best}, θ = {chosen[best]['threshold']:.3f}"
            tests[said] = (best, chosen[best]["test"])
        found = {
            said: (name, 100 * (test["f1"] - f1_of_plain(name, runs)), 100 * test["skim_rate"])
            for said, (name, test) in tests.items()
        }
        good = {name for name, d, r in found.values() if d >= -lost and r >= rate}
        said = "; ".join(f"{said}: {d:+.1f} at {r:.0f} %" for said, (_, d, r) in found.items())
        met = len(good) >= (2 if model == "attention" else 1)
        cells.append([what, asked, said, _met(met)])
    return cells


def f1_of_plain(name: str, runs: dict[str, Run]) -> float:
    """Of the row that reads all and was trained for as long."""
    return float(runs[ROWS[name].plain]["test"]["f1"])


def best_chosen(model: str, chosen: dict[str, Any]) -> str | None:
    """Of a model's rows with a θ chosen on validation, the one with the best F1 there."""
    scores = {
        name: row["validation"]["f1"] for name, row in chosen.items() if ROWS[name].model == model
    }
    return max(scores, key=lambda name: scores[name]) if scores else None


def _controls(
    runs: dict[str, Run], curves: dict[str, Any], times: dict[str, Any]
) -> list[list[str]]:
    what = "skim against skip and a small D at equal measured time: F1"
    said = equal_time(runs, curves, times)
    return [[what, "said (skim on the front)", " ".join(said), "" if said else "**not made**"]]


def _speed(runs: dict[str, Run], curves: dict[str, Any], times: dict[str, Any]) -> list[list[str]]:
    cells = []
    ours = [row for row in times.get("rows", []) if _is_ours(row) and row["row"] == "attention"]
    what, asked = "a question without torch against the same model in torch", "≥ 2 × (≥ 5 ×)"
    if not ours:
        cells.append([what, asked, "", "**not made**"])
    else:
        over = ours[0]["torch_over_this"]
        cells.append([what, asked, f"{over:.2f} ×", _met(over >= 2)])
    for plain in ("attention", "bidaf"):
        what, asked = f"{plain} skimming 75 %, against plain", "≥ 1.5 ×"
        best = [
            (min(row["plain_over_this"], 1.5), found[1], row["plain_over_this"], found[0], row)
            for row in times.get("rows", [])
            if ROWS[row["row"]].model == plain
            and (row["precision"], row["words"]) == ("float32", "met before")
            and (found := _read_at(row, runs, curves)) is not None
            and found[0] >= 0.75
        ]
        if not best:
            cells.append([what, asked, "", "**not made**"])
            continue
        # Of what is fast enough that with the best F1, else the fastest.
        _, f1, over, rate, row = max(best, key=lambda one: one[:2])
        found = (
            f"{over:.2f} × at {100 * rate:.0f} % and an F1 of {100 * f1:.1f} ({row['row']}, "
            f"θ = {row['threshold']:g})"
        )
        cells.append([what, asked, found, _met(over >= 1.5)])
    return cells


def _read_at(
    row: dict[str, Any], runs: dict[str, Run], curves: dict[str, Any]
) -> tuple[float, float] | None:
    """Share skimmed and F1 at a timed threshold: of the curve, or the run's own."""
    if row["threshold"] is None:
        return None
    points = [*curves.get(row["row"], {}).get("points", [])]
    points = [point for point in points if point["threshold"] == row["threshold"]]
    if row["own_threshold"] and row["row"] in runs:
        points.append(runs[row["row"]]["test"])
    return (float(points[0]["skim_rate"]), float(points[0]["f1"])) if points else None


def _is_ours(row: dict[str, Any]) -> bool:
    """Whether a time is of our reader as it is used: its own θ, words met before, float32."""
    return bool(
        row["reader"] != "torch"
        and row["own_threshold"]
        and row["words"] == "met before"
        and row["precision"] == "float32"
    )


def _met(met: bool) -> str:
    return "met" if met else "**not met**"


# ---- the tables ---------------------------------------------------------------------------------


def table(runs: dict[str, Run], times: dict[str, Any]) -> list[str]:
    """Scores, operations and time of every row."""
    timed = {row["row"]: row for row in times.get("rows", []) if _is_ours(row)}
    lines = [
        "| row | what | F1 % | exact match % | F1 against plain | skimmed % | operations ÷ "
        "| ms a question | plain's time ÷ | validation F1 % | hours of training "
        "| paper: F1, EM, skimmed |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, run in runs.items():
        test, plain, time = run["test"], runs.get(ROWS[name].plain), timed.get(name)
        skims = test["skim_rate"] is not None
        cells = [
            name,
            ROWS[name].what,
            f"{100 * test['f1']:.2f}",
            f"{100 * test['exact_match']:.2f}",
            difference(run, plain) if plain and plain is not run else "",
            f"{100 * test['skim_rate']:.1f}" if skims else "",
            f"{test['flop_reduction']:.2f}" if skims else "",
            f"{time['ms']:.2f}" if time else "",
            f"{time['plain_over_this']:.2f}" if time and time["plain_over_this"] else "",
            f"{100 * run['best']['f1']:.2f}",
            f"{run['seconds'] / 3600:.1f}",
            paper(name),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def at_chosen(runs: dict[str, Run], chosen: dict[str, Any]) -> list[str]:
    """Each model at the θ that skims as much as is wanted on validation."""
    if not chosen:
        return []
    lines = [
        "### As much skimmed as is wanted",
        "",
        "The knob used as it is meant: for each model the largest θ at which the articles held out "
        "of train are skimmed by what is wanted and a point more; dev is then read with it, once "
        "(`python -m benchmarks.questions.chosen`). In bold the model with the best F1 on the "
        "articles held out.",
        "",
        "| row | wanted % | θ | validation F1 % | skimmed % | dev F1 % | against plain "
        "| skimmed % | operations ÷ |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in [name for name in ROWS if name in chosen]:
        row, plain = chosen[name], runs.get(ROWS[name].plain)
        validation, test = row["validation"], row["test"]
        best = best_chosen(ROWS[name].model, chosen) == name
        cells = [
            f"**{name}**" if best else name,
            f"{100 * row['wanted']:g}",
            f"{row['threshold']:.3f}",
            f"{100 * validation['f1']:.2f}",
            f"{100 * validation['skim_rate']:.1f}",
            f"{100 * test['f1']:.2f}",
            difference(row, plain) if plain else "",
            f"{100 * test['skim_rate']:.1f}",
            f"{test['flop_reduction']:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def difference(run: Run, plain: Run) -> str:
    """F1 less the plain row's in points, with its interval."""
    gain = np.array(run["test"]["f1_percent"]) - np.array(plain["test"]["f1_percent"])
    random = np.random.default_rng(0)
    kinds, counts = np.unique(gain, return_counts=True)
    drawn = random.multinomial(len(gain), counts / len(gain), RESAMPLES)
    low, high = np.percentile(drawn @ kinds / len(gain), [2.5, 97.5])
    mean = 100 * (run["test"]["f1"] - plain["test"]["f1"])
    return f"{mean:+.2f} ({low:+.2f} … {high:+.2f})"


def paper(name: str) -> str:
    """What the paper has for the row."""
    return ", ".join(f"{value:g}" for value in PAPER.get(name, ()) if value is not None)


def layers(runs: dict[str, Run]) -> list[str]:
    """What each layer and direction skims; the paper's Figure 3 has the second skim more."""
    skimming = {name: run["test"] for name, run in runs.items() if run["test"]["skim_rates"]}
    if not skimming:
        return []
    lines = [
        "### Which layer skims",
        "",
        "The paper shows one context, of which the second layer skims more than the first. Over "
        "all of dev, words skimmed in percent:",
        "",
        "| row | layer 1 forward | backward | layer 2 forward | backward | the second skims |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, test in skimming.items():
        first, second = (100 * np.array(rates) for rates in test["skim_rates"])
        said = "more" if second.mean() > first.mean() else "**less**"
        numbers = [f"{value:.1f}" for value in (*first, *second)]
        lines.append(f"| {' | '.join([name, *numbers, said])} |")
    return [*lines, ""]


def over_theta(runs: dict[str, Run], curves: dict[str, Any], times: dict[str, Any]) -> list[str]:
    """F1 over θ at test time; the paper's Figure 5."""
    if not curves:
        return []
    rows = [name for name in ROWS if name in curves]
    thresholds = [point["threshold"] for point in curves[rows[0]]["points"]]
    lines = [
        "### One model over θ",
        "",
        "![F1 over θ, against operations and against measured time](theta-squad.svg)",
        "",
        "One trained model read at many thresholds on dev: F1, words skimmed and, where measured, "
        "ms a question. A curve on the test set, no selection. The picture leaves out what loses "
        f"more than {LOST:g} points.",
        "",
        f"| θ | {' | '.join(rows)} |",
        f"| ---: |{' ---: |' * len(rows)}",
    ]
    for threshold in reversed(thresholds):
        cells = []
        for name in rows:
            points = curve_of(name, curves, times)
            [point] = [one for one in points if one["threshold"] == threshold]
            said = f"{100 * point['f1']:.2f}, {100 * point['skim_rate']:.0f} %"
            cells.append(said + (f", {point['ms']:.2f}" if point["ms"] else ""))
        lines.append(f"| {threshold:g} | {' | '.join(cells)} |")
    said = " ".join(skim_and_skip(curves))
    return [*lines, "", *([said, ""] if said else []), *_listed(equal_time(runs, curves, times))]


def _listed(said: list[str]) -> list[str]:
    return [" ".join(said), ""] if said else []


def skim_and_skip(curves: dict[str, Any]) -> list[str]:
    """Where one curve lies above the other, at equal operations and at equal rates."""
    said = []
    for skim, skip in PAIRS.items():
        if not {skim, skip} <= curves.keys():
            continue
        for key, what in (("flop_reduction", "operations"), ("skim_rate", "share skimmed")):
            lines = []
            for name in (skim, skip):
                points = sorted(useful(curves[name]["points"]), key=lambda point: float(point[key]))
                lines.append([(point[key], 100 * point["f1"]) for point in points])
            low = max(line[0][0] for line in lines)
            high = min(line[-1][0] for line in lines)
            at = np.linspace(low, high, 50)
            gain = np.subtract(*(np.interp(at, *zip(*line, strict=True)) for line in lines))
            said.append(
                f"At equal {what}, {skim} lies above {skip} on {100 * np.mean(gain > 0):.0f} % of "
                f"the way that both cover, by {gain.mean():+.2f} points of F1 in the mean (from "
                f"{gain.min():+.2f} to {gain.max():+.2f}); each as far as it loses at most "
                f"{LOST:g}."
            )
    return said


def equal_time(runs: dict[str, Run], curves: dict[str, Any], times: dict[str, Any]) -> list[str]:
    """The skimming curves' F1 at the measured times of the controls, less theirs."""
    timed = {row["row"]: row for row in times.get("rows", []) if _is_ours(row)}
    said = []
    for skims, skip in PAIRS.items():
        for name in ("attention-small", skip, ROWS[skims].plain):
            if not {name, skims} <= timed.keys() or skims not in curves or name not in runs:
                continue
            ms = timed[name]["ms"]
            found = at_time(curve_of(skims, curves, times), ms)
            if found is None:
                said.append(f"{skims} is never as fast as {name} ({ms:.2f} ms).")
                continue
            gain = 100 * (found - runs[name]["test"]["f1"])
            said.append(f"In the {ms:.2f} ms of {name}, {skims} has {gain:+.2f} points of F1.")
    return said


def speed(times: dict[str, Any]) -> list[str]:
    """What a question takes, without torch and with it."""
    if not times:
        return []
    lines = [
        "### Time",
        "",
        f"One question about one paragraph a call, {times['questions']} dev questions about "
        f"paragraphs of {times['words'] / times['questions']:.0f} words in turns, one thread's "
        f"processor time, {times['cpu']} (`python -m benchmarks.questions.times`). Ours goes from "
        "the two texts to the answer; what words stand for is remembered from calls before (*met "
        "before*) or not (*met anew*). Torch's batch is ready made; with its words' vectors *ready "
        "made* as well, only layers, attention and pointers are timed, with torch's own LSTM: "
        "ratios are to that.",
        "",
        "| row | read by | precision | words | θ | ms a question | quartiles | plain's time ÷ "
        "| torch's plain ÷ |",
        "| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in times["rows"]:
        if not row["own_threshold"]:
            continue
        low, high = row["ms_quartiles"]
        cells = [
            row["row"],
            row["reader"],
            row["precision"],
            row["words"],
            "" if row["threshold"] is None else f"{row['threshold']:g}",
            f"{row['ms']:.2f}",
            f"{low:.2f} … {high:.2f}",
            _ratio(row["plain_over_this"]),
            _ratio(row["torch_over_this"]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


# ---- the cloze test -----------------------------------------------------------------------------


def cloze_test() -> list[str]:
    """The attention-sum reader's rows; every figure says whose questions they are."""
    found = [json.loads(p.read_text()) for p in sorted((RESULTS / "questions").glob("cbt*.json"))]
    if not found:
        return []
    order = list(cloze.ROWS)
    found.sort(key=lambda run: (run["task"], order.index(run["row"]), run["seed"]))
    lines = ["## The cloze test", ""]
    if not all(run["official"] for run in found):
        lines += [
            "**Not the official test**: the questions were made of the books by the published "
            'recipe, trained on the five "valid" books and tested on the five "test" books '
            "(`tasks/cloze.py`); no figure here may be compared with a published one. A word that "
            "occurs most often in the context is the guess to beat.",
            "",
        ]
    lines += [
        "*attention-sum* reads names as words, and learns those of its few books by heart: its "
        "validation questions are of the same books, and what it gains there is not had on "
        "others. In *anonymous* rows numbered slots stand for candidates with a capital, drawn "
        "anew for each question at each step.",
        "",
        "| questions | row | seed | validation accuracy % | test accuracy % | skimmed % "
        "| the most frequent candidate % | among capitalised % |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for run in found:
        test, guess = run["test"], run["most_frequent_candidate"]
        cells = [
            f"{run['task']}, {run['data']['counts']['test']['questions']:,}",
            run["row"],
            str(run["seed"]),
            f"{100 * run['best']['accuracy']:.1f}",
            f"{100 * test['accuracy']:.1f}",
            "" if test["skim_rate"] is None else f"{100 * test['skim_rate']:.1f}",
            f"{100 * guess['all']:.1f}",
            f"{100 * guess['capitalised']:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


# ---- the page -----------------------------------------------------------------------------------


def missing(runs: dict[str, Run], curves: dict[str, Any], times: dict[str, Any]) -> list[str]:
    """What was meant to be here, and is not."""
    said = []
    if absent := [name for name in ROWS if name not in runs]:
        said.append(f"- Not made: {', '.join(absent)}.")
    if absent := [name for name in runs if ROWS[name].skims and name not in curves]:
        said.append(f"- Not read over θ: {', '.join(absent)}.")
    timed = {row["row"] for row in times.get("rows", [])}
    if absent := [name for name in runs if name not in timed]:
        said.append(f"- Not timed: {', '.join(absent)}.")
    return ["## Not finished", "", *said, ""] if said else []


def page() -> str:
    """docs/results-questions.md."""
    runs, chosen = load(), optional("question-chosen")
    curves, times = optional("question-curves"), optional("question-times")
    lines = [INTRODUCTION.rstrip(), "", SQUAD.rstrip(), ""]
    lines += [*table(runs, times), *shown(runs, chosen, curves, times)]
    lines += [*at_chosen(runs, chosen), *layers(runs)]
    lines += [*over_theta(runs, curves, times), *speed(times), *cloze_test()]
    return "\n".join([*lines, *missing(runs, curves, times)]).rstrip() + "\n"


def summary(runs: dict[str, Run], times: dict[str, Any]) -> str:
    """The README's table."""
    timed = {row["row"]: row for row in times.get("rows", []) if _is_ours(row)}
    lines = [
        "| questions of SQuAD v1.1 | F1 % | exact match % | words skimmed | operations ÷ "
        "| ms a question |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in [name for name in IN_README if name in runs]:
        test = runs[name]["test"]
        skims = test["skim_rate"] is not None
        cells = [
            ROWS[name].what,
            f"{100 * test['f1']:.1f}",
            f"{100 * test['exact_match']:.1f}",
            f"{100 * test['skim_rate']:.0f} %" if skims else "",
            f"{test['flop_reduction']:.1f}" if skims else "",
            f"{timed[name]['ms']:.1f}" if name in timed else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Write the page and the README's table, or check them."""

    def pages() -> dict[Path, str]:
        table = summary(load(), optional("question-times"))
        return {PAGE: page(), README: between(README, "questions", table)}

    write_or_check("benchmarks.questions.report", __doc__, pages)


if __name__ == "__main__":
    main()
