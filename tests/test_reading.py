"""Reading: what is derived from one text's decisions."""

import dataclasses
from unittest import mock

import numpy as np
import pytest

from skimrnn import cost
from skimrnn.config import SkimConfig
from skimrnn.decision import Rule
from skimrnn.reading import Reading, skim_rate

CONFIG = SkimConfig(cell="lstm", input_size=3, hidden_size=5, levels=(5, 2), bidirectional=True)


def make(text="It isn't Bad.", probabilities=(0.25, 0.75), level=None):
    level = np.array([[[0, 1, 1, 0, 1], [1, 1, 1, 0, 1]]] if level is None else level, np.int8)
    p = np.full((*level.shape, 2), 0.5, dtype=np.float32)
    scores = np.array(probabilities, dtype=np.float32)
    return Reading(text, ("negative", "positive"), scores, level, p, Rule(0.3, 0.5, 2), CONFIG)


def test_what_it_says_of_the_text():
    reading = make()
    assert len(reading) == 5
    assert reading.words == ["it", "is", "n't", "bad", "."]
    assert reading.starts.tolist() == [0, 3, 5, 9, 12]
    assert reading.ends.tolist() == [2, 5, 8, 12, 13]
    assert [reading.text[a:b] for a, b in zip(reading.starts, reading.ends, strict=True)] == [
        "It", "is", "n't", "Bad", ".",
    ]  # fmt: skip
    assert (reading.threshold, reading.budget) == (0.3, 0.5)


def test_no_rule_chose_levels_that_were_given():
    reading = dataclasses.replace(make(), rule=None)
    assert (reading.threshold, reading.budget) == (None, None)
    assert reading.skim_rate == 0.7


def test_what_was_skimmed():
    reading = make()
    assert reading.skimmed.tolist() == (reading.level > 0).tolist()
    assert reading.skim_rate == 0.7
    assert reading.cost() == cost.count(CONFIG, [reading.level])


@pytest.mark.parametrize(
    ("probabilities", "label"),
    [((0.25, 0.75), "positive"), ((0.75, 0.25), "negative"), ((0.5, 0.5), "negative")],
)
def test_the_label_is_the_likeliest_and_the_first_of_equals(probabilities, label):
    assert make(probabilities=probabilities).label == label


@pytest.mark.parametrize(
    ("probabilities", "names"),
    [
        ((0.25, 0.75), ("positive",)),
        ((0.9, 0.5), ("negative", "positive")),  # from a half on
        ((0.6, 0.95), ("negative", "positive")),  # in the order of the labels
        ((0.1, np.nextafter(np.float32(0.5), np.float32(0))), ()),
    ],
)
def test_a_multi_label_reading_chooses_any_number(probabilities, names):
    reading = dataclasses.replace(make(probabilities=probabilities), multilabel=True)
    assert reading.chosen == names
    assert reading.label in ("negative", "positive")


@pytest.mark.parametrize("probabilities", [(0.25, 0.75), (0.5, 0.5), (0.4, 0.3)])
def test_any_other_chooses_its_label(probabilities):
    assert make(probabilities=probabilities).chosen == (make(probabilities=probabilities).label,)


def test_a_text_without_a_token():
    reading = make(text="", level=np.zeros((1, 2, 0)))
    assert len(reading) == 0
    assert reading.skim_rate is None
    assert reading.words == []
    assert reading.starts.tolist() == reading.ends.tolist() == []
    assert reading.cost().flop_reduction is None
    assert reading.label == "positive"


def test_words_are_made_once_and_only_when_asked_for():
    with mock.patch("skimrnn.reading.scan", side_effect=AssertionError("not asked for")):
        reading = make()
        assert (len(reading), reading.skim_rate) == (5, 0.7)
    assert reading.words is reading.words


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().text = "other"


def test_the_rate_is_pooled_over_everything():
    levels = [np.array([[[0, 1, 2]]]), np.array([[[1]]]), np.zeros((1, 1, 0))]
    assert skim_rate(levels) == 0.75
    assert skim_rate([]) is None
    assert skim_rate([np.zeros((2, 2, 0))]) is None
