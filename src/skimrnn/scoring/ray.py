"""Scoring on a cluster, with Ray Data: the same scorer, the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skimrnn.scoring.parquet import pyarrow, with_columns
from skimrnn.scoring.scorer import BatchScorer


class _TableScorer:
    """In one of the cluster's workers: tables in, tables out."""

    def __init__(self, scorer: BatchScorer) -> None:
        self._scorer = scorer
        _ = scorer.loaded

    def __call__(self, table: Any) -> Any:
        scored = self._scorer.score(table[self._scorer.column].to_pylist())
        return with_columns(table, scored, self._scorer.added)


def score_dataset(
    dataset: Any,
    scorer: BatchScorer,
    *,
    workers: int | tuple[int, int] = 1,
    batch_rows: int = 10_000,
) -> Any:
    """Add to a Ray dataset what a model says of its texts.

    Nothing is computed before the result is written or asked for. A batch whose worker died is
    scored again elsewhere, and stands in the result once. The order of rows is kept if Ray is told
    to (``ray.data.DataContext.get_current().execution_options.preserve_order``).

    Args:
        dataset: a ``ray.data.Dataset`` with the scorer's column.
        scorer: the model, the texts' column and what to add. A model that is a folder must be
            there, under this path, on every machine.
        workers: processes that score, each on one core: so many, or from so few to so many.
        batch_rows: rows that a worker takes at once.

    Returns:
        The dataset with the columns ``scorer.added``, None where a row has no text.

    Raises:
        ImportError: if Ray is not installed.
        ValueError: if the dataset has no such column, has one that would be added, or the model
            or an option is refused.
    """
    try:
        from ray.data import ActorPoolStrategy
    except ImportError as error:
        raise ImportError(
            "a cluster is scored on with Ray; install it with: pip install 'skimrnn[ray]'"
        ) from error
    pyarrow()
    _check(dataset.columns() or [], scorer)
    low, high = (workers, workers) if isinstance(workers, int) else workers
    return dataset.map_batches(
        _TableScorer,
        fn_constructor_args=(scorer,),
        compute=ActorPoolStrategy(min_size=low, max_size=high),
        batch_size=batch_rows,
        batch_format="pyarrow",
        num_cpus=1,
        max_restarts=-1,
        max_task_retries=-1,
    )


def _check(names: Sequence[str], scorer: BatchScorer) -> None:
    if scorer.column not in names:
        raise ValueError(
            f"the dataset has no column {scorer.column!r}; its columns are "
            f"{', '.join(map(repr, names))}"
        )
    twice = [name for name in names if name in scorer.added]
    if twice:
        raise ValueError(
            f"the dataset has {', '.join(map(repr, twice))} already, which would be added; give "
            "the scorer a prefix"
        )
