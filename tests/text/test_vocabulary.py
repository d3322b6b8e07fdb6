"""Vocabularies: which words are kept, in which order, and what a file may not hold."""

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skimrnn.text import UNKNOWN, Vocabulary, scan


def test_rows() -> None:
    vocabulary = Vocabulary((UNKNOWN, "the", "film"))
    rows = vocabulary.rows(["film", "the", "other", "film", UNKNOWN])
    assert rows.tolist() == [2, 1, 0, 2, 0]
    assert rows.dtype == np.int32
    assert vocabulary.rows([]).shape == (0,)
    assert len(vocabulary) == 3
    assert "film" in vocabulary
    assert "other" not in vocabulary


@pytest.mark.parametrize("given", ["film", b"film"])
def test_rows_of_a_whole_text_are_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=f"one {type(given).__name__}. Give scan"):
        Vocabulary((UNKNOWN,)).rows(given)


def test_the_scanner_never_gives_the_unknown_word() -> None:
    assert scan(UNKNOWN).words == ["<", "unknown", ">"]


def test_build_keeps_the_frequent_and_those_with_a_vector() -> None:
    texts = [["b", "a", "c", "rare"], ["b", "a", "d", "known"], ["b", "d"]]
    assert Vocabulary.build(texts).words == (UNKNOWN, "b", "a", "d")
    with_vector = Vocabulary.build(texts, with_vector={"known", "absent"})
    assert with_vector.words == (UNKNOWN, "b", "a", "d", "known")
    assert Vocabulary.build(texts, min_count=3).words == (UNKNOWN, "b")
    every = (UNKNOWN, "b", "a", "d", "c", "known", "rare")
    assert Vocabulary.build(texts, min_count=1).words == every


def test_build_keeps_the_most_frequent_under_a_cap() -> None:
    texts = [["z", "z", "z", "y", "y", "x", "x", "w", "w"]]
    assert Vocabulary.build(texts, max_words=2).words == (UNKNOWN, "z", "w")
    assert Vocabulary.build(texts, max_words=100).words == (UNKNOWN, "z", "w", "x", "y")


def test_build_orders_ties_by_code_points() -> None:
    texts = [["é", "z", "😀", "a", "日"]] * 2
    assert Vocabulary.build(texts).words == (UNKNOWN, "a", "z", "é", "日", "😀")


def test_build_leaves_out_what_a_vocabulary_cannot_hold() -> None:
    texts = [["\ud800", "", "a\nb", "a\rb", UNKNOWN, "a"]] * 5
    assert Vocabulary.build(texts, with_vector={"\ud800", ""}).words == (UNKNOWN, "a")
    assert Vocabulary.build([]).words == (UNKNOWN,)


def test_build_refuses_texts_and_senseless_limits() -> None:
    with pytest.raises(TypeError, match=r"got a str for one of them\. Give scan"):
        Vocabulary.build(["a text"])
    with pytest.raises(ValueError, match="min_count must be at least 1; got min_count=0"):
        Vocabulary.build([], min_count=0)
    with pytest.raises(ValueError, match="max_words must be at least 1; got max_words=0"):
        Vocabulary.build([], max_words=0)


def test_text_form() -> None:
    vocabulary = Vocabulary((UNKNOWN, "the", "n't", "\u0301"))
    assert vocabulary.to_text() == "<unknown>\nthe\nn't\n\u0301\n"
    assert Vocabulary.from_text(vocabulary.to_text()) == vocabulary
    assert Vocabulary.from_text("<unknown>\nthe") == Vocabulary((UNKNOWN, "the"))


@given(st.lists(st.text(max_size=30)))
def test_built_vocabularies_survive_the_text_form(texts: list[str]) -> None:
    built = Vocabulary.build([scan(text).words for text in texts], min_count=1)
    again = Vocabulary.from_text(built.to_text())
    assert again.words == built.words
    assert again.rows(built.words).tolist() == list(range(len(built)))


def test_every_problem_of_a_text_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="vocabulary text: 5 problems") as caught:
        Vocabulary.from_text("the\nfilm\n\nthe\nwin\r\na\ud800\n")
    assert str(caught.value).splitlines()[1:] == [
        "  line 1: must be '<unknown>', the unknown word; got 'the'",
        "  line 3: the word is empty: ''",
        "  line 4: 'the' stands already on line 1",
        "  line 5: the word has a line break in it: 'win\\r'",
        "  line 6: the word has a lone surrogate in it: 'a\\ud800'",
    ]


def test_an_empty_text_and_a_second_unknown_word() -> None:
    with pytest.raises(ValueError, match="line 1: must be '<unknown>', the unknown word; got ''"):
        Vocabulary.from_text("")
    with pytest.raises(ValueError, match=r"1 problem;(.|\n)*line 3: '<unknown>' stands already"):
        Vocabulary.from_text("<unknown>\na\n<unknown>\n")


def test_many_problems_are_counted_not_listed() -> None:
    with pytest.raises(ValueError, match="30 problems") as caught:
        Vocabulary.from_text("<unknown>\n" + "\n" * 30)
    assert str(caught.value).splitlines()[-1] == "  ... and 10 more"


def test_construction_checks_too() -> None:
    with pytest.raises(ValueError, match=r"vocabulary: 1 problem(.|\n)*got no words"):
        Vocabulary(())
    with pytest.raises(ValueError, match="line 3: 'a' stands already on line 2"):
        Vocabulary((UNKNOWN, "a", "a"))


def test_pickling_and_equality() -> None:
    vocabulary = Vocabulary((UNKNOWN, "a"))
    again = pickle.loads(pickle.dumps(vocabulary))
    assert again == vocabulary
    assert again.rows(["a"]).tolist() == [1]
    assert vocabulary != Vocabulary((UNKNOWN, "b"))
