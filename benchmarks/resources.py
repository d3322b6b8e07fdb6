"""What the package takes: time to import and load, memory, bytes to install, a second thread."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import skimrnn
from skimrnn.bench.networks import VOCABULARY, make_network
from skimrnn.bench.timing import SCALES, control_gain
from skimrnn.model_file import ModelFile, TextPart, write_model
from skimrnn.text import Vocabulary

REPEATS = 7
_LOAD = """
import time, json, resource
import numpy
from pathlib import Path
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
before, begin = resident(), time.perf_counter()
import skimrnn
model = skimrnn.load(NAME)
taken = time.perf_counter() - begin
model.predict("a first text")
print(json.dumps([taken, resident() - before]))
"""


def rows() -> dict[str, Any]:
    """Every figure of this page."""
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder, "large")
        _write_large(large)
        return {
            "load_bundled_ms": _median(lambda: 1000 * _load("sst")[0]),
            "load_imdb_ms": _median(lambda: 1000 * _load("imdb")[0]),
            "load_large_ms": _median(lambda: 1000 * _load(str(large))[0]),
            "resident_large_mb": _median(lambda: _load(str(large))[1] / 1e6),
            "resident_bundled_mb": _median(lambda: _load("sst")[1] / 1e6),
            "resident_imdb_mb": _median(lambda: _load("imdb")[1] / 1e6),
            "large_words": VOCABULARY,
            "large_hidden_size": 100,
            "wheel_mb": _wheel_bytes(Path(folder)) / 1e6,
            "threads": _threads(),
        }


def _write_large(folder: Path) -> None:
    network = make_network("lstm", 100, 5)
    words = Vocabulary(("<unknown>", *(f"word{i}" for i in range(VOCABULARY - 1))))
    head = np.zeros((2, 100), np.float32)
    text = TextPart(("no", "yes"), words, network.embedding, head, head[:, 0])
    write_model(folder, ModelFile(network.config, network.parameters, text=text))


def _load(name: str) -> tuple[float, float]:
    """Seconds to import and load, and bytes of resident memory, both beyond NumPy's."""
    done = subprocess.run(
        [sys.executable, "-c", _LOAD.replace("NAME", repr(name))],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, size = json.loads(done.stdout)
    return seconds, size


def _median(measure: Callable[[], float]) -> float:
    return float(np.median([measure() for _ in range(REPEATS)]))


def _wheel_bytes(folder: Path) -> int:
    root = Path(__file__).parent.parent
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "-w",
        str(folder),
        str(root),
    ]
    subprocess.run(command, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    return wheel.stat().st_size


def _threads() -> dict[str, Any]:
    """Two workers against one, where a control loop shows that there are two cores."""
    control = control_gain()
    if control < SCALES:
        return {"control": control, "missing": f"two threads of a control loop gain {control:.2f}"}
    model = skimrnn.load("sst")
    texts = ["It is a film that one may well see , if not twice . " * 20] * 2000

    def seconds(workers: int) -> float:
        begin = time.perf_counter()
        model.predict(texts, workers=workers)
        return time.perf_counter() - begin

    gain = float(np.median([seconds(1) / seconds(2) for _ in range(REPEATS)]))
    return {"control": control, "two_workers": gain, **_callers(model, texts[0])}


def _callers(model: skimrnn.Model, text: str, callers: int = 16) -> dict[str, float]:
    """Milliseconds a call takes among so many callers at once."""

    def one(_: int) -> list[float]:
        taken = []
        for _ in range(200):
            begin = time.perf_counter()
            model.predict(text)
            taken.append(time.perf_counter() - begin)
        return taken

    with ThreadPoolExecutor(callers) as pool:
        taken = np.concatenate(list(pool.map(one, range(callers))))
    return {
        "callers": callers,
        "call_ms_p50": 1000 * float(np.quantile(taken, 0.5)),
        "call_ms_p99": 1000 * float(np.quantile(taken, 0.99)),
    }
