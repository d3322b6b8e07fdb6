"""Write the measured part of docs/start.md from results/newcomer.json.

    python -m benchmarks.newcomer_report [--check]

``--check`` writes nothing and fails if the page is not what the result says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.newcomer import RESULT
from benchmarks.pages import between, write_or_check

PAGE = Path(__file__).parent.parent / "docs" / "start.md"


def main() -> None:
    """Write the page, or check it."""

    def pages() -> dict[Path, str]:
        return {PAGE: between(PAGE, "measured", make_part(json.loads(RESULT.read_text())))}

    write_or_check("benchmarks.newcomer_report", __doc__, pages)


def make_part(result: dict[str, Any]) -> str:
    """The commands, and a table of their times."""
    steps = result["steps"]
    lines = [
        "```sh",
        *(step["command"] for step in steps),
        "```",
        "",
        "| command | seconds |",
        "| --- | ---: |",
        *(f"| `{step['command']}` | {step['seconds']:.1f} |" for step in steps),
        f"| all {len(steps)} | {sum(step['seconds'] for step in steps):.0f} |",
        "",
        f"Measured by `{result['command']}` on {result['date'][:10]} at commit "
        f"{result['commit'][:7]}, {result['cpu']}, packages from a registry nearby; beside it the "
        f"machine did {result['beside']}. The table has {result['rows']:,} made-up reviews; the "
        f"model tells {result['validation_accuracy']:.1%} of those held out rightly and skims "
        f"{result['skim_rate']:.0%} of the words; the last time is until the page is served.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
