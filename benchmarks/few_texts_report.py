"""Write the part of docs/choosing.md about few labelled texts from results/few-texts.json.

    python -m benchmarks.few_texts_report [--check]

``--check`` writes nothing and fails if the page is not what the result says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.classification.rows import TITLES
from benchmarks.few_texts import COUNTS, RESULT
from benchmarks.pages import between, write_or_check

PAGE = Path(__file__).parent.parent / "docs" / "choosing.md"

_SAID = {
    "anew": "anew, with GloVe",
    "start": "going on from `{}`",
    "linear": "tf-idf of words and pairs, logistic regression",
    "as it is": "`{}` as it is",
}


def main() -> None:
    """Write the page, or check it."""

    def pages() -> dict[Path, str]:
        return {PAGE: between(PAGE, "few texts", make_part(json.loads(RESULT.read_text())))}

    write_or_check("benchmarks.few_texts_report", __doc__, pages)


def make_part(result: dict[str, Any]) -> str:
    """A table of test accuracies by the number of texts that were learnt from."""
    found: dict[tuple[str, str], dict[int, str]] = {}
    for row in result["rows"]:
        accuracy = 100 * np.array(row["accuracy"])
        spread = f" ± {accuracy.std(ddof=1):.1f}" if len(accuracy) > 1 else ""
        by_count = found.setdefault((row["task"], row["method"]), {})
        by_count[row["texts"]] = f"{accuracy.mean():.1f}{spread}"
    heads = ("none", *(f"{count:,}" for count in COUNTS))
    lines = [
        f"| test accuracy %, by labelled texts | {' | '.join(heads)} |",
        f"| --- |{' ---: |' * len(heads)}",
    ]
    for (task, method), by_count in found.items():
        cells = [by_count.get(count, "") for count in (0, *COUNTS)]
        said = _SAID[method].format(result["bundled"])
        title = TITLES[task].split(",")[0]
        lines.append(f"| {title}: {said} | {' | '.join(cells)} |")
    seeds = max(len(row["accuracy"]) for row in result["rows"])
    lines += [
        "",
        f"Mean ± standard deviation of {seeds} draws of the texts, a tenth of which is held out to "
        f"judge by; settings as they come (`{result['command']}`).",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
