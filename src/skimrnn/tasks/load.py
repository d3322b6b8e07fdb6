"""From what a user types to a task: a built-in name, or the path of own data."""

import os
from collections.abc import Sequence
from pathlib import Path

from skimrnn.tasks import ag_news, hub, imdb, overlap, own, rotten_tomatoes, squad, sst
from skimrnn.tasks.base import DataError, Examples, TextTask
from skimrnn.tasks.questions import QuestionTask

SST_AND_ROTTEN_TOMATOES = "sst+rotten-tomatoes"
BUILT_IN = ("sst", "rotten-tomatoes", "imdb", "ag-news", SST_AND_ROTTEN_TOMATOES)

_Data = str | os.PathLike[str]


def load_task(
    data: _Data,
    *,
    data_dir: _Data | None = None,
    phrases: bool = False,
    seed: int = 0,
    text_column: str | None = None,
    label_column: str | None = None,
    label_separator: str | None = None,
) -> TextTask:
    """Return a task for training.

    Args:
        data: a bare word is one of `BUILT_IN`; with a separator (``./reviews.csv``) it is the
            path of own data.
        data_dir: folder of the built-in data sets; without it that of the environment variable
            ``SKIMRNN_DATA``, else ``./data``. What is not there comes from the public hub.
        phrases: train on the phrases of SST (needs its trees) instead of its sentences.
        seed: draws the splits that are not published; the record has it.
        text_column: for own files, the column of the text; common names are found by themselves.
        label_column: for own files, the column of the label.
        label_separator: for own files, what stands between a text's labels, of which it may then
            have any number.

    Raises:
        DataError: if the data are unknown, absent, malformed or unusable.
    """
    name = _built_in_name(data)
    if phrases and name not in ("sst", SST_AND_ROTTEN_TOMATOES):
        raise DataError(f"only SST has labelled phrases to train on; got {os.fspath(data)!r}")
    if name is None:
        path = Path(data).expanduser()
        return own.load(
            path,
            seed=seed,
            text_column=text_column,
            label_column=label_column,
            label_separator=label_separator,
        )
    _refuse_columns(name, text_column, label_column, label_separator)
    folder, looked_in = find_data_dir(data_dir)
    if name == SST_AND_ROTTEN_TOMATOES:
        sst_task, neutral = _load_sst(folder, looked_in, phrases=phrases)
        rotten = _load_published("rotten-tomatoes", folder, looked_in, seed)
        return overlap.combine(sst_task, rotten, neutral)
    if name == "sst":
        return _load_sst(folder, looked_in, phrases=phrases)[0]
    return _load_published(name, folder, looked_in, seed)


def load_examples(
    data: _Data,
    labels: Sequence[str],
    *,
    data_dir: _Data | None = None,
    seed: int = 0,
    text_column: str | None = None,
    label_column: str | None = None,
    label_separator: str | None = None,
) -> Examples:
    """Return texts to evaluate a model with, their classes being rows of the model's ``labels``.

    Args:
        data: a built-in name (its test split) or a path (the test split of a folder that has
            one, else all of it).
        labels: the labels of the model.
        data_dir: as for `load_task`.
        seed: as for `load_task`; for a model trained on the same data, the seed of its record.
        text_column: as for `load_task`.
        label_column: as for `load_task`.
        label_separator: as for `load_task`.

    Raises:
        DataError: as `load_task`, and if the data have labels that the model does not know.
    """
    if _built_in_name(data) is None:
        return own.load_examples(
            Path(data).expanduser(),
            labels,
            text_column=text_column,
            label_column=label_column,
            label_separator=label_separator,
        )
    task = load_task(
        data,
        data_dir=data_dir,
        seed=seed,
        text_column=text_column,
        label_column=label_column,
        label_separator=label_separator,
    )
    unknown = [label for label in task.labels if label not in labels]
    if unknown:
        raise DataError(
            f"{task.name} has the label{'s' * (len(unknown) > 1)} {', '.join(map(repr, unknown))}; "
            f"the model knows {', '.join(map(repr, labels))}"
        )
    return task.test.among([list(labels).index(label) for label in task.labels], len(labels))


def load_questions(data: _Data, *, data_dir: _Data | None = None, seed: int = 0) -> QuestionTask:
    """Return a task of questions for training.

    Args:
        data: the bare word is ``squad``; with a separator (``./mine.json``) it is the path of an
            own file in the layout of SQuAD v1.1.
        data_dir: as for `load_task`; nothing comes from the hub.
        seed: draws the splits that are not published; the record has it.

    Raises:
        DataError: if the data are unknown, absent, malformed or unusable.
    """
    name = _built_in_name(data, ("squad",), "./mine.json")
    if name is None:
        return squad.load_own(Path(data).expanduser(), seed=seed)
    folder, looked_in = find_data_dir(data_dir)
    task = None if folder is None else squad.load(folder, seed=seed)
    if task is None:
        raise hub.missing(name, looked_in, "it is read from files only", squad.EXPECTED)
    return task


def _built_in_name(
    data: _Data, known: Sequence[str] = BUILT_IN, example: str = "./reviews.csv"
) -> str | None:
    """Return the built-in name, or None for a path; a bare word that is neither is an error."""
    word = os.fspath(data)
    if not isinstance(data, str) or "/" in word or os.sep in word:
        return None
    if word in known:
        return word
    hint = f"; for the path, say ./{word}" if word and Path(word).exists() else ""
    raise DataError(
        f"{word!r} is not a built-in data set ({', '.join(known)}), and a path has a "
        f"separator ({example}){hint}"
    )


def _refuse_columns(
    name: str, text_column: str | None, label_column: str | None, label_separator: str | None
) -> None:
    given = text_column if text_column is not None else label_column
    if given is not None:
        raise DataError(f"{name} is built in and has no column to name; got {given!r}")
    if label_separator is not None:
        raise DataError(
            f"{name} is built in and has one label a text, none to separate; got "
            f"{label_separator!r}"
        )


def find_data_dir(data_dir: _Data | None = None) -> tuple[Path | None, str]:
    """Return the data folder, if there is one, and how to say where was looked.

    Args:
        data_dir: as for `load_task`.

    Raises:
        DataError: if the folder named, here or by ``SKIMRNN_DATA``, is not one.
    """
    told, who = (os.environ.get("SKIMRNN_DATA"), "SKIMRNN_DATA")
    if data_dir is not None:
        told, who = os.fspath(data_dir), "the data folder"
    if told:
        folder = Path(told).expanduser()
        if not folder.is_dir():
            raise DataError(f"{who} is {told!r}, which is not a folder")
        return folder, f"looked in {folder}"
    default = Path("data")
    if default.is_dir():
        return default, "looked in ./data"
    return None, "there is no ./data, and SKIMRNN_DATA is not set"


def _load_sst(folder: Path | None, looked_in: str, *, phrases: bool) -> tuple[TextTask, list[str]]:
    treebank = None if folder is None else sst.read_treebank(folder)
    if treebank is not None:
        return sst.make_sst_task(treebank, phrases=phrases), treebank.neutral_held_out()
    if phrases:
        reason = "the hub's copy has no trees, so no phrases"
        raise hub.missing("sst", looked_in, reason, "sst/trees/{train,dev,test}.txt")
    return hub.load("sst", looked_in=looked_in), []


def _load_published(name: str, folder: Path | None, looked_in: str, seed: int) -> TextTask:
    loaders = {
        "rotten-tomatoes": rotten_tomatoes.load,
        "imdb": imdb.load,
        "ag-news": ag_news.load,
    }
    task = None if folder is None else loaders[name](folder, seed=seed)
    return task if task is not None else hub.load(name, looked_in=looked_in, seed=seed)
