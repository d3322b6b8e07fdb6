"""The committed table: whole, exact where Unicode is awkward, and what the script would write."""

import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from skimrnn.text import words
from skimrnn.text.words import _parse_table, character_tables

SPACE, WORD, MARK = 0, 1, 2
TABLE = Path(words.__file__).with_name("word_table.txt")
SCRIPT = Path(__file__).parents[2] / "tools" / "make_word_table.py"


def records() -> list[list[str]]:
    lines = TABLE.read_text(encoding="ascii").splitlines()
    return [line.split() for line in lines if not line.startswith("#")]


def test_every_code_point_has_exactly_one_class() -> None:
    times = np.zeros(0x110000, dtype=int)
    for name, *fields in records():
        if name in ("space", "word", "mark"):
            times[int(fields[0], 16) : int(fields[1], 16) + 1] += 1
    assert (times == 1).all()


def test_runs_are_maximal_and_lower_records_ascend_without_overlap() -> None:
    assert records()[0] == ["unicode", "15.0.0"]
    names = [fields[0] for fields in records() if fields[0] in ("space", "word", "mark")]
    assert all(one != other for one, other in pairwise(names))
    lower = [fields[1:] for fields in records() if fields[0] == "lower"]
    ends = [(int(first, 16), int(last, 16)) for first, last, _, _ in lower]
    assert all(one[1] < other[0] for one, other in pairwise(ends))
    assert {stride for *_, stride in lower} == {"1", "2"}


def test_all_space() -> None:
    classes, _ = character_tables()
    expected = [*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680]
    expected += [*range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF]
    assert np.flatnonzero(classes == SPACE).tolist() == expected


@pytest.mark.parametrize(
    ("letter", "kind"),
    [
        ("a", WORD), ("Z", WORD), ("0", WORD), ("٣", WORD), ("½", WORD), ("²", WORD),
        ("日", WORD), ("ª", WORD), ("\u0301", WORD), ("\u200c", WORD), ("\u200d", WORD),
        ("\U00011f02", WORD),  # Kawi, new in Unicode 15.0
        ("\U0001e4d0", WORD),  # Nag Mundari, new in 15.0
        ("\U000323af", WORD),  # the last ideograph of 15.0
        ("\U000323b0", MARK), ("\U0002ebf0", MARK),  # unassigned until later versions
        ("'", MARK), ("’", MARK), ("_", MARK), ("\x00", MARK), ("\x7f", MARK), ("\xad", MARK),
        ("\u200e", MARK), ("\u2060", MARK), ("\ufffd", MARK), (chr(0xD800), MARK),
        (chr(0xDFFF), MARK), ("\ue000", MARK), ("\U0010ffff", MARK), ("😀", MARK), ("€", MARK),
    ],
)  # fmt: skip
def test_classes(letter: str, kind: int) -> None:
    assert character_tables()[0][ord(letter)] == kind


@pytest.mark.parametrize(
    ("letter", "lower"),
    [
        ("A", "a"), ("Z", "z"), ("[", "["), ("a", "a"), ("À", "à"), ("×", "×"), ("Þ", "þ"),
        ("Ā", "ā"), ("ā", "ā"), ("İ", "i"), ("ı", "ı"), ("Ÿ", "ÿ"), ("ſ", "ſ"), ("ß", "ß"),
        ("ẞ", "ß"), ("Σ", "σ"), ("ς", "ς"), ("ǅ", "ǆ"), ("ϴ", "θ"), ("\u212a", "k"),
        ("\u2126", "ω"), ("Ⅷ", "ⅷ"), ("Ⓐ", "ⓐ"), ("Ａ", "ａ"), ("Ⴀ", "ⴀ"), ("Ა", "ა"),
        ("Ꭰ", "ꭰ"), ("ᏸ", "ᏸ"), ("𐐀", "𐐨"), ("𞤀", "𞤢"), ("\ud800", "\ud800"),
    ],
)  # fmt: skip
def test_lower_case(letter: str, lower: str) -> None:
    assert chr(character_tables()[1][ord(letter)]) == lower


def test_lower_case_is_final_and_keeps_the_class() -> None:
    classes, lower = character_tables()
    assert (lower[lower] == lower).all()
    assert (classes[lower] == classes).all()
    assert int((lower != np.arange(0x110000)).sum()) == 1433


def test_only_ascii_letters_become_the_letters_of_the_clitics() -> None:
    _, lower = character_tables()
    for letter in "smdrevltn":
        assert np.flatnonzero(lower == ord(letter)).tolist() == [ord(letter.upper()), ord(letter)]


def test_thecharacter_tables_cannot_be_written_to() -> None:
    for table in character_tables():
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "ends at 0, expected 110000; cut short"),
        ("mark 0000 0008\n", "ends at 9, expected 110000"),
        ("mark 0000 0008\nword 000A 0010\n", "expected a run from 9; got 'word 000A 0010'"),
        ("mark 0000 0008\nword 0008 0010\n", "expected a run from 9"),
        ("mark 0000 0008\nletter 0009 0010\n", "unknown record 'letter 0009 0010'"),
    ],
)
def test_a_damaged_table_is_refused(table: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _parse_table(table)


def test_the_table_is_what_the_script_writes() -> None:
    pytest.importorskip("unicodedata2", reason="needs unicodedata2==15.0.0 to repeat the table")
    spec = importlib.util.spec_from_file_location("make_word_table", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.word_table() == TABLE.read_text(encoding="ascii")
