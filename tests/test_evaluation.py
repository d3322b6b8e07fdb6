"""Evaluation: the numbers against sums made by hand, the sample, the texts that may count."""

import json
import math

import numpy as np
import pytest

import skimrnn.evaluation as evaluation
from models import LABELS, WORDS, make_classifier, make_config
from skimrnn import cost
from skimrnn.decision import Rule
from skimrnn.evaluation import (
    evaluate,
    load_test_texts,
    measure,
    rule_in_force,
    sample,
)
from skimrnn.runtime import Model
from skimrnn.tasks import BUILT_IN, DataError, Examples, load_task

TEXTS = ["the film is good", "bad", "", "the the good bad film isn't good", "😀 é"]


@pytest.fixture
def model():
    return Model(make_classifier())


@pytest.fixture
def examples():
    return Examples(TEXTS, np.array([0, 1, 2, 0, 1]))


# ---- the numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [{}, {"threshold": 0.3}, {"threshold": 1, "budget": 0.4}])
def test_every_count_is_that_of_the_readings(model, examples, rule):
    result = evaluate(model, examples, **rule)
    readings = model.read(TEXTS, **rule)
    counted = cost.count(model.config, [reading.level for reading in readings])
    right = sum(r.label == LABELS[t] for r, t in zip(readings, examples.targets, strict=True))
    skimmed = sum(int(reading.skimmed.sum()) for reading in readings)
    assert result.accuracy == right / 5
    assert result.tokens == sum(len(reading) for reading in readings) == 15
    assert result.skim_rate == skimmed / 15
    assert result.flop_reduction == counted.flop_reduction
    assert result.flop_reduction_per_text == counted.flop_reduction_per_text
    assert result.recurrent_reduction == counted.recurrent_reduction
    assert (result.texts, result.timed_texts, result.timed_tokens) == (5, 5, 15)
    assert result.threshold == rule.get("threshold", 0.5)
    assert result.budget == rule.get("budget")
    assert result.implementation == model.implementation


def test_several_labels_a_text_are_counted_whole_and_one_by_one():
    model = Model(make_classifier(activation="sigmoid"))
    targets = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 0]], bool)
    result = evaluate(model, Examples(TEXTS, targets))
    given = [[label in r.chosen for label in LABELS] for r in model.read(TEXTS)]
    same = [list(row) == one for row, one in zip(targets, given, strict=True)]
    hits = int((targets & np.array(given)).sum())
    assert result.accuracy == np.mean(same)
    assert result.f1 == 2 * hits / (int(targets.sum()) + int(np.sum(given)))
    assert result.score == result.f1


def test_one_label_a_text_has_no_f1(model, examples):
    result = evaluate(model, examples)
    assert result.f1 is None
    assert result.score == result.accuracy


def test_one_label_and_several_do_not_go_together(model, examples):
    several = Model(make_classifier(activation="sigmoid"))
    with pytest.raises(ValueError, match="gives any number of labels a text, and these texts have"):
        evaluate(several, examples)
    with pytest.raises(ValueError, match="the model gives one label a text, and these texts have"):
        evaluate(model, examples.as_multilabel(3))


def test_texts_without_a_token_have_no_rate(model):
    result = evaluate(model, Examples(["", " "], np.array([0, 1])))
    assert (result.skim_rate, result.flop_reduction, result.tokens) == (None, None, 0)
    assert json.loads(json.dumps(result.to_dict()))["skim_rate"] is None


def test_a_plain_rnn_skims_nothing(examples):
    model = Model(make_classifier(make_config((7,))))
    result = evaluate(model, examples)
    assert (result.skim_rate, result.flop_reduction, result.recurrent_reduction) == (0, 1, 1)
    with pytest.raises(ValueError, match="budget"):
        evaluate(model, examples, budget=0.5)


def test_no_text_and_nothing_to_time_are_refused(model, examples):
    with pytest.raises(ValueError, match="no text"):
        evaluate(model, Examples([], np.array([])))
    with pytest.raises(ValueError, match="timed_texts must be at least 1; got 0"):
        evaluate(model, examples, timed_texts=0)


def test_an_infinite_threshold_is_strict_json(model, examples):
    for threshold, shown in ((math.inf, 1.0), (-math.inf, -1.0), (0.25, 0.25), ("argmax",) * 2):
        values = evaluate(model, examples, threshold=threshold, timed_texts=1).to_dict()
        assert values["threshold"] == shown
        json.dumps(values, allow_nan=False)


def test_progress_counts_the_texts(model, examples):
    seen = []
    evaluate(model, examples, show=seen.append)
    assert seen == [1, 2, 3, 4, 5]


def test_the_rule_in_force_fills_in_the_models_own():
    model = Model(make_classifier(rule=Rule(0.25, 0.5, 2)))
    assert rule_in_force(model, None, None, None) == Rule(0.25, 0.5, 2)
    assert rule_in_force(model, 1, 0.0, 0) == Rule(1, 0.0, 0)


def test_a_budget_for_what_cannot_skim_is_refused():
    plain = Model(make_classifier(make_config((7,))))
    with pytest.raises(ValueError, match="a budget needs a level to skim at"):
        rule_in_force(plain, None, 0.5, None)


# ---- time ---------------------------------------------------------------------------------------


class Clockwork:
    """A model whose predictions take as long as it is told, on a clock of its own."""

    def __init__(self, seconds, rule=None):
        self.now, self.seconds, self.rule = 0.0, seconds, rule or Rule()
        self.config = make_config()
        self.calls = []

    def predict_proba(self, text, **options):
        self.calls.append((text, options["threshold"], options["budget"]))
        self.now += self.seconds(len(self.calls), text, options)


@pytest.fixture
def clockwork(monkeypatch):
    def make(seconds, **more):
        model = Clockwork(seconds, **more)
        monkeypatch.setattr(evaluation, "_clock", lambda: (lambda: model.now, "made up"))
        return model

    return make


def test_each_text_counts_with_its_median_by_each_rule(clockwork):
    def seconds(call, text, options):
        hiccup = 100 if call == 3 else 0  # the first that is timed
        return hiccup + len(text) * (1 if options["threshold"] == 0.5 else 10)

    timing = measure(clockwork(seconds), ["a", "bb"], Rule(), repeats=3)
    assert (timing.skimming, timing.reading) == ((1, 2), (10, 20))
    assert (timing.seconds_skimming, timing.seconds_reading) == (3, 30)
    assert (timing.repeats, timing.clock) == (3, "made up")


def test_the_rules_take_turns_text_by_text(clockwork):
    model = clockwork(lambda call, text, options: 1)
    measure(model, ["a", "b"], Rule(), repeats=2)
    timed = [(text, threshold) for text, threshold, _ in model.calls[2:]]
    assert timed == [
        *(("a", 0.5), ("a", 1.0), ("b", 1.0), ("b", 0.5)),
        *(("a", 1.0), ("a", 0.5), ("b", 0.5), ("b", 1.0)),
    ]


def test_reading_everything_lifts_the_models_own_budget(clockwork):
    model = clockwork(lambda call, text, options: 1, rule=Rule(0.5, 0.25))
    measure(model, ["a"], rule_in_force(model, None, None, None), repeats=1)
    assert {call[1:] for call in model.calls} == {(0.5, 0.25), (1.0, 1.0)}


def test_short_texts_are_repeated_and_long_ones_are_not(clockwork, monkeypatch):
    short = measure(clockwork(lambda *_: 1), ["a"], Rule())
    assert short.repeats == evaluation.MOST_REPEATS
    monkeypatch.setattr(evaluation, "ENOUGH_SECONDS", 0.0)
    assert measure(clockwork(lambda *_: 1), ["a"], Rule()).repeats == 1


def test_the_clock_is_the_cpu_time_of_this_thread_where_that_is_fine_enough(monkeypatch):
    import time

    assert evaluation._clock() == (time.thread_time, "thread_time")
    coarse = type("Info", (), {"resolution": 0.015})
    monkeypatch.setattr(time, "get_clock_info", lambda name: coarse)
    assert evaluation._clock() == (time.perf_counter, "perf_counter")


def test_at_most_so_many_texts_are_timed(model, monkeypatch):
    examples = Examples(["good"] * 9, np.zeros(9, dtype=int))
    assert evaluate(model, examples, timed_texts=4).timed_texts == 4
    assert evaluation.TIMED_TEXTS == 200


def test_a_sample_is_seeded_and_keeps_the_order():
    examples = Examples([str(n) for n in range(100)], np.arange(100))
    drawn = sample(examples, 10, seed=3)
    assert drawn.targets.tolist() == sorted(set(drawn.targets.tolist()))
    assert len(drawn) == 10
    assert [int(text) for text in drawn.texts] == drawn.targets.tolist()
    assert sample(examples, 10, seed=3).texts == drawn.texts
    assert sample(examples, 10, seed=4).texts != drawn.texts
    assert sample(examples, 100) is examples


# ---- which texts --------------------------------------------------------------------------------


def model_trained_on(record, labels=("bad", "good")):
    return Model(make_classifier(words=WORDS, labels=labels, training={"task": record}))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.csv"
    rows = [f"film {n},{('bad', 'good')[n % 2]}" for n in range(60)]
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    return path


def test_own_data_that_the_model_does_not_know_count_whole(file):
    found = load_test_texts(model_trained_on({}), str(file))
    assert (len(found.examples), found.split, found.notes) == (60, "all", ())


@pytest.mark.parametrize("seed", [0, 5])
def test_own_data_of_the_training_count_as_far_as_held_out(file, seed):
    task = load_task(str(file), seed=seed)
    found = load_test_texts(model_trained_on(task.record, ("good", "bad")), str(file))
    assert found.split == "test"
    assert found.examples.texts == task.test.texts
    assert found.examples.targets.tolist() == [1 - target for target in task.test.targets]
    assert "6 texts held out" in found.notes[0]


def test_by_other_labels_other_texts_were_held_out(tmp_path):
    path = tmp_path / "mine.csv"
    rows = [f"film {n},{'ab'[n % 2]},{'ab'[n % 7 == 0]}" for n in range(200)]
    path.write_text("text,weak,label\n" + "\n".join(rows) + "\n")
    task = load_task(str(path), label_column="weak")
    model = model_trained_on(task.record, ("a", "b"))
    found = load_test_texts(model, str(path))  # the column of the training, not "label"
    assert (found.examples.texts, found.split) == (task.test.texts, "test")
    assert found.examples.targets.tolist() == task.test.targets.tolist()
    for column in ("weak", "label"):
        found = load_test_texts(model, str(path), label_column=column)
        assert (found.split, len(found.examples)) == (
            ("test", len(task.test)) if column == "weak" else ("all", 200)
        )
    assert "too high" in found.notes[0]


def test_changed_data_are_other_data(file):
    record = load_task(str(file)).record
    file.write_text(file.read_text() + "film 60,good\n")
    found = load_test_texts(model_trained_on(record), str(file))
    assert (len(found.examples), found.split) == (61, "all")


def test_a_folder_without_a_test_split_has_the_one_that_was_held_out(tmp_path):
    rows = [f"film {n},{('bad', 'good')[n % 2]}\n" for n in range(80)]
    for name, part in (("train", rows[:60]), ("validation", rows[60:])):
        (tmp_path / f"{name}.csv").write_text("text,label\n" + "".join(part))
    task = load_task(str(tmp_path), seed=5)
    found = load_test_texts(model_trained_on(task.record), str(tmp_path))
    assert (found.examples.texts, found.split) == (task.test.texts, "test")
    assert len(found.examples) == 6


def test_files_that_were_a_part_of_the_training_are_told_on(tmp_path):
    rows = [f"film {n},{('bad', 'good')[n % 2]}\n" for n in range(80)]
    for name, part in (("train", rows[:50]), ("validation", rows[50:60]), ("test", rows[60:])):
        (tmp_path / f"{name}.csv").write_text("text,label\n" + "".join(part))
    model = model_trained_on(load_task(str(tmp_path)).record)
    for name, seen in (("train", True), ("validation", True), ("test", False)):
        found = load_test_texts(model, str(tmp_path / f"{name}.csv"))
        assert found.split == "all"
        assert [f"trained on texts of {tmp_path / name}.csv" in note for note in found.notes] == [
            True
        ] * seen
    (tmp_path / "test.csv").write_text("text,label\na film,good\n")  # the other two as they were
    assert load_test_texts(model, str(tmp_path)).notes == ()


def test_a_folder_with_the_training_file_is_told_on(file, tmp_path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "train.csv").write_text("text,label\n" + "a,bad\nb,good\n" * 20)
    (tmp_path / "copy" / "test.csv").write_bytes(file.read_bytes())
    model = model_trained_on(load_task(str(file)).record)
    assert "too high" in load_test_texts(model, str(tmp_path / "copy")).notes[0]


def test_data_too_few_to_train_on_can_be_evaluated(file, tmp_path):
    record = load_task(str(file)).record
    (tmp_path / "few.csv").write_text("text,label\na film,good\n")
    assert len(load_test_texts(model_trained_on(record), str(tmp_path / "few.csv")).examples) == 1


def test_unknown_labels_are_refused(file):
    with pytest.raises(DataError, match="'bad'"):
        load_test_texts(model_trained_on({}, ("good", "fine")), str(file))


@pytest.fixture
def asked(monkeypatch):
    """The seeds that built-in data are asked for with."""
    seeds = []

    def load(data, labels, *, seed, **_):
        assert data in BUILT_IN
        seeds.append(seed)
        return Examples(["x"], np.array([0]))

    monkeypatch.setattr(evaluation, "load_examples", load)
    return seeds


@pytest.mark.parametrize(
    ("record", "data", "seed"),
    [
        ({"name": "rotten-tomatoes", "seed": 7}, "rotten-tomatoes", 7),
        ({"name": "sst+rotten-tomatoes", "seed": 7}, "rotten-tomatoes", 7),
        ({"name": "rotten-tomatoes", "seed": 7}, "imdb", 0),
        ({"name": "sst", "seed": None}, "sst", 0),
        ({"name": "imdb", "seed": 7, "columns": {}}, "imdb", 0),
        ({}, "imdb", 0),
        ({"name": "imdb", "seed": "seven"}, "imdb", 0),
    ],
)
def test_built_in_data_are_split_as_for_the_training(asked, record, data, seed):
    assert load_test_texts(model_trained_on(record), data).split == "test"
    assert asked == [seed]


@pytest.mark.parametrize(
    ("name", "data", "leaks"),
    [
        ("sst", "rotten-tomatoes", True),
        ("rotten-tomatoes", "sst", True),
        ("rotten-tomatoes", "sst+rotten-tomatoes", True),
        ("sst", "sst", False),
        ("sst-phrases", "rotten-tomatoes", True),
        ("sst-phrases+rotten-tomatoes", "rotten-tomatoes", False),
        ("sst+rotten-tomatoes", "rotten-tomatoes", False),
        ("imdb", "sst", False),
    ],
)
def test_a_model_that_saw_the_test_texts_is_told_on(asked, name, data, leaks):
    notes = load_test_texts(model_trained_on({"name": name, "seed": 0}), data).notes
    trained = f"trained on {name.removesuffix('-phrases')}"
    assert [note for note in notes if trained in note and "too high" in note] == list(notes)
    assert bool(notes) is leaks


def model_begun_with(record, earlier, how="start"):
    """A model that learnt from another one, itself from a third."""
    third = [{"how": "teacher", "task": {"name": "imdb", "seed": 0}}]
    training = {"task": record, "earlier": [{"how": how, "task": earlier, "earlier": third}]}
    return Model(make_classifier(words=WORDS, labels=("bad", "good"), training=training))


@pytest.mark.parametrize(
    ("record", "earlier", "data", "seed", "told"),
    [
        ({"name": "rotten-tomatoes", "seed": 0}, {"name": "sst"}, "rotten-tomatoes", 0, ["on sst"]),
        (
            {"name": "rotten-tomatoes", "seed": 0},
            {"name": "sst"},
            "sst",
            0,
            ["on rotten-tomatoes:"],
        ),
        (
            {"name": "rotten-tomatoes", "seed": 7},
            {"name": "rotten-tomatoes", "seed": 3},
            "rotten-tomatoes",
            7,
            ["by another split"],
        ),
        ({"columns": {}}, {"name": "rotten-tomatoes", "seed": 3}, "rotten-tomatoes", 3, []),
        (
            {"name": "rotten-tomatoes", "seed": None},
            {"name": "rotten-tomatoes", "seed": None},
            "rotten-tomatoes",
            0,
            [],
        ),
        ({"name": "rotten-tomatoes", "seed": 0}, {"name": "imdb"}, "rotten-tomatoes", 0, []),
        ({"name": "ag-news", "seed": 0}, {"name": "sst"}, "imdb", 0, []),
    ],
)
def test_what_an_earlier_model_saw_is_told_on(asked, record, earlier, data, seed, told):
    notes = load_test_texts(model_begun_with(record, earlier), data).notes
    assert asked == [seed]
    assert len(notes) == len(told)
    for note, part in zip(notes, told, strict=True):
        assert part in note
        assert "too high" in note


@pytest.mark.parametrize("how", ["start", "base", "teacher"])
def test_files_that_an_earlier_model_was_trained_on_are_told_on(file, tmp_path, how):
    record = load_task(str(file)).record
    for own in ({"name": "imdb", "seed": 0}, {"columns": {}, "files": []}, None):
        found = load_test_texts(model_begun_with(own, record, how), str(file))
        assert (len(found.examples), found.split) == (60, "all")
        assert f"trained on texts of {file}" in found.notes[0]
    other = load_task(str(file), seed=3).record
    assert len(load_test_texts(model_begun_with(record, record), str(file)).notes) == 1
    notes = load_test_texts(model_begun_with(record, other), str(file)).notes
    assert "held out" in notes[0]
    assert "seen them" in notes[1]
    (tmp_path / "new.csv").write_text("text,label\na film,good\n")
    assert load_test_texts(model_begun_with(None, record), str(tmp_path / "new.csv")).notes == ()


@pytest.mark.parametrize("record", [None, 5, {"columns": {}, "files": 3}, {"columns": 0}])
def test_a_strange_record_does_no_harm(file, record):
    assert load_test_texts(model_trained_on(record), str(file)).split == "all"
    for model in (model_begun_with(record, record), model_begun_with(record, [5])):
        assert load_test_texts(model, str(file)).split == "all"
