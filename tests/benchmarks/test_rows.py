"""What rows are made of: given levels, cut texts, folds, n-grams, and statistics of differences."""

import json

import numpy as np
import pytest

from benchmarks.classification import given, ngrams, rows, stats
from benchmarks.classification.runs import Run, cut, fold, wanted
from skimrnn.tasks import Examples
from skimrnn.tasks.base import make_task
from skimrnn.text import Vocabulary, scan
from skimrnn.train import TrainingOptions

VOCABULARY = Vocabulary(("<unknown>", "the", "film", "is", "a", "joy"))

# ---- rows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", rows.TASKS)
def test_every_row_has_settings_that_can_be_trained_with(task):
    for name in rows.ROWS:
        if rows.seeds_of(task, name) and not rows.ROWS[name].linear:
            options = TrainingOptions(**rows.settings_of(task, name, 3))
            assert options.seed == 3
            assert options.levels[0] == options.hidden_size
            assert (len(options.levels) > 1) == (
                rows.ROWS[name].skims or rows.ROWS[name].given is not None
            )


def test_rows_of_one_recipe_differ_in_what_their_names_say_alone():
    plain, skim = (rows.settings_of("imdb", name, 0) for name in ("lstm-tuned", rows.LEARNED))
    assert {key for key in plain | skim if plain.get(key) != skim.get(key)} == {
        "levels",
        "skim_weight",
    }


def test_lstm_jump_has_the_reads_and_jumps_of_the_task():
    options = {
        (task, name): tuple(rows.settings_of(task, name, 0)["router_options"].values())
        for task in rows.JUMPS
        for name in ("lstm-jump-tuned", "lstm-jump-fewer-tuned")
    }
    assert options["sst", "lstm-jump-tuned"] == (7, 10, 4)
    assert options["imdb", "lstm-jump-fewer-tuned"] == (100, 40, 1)
    assert {task for task in rows.TASKS if rows.seeds_of(task, "lstm-jump-tuned")} == set(
        rows.JUMPS
    )


def test_runs_are_wanted_seed_by_seed_and_only_those_that_a_task_has():
    runs = wanted(["sst", "rotten-tomatoes-folds"], None, [0, 9])
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)
    assert {run.name for run in runs if run.task == "rotten-tomatoes-folds"} == {
        *("lstm-tuned", "skim-20-0.01-tuned", "ngrams")
    }
    assert Run("sst", "tf-idf", 0) in runs
    assert Run("sst", "tf-idf", 9) not in runs
    further = {run.name for run in wanted(["sst"], None, [29])}
    assert {"lstm-tuned", "skim-20-0.01-tuned", "rate-10-0.95-tuned"} < further
    assert not further & {"lstm", "skim-10-0.01", "gru-tuned", "skip-0.01-tuned", "periodic-tuned"}
    of_phrases = {run.name for run in wanted(["sst-phrases"], None, None)}
    assert {"lstm", "lstm-tuned"} < of_phrases
    assert "random-tuned" not in of_phrases


# ---- given levels -------------------------------------------------------------------------------


def test_periodic_levels_read_at_even_distances():
    text = np.zeros(20, np.int32)
    levels = given.Periodic(0.75)(text, VOCABULARY, (0,))
    assert np.flatnonzero(levels == 0).tolist() == [3, 7, 11, 15, 19]
    assert given.Periodic(0.5)(text, VOCABULARY, (1,)).mean() == 0.5


def test_random_levels_are_their_key_s_and_have_the_rate():
    text = np.zeros(5000, np.int32)
    rule = given.Random(0.9)
    levels = rule(text, VOCABULARY, (1, 2, 3))
    assert levels.mean() == pytest.approx(0.9, abs=0.02)
    np.testing.assert_array_equal(levels, rule(text, VOCABULARY, (1, 2, 3)))
    assert (levels != rule(text, VOCABULARY, (1, 2, 4))).any()


def test_the_most_frequent_words_are_skimmed_as_many_as_the_rate_takes():
    texts = [["the"] * 5 + ["film"] * 3 + ["joy"], ["a"]]
    rule = given.Frequent(texts, 0.8)
    assert rule.words == ["the", "film"]
    text = VOCABULARY.rows(["the", "joy", "never-seen", "film", "is"])
    assert rule(text, VOCABULARY, ()).tolist() == [1, 0, 0, 1, 0]
    assert given.make("frequent", 0.8, texts).name == rule.name == "frequent 0.8000"
    assert {type(given.make(kind, 0.5, texts)) for kind in ("random", "periodic")} == {
        *(given.Random, given.Periodic)
    }


# ---- texts --------------------------------------------------------------------------------------


def test_a_cut_text_has_its_first_or_last_words():
    text = "It isn't good, is it?  No."
    words = scan(text).words
    for count in (1, 3, len(words) - 1):
        assert scan(cut(text, "first", count)).words == words[:count]
        assert scan(cut(text, "last", count)).words == words[-count:]
    assert cut(text, "first", len(words)) == text == cut(text, "last", 99)


def test_folds_test_every_text_once_and_train_on_no_tested_one():
    texts = [f"text number {n}" for n in range(43)]
    whole = Examples(texts, np.arange(43) % 2)
    parts = {"train": np.arange(30), "validation": np.arange(30, 36), "test": np.arange(36, 43)}
    splits = {name: whole.take(part) for name, part in parts.items()}
    task = make_task("numbers", ("even", "odd"), splits, {"source": "made up"})
    tested = []
    for number in range(10):
        one = fold(task, number)
        assert one.record["fold"] == number
        assert not set(one.test.texts) & {*one.train.texts, *one.validation.texts}
        assert len(one.train) + len(one.validation) + len(one.test) == 43
        assert all(
            target == int(text.split()[-1]) % 2
            for part in one.splits().values()
            for text, target in zip(part.texts, part.targets, strict=True)
        )
        tested += one.test.texts
    assert sorted(tested) == sorted(texts)


# ---- n-grams ------------------------------------------------------------------------------------


def test_features_are_words_and_runs_each_once():
    repeated = np.array([3, 1, 3, 1], np.int32)
    assert len(ngrams.features(repeated, 10, 1)) == 2
    assert len(ngrams.features(repeated, 10, 2)) == 2 + 2
    assert len(ngrams.features(repeated, 10, 3)) == 2 + 2 + 2
    assert len(ngrams.features(repeated[:1], 10, 3)) == 1
    assert len(ngrams.features(repeated[:0], 10, 3)) == 0
    assert ngrams.features(repeated, 10, 3).max() < 10 + 2 * ngrams.BUCKETS


@pytest.mark.parametrize("classes", [2, 3])
def test_n_grams_learn_what_the_order_of_words_says(classes, monkeypatch):
    pytest.importorskip("sklearn", reason="the linear models need scikit-learn (the bench extra)")
    monkeypatch.setattr(ngrams, "BUCKETS", 2**10)
    random = np.random.default_rng(0)
    orders = ([1, 2], [2, 1], [3, 1])
    targets = np.arange(120) % classes
    texts = [
        np.array([*random.integers(4, 9, 3), *orders[target], *random.integers(4, 9, 3)], np.int32)
        for target in targets
    ]
    model = ngrams.fit(texts, targets, 9, longest=2, strength=1.0)
    p = np.stack([model.probabilities(text) for text in texts])
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert (p.argmax(axis=1) == targets).mean() > 0.95


# ---- statistics ---------------------------------------------------------------------------------


def runs_of(name, correct, **data):
    """Runs with these texts right, one row a seed."""
    made = {}
    for seed, row in enumerate(np.atleast_2d(correct)):
        bits = np.packbits(row).tobytes().hex()
        test = {"texts": len(row), "correct": bits, "accuracy": float(row.mean())}
        made[seed] = {"test": test, "validation": {"accuracy": float(row.mean())}, "data": data}
    return stats.Runs(name, made)


def test_a_difference_is_paired_by_text_and_seed():
    random = np.random.default_rng(0)
    plain = random.random((3, 2000)) < 0.8
    better = plain | (random.random((3, 2000)) < 0.1)
    found = stats.difference(runs_of("lstm-tuned", better), runs_of("lstm", plain))
    expected = 100 * (better.mean() - plain.mean())
    assert found.mean == pytest.approx(expected)
    assert 0 < found.low < found.mean < found.high
    # Half of a 95 % interval of a mean of texts, whose gains hang together within a text by chance.
    half = 1.96 * 100 * (better.mean(axis=0) - plain.mean(axis=0)).std() / 2000**0.5
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.5)
    assert found.verdict == "better"
    same = stats.difference(runs_of("lstm", plain), runs_of("lstm", plain))
    assert (same.mean, same.low, same.high) == (0, 0, 0)
    assert same.verdict == "not inferior"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.1, 2, "better"), (-0.4, 1, "not inferior"), (-0.6, 1, "undecided"), (-2, -0.6, "inferior")],
)
def test_verdicts(low, high, verdict):
    assert stats.Difference((low + high) / 2, low, high).verdict == verdict


def half(found):
    return (found.high - found.low) / 2


def test_few_seeds_that_differ_leave_more_to_chance_than_a_bootstrap_of_them_says():
    random = np.random.default_rng(0)
    plain = random.random((3, 20_000)) < 0.8
    gains = np.array([[0.01], [0.03], [0.05]])
    better = plain | (random.random((3, 20_000)) < gains / 0.2)
    found = stats.difference(runs_of("lstm-tuned", better), runs_of("lstm", plain))
    # Means two points apart: Student's 4.30, of two degrees of freedom, times 2 / 3 ** 0.5.
    assert half(found) == pytest.approx(4.3 * 2 / 3**0.5, rel=0.15)
    assert found.verdict == "undecided"
    low, high = stats.bootstrap(better.astype(np.int8) - plain)
    assert low > 0
    assert high < 0.06


def test_student_s_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    seeds, texts, hit = 4, 60, 0
    for _ in range(1000):
        by_seed, by_text = random.normal(0, 0.1, (seeds, 1)), random.normal(0, 0.3, texts)
        gain = by_seed + by_text + random.normal(0, 0.5, (seeds, texts))
        hit += abs(gain.mean()) < stats.half_width([gain])
    assert 0.925 < hit / 1000 < 0.985


def test_folds_are_parts_and_each_mean_of_one_counts_as_a_draw():
    random = np.random.default_rng(0)
    folds = 2 * stats.TENTHS
    plain = random.random((folds, 100)) < 0.8
    better = plain | (random.random((folds, 100)) < 0.2)
    one = runs_of("skim-20-0.01-tuned", better, fold=0)
    other = runs_of("lstm-tuned", plain, fold=0)
    parts = stats.paired(one, other)
    gain = better.astype(np.int8) - plain
    assert [part.tolist() for part in parts] == [
        [gain[number].tolist(), gain[number + stats.TENTHS].tolist()]
        for number in range(stats.TENTHS)
    ]
    means = 100 * np.array([part.mean() for part in parts])
    student = 2.262 * means.std(ddof=1) / stats.TENTHS**0.5
    found = stats.difference(one, other)
    assert found.mean == pytest.approx(means.mean())
    assert half(found) >= student * 0.999
    # A round that is not whole yet does not count, and without one whole round nothing does.
    begun = runs_of("lstm-tuned", plain[:13], fold=0)
    assert [len(part) for part in stats.paired(one, begun)] == [1] * stats.TENTHS
    assert stats.difference(one, runs_of("lstm-tuned", plain[:9], fold=0)) is None


def test_a_linear_model_has_one_run_for_all_seeds_and_one_for_each_fold():
    whole = np.array([[True, False, True], [True, True, True]])
    linear, plain = runs_of("tf-idf", whole[:1]), runs_of("lstm-tuned", whole)
    assert stats.difference(linear, plain).mean == pytest.approx(100 * (2 / 3 - 5 / 6))
    assert stats.difference(plain, linear).mean == pytest.approx(100 * (5 / 6 - 2 / 3))
    plain = runs_of("lstm-tuned", np.eye(2 * stats.TENTHS, 30, dtype=bool), fold=0)
    right = np.eye(stats.TENTHS, 30, dtype=bool)
    parts = stats.paired(runs_of("ngrams", right, fold=0), plain)
    assert [part.any(axis=1).tolist() for part in parts] == [[False, True]] * stats.TENTHS
    assert stats.difference(runs_of("ngrams", right[:1], fold=0), plain) is None


def test_the_row_chosen_is_the_best_on_validation_of_those_with_all_seeds():
    good, fair = np.array([[True] * 9 + [False]] * 2), np.array([[True] * 8 + [False] * 2] * 2)
    found = {
        "lstm-tuned": runs_of("lstm-tuned", good),
        "skim-5-0.01-tuned": runs_of("skim-5-0.01-tuned", fair),
        "skim-10-0.01-tuned": runs_of("skim-10-0.01-tuned", good),
        "skip-0.01-tuned": runs_of("skip-0.01-tuned", np.ones((1, 10), bool)),
        "random-tuned": runs_of("random-tuned", np.ones((2, 10), bool)),
        **{
            name: runs_of(name, np.ones((2, 10), bool))
            for name in ("skim-gru-10-0.01-tuned", "levels-20-0-tuned", "spread-10-0.01-tuned")
        },
        "vcrnn-0.2-tuned": runs_of("vcrnn-0.2-tuned", np.ones((2, 10), bool)),
        "frozen-0-0.1-tuned": runs_of("frozen-0-0.1-tuned", np.ones((2, 10), bool)),
    }
    assert stats.chosen(found) == "skim-10-0.01-tuned"
    assert stats.chosen({"lstm": found["lstm-tuned"]}) is None


def test_committed_runs_are_of_known_rows_and_seeds():
    for path in (stats.RESULTS / "classification").glob("*.json"):
        run = json.loads(path.read_text())
        assert path.stem == Run(run["task"], run["row"], run["seed"]).stem
        assert run["seed"] in rows.seeds_of(run["task"], run["row"])
        assert len(bytes.fromhex(run["test"]["correct"])) == -(-run["test"]["texts"] // 8)
