"""Trained once, read otherwise: what the dial of each rival does on texts.

    python -m benchmarks.rivals.knobs [--task NAME ...] [--data-dir DIR]

Needs the models that ``benchmarks.classification`` leaves under ``runs/classification``. The dial
is the threshold; of SkipW the reads of a window, of LSTM-Jump the jumps, whose thresholds all
decide alike. Every test text is read without torch. Writes ``results/rivals/knobs.json``, keeping
tasks not named.
"""

from __future__ import annotations

from pathlib import Path

import skimrnn
from benchmarks.classification.runs import measure_model
from benchmarks.rivals.adding import FOLDER
from benchmarks.rivals.by_task import Points, measure_tasks
from skimrnn.decision import Rule
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


def turned(folder: Path, row: str, examples: Examples) -> Points:
    """What a row's model does with texts at each setting of its dial, what reads least first."""
    router = skimrnn.load(folder).config.router
    knob, settings = OPTIONS.get(router, ("θ", THRESHOLDS))
    points = []
    for setting in settings:
        model = skimrnn.load(folder, router_options={knob: int(setting)} if knob != "θ" else None)
        if knob == "θ":
            model.rule = Rule(setting)
        found = measure_model(model, examples)
        del found["correct"]  # nothing is paired
        points.append({"row": row, "knob": knob, "setting": setting, **found})
    return points


def main() -> None:
    """Measure task by task."""
    measure_tasks("benchmarks.rivals.knobs", __doc__, ROWS, turned, RESULT)


if __name__ == "__main__":
    main()
