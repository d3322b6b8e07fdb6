"""What is known of a context and a question: features, spelling, and which words an answer has."""

import numpy as np

from skimrnn.text import scan
from skimrnn.text.passages import SPELLING, Passage, spelling, words_between


def test_features_say_what_the_question_has_and_what_begins_with_a_capital():
    passage = Passage.of("The Box isn't École 7.", "Where is the box?")
    assert passage.context.words == ["the", "box", "is", "n't", "école", "7", "."]
    assert passage.features[:, 0].tolist() == [1, 1, 1, 0, 0, 0, 0]
    assert passage.features[:, 1].tolist() == [1, 1, 0, 0, 1, 0, 0]
    assert Passage.of("", "?").features.shape == (0, 2)


def test_spelling_is_the_bytes_of_a_word():
    rows = spelling(["ab", "é", "\ud800", "x" * 40])
    assert rows.shape == (4, SPELLING)
    assert rows[0].tolist() == [98, 99] + [0] * (SPELLING - 2)
    assert rows[1, :3].tolist() == [0xC3 + 1, 0xA9 + 1, 0]
    assert rows[2, :4].tolist() == [0xED + 1, 0xA0 + 1, 0x80 + 1, 0]
    assert (rows[3] == ord("x") + 1).all()
    assert spelling([]).shape == (0, SPELLING)
    # The last of the 256 bytes still has a value of its own.
    assert spelling(["\U0010ffff"]).max() <= 256


def test_the_words_of_an_answer():
    text = "It isn't 3.5 km, it is 40."
    words = scan(text)
    for answer in ("isn't", "3.5 km", "40", "It", "40."):
        at = text.index(answer)
        first, last = words_between(words, at, at + len(answer))
        assert text[words.starts[first] : words.ends[last]] == answer
    # A part of a word stands for the word; a place between words for none.
    at = text.index("km")
    assert words_between(words, at, at + 1) == words_between(words, at, at + 2)
    assert words_between(words, 2, 3) is None
    assert words_between(scan(""), 0, 1) is None
    every = [
        words_between(words, a, b) for a in range(len(text)) for b in range(a + 1, len(text) + 1)
    ]
    assert all(one is None or 0 <= one[0] <= one[1] < len(words) for one in every)
    assert np.unique([one[0] for one in every if one]).tolist() == list(range(len(words)))
