"""Trained once, read otherwise: what the dial of each rival does on texts.

    python -m benchmarks.rivals.knobs [--task NAME ...] [--data-dir DIR]

Needs the models that ``benchmarks.classification`` leaves under ``runs/classification``. The dial
is the threshold; of SkipW the reads of a window, of LSTM-Jump the jumps, whose thresholds all
decide alike. Every test text is read without torch. Writes ``results/rivals/knobs.json``, keeping
tasks not named.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import skimrnn
from benchmarks.classification.rows import TASKS
from benchmarks.classification.runs import RUNS, Run, measure_model, task_of
from benchmarks.machine import provenance
from benchmarks.rivals.adding import FOLDER
from skimrnn.decision import Rule
from skimrnn.files import write_atomically
from skimrnn.tasks import Examples

RESULT = FOLDER / "knobs.json"
THRESHOLDS = (0.2, 0.35, 0.5, 0.65, 0.8)
ROWS = (
    *("skim-10-0.01-tuned", "skip-0.01-tuned", "frozen-0-0.1-tuned", "skip-rnn-0.05-tuned"),
    *("vcrnn-0.2-tuned", "leap-lstm-0.5-tuned", "skipw-0.05-tuned", "lstm-jump-tuned"),
)
"""The rows whose dial is turned; one whose model is not there is left out."""
OPTIONS = {"skipw": ("reads", (1, 2, 3, 5, 10)), "lstm-jump": ("jumps", (0, 1, 2, 3, 4))}
"""By router: the option that is its dial instead, and its settings from what reads least."""
SEED = 0


def turned(folder: Path, row: str, examples: Examples) -> list[dict[str, Any]]:
    """What a row's model does with texts at each setting of its dial, what reads least first."""
    router = skimrnn.load(folder).config.router
    knob, settings = OPTIONS.get(router, ("θ", THRESHOLDS))
    points = []
    for setting in settings:
        model = skimrnn.load(folder, router_options={knob: int(setting)} if knob != "θ" else None)
        if knob == "θ":
            model.rule = Rule(setting)
        found = measure_model(model, examples)
        points.append({"row": row, "knob": knob, "setting": setting, **found})
    return points


def main() -> None:
    """Measure task by task, and write after each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--task", nargs="*", choices=TASKS, default=TASKS)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    for name in arguments.task:
        folders = {row: Run(name, row, SEED).folder for row in ROWS}
        there = {row: folder for row, folder in folders.items() if folder.exists()}
        if not there:
            print(f"{name}: none of {', '.join(ROWS)} is under {RUNS}")
            continue
        test = task_of(Run(name, ROWS[0], SEED), arguments.data_dir).test
        points = [point for row, folder in there.items() for point in turned(folder, row, test)]
        for point in points:
            del point["correct"]
            print(name, point)
        result = {"points": points, **provenance("python -m benchmarks.rivals.knobs")}
        found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        write_atomically(RESULT, (json.dumps({**found, name: result}, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
