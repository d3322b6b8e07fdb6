"""The linear rows: the native reader beside NumPy, and which of them a model takes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.classification import linear, ngrams
from benchmarks.classification.controls import compiler
from benchmarks.classification.controls.linear import native_averages, native_ngrams, stride
from benchmarks.classification.ngrams import MIX, Ngrams
from skimrnn.extension import kernels
from skimrnn.tasks import Examples, TextTask

BUCKETS = 2**12


@pytest.fixture(autouse=True)
def _few_buckets(monkeypatch):
    """So that fitting and random weights take no time; some runs share a bucket then."""
    monkeypatch.setattr(ngrams, "BUCKETS", BUCKETS)


WORDS = 300
# Up to some 2,000 weights of 0.05 summed in float32, in another order.
CLOSE = 1e-6

natively = pytest.mark.skipif(
    compiler.compiler() is None, reason="the native reader needs a C++ compiler"
)
scanned = pytest.mark.skipif(kernels is None, reason="the scanner needs the C++ extension")


def random_model(scores, longest, seed=0):
    random = np.random.default_rng(seed)
    shape = (scores, WORDS + (longest - 1) * BUCKETS)
    weights = random.normal(0, 0.05, shape).astype(np.float32)
    return Ngrams(WORDS, longest, weights, random.normal(size=scores).astype(np.float32))


def random_rows(length, seed=0, words=WORDS):
    return np.random.default_rng(seed).integers(0, words, length).astype(np.int32)


# ---- the native reader ---------------------------------------------------------------------------


@natively
@pytest.mark.parametrize("longest", [1, 2, 3, 4])
@pytest.mark.parametrize("scores", [1, 3, 4, 9])
def test_native_gives_what_numpy_gives(scores, longest):
    model = random_model(scores, longest)
    native = native_ngrams(model)
    # Of few words, texts repeat themselves: most of their runs are there more than once.
    for words in (2, 20, WORDS):
        for length in (0, 1, 2, 3, 17, 700):
            rows = random_rows(length, length, words)
            found, wanted = native.probabilities(rows), model.probabilities(rows)
            assert found.shape == (max(scores, 2),)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, wanted, rtol=0, atol=CLOSE)


@natively
def test_a_feature_counts_once_and_is_forgotten_after_its_text():
    model = random_model(1, 3)
    native = native_ngrams(model)
    once, often = np.array([7], np.int32), np.full(3, 7, np.int32)
    for rows in (once, often, once, often):
        pair, triple = ((7 * MIX + 7) % BUCKETS, ((7 * MIX + 7) * MIX + 7) % BUCKETS)
        features = [7, WORDS + pair, WORDS + BUCKETS + triple][: len(rows)]
        score = model.weights[0, features].sum() + model.bias[0]
        p = 1 / (1 + np.exp(-score))
        np.testing.assert_allclose(native.probabilities(rows), [1 - p, p], rtol=0, atol=CLOSE)


@natively
def test_the_highest_rows_hash_as_they_do_in_64_bits():
    words = 2**21
    random = np.random.default_rng(0)
    weights = random.normal(size=(1, words + 3 * BUCKETS)).astype(np.float32)
    model = Ngrams(words, 4, weights, np.zeros(1, np.float32))
    for length in (2, 3, 4):
        rows = np.arange(words - length, words, dtype=np.int32)
        found = native_ngrams(model).probabilities(rows)
        np.testing.assert_allclose(found, model.probabilities(rows), rtol=0, atol=CLOSE)


@natively
@pytest.mark.parametrize("score", [-500.0, 500.0])
def test_scores_beyond_an_exponentials_range(score):
    weights = np.full((1, WORDS), score, np.float32)
    native = native_ngrams(Ngrams(WORDS, 1, weights, np.zeros(1, np.float32)))
    assert native.probabilities(random_rows(1)).tolist() == [score < 0, score > 0]


@natively
def test_models_take_turns():
    models = [random_model(scores, longest) for scores, longest in ((1, 1), (4, 2), (1, 3))]
    natives = [native_ngrams(model) for model in models]
    for length in (3, 50, 7):
        rows = random_rows(length, length)
        for native, model in zip(natives, models, strict=True):
            found = native.probabilities(rows)
            np.testing.assert_allclose(found, model.probabilities(rows), rtol=0, atol=CLOSE)


@natively
def test_threads_share_no_room():
    model = random_model(1, 3)
    native = native_ngrams(replace(model, weights=model.weights / 100))
    texts = [random_rows(100_000, seed) for seed in range(4)] * 5  # so long that calls overlap
    alone = [native.probabilities(rows) for rows in texts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(native.probabilities, texts))
    np.testing.assert_array_equal(together, alone)


@natively
@pytest.mark.parametrize("labels", [2, 3, 4])
def test_native_averages_as_numpy_does(labels):
    random = np.random.default_rng(labels)
    weights = random.normal(size=(WORDS, labels)).astype(np.float32)
    model = linear.Averages(weights, random.normal(size=labels).astype(np.float32))
    native = native_averages(model.weights, model.bias)
    texts = [random_rows(length, length) for length in (0, 1, 2, 3, 700)]
    for rows in (*texts, np.zeros(3, np.int32), np.array([0, 5, 0], np.int32)):
        found, wanted = native.probabilities(rows), model.probabilities(rows)
        assert found.shape == (labels,)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=CLOSE)


@natively
@pytest.mark.parametrize("row", [-1, WORDS, 2**31 - 1])
@pytest.mark.parametrize("kind", ["ngrams", "averages"])
def test_rows_outside_of_the_vocabulary_are_refused(kind, row):
    model = random_model(2, 2)
    averages = native_averages(model.weights[:, :WORDS].T, model.bias)
    native = {"ngrams": native_ngrams(model), "averages": averages}[kind]
    with pytest.raises(ValueError, match=f"must be from 0 to below {WORDS}, the words known; got"):
        native.probabilities(np.array([1, row, 2], np.int32))


def test_the_weights_of_a_feature_share_a_cache_line():
    assert [stride(scores) for scores in (1, 2, 3, 4, 5, 9, 16)] == [1, 2, 4, 4, 8, 16, 16]


def test_without_a_compiler(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(RuntimeError, match=r"linear\.cc, and there is no C\+\+ compiler"):
        native_ngrams(random_model(7, 1))


# ---- the row -------------------------------------------------------------------------------------


def examples(count, labels, seed):
    """A word of the label among others."""
    random = np.random.default_rng(seed)
    targets = np.arange(count) % labels
    texts = [" ".join(random.permutation(["the", "a", "film", f"label{t}"])) for t in targets]
    return Examples(texts, targets)


def moods(labels):
    names = tuple(f"label{target}" for target in range(labels))
    parts = (examples(count, labels, count) for count in (60, 21, 20))
    return TextTask("moods", names, *parts, {"name": "moods"})


@scanned
@pytest.mark.parametrize(
    ("kind", "labels", "longest"), [("ngrams", 2, 2), ("ngrams", 4, 1), ("averages", 2, None)]
)
def test_a_row_reads_natively_or_else_with_numpy(kind, labels, longest, monkeypatch, tmp_path):
    pytest.importorskip("sklearn", reason="the row is fitted with scikit-learn")
    task = moods(labels)
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("label0 1 0\nlabel1 0 1\nfilm 1 1\n")
    fitted = linear.fit(kind, task, vectors, **({"longest": longest} if longest else {}))
    assert getattr(fitted.model, "longest", None) == longest
    fitted.write(tmp_path / "model.pickle")
    there = {"NumPy"} if compiler.compiler() is None else {"NumPy", "linear.cc"}
    found = {}
    for name in (None, "no-such-compiler"):
        if name:
            monkeypatch.setenv("CXX", name)
        read = linear.Linear.read(tmp_path / "model.pickle")
        found[read.implementation] = np.stack([read.predict_proba(t) for t in task.test.texts])
        assert linear.measure(read, task.test)["accuracy"] == 1
    assert set(found) == there
    for p in found.values():
        assert p.shape == (20, labels)
        np.testing.assert_allclose(p, found["NumPy"], rtol=0, atol=CLOSE)
