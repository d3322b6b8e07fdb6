"""Time everything about reading: what docs/benchmarks.md shows.

    python -m benchmarks.speed [--data-dir DIR] [--processor NAME]

Writes ``results/speed.json``, or ``results/speed-NAME.json`` of another processor beside it; some
minutes. ``python -m benchmarks.speed_report`` makes the page of all.
"""

from __future__ import annotations

import argparse
import json

from benchmarks import precision, resources, text
from benchmarks.machine import RESULTS, provenance
from skimrnn.bench import bench
from skimrnn.bench.reading import ALL_SIZES
from skimrnn.files import sha256, write_atomically
from skimrnn.runtime import bundled_models, model_folder

TASKS = ("imdb", "sst")


def main() -> None:
    """Measure, then write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    parser.add_argument("--processor", help="name of the result of another processor, such as avx2")
    options = parser.parse_args()
    data_dir, other = options.data_dir, options.processor
    path = RESULTS / (f"speed-{other}.json" if other else "speed.json")
    command = "python -m benchmarks.speed" + (f" --processor {other}" if other else "")
    result = {
        "rows": [row.to_dict() for row in bench(ALL_SIZES, all_implementations=True, show=print)],
        "text": [row for task in TASKS for row in text.rows(task, data_dir)],
        "precision": precision.rows(data_dir),
        "resources": resources.rows(),
        "bundled": {
            name: sha256(model_folder(name) / "model.safetensors") for name in bundled_models()
        },
        **provenance(command),
    }
    write_atomically(path, (json.dumps(result, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
