"""Training that goes on from a trained model."""

from dataclasses import replace

import numpy as np
import pytest
from moods import moods, options, texts

import skimrnn
from models import make_config, make_layer, saved
from skimrnn.model_file import read_model
from skimrnn.train import TrainingOptions, loop, train_classifier


@pytest.fixture(scope="module")
def task():
    return moods()


@pytest.fixture(scope="module")
def plain(task, tmp_path_factory):
    folder = tmp_path_factory.mktemp("start") / "plain"
    train_classifier(task, options(epochs=1), folder)
    return folder


@pytest.fixture(scope="module")
def skims(task, tmp_path_factory):
    folder = tmp_path_factory.mktemp("start") / "skims"
    train_classifier(task, options(levels=(12, 3), epochs=2), folder)
    return folder


STILL: dict[str, object] = {"epochs": 1, "learning_rate": 1e-9, "averaging": 0.0}
"""Training that moves nothing: what comes out is what was begun with."""


def assert_near(one, other):
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_it_begins_as_the_model(task, skims, tmp_path):
    still = options(levels=(12, 3), **STILL)
    trained = train_classifier(task, still, tmp_path / "m", start=skims)
    assert trained.record["start"] == "skims"
    assert "those of the model `skims`" in skimrnn.load(tmp_path / "m").card
    old, new = read_model(skims), read_model(tmp_path / "m")
    assert new.text.vocabulary.words == old.text.vocabulary.words
    for name, array in old.parameters.items():
        assert_near(new.parameters[name], array)
    for name in ("embedding", "head_weight", "head_bias"):
        assert_near(getattr(new.text, name), getattr(old.text, name))


def test_its_head_stands_in_the_order_of_the_labels(task, skims, tmp_path):
    turned = {
        split: replace(part, targets=1 - part.targets) for split, part in task.splits().items()
    }
    other = replace(task, labels=task.labels[::-1], **turned)
    train_classifier(other, options(levels=(12, 3), **STILL), tmp_path / "m", start=skims)
    old, new = skimrnn.load(skims), skimrnn.load(tmp_path / "m")
    assert new.labels == old.labels[::-1]
    assert new.predict(task.test.texts) == old.predict(task.test.texts)


def test_all_of_it_is_trained(task, skims, tmp_path):
    train_classifier(task, options(levels=(12, 3), epochs=1), tmp_path / "m", start=skims)
    old, new = read_model(skims), read_model(tmp_path / "m")
    for name, array in old.parameters.items():
        assert np.abs(new.parameters[name] - array).max() > 1e-4, name
    assert np.abs(new.text.embedding - old.text.embedding).max() > 1e-4


def test_new_words_begin_as_the_unknown_word_and_other_labels_with_a_head_of_their_own(
    task,
    skims,
    tmp_path,
):
    strange = ("dull", "fine")
    train = texts(60, 5)
    told = [text.replace("bad", "dull").replace("good", "fine") for text in train.texts]
    other = replace(task, labels=strange, train=replace(train, texts=told))
    still = options(levels=(12, 3), **STILL)
    train_classifier(other, still, tmp_path / "m", start=skims)
    old, new = read_model(skims), read_model(tmp_path / "m")
    known = len(old.text.vocabulary)
    assert new.text.vocabulary.words[:known] == old.text.vocabulary.words
    assert set(new.text.vocabulary.words[known:]) == set(strange)
    assert_near(new.text.embedding[:known], old.text.embedding)
    assert_near(new.text.embedding[known:], old.text.embedding[[0, 0]])
    assert np.abs(new.text.head_weight - old.text.head_weight).max() > 0.01
    few = replace(still, max_words=5)
    train_classifier(other, few, tmp_path / "few", start=skims)
    assert read_model(tmp_path / "few").text.vocabulary.words == old.text.vocabulary.words[:6]


@pytest.mark.parametrize("levels", [(12,), (12, 2), (12, 3, 0)])
def test_what_skims_begins_anew_where_it_is_another(task, skims, tmp_path, levels):
    still = options(levels=levels, **STILL)
    train_classifier(task, still, tmp_path / "m", start=skims)
    old, new = read_model(skims), read_model(tmp_path / "m")
    for name, array in new.parameters.items():
        if name.startswith(("skim_", "router_")):
            alike = array.shape == old.parameters.get(name, array[:0]).shape
            assert not (alike and np.allclose(array, old.parameters[name], atol=1e-3)), name
        else:
            assert_near(array, old.parameters[name])


def test_a_run_that_was_cut_off_goes_on_from_the_same_start_alone(
    task,
    skims,
    plain,
    tmp_path,
    monkeypatch,
):
    wanted = options(levels=(12, 3), epochs=2)
    whole = train_classifier(task, wanted, tmp_path / "whole", start=skims)

    def cut_off(event):
        if event["event"] == "evaluation":
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0)
    with pytest.raises(KeyboardInterrupt):
        train_classifier(task, wanted, tmp_path / "m", start=skims, show=cut_off)
    for start in (None, plain):
        with pytest.raises(ValueError, match=r"another run .*start was '[0-9a-f]{64}' and is "):
            train_classifier(task, wanted, tmp_path / "m", start=start)
    train_classifier(task, wanted, tmp_path / "m", start=skims)
    one, other = read_model(tmp_path / "m"), read_model(whole.folder)
    for name, array in one.parameters.items():
        np.testing.assert_array_equal(array, other.parameters[name])


def test_what_does_not_fit_is_refused(task, skims, plain, tmp_path):
    wanted = TrainingOptions(hidden_size=14, levels=(14, 3))
    with pytest.raises(ValueError, match=r"a start must have the full cell .*hidden_size=14.*has"):
        train_classifier(task, wanted, tmp_path / "m", start=skims)
    for beside in ({"vectors": "glove.txt"}, {"base": plain}):
        with pytest.raises(ValueError, match=r"has its own word vectors; got .* and "):
            train_classifier(task, options(), tmp_path / "m", start=skims, **beside)
    layer = saved(tmp_path / "layer", make_layer(make_config((12, 3))))
    with pytest.raises(ValueError, match=r"the start .* is a layer alone"):
        train_classifier(task, options(), tmp_path / "m", start=layer)
