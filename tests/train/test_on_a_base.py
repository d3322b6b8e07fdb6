"""Skimming that is learnt on top of a model which stays as it is."""

from dataclasses import replace

import numpy as np
import pytest
from moods import LABELS, moods, options

import skimrnn
from skimrnn.model_file import read_model, write_model
from skimrnn.tasks import TextTask
from skimrnn.train import loop, train_classifier


@pytest.fixture(scope="module")
def task():
    return moods()


@pytest.fixture(scope="module")
def plain(task, tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "plain"
    train_classifier(task, options(), folder)
    return folder


@pytest.mark.parametrize("levels", [(12, 2), (12, 0), (12, 4, 0)])
def test_what_is_below_stays_and_skimming_is_learnt(task, plain, tmp_path, levels):
    changes = {"levels": levels, "skim_weight": 0.2, "weight_decay": 0.1}
    trained = train_classifier(task, options(**changes), tmp_path / "skims", base=plain)
    assert trained.record["base"] == "plain"
    below, above = read_model(plain), read_model(tmp_path / "skims")
    assert above.text.vocabulary.words == below.text.vocabulary.words
    for name in ("embedding", "head_weight", "head_bias"):
        np.testing.assert_array_equal(getattr(above.text, name), getattr(below.text, name))
    for name, array in below.parameters.items():
        np.testing.assert_array_equal(above.parameters[name], array)
    old, new = skimrnn.load(plain), skimrnn.load(tmp_path / "skims")
    probabilities = new.predict_proba(list(task.test.texts), threshold=1)
    assert probabilities.tobytes() == old.predict_proba(list(task.test.texts)).tobytes()
    readings = new.read(list(task.test.texts))
    assert np.mean([reading.skim_rate for reading in readings]) > 0.4
    right = [LABELS.index(reading.label) for reading in readings] == task.test.targets
    assert right.mean() > 0.9


@pytest.mark.parametrize("adversarial", [0.0, 1.0])
def test_texts_without_a_word_teach_nothing_and_stop_nothing(task, plain, tmp_path, adversarial):
    examples = replace(task.train, texts=["\u200b"] * 40 + list(task.train.texts[40:]))
    some = options(levels=(12, 2), batch_size=8, epochs=1, adversarial=adversarial)
    trained = train_classifier(replace(task, train=examples), some, tmp_path / "m", base=plain)
    assert trained.outcome.steps == -(-len(examples.texts) // 8)


def test_a_base_in_less_precision_is_kept_as_it_is(task, plain, tmp_path):
    write_model(tmp_path / "half", read_model(plain), dtype="float16")
    train_classifier(
        task, options(levels=(12, 2), epochs=1), tmp_path / "m", base=tmp_path / "half"
    )
    below, above = read_model(tmp_path / "half"), read_model(tmp_path / "m")
    for name, array in below.parameters.items():
        np.testing.assert_array_equal(above.parameters[name], array.astype(np.float32))


class CutOffError(Exception):
    """Raised inside ``show`` to cut a run off."""


def test_a_checkpoint_of_another_base_is_refused(task, plain, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)

    def cut_off(event):
        if event["event"] == "evaluation":
            raise CutOffError

    wanted = options(levels=(12, 2))
    with pytest.raises(CutOffError):
        train_classifier(task, wanted, tmp_path / "m", base=plain, show=cut_off)
    with pytest.raises(ValueError, match=r"another run .*base was '[0-9a-f]{64}' and is None"):
        train_classifier(task, wanted, tmp_path / "m")
    train_classifier(task, wanted, tmp_path / "m", base=plain)


def test_what_does_not_fit_is_refused(task, plain, tmp_path):
    wanted = options(levels=(12, 2))
    with pytest.raises(ValueError, match=r"asked for, cell='lstm', hidden_size=14, .*=12"):
        train_classifier(
            task, replace(wanted, hidden_size=14, levels=(14, 2)), tmp_path, base=plain
        )
    with pytest.raises(ValueError, match="nothing to learn on top of a base"):
        train_classifier(task, options(), tmp_path / "m", base=plain)
    with pytest.raises(ValueError, match=r"has its own word vectors; got base .* and vectors"):
        train_classifier(task, wanted, tmp_path / "m", base=plain, vectors="glove.txt")
    with pytest.raises(ValueError, match=r"leave out warm_start_steps \(now 3\)"):
        train_classifier(task, replace(wanted, warm_start_steps=3), tmp_path / "m", base=plain)
    other = TextTask("x", ("a", "b"), task.train, task.validation, task.test, task.record)
    with pytest.raises(ValueError, match=r"must know the labels a, b; .* knows bad, good"):
        train_classifier(other, wanted, tmp_path / "m", base=plain)
    layer = replace(read_model(plain), text=None)
    write_model(tmp_path / "layer", layer)
    with pytest.raises(ValueError, match="is a layer alone; name a classifier's folder"):
        train_classifier(task, wanted, tmp_path / "m", base=tmp_path / "layer")
    assert not (tmp_path / "m").exists()
