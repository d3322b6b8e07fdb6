"""Write the measured part of docs/scoring.md from results/scoring.json.

    python -m benchmarks.scoring_report [--check]

``--check`` writes nothing and fails if the page is not what the result says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.pages import between, write_or_check

RESULT = Path(__file__).parent / "results" / "scoring.json"
PAGE = Path(__file__).parent.parent / "docs" / "scoring.md"


def main() -> None:
    """Write the page, or check it."""

    def pages() -> dict[Path, str]:
        return {PAGE: between(PAGE, "measured", make_part(json.loads(RESULT.read_text())))}

    write_or_check("benchmarks.scoring_report", __doc__, pages)


def make_part(result: dict[str, Any]) -> str:
    """What was measured, in words and a table."""
    runs = {
        f"{result['small']['rows']:,} rows, left alone": result["small"],
        f"{result['rows']:,} rows, until the kill": result["killed"],
        "the same, resumed": result["resumed"],
    }
    lines = [
        "| | rows scored | texts/s | texts per second of processor | peak memory: caller, worker, "
        "all |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, run in runs.items():
        used = run["processor_seconds"]
        per_core = "" if used is None else f"{run['rows'] / used:,.0f}"
        peaks = [run[f"peak_mb_{who}"] for who in ("caller", "worker", "together")]
        lines.append(
            f"| {name} | {run['rows']:,} | {run['rows'] / run['seconds']:,.0f} | {per_core} | "
            f"{', '.join(f'{peak:.0f}' for peak in peaks)} MB |"
        )
    checks = result["checks"]
    return "\n".join(
        [
            "## Measured",
            "",
            f"By `{result['command']}` on {result['date'][:10]} at commit {result['commit'][:7]}: "
            f"{result['cpu']}, {result['workers']} workers, the bundled model "
            f"`{result['model']}`, {result['rows']:,} made-up texts of "
            f"{result['words'] / result['rows']:.0f} words on average in CSV, "
            f"{result['input_bytes'] / 1e6:.0f} MB; beside it the machine did "
            f"{result['beside']}. Processor time is all processes', start and join included. The "
            "run was killed with `kill -9` after "
            f"{result['resumed']['there']:,} rows and started again.",
            "",
            *lines,
            "",
            f"All {checks['rows_in_order']:,} rows are there once and in order; the first "
            f"{checks['same_as_small_run']:,} are, byte for byte, those of the run left alone, and "
            f"{checks['same_as_reading']:,} spread over the file agree with `model.read`.",
        ]
    )


if __name__ == "__main__":
    main()
