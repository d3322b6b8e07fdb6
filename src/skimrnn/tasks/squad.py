"""SQuAD v1.1, questions about paragraphs of Wikipedia, and users' own files in its layout.

Rajpurkar et al., EMNLP 2016. Its own test set is not published: dev is the test here.
"""

import json
import reprlib
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from skimrnn.tasks.base import DataError
from skimrnn.tasks.questions import Answer, Question, Questions, QuestionTask, make_question_task
from skimrnn.tasks.sources import file_record, folders_to_try, read_text
from skimrnn.tasks.splits import permutation

EXPECTED = "squad/train-v1.1.json and squad/dev-v1.1.json (or .json.gz)"
HELD_OUT_SHARE = 0.05
MIN_ARTICLES = 10
"""With fewer articles, a file is split by its contexts."""

_FOLDERS = ("squad", "SQuAD")
_KINDS = {str: "a text", int: "a whole number", list: "a list"}

_T = TypeVar("_T", str, int, list[Any])


def load(data_dir: Path, *, seed: int = 0) -> QuestionTask | None:
    """Return the task read from the folder, or None if the two files are not there.

    Args:
        data_dir: the data folder, or the set's own.
        seed: draws the articles of the published train that make validation.

    Raises:
        DataError: if a file is malformed.
    """
    for folder in folders_to_try(data_dir, _FOLDERS):
        train, dev = _find(folder, "train"), _find(folder, "dev")
        if train is None or dev is None:
            continue
        (kept, validation), units = _split(read_file(train), 1, seed, train)
        record = {
            "source": "files",
            "files": [file_record(path, folder) for path in (train, dev)],
            "seed": seed,
            "split": "test is the published dev; validation is whole "
            f"{units} of the published train, drawn at random, about {HELD_OUT_SHARE:.0%} of its "
            "questions",
        }
        splits = {"train": kept, "validation": validation, "test": read_file(dev)}
        return make_question_task("squad", splits, record)
    return None


def load_own(path: Path, *, seed: int = 0) -> QuestionTask:
    """Return the task made of a user's own file, as `read_file` reads it.

    Validation and test are whole articles, about `HELD_OUT_SHARE` of the questions each; whole
    contexts, if there are fewer than `MIN_ARTICLES` articles.

    Raises:
        DataError: if the file is malformed, or too small to be split.
    """
    (train, validation, test), units = _split(read_file(path), 2, seed, path)
    absolute = path.absolute()
    record = {
        "source": "files",
        "files": [file_record(absolute, absolute.parent)],
        "seed": seed,
        "split": f"validation and test are whole {units}, drawn at random, about "
        f"{HELD_OUT_SHARE:.0%} of the questions each; train is the rest",
    }
    name = path.resolve().name.removesuffix(".gz").removesuffix(".json")
    splits = {"train": train, "validation": validation, "test": test}
    return make_question_task(name, splits, record)


def read_file(path: Path) -> Questions:
    """Return the questions of a file in the official layout, JSON, unpacked if it ends in ``.gz``.

    Raises:
        DataError: if the file cannot be read, has another layout, holds no question, or one
            without an answer (as SQuAD v2.0 does), or an answer is not where it should be.
    """
    contexts: list[str] = []
    titles: list[str] = []
    questions: list[Question] = []
    for number, article in enumerate(_get(_read_json(path), "data", list, f"{path}"), start=1):
        title = _get(article, "title", str, f"{path}, article {number}")
        about = f"{path}, article {title!r}"
        for place, paragraph in enumerate(_get(article, "paragraphs", list, about), start=1):
            where = f"{about}, paragraph {place}"
            context = _get(paragraph, "context", str, where)
            for asked in _get(paragraph, "qas", list, where):
                questions.append(_question(asked, len(contexts), where))
            contexts.append(context)
            titles.append(title)
    if not questions:
        raise DataError(f"{path} holds no question; expected some in its paragraphs' 'qas'")
    try:
        return Questions(contexts, titles, questions)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def predictions_to_json(predictions: Mapping[str, str]) -> bytes:
    """Return the answer to each id as the official evaluation reads it."""
    return json.dumps(dict(predictions)).encode()


def read_predictions(path: Path) -> dict[str, str]:
    """Return the answer to each id of a file as `predictions_to_json` makes it.

    Raises:
        DataError: if the file cannot be read or holds anything else.
    """
    found = _read_json(path)
    if not isinstance(found, dict):
        raise DataError(f"{path}: expected an object {{id: answer}}; got {_shown(found)}")
    for asked, answer in found.items():
        if not isinstance(answer, str):
            raise DataError(
                f"{path}: expected a text as the answer to {asked!r}; got {_shown(answer)}"
            )
    return found


def _find(folder: Path, part: str) -> Path | None:
    paths = [folder / f"{part}-v1.1.json{suffix}" for suffix in ("", ".gz")]
    return next((path for path in paths if path.is_file()), None)


def _read_json(path: Path) -> Any:
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({error}); expected one object in JSON") from error


def _question(asked: Any, context: int, where: str) -> Question:
    name = _get(asked, "id", str, where)
    where = f"{where}, question {name!r}"
    answers = _get(asked, "answers", list, where)
    if not answers or asked.get("is_impossible"):
        raise DataError(
            f"{where} has no answer, which is SQuAD v2.0; only v1.1 is read, where every question "
            "has one: leave out those without"
        )
    return Question(
        name,
        _get(asked, "question", str, where),
        context,
        tuple(
            Answer(_get(answer, "text", str, where), _get(answer, "answer_start", int, where))
            for answer in answers
        ),
    )


def _get(holder: Any, key: str, kind: type[_T], where: str) -> _T:
    found = holder.get(key) if isinstance(holder, dict) else None
    if isinstance(found, kind) and not isinstance(found, bool):
        return found
    raise DataError(
        f"{where}: expected an object with {_KINDS[kind]} {key!r}; got {_shown(holder)}; "
        "write the file in the layout of SQuAD v1.1"
    )


def _shown(value: Any) -> str:
    return reprlib.repr(value)[:100]


def _split(
    questions: Questions, held_out: int, seed: int, path: Path
) -> tuple[list[Questions], str]:
    """Return what is left, then the held-out parts; and of what they are made.

    No article (or, if these are few, no context) is in two parts. A held-out part ends where the
    number of questions up to there is nearest to what is wanted.
    """
    by_article = len(set(questions.titles)) >= MIN_ARTICLES
    kind, names = ("articles", questions.titles) if by_article else ("contexts", questions.contexts)
    unit_of = [names[question.context] for question in questions.questions]
    sizes = Counter(unit_of)
    units = list(sizes)
    if len(units) <= held_out:
        raise DataError(
            f"{path} asks about too few {kind} to be split: {len(units)}; give it at least "
            f"{held_out + 1}"
        )
    order = [units[place] for place in permutation(len(units), seed).tolist()]
    total = np.cumsum([sizes[unit] for unit in order])
    edges = [0]
    for part in range(1, held_out + 1):
        wanted = part * HELD_OUT_SHARE * len(questions)
        nearest = int(np.abs(total - wanted).argmin()) + 1
        # At least one unit for this part, and one for each after it.
        edges.append(min(max(nearest, edges[-1] + 1), len(order) - 1 - held_out + part))
    parts = [set(order[edges[-1] :]), *(set(order[a:b]) for a, b in pairwise(edges))]
    taken = [
        questions.take([row for row, unit in enumerate(unit_of) if unit in part]) for part in parts
    ]
    return taken, kind
