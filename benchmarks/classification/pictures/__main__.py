"""Draw the pictures of docs/results.md from the files in ``results``.

    python -m benchmarks.classification.pictures

Draws what there are results for: ``pareto-TASK.svg``, ``theta-TASK.svg``, ``skim-rate.svg``,
``words-read.svg`` and ``review-N.svg``, into ``docs``. The same results give the same bytes, as
long as matplotlib is the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.classification.pictures import pareto, rates, read_words, theta
from benchmarks.classification.pictures.data import Results, load
from benchmarks.classification.rows import TITLES
from skimrnn.files import write_atomically
from skimrnn.show import render_svg

DOCS = Path(__file__).parents[3] / "docs"


def main() -> None:
    """Draw everything there are results for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.parse_args()
    for path in draw_all(load(), DOCS):
        print(path)


def draw_all(results: Results, folder: Path) -> list[Path]:
    """Draw into a folder; give the files in the order they were made."""
    made = []
    for task, title in TITLES.items():
        if pareto.placed(results, task):
            path = folder / f"pareto-{task}.svg"
            _tell(path, pareto.draw(results, task, title, path))
            made.append(path)
        if task in results.curves:
            path = folder / f"theta-{task}.svg"
            _tell(path, theta.draw(results.curves[task], title, path))
            made.append(path)
    if rates.tasks_of(results):
        made.append(folder / "skim-rate.svg")
        rates.draw(results, made[-1])
    if results.words:
        made.append(folder / "words-read.svg")
        read_words.draw(results.words, made[-1])
    for number, view in enumerate(results.reviews.get("views", []), start=1):
        made.append(folder / f"review-{number}.svg")
        write_atomically(made[-1], render_svg(view).encode())
    return made


def _tell(path: Path, left_out: list[str]) -> None:
    if left_out:
        print(f"{path.name}: no room for the names {', '.join(left_out)}")


if __name__ == "__main__":
    main()
