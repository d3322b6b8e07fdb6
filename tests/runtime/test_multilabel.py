"""A multi-label head: every implementation, session and call gives each label by itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import LABELS, make_classifier, make_config, saved
from skimrnn.model_file import ModelFile
from skimrnn.nn import SkimGRU, SkimLSTM, TextClassifier, save
from skimrnn.runtime import Model, implementations, load
from skimrnn.text import Vocabulary, scan

TEXTS = ["the film is good", "", "bad, bad 😀 film", "é isn't the good bad film", "the " * 40]
WAYS = [{}, {"threshold": 0.2}, {"threshold": 1}, {"threshold": 1, "budget": 0.3}]

every_implementation = pytest.mark.parametrize("name", implementations())


def make_file(**more) -> ModelFile:
    return make_classifier(make_config((17, 3), num_layers=2), activation="sigmoid", **more)


def logits_of(model: Model, texts, **way) -> np.ndarray:
    text = model.file.text
    return model.encode(texts, **way) @ text.head_weight.T + text.head_bias


@every_implementation
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_each_probability_is_the_logistic_function_of_its_score(name, way):
    model = Model(make_file(), name)
    assert model.multilabel
    p = model.predict_proba(TEXTS, **way)
    assert p.dtype == np.float32
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-logits_of(model, TEXTS, **way))), atol=1e-6)
    assert np.abs(p.sum(axis=1) - 1).max() > 0.1
    for row, reading in zip(p, model.read(TEXTS, **way), strict=True):
        np.testing.assert_array_equal(reading.probabilities, row)


@every_implementation
def test_extreme_scores_are_0_and_1(name):
    file = make_file()
    bias = np.array([-1e4, 1e4, 0], np.float32)
    text = replace(file.text, head_weight=0 * file.text.head_weight, head_bias=bias)
    model = Model(replace(file, text=text), name)
    np.testing.assert_array_equal(model.predict_proba("good"), [0, 1, 0.5])
    assert model.predict_labels("good") == LABELS[1:]


@every_implementation
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_agrees_with_torch(name, dtype, tmp_path: Path):
    if dtype == torch.float64 and name != "numpy":
        pytest.skip("the native reader computes in float32")
    torch.manual_seed(0)
    words = ("<unknown>", "good", "bad", "film", "the")
    for rnn in (SkimLSTM(5, 19, skim_size=3), SkimGRU(5, 9, 2, bidirectional=True, skim_size=2)):
        module = TextClassifier(rnn, len(words), 4, activation="sigmoid").to(dtype).eval()
        save(module, tmp_path / "model", vocabulary=Vocabulary(words), labels=list("abcd"))
        model = load(tmp_path / "model", implementation=name)
        rows = [model.vocabulary.rows(scan(text).words) for text in TEXTS]
        padded = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.int64)
        for b, row in enumerate(rows):
            padded[b, : len(row)] = torch.from_numpy(row.astype(np.int64))
        with torch.no_grad():
            scores = module(padded, torch.tensor([len(row) for row in rows]))
        tolerance = 3e-5 if dtype == torch.float32 else 1e-6
        np.testing.assert_allclose(model.predict_proba(TEXTS), scores.sigmoid(), atol=tolerance)


def test_torch_knows_no_other_activation():
    with pytest.raises(ValueError, match="activation must be one of softmax, sigmoid; got 'relu'"):
        TextClassifier(SkimLSTM(3, 4, skim_size=1), 5, 2, activation="relu")


@every_implementation
def test_the_labels_of_a_text_are_those_from_a_half_on(name):
    model = Model(make_file(), name)
    p = model.predict_proba(TEXTS)
    given = model.predict_labels(TEXTS)
    assert len({len(one) for one in given}) > 1  # not always as many
    for row, labels, reading in zip(p, given, model.read(TEXTS), strict=True):
        assert labels == tuple(n for n, one in zip(LABELS, row, strict=True) if one >= 0.5)
        assert reading.chosen == labels
        assert reading.label == LABELS[row.argmax()]
        assert reading.multilabel
    assert model.predict_labels(TEXTS[0]) == given[0]
    assert model.predict_labels(TEXTS, workers=2) == given
    assert model.predict_labels([]) == []
    assert model.predict_labels(TEXTS, threshold=1) == [
        reading.chosen for reading in model.read(TEXTS, threshold=1)
    ]


def test_predicting_one_label_is_refused():
    model = Model(make_file())
    for texts in ("good", ["good"], []):
        with pytest.raises(ValueError, match="use predict_labels"):
            model.predict(texts)


def test_of_any_other_model_it_is_the_label():
    model = Model(make_classifier())
    assert not model.multilabel
    assert model.predict_labels(TEXTS) == [(label,) for label in model.predict(TEXTS)]
    assert model.predict_labels("good") == (model.predict("good"),)


@every_implementation
def test_a_session_gives_the_same_bits(name):
    model = Model(make_file(), name)
    for text in TEXTS:
        session = model.session()
        for character in text:
            session.feed(character)
        ended, whole = session.finish(), model.read(text)
        np.testing.assert_array_equal(ended.probabilities, whole.probabilities)
        assert ended.chosen == whole.chosen
        assert ended.multilabel
        again = type(session).from_bytes(model, session.to_bytes())
        assert again.reading.chosen == whole.chosen


def test_a_session_of_another_activation_is_refused():
    session = Model(make_file()).session()
    other = Model(make_classifier(make_config((17, 3), num_layers=2)))
    with pytest.raises(ValueError, match="another model"):
        type(session).from_bytes(other, session.to_bytes())


@every_implementation
def test_int8_too(name):
    if name == "numpy":
        pytest.skip("int8 is the native reader's")
    file = make_classifier(make_config((40, 3)), activation="sigmoid")
    model = Model(file, name, precision="int8")
    p = model.predict_proba(TEXTS)
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-logits_of(model, TEXTS))), atol=1e-6)


def test_a_saved_folder_reads_alike(tmp_path: Path):
    file = make_file()
    model = load(saved(tmp_path / "model", file))
    np.testing.assert_array_equal(model.predict_proba(TEXTS), Model(file).predict_proba(TEXTS))
