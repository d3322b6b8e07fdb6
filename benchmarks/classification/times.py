"""Time the models of the classification runs, from text to label, side by side.

    python -m benchmarks.classification.times [--task NAME ...] [--later | --row NAME ...]
                                              [--data-dir DIR]

Needs the models that ``benchmarks.classification`` leaves under ``runs/classification``, and a
quiet machine: nothing else should run. Writes ``results/times.json``, keeping tasks not named.
The tuned plain LSTM's model must be there. ``--later`` adds a sitting of the rows that have no time
yet, beside it, ``--row`` one of these rows, whose new time takes the old one's place; ``timed.py``
says how sittings are brought together.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import skimrnn
from benchmarks.classification import controls
from benchmarks.classification.linear import Linear
from benchmarks.classification.rows import (
    FOLDS,
    ROWS,
    SEEDS,
    SOURCES,
    TASKS,
    WORDS_LEFT,
)
from benchmarks.classification.runs import Run, cut
from benchmarks.classification.timed import BESIDE, PATH, PLAIN, PRECISIONS, beside_of
from benchmarks.machine import provenance
from skimrnn.bench.networks import Network
from skimrnn.bench.peers import PEERS, Peer
from skimrnn.bench.timing import in_own_thread, take_turns
from skimrnn.files import write_atomically
from skimrnn.model_file import read_model
from skimrnn.nn.timed import set_up
from skimrnn.tasks import Examples, load_task

TEXTS, ROUNDS = 400, 7


@dataclass(frozen=True)
class Contender:
    """What is timed on a text, and what is said of it.

    Attributes:
        row: of the table; of an engine, that of the model it reads.
        precision: of its weights.
        reader: what reads: an instruction set of ours, or another's name.
        call: from a text to anything.
        bytes: of the saved model; None for another's.
        accuracy: share of all test texts that it labels rightly; None for an engine.
    """

    row: str
    precision: str
    reader: str
    call: Callable[[str], object]
    bytes: int | None
    accuracy: float | None


def main() -> None:
    """Measure, then write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    timed = tuple(task for task in TASKS if task != FOLDS)
    parser.add_argument("--task", nargs="*", choices=timed, default=timed)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    some = parser.add_mutually_exclusive_group()
    some.add_argument("--later", action="store_true", help="only what has no time yet")
    some.add_argument("--row", nargs="+", choices=tuple(ROWS), help="only these", metavar="NAME")
    arguments = parser.parse_args()
    set_up(threads=1)  # torch's: process time would charge it for those that wait
    result = json.loads(PATH.read_text()) if PATH.exists() else {}
    for task in arguments.task:
        test = load_task(SOURCES.get(task, task), data_dir=arguments.data_dir).test
        added = bool(arguments.later or arguments.row)
        rows = {*arguments.row, *PLAIN.values()} if arguments.row else ROWS
        contenders = contenders_of(task, test, () if added else PEERS, rows)
        if arguments.later:
            contenders = untimed(contenders, result[task])
        if BESIDE not in {one.row for one in contenders} or len(contenders) < 2:
            print(f"{task}: no {BESIDE}, or nothing beside it, under runs/classification")
            continue
        measured = in_own_thread(lambda c=contenders, t=test: measure(c, t))  # type: ignore[misc]
        sitting = {"rows": measured, **provenance(command(task, arguments.later, arguments.row))}
        if added:
            result[task].setdefault("later", []).append(sitting)
        else:
            result[task] = sitting
        write_atomically(PATH, (json.dumps(result, indent=1) + "\n").encode())


def command(task: str, later: bool, rows: Sequence[str] | None) -> str:
    """The command that makes one sitting of a task."""
    only = (["--later"] if later else []) + (["--row", *rows] if rows else [])
    return " ".join(["python -m benchmarks.classification.times", "--task", task, *only])


def untimed(contenders: list[Contender], task: dict[str, Any]) -> list[Contender]:
    """Those that no sitting has timed, and our plain LSTMs if there are any."""
    sittings = (task, *task.get("later", ()))
    timed = {row["row"] for sitting in sittings for row in sitting["rows"]}
    new = {one.row for one in contenders if one.row not in timed}
    wanted = new and new.union(PLAIN.values())
    return [one for one in contenders if one.row in wanted and one.bytes is not None]


def contenders_of(
    task: str, test: Examples, engines: Sequence[Peer] = PEERS, rows: Collection[str] = ROWS
) -> list[Contender]:
    """Every one of these rows that has a model of its first seed, and engines on ``BESIDE``."""
    found: list[Contender] = []
    for name in (name for name in ROWS if name in rows):
        row = ROWS[name]
        run = Run(task, name, SEEDS[task][0])
        # Given levels take what learned ones take, and settings of their own change no shape.
        if row.given or row.searched or not run.folder.exists():
            continue
        if row.linear:
            found.append(_linear(run, test))
        elif row.control:
            found.append(_control(run, test))
        else:
            found += [_ours(run, test, precision) for precision in PRECISIONS]
    beside = Run(task, BESIDE, SEEDS[task][0])
    if beside.folder.exists():
        found += [_engine(BESIDE, beside.folder, peer) for peer in engines]
    return found


def _ours(run: Run, test: Examples, precision: str) -> Contender:
    model = skimrnn.load(run.folder, precision=precision)
    texts, call = test.texts, model.predict_proba
    if (which := run.row.cut) is not None:
        left = {text: cut(text, which, WORDS_LEFT[run.task]) for text in texts}
        texts = [left[text] for text in texts]
        call = lambda text: model.predict_proba(left[text])  # noqa: E731
    labels = model.predict(texts, workers=2)
    right = np.mean([one == model.labels[t] for one, t in zip(labels, test.targets, strict=True)])
    size = _size(run.folder, "model.safetensors", "vocabulary.txt", "config.json")
    return Contender(run.name, precision, model.implementation, call, size, float(right))


def _control(run: Run, test: Examples) -> Contender:
    control = controls.load(run.folder)
    right = controls.measure(control, test)["accuracy"]
    size = _size(run.folder, *(path.name for path in run.folder.glob("*.npz")))
    return Contender(
        run.name, "float32", control.implementation, control.predict_proba, size, right
    )


def _linear(run: Run, test: Examples) -> Contender:
    model = Linear.read(run.folder / "model.pickle")
    right = json.loads(run.result.read_text())["test"]["accuracy"]
    size = _size(run.folder, "model.pickle")
    reader = model.implementation
    return Contender(run.name, model.precision, reader, model.predict_proba, size, right)


def _engine(row: str, folder: Path, peer: Peer) -> Contender:
    """Another engine's LSTM behind our scanner, without a head: what it could be at best."""
    from benchmarks.scanner import scanner

    file = read_model(folder)
    assert file.text is not None
    embedding = np.ascontiguousarray(file.text.embedding, np.float32)
    read = peer.make(Network(file.config, dict(file.parameters), embedding, None))
    words = scanner(file.text.vocabulary)

    def call(text: str) -> object:
        return read(words.rows(text))

    return Contender(row, peer.precision, peer.engine, call, None, None)


def _size(folder: Path, *names: str) -> int:
    return sum((folder / name).stat().st_size for name in names)


def measure(contenders: list[Contender], test: Examples) -> list[dict[str, Any]]:
    """Microseconds of every contender on the same texts, and over the plain row's of ours."""
    some = np.random.default_rng(0).permutation(len(test))[:TEXTS]
    scan = skimrnn.text.scan
    chosen = [test.texts[at] for at in some if len(scan(test.texts[at]).words)]
    words = [len(scan(text).words) for text in chosen]
    taken = take_turns([one.call for one in contenders], chosen, words, ROUNDS)
    own = [times.per_round() for times in taken]
    plain = {
        (one.row, one.precision): times
        for one, times in zip(contenders, own, strict=True)
        if one.row in PLAIN.values() and one.bytes is not None
    }
    engines = [times for one, times in zip(contenders, own, strict=True) if one.accuracy is None]
    rows = []
    for one, times in zip(contenders, own, strict=True):
        base = plain.get((PLAIN[ROWS[one.row].recipe], beside_of(one.precision)))
        rows.append(
            {
                "row": one.row,
                "precision": one.precision,
                "reader": one.reader,
                "texts": len(chosen),
                "words": int(sum(words)),
                "accuracy": one.accuracy,
                "bytes": one.bytes,
                "us_per_word": float(np.median(times)),
                "us_per_word_spread": float(np.ptp(times)),
                "us_per_text": float(np.median(times)) * sum(words) / len(chosen),
                "plain_over_this": None if base is None else float(np.median(base / times)),
                "best_engine_over_this": min(
                    (float(np.median(engine / times)) for engine in engines), default=None
                ),
            }
        )
    return rows


if __name__ == "__main__":
    main()
