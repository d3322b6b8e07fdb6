"""Run the slow test suites, which `.ci/run` leaves out, and keep how they ended.

    python -m benchmarks.suites [--suite NAME ...]

Each is a target of the Makefile. Writes ``results/suites.json``, a suite's entry once it has ended;
``python -m benchmarks.suites_report`` puts them into CONTRIBUTING.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS, provenance
from skimrnn.files import write_atomically

ROOT = Path(__file__).parent.parent
RESULT = RESULTS / "suites.json"

SUITES = {
    "test-cpp": "the C++ alone, without Python, against the reference's numbers",
    "test-arm": "the same for 64-bit ARM, by an emulator",
    "test-old": "the package on an emulated x86-64 CPU without AVX2",
    "test-wheel": "the wheel and the sdist, installed into an empty environment",
    "test-browser": "the page in Chromium; the API by Schemathesis",
    "test-ray": "scoring on a local Ray cluster, a worker killed in the middle",
    "fuzz": "random texts, models and damaged folders, with sanitizers and without",
}


def main() -> None:
    """Run the suites that are named, or all."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.suites",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--suite", nargs="*", choices=tuple(SUITES), default=list(SUITES))
    for name in parser.parse_args().suite:
        entry = run(name)
        found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        whole = {
            one: {**found, name: entry}[one] for one in SUITES if one in {**found, name: entry}
        }
        write_atomically(RESULT, (json.dumps(whole, indent=1) + "\n").encode())


def run(name: str) -> dict[str, Any]:
    """How a suite ended."""
    began = time.monotonic()
    done = subprocess.run(
        ["make", name], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    print(done.stdout, flush=True)
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return {
        "passed": done.returncode == 0,
        "seconds": round(time.monotonic() - began),
        "end": lines[-1] if lines else "",
        **provenance(f"make {name}"),
    }


if __name__ == "__main__":
    main()
