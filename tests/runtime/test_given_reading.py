"""Levels given by the caller: what is read at them, in every form, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import make_classifier, make_config, make_layer, saved
from native_parts import make_parts, make_rows
from skimrnn import extension
from skimrnn.decision import Rule
from skimrnn.runtime import Layer, Model, load, load_layer
from skimrnn.runtime.native import NativeReader, NativeTextReader
from skimrnn.runtime.numpy_reader import NumpyReader

TEXT = "The good film isn't bad"
TOKENS = 6


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory, implementation: str) -> Model:
    """Two layers, both ways, three levels, and a rule of its own that reads nothing."""
    config = make_config((7, 3, 0), cell="gru", num_layers=2, bidirectional=True)
    file = make_classifier(config, rule=Rule(0.1, 0.0, 0))
    return load(
        saved(tmp_path_factory.mktemp("deep") / "model", file), implementation=implementation
    )


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory, implementation: str) -> Layer:
    file = make_layer(make_config((7, 3, 0), num_layers=2, bidirectional=True))
    return load_layer(
        saved(tmp_path_factory.mktemp("layer") / "model", file), implementation=implementation
    )


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 3, shape)


# ---- texts ---------------------------------------------------------------------------------------


def test_a_text_is_read_at_the_levels_given(deep: Model) -> None:
    levels = draw(2, 2, TOKENS)
    reading = deep.read(TEXT, levels=levels)
    np.testing.assert_array_equal(reading.level, levels)
    assert reading.level.dtype == np.int8
    assert (reading.rule, reading.threshold, reading.budget) == (None, None, None)
    assert reading.skim_rate == (levels > 0).mean()
    assert reading.words == ["the", "good", "film", "is", "n't", "bad"]
    assert not np.array_equal(
        reading.probabilities, deep.read(TEXT, levels=2 - levels).probabilities
    )


def test_one_row_is_for_every_layer_and_direction(deep: Model) -> None:
    row = [0, 1, 2, 0, 0, 1]
    reading = deep.read(TEXT, levels=row)
    np.testing.assert_array_equal(reading.level, np.broadcast_to(row, (2, 2, TOKENS)))
    whole = deep.read(TEXT, levels=np.broadcast_to(np.array(row, np.uint8), (2, 2, TOKENS)))
    np.testing.assert_array_equal(reading.p, whole.p)
    np.testing.assert_array_equal(reading.probabilities, whole.probabilities)


def test_the_levels_that_a_rule_chose_give_the_same_bits_again(model: Model) -> None:
    """Of the text alone and of many, and p is the router's: as it is without levels."""
    texts = [TEXT, "", "bad", b"good \xff film", "the film is good and bad " * 9]
    free = model.read(texts, threshold=0.4, budget=0.5)
    assert 0 < np.concatenate([r.level for r in free], axis=-1).mean() < 1
    forced = model.read(texts, levels=[reading.level for reading in free])
    for ours, theirs in zip(forced, free, strict=True):
        np.testing.assert_array_equal(ours.level, theirs.level)
        np.testing.assert_array_equal(ours.p, theirs.p)
        np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)
        assert ours.cost() == theirs.cost()


def test_a_models_own_budget_and_threshold_do_not_count(deep: Model) -> None:
    assert (deep.read(TEXT).level > 0).all()
    assert (deep.read(TEXT, levels=[0] * TOKENS).level == 0).all()
    np.testing.assert_array_equal(
        deep.read(TEXT, levels=[0] * TOKENS).probabilities,
        deep.read(TEXT, threshold=1, budget=1).probabilities,
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_some_texts_of_many_are_given_levels(deep: Model, workers: int) -> None:
    levels = [None, [0] * TOKENS, draw(2, 2, TOKENS), None, []]
    readings = deep.read([TEXT, TEXT, TEXT, "", ""], levels=levels, workers=workers)
    free = deep.read(TEXT)
    assert [reading.rule for reading in readings] == [deep.rule, None, None, deep.rule, None]
    np.testing.assert_array_equal(readings[0].level, free.level)
    np.testing.assert_array_equal(readings[0].probabilities, free.probabilities)
    assert (readings[1].level == 0).all()
    np.testing.assert_array_equal(readings[2].level, levels[2])
    np.testing.assert_array_equal(readings[3].probabilities, readings[4].probabilities)


def test_nothing_given_is_changed(deep: Model) -> None:
    levels = draw(2, 2, TOKENS).astype(np.int8)
    before = levels.copy()
    reading = deep.read(TEXT, levels=levels)
    reading.level[:] = 0
    np.testing.assert_array_equal(levels, before)


@pytest.mark.parametrize("name", extension.instruction_sets())
def test_levels_in_int8(name: str, tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", make_classifier(make_config((40, 33), num_layers=2)))
    wanted = load(folder, implementation="numpy").read(TEXT, levels=draw(2, 1, TOKENS) % 2)
    read = load(folder, implementation=name, precision="int8").read(TEXT, levels=wanted.level)
    np.testing.assert_array_equal(read.level, wanted.level)
    np.testing.assert_allclose(read.p, wanted.p, atol=0.1)


def test_a_model_that_never_skims_takes_level_0_alone(tmp_path: Path, implementation: str) -> None:
    folder = saved(tmp_path / "model", make_classifier(make_config((7,))))
    model = load(folder, implementation=implementation)
    forced, free = model.read("good film", levels=[0, 0]), model.read("good film")
    np.testing.assert_array_equal(forced.probabilities, free.probabilities)
    with pytest.raises(ValueError, match=r"from 0, which reads, to 0, .*levels=\(7,\); got 1"):
        model.read("good film", levels=[0, 1])


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([0] * 5, r"must have the shape \(6,\), or \(2, 2, 6\) .*reading.words.*; got \(5,\)"),
        (0, r"got \(\)"),
        ([[0] * 6] * 4, r"got \(4, 6\)"),
        ([[[0] * 5] * 2] * 2, r"got \(2, 2, 5\)"),
        ([[[0] * 6] * 2], r"got \(1, 2, 6\)"),
        ([0.0] * 6, "must be whole numbers, such as int8; got float64"),
        ([True] * 6, "must be whole numbers, such as int8; got bool"),
        (["0"] * 6, "must be whole numbers, such as int8; got <U1"),
        ([0, 0, 0, 3, 0, 0], r"from 0, which reads, to 2, .*levels=\(7, 3, 0\); got 3"),
        ([0, 0, 0, 0, 0, -1], "got -1"),
        ([0, 0, 0, 0, 0, 256], "got 256"),
        ([[0], [0, 1]], "levels must be whole numbers in one array each; setting an array"),
    ],
    ids=str,
)
def test_levels_that_do_not_fit_their_text_are_refused(
    levels: Any, message: str, deep: Model
) -> None:
    with pytest.raises(ValueError, match=message):
        deep.read(TEXT, levels=levels)
    with pytest.raises(ValueError, match=message) as caught:
        deep.read(["", TEXT], levels=[None, levels])
    assert "inhomogeneous" in str(caught.value) or "of text 1" in str(caught.value)


@pytest.mark.parametrize("levels", [[], [None], [[0] * TOKENS] * 3, 5], ids=str)
def test_there_is_one_entry_for_each_text(levels: Any, deep: Model) -> None:
    count = len(levels) if isinstance(levels, list) else 1
    with pytest.raises(
        ValueError, match=rf"one array per text, or None .* decides; got {count} for 2 texts"
    ):
        deep.read([TEXT, TEXT], levels=levels)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"threshold": 0.5}, "threshold=0.5"),
        ({"budget": 0.25}, "budget=0.25"),
        ({"burst": 2}, "burst=2"),
        ({"threshold": "argmax", "budget": 1}, "threshold='argmax', budget=1"),
    ],
    ids=str,
)
def test_levels_and_a_rule_are_refused(
    options: dict[str, Any], said: str, deep: Model, layer: Layer
) -> None:
    message = f"leave nothing to choose .*; got levels and {said}: leave out one or the other"
    with pytest.raises(ValueError, match=message):
        deep.read(TEXT, levels=[0] * TOKENS, **options)
    with pytest.raises(ValueError, match=message):
        layer.read_vectors(np.zeros((3, 5)), levels=[0, 0, 0], **options)


def test_labels_alone_take_no_levels(deep: Model) -> None:
    for call in (deep.predict, deep.predict_proba):
        with pytest.raises(TypeError, match="levels"):
            call(TEXT, levels=[0] * TOKENS)


# ---- vectors -------------------------------------------------------------------------------------


def vectors(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def test_a_padded_batch_is_read_as_its_sequences_are(layer: Layer) -> None:
    """Past a sequence's end anything may stand."""
    x, lengths = vectors(4, 6, 5), [6, 0, 1, 4]
    levels = draw(4, 2, 2, 6)
    for b, n in enumerate(lengths):
        levels[b, ..., n:] = 1000
    batch = layer.read_vectors(x, lengths, levels=levels)
    for b, n in enumerate(lengths):
        alone = layer.read_vectors(x[b, :n], levels=levels[b, ..., :n])
        np.testing.assert_array_equal(alone.level, levels[b, ..., :n])
        np.testing.assert_array_equal(batch.level[b, ..., :n], alone.level)
        np.testing.assert_array_equal(batch.output[b, :n], alone.output)
        np.testing.assert_array_equal(batch.p[b, ..., :n, :], alone.p)
        np.testing.assert_array_equal(batch.h_n[:, b], alone.h_n)
    again = layer.read_vectors(x, lengths, levels=batch.level)  # -1 past the ends
    np.testing.assert_array_equal(again.output, batch.output)


def test_one_row_of_vectors_is_for_every_layer_and_direction(layer: Layer) -> None:
    x, rows = vectors(3, 4, 5), draw(3, 4)
    whole = np.broadcast_to(rows[:, None, None], (3, 2, 2, 4))
    one, other = (layer.read_vectors(x, levels=levels) for levels in (rows, whole))
    np.testing.assert_array_equal(one.level, whole)
    np.testing.assert_array_equal(one.output, other.output)
    np.testing.assert_array_equal(layer.read_vectors(x[1], levels=rows[1]).output, one.output[1])


@pytest.mark.parametrize(
    ("shape", "levels", "message"),
    [
        ((2, 4, 5), (2, 3), r"the shape \(2, 4\), or \(2, 2, 2, 4\) for each .*; got \(2, 3\)"),
        ((2, 4, 5), (4,), r"got \(4,\)"),
        ((2, 4, 5), (2, 1, 2, 4), r"got \(2, 1, 2, 4\)"),
        ((4, 5), (1, 4), r"the shape \(4,\), or \(2, 2, 4\) for each .*; got \(1, 4\)"),
        ((4, 5), (), r"got \(\)"),
    ],
    ids=str,
)
def test_levels_of_another_shape_than_the_vectors_are_refused(
    shape: tuple[int, ...], levels: tuple[int, ...], message: str, layer: Layer
) -> None:
    with pytest.raises(ValueError, match=message):
        layer.read_vectors(vectors(*shape), levels=np.zeros(levels, np.int8))


def test_levels_that_do_not_fit_within_a_sequence_are_refused(layer: Layer) -> None:
    x, levels = vectors(2, 3, 5), np.array([[0, 0, 7], [0, 7, 0]])
    with pytest.raises(
        ValueError, match=r"levels of sequence 1 must be from 0, .* to 2, .*; got 7"
    ):
        layer.read_vectors(x, [2, 3], levels=levels)
    with pytest.raises(ValueError, match=r"levels of sequence 0 must be whole numbers.*float64"):
        layer.read_vectors(x, [2, 3], levels=levels * 0.0)
    with pytest.raises(ValueError, match=r"^levels must be from 0, .*; got 7"):
        layer.read_vectors(x[0], levels=levels[0])


# ---- the kernels' own refusals -------------------------------------------------------------------


@pytest.mark.parametrize("isa", extension.instruction_sets())
def test_the_extension_checks_levels_itself(isa: str) -> None:
    """It would read beyond its memory: whoever calls it wrongly must hear of it."""
    config = make_config((19, 5, 0), num_layers=2, bidirectional=True, input_size=7)
    parameters, embedding = make_parts(config)
    reader = NativeReader(config, parameters, isa, embedding)
    rows = make_rows(4)
    for shape in ((2, 2, 3), (1, 2, 4), (2, 1, 4), (2, 2, 5)):
        with pytest.raises(ValueError, match="the levels have the wrong shape"):
            reader.read_words(rows, np.zeros(shape, np.int8))
        with pytest.raises(ValueError, match="the levels have the wrong shape"):
            reader.read(embedding[rows], np.zeros(shape, np.int8))
    for level in (3, -1, 127, -128):
        levels = np.zeros((2, 2, 4), np.int8)
        levels[1, 1, 3] = level
        with pytest.raises(ValueError, match="a level is none of the network's"):
            reader.read_words(rows, levels)
    file = make_classifier(config)
    assert file.text is not None
    texts = NativeTextReader(
        NativeReader(config, file.parameters, isa, file.text.embedding), file.text
    )
    with pytest.raises(ValueError, match="the levels have the wrong shape"):
        texts.read("good film", np.zeros((2, 2, 3), np.int8))


@pytest.mark.parametrize("isa", extension.instruction_sets())
@pytest.mark.parametrize("table_bytes", [0, None])
def test_words_and_their_vectors_are_read_alike(isa: str, table_bytes: int | None) -> None:
    config = make_config((19, 5, 0), num_layers=2, bidirectional=True, input_size=7)
    parameters, embedding = make_parts(config)
    rows, levels = make_rows(33), draw(2, 2, 33).astype(np.int8)
    native = NativeReader(config, parameters, isa, embedding, table_bytes)
    words, vectors = native.read_words(rows, levels), native.read(embedding[rows], levels)
    wanted = NumpyReader(config, parameters, embedding).read_words(rows, levels)
    for reading in (words, vectors, wanted):
        np.testing.assert_array_equal(reading.level, levels)
    np.testing.assert_array_equal(words.h_n, vectors.h_n)
    np.testing.assert_array_equal(words.p, vectors.p)
    np.testing.assert_allclose(words.h_n, wanted.h_n, rtol=3e-5, atol=3e-5)
