"""The counts of what was read: bands, parts of speech, places, and words by name."""

import numpy as np
import pytest

from benchmarks.classification import words
from benchmarks.classification.speech import PARTS, coarse, parts_of_speech
from skimrnn.config import SkimConfig
from skimrnn.reading import Reading
from skimrnn.text import UNKNOWN, Vocabulary

CONFIG = SkimConfig(cell="lstm", input_size=2, hidden_size=3, levels=(3, 1))
VOCABULARY = Vocabulary((UNKNOWN, *(f"w{rank}" for rank in range(1, 10_002))))


def reading(text, read):
    """A reading of the text in which these words were read, one bit a word."""
    level = 1 - np.array(read, dtype=np.int8)[None, None]
    p = np.zeros((*level.shape, 2), np.float32)
    return Reading(text, ("a", "b"), np.ones(2, np.float32) / 2, level, p, None, CONFIG)


def shares(kinds):
    return {kind["name"]: (kind["words"], kind["read"]) for kind in kinds if kind["words"]}


def all_nouns(found):
    return ["noun"] * len(found)


def test_bands_are_ranks_in_the_training_texts():
    rows = np.array([1, 10, 11, 100, 101, 1_000, 1_001, 10_000, 10_001, 0], np.int32)
    assert words.bands_of(rows).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 5]
    text = "w1 w10 w11 w101 w10001 never"
    found = words.count([reading(text, [0, 1, 1, 0, 1, 1])], VOCABULARY, all_nouns)
    assert shares(found["bands"]) == {
        "1-10": (2, 0.5),
        "11-100": (1, 1.0),
        "101-1,000": (1, 0.0),
        "above 10,000": (1, 1.0),
        "unknown": (1, 1.0),
    }
    assert found["bands"][3] == {"name": "1,001-10,000", "words": 0, "read": None}
    assert (found["words"], found["read"]) == (6, pytest.approx(4 / 6))


def test_parts_are_counted_as_they_are_tagged():
    def tag(found):
        return ["adjective" if word == "w1" else "noun" for word in found]

    readings = [reading("w1 w2 w1", [1, 0, 0]), reading("", []), reading("w2", [1])]
    found = words.count(readings, VOCABULARY, tag)
    assert shares(found["parts"]) == {"adjective": (2, 0.5), "noun": (2, 0.5)}
    assert [part["name"] for part in found["parts"]] == list(PARTS)


def test_places_are_tenths_of_the_text():
    found = words.count([reading(" ".join(["w1"] * 20), [1] + [0] * 19)], VOCABULARY, all_nouns)
    assert [kind["words"] for kind in found["tenths"]] == [2] * 10
    assert [kind["read"] for kind in found["tenths"]] == [0.5] + [0.0] * 9
    one = words.count([reading("w1", [1])], VOCABULARY, all_nouns)
    assert shares(one["tenths"]) == {"50-60 %": (1, 1.0)}  # its middle is the text's


def test_words_are_named_from_so_many_occurrences_on():
    often = " ".join(["w1"] * words.OFTEN)
    more = " ".join(["w2"] * (words.OFTEN + 1))
    seldom = " ".join(["w3"] * (words.OFTEN - 1) + ["never"] * 99)
    readings = [
        reading(often, [1] * words.OFTEN),
        reading(more, [0] * (words.OFTEN + 1)),
        reading(seldom, [1] * (words.OFTEN + 98)),
    ]
    found = words.count(readings, VOCABULARY, all_nouns)
    assert [one["name"] for one in found["most_read"]] == ["w1", "w2"]
    assert [one["name"] for one in found["least_read"]] == ["w2", "w1"]
    assert found["often"] == {"at_least": words.OFTEN, "different_words": 2}


@pytest.mark.parametrize(
    ("word", "tag", "part"),
    [
        ("joy", "NN", "noun"),
        ("films", "NNS", "noun"),
        ("was", "VBD", "verb"),
        ("can", "MD", "verb"),
        ("best", "JJS", "adjective"),
        ("n't", "RB", "adverb"),
        ("its", "PRP$", "pronoun"),
        ("who", "WP", "pronoun"),
        ("which", "WDT", "determiner"),
        ("all", "PDT", "determiner"),
        ("of", "IN", "preposition"),
        ("to", "TO", "preposition"),
        ("but", "CC", "conjunction"),
        ("1999", "CD", "number"),
        ("/", "CC", "punctuation"),
        ("'s", "POS", "other"),
        ("wow", "UH", "other"),
    ],
)
def test_tags_are_made_coarse(word, tag, part):
    assert coarse(word, tag) == part


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # its lexicon is not closed
def test_the_tagger_gives_a_part_for_every_word():
    pytest.importorskip("textblob", reason="parts of speech need the bench extra")
    wanted = {
        "the": "determiner",
        "plot": "noun",
        "is": "verb",
        "thin": "adjective",
        ",": "punctuation",
        "but": "conjunction",
        "it": "pronoun",
        "'s": "other",
        "a": "determiner",
        "truly": "adverb",
        "lovely": "adjective",
        "film": "noun",
        "/": "punctuation",
        "(": "punctuation",
        "1999": "number",
        ")": "punctuation",
        "and": "conjunction",
        "n't": "adverb",
    }
    assert parts_of_speech(list(wanted)) == list(wanted.values())
    assert parts_of_speech([]) == []
