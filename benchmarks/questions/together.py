"""Train several rows of the SQuAD table at once on one GPU, and pack them for the way home.

    python -m benchmarks.questions.together FOLDER [--row NAME ...] [--seconds N] [--data-dir DIR]

A process for each row: one that begins with the first 5,000 steps of its plain row, or has a
teacher, waits for these if they are made here too. When one fails, all are stopped, for time on a
GPU is dear; what was made is packed into FOLDER as each ends (``carry.py``), to be unpacked under
``runs/questions`` elsewhere and measured there by ``python -m benchmarks.questions``. Rows gain
from a GPU that processes can share at a time (NVIDIA's MPS).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.classification.vectors import glove
from benchmarks.questions.__main__ import plain_start
from benchmarks.questions.carry import pack
from benchmarks.questions.measured import RUNS, folder_of
from benchmarks.questions.rows import KEPT, ROWS

SEED = 0
TAIL = 15
"""Lines shown of the log of a row that failed."""


@dataclass
class Job:
    """A row to be made.

    Attributes:
        name: of the row.
        command: that makes it.
        waits_for: files that must be there before it begins.
        process: once it runs.
    """

    name: str
    command: Sequence[str]
    waits_for: Sequence[Path] = ()
    process: subprocess.Popen[bytes] | None = None


def main() -> None:
    """Train, pack, say how each row ended."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.questions.together",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--row", nargs="*", choices=tuple(ROWS), default=list(ROWS))
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    vectors, data_dir = glove(arguments.data_dir), arguments.data_dir
    arguments.folder.mkdir(parents=True, exist_ok=True)

    def ended(name: str) -> None:
        packed = pack(folder_of(name, SEED), vectors)
        packed.replace(arguments.folder / packed.name)

    run(jobs(arguments.row, data_dir), RUNS, arguments.seconds, ended)


def jobs(names: Sequence[str], data_dir: str | None) -> list[Job]:
    """What makes these rows."""
    options = ["--device", "cuda", "--train-only", "--seed", str(SEED)]
    options += [] if data_dir is None else ["--data-dir", data_dir]
    made = []
    for name in names:
        command = [sys.executable, "-m", "benchmarks.questions", "--row", name, *options]
        row, waits = ROWS[name], []
        if row.begins_plain and row.plain in names and row.plain in KEPT:
            waits.append(plain_start(name, SEED))
        if row.teacher in names:
            waits.append(folder_of(row.teacher, SEED) / "training.json")
        made.append(Job(name, command, waits))
    return made


def run(all_jobs: Sequence[Job], logs: Path, seconds: float, ended: Callable[[str], None]) -> None:
    """Run jobs side by side until all have ended, one fails or time is up.

    Raises:
        SystemExit: if one failed, with the end of its log.
    """
    logs.mkdir(parents=True, exist_ok=True)
    waiting, running, began = list(all_jobs), list[Job](), time.monotonic()
    try:
        while (waiting or running) and time.monotonic() - began < seconds:
            for job in [j for j in waiting if all(path.exists() for path in j.waits_for)]:
                waiting.remove(job)
                running.append(job)
                with (logs / f"{job.name}.log").open("wb") as log:
                    job.process = subprocess.Popen(
                        job.command,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        env={**os.environ, "OMP_NUM_THREADS": "1"},
                    )
            for job in [j for j in running if j.process and j.process.poll() is not None]:
                running.remove(job)
                assert job.process is not None
                if job.process.returncode:
                    lines = (logs / f"{job.name}.log").read_text(errors="replace").splitlines()
                    raise SystemExit("\n".join([f"{job.name} failed:", *lines[-TAIL:]]))
                ended(job.name)
                print(f"{job.name} ended after {time.monotonic() - began:.0f} s", flush=True)
            time.sleep(0.2)
        for job in (*waiting, *running):
            print(f"{job.name} has not ended; its checkpoint stays under {RUNS}", flush=True)
    finally:
        for job in running:
            if job.process is not None:
                job.process.kill()
                job.process.wait()


if __name__ == "__main__":
    main()
