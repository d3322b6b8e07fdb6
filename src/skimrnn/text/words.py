"""Cutting a text into lower-cased words with their places.

The rules are complete: a scanner in any language that follows them and reads the same table
(``word_table.txt`` beside this file, which says how it is written) gives the same words.

1. Text is a sequence of Unicode code points. Bytes are decoded as UTF-8, each maximal invalid part
   becoming one U+FFFD (the "maximal subpart" practice of the Unicode standard). Lone surrogates
   may occur. No normalisation is done. Offsets count code points.
2. The table gives every code point a class, space, word or mark, and a one-to-one lower case.
3. A maximal run of word code points is a word; every mark is a word of its own; space separates.
4. An apostrophe is U+0027 or U+2019. Of the runs of rule 3, and lower case being the table's:

   a. An apostrophe immediately followed by a maximal run that lower-cases to one of ``s``, ``m``,
      ``d``, ``re``, ``ve``, ``ll`` forms one word with it. What stands before does not matter.
   b. Where a run ends in n or N, immediately followed by an apostrophe, immediately followed by a
      maximal run that lower-cases to exactly ``t``, these three make one word: the n leaves its
      run, which stays a word unless it is now empty (don't: ``do`` ``n't``; n't: ``n't``).

   In every other case an apostrophe is a mark. (a) and (b) never compete for a run.
5. After rule 4, a run longer than 1,024 code points is cut, from its start, into words of 1,024 and
   a last one of what is left. So an n that rule 4b took away does not count in the length.
6. A word's text is the lower case of its code points, except that the apostrophe of rule 4a and 4b
   is always written U+0027. So a word has as many code points as its place in the text.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

MAX_WORD_LENGTH: Final = 1024
"""The longest word, in code points; longer runs are cut."""

_CODE_POINTS: Final = 0x110000
_CLASSES: Final = {"space": 0, "word": 1, "mark": 2}
_WORD: Final = _CLASSES["word"]
_MARK: Final = _CLASSES["mark"]
_APOSTROPHE: Final = 0x27
_RIGHT_QUOTE: Final = 0x2019

_Ints = npt.NDArray[np.int64]
_Codes = npt.NDArray[np.uint32]
_Classes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Words:
    """The words of one text and where they stand.

    Attributes:
        words: the lower-cased words in text order, T of them.
        starts: (T,) index of each word's first code point in the text.
        ends: (T,) index after each word's last code point.
    """

    words: list[str]
    starts: _Ints
    ends: _Ints

    def __len__(self) -> int:
        """Give the number of words, T."""
        return len(self.words)


def scan(text: str | bytes) -> Words:
    """Give the words of a text by the rules at the top of this file, in linear time.

    Args:
        text: one text; bytes are decoded as UTF-8 with U+FFFD for what is invalid.

    Returns:
        The words and their places; for bytes, places in the decoded text.

    Raises:
        TypeError: if the text is neither str nor bytes.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    elif not isinstance(text, str):
        raise TypeError(
            f"text must be one str or bytes; got {type(text).__name__}. "
            "Scan the texts of a list one by one, and decode or convert anything else first."
        )
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    classes, lower = character_tables()
    kinds, lowered = classes[codes], lower[codes]
    starts, ends = _runs_and_marks(kinds)
    starts, ends = _join_clitics(codes, kinds, lowered, starts, ends)
    starts, ends = _cut_long(starts, ends)
    lowered_text = lowered.tobytes().decode("utf-32-le", "surrogatepass")
    places = zip(starts.tolist(), ends.tolist(), strict=True)
    return Words([lowered_text[start:end] for start, end in places], starts, ends)


def settled_length(text: str) -> int:
    """How much of a text's start is cut into words that nothing after it can change.

    It ends with the last space, or the last mark that is no apostrophe: rules 4 and 5 look no
    further than the run and the apostrophe before them.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    classes, _ = character_tables()
    ends = (classes[codes] != _WORD) & (codes != _APOSTROPHE) & (codes != _RIGHT_QUOTE)
    return codes.size - int(ends[::-1].argmax()) if ends.any() else 0


def _runs_and_marks(kinds: _Classes) -> tuple[_Ints, _Ints]:
    """Give the places of rule 3: maximal runs of word code points, and single marks."""
    word = kinds == _WORD
    begins = word | (kinds == _MARK)
    finishes = begins.copy()
    inside = word[1:] & word[:-1]
    begins[1:] &= ~inside
    finishes[:-1] &= ~inside
    return np.flatnonzero(begins), np.flatnonzero(finishes) + 1


def _join_clitics(
    codes: _Codes, kinds: _Classes, lowered: _Codes, starts: _Ints, ends: _Ints
) -> tuple[_Ints, _Ints]:
    """Apply rule 4: give the new places and write U+0027 into ``lowered`` where it asks for it."""
    first = codes[starts[:-1]]
    touches = (ends[:-1] == starts[1:]) & (kinds[starts[1:]] == _WORD)
    at = np.flatnonzero(((first == _APOSTROPHE) | (first == _RIGHT_QUOTE)) & touches)
    if at.size == 0:
        return starts, ends
    length = ends[at + 1] - starts[at + 1]
    initial, final = lowered[starts[at + 1]], lowered[ends[at + 1] - 1]
    before = lowered[starts[at] - 1]  # at the text's start this wraps round: excluded by `at > 0`

    suffix = (length == 1) & ((initial == ord("s")) | (initial == ord("m")) | (initial == ord("d")))
    for pair in ("re", "ve", "ll"):
        suffix |= (length == 2) & (initial == ord(pair[0])) & (final == ord(pair[1]))
    negation = (length == 1) & (initial == ord("t")) & (at > 0) & (before == ord("n"))

    joined, negated = at[suffix | negation], at[negation]
    lowered[starts[joined]] = _APOSTROPHE
    ends[joined] = ends[joined + 1]
    starts[negated] -= 1
    ends[negated - 1] -= 1
    kept = ends > starts  # false where the n was all of its run
    kept[joined + 1] = False
    return starts[kept], ends[kept]


def _cut_long(starts: _Ints, ends: _Ints) -> tuple[_Ints, _Ints]:
    """Apply rule 5: cut what is longer than MAX_WORD_LENGTH."""
    lengths = ends - starts
    if lengths.max(initial=0) <= MAX_WORD_LENGTH:
        return starts, ends
    pieces = -(-lengths // MAX_WORD_LENGTH)
    source = np.repeat(np.arange(starts.size), pieces)
    piece = np.arange(source.size) - (np.cumsum(pieces) - pieces)[source]
    cut_starts = starts[source] + piece * MAX_WORD_LENGTH
    return cut_starts, np.minimum(cut_starts + MAX_WORD_LENGTH, ends[source])


@functools.cache
def character_tables() -> tuple[_Classes, _Codes]:
    """Give what ``read_character_tables`` does, kept from then on."""
    return read_character_tables()


def read_character_tables() -> tuple[_Classes, _Codes]:
    """Give the class and the lower case of every code point, each (0x110000,), read-only."""
    table = resources.files(__package__).joinpath("word_table.txt").read_text(encoding="ascii")
    return _parse_table(table)


def _parse_table(table: str) -> tuple[_Classes, _Codes]:
    """Give the two tables from the text of word_table.txt.

    Raises:
        ValueError: if the class records do not name every code point once, in order.
    """
    classes = np.empty(_CODE_POINTS, dtype=np.uint8)
    lower = np.arange(_CODE_POINTS, dtype="<u4")
    covered = 0
    for line in table.splitlines():
        match line.split():
            case [("space" | "word" | "mark") as name, first, last]:
                start, end = int(first, 16), int(last, 16) + 1
                if start != covered or end <= start:
                    raise ValueError(f"word table: expected a run from {covered:X}; got {line!r}")
                classes[start:end] = _CLASSES[name]
                covered = end
            case ["lower", first, last, offset, stride]:
                run = slice(int(first, 16), int(last, 16) + 1, int(stride, 16))
                lower[run] = np.arange(run.start, run.stop, run.step) + int(offset, 16)
            case ["unicode", _] | [] | ["#", *_]:
                pass
            case _:
                raise ValueError(f"word table: unknown record {line!r}")
    if covered != _CODE_POINTS:
        raise ValueError(f"word table: ends at {covered:X}, expected {_CODE_POINTS:X}; cut short?")
    classes.flags.writeable = False
    lower.flags.writeable = False
    return classes, lower
