"""Questions about contexts, each with its answers: parts of the context."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.tasks.base import DataError

_SHOWN = 40


@dataclass(frozen=True)
class Answer:
    """Part of a context; ``start`` counts Unicode code points."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the answer ends: the code point after its last one."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Question:
    """A question about the context in row ``context``, with the answers that are right."""

    id: str
    text: str
    context: int
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Questions:
    """Questions with their contexts; ``titles`` names the article that each context is from.

    Raises:
        ValueError: if titles and contexts differ in number, a question has no context or no
            answer, an answer is empty or not where it should be, or two questions share an id.
    """

    contexts: list[str]
    titles: list[str]
    questions: list[Question]

    def __post_init__(self) -> None:
        if len(self.titles) != len(self.contexts):
            raise ValueError(
                f"titles must have one entry for each of the {len(self.contexts)} contexts; "
                f"got {len(self.titles)}"
            )
        for question in self.questions:
            self._check(question)
        for shared, count in Counter(question.id for question in self.questions).most_common(1):
            if count > 1:
                raise ValueError(f"{count} questions have the id {shared!r}; give each its own")

    def __len__(self) -> int:
        return len(self.questions)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> "Questions":
        """Return the questions of these rows, in this order, with the contexts that they need."""
        index = np.asarray(rows, dtype=np.int64)
        chosen = [self.questions[row] for row in index.tolist()]
        needed = sorted({question.context for question in chosen})
        row_of = {context: row for row, context in enumerate(needed)}
        return Questions(
            [self.contexts[context] for context in needed],
            [self.titles[context] for context in needed],
            [replace(question, context=row_of[question.context]) for question in chosen],
        )

    def _check(self, question: Question) -> None:
        if not 0 <= question.context < len(self.contexts):
            raise ValueError(
                f"question {question.id!r}: context must be a row of the {len(self.contexts)} "
                f"contexts, counted from 0; got {question.context}"
            )
        context = self.contexts[question.context]
        where = f"question {question.id!r} of the article {self.titles[question.context]!r}"
        if not question.answers:
            raise ValueError(f"{where} has no answer; give it one or leave it out")
        for answer in question.answers:
            if not answer.text:
                raise ValueError(f"{where} has an empty answer; give it a text or leave it out")
            found = context[max(answer.start, 0) : max(answer.end, 0)]
            if answer.start < 0 or found != answer.text:
                raise ValueError(
                    f"{where}: the answer {answer.text[:_SHOWN]!r} is not at code point "
                    f"{answer.start} of its context, where {found[:_SHOWN]!r} stands; "
                    + _nearest(answer, context)
                )


@dataclass(frozen=True)
class QuestionTask:
    """Questions for training, validation and test.

    ``record`` holds only JSON types: the source, the files with their digests, the seed and the
    rule of the split, and the counts.

    Raises:
        DataError: if a split is empty.
    """

    name: str
    train: Questions
    validation: Questions
    test: Questions
    record: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for split, questions in self.splits().items():
            if not len(questions):
                raise DataError(f"{self.name}: the {split} split is empty; give it questions")

    def splits(self) -> dict[str, Questions]:
        """Return the three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def make_question_task(
    name: str, splits: Mapping[str, Questions], record: Mapping[str, Any]
) -> QuestionTask:
    """Return the task, its record completed by the name and the counts."""
    counts = {
        split: {
            "articles": len(set(questions.titles)),
            "contexts": len(questions.contexts),
            "questions": len(questions),
            "answers": sum(len(question.answers) for question in questions.questions),
        }
        for split, questions in splits.items()
    }
    return QuestionTask(name, **splits, record={"name": name, **record, "counts": counts})


def _nearest(answer: Answer, context: str) -> str:
    places = re.finditer(f"(?={re.escape(answer.text)})", context)
    starts = sorted((place.start() for place in places), key=lambda at: abs(at - answer.start))
    return f"the nearest one is at {starts[0]}" if starts else "the context does not hold it"
