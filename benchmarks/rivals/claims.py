"""What each method's paper says of it, beside what the committed results say here.

The papers' own sets, sizes and machines are others, so a figure of theirs is no target: what is
compared is the claim. Every number of the last column is made of a result file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.classification.pictures.data import Results
from benchmarks.rivals.adding import ROWS as ADDED
from benchmarks.rivals.texts import SETS, places

Found = list[str]
Turned = dict[str, Any]
Here = Callable[[Results, list[dict[str, Any]], Turned], Found]
"""From the rows on texts, the runs of the adding task and the dials turned on texts to short
sentences, none if nothing ran."""


def on_texts(*rows: str) -> Here:
    """Accuracy and time of these rows beside the plain LSTM of the same seeds, set by set."""

    def here(results: Results, runs: list[dict[str, Any]], turned: Turned) -> Found:
        found = []
        for task, title in SETS.items():
            there = {place.row: place for place in places(results, task)}
            plain = there.get("lstm-tuned")
            for row in (there[row] for row in rows if row in there):
                assert plain is not None
                parts = [f"{row.accuracy - plain.accuracy:+.1f} points"]
                parts += [] if row.skipped is None else [f"{row.skipped:.0f} % skipped"]
                if row.us and plain.us:
                    parts.append(f"{plain.us / row.us:.2f} × as fast")
                found.append(f"{title}: {', '.join(parts)}")
        return found

    return here


def adding(*rows: str) -> Here:
    """Whether these rows solve the adding task, and what they read."""

    def here(results: Results, runs: list[dict[str, Any]], turned: Turned) -> Found:
        return [
            f"{ADDED[run['row']].cell.upper()}, cost {ADDED[run['row']].cost:g}, seed "
            f"{run['seed']}: {'not solved' if run['solved_at'] is None else 'solved'}, "
            f"{100 * run['test'][0]['read']:.0f} % read"
            for run in runs
            if run["row"] in rows
        ]

    return here


def thresholds(row: str) -> Here:
    """What another threshold does to a row of the adding task."""

    def here(results: Results, runs: list[dict[str, Any]], turned: Turned) -> Found:
        return [
            f"adding, seed {run['seed']}: "
            + "; ".join(
                f"θ = {one['threshold']:g}, {100 * one['read']:.0f} % read, {one['error']:.3f} off"
                for one in run["test"][:3]
            )
            for run in runs
            if run["row"] == row
        ]

    return here


def at_threshold(row: str, threshold: float) -> Here:
    """What a row loses against the plain LSTM, and saves, at another threshold."""

    def here(results: Results, runs: list[dict[str, Any]], turned: Turned) -> Found:
        found = []
        for task, dials in turned.items():
            plain = {place.row: place.accuracy for place in places(results, task)}["lstm-tuned"]
            found += [
                f"{SETS[task]} at θ = {threshold:g}: {100 * one['accuracy'] - plain:+.1f} points, "
                f"{one['flop_reduction']:.2f} × fewer operations"
                for one in dials["points"]
                if (one["row"], one["setting"]) == (row, threshold)
            ]
        return found

    return here


CLAIMS: dict[str, tuple[str, tuple[Here, ...]]] = {
    "Skip RNN": (
        "solves the adding task and reads 53.9 ± 2.1 % of it (LSTM, cost 1e-5)",
        (
            adding("skip-lstm-1e-5", "skip-gru-1e-5"),
            on_texts("skip-rnn-0.05-tuned"),
        ),
    ),
    "ThrRNN": (
        "trained once, its threshold trades accuracy for reads",
        (thresholds("skip-gru-1e-5"),),
    ),
    "SkipW": (
        "a hard ceiling in every window, slightly worse than Skip RNN on IMDb",
        (adding("skipw-gru-1e-5"), on_texts("skipw-0.05-tuned")),
    ),
    "VCRNN": (
        "fewer operations, and better than the whole net on its own tasks",
        (on_texts("vcrnn-0.2-tuned"),),
    ),
    "LSTM-Jump": (
        "Rotten Tomatoes 79.3 against 79.1 %, 1.56 × as fast; IMDb 89.4 against 89.1 %, 1.64 ×",
        (on_texts("lstm-jump-tuned"),),
    ),
    "Leap-LSTM": (
        "AG News, all of it: 93.64 against 93.23 % at 57 % skipped, 1.5 × as fast; 92.62 at 86 %",
        (on_texts("leap-lstm-0.5-tuned", "leap-lstm-0.8-tuned"),),
    ),
    "skipping before a frozen LSTM": (
        "SST: over 25 % fewer operations, at most 0.3 points lost",
        (on_texts("frozen-0-0.1-tuned"), at_threshold("frozen-0-0.1-tuned", 0.65)),
    ),
}
"""By method: what is claimed, and what is looked at here."""


def table(results: Results, runs: list[dict[str, Any]], turned: Turned) -> str:
    """A line for each claim of which anything was looked at."""
    lines = ["| method | its paper | here |", "| --- | --- | --- |"]
    for method, (claim, looked_at) in CLAIMS.items():
        found = [sentence for here in looked_at for sentence in here(results, runs, turned)]
        if found:
            lines.append(f"| {method} | {claim} | {'<br>'.join(found)} |")
    return "\n".join(lines) + "\n"
