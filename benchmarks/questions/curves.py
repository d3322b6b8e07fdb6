"""F1 over θ: each model that skims, read at many thresholds on SQuAD's dev set.

    python -m benchmarks.questions.curves [--row NAME ...] [--seed N] [--data-dir DIR]

Needs the models that ``benchmarks.questions`` leaves under ``runs/questions``, and reads those that
are there. Writes ``results/question-curves.json`` after every row, keeping rows not named. What
comes out is a curve: no threshold is selected by it. Times at the same thresholds are
``benchmarks.questions.times``'.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import skimrnn
from benchmarks.machine import RESULTS, provenance
from benchmarks.questions.measured import measure, trained
from benchmarks.questions.rows import ROWS
from skimrnn.files import write_atomically
from skimrnn.tasks import Questions, load_questions

RESULT = RESULTS / "question-curves.json"
THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
KEPT = ("f1", "exact_match", "skim_rate", "skim_rates", "flop_reduction")


def curve(answerer: skimrnn.Answerer, asked: Questions) -> list[dict[str, Any]]:
    """A point for each threshold."""
    points = []
    for threshold in THRESHOLDS:
        found = measure(answerer, asked, threshold)
        points.append({"threshold": threshold, **{key: found[key] for key in KEPT}})
    return points


def main() -> None:
    """Read row by row, and write after each."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.questions.curves",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    skimming = [name for name, row in ROWS.items() if row.skims]
    said = f"all if left out: {', '.join(skimming)}"
    parser.add_argument("--row", nargs="*", choices=skimming, default=skimming, help=said)
    parser.add_argument("--seed", type=int, default=0, help="of the models")
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    test = load_questions("squad", data_dir=arguments.data_dir).test
    folders = trained(arguments.seed)
    for name in arguments.row:
        if name not in folders:
            print(f"{name}: not trained here with seed {arguments.seed}")
            continue
        found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        found[name] = {
            "seed": arguments.seed,
            "questions": len(test),
            "points": curve(skimrnn.load_answerer(folders[name]), test),
            **provenance("python -m benchmarks.questions.curves"),
        }
        write_atomically(RESULT, (json.dumps(found, indent=1) + "\n").encode())
        print(f"{name}: {len(found[name]['points'])} thresholds", flush=True)


if __name__ == "__main__":
    main()
