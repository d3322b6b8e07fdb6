"""Children's Book Test: which of ten words is missing, from its files or made from its books.

Hill et al., ICLR 2016: twenty consecutive sentences of a book are the context, the one after them
is the query, with a word of it replaced by ``XXXXX``.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skimrnn.tasks.base import DataError
from skimrnn.tasks.sources import file_record, folders_to_try, read_lines, read_text

BLANK = "XXXXX"
CONTEXT = 20
"""Sentences of a context."""
CANDIDATES = 10
KINDS = {"named": "NE", "common": "CN"}
"""Kinds of words that are asked for, named entities and common nouns, with the files' names."""
PUBLISHED = {"named": (108_719, 2_000, 2_500), "common": (120_769, 2_000, 2_500)}
HELD_OUT_SHARE = 0.15
EXPECTED = (
    "cbt/data/cbtest_{NE,CN}_{train,valid_2000ex,test_2500ex}.txt, "
    "or the books cbt/data/cbt_{valid,test}.txt"
)

_FOLDERS = ("cbt/data", "CBTest/data", "cbt", "data")
_PARTS = ("train", "valid_2000ex", "test_2500ex")
_BOOKS = ("cbt_valid.txt", "cbt_test.txt")
_TITLE = "_BOOK_TITLE_"
_LINES = CONTEXT + 1
_NOTE = "made from the books, not the official questions: not comparable with published figures"

# What stands before a noun, and what follows one, beside a mark and the end of the sentence.
_BEFORE = frozenset({"a", "an", "the", "my", "your", "his", "our", "their", "its"})
_AFTER = frozenset(
    {"and", "or", "of", "in", "on", "at", "to", "for", "with", "from", "by", "was", "were", "is",
     "are", "had", "has", "who", "which", "that", "as", "when"}
)  # fmt: skip
_OPENING = frozenset({"`", "``"})
_OFTEN, _SELDOM = 2, 0.1


@dataclass(frozen=True)
class ClozeQuestion:
    """A sentence with a blank, what stands before it, and the words to choose from.

    Attributes:
        context: the `CONTEXT` sentences before the query.
        query: the sentence with the blank, ``XXXXX``.
        candidates: `CANDIDATES` different words, one of which is missing.
        answer: the row of that one.

    Raises:
        ValueError: if anything else is given.
    """

    context: tuple[str, ...]
    query: str
    candidates: tuple[str, ...]
    answer: int

    def __post_init__(self) -> None:
        if len(self.context) != CONTEXT or not all(self.context):
            raise ValueError(
                f"context must be {CONTEXT} sentences, none empty; got {len(self.context)}, "
                f"{sum(not sentence for sentence in self.context)} of them empty"
            )
        if BLANK not in self.query:
            raise ValueError(f"query must hold the blank {BLANK}; got {self.query!r}")
        if len(set(self.candidates) - {""}) != CANDIDATES or len(self.candidates) != CANDIDATES:
            raise ValueError(
                f"candidates must be {CANDIDATES} different words, none empty; "
                f"got {list(self.candidates)}"
            )
        if not 0 <= self.answer < CANDIDATES:
            raise ValueError(
                f"answer must be a row of the candidates, 0 to {CANDIDATES - 1}; got {self.answer}"
            )


@dataclass(frozen=True)
class ClozeTask:
    """Questions for training, validation and test.

    ``record`` holds only JSON types: the source, the files with their digests, whether the
    questions are the official ones, the seed and the rule of the split, and the counts.

    Raises:
        DataError: if a split is empty.
    """

    name: str
    train: tuple[ClozeQuestion, ...]
    validation: tuple[ClozeQuestion, ...]
    test: tuple[ClozeQuestion, ...]
    record: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for split, questions in self.splits().items():
            if not questions:
                raise DataError(f"{self.name}: the {split} split is empty; give it questions")

    def splits(self) -> dict[str, tuple[ClozeQuestion, ...]]:
        """Return the three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def load(data_dir: Path, *, kind: str = "named", seed: int = 0) -> ClozeTask | None:
    """Return the task read from the folder, or None if neither questions nor books are there.

    The official questions are taken if all three files are there, as ``cbt-named`` or
    ``cbt-common``. Otherwise questions are made, and the name ends in ``-made``: test from the
    test books; train and validation from the validation books, the last part of each being
    validation, so that no sentence is in both.

    Args:
        data_dir: the data folder, or the set's own.
        kind: which words are asked for, one of `KINDS`.
        seed: draws the questions that are made.

    Raises:
        DataError: if a file is malformed, or the books are too short.
        ValueError: if there is no such kind.
    """
    _check_kind(kind)
    folders = folders_to_try(data_dir, _FOLDERS)
    for folder in folders:
        paths = [folder / f"cbtest_{KINDS[kind]}_{part}.txt" for part in _PARTS]
        if all(path.is_file() for path in paths):
            train, validation, test = (read_questions(path) for path in paths)
            record: dict[str, Any] = {
                "source": "files",
                "files": [file_record(path, folder) for path in paths],
                "official": True,
                "complete": (len(train), len(validation), len(test)) == PUBLISHED[kind],
                "seed": None,
                "split": "the published one",
            }
            return _make_task(f"cbt-{kind}", train, validation, test, record)
    for folder in folders:
        paths = [folder / name for name in _BOOKS]
        if all(path.is_file() for path in paths):
            valid_books, test_books = (read_books(path) for path in paths)
            edges = [len(book) - round(HELD_OUT_SHARE * len(book)) for book in valid_books]
            cut = list(zip(valid_books, edges, strict=True))
            _, at_most_validation, at_most_test = PUBLISHED[kind]
            record = {
                "source": "files",
                "files": [file_record(path, folder) for path in paths],
                "official": False,
                "note": _NOTE,
                "seed": seed,
                "split": f"the last {HELD_OUT_SHARE:.0%} of each validation book for validation, "
                "the rest of it for training; the test books for test",
            }
            return _make_task(
                f"cbt-{kind}-made",
                make_questions([book[:edge] for book, edge in cut], kind, seed),
                make_questions([book[edge:] for book, edge in cut], kind, seed, at_most_validation),
                make_questions(test_books, kind, seed, at_most_test),
                record,
            )
    return None


def read_questions(path: Path) -> list[ClozeQuestion]:
    """Return the questions of an official file.

    Each is the lines ``1 sentence`` to ``20 sentence`` and a last one, ``21 query``, a tab, the
    answer, two tabs and the candidates with a bar between them. Blank lines mean nothing.

    Raises:
        DataError: if the file cannot be read or holds anything else, with the line.
    """
    questions: list[ClozeQuestion] = []
    read: list[str] = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        given, _, text = line.strip(" \r").partition(" ")
        if given != str(len(read) + 1):
            raise DataError(
                f"{path}, line {number}: expected line {len(read) + 1} of the {_LINES} of a "
                f"question, beginning with its number; got {line[:40]!r}"
            )
        read.append(text.strip(" "))
        if len(read) == _LINES:
            try:
                questions.append(_parse(read))
            except ValueError as error:
                raise DataError(f"{path}, line {number}: {error}") from error
            read = []
    if read:
        raise DataError(
            f"{path} ends after line {len(read)} of the {_LINES} of a question; take the whole file"
        )
    if not questions:
        raise DataError(f"{path} holds no question; expected {_LINES} numbered lines for each")
    return questions


def read_books(path: Path) -> list[list[str]]:
    """Return the sentences of each book of a file; ``_BOOK_TITLE_ : NAME`` begins a book.

    Raises:
        DataError: if the file cannot be read or does not begin with a title.
    """
    books: list[list[str]] = []
    for line in read_lines(path):
        if line.startswith(_TITLE):
            books.append([])
        elif books:
            books[-1].append(line)
        else:
            raise DataError(
                f"{path} must begin with a book's title, {_TITLE} : NAME; got {line[:40]!r}"
            )
    return books


def make_questions(
    books: Sequence[Sequence[str]], kind: str, seed: int, count: int | None = None
) -> list[ClozeQuestion]:
    """Return questions made from books by the published recipe, in the books' order.

    Any `CONTEXT` consecutive sentences of a book are a context, and the next one is its query,
    once for each word of it that is of the kind, occurs in the context, and is there once. The
    other candidates are drawn among such words of the context; where too few are named, common
    ones make up the number, as in the official set. Candidates are sorted.

    The official kinds are those of a tagger; here they are the rules of `named_words` and
    `common_words`, applied to each book.

    Args:
        books: the sentences of each, words separated by blanks.
        kind: one of `KINDS`.
        seed: draws which questions are taken, and their candidates.
        count: how many there are at most; without it all that can be made.

    Raises:
        ValueError: if there is no such kind, or the count is negative.
    """
    _check_kind(kind)
    if count is not None and count < 0:
        raise ValueError(f"count must be at least 0, or None for all; got {count}")
    blanks = [blank for book in books for blank in _blanks(book, kind)]
    source = np.random.Philox(seed)
    rows = sorted(range(len(blanks)) if count is None else _drawn(len(blanks), count, source))
    return [_ask(blanks[row], source) for row in rows]


def named_words(sentences: Sequence[Sequence[str]]) -> set[str]:
    """Return the words of a book that name something.

    A name is a capital followed by small letters, stands at least twice right after a word or a
    comma, where no sentence begins, and is seen without its capital at most a tenth as often.
    """
    inside: Counter[str] = Counter()
    small: Counter[str] = Counter()
    for sentence in sentences:
        small.update(word for word in sentence if word.islower())
        for before, word in pairwise(sentence):
            if word.isalpha() and word[0].isupper() and word[1:].islower():
                inside[word] += before.isalpha() or before == ","
    return {
        word
        for word, times in inside.items()
        if times >= _OFTEN and small[word.lower()] <= _SELDOM * times
    }


def common_words(sentences: Sequence[Sequence[str]]) -> set[str]:
    """Return the words of a book that are common nouns, as far as their places tell.

    Such a word is all small letters and stands at least twice, and no less than every tenth time,
    between an article or possessive and a word that ends a noun phrase (a preposition, *and*, a
    form of *be* or *have*, ...), a mark, or the end of the sentence.
    """
    noun: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for sentence in sentences:
        for before, word, after in zip(
            ["", *sentence[:-1]], sentence, [*sentence[1:], ""], strict=True
        ):
            if word.isalpha() and word.islower():
                seen[word] += 1
                ends = after in _AFTER or not (after[:1].isalnum() or after in _OPENING)
                noun[word] += before.lower() in _BEFORE and ends
    return {w for w, times in noun.items() if times >= _OFTEN and times >= _SELDOM * seen[w]}


class _Blank(NamedTuple):
    """A question that can be made: its sentences, the place of the blank, and its candidates."""

    sentences: Sequence[str]
    place: int
    same: list[str]
    other: list[str]


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))}; got {kind!r}")


def _parse(lines: list[str]) -> ClozeQuestion:
    fields = lines[-1].split("\t")
    if len(fields) != 4 or fields[2]:
        raise ValueError(
            "expected query, tab, answer, two tabs and the candidates with a bar between them; "
            f"got {lines[-1][-60:]!r}"
        )
    query, answer, _, joined = fields
    # A candidate may be the bar itself, which a book holds as a word: three bars, but at an end.
    pieces = f"|{joined}|".replace("|||", "|\0|")[1:-1].split("|")
    candidates = tuple("|" if piece == "\0" else piece for piece in pieces)
    if answer not in candidates:
        raise ValueError(f"the answer {answer!r} is none of the candidates {list(candidates)}")
    return ClozeQuestion(tuple(lines[:-1]), query, candidates, candidates.index(answer))


def _blanks(book: Sequence[str], kind: str) -> Iterator[_Blank]:
    sentences = [sentence.split() for sentence in book]
    named = named_words(sentences)
    # No candidate is another one with a capital: texts may be read without case.
    common = common_words(sentences) - {word.lower() for word in named}
    wanted, spare = (named, common) if kind == "named" else (common, set[str]())
    for query in range(CONTEXT, len(sentences)):
        near = {word for sentence in sentences[query - CONTEXT : query] for word in sentence}
        same, other = near & wanted, near & spare
        if len(same) + len(other) >= CANDIDATES:
            lowered = [word.lower() for word in sentences[query]]
            for place, word in enumerate(sentences[query]):
                if word in same and lowered.count(word.lower()) == 1:
                    window = book[query - CONTEXT : query + 1]
                    yield _Blank(window, place, sorted(same - {word}), sorted(other))


def _ask(blank: _Blank, source: np.random.Philox) -> ClozeQuestion:
    words = blank.sentences[-1].split()
    answer, words[blank.place] = words[blank.place], BLANK
    same = [blank.same[row] for row in _drawn(len(blank.same), CANDIDATES - 1, source)]
    missing = CANDIDATES - 1 - len(same)
    other = [blank.other[row] for row in _drawn(len(blank.other), missing, source)]
    candidates = sorted([answer, *same, *other], key=str.lower)
    return ClozeQuestion(
        context=tuple(blank.sentences[:-1]),
        query=" ".join(words),
        candidates=tuple(candidates),
        answer=candidates.index(answer),
    )


def _drawn(total: int, count: int, source: np.random.Philox) -> list[int]:
    # As in splits.permutation: the raw stream is the one that stays the same with every NumPy.
    keys = source.random_raw(total) if total else np.zeros(0, dtype=np.uint64)
    return [int(row) for row in np.argsort(keys, kind="stable")[:count]]


def _make_task(
    name: str,
    train: Sequence[ClozeQuestion],
    validation: Sequence[ClozeQuestion],
    test: Sequence[ClozeQuestion],
    record: Mapping[str, Any],
) -> ClozeTask:
    task = ClozeTask(name, tuple(train), tuple(validation), tuple(test))
    counts = {
        split: {
            "questions": len(questions),
            "different_answers": len({q.candidates[q.answer] for q in questions}),
        }
        for split, questions in task.splits().items()
    }
    return replace(task, record={"name": name, **record, "counts": counts})
