"""Write docs/rivals.md from the files in results/rivals.

    python -m benchmarks.rivals.report [--check]

``--check`` writes nothing and fails if the page is not what the results say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.classification.pictures.data import Results, load
from benchmarks.classification.stats import Runs, difference
from benchmarks.pages import write_or_check
from benchmarks.rivals import ceilings, claims, knobs
from benchmarks.rivals.adding import FOLDER, LENGTH, ROWS, SOLVED, THRESHOLDS, Row
from benchmarks.rivals.ceilings import CEILINGS, LIMITED, RANDOM, SKIPW
from benchmarks.rivals.reading_time import RESULTS, SMALL, WINDOW
from benchmarks.rivals.texts import SETS, table

PAGE = Path(__file__).parent.parent.parent / "docs" / "rivals.md"

HEAD = """# Other ways to read less

Written by `python -m benchmarks.rivals.report` from `benchmarks/results`, made by
`python -m benchmarks.rivals.adding`, `.reading_time` and `.ceilings` and, on texts, by
`python -m benchmarks.classification`.

| method | here | |
| --- | --- | --- |
| Skim-RNN (Seo et al., 2018) | router "softmax" | [results](results.md) |
| Skip RNN (Campos et al., 2018) | router "skip-rnn", S = 0 | below; [texts](results.md) |
| ThrRNN (Lambert et al., 2020) | the same, at another θ: its threshold is 1 − θ | below |
| skipping before a frozen LSTM (Tao et al., 2019) | `skimrnn train --base` | the idea, with our \
router; rows "frozen" of [results](results.md) |
| SkipW (Mayet et al., 2021) | router "skipw", S = 0; window and reads by `router_options` \
| below; [texts](results.md) |
| VCRNN, VCGRU (Jernite et al., 2017) | router "vcrnn", `shared`, levels as the steps of units \
| [texts](results.md) |
| LSTM-Jump (Yu et al., 2017) | router "lstm-jump", S = 0; reads, jumps and the longest jump by \
`router_options` | [texts](results.md) |
| Leap-LSTM (Huang et al., 2019) | router "leap-lstm", S = 0; sizes of what it looks ahead with by \
`router_options` | [texts](results.md) |
"""

TEXTS = """## On texts

{table}
![Accuracy against measured time, a panel for each set](rivals.svg)
"""

CLAIMED = """## What the papers claim

Their sets, sizes and machines are others: it is the claim that is compared, not the figure. Points
are those of accuracy against the plain LSTM of the same seeds.

{table}
"""

CEILED = """## At equal ceilings

At most so many of each ten words: SkipW's own ceiling, trained with 5 and moved; of the others the
budget of the rule, met for the first time in reading; and so many of each ten at random, by a net
trained on random words. SkipW, Skip RNN and skip-0.01 copy the state where they do not read; the
others run a small cell of 10 units. Accuracy in percent (share read), seed 0, all test texts
(`python -m benchmarks.rivals.ceilings`).
"""

TURNED = """## One model, its dial turned

Trained once, read at other settings: thresholds, or what else a method's dial is, from what reads
least to what reads most. Accuracy in percent (share of the words not read in full), seed 0, all
test texts (`python -m benchmarks.rivals.knobs`).
"""

ADDING = """## The adding task of Skip RNN's paper

{length} pairs of a value within 0.5 of 0 and a marker; at the end the sum of the two values that
are marked is to be told, one of the first tenth and one of the second half. Solved means here: an
error (mean of squares) below {solved:.5f}, a hundredth of what always saying 0 makes. *Cost* is
what a read costs beside half of the squared error. At most {steps} steps here; errors and shares
are those of 8,192 new sequences, read without torch.
"""

METHODS = {
    "skip-rnn": "Skip RNN",
    "skipw": "SkipW",
    "vcrnn": "VCRNN",
    "lstm-jump": "LSTM-Jump",
    "leap-lstm": "Leap-LSTM",
}
SHARES = {
    "skip-rnn": "whose bias is shifted until it skips so much",
    "skipw": f"that may read so many words of each {WINDOW}",
    "vcrnn": f"whose bias is shifted until so many words update {SMALL['vcrnn']} units alone",
    "lstm-jump": f"that jumps over what it has not read of each {WINDOW} words",
    "leap-lstm": "that looks at all words first and whose bias is shifted until it skips so much",
}
"""How each one of those that are timed is made to skip so much."""


def main() -> None:
    """Write the page, or check it."""
    write_or_check(
        "benchmarks.rivals.report",
        __doc__,
        lambda: {
            PAGE: make_page(results(), timed(), load(), read(ceilings.RESULT), read(knobs.RESULT))
        },
    )


def results() -> list[dict[str, Any]]:
    """All runs, in the order of the rows."""
    found = [json.loads(path.read_text()) for path in FOLDER.glob("adding-*.json")]
    return sorted(found, key=lambda one: (list(ROWS).index(one["row"]), one["seed"]))


def timed() -> dict[str, dict[str, Any]]:
    """What ``reading_time`` wrote, by router; what has not been made is left out."""
    return {
        router: json.loads(path.read_text()) for router, path in RESULTS.items() if path.exists()
    }


def read(path: Path) -> dict[str, Any]:
    """What ``ceilings`` or ``knobs`` wrote, by set."""
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def make_page(
    runs: list[dict[str, Any]],
    times: dict[str, dict[str, Any]],
    on_texts: Results | None = None,
    limited: dict[str, Any] | None = None,
    turned: dict[str, Any] | None = None,
) -> str:
    """The page of runs, times, rows on texts, ceilings and dials, as far as there are any."""
    steps = f"{max((run['steps'] for run in runs), default=0):,}"
    parts = [HEAD]
    if on_texts:
        parts.append(TEXTS.format(table=table(on_texts)))
        parts.append(CLAIMED.format(table=claims.table(on_texts, runs, turned or {})))
    if limited:
        parts.append(CEILED)
        parts += [f"### {SETS[task]}\n\n" + equal_ceilings(limited[task]) for task in limited]
    if turned:
        parts.append(TURNED)
        parts += [f"### {SETS[task]}\n\n" + dials_turned(turned[task]) for task in turned]
    parts.append(ADDING.format(length=LENGTH, solved=SOLVED, steps=steps))
    lines = [
        "| row | cell | cost | seed | solved after | error | read % |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for run in runs:
        row, end = ROWS[run["row"]], run["test"][0]
        after = "not solved" if run["solved_at"] is None else f"{run['solved_at']:,} steps"
        lines.append(
            f"| {run['row']} | {name_of(row)} | {row.cost:g} | {run['seed']} | {after} "
            f"| {end['error']:.5f} | {100 * end['read']:.1f} |"
        )
    missing = [name for name in ROWS if name not in {run["row"] for run in runs}]
    parts.append("\n".join(lines))
    parts.append(f"\nNot run yet: {', '.join(missing)}.\n" if missing else "")
    dials = [run for run in runs if len(run["test"]) > 1]
    if dials:
        parts.append("### The threshold\n\n" + dial(dials))
    moved = [run for run in runs if run.get("ceilings")]
    if moved:
        parts.append("### SkipW's ceiling\n\n" + reads_of_windows(moved))
    for router, found in times.items():
        parts.append(f"## {METHODS[router]}: its time\n\n" + reading_time(found, SHARES[router]))
    return "\n".join(parts)


def name_of(row: Row) -> str:
    """Its cell, and what skips."""
    cell = row.cell.upper()
    return cell if row.router is None else f"{METHODS[row.router]}, {cell}"


def dial(runs: list[dict[str, Any]]) -> str:
    """Error and share read at each threshold."""
    lines = [
        "Trained once, read at other thresholds, error and share read:",
        "",
        "| row | seed | " + " | ".join(f"θ = {one:g}" for one in THRESHOLDS) + " |",
        "| --- | ---: |" + " ---: |" * len(THRESHOLDS),
    ]
    for run in runs:
        cells = [f"{one['error']:.5f}, {100 * one['read']:.0f} %" for one in run["test"]]
        lines.append(f"| {run['row']} | {run['seed']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def reads_of_windows(runs: list[dict[str, Any]]) -> str:
    """Error and share read at each number of tokens that a window may have read."""
    lines = [
        "Trained once, read with other ceilings: at most so many tokens of a window.",
        "",
        "| row | seed | reads of a window | error | read % |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for run in runs:
        window = ROWS[run["row"]].options["window"]
        for one in run["ceilings"]:
            lines.append(
                f"| {run['row']} | {run['seed']} | {one['reads']} of {window} "
                f"| {one['error']:.5f} | {100 * one['read']:.1f} |"
            )
    return "\n".join(lines) + "\n"


def equal_ceilings(found: dict[str, Any]) -> str:
    """Every row at every ceiling, and how much better than SkipW and than random words."""
    at = {(point["row"], point["reads"]): point for point in found["points"]}
    there = [row for row in LIMITED if (row, CEILINGS[0]) in at]
    lines = [
        "| row | " + " | ".join(f"{reads} of {WINDOW}" for reads in CEILINGS) + " |",
        "| --- |" + " ---: |" * len(CEILINGS),
    ]
    for row in there:
        points = [at[row, reads] for reads in CEILINGS]
        cells = [
            f"{100 * one['accuracy']:.1f} ({100 * (1 - one['skim_rate']):.0f} %)" for one in points
        ]
        lines.append(f"| {row.removesuffix('-tuned')} | " + " | ".join(cells) + " |")
    for other in (one for one in (SKIPW, RANDOM) if one in there):
        for row in (one for one in there if one not in (SKIPW, RANDOM)):
            cells = [str(_difference(at[row, reads], at[other, reads])) for reads in CEILINGS]
            names = f"{row.removesuffix('-tuned')} less {other.removesuffix('-tuned')}"
            lines.append(f"| {names} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def dials_turned(found: dict[str, Any]) -> str:
    """Every row at every setting of its dial."""
    points: dict[str, list[dict[str, Any]]] = {}
    for point in found["points"]:
        points.setdefault(point["row"], []).append(point)
    most = max(map(len, points.values()))
    lines = ["| row |" + " |" * most, "| --- |" + " ---: |" * most]
    for row, settings in points.items():
        cells = [
            f"{one['knob']} = {one['setting']:g}: {100 * one['accuracy']:.1f} "
            f"({100 * one['skim_rate']:.0f} %)"
            for one in settings
        ]
        lines.append(f"| {row.removesuffix('-tuned')} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _difference(one: dict[str, Any], other: dict[str, Any]) -> object:
    """Of two points, in points of accuracy, with its 95 % interval over texts."""
    pair = [Runs(point["row"], {0: {"test": point, "data": {}}}) for point in (one, other)]
    return difference(*pair)


def reading_time(found: dict[str, Any], how: str) -> str:
    """Time a word at each share skipped, and how far it is from following the decisions."""
    worst = max(row["over_model"] for row in found["rows"] if row["over_model"])
    lines = [
        f"An LSTM, D = 100, of random weights, with a router {how}, "
        "reading words natively on one thread. *Over the cost model*: over the straight "
        f"line between its ends, that reads all and that skips all; {worst:.2f} × at the worst.",
        "",
        "| precision | skipped % | us a word | plain LSTM's time ÷ | over the cost model |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in found["rows"]:
        skipped = "no router" if row["skipped"] is None else f"{100 * row['skipped']:.0f}"
        model = "" if row["over_model"] is None else f"{row['over_model']:.2f}"
        lines.append(
            f"| {row['precision']} | {skipped} | {row['us_per_token']:.3f} "
            f"| {row['plain_over_this']:.2f} | {model} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
