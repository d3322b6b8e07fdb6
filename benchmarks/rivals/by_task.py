"""A command that measures the rows' models, task by task, into one result file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.classification.rows import TASKS
from benchmarks.classification.runs import RUNS, Run, task_of
from benchmarks.machine import provenance
from skimrnn.files import write_atomically
from skimrnn.tasks import Examples

SEED = 0
Points = list[dict[str, Any]]


def measure_tasks(
    module: str,
    description: str | None,
    rows: Sequence[str],
    measure: Callable[[Path, str, Examples], Points],
    result: Path,
) -> None:
    """The command: measure the models that are there, and write after each task.

    Args:
        module: what runs it, after ``python -m``.
        description: for ``--help``.
        rows: whose models of seed 0 are looked for.
        measure: from a model's folder, its row and the test texts to what is found.
        result: the file, of which tasks not named are kept.
    """
    parser = argparse.ArgumentParser(
        f"python -m {module}",
        description=description,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--task", nargs="*", choices=TASKS, default=TASKS)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    for task in arguments.task:
        folders = {row: Run(task, row, SEED).folder for row in rows}
        there = {row: folder for row, folder in folders.items() if folder.exists()}
        if not there:
            print(f"{task}: none of {', '.join(rows)} is under {RUNS}")
            continue
        test = task_of(Run(task, rows[0], SEED), arguments.data_dir).test
        points = [point for row, folder in there.items() for point in measure(folder, row, test)]
        found = json.loads(result.read_text()) if result.exists() else {}
        found[task] = {"points": points, **provenance(f"python -m {module}")}
        write_atomically(result, (json.dumps(found, indent=1) + "\n").encode())
        for point in points:
            print(task, {key: value for key, value in point.items() if key != "correct"})
