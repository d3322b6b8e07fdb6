"""Scoring a file on one machine: in batches, on many cores, resumably.

The calling process reads; workers, processes of their own, score batches and write them as parts;
at the end the parts are joined. At most two batches a worker are on their way, so that memory does
not grow with the file.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any, NamedTuple

from skimrnn.decision import rules_or_own
from skimrnn.files import new_file, sha256, write_atomically
from skimrnn.machine import usable_cores
from skimrnn.scoring.files import Batch, ScoringError, Sink, listed
from skimrnn.scoring.kinds import kind_of, make_sink, open_source
from skimrnn.scoring.parts import Part, Parts, Rows, became
from skimrnn.scoring.scorer import BatchScorer, is_text

BATCH_ROWS = 10_000
AHEAD = 2
"""Batches for each worker that are read before it needs them."""


class Scored(NamedTuple):
    """How far a run is.

    Attributes:
        share: of the input that has been read, in [0, 1].
        rows: that have been scored, by this run and those before it.
        unlabelled: of these, rows without a text, which have no label.
        resumed: of these, rows that were there when this run began.
    """

    share: float
    rows: int
    unlabelled: int
    resumed: int


def score_file(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    scorer: BatchScorer,
    *,
    workers: int | None = None,
    batch_rows: int = BATCH_ROWS,
    strict: bool = False,
    overwrite: bool = False,
    show: Callable[[Scored], None] | None = None,
) -> Scored:
    """Write a table again with what a model says of its texts.

    What has been scored stands in the folder ``OUTPUT.parts`` until all has: a run that was
    killed goes on from there if it is started again in the same way. The order of the rows is
    kept, and their other columns are.

    Args:
        source: a file whose name ends in ``.csv``, ``.jsonl``, ``.ndjson``, each also with
            ``.gz``, or in ``.parquet``.
        output: the file to write, of any of these kinds.
        scorer: the model, the texts' column and what to add.
        workers: processes that score; as many as there are cores to use if None; 1 is the calling
            one alone. More than one are started anew: a script that calls this needs the usual
            ``if __name__ == "__main__":``.
        batch_rows: rows of a batch; it ends earlier where texts are long.
        strict: whether a row without a text is an error. If not, what is added to it is empty.
        overwrite: whether ``output`` may be there already, and is then replaced at the end.
        show: called with how far it is.

    Returns:
        What was scored.

    Raises:
        ScoringError: if the input cannot be read or has no such column, the output is there, parts
            are there that were made in another way, another run is at it, or a row has no text and
            ``strict`` is set.
        ImportError: if a file is parquet and pyarrow is not installed.
        ValueError: if the model or an option is refused.
        OSError: if a file cannot be read or written.
    """
    source, output = Path(source), Path(output)
    if workers is None:
        workers = usable_cores()
    for name, value in (("workers", workers), ("batch_rows", batch_rows)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1; got {value!r}")
    _check_paths(source, output, overwrite)
    _ = scorer.loaded  # refused before anything is read
    reader = open_source(source)
    batches = reader.batches(batch_rows)
    first = next(batches)
    _check_columns(first, source, scorer)
    sink = make_sink(output, first, scorer.added)
    before = source.stat()
    parts = Parts(output, _settings(source, scorer, batch_rows))
    with parts.alone():
        if (done := became(output)) and not (strict and done.unlabelled):
            parts.remove()
            return Scored(1.0, *done, resumed=done.rows)
        found = parts.found()
        resumed = sum(part.rows for part in found.values())
        _refuse_unlabelled(found, strict, parts)
        begun = 0  # batches, of which those are passed over that are there

        def tasks() -> Iterator[_Task]:
            nonlocal begun
            row = 1
            for batch in itertools.chain([first], batches):
                if begun not in found:
                    yield begun, row, batch
                begun, row = begun + 1, row + len(batch)

        def told() -> Scored:
            rows, unlabelled = (sum(column) for column in [*zip(*found.values(), strict=True)][1:])
            return Scored(reader.done(), rows, unlabelled, resumed)

        for part in _work(_Job(scorer, sink, parts, source, strict), tasks(), workers):
            found[part.number] = part
            if show is not None:
                show(told())
        after = source.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise ScoringError(
                f"{source} was changed while it was read; remove {parts.folder} and begin anew"
            )
        with new_file(Path(os.path.realpath(output))) as file:
            sink.join((parts.path(found[number]) for number in range(begun)), file)
            parts.joined(file, Rows(*told()[1:3]))
    parts.remove()
    return told()


_Task = tuple[int, int, Batch]
"""A batch with its number, from 0, and that of its first row, from 1."""


@dataclass(frozen=True)
class _Job:
    """What is done with each batch; picklable."""

    scorer: BatchScorer
    sink: Sink
    parts: Parts
    source: Path
    strict: bool

    def __call__(self, number: int, row: int, batch: Batch) -> Part:
        _refuse_names(batch, self.source, self.scorer)
        texts = batch.texts(self.scorer.column)
        without = [index for index, text in enumerate(texts) if not is_text(text)]
        if without and self.strict:
            value = repr(texts[without[0]])
            raise ScoringError(
                f"{self.source}, row {row + without[0]}: no text in the column "
                f"{self.scorer.column!r}; got {value[:60]}. Mend the row, or leave out strict to "
                "give such rows no label"
            )
        part = Part(number, len(batch), len(without))
        data = self.sink.part(batch, self.scorer.score(texts), first=number == 0)
        write_atomically(self.parts.path(part), data)
        return part


def _work(job: _Job, tasks: Iterator[_Task], workers: int) -> Iterator[Part]:
    """Do a job on all batches; in any order, but with one worker."""
    if workers == 1:
        yield from itertools.starmap(job, tasks)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (job,))
    pending: set[Future[Part]] = set()
    try:
        for task in tasks:
            if len(pending) == AHEAD * workers:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
            pending.add(pool.submit(_do, *task))
        while pending:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in finished)
    except BrokenProcessPool as error:
        raise ScoringError(
            f"a worker ended without a word (killed, perhaps for memory); what was scored is in "
            f"{job.parts.folder}, run the same again to go on"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_job: _Job | None = None
"""In a worker: what it was begun for."""


def _begin(job: _Job) -> None:
    """Begin a worker: it ignores interrupts, and ends when its caller does."""
    global _job
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_caller, daemon=True).start()
    _job = job
    _ = job.scorer.loaded


def _end_with_caller() -> None:
    caller = parent_process()
    assert caller is not None
    connection.wait([caller.sentinel])
    os._exit(1)


def _do(number: int, row: int, batch: Batch) -> Part:
    assert _job is not None
    return _job(number, row, batch)


def _check_paths(source: Path, output: Path, overwrite: bool) -> None:
    for path in (source, output):
        kind_of(path)
    if not source.is_file():
        what = "is not a file that can be read twice" if source.exists() else "does not exist"
        raise ScoringError(f"{source} {what}; give the path of a file")
    if output.is_dir():
        raise ScoringError(f"{output} is a folder; give the path of a file to write")
    if output.exists():
        if output.samefile(source):
            raise ScoringError(f"{output} is the input itself; give another path to write")
        if not overwrite and not became(output):
            raise ScoringError(
                f"{output} is there already; give another path, or overwrite (--overwrite)"
            )


def _check_columns(first: Batch, source: Path, scorer: BatchScorer) -> None:
    if scorer.column not in first.names and (first.names or len(first)):
        raise ScoringError(
            f"{source} has no column {scorer.column!r}; its columns are {listed(first.names)}; "
            "name the one with the texts (--column)"
        )
    _refuse_names(first, source, scorer)


def _refuse_names(batch: Batch, source: Path, scorer: BatchScorer) -> None:
    twice = [name for name in batch.names if name in scorer.added]
    if twice:
        raise ScoringError(
            f"{source} has a column {listed(twice)} already, which would be added; give what is "
            "added another name by a prefix (--prefix predicted_)"
        )


def _refuse_unlabelled(found: Mapping[int, Part], strict: bool, parts: Parts) -> None:
    """What an earlier run, which was not strict, let pass."""
    rows = sum(part.unlabelled for part in found.values())
    if strict and rows:
        raise ScoringError(
            f"{rows:,} of the rows that an earlier run scored have no text, which --strict "
            f"refuses; leave it out, or delete {parts.folder} to begin anew"
        )


def _settings(source: Path, scorer: BatchScorer, batch_rows: int) -> dict[str, Any]:
    """All that decides what the parts are."""
    model = scorer.loaded
    [rule] = rules_or_own(
        model.rule, model.config, 1, scorer.threshold, scorer.budget, scorer.burst
    )
    return {
        "input_bytes": source.stat().st_size,
        "input_sha256": sha256(source),
        "model": model.digest,
        "implementation": model.implementation,
        "precision": model.precision,
        **asdict(rule),
        "column": scorer.column,
        "added": list(scorer.added),
        "batch_rows": batch_rows,
    }
