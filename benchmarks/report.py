"""Write docs/results.md, and the README's table, from the committed results.

    python -m benchmarks.report [--check]

``--check`` writes nothing and fails if the pages are not what the results say.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.files import write_atomically

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).parent.parent
PAGE, README = ROOT / "docs" / "results.md", ROOT / "README.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
PLAIN = "lstm"
MARGIN = 0.5
RESAMPLES = 10_000

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
TITLES = {
    "sst": "SST, trained on sentences",
    "rotten-tomatoes": "Rotten Tomatoes",
    "sst-phrases": "SST, trained on phrases (tested on sentences)",
    "imdb": "IMDb",
    "ag-news": "AG News, 28,488 of 120,000 training texts",
}
ORDER = (
    "lstm",
    "skim-5-0.01",
    "skim-10-0.01",
    "skim-5-0.02",
    "skim-10-0.02",
    "lstm-own",
    "skim-10-0.01-own",
)
OWN = "-own"


@dataclass(frozen=True)
class Row:
    """The runs of one row of one task, by seed."""

    name: str
    runs: dict[int, dict[str, Any]]

    def values(self, split: str, key: str) -> NDArray[np.float64]:
        """One number per seed."""
        return np.array([run[split][key] for _, run in sorted(self.runs.items())], dtype=float)

    def correct(self, seeds: list[int]) -> NDArray[np.bool_]:
        """Which test texts were right, (seeds, texts)."""
        rows = []
        for seed in seeds:
            test = self.runs[seed]["test"]
            bits = np.frombuffer(bytes.fromhex(test["correct"]), dtype=np.uint8)
            rows.append(np.unpackbits(bits)[: test["texts"]].astype(bool))
        return np.stack(rows)


def load() -> dict[str, dict[str, Row]]:
    """Rows by task and name."""
    runs: dict[str, dict[str, dict[int, dict[str, Any]]]] = defaultdict(lambda: defaultdict(dict))
    for path in sorted((RESULTS / "classification").glob("*.json")):
        run = json.loads(path.read_text())
        runs[run["task"]][run["row"]][run["seed"]] = run
    return {
        task: {name: Row(name, by_seed) for name, by_seed in rows.items()}
        for task, rows in runs.items()
    }


def difference(row: Row, plain: Row) -> tuple[float, float, float]:
    """Mean accuracy difference to the plain row in points, and its 95 % interval.

    Paired by seed and text; the interval is a bootstrap that draws seeds and texts anew.
    """
    seeds = sorted(set(row.runs) & set(plain.runs))
    gain = row.correct(seeds).astype(float) - plain.correct(seeds)
    random = np.random.default_rng(0)
    means = np.empty(RESAMPLES)
    for at in range(RESAMPLES):
        drawn = gain[random.integers(0, len(seeds), len(seeds))].mean(axis=0)
        means[at] = drawn[random.integers(0, gain.shape[1], gain.shape[1])].mean()
    low, high = np.percentile(means, [2.5, 97.5])
    return 100 * float(gain.mean()), 100 * float(low), 100 * float(high)


def plain_of(name: str) -> str:
    """The plain row with the same word vectors."""
    return PLAIN + (OWN if name.endswith(OWN) else "")


def choose(rows: dict[str, Row]) -> str:
    """The skimming row with the best mean validation accuracy, of those with all seeds."""
    most = max(len(row.runs) for row in rows.values())
    skimming = [
        name
        for name in ORDER
        if name in rows and name != plain_of(name) and len(rows[name].runs) == most
    ]
    return max(skimming, key=lambda name: rows[name].values("validation", "accuracy").mean())


def section(task: str, rows: dict[str, Row]) -> list[str]:
    """The table of one task."""
    plain, chosen = rows[PLAIN], choose(rows)
    first = next(iter(plain.runs.values()))
    counts = {split: value["texts"] for split, value in first["data"]["counts"].items()}
    lines = [
        f"## {TITLES.get(task, task)}",
        "",
        f"{counts['train']:,} / {counts['validation']:,} / {counts['test']:,} texts; "
        f"mean ± standard deviation over seeds. **Bold**: the skimming row "
        "with the best validation accuracy.",
        "",
        "| row | seeds | validation acc. % | test acc. % | against plain, points (95 %) "
        "| skimmed % | operations ÷ | per text ÷ | recurrent ÷ | paper: acc. %, skimmed % |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in (name for name in ORDER if name in rows):
        row = rows[name]
        cells = [
            f"**{name}**" if name == chosen else name,
            str(len(row.runs)),
            spread(100 * row.values("validation", "accuracy")),
            spread(100 * row.values("test", "accuracy")),
        ]
        if name == plain_of(name):
            cells += ["", "", "1", "1", "1"]
        else:
            mean, low, high = difference(row, rows[plain_of(name)])
            cells += [
                f"{mean:+.2f} ({low:+.2f} … {high:+.2f})",
                spread(100 * row.values("test", "skim_rate")),
                f"{row.values('test', 'flop_reduction').mean():.2f}",
                f"{row.values('test', 'flop_reduction_per_text').mean():.2f}",
                f"{row.values('test', 'recurrent_reduction').mean():.2f}",
            ]
        accuracy, skimmed = PAPER.get((task, name), (None, None))
        cells.append(
            "" if accuracy is None else f"{accuracy}" + (f", {skimmed}" if skimmed else "")
        )
        lines.append("| " + " | ".join(cells) + " |")
    mean, low, high = difference(rows[chosen], rows[plain_of(chosen)])
    verdict = "is met" if mean >= -MARGIN and high >= 0 else "is missed"
    skimmed = 100 * rows[chosen].values("test", "skim_rate").mean()
    lines += [
        "",
        f"Chosen on validation: {chosen}, {mean:+.2f} points ({low:+.2f} … {high:+.2f}) against "
        f"the plain LSTM, skimming {skimmed:.1f} % of "
        f"the words. Wanted: at least -{MARGIN}, with an interval reaching 0; this {verdict}.",
        "",
    ]
    return lines


def measured(task: str, times: dict[str, Any]) -> list[str]:
    """What the task's rows take from text to label, if that was measured."""
    if task not in times:
        return []
    result = times[task]
    first = result["rows"][0]
    lines = [
        f"Time, text to label, one text a call, one thread's processor time, {first['texts']} test "
        f"texts of {first['words'] / first['texts']:.0f} words in turns, models of seed 0, "
        f"{result['cpu']}, {first['implementation']} (`python -m benchmarks.times`):",
        "",
        "| row | test acc. %, seed 0 | precision | µs a word | µs a text | plain's time ÷ this |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in result["rows"]:
        lines.append(
            f"| {row['row']} | {100 * row['accuracy']:.2f} | {row['precision']} "
            f"| {row['us_per_word']:.3f} | {row['us_per_text']:.1f} "
            f"| {row['plain_over_this']:.2f} |"
        )
    return [*lines, ""]


def timing(result: dict[str, Any]) -> list[str]:
    """What the bundled model costs in time, by implementation."""
    first = result["implementations"][0]
    lines = [
        "## Time of the bundled model",
        "",
        f"`python -m benchmarks.bundled` on {result['cpu']}: from text to label, one text a call, "
        f"one thread, its CPU time; {first['timed_texts']} of the SST test sentences, each with "
        "its median, skimming (θ = 0.5) and reading everything (θ = 1) taking turns. Cutting the "
        "text into words is part of it.",
        "",
        "| implementation | accuracy % | skimmed % | µs per word, skimming | reading everything "
        "| time ÷ | operations ÷ |",
        "| --- | --- | --- | --- | --- | --- | --- |",
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


def summary(tasks: dict[str, dict[str, Row]]) -> str:
    """The README's table."""
    lines = [
        "| test accuracy %, mean of seeds | plain LSTM | Skim-LSTM | difference, points (95 %) "
        "| words skimmed | operations ÷ |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for task, rows in complete(tasks).items():
        row = rows[choose(rows)]
        plain = rows[plain_of(row.name)]
        mean, low, high = difference(row, plain)
        lines.append(
            f"| {TITLES[task]} | {spread(100 * plain.values('test', 'accuracy'))} "
            f"| {spread(100 * row.values('test', 'accuracy'))} "
            f"| {mean:+.2f} ({low:+.2f} … {high:+.2f}) "
            f"| {100 * row.values('test', 'skim_rate').mean():.0f} % "
            f"| {row.values('test', 'flop_reduction').mean():.1f} |"
        )
    return "\n".join(lines)


def complete(tasks: dict[str, dict[str, Row]]) -> dict[str, dict[str, Row]]:
    """The tasks that have a plain and a skimming row, in the pages' order."""
    return {
        task: tasks[task]
        for task in TITLES
        if PLAIN in tasks.get(task, {}) and len(tasks[task]) > 1
    }


def spread(values: NDArray[np.float64]) -> str:
    """Mean and standard deviation over seeds."""
    return f"{values.mean():.2f} ± {values.std(ddof=1) if len(values) > 1 else 0:.2f}"


def page(tasks: dict[str, dict[str, Row]]) -> str:
    """docs/results.md."""
    lines = [
        "# Results",
        "",
        "Written by `python -m benchmarks.report` from the files in `benchmarks/results`; made by",
        "`python -m benchmarks.classification`. Each run's settings, data digests, commit and",
        "versions stand in its file.",
        "",
        "All rows share one recipe (LSTM of 100 units, GloVe 50-d vectors, the last hidden state);",
        "a row's name is S and γ, and *own* if 100 numbers of a skip-gram model, trained on the",
        "training texts alone, stand beside GloVe's (`benchmarks/vectors.py`). Test texts are read",
        "without torch by the saved model at θ = 0.5.",
        "The interval is a bootstrap over seeds and texts, paired with the plain LSTM. Operation",
        "counts are defined in `skimrnn.cost`; they are not time. The paper used 100-d vectors,",
        "did not say what it tuned, and reports single runs; its operation counts are not shown",
        "beside ours, since they are higher than any literal count gives.",
        "",
    ]
    path = RESULTS / "times.json"
    times = json.loads(path.read_text()) if path.exists() else {}
    for task, rows in complete(tasks).items():
        lines += section(task, rows) + measured(task, times)
    lines += timing(json.loads((RESULTS / "bundled-sst.json").read_text()))
    return "\n".join(lines)


def main() -> None:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="only compare the page with the results"
    )
    check = parser.parse_args().check
    tasks = load()
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    pages = {PAGE: page(tasks), README: f"{before}{BEGIN}\n{summary(tasks)}\n{END}{after}"}
    for path, text in pages.items():
        if not check:
            write_atomically(path, text.encode())
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path} is not what the results say; run: python -m benchmarks.report")


if __name__ == "__main__":
    main()
