"""A million short texts through ``skimrnn score``, killed on the way, resumed, and checked.

    python -m benchmarks.scoring [--rows N] [--workers N] [--beside WHAT]

Texts are made up, by a fixed seed, of the bundled model's words, as frequent as their rank says.
Writes ``results/scoring.json``; ``benchmarks.scoring_report`` makes the numbers of
``docs/scoring.md`` of it.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import skimrnn
from benchmarks.machine import RESULTS, provenance
from skimrnn.files import write_atomically

RESULT = RESULTS / "scoring.json"
MODEL = "sst"
SHORTEST, LONGEST = 5, 30
SMALL = 10
"""The small run has so many times fewer rows."""
CHECKED = 2000
"""Rows whose label and counts are compared with those of ``model.read``."""


def main() -> None:
    """Run it all and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--beside", default="nothing", help="what else the machine was doing")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large, small = folder / "large.csv", folder / "small.csv"
        words = write_texts(large, given.rows)
        with large.open("rb") as source, small.open("wb") as target:
            target.writelines(islice(source, 1 + given.rows // SMALL))
        measured = {
            "rows": given.rows,
            "words": words,
            "input_bytes": large.stat().st_size,
            "workers": given.workers,
            "beside": given.beside,
            "small": run(small, folder / "small.out.csv", given.workers),
            "killed": run(large, folder / "large.out.csv", given.workers, kill_at=given.rows // 3),
            "resumed": run(large, folder / "large.out.csv", given.workers),
            "checks": check(large, folder / "large.out.csv", folder / "small.out.csv"),
        }
    command = "python -m benchmarks.scoring"
    result = {**provenance(command), "model": MODEL, **measured}
    print(json.dumps(result, indent=1))
    write_atomically(RESULT, json.dumps(result, indent=1).encode() + b"\n")


def write_texts(path: Path, rows: int) -> int:
    """Write a table of so many texts; the number of their words."""
    vocabulary = np.array(skimrnn.load(MODEL).vocabulary.words[1:])
    random = np.random.default_rng(0)
    shares = 1 / np.arange(1, len(vocabulary) + 1)
    total = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("id", "text"))
        for begin in range(0, rows, 10_000):
            lengths = random.integers(SHORTEST, LONGEST + 1, min(10_000, rows - begin))
            drawn = random.choice(vocabulary, lengths.sum(), p=shares / shares.sum())
            ends = np.cumsum(lengths)
            total += int(ends[-1])
            for row, end, length in zip(range(begin, rows), ends, lengths, strict=False):
                writer.writerow((row, " ".join(drawn[end - length : end])))
    return total


def run(source: Path, output: Path, workers: int, kill_at: int | None = None) -> dict[str, Any]:
    """Score a file in a process of its own, and kill that when so many rows are written.

    Returns:
        Rows scored by this run, its seconds, its processes' seconds of processor time (None if it
        was killed, when nobody counts its workers') and the most memory that each and all took.
    """
    parts = output.with_name(f"{output.name}.parts")
    there = _rows(parts)
    used = _processor_seconds()
    begin = time.perf_counter()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "skimrnn", "score", str(source), str(output)),
            *("--model", MODEL, "--workers", str(workers)),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    peaks: dict[int, int] = {}
    together, written = 0, there
    while process.poll() is None:
        seen = {pid: _memory(pid) for pid in [process.pid, *_children(process.pid)]}
        together = max(together, sum(now for now, _ in seen.values()))
        peaks |= {pid: peak for pid, (_, peak) in seen.items() if peak}
        written = max(written, _rows(parts))
        if kill_at is not None and written >= kill_at:
            process.send_signal(signal.SIGKILL)
            process.wait()
        time.sleep(0.1)
    seconds = time.perf_counter() - begin
    said = process.communicate()[1]
    killed = process.returncode == -signal.SIGKILL
    if killed:
        time.sleep(1)  # its workers end when they see it
        written = _rows(parts)
    elif process.returncode:
        sys.exit(said)
    else:
        written = _lines(output) - 1
    main = peaks.pop(process.pid)
    return {
        "there": there,
        "rows": written - there,
        "killed": killed,
        "seconds": seconds,
        "processor_seconds": None if killed else _processor_seconds() - used,
        "peak_mb_caller": main / 1e6,
        "peak_mb_worker": max(peaks.values()) / 1e6,
        "peak_mb_together": together / 1e6,
    }


def check(source: Path, output: Path, small: Path) -> dict[str, Any]:
    """That every row of the input is there, once, in its place, and says what it must.

    Raises:
        SystemExit: if not.
    """
    with small.open("rb") as expected, output.open("rb") as found:
        same = sum(one == other for one, other in zip(expected, found, strict=False))
    if same != _lines(small):
        sys.exit(f"only {same} of {_lines(small)} lines are those of the run left alone")
    model = skimrnn.load(MODEL)
    step = max(1, _lines(source) // CHECKED)
    rows = compared = 0
    with (
        source.open(newline="", encoding="utf-8") as given,
        output.open(newline="", encoding="utf-8") as written,
    ):
        for before, after in zip(csv.DictReader(given), csv.DictReader(written), strict=True):
            if int(after["id"]) != rows or before["text"] != after["text"] or not after["label"]:
                sys.exit(f"row {rows} of the output is {after}")
            if rows % step == 0:
                reading = model.read(before["text"])
                told = (after["label"], int(after["words"]), float(after["skim_rate"]))
                if told != (reading.label, len(reading), round(reading.skim_rate or 0, 6)):
                    sys.exit(f"row {rows} of the output is {after}, and the reading {reading}")
                compared += 1
            rows += 1
    return {"rows_in_order": rows, "same_as_small_run": same - 1, "same_as_reading": compared}


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _rows(parts: Path) -> int:
    """Rows in the parts that are written."""
    if not parts.is_dir():
        return 0
    return sum(int(path.name.split("-")[1]) for path in parts.glob("[0-9]*"))


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []


def _memory(pid: int) -> tuple[int, int]:
    """Bytes resident now, and at most so far; zeros for a process that is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    found = {name: int(value.split()[0]) * 1024 for name, value in (
        line.split(":") for line in lines if line.startswith(("VmRSS", "VmHWM"))
    )}  # fmt: skip
    return found.get("VmRSS", 0), found.get("VmHWM", 0)


def _processor_seconds() -> float:
    """Of children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if not os.path.isdir("/proc/self"):
        sys.exit("this needs Linux's /proc to watch memory")
    main()
