"""Read whole film reviews with the model for them, for pictures of what was read.

    python -m benchmarks.classification.reviews [--model FOLDER]

The reviews, ``reviews.txt``, were written for this purpose about films that do not exist; they are
in no data set. Needs the model that ``benchmarks.classification`` leaves under
``runs/classification``. Writes ``results/reviews.json``, which ``pictures`` draws.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import skimrnn
from benchmarks.classification.rows import LEARNED
from benchmarks.classification.runs import Run
from benchmarks.machine import RESULTS, provenance
from skimrnn.files import write_atomically
from skimrnn.show import view

TEXTS = Path(__file__).parent / "reviews.txt"
RESULT = RESULTS / "reviews.json"
BETWEEN = "\n----\n"
MEANT = ("negative", "positive", "negative")
"""What each review was written to be, before any model had read it."""


def main() -> None:
    """Read, then write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    default = Run("imdb", LEARNED, 0).folder
    parser.add_argument("--model", type=Path, default=default, help="a model folder")
    folder = parser.parse_args().model
    model = skimrnn.load(folder)
    result = {
        "model": folder.name,
        "digest": model.digest,
        "meant": MEANT,
        "views": [view(model.read(text)) for text in reviews()],
        **provenance("python -m benchmarks.classification.reviews"),
    }
    write_atomically(RESULT, (json.dumps(result, ensure_ascii=False) + "\n").encode())


def reviews() -> list[str]:
    """The reviews, paragraphs divided by an empty line."""
    return [text.strip() for text in TEXTS.read_text(encoding="utf-8").split(BETWEEN)]


if __name__ == "__main__":
    main()
