"""Write docs/rivals.md from the files in results/rivals.

    python -m benchmarks.rivals.report [--check]

``--check`` writes nothing and fails if the page is not what the results say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.pages import write_or_check
from benchmarks.rivals.adding import FOLDER, LENGTH, ROWS, SOLVED, THRESHOLDS, Row

PAGE = Path(__file__).parent.parent.parent / "docs" / "rivals.md"

HEAD = """# Other ways to read less

Written by `python -m benchmarks.rivals.report` from `benchmarks/results/rivals`, made by
`python -m benchmarks.rivals.adding`.

| method | here | |
| --- | --- | --- |
| Skim-RNN (Seo et al., 2018) | router "softmax" | [results](results.md) |
| Skip RNN (Campos et al., 2018) | router "skip-rnn", S = 0 | below; [SST, RT](results.md) |
| ThrRNN (Lambert et al., 2020) | the same, at another θ: its threshold is 1 − θ | below |
| skipping before a frozen LSTM (Tao et al., 2019) | `skimrnn train --base` | the idea, any router |
| SkipW, Leap-LSTM, VCRNN, LSTM-Jump | not there yet | |

## Skip RNN: the adding task

{length} pairs of a value within 0.5 of 0 and a marker; at the end the sum of the two values that
are marked is to be told, one of the first tenth and one of the second half. Solved means here: an
error (mean of squares) below {solved:.5f}, a hundredth of what always saying 0 makes. *Cost* is
what a read costs beside half of the squared error. At most {steps} steps here; errors and shares
are those of 8,192 new sequences, read without torch.
"""

NOTE = """
The paper's Skip LSTM reads 53.9 ± 2.1 % of the pairs with a cost of 1e-5 (four runs).
"""


def main() -> None:
    """Write the page, or check it."""
    write_or_check("benchmarks.rivals.report", __doc__, lambda: {PAGE: make_page(results())})


def results() -> list[dict[str, Any]]:
    """All runs, in the order of the rows."""
    found = [json.loads(path.read_text()) for path in FOLDER.glob("adding-*.json")]
    return sorted(found, key=lambda one: (list(ROWS).index(one["row"]), one["seed"]))


def make_page(runs: list[dict[str, Any]]) -> str:
    """The page of these runs."""
    steps = f"{max((run['steps'] for run in runs), default=0):,}"
    parts = [HEAD.format(length=LENGTH, solved=SOLVED, steps=steps)]
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
    parts.append(NOTE + (f"\nNot run yet: {', '.join(missing)}.\n" if missing else ""))
    dials = [run for run in runs if len(run["test"]) > 1]
    if dials:
        parts.append("### The threshold\n\n" + dial(dials))
    return "\n".join(parts)


def name_of(row: Row) -> str:
    """Its cell, and whether it skips."""
    return f"Skip {row.cell.upper()}" if row.skips else row.cell.upper()


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


if __name__ == "__main__":
    main()
