"""The public hub, through the ``datasets`` package, for what is not on this machine."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skimrnn.tasks import ag_news, imdb, rotten_tomatoes, sst
from skimrnn.tasks.base import DataError, Examples, TextTask, make_task

Splits = dict[str, Examples]


@dataclass(frozen=True)
class HubSource:
    """Where a data set is on the hub, and how its splits become a task."""

    hub_id: str
    splits: tuple[str, ...]
    expected: str  # the local files that would serve instead
    make: Callable[[Splits, dict[str, Any], int], TextTask]
    text: str = "text"
    label: str = "label"


def load(name: str, *, looked_in: str, seed: int = 0) -> TextTask:
    """Return the built-in task ``name`` from the hub.

    Raises:
        DataError: if the package is missing, the hub is out of reach, or what it gives is not
            what was expected: one sentence that says which files to pass instead.
    """
    source = SOURCES[name]
    try:
        splits = {split: _fetch(source, split) for split in source.splits}
    except ImportError:
        reason = "the package datasets is not installed (pip install 'skimrnn[hub]')"
        raise missing(name, looked_in, reason) from None
    except Exception as error:  # whatever the network, the hub or the package raises
        first_line = (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")
        reason = f"{source.hub_id} could not be had ({type(error).__name__}: {first_line})"
        raise missing(name, looked_in, reason) from error
    record = {
        "source": "hub",
        "hub_id": source.hub_id,
        "sha256": {split: _digest(examples) for split, examples in splits.items()},
    }
    return source.make(splits, record, seed)


def missing(name: str, looked_in: str, reason: str, expected: str | None = None) -> DataError:
    """Return the error for a data set that neither this machine nor the hub gives.

    Args:
        name: the built-in name.
        looked_in: how to say where was looked.
        reason: why the hub does not give it.
        expected: the files that would serve; those of the source if None.
    """
    return DataError(
        f"{name} is not on this machine ({looked_in}) and not from the hub: {reason}; put "
        f"{expected or SOURCES[name].expected} into a folder and pass that with --data-dir or "
        "SKIMRNN_DATA"
    )


def import_datasets() -> Any:
    """Return the ``datasets`` package; only here is it imported."""
    import datasets

    if not hasattr(datasets, "load_dataset"):  # some folder named datasets
        raise ImportError("datasets has no load_dataset")
    return datasets


def _fetch(source: HubSource, split: str) -> Examples:
    datasets = import_datasets()
    # One attempt: the package's own time limits hold, and an unreachable hub is soon said.
    config = datasets.DownloadConfig(max_retries=0)
    table = datasets.load_dataset(source.hub_id, split=split, download_config=config)
    targets = np.array(list(table[source.label]), dtype=np.int64)
    if len(targets) and targets.min() < 0:
        raise ValueError(f"{int((targets < 0).sum())} texts of {split} have no label")
    return Examples([str(text) for text in table[source.text]], targets)


def _digest(examples: Examples) -> str:
    digest = hashlib.sha256()
    for text, target in zip(examples.texts, examples.targets.tolist(), strict=True):
        digest.update(f"{target}\0{text}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _sst(splits: Splits, record: dict[str, Any], seed: int) -> TextTask:
    counts = tuple(len(splits[split]) for split in ("train", "validation", "test"))
    if counts != sst.PUBLISHED:
        raise DataError(
            f"{record['hub_id']} has {counts} texts instead of the {sst.PUBLISHED} of SST; "
            f"pass the original files ({sst.EXPECTED}) with --data-dir or SKIMRNN_DATA"
        )
    record = {**record, "seed": None, "split": "the published one; neutral sentences left out"}
    return make_task("sst", sst.LABELS, splits, record)


def _rotten_tomatoes(splits: Splits, record: dict[str, Any], seed: int) -> TextTask:
    return rotten_tomatoes.finish_task(splits, {**record, "seed": None, "split": "the hub's own"})


def _imdb(splits: Splits, record: dict[str, Any], seed: int) -> TextTask:
    train, test = (_clean(splits[split], imdb.clean) for split in ("train", "test"))
    return imdb.split_task(train, test, record, seed=seed)


def _ag_news(splits: Splits, record: dict[str, Any], seed: int) -> TextTask:
    train, test = (_clean(splits[split], ag_news.clean) for split in ("train", "test"))
    return ag_news.split_task(train, test, record, seed=seed)


def _clean(examples: Examples, clean: Callable[[str], str]) -> Examples:
    return Examples([clean(text) for text in examples.texts], examples.targets)


_ALL = ("train", "validation", "test")

# stanfordnlp/sst2 will not do: its training texts are phrases and its test has no labels.
SOURCES = {
    "sst": HubSource("SetFit/sst2", _ALL, sst.EXPECTED, _sst),
    "rotten-tomatoes": HubSource(
        "cornell-movie-review-data/rotten_tomatoes",
        _ALL,
        rotten_tomatoes.EXPECTED,
        _rotten_tomatoes,
    ),
    "imdb": HubSource("stanfordnlp/imdb", ("train", "test"), imdb.EXPECTED, _imdb),
    "ag-news": HubSource("fancyzhx/ag_news", ("train", "test"), ag_news.EXPECTED, _ag_news),
}
