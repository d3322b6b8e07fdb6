"""Time everything about reading: what docs/benchmarks.md shows.

    python -m benchmarks.speed [--data-dir DIR]

Writes ``results/speed.json``; some minutes. ``python -m benchmarks.speed_report`` makes the page.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks import precision, resources, text
from benchmarks.machine import provenance
from skimrnn.bench import bench
from skimrnn.bench.reading import ALL_SIZES
from skimrnn.files import sha256, write_atomically
from skimrnn.runtime import bundled_models, model_folder

RESULT = Path(__file__).parent / "results" / "speed.json"
TASKS = ("imdb", "sst")


def main() -> None:
    """Measure, then write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    data_dir = parser.parse_args().data_dir
    result = {
        "rows": [row.to_dict() for row in bench(ALL_SIZES, all_implementations=True, show=print)],
        "text": [row for task in TASKS for row in text.rows(task, data_dir)],
        "precision": precision.rows(data_dir),
        "resources": resources.rows(),
        "bundled": {
            name: sha256(model_folder(name) / "model.safetensors") for name in bundled_models()
        },
        **provenance("python -m benchmarks.speed"),
    }
    write_atomically(RESULT, (json.dumps(result, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
