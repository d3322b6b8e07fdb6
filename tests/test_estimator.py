"""The estimator: scikit-learn's contract, and that it learns, keeps and explains."""

import dataclasses
import pickle
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.utils import estimator_checks
from sklearn.utils.multiclass import type_of_target

import skimrnn
from skimrnn import SkimClassifier
from skimrnn.calibration import CalibrationError
from skimrnn.model_file import write_model
from skimrnn.model_folder import ModelFileError

FILLER = ("the", "a", "film", "it", "was", "and", "of", "to", "one", "in")
SMALL = {
    "hidden_size": 12,
    "skim_size": 3,
    "embedding_size": 8,
    "batch_size": 16,
    "learning_rate": 0.02,
    "dropout": 0.1,
    "epochs": 6,
    "min_count": 1,
    "random_state": 0,
    "options": {"averaging": 0.0, "evaluations_per_epoch": 1},
}


def texts(count, seed, words=("bad", "good")):
    random = np.random.default_rng(seed)
    made, labels = [], []
    for at in range(count):
        label = at % len(words)
        one = [str(word) for word in random.choice(FILLER, random.integers(2, 7))]
        one.insert(int(random.integers(len(one) + 1)), words[label])
        made.append(" ".join(one))
        labels.append(words[label])
    return made, labels


TRAIN, TEST = texts(160, 1), texts(40, 2)


@pytest.fixture(scope="module")
def fitted():
    return SkimClassifier(**SMALL).fit(*TRAIN)


@pytest.fixture
def refitted(fitted):
    """A copy of its own, to be spoilt."""
    return pickle.loads(pickle.dumps(fitted))


CHECKS = (
    *("cloneable", "tags_renamed", "repr", "estimators_overwrite_params", "estimators_unfitted"),
    *("fit_score_takes_y", "fit_check_is_fitted", "estimators_pickle", "dict_unchanged"),
    *("fit_idempotent", "classifiers_one_label", "estimators_fit_returns_self"),
    *("n_features_in_after_fitting", "no_attributes_set_in_init", "get_params_invariance"),
    *("parameters_default_constructible", "set_params", "mixin_order", "valid_tag_types"),
)
PREFIX = {"cloneable": "estimator_", "tags_renamed": "estimator_", "repr": "estimator_"}


@pytest.mark.parametrize("name", CHECKS)
def test_scikit_learn_s_own_checks(name):
    found = f"check_{PREFIX.get(name, '')}{name}"
    check = getattr(estimator_checks, found)
    # The checks' random numbers are words that are seen once: one pass over them is enough.
    small = {**SMALL, "epochs": 1, "hidden_size": 4, "skim_size": 1, "max_tokens": 5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        check("SkimClassifier", SkimClassifier(**small))


def test_it_learns(fitted):
    assert fitted.score(*TEST) > 0.9
    proba = fitted.predict_proba(TEST[0])
    assert proba.shape == (40, 2)
    assert np.allclose(proba.sum(axis=1), 1, atol=1e-5)
    assert fitted.classes_.tolist() == ["bad", "good"]
    assert (fitted.classes_[proba.argmax(axis=1)] == fitted.predict(TEST[0])).all()
    assert fitted.training_["options"]["levels"] == [12, 3]
    assert fitted.predict([]).shape == (0,)


@pytest.mark.parametrize(
    "labels",
    [[3, 7], [False, True], ["no", "yes"], [1.0, 2.0]],
    ids=["int", "bool", "str", "float"],
)
def test_labels_are_given_back_as_they_were(labels, tmp_path):
    y = np.array([labels[at % 2] for at in range(160)])
    fitted = SkimClassifier(**SMALL).fit(np.array(TRAIN[0]), y)
    assert fitted.classes_.dtype == y.dtype
    assert fitted.classes_.tolist() == labels
    assert set(fitted.predict(TEST[0]).tolist()) == set(labels)
    fitted.save(tmp_path / "model")
    again = SkimClassifier.load(tmp_path / "model")
    assert again.classes_.tolist() == labels
    assert (again.predict(TEST[0]) == fitted.predict(TEST[0])).all()


def test_the_same_seed_learns_the_same_and_another_does_not(fitted):
    again = SkimClassifier(**SMALL).fit(*TRAIN)
    assert (again.predict_proba(TEST[0]) == fitted.predict_proba(TEST[0])).all()
    other = SkimClassifier(**{**SMALL, "random_state": 1}).fit(*TRAIN)
    assert (other.predict_proba(TEST[0]) != fitted.predict_proba(TEST[0])).any()


def test_the_threshold_and_the_budget_are_those_of_the_call(fitted):
    mine = pickle.loads(pickle.dumps(fitted))
    rates = []
    for threshold in (0.01, 0.5, 1.0):
        mine.set_params(threshold=threshold)
        rates.append(np.mean([mine.explain(text).skim_rate for text in TEST[0]]))
    assert rates[0] >= rates[1] >= rates[2] == 0
    mine.set_params(budget=0.3)
    assert np.mean([mine.explain(text).skim_rate for text in TEST[0]]) > 0.5
    proba = mine.predict_proba(TEST[0])
    assert np.array_equal(proba, mine.model_.predict_proba(TEST[0], threshold=1.0, budget=0.3))
    assert np.array_equal(proba, mine.set_params(n_jobs=-1).predict_proba(TEST[0]))


def test_a_text_is_explained_and_encoded(fitted):
    reading = fitted.explain("it was a good film")
    assert isinstance(reading, skimrnn.Reading)
    assert reading.words == ["it", "was", "a", "good", "film"]
    assert reading.label == "good"
    vectors = fitted.encode(TEST[0])
    assert vectors.shape == (40, 12)
    file = fitted.model_.file
    head = vectors @ file.text.head_weight.T + file.text.head_bias
    softmax = np.exp(head) / np.exp(head).sum(axis=1, keepdims=True)
    assert np.allclose(softmax, fitted.predict_proba(TEST[0]), atol=1e-5)


@pytest.mark.parametrize("implementation", skimrnn.implementations())
def test_encoding_gives_the_states_that_reading_vectors_gives(fitted, implementation):
    wide = SkimClassifier(**{**SMALL, "bidirectional": True, "num_layers": 2, "epochs": 1}).fit(
        *TRAIN
    )
    for one in (fitted, wide):
        model = skimrnn.Model(one.model_.file, implementation)
        file = model.file
        vectors = model.encode(TEST[0], workers=2)
        for text, vector in zip(TEST[0], vectors, strict=True):
            x = file.text.embedding[file.text.vocabulary.rows(skimrnn.text.scan(text).words)]
            states = model.read_vectors(x).h_n[-model.config.directions :]
            assert np.allclose(vector, states.reshape(-1), atol=1e-6)
            assert np.array_equal(model.encode(text), vector)


def test_tuning_sets_the_threshold(fitted):
    mine = pickle.loads(pickle.dumps(fitted))
    found = mine.tune(*TEST, skim_rate=0.5)
    assert mine.threshold == found.chosen.threshold
    assert found.chosen.skim_rate >= 0.5
    assert mine.score(*TEST) == pytest.approx(found.chosen.accuracy)
    with pytest.raises(ValueError, match="not learnt: awful"):
        mine.tune(["a film"], ["awful"], skim_rate=0.5)
    plain = SkimClassifier(**{**SMALL, "skim_size": None, "epochs": 1}).fit(*TRAIN)
    assert plain.explain("a film").skim_rate == 0
    with pytest.raises(CalibrationError, match="never skims"):
        plain.tune(*TEST, skim_rate=0.5)


def test_weights_count():
    """A word that is good as often as bad goes the way of the heavier texts."""
    both = ["odd one"] * 100
    y = ["bad", "good"] * 50
    for heavy in ("bad", "good"):
        own = [9.0 if label == heavy else 1.0 for label in y]
        for fitted in (
            SkimClassifier(**SMALL).fit(both, y, sample_weight=own),
            SkimClassifier(**SMALL, class_weight={"bad": 1, "good": 1, heavy: 9}).fit(both, y),
        ):
            [proba] = fitted.predict_proba(["odd one"])
            assert proba[fitted.classes_ == heavy] > 0.75
    rare = ["odd one"] * 100, ["bad"] * 90 + ["good"] * 10
    [even] = SkimClassifier(**SMALL, class_weight="balanced").fit(*rare).predict_proba(["odd one"])
    assert 0.3 < even[0] < 0.7


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("one text", ["good"]), "several texts"),
        ((5, ["good"]), "several texts"),
        ((["a", "b"], ["good"]), "got 2 and 1"),
        ((["a", "b"], [["good"], ["bad"]]), "one label for each text"),
        ((["a", "b"], [["good", "x"], ["bad", "y"]]), "one label for each text"),
        ((["a", "b"], [0.5, 1.7]), "continuous"),
        ((["a", "b"], ["good", "bad"], [1.0]), "sample_weight must be one number"),
        ((["a", "b"] * 9, ["good", "bad"] * 9, [-1.0] * 18), "sample_weight must be finite"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        SkimClassifier(**SMALL).fit(*arguments)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"skim_size": 12}, "skim_size"),
        ({"validation_fraction": 0}, "between 0 and 1"),
        ({"validation_fraction": "a"}, "between 0 and 1; got 'a'"),
        ({"options": {"foo": 1}}, "training options, adversarial, .*; got 'foo'"),
        ({"hidden_size": 0, "skim_size": None}, "hidden_size"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"class_weight": "odd"}, "balanced"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        SkimClassifier(**{**SMALL, "epochs": 1, **settings}).fit(*TRAIN).predict(["a film"])


def test_it_goes_on_from_a_model(fitted, tmp_path):
    fitted.save(tmp_path / "begun")
    settings = {**SMALL, "epochs": 1, "learning_rate": 1e-9, "start": str(tmp_path / "begun")}
    on = SkimClassifier(**settings).fit(*TRAIN)
    assert on.training_["start"] == "begun"
    np.testing.assert_allclose(on.encode(TEST[0]), fitted.encode(TEST[0]), atol=1e-4)
    for name, said in (("nothing", "no bundled model 'nothing'"), ("sst", "must have the full")):
        with pytest.raises(ValueError, match=said):
            SkimClassifier(**{**settings, "start": name}).fit(*TRAIN)
    with pytest.raises(ValueError, match="has its own word vectors"):
        SkimClassifier(**settings, vectors="glove-6b-50d").fit(*TRAIN)


def test_it_learns_from_texts_without_labels():
    """Words that no labelled text has say what the teacher says of them."""
    more, said = texts(300, 5, ("dire", "superb"))
    teacher = np.eye(2)[[int(word == "superb") for word in said]]
    taught = SkimClassifier(**SMALL).fit(*TRAIN, unlabelled=more, teacher=teacher)
    assert taught.training_["unlabelled"] == 300
    assert taught.predict(["a superb film", "a dire film"]).tolist() == ["good", "bad"]
    assert taught.score(*TEST) > 0.9


@pytest.mark.parametrize(
    ("unlabelled", "teacher", "said"),
    [
        (["a film"], None, "come together; got only unlabelled"),
        (None, [[0.5, 0.5]], "come together; got only teacher"),
        (["a film"], [[0.2, 0.3, 0.5]], r"each of 2 classes for each of 1 .* \(1, 3\)"),
        (["a film"], [[0.5, 0.6]], r"add up to 1 per text; got 0\.5, 0\.6 for unlabelled text 0"),
        (["a film"], ["good"], r"as predict_proba gives them; got \['good'\]"),
        ("a film", [[0.5, 0.5]], "unlabelled must be several texts"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(unlabelled, teacher, said):
    with pytest.raises(ValueError, match=said):
        SkimClassifier(**SMALL).fit(*TRAIN, unlabelled=unlabelled, teacher=teacher)


def test_with_one_label_that_is_always_predicted():
    fitted = SkimClassifier(**SMALL).fit(["a film", "a good film"], ["good", "good"])
    assert fitted.predict(["a bad film"]).tolist() == ["good"]
    assert fitted.predict_proba(["a", "b"]).tolist() == [[1.0], [1.0]]
    assert pickle.loads(pickle.dumps(fitted)).predict(["x"]).tolist() == ["good"]
    with pytest.raises(ValueError, match="nothing was learnt"):
        fitted.explain("a film")


def test_few_texts_are_enough_to_fit():
    fitted = SkimClassifier(**{**SMALL, "epochs": 1}).fit(["good", "bad"], ["yes", "no"])
    assert fitted.predict(["good"]).shape == (1,)


# ---- several labels a text -----------------------------------------------------------------------


def topics(count, seed):
    """A text has a label if it has its word; the two do not depend on each other."""
    random = np.random.default_rng(seed)
    made, sets = [], []
    for at in range(count):
        one = [str(word) for word in random.choice(FILLER, random.integers(2, 7))]
        has = {word for number, word in enumerate(("goal", "vote")) if at >> number & 1}
        for word in sorted(has):
            one.insert(int(random.integers(len(one) + 1)), word)
        made.append(" ".join(one))
        sets.append(has)
    return made, sets


NAMES = MultiLabelBinarizer()
TOPICS, TOPIC_SETS = topics(160, 1)
Y = NAMES.fit_transform(TOPIC_SETS)
UNSEEN, UNSEEN_SETS = topics(40, 2)
UNSEEN_Y = NAMES.transform(UNSEEN_SETS)


@pytest.fixture(scope="module")
def several():
    return SkimClassifier(**{**SMALL, "epochs": 8}).fit(TOPICS, Y)


def test_several_labels_are_learnt(several):
    given = several.predict(UNSEEN)
    assert f1_score(UNSEEN_Y, given, average="micro") > 0.9
    assert type_of_target(given) == type_of_target(Y) == "multilabel-indicator"
    assert given.dtype == Y.dtype == np.int64
    assert several.classes_.tolist() == [0, 1]
    assert several.score(UNSEEN, UNSEEN_Y) == accuracy_score(UNSEEN_Y, given)
    proba = several.predict_proba(UNSEEN)
    assert proba.shape == (40, 2)
    assert np.array_equal(given, proba >= 0.5)
    assert np.abs(proba.sum(axis=1) - 1).max() > 0.5
    assert NAMES.inverse_transform(several.predict(["it was a goal", "a film"])) == [("goal",), ()]
    assert several.predict([]).shape == (0, 2)
    assert several.training_["multilabel"] is True
    assert several.__sklearn_tags__().classifier_tags.multi_label


def test_several_labels_are_learnt_from_a_teacher():
    more = [text.replace("goal", "penalty") for text in TOPICS * 2]
    settings = {**SMALL, "epochs": 8}
    taught = SkimClassifier(**settings).fit(
        TOPICS, Y, unlabelled=more, teacher=np.concatenate([Y, Y])
    )
    given = NAMES.inverse_transform(taught.predict(["it was a penalty", "a vote of the film"]))
    assert given == [("goal",), ("vote",)]


class Frame:
    """As much of a data frame as is looked at."""

    columns = ("sport", "politics")

    def __array__(self, dtype=None, copy=None):
        return Y


def test_a_data_frame_names_the_labels(several, tmp_path):
    named = SkimClassifier(**{**SMALL, "epochs": 1}).fit(TOPICS, Frame())
    assert named.classes_.tolist() == [0, 1]
    named.save(tmp_path / "named")
    assert skimrnn.load(tmp_path / "named").labels == ("sport", "politics")
    several.save(tmp_path / "plain")
    assert skimrnn.load(tmp_path / "plain").labels == ("0", "1")


@pytest.mark.parametrize(
    "make",
    [
        lambda y: y.astype(bool),
        lambda y: y.astype(float),
        lambda y: y.tolist(),
        lambda y: MultiLabelBinarizer(sparse_output=True).fit_transform(TOPIC_SETS),
    ],
    ids=["bool", "float", "list", "sparse"],
)
def test_indicators_of_every_kind_are_the_same(several, make):
    cheap = {**SMALL, "epochs": 1}
    one, other = (SkimClassifier(**cheap).fit(TOPICS, y) for y in (Y, make(Y)))
    assert np.array_equal(one.predict_proba(UNSEEN), other.predict_proba(UNSEEN))


class NAType:
    """As pandas' NA: it is not even unequal to itself."""

    def __ne__(self, other):
        raise TypeError("boolean value of NA is ambiguous")

    __eq__ = __ne__
    __hash__ = object.__hash__


@pytest.mark.parametrize("nothing", [None, float("nan"), NAType()])
def test_missing_labels_are_named(nothing):
    labels = np.array(["good", nothing, "bad", nothing], dtype=object)
    with pytest.raises(ValueError, match="no label in 2 of 4 rows, at 1, 3: fill or remove"):
        SkimClassifier(**SMALL).fit(["a", "b", "c", "d"], labels)
    with pytest.raises(ValueError, match="no label in 2 of 4 rows, at 1, 3: fill or remove"):
        SkimClassifier(**SMALL).fit(["a", "b", "c", "d"], labels.tolist())


def test_lists_of_labels_are_told_of_columns():
    with pytest.raises(ValueError, match="make columns of 0 and 1 of them"):
        SkimClassifier(**SMALL).fit(["a", "b", "c"], [["good"], ["good", "bad"], []])


def test_a_text_of_weight_0_has_no_part_in_the_weight_of_its_class():
    labels, own = np.array(["a"] * 10 + ["b"] * 10), np.array([1.0] + [0.0] * 9 + [1.0] * 10)
    weights = SkimClassifier(class_weight="balanced")._weights(labels, own)
    assert weights == pytest.approx([5.5] + [0.0] * 9 + [0.55] * 10)


@pytest.mark.parametrize("nothing", [None, float("nan"), np.float32("nan"), NAType()])
def test_missing_texts_are_named(nothing):
    texts = ["a joy", nothing, "a bore", nothing]
    with pytest.raises(ValueError, match="X has no text in 2 of 4 rows, at 1, 3: fill or remove"):
        SkimClassifier(**SMALL).fit(texts, ["good", "bad"] * 2)
    with pytest.raises(ValueError, match="X has no text in 2 of 4 rows, at 1, 3"):
        SkimClassifier.load("sst").predict(texts)


def test_settings_may_be_numpy_s(tmp_path):
    sizes = {"hidden_size": np.int64(8), "skim_size": np.int32(2), "dropout": np.float32(0.25)}
    model = SkimClassifier(**{**SMALL, **sizes, "epochs": np.int64(1)}).fit(*TRAIN)
    model.save(tmp_path / "model")
    assert model.model_.file.config.levels == (8, 2)
    assert model.training_["options"]["dropout"] == 0.25


def test_lists_of_labels_are_pointed_to_columns():
    for labels in (np.array([["a"], ["a", "b"]], dtype=object), [{"a"}, {"b"}]):
        with pytest.raises(ValueError, match="MultiLabelBinarizer"):
            SkimClassifier(**SMALL).fit(["one", "two"], labels)


def test_a_bundled_model_is_loaded_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = SkimClassifier.load("sst")
    assert loaded.predict(["a joy", "a bore"]).tolist() == ["positive", "negative"]
    SkimClassifier(**SMALL).fit(*TRAIN).save("sst")  # what was saved under the name comes first
    assert SkimClassifier.load("sst").classes_.tolist() == ["bad", "good"]
    with pytest.raises(ModelFileError, match="no such folder"):
        SkimClassifier.load("absent")


def test_a_wanted_rate_is_about_what_is_skimmed():
    few, many = (SkimClassifier(**SMALL, wanted_rate=rate).fit(*TRAIN) for rate in (0.1, 0.9))
    assert many.training_["options"]["penalty"] == "rate"
    assert many.training_["options"]["wanted_rate"] == 0.9
    rates = [np.mean([one.explain(text).skim_rate for text in TEST[0]]) for one in (few, many)]
    assert rates[0] < 0.4 < 0.6 < rates[1]


def test_a_plain_rnn_has_no_wanted_rate():
    with pytest.raises(ValueError, match=r"wanted_rate=0\.9 with skim_size=None: give a skim_size"):
        SkimClassifier(**{**SMALL, "skim_size": None}, wanted_rate=0.9).fit(*TRAIN)


def test_several_labels_are_saved_pickled_explained_and_encoded(several, tmp_path):
    several.save(tmp_path / "model")
    model = skimrnn.load(tmp_path / "model")
    assert model.multilabel
    assert model.labels == ("0", "1")
    for again in (
        SkimClassifier.load(tmp_path / "model"),
        pickle.loads(pickle.dumps(several)),
    ):
        assert again.classes_.tolist() == [0, 1]
        assert np.array_equal(again.predict(UNSEEN), several.predict(UNSEEN))
    assert several.explain("a goal and a vote").chosen == ("0", "1")
    vectors, text = several.encode(UNSEEN), model.file.text
    scores = vectors @ text.head_weight.T + text.head_bias
    assert np.allclose(1 / (1 + np.exp(-scores)), several.predict_proba(UNSEEN), atol=1e-5)


def test_a_folder_s_labels_are_numbered(several, tmp_path):
    """As of a folder of ``skimrnn train``, whose record has no classes."""
    file = several.model_.file
    text = dataclasses.replace(file.text, labels=("goal", "vote"))
    named = dataclasses.replace(file, text=text)
    write_model(tmp_path / "named", named)
    again = SkimClassifier.load(tmp_path / "named")
    assert again.classes_.tolist() == [0, 1]
    assert np.array_equal(again.predict(UNSEEN), several.predict(UNSEEN))
    assert again.explain("a goal").chosen == ("goal",)


def test_tuning_counts_f1(several):
    mine = pickle.loads(pickle.dumps(several))
    found = mine.tune(UNSEEN, UNSEEN_Y, max_accuracy_drop=0)
    assert found.chosen.f1 == max(point.f1 for point in found.points)
    assert f1_score(UNSEEN_Y, mine.predict(UNSEEN), average="micro") == pytest.approx(
        found.chosen.f1
    )
    for odd in (["goal"] * 40, np.ones((40, 3), int)):
        with pytest.raises(ValueError, match=r"y must have the shape \(40, 2\)"):
            mine.tune(UNSEEN, odd, skim_rate=0)


def test_one_label_a_text_is_not_tuned_with_several(fitted):
    with pytest.raises(ValueError, match=r"y must have the shape \(40,\)"):
        fitted.tune(UNSEEN, UNSEEN_Y, skim_rate=0)


def test_weights_of_texts_with_several_labels_count():
    y = np.array([[1, 0], [0, 1]] * 50)
    for heavy in (0, 1):
        own = np.where(y[:, heavy], 9.0, 1.0)
        fitted = SkimClassifier(**SMALL).fit(["odd one"] * 100, y, sample_weight=own)
        [proba] = fitted.predict_proba(["odd one"])
        assert proba[heavy] > 0.75
        assert proba[1 - heavy] < 0.25


def test_several_labels_in_searches_and_validation():
    cheap = {**SMALL, "epochs": 1}
    search = GridSearchCV(
        SkimClassifier(**cheap), {"skim_weight": [0.0, 0.1]}, cv=2, scoring="f1_micro"
    )
    search.fit(TOPICS, Y)
    assert search.predict(UNSEEN).shape == UNSEEN_Y.shape
    assert len(cross_val_score(SkimClassifier(**cheap), TOPICS, Y, cv=2)) == 2


@pytest.mark.parametrize(
    ("settings", "y", "said"),
    [
        ({"class_weight": "balanced"}, Y, "class_weight is for one label a text"),
        ({}, Y[:, :1], r"each of two or more labels, \(N, C\); got shape \(160, 1\)"),
        ({}, Y + 1, r"0 or 1 for each text"),
        ({}, Y[:9], "got 160 and 9"),
        ({}, np.ones((160, 2), int), r"every training text has the same labels \('0', '1'\)"),
        ({}, np.zeros((160, 2), int), "there is nothing to learn"),
        ({}, np.zeros((0, 2), int), r"got shape \(0, 2\)"),
    ],
)
def test_several_labels_that_do_not_fit_are_refused(settings, y, said):
    with pytest.raises(ValueError, match=said):
        SkimClassifier(**SMALL, **settings).fit(TOPICS, y)


def test_sample_weights_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match="one number for each of the 160 texts"):
        SkimClassifier(**SMALL).fit(TOPICS, Y, sample_weight=np.ones((160, 2)))


# ---- the contract --------------------------------------------------------------------------------


def test_before_fitting_nothing_is_read():
    for use in ("predict", "predict_proba", "explain", "encode"):
        with pytest.raises(NotFittedError):
            getattr(SkimClassifier(), use)(["a"])
    with pytest.raises(NotFittedError):
        SkimClassifier().save("anywhere")


def test_in_pipelines_searches_and_validation():
    cheap = {**SMALL, "epochs": 1}
    search = GridSearchCV(SkimClassifier(**cheap), {"skim_weight": [0.0, 0.1]}, cv=2)
    search.fit(*TRAIN)
    assert search.best_params_["skim_weight"] in (0.0, 0.1)
    assert len(cross_val_score(clone(search.best_estimator_), *TRAIN, cv=2)) == 2
    upper = Pipeline([("lower", _Upper()), ("read", SkimClassifier(**SMALL))])
    upper.fit(*TRAIN)
    assert upper.score(*TEST) > 0.9


class _Upper(TfidfVectorizer):
    """A transformer from texts to texts."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return [text.upper() for text in X]

    def fit_transform(self, X, y=None):
        return self.transform(X)


def test_what_is_saved_is_what_the_package_reads(fitted, tmp_path):
    folder = tmp_path / "model"
    pickle.loads(pickle.dumps(fitted)).set_params(threshold=0.3, budget=0.6).save(folder)
    model = skimrnn.load(folder)
    assert (model.rule.threshold, model.rule.budget) == (0.3, 0.6)
    again = SkimClassifier.load(folder)
    assert (again.threshold, again.budget) == (0.3, 0.6)
    assert np.array_equal(again.predict_proba(TEST[0]), model.predict_proba(TEST[0]))
    bundled = SkimClassifier.load(skimrnn.runtime.model.model_folder("sst"))
    assert bundled.predict(["a wonderful film"]).tolist() == ["positive"]
    skimrnn.nn.save(skimrnn.nn.SkimLSTM(3, 4, skim_size=2), tmp_path / "layer")
    with pytest.raises(ModelFileError, match="bare layer"):
        SkimClassifier.load(tmp_path / "layer")


def test_a_pickled_estimator_predicts_without_torch(fitted, tmp_path):
    path = tmp_path / "fitted.pickle"
    path.write_bytes(pickle.dumps(fitted))
    script = f"""
        import pickle, sys
        class NoTorch:
            def find_spec(self, name, *_):
                if name.split(".")[0] == "torch":
                    raise ModuleNotFoundError(f"No module named {{name!r}}")
        sys.meta_path.insert(0, NoTorch())
        fitted = pickle.load(open({str(path)!r}, "rb"))
        print(*fitted.predict(["it was a good film", "a bad one"]))
        try:
            fitted.fit(["a", "b"], ["x", "y"])
        except ImportError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer, error = done.stdout.splitlines()
    assert answer == "good bad"
    assert "torch" in error


def test_without_scikit_learn_it_says_what_to_install():
    script = """
        import sys
        sys.modules["sklearn"] = None
        sys.modules["sklearn.base"] = None
        import skimrnn
        try:
            skimrnn.SkimClassifier
        except ImportError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "pip install 'skimrnn[sklearn,train]'" in done.stdout


# ---- what fails leaves what there was ------------------------------------------------------------


def test_a_fit_that_fails_leaves_what_was_fitted(refitted):
    before = refitted.predict_proba(TEST[0])
    refitted.set_params(validation_fraction=2)
    with pytest.raises(ValueError, match="validation_fraction"):
        refitted.fit(TRAIN[0], ["other", "labels"] * (len(TRAIN[0]) // 2))
    assert list(refitted.classes_) == ["bad", "good"]
    np.testing.assert_array_equal(refitted.predict_proba(TEST[0]), before)


def test_a_first_fit_that_fails_is_no_fit():
    classifier = SkimClassifier(**SMALL)
    with pytest.raises(ValueError, match="sample_weight"):
        classifier.fit(*TRAIN, sample_weight=[1, 2])
    with pytest.raises(NotFittedError):
        classifier.predict(TEST[0])


# ---- what texts may be ---------------------------------------------------------------------------


def test_bytes_are_read_as_utf_8(fitted):
    given = ["a good film", "ein schöner bad film"]
    proba = fitted.predict_proba([one.encode() for one in given])
    np.testing.assert_array_equal(proba, fitted.predict_proba(given))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"text": TEST[0]}, "dict of keys text"),
        (np.array([TEST[0]]), r"ndarray of shape \(1, 40\)"),
    ],
)
def test_a_table_is_not_a_column_of_texts(fitted, given, said):
    with pytest.raises(ValueError, match=f"one column of texts; got a {said}"):
        fitted.predict(given)


# ---- weights -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_texts_of_weight_0_are_as_if_they_were_not_there(seed):
    few = np.arange(len(TRAIN[0])) < 20
    small = SkimClassifier(**{**SMALL, "epochs": 1, "random_state": seed})
    weighted = clone(small).fit(*TRAIN, sample_weight=few.astype(float))
    alone = clone(small).fit(TRAIN[0][:20], TRAIN[1][:20], sample_weight=np.ones(20))
    np.testing.assert_array_equal(weighted.predict_proba(TEST[0]), alone.predict_proba(TEST[0]))


@pytest.mark.parametrize("weight", [0, -1, np.nan])
def test_weights_that_say_nothing_are_refused(weight):
    with pytest.raises(ValueError, match="sample_weight must be finite, at least 0, and not 0"):
        SkimClassifier(**SMALL).fit(*TRAIN, sample_weight=np.full(len(TRAIN[0]), weight))


# ---- the rule is the estimator's own -------------------------------------------------------------


def test_a_budget_can_be_taken_from_a_model_that_was_loaded(fitted, tmp_path):
    fitted.set_params(threshold=1.0, budget=0.1, burst=3)
    try:
        fitted.save(tmp_path / "model")
    finally:
        fitted.set_params(threshold=0.5, budget=None, burst=1)
    loaded = SkimClassifier.load(tmp_path / "model")
    assert (loaded.threshold, loaded.budget, loaded.burst) == (1.0, 0.1, 3)
    assert int((loaded.explain("the film was one of the good").level == 0).sum()) == 3
    loaded.set_params(budget=None)
    assert loaded.explain("the film was one of the good").skim_rate == 0


def test_tuning_reads_under_the_budget(refitted):
    refitted.set_params(budget=0.0, burst=0)
    found = refitted.tune(*TEST, skim_rate=0.5)
    assert {point.skim_rate for point in found.points} == {1.0}
    assert {point.budget for point in found.points} == {0.0}


def test_classes_of_a_loaded_model_are_sorted(fitted, tmp_path):
    file = fitted.model_.file
    turned = dataclasses.replace(
        file,
        text=dataclasses.replace(file.text, labels=("2", "10")),
        training={key: value for key, value in file.training.items() if key != "classes"},
    )
    write_model(tmp_path / "model", turned)
    loaded = SkimClassifier.load(tmp_path / "model")
    assert list(loaded.classes_) == ["10", "2"]
    assert loaded.label_names_ is None
    proba, before = loaded.predict_proba(TEST[0]), fitted.predict_proba(TEST[0])
    np.testing.assert_array_equal(proba, before[:, ::-1])
    assert list(loaded.predict(TEST[0])) == [
        {"bad": "2", "good": "10"}[one] for one in fitted.predict(TEST[0])
    ]
    assert loaded.explain(TEST[0][0]).label == loaded.predict(TEST[0][:1])[0]


# ---- γ ------------------------------------------------------------------------------------------


def test_a_weight_that_is_given_is_that_of_a_wanted_rate_too():
    small = {**SMALL, "epochs": 1}
    for given, weight in ((None, 5.0), (1.5, 1.5)):
        found = SkimClassifier(**small, wanted_rate=0.5, skim_weight=given).fit(*TRAIN)
        assert found.training_["options"]["skim_weight"] == weight
    assert SkimClassifier(**small).fit(*TRAIN).training_["options"]["skim_weight"] == 0.01
