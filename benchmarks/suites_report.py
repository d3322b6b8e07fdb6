"""Write the slow suites' part of CONTRIBUTING.md from results/suites.json.

    python -m benchmarks.suites_report [--check]

``--check`` writes nothing and fails if the page is not what the result says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.pages import between, write_or_check
from benchmarks.suites import RESULT, ROOT, SUITES

PAGE = ROOT / "CONTRIBUTING.md"


def main() -> None:
    """Write the page, or check it."""

    def pages() -> dict[Path, str]:
        return {PAGE: between(PAGE, "suites", make_part(json.loads(RESULT.read_text())))}

    write_or_check("benchmarks.suites_report", __doc__, pages)


def make_part(result: dict[str, Any]) -> str:
    """A row for each suite."""
    lines = ["| | what | last run | its end |", "| --- | --- | --- | --- |"]
    for name, what in SUITES.items():
        entry = result.get(name)
        when = end = "not run yet"
        if entry is not None:
            when = f"{entry['date'][:10]}, commit {entry['commit'][:7]}, {entry['seconds']} s"
            end = f"{'passed' if entry['passed'] else '**failed**'}: `{entry['end'][:100]}`"
        lines.append(f"| `make {name}` | {what} | {when} | {end} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
