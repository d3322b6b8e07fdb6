"""What the taught recipe learns from: which sentences, and what is said of them."""

from dataclasses import replace

import numpy as np
import pytest

import skimrnn
from benchmarks.classification import runs, taught
from skimrnn.tasks import Examples
from skimrnn.tasks.base import make_task

LABELS = ("negative", "positive")
REVIEWS = [
    "A dull and tired film. It is! <br /> Nobody laughed in my row at all.",
    "Nobody laughed in my row at all. A line\x85 of its own, somehow. "
    "The whole crew deserves our thanks for this one.",
]
HELD_OUT = "the whole crew deserves our thanks"


@pytest.fixture
def task():
    own = Examples(["good", "bad"], [1, 0])
    test = Examples([HELD_OUT], [1])
    return make_task("moods", LABELS, {"train": own, "validation": own, "test": test}, {})


@pytest.fixture
def reviews(task):
    return replace(task, train=Examples(REVIEWS, [0, 1]))


def test_sentences_are_long_enough_once_there_and_give_no_test_text_away(task, reviews):
    found = list(taught.sentences(task, reviews))
    assert sorted(text for text, _ in found) == [
        "A dull and tired film.",
        "A line\x85 of its own, somehow.",
        "Nobody laughed in my row at all.",
    ]
    assert dict(found)["A dull and tired film."] == 0
    free = replace(task, test=Examples(["nothing of this"], [1]))
    assert len(list(taught.sentences(free, reviews))) == 4


def test_there_are_so_many(task, reviews, monkeypatch):
    monkeypatch.setattr(taught, "SENTENCES", 1)
    assert len(list(taught.sentences(task, reviews))) == 1


def test_a_review_s_label_is_a_hint():
    p = np.array([[0.5, 0.5], [0.5, 0.5], [0.1, 0.9]], np.float32)
    hinted = taught.hinted(p, np.array([0, 1, 0]))
    np.testing.assert_allclose(hinted.sum(axis=1), 1, rtol=1e-6)
    shifted = np.log(hinted[:, 1] / hinted[:, 0]) - np.log(p[:, 1] / p[:, 0])
    np.testing.assert_allclose(shifted, taught.REVIEW_LOG_ODDS * np.array([-1, 1, -1]), rtol=1e-5)


def test_what_is_said_is_the_teachers_mean_and_is_kept(task, reviews, tmp_path):
    path = tmp_path / "kept" / "moods.jsonl"
    taught.write(task, reviews, ["sst", "imdb"], path)
    made = taught.read(path)
    each = [skimrnn.load(name).predict_proba(made.texts) for name in ("sst", "imdb")]
    classes = np.array([dict(taught.sentences(task, reviews))[text] for text in made.texts])
    np.testing.assert_allclose(made.p, taught.hinted(np.mean(each, 0), classes), rtol=1e-5)


def test_another_teacher_has_another_file(task, reviews, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs, "model_of", lambda run, task, data_dir: "sst")
    monkeypatch.setattr(runs, "load_task", lambda name, data_dir: reviews)
    run = runs.Run("sst", "lstm-taught", 0)
    first = runs.sentences_of(run, task, None)
    monkeypatch.setattr(runs, "load_task", None)  # what is there is not made again
    assert runs.sentences_of(run, task, None) == first
    assert runs.sentences_of(replace(run, seed=1), task, None) == first
    said = first.read_text()
    monkeypatch.setattr(runs, "load_task", lambda name, data_dir: reviews)
    monkeypatch.setattr(taught, "REVIEW_LOG_ODDS", 0.2)
    second = runs.sentences_of(run, task, None)
    assert second != first
    assert second.read_text() != said == first.read_text()
