"""The words a model knows, and which row of its embedding each one has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final, Self

import numpy as np
import numpy.typing as npt

UNKNOWN: Final = "<unknown>"
"""Stands for every word that is not in the vocabulary; three words to the scanner, never one."""

_PROBLEMS_SHOWN: Final = 20


@dataclass(frozen=True)
class Vocabulary:
    """Words in the order of their embedding rows, the unknown word first.

    Attributes:
        words: (V,) different words; ``words[0]`` is ``<unknown>``. As one word a line must hold
            them, none is empty or has a line break or a lone surrogate in it.

    Raises:
        ValueError: on construction, with everything that is wrong with ``words``.
    """

    words: tuple[str, ...]
    _row: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the words and make the look-up."""
        problems = _problems(self.words)
        if problems:
            raise ValueError(_message("vocabulary", problems))
        object.__setattr__(self, "words", tuple(self.words))
        object.__setattr__(self, "_row", {word: row for row, word in enumerate(self.words)})

    def __len__(self) -> int:
        """Give the number of words, V, the unknown word included."""
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        """Give whether the word has a row of its own or is the unknown word itself."""
        return word in self._row

    def rows(self, words: Collection[str]) -> npt.NDArray[np.int32]:
        """Give the embedding row of each word.

        Args:
            words: T words, lower-cased as ``scan`` gives them.

        Returns:
            (T,) rows; 0 for a word that is not in the vocabulary.

        Raises:
            TypeError: if given a text instead of its words.
        """
        if isinstance(words, str | bytes):
            raise TypeError(
                f"rows takes a sequence of words; got one {type(words).__name__}. "
                "Give scan(text).words for a text, [word] for one word."
            )
        found = map(self._row.get, words, repeat(0))
        return np.fromiter(found, dtype=np.int32, count=len(words))

    def to_text(self) -> str:
        """Give one word a line, in row order, every line ended by U+000A."""
        return "\n".join(self.words) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Self:
        r"""Give the vocabulary that ``to_text`` wrote.

        Args:
            text: one word a line; the last line may lack its end. Read a file with
                ``newline="\n"``, so that no other line break is taken for one.

        Raises:
            ValueError: if it is not such a text, with everything that is wrong.
        """
        lines = text.removesuffix("\n").split("\n")
        problems = _problems(lines)
        if problems:
            raise ValueError(_message("vocabulary text", problems))
        return cls(tuple(lines))

    @classmethod
    def build(
        cls,
        texts: Iterable[Sequence[str]],
        *,
        with_vector: Container[str] = (),
        min_count: int = 2,
        max_words: int | None = None,
        first: Sequence[str] = (),
    ) -> Self:
        """Give the vocabulary of a set of texts, the most frequent words first.

        Words of equal frequency stand in the order of their code points. Words that a vocabulary
        cannot hold, such as lone surrogates, are left out, as is ``<unknown>`` itself.

        Args:
            texts: the words of each text.
            with_vector: words that are kept however rare they are; a set, for speed.
            min_count: words seen at least so often are kept.
            max_words: at most so many are kept, besides the unknown word; None: no limit.
            first: the words of another vocabulary, which stand before them as they are.

        Raises:
            TypeError: if a text is given whole instead of as words.
            ValueError: if ``min_count`` or ``max_words`` is less than 1.
        """
        for name, value in (("min_count", min_count), ("max_words", max_words)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; got {name}={value}")
        counts: Counter[str] = Counter()
        for text in texts:
            if isinstance(text, str | bytes):
                raise TypeError(
                    f"texts must hold the words of each text; got a {type(text).__name__} for "
                    "one of them. Give scan(text).words for each text."
                )
            counts.update(text)
        for word in (UNKNOWN, *first):
            del counts[word]
        kept = [
            word
            for word, count in counts.items()
            if (count >= min_count or word in with_vector) and _fault(word) is None
        ]
        kept.sort(key=lambda word: (-counts[word], word))
        words = [*(word for word in first if word != UNKNOWN), *kept]
        return cls((UNKNOWN, *words[:max_words]))


def _fault(word: str) -> str | None:
    """Give why a vocabulary cannot hold the word, or None if it can."""
    if not word:
        return "is empty"
    if "\n" in word or "\r" in word:
        return "has a line break in it"
    try:
        word.encode("utf-8")
    except UnicodeEncodeError:
        return "has a lone surrogate in it"
    return None


def _problems(words: Sequence[str]) -> list[str]:
    """Give everything that is wrong with the words of a vocabulary; line 1 is row 0."""
    if _sound(words):  # a model's load should not wait for a look at each word by itself
        return []
    problems = []
    if not words or words[0] != UNKNOWN:
        given = repr(words[0]) if words else "no words"
        problems.append(f"line 1: must be {UNKNOWN!r}, the unknown word; got {given}")
    first_line: dict[str, int] = {}
    for line, word in enumerate(words, start=1):
        fault = _fault(word)
        if fault is not None:
            problems.append(f"line {line}: the word {fault}: {word!r}")
        elif first_line.setdefault(word, line) != line:
            problems.append(f"line {line}: {word!r} stands already on line {first_line[word]}")
    return problems


def _sound(words: Sequence[str]) -> bool:
    """Give whether nothing is wrong, by a look at all words together."""
    return (
        bool(words)
        and words[0] == UNKNOWN
        and all(words)
        and len(set(words)) == len(words)
        and _fault("".join(words)) is None
    )


def _message(what: str, problems: list[str]) -> str:
    """Give one message for all problems, each on a line of its own."""
    shown = problems[:_PROBLEMS_SHOWN]
    if len(problems) > len(shown):
        shown.append(f"... and {len(problems) - len(shown)} more")
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return "\n  ".join([f"{what}: {count}; each word must stand once, one a line:", *shown])
