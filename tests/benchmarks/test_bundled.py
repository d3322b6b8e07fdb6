"""The bundled models are those that their committed results and cards speak of."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import skimrnn
from benchmarks.classification import bundled
from benchmarks.classification.bundled import BUNDLED, MODELS, RESULTS, card, with_words
from skimrnn.evaluation import load_test_texts
from skimrnn.files import sha256
from skimrnn.model_file import read_model

DATA = Path(os.environ.get("SKIMRNN_DATA", Path(__file__).parents[3] / "shared" / "data"))

every_model = pytest.mark.parametrize("name", list(BUNDLED))


def result_of(name):
    return json.loads((RESULTS / f"bundled-{name}.json").read_text())


def test_every_bundled_model_is_judged():
    assert set(BUNDLED) == set(skimrnn.bundled_models())


@every_model
def test_the_result_is_of_this_model_and_the_card_says_it(name):
    result = result_of(name)
    assert result["parameters_sha256"] == sha256(MODELS / name / "model.safetensors")
    assert set(result["tests"]) == set(BUNDLED[name].tests)
    assert card(name, skimrnn.load(name), result) == skimrnn.load(name).card
    for test in result["tests"].values():
        assert f"{100 * test['accuracy']:.1f} % | {100 * test['skim_rate']:.1f} %" in (
            skimrnn.load(name).card
        )


@every_model
def test_a_part_of_its_test_texts_is_labelled_as_well_as_all(name):
    if not (DATA / name).is_dir():
        pytest.skip(f"the data set {name} is not at hand: no folder {DATA / name}")
    model, expected = skimrnn.load(name), result_of(name)["tests"][name]
    examples = load_test_texts(model, name, data_dir=DATA).examples
    some = examples.take(np.random.default_rng(0).permutation(len(examples))[:1500])
    labels = [model.labels[target] for target in some.targets]
    readings = model.read(some.texts, workers=2)
    right = np.mean([r.label == label for r, label in zip(readings, labels, strict=True)])
    assert right == pytest.approx(expected["accuracy"], abs=0.03)
    rate = np.mean(np.concatenate([r.level[0, 0] for r in readings]) > 0)
    assert rate == pytest.approx(expected["skim_rate"], abs=0.02)


def test_a_cut_vocabulary_reads_other_words_as_unknown():
    whole = read_model(MODELS / "sst")
    cut = with_words(whole, 50)
    assert cut.text.vocabulary.words == whole.text.vocabulary.words[:50]
    assert cut.text.embedding.shape == (50, whole.config.input_size)
    model = skimrnn.runtime.Model(cut)
    rare = whole.text.vocabulary.words[-1]
    np.testing.assert_array_equal(
        model.predict_proba(f"the {rare}"), model.predict_proba("the zzzyx")
    )
    assert bundled.implementations("imdb") == tuple(
        name for name in skimrnn.implementations() if name != "numpy"
    )
