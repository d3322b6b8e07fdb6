"""Choosing a threshold: each goal by the measured points, and where skimming does not pay."""

import json
from dataclasses import replace

import numpy as np
import pytest

import skimrnn
from models import make_classifier, make_config
from skimrnn.calibration import (
    Calibration,
    CalibrationError,
    _choose,
    calibrate,
    goal_of,
    relative_time,
    summary,
    us_per_token,
)
from skimrnn.evaluation import Evaluation
from skimrnn.runtime import Model
from skimrnn.tasks import Examples


def point(threshold, accuracy, skimmed, seconds):
    """An evaluation whose reading of everything takes 1 second for 10^6 tokens."""
    return Evaluation(
        accuracy=accuracy,
        skim_rate=skimmed,
        flop_reduction=1.0,
        flop_reduction_per_text=1.0,
        recurrent_reduction=1.0,
        seconds_skimming=seconds,
        seconds_reading=1.0,
        timed_texts=1,
        timed_tokens=1_000_000,
        timing_repeats=1,
        clock="thread_time",
        texts=1,
        tokens=1,
        threshold=threshold,
        budget=None,
        burst=1,
        implementation="numpy",
    )


POINTS = (
    point(0.1, 0.80, 0.95, 0.2),
    point(0.3, 0.850, 0.9, 0.3),
    point(0.5, 0.860, 0.7, 0.5),
    point(0.7, 0.860, 0.6, 0.6),
    point(1.0, 0.855, 0.0, 1.0),
)


@pytest.mark.parametrize(
    ("goal", "value", "threshold"),
    [
        ("max_accuracy_drop", 0, 0.5),  # of two as accurate, the faster
        ("max_accuracy_drop", 1, 0.3),
        ("max_accuracy_drop", 6, 0.1),
        ("skim_rate", 0, 0.5),
        ("skim_rate", 0.65, 0.5),
        ("skim_rate", 0.8, 0.3),
        ("skim_rate", 0.95, 0.1),
        ("max_us_per_token", 0.35, 0.3),
        ("max_us_per_token", 0.2, 0.1),
        ("max_us_per_token", 5, 0.5),
    ],
)
def test_the_goal_chooses(goal, value, threshold):
    assert _choose(goal, value, POINTS).threshold == threshold


@pytest.mark.parametrize(
    ("goal", "value", "said"),
    [("skim_rate", 0.96, "the most that is skimmed is 95.0%"), ("max_us_per_token", 0.1, "0.2 m")],
)
def test_a_goal_out_of_reach_says_how_near_one_can_come(goal, value, said):
    with pytest.raises(
        CalibrationError, match=f"no threshold tried reaches {goal}={value}: .*{said}"
    ):
        _choose(goal, value, POINTS)


@pytest.mark.parametrize(
    ("goal", "value", "threshold"),
    [("max_accuracy_drop", 0, 0.3), ("max_accuracy_drop", 5, 0.1), ("skim_rate", 0.65, 0.3)],
)
def test_of_several_labels_f1_counts_and_not_accuracy(goal, value, threshold):
    f1 = (0.86, 0.9, 0.8, 0.8, 0.85)
    points = [replace(one, f1=score) for one, score in zip(POINTS, f1, strict=True)]
    chosen = _choose(goal, value, points)
    assert chosen.threshold == threshold
    found = Calibration(goal, value, tuple(points), chosen)
    assert found.most_accurate.threshold == 0.3
    assert f"{chosen.f1:.1%} micro-F1, {100 * (0.9 - chosen.f1):.2f} points" in summary(found)


def test_units():
    assert relative_time(POINTS[1]) == 0.3
    assert us_per_token(POINTS[1]) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("goals", "said"),
    [
        ({}, "exactly one of max_accuracy_drop, skim_rate, max_us_per_token; got 0"),
        ({"skim_rate": 0.5, "max_us_per_token": 1.0}, "got 2 of them"),
        ({"skim_rate": 1.1}, r"skim_rate must be 0 to 1; got 1\.1"),
        ({"max_accuracy_drop": -1}, "max_accuracy_drop must be 0 to 100; got -1"),
        ({"max_us_per_token": float("nan")}, "must be 0 or more, and finite; got nan"),
        ({"max_us_per_token": float("inf")}, "max_us_per_token must be 0 or more, and finite; got"),
        ({"skim_rate": True}, "skim_rate must be 0 to 1; got True"),
    ],
)
def test_wrong_goals_are_refused(goals, said):
    names = dict.fromkeys(("max_accuracy_drop", "skim_rate", "max_us_per_token"))
    with pytest.raises(ValueError, match=said):
        goal_of(**names | goals)


def make_examples(model):
    """Texts labelled by the model itself, reading everything: there accuracy is 1."""
    random = np.random.default_rng(0)
    words = model.vocabulary.words[1:]
    texts = [" ".join(random.choice(words, 12)) for _ in range(30)]
    p = model.predict_proba(texts, threshold=1)
    return Examples(texts, p.argmax(axis=1))


def test_a_model_is_measured_at_every_threshold():
    model = Model(make_classifier(make_config((17, 2)), seed=4))
    examples, told = make_examples(model), []
    found = skimrnn.calibrate(
        model,
        examples,
        skim_rate=0.0,
        thresholds=(0.3, 0.6),
        show=lambda done, total: told.append((done, total)),
    )
    assert [p.threshold for p in found.points] == [0.3, 0.6, 1.0]
    assert found.points[-1].skim_rate == 0
    assert found.points[-1].accuracy == found.most_accurate.accuracy == 1
    rates = [p.skim_rate for p in found.points]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > 0
    for one in found.points:
        levels = [r.level for r in model.read(examples.texts, threshold=one.threshold)]
        assert one.skim_rate == pytest.approx(np.mean(np.concatenate(levels, axis=2) > 0))
    assert told[-1] == (90, 90)
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.to_dict()["goal"] == {"skim_rate": 0.0}


def test_a_plain_model_has_nothing_to_choose():
    model = Model(make_classifier(make_config((7,))))
    with pytest.raises(CalibrationError, match=r"never skims \(levels=\(7,\)\).*skim size"):
        calibrate(model, Examples(["good"], [0]), skim_rate=0.5)


def test_no_text_is_refused():
    model = Model(make_classifier())
    with pytest.raises(ValueError, match="there is no text"):
        calibrate(model, Examples([], []), skim_rate=0.5)


def test_it_says_where_skimming_does_not_pay():
    model = Model(make_classifier())
    found = calibrate(model, make_examples(model), max_accuracy_drop=100.0, thresholds=(0.5,))
    fast, level = replace(found, chosen=POINTS[1], points=POINTS), point(0.5, 0.86, 0.7, 0.97)
    assert "0.30 of the time of reading everything." in summary(fast)
    assert "1.00 points below the most accurate (threshold 0.5)" in summary(fast)
    assert "not pay" not in summary(fast)
    slow = replace(found, chosen=level, points=(*POINTS, level))
    assert "here, skimming does not pay in time" in summary(slow)
    whole = replace(found, chosen=POINTS[-1], points=POINTS)
    assert "with this goal, skimming does not pay" in summary(whole)
