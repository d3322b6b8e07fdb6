"""Time a newcomer's path: from a clone to a page that serves a model of their own table.

    python -m benchmarks.newcomer [--note TEXT]

Makes each command of ``COMMANDS`` as it stands, in a shell, in an empty folder beside a made-up
table of 2,000 reviews; a package registry must be in reach. Writes ``results/newcomer.json``, of
which ``python -m benchmarks.newcomer_report`` makes docs/start.md. Some minutes, most of them
pip's.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS, provenance
from skimrnn.files import write_atomically

ROOT = Path(__file__).parent.parent
RESULT = RESULTS / "newcomer.json"
ROWS, PORT = 2000, 8000

COMMANDS = (
    "git clone <this repository> skimrnn && cd skimrnn",
    "python3 -m venv .venv && . .venv/bin/activate",
    "pip install torch==2.13.0 '.[train,serve]'",
    "skimrnn train ../reviews.csv --out ./mine",
    "skimrnn serve ./mine",
)


def main() -> None:
    """Measure, then write the result."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.newcomer",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--note", default="nothing else", help="what else the machine did")
    note = parser.parse_args().note
    with tempfile.TemporaryDirectory() as folder:
        steps, checks = walk(Path(folder))
    result = {
        "rows": ROWS,
        "steps": steps,
        **checks,
        "beside": note,
        **provenance("python -m benchmarks.newcomer"),
    }
    write_atomically(RESULT, (json.dumps(result, indent=1) + "\n").encode())


def walk(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Each command and its seconds, the last until the page answers; what was seen on the way."""
    sys.path.insert(0, str(ROOT / "tests"))
    from made_up_reviews import write_reviews

    write_reviews(folder / "reviews.csv", ROWS)
    steps: list[dict[str, Any]] = []
    entered = ""
    for command in COMMANDS[:-1]:
        print(command, flush=True)
        began = time.perf_counter()
        run = f"{entered}{command}".replace("<this repository>", str(ROOT))
        subprocess.run(["bash", "-ec", run], cwd=folder, check=True)
        steps.append({"command": command, "seconds": time.perf_counter() - began})
        if command.startswith("git"):
            entered = "cd skimrnn && "
        elif command.startswith("python3"):
            entered = "cd skimrnn && . .venv/bin/activate && "
    began = time.perf_counter()
    server = subprocess.Popen(["bash", "-ec", f"{entered}exec {COMMANDS[-1]}"], cwd=folder)
    try:
        page = _page(server)
        steps.append({"command": COMMANDS[-1], "seconds": time.perf_counter() - began})
        said = _read("one long bore of a film")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    record = json.loads((folder / "skimrnn" / "mine" / "training.json").read_text())
    best = record["best"]
    return steps, {
        "page_bytes": len(page),
        "label_of_a_bore": said,
        "validation_accuracy": best["accuracy"],
        "skim_rate": best["skim_rate"],
    }


def _page(server: subprocess.Popen[bytes]) -> bytes:
    """The page, as soon as it is served."""
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=5) as answer:
                content: bytes = answer.read()
                return content
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{COMMANDS[-1]} ended with {server.returncode}")


def _read(text: str) -> str:
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/v1/read",
        json.dumps({"texts": [text]}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        label: str = json.load(answer)["results"][0]["label"]
        return label


if __name__ == "__main__":
    main()
