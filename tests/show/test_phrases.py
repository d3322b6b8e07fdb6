import sys
from unicodedata import category

import pytest

from skimrnn.show.phrases import (
    fewer,
    one_line,
    percent,
    printable,
    settings,
    summary,
    words_read,
)

MAY_REORDER = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_no_character_at_all_comes_through_that_could_do_harm():
    # Blanks between, so that CR and LF do not meet.
    shown = printable(" ".join(map(chr, range(sys.maxunicode + 1))))

    assert {c for c in shown if category(c) == "Cc"} == {"\n", "\t"}
    assert not MAY_REORDER & set(shown)
    assert "\u2028" not in shown
    assert "\u2029" not in shown
    shown.encode("utf-8")  # raises for a lone surrogate


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\u241b[2J"),
        ("\x00\x08\x7f", "\u2400\u2408\u2421"),
        ("\x9b5A", "\ufffd5A"),
        ("\u202eabc\u202c", "\ufffdabc\ufffd"),
        ("\ud800x\udfff", "\ufffdx\ufffd"),
        ("a\r\nb\rc\u2028d\ne", "a\nb\nc\nd\ne"),
        (
            "tab\tstays, so does שלום\u200f and 👩\u200d🚀",
            "tab\tstays, so does שלום\u200f and 👩\u200d🚀",
        ),
    ],
)
def test_stand_ins(text, shown):
    assert printable(text) == shown


def test_one_line_folds_white_space():
    assert one_line(" a\r\n b\x1b\tc ") == "a b\u241b c"


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.9999, ">99%"),
        (0.995, ">99%"),
        (0.994, "99%"),
        (0.0001, "<1%"),
        (0.005, "<1%"),
        (0.0051, "1%"),
        (0.864, "86%"),
    ],
)
def test_percent_says_all_and_nothing_only_when_it_is(share, said):
    assert percent(share) == said


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ([], "no words to read"),
        ([0], "read 1 of 1 word (0% skimmed)"),
        ([1], "read 0 of 1 word (100% skimmed)"),
        ([0] + [1] * 999, "read 1 of 1,000 words (>99% skimmed)"),
        ([0] * 14 + [1] * 89, "read 14 of 103 words (86% skimmed)"),
    ],
)
def test_words_read(seen, level, said):
    assert words_read(seen(" ".join("a" * len(level)), level), 0, 0) == said


@pytest.mark.parametrize(
    ("reduction", "said"),
    [
        (4.6, "4.6× fewer operations"),
        (0.8, "1.2× more operations"),
        (1.0, "as many operations as reading everything"),
        (0.96, "about as many operations as reading everything"),
        (1.04, "about as many operations as reading everything"),
        (None, None),
    ],
)
def test_fewer(reduction, said):
    assert fewer(reduction, "operations") == said
    assert fewer(reduction) == (said and said.replace(" operations", ""))


def test_the_summary_of_one_pass(seen):
    assert summary(seen("a b c d"), 0, 0) == (
        "read 2 of 4 words (50% skimmed), 4.6× fewer operations"
    )


def test_the_summary_of_several_passes_names_the_one_shown(seen):
    made = seen("a b", [[[0, 0], [1, 1]], [[1, 1], [0, 1]]])

    assert summary(made, 1, 1) == (
        "layer 2 backward read 1 of 2 words (50% skimmed, 62% over all 4 passes), "
        "4.6× fewer operations"
    )
    assert summary(seen("a b", [[[0, 1], [1, 1]]], reduction=None), 0, 0) == (
        "layer 1 forward read 1 of 2 words (50% skimmed, 75% over both passes)"
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "threshold 0.5"),
        ({"threshold": "argmax"}, "threshold argmax"),
        ({"threshold": 0.25, "budget": 0.1}, "threshold 0.25, budget 0.1"),
        ({"threshold": None}, "given levels"),
    ],
)
def test_settings(seen, more, said):
    assert settings(seen("a", **more)) == said
