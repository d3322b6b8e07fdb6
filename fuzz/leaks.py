"""Many texts and many refusals: the memory that the process holds does not grow.

python -m fuzz.leaks [--texts 1000000]
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import skimrnn
from fuzz.texts import random_texts

ALLOWED = 8 * 2**20
"""Bytes: allocators round up and keep some; a leak of ten bytes a text would be more."""


def resident() -> int:
    """Bytes of memory that this process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def growth(work: Callable[[], object], times: int) -> int:
    """Bytes by which the process grows while ``work`` is done so often, once warmed up."""
    for _ in range(max(10, times // 10)):
        work()
    before = resident()
    for _ in range(times):
        work()
    return resident() - before


def refused(model: skimrnn.Model) -> None:
    """Calls that end in an error, inside the extension and before it."""
    for call in (
        lambda: model.predict(["good", 3]),
        lambda: model.read("good", budget=7),
        lambda: model._reader.read_words(np.array([-1], np.int32), skimrnn.Rule()),
        lambda: model._texts.head(np.zeros(3, np.float32)),
    ):
        try:
            call()
        except (TypeError, ValueError):
            continue
        raise AssertionError("this should have been refused")


def check(texts: int) -> dict[str, int]:
    """Growth in bytes by what was done, for about so many texts each."""
    model = skimrnn.load("sst")
    batch = random_texts(1000, 0)
    some = batch[:100]

    def session() -> None:
        one = model.session()
        one.feed("a film that is")
        one.clone().finish()

    grown = {
        "predict": growth(lambda: model.predict(batch), texts // 1000),
        "read": growth(lambda: model.read(some), texts // 500),
        "threads": growth(lambda: model.predict(batch, workers=4), texts // 5000),
        "sessions": growth(session, texts // 200),
    }
    if model.implementation != "numpy":
        grown["refusals"] = growth(lambda: refused(model), texts // 100)
    return grown


def main() -> None:
    """Check, and fail where the process grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=1_000_000)
    grown = check(parser.parse_args().texts)
    for name, size in grown.items():
        print(f"{name:10} {size / 2**20:+.2f} MiB")
    if max(grown.values()) > ALLOWED:
        sys.exit("memory grew")


if __name__ == "__main__":
    main()
