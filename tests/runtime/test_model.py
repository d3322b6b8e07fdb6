"""Reading texts: what each call gives, for any text there is, and the same beside any other."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skimrnn
from models import LABELS, make_classifier, make_config, saved
from skimrnn import reference
from skimrnn.decision import Chooser, Rule
from skimrnn.model_file import read_model
from skimrnn.runtime import (
    Model,
    bundled_models,
    implementations,
    load,
    load_layer,
    model_folder,
)
from skimrnn.text import scan

TEXTS = [
    "The film is good.",
    "",
    "bad",
    "It isn't é 😀's good bad film, the film is n't",
    "nothing known here whatsoever",
    b"the \xff\xfe film \xe2\x82",
    "a \ud800 b \udc00",
    " \n\t ",
    "good " * 50,
]


def same(ours: skimrnn.Reading, theirs: skimrnn.Reading) -> bool:
    arrays = ("level", "p", "probabilities")
    return (
        (ours.text, ours.labels, ours.rule) == (theirs.text, theirs.labels, theirs.rule)
        and all(getattr(ours, a).dtype == getattr(theirs, a).dtype for a in arrays)
        and all(getattr(ours, a).tobytes() == getattr(theirs, a).tobytes() for a in arrays)
    )


# ---- what a call gives ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("numpy", "float64"), *((name, "float32") for name in skimrnn.implementations())],
)
@pytest.mark.parametrize(
    "options",
    [{}, {"cell": "gru", "bidirectional": True, "num_layers": 2}, {"cell": "rnn_relu"}],
    ids=["lstm", "gru", "rnn"],
)
@pytest.mark.parametrize("levels", [(7,), (7, 3), (7, 3, 0)], ids=str)
def test_read_is_embedding_then_layers_then_head(
    levels, options, name: str, dtype: str, tmp_path: Path
) -> None:
    file = make_classifier(make_config(levels, **options), dtype=dtype)
    model = load(saved(tmp_path / "model", file), implementation=name)
    text, config = file.text, file.config
    assert text is not None
    reading = model.read("The good film, unknown!")
    words = ["the", "good", "film", ",", "unknown", "!"]
    assert reading.words == words
    rows = [text.vocabulary.words.index(w) if w in text.vocabulary.words else 0 for w in words]
    choosers = [
        [Chooser(Rule()) for _ in range(config.directions)] for _ in range(config.num_layers)
    ]
    read = reference.read_sequence(
        text.embedding[rows], reference.unpack(file.parameters, config), config, choosers
    )
    np.testing.assert_array_equal(reading.level, read.level)
    if name == "numpy":
        np.testing.assert_array_equal(reading.p, read.p.astype(np.float32))
    np.testing.assert_allclose(reading.p, read.p, rtol=3e-5, atol=3e-5)
    last = np.concatenate(list(read.h_n[-config.directions :])).astype(np.float64)
    logits = text.head_weight.astype(np.float64) @ last + text.head_bias
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(reading.probabilities, expected, rtol=1e-5, atol=1e-7)
    assert reading.label == LABELS[int(expected.argmax())]
    assert reading.level.dtype == np.int8
    assert reading.p.dtype == reading.probabilities.dtype == np.float32
    assert reading.level.shape == (config.num_layers, config.directions, 6)
    assert reading.p.shape == (*reading.level.shape, len(levels))
    assert reading.config == config
    assert model.implementation == name


def test_one_text_or_several(model: Model) -> None:
    assert isinstance(model.read("good"), skimrnn.Reading)
    assert isinstance(model.predict("good"), str)
    assert model.predict_proba("good").shape == (3,)
    for several in (["good"], ("good",), np.array(["good"]), {"good": 1}):
        assert [same(r, model.read("good")) for r in model.read(several)] == [True]
        assert model.predict(several) == [model.predict("good")]
        assert model.predict_proba(several).shape == (1, 3)
    assert [r.text for r in model.read(t for t in ("good", "bad"))] == ["good", "bad"]


def test_no_text(model: Model) -> None:
    assert model.read([]) == []
    assert model.predict([]) == []
    assert model.predict_proba([]).shape == (0, 3)
    assert model.predict_proba([]).dtype == np.float32


def test_predict_agrees_with_read(model: Model) -> None:
    readings = model.read(TEXTS, threshold=0.4)
    probabilities = model.predict_proba(TEXTS, threshold=0.4)
    assert probabilities.dtype == np.float32
    np.testing.assert_array_equal(probabilities, [r.probabilities for r in readings])
    assert model.predict(TEXTS, threshold=0.4) == [r.label for r in readings]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert len({tuple(row) for row in probabilities.tolist()}) > 3


def test_bytes_are_utf8(model: Model) -> None:
    text = "The é film 😀's bad"
    assert same(model.read(text.encode()), model.read(text))
    assert model.predict(text.encode()) == model.predict(text)
    invalid = model.read(b"good \xff film")
    assert invalid.text == "good \ufffd film"
    assert invalid.words == ["good", "\ufffd", "film"]


# ---- any text ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", b"", " \n\t\u3000"], ids=ascii)
@pytest.mark.parametrize("levels", [(7,), (7, 3)], ids=str)
def test_an_empty_text_gives_the_head_a_zero_state(
    text, levels, tmp_path: Path, implementation: str
) -> None:
    file = make_classifier(make_config(levels, bidirectional=True))
    model = load(saved(tmp_path / "model", file), implementation=implementation)
    reading = model.read(text)
    assert file.text is not None
    bias = file.text.head_bias.astype(np.float64)
    np.testing.assert_allclose(reading.probabilities, np.exp(bias) / np.exp(bias).sum(), rtol=1e-6)
    assert len(reading) == 0
    assert reading.skim_rate is None
    assert reading.words == []
    assert reading.level.shape == (1, 2, 0)
    assert reading.p.shape == (1, 2, 0, len(levels))
    assert reading.cost().flop_reduction is None
    np.testing.assert_array_equal(model.predict_proba([text, "good"])[0], reading.probabilities)


def test_one_token(model: Model) -> None:
    reading = model.read("good")
    assert len(reading) == 1
    assert (reading.starts.tolist(), reading.ends.tolist()) == ([0], [4])
    assert reading.skim_rate in (0.0, 1.0)
    assert reading.cost().flop_reduction is not None


def test_a_hundred_thousand_tokens(tmp_path: Path, implementation: str) -> None:
    file = make_classifier(make_config((3, 1), cell="rnn_tanh", input_size=2), seed=5)
    model = load(saved(tmp_path / "model", file), implementation=implementation)
    words = np.random.default_rng(0).choice(["good", "bad", "film", "the", "x"], 100_000)
    text = " ".join(words)
    began = time.process_time()
    reading = model.read(text)
    assert time.process_time() - began < 60
    assert len(reading) == 100_000
    assert np.isfinite(reading.p).all()
    assert 0 < (reading.skim_rate or 0) < 1
    np.testing.assert_allclose(reading.p.sum(axis=-1), 1, rtol=1e-5)
    # What stands later changes nothing before it.
    first = model.read(" ".join(words[:1000]))
    np.testing.assert_array_equal(reading.level[..., :1000], first.level)
    np.testing.assert_array_equal(reading.p[..., :1000, :], first.p)


def test_unknown_words_are_all_the_same(model: Model) -> None:
    ours, theirs = model.read("qwerty uiop"), model.read("zzz yyy")
    np.testing.assert_array_equal(ours.p, theirs.p)
    np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)
    assert not np.array_equal(ours.p, model.read("qwerty good").p)


@pytest.mark.parametrize("text", ["\ud800", "good \udc00\ud800 film", "\udfff" * 9], ids=ascii)
def test_lone_surrogates_are_unknown_marks(text: str, model: Model) -> None:
    reading = model.read(text)
    assert reading.text == text
    assert reading.words == scan(text).words
    replaced = "".join("\x01" if "\ud800" <= c <= "\udfff" else c for c in text)
    np.testing.assert_array_equal(reading.p, model.read(replaced.replace("\x01", " ~ ")).p)


@given(text=st.text() | st.binary() | st.text(st.characters(categories=["Cs", "Ll", "Po"])))
def test_any_text_is_read(text, model: Model) -> None:
    reading = model.read(text)
    assert len(reading) == len(scan(text).words)
    assert np.isfinite(reading.probabilities).all()
    assert np.isin(reading.level, (0, 1)).all()
    assert reading.label in LABELS


@pytest.mark.parametrize("text", [5, None, 1.5, object(), len])
def test_what_is_no_text_is_refused(text, model: Model) -> None:
    name = type(text).__name__
    for call in (model.read, model.predict, model.predict_proba):
        with pytest.raises(TypeError, match=f"expected a text or a sequence of texts.*got {name}"):
            call(text)
        with pytest.raises(TypeError, match=f"a text must be str or bytes; text 1 is {name}"):
            call(["good", text, "bad", text])


def test_a_list_of_words_within_a_list_is_refused(model: Model) -> None:
    with pytest.raises(TypeError, match="text 0 is list"):
        model.read([["the", "film"]])
    with pytest.raises(TypeError, match="text 0 is int"):
        model.read(bytearray(b"the film"))


# ---- options -------------------------------------------------------------------------------------


def test_options_for_all_or_for_each_text(model: Model) -> None:
    texts = ["the good film is bad"] * 4
    per_text = model.read(
        texts, threshold=[0.5, 1, -1, 0.3], budget=[1, 1, 1, 0.2], burst=[1, 1, 1, 0]
    )
    alone = [
        model.read(texts[0], threshold=0.5, budget=1.0),
        model.read(texts[0], threshold=1.0, budget=1.0),
        model.read(texts[0], threshold=-1.0, budget=1.0),
        model.read(texts[0], threshold=0.3, budget=0.2, burst=0),
    ]
    for ours, theirs in zip(per_text, alone, strict=True):
        np.testing.assert_array_equal(ours.level, theirs.level)
        np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)
    assert (per_text[1].level == 0).all()
    assert (per_text[2].level == 1).all()
    assert [r.threshold for r in per_text] == [0.5, 1, -1, 0.3]
    assert [r.budget for r in per_text] == [1, 1, 1, 0.2]
    assert [r.rule.burst for r in per_text] == [1, 1, 1, 0]
    as_array = model.predict_proba(
        texts, threshold=np.array([0.5, 1, -1, 0.3], np.float32), budget=1
    )
    np.testing.assert_array_equal(as_array[:3], [r.probabilities for r in per_text[:3]])


def test_a_budget_holds_for_every_prefix(model: Model) -> None:
    text = "the good film is bad and n't good " * 20
    level = model.read(text, threshold=1, budget=0.25, burst=2).level[0, 0]
    reads = np.cumsum(level == 0)
    assert (reads <= 2 + 0.25 * np.arange(1, len(level) + 1)).all()
    assert reads[-1] == 2 + len(level) // 4


def test_argmax_takes_the_likeliest(model: Model) -> None:
    reading = model.read("the good film is bad and n't good", threshold="argmax")
    np.testing.assert_array_equal(reading.level, reading.p.argmax(axis=-1))


def test_the_model_s_own_rule_unless_told_otherwise(folder: Path, tmp_path: Path) -> None:
    rule = Rule(threshold=0.1, budget=0.5, burst=0)
    model = load(saved(tmp_path / "model", replace(read_model(folder), rule=rule)))
    text = "the good film is bad"
    assert model.rule == rule
    assert model.read(text).rule == rule
    assert model.read(text, threshold=0.9).rule == Rule(0.9, 0.5, 0)
    assert model.read(text, budget=0.25, burst=2).rule == Rule(0.1, 0.25, 2)
    assert model.read(text, threshold=0).rule == Rule(0, 0.5, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": float("nan")}, "threshold must be a number .not NaN.*got nan"),
        ({"threshold": "half"}, "threshold must be a number .*got 'half'"),
        ({"threshold": [0.5]}, "threshold must be one value or one per text; got 1 for 2 texts"),
        ({"threshold": [0.5, float("nan")]}, "threshold must be a number .not NaN"),
        (
            {"threshold": [0.5, "argmax"]},
            "threshold must be a number for each text; got 'argmax' for",
        ),
        ({"budget": 1.1}, "budget must be from 0 to 1, or None; got 1.1"),
        ({"budget": -1}, "budget must be from 0 to 1, or None; got -1"),
        ({"budget": float("nan")}, "budget must be from 0 to 1"),
        ({"budget": [0.5, None]}, r"each text \(1 sets no ceiling\); got None for text 1"),
        (
            {"budget": [0.5, 0.5, 0.5]},
            "budget must be one value or one per text; got 3 for 2 texts",
        ),
        ({"burst": -1}, "burst must be a number of at least 0; got -1"),
        ({"burst": float("inf")}, "burst must be a number of at least 0; got inf"),
    ],
    ids=str,
)
def test_options_that_are_refused(options, message: str, model: Model) -> None:
    for call in (model.read, model.predict, model.predict_proba):
        with pytest.raises(ValueError, match=message):
            call(["good", "bad"], **options)


def test_a_budget_needs_a_model_that_skims(tmp_path: Path, implementation: str) -> None:
    folder = saved(tmp_path / "model", make_classifier(make_config((7,))))
    model = load(folder, implementation=implementation)
    assert model.read("good", threshold=-1).skim_rate == 0
    with pytest.raises(ValueError, match="a budget needs a level to skim at"):
        model.read("good", budget=0.5)


# ---- the same alone, beside others, and in threads -----------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 16, 33])
def test_a_text_reads_the_same_anywhere(size: int, tmp_path: Path, implementation: str) -> None:
    config = make_config((size, 0), bidirectional=True, num_layers=2)
    folder = saved(tmp_path / "model", make_classifier(config))
    model = load(folder, implementation=implementation)
    alone = [model.read(text) for text in TEXTS]
    assert all(same(*pair) for pair in zip(alone, model.read(TEXTS), strict=True))
    backwards = model.read(TEXTS[::-1])[::-1]
    assert all(same(*pair) for pair in zip(alone, backwards, strict=True))
    again = load(folder, implementation=implementation)
    assert all(same(*pair) for pair in zip(alone, again.read(TEXTS), strict=True))
    with ThreadPoolExecutor(4) as pool:
        threads = list(pool.map(model.read, TEXTS * 4))
    assert all(same(*pair) for pair in zip(alone * 4, threads, strict=True))
    np.testing.assert_array_equal(
        model.predict_proba(TEXTS), [reading.probabilities for reading in alone]
    )


# ---- where a model is ----------------------------------------------------------------------------


def test_a_path_has_a_separator(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert load("./model").labels == LABELS
    assert load(Path("model")).labels == LABELS
    assert load(str(folder)).labels == LABELS
    hint = "there is no bundled model 'model'.*a path has a separator.*write ./model"
    with pytest.raises(ValueError, match=hint):
        load("model")
    with pytest.raises(ValueError, match="there is no bundled model 'other'") as caught:
        load_layer("other")
    assert "write" not in str(caught.value)


def test_bundled_models_are_found_by_name() -> None:
    for name in bundled_models():
        assert model_folder(name).name == name
        assert load(name).predict_proba("good").sum() == pytest.approx(1)


def test_what_a_model_tells(folder: Path) -> None:
    model = load(folder)
    assert model.labels == LABELS
    assert model.vocabulary.words[:2] == ("<unknown>", "the")
    assert model.config == make_config((7, 3))
    assert model.training == {}
    assert model.card == ""
    with pytest.raises(ValueError, match="use load_layer"):
        Model(replace(read_model(folder), text=None))


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
def test_options_may_be_numpys_numbers(model, kind):
    expected = model.predict_proba("good bad the", threshold=0.5, budget=0.5, burst=1)
    given = model.predict_proba(
        "good bad the", threshold=kind(0.5), budget=kind(0.5), burst=kind(1)
    )
    assert np.array_equal(given, expected)


@pytest.mark.parametrize("name", implementations())
@pytest.mark.parametrize(
    "options",
    [{}, {"levels": (7, 3, 0)}, {"num_layers": 2, "bidirectional": True}, {"levels": (7,)}],
)
def test_counts_are_those_of_readings(name, options):
    model = Model(make_classifier(make_config(**options)), name)
    texts = ["the good film isn't bad", "", "bad 😀", b"good \xff", "the film " * 40]
    thresholds = [0.5, 0.5, 1, -1, 0.4]
    found = model.predict_counted(texts, threshold=thresholds)
    readings = model.read(texts, threshold=thresholds)
    assert found.probabilities.tobytes() == b"".join(r.probabilities.tobytes() for r in readings)
    assert found.words.tolist() == [len(reading) for reading in readings]
    rates = [np.nan if r.skim_rate is None else r.skim_rate for r in readings]
    np.testing.assert_array_equal(found.skim_rate, rates)
    assert [len(part) for part in model.predict_counted([])] == [0, 0, 0]
    for alone in ("a joy", b"a joy"):
        with pytest.raises(TypeError, match="got one text"):
            model.predict_counted(alone)
