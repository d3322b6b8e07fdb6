"""What a curve over θ says, and the measuring of one with the bundled model."""

import json

import pytest

import skimrnn
from benchmarks.classification import curves
from benchmarks.classification.verdicts import (
    accuracy_within,
    at_threshold,
    behind,
    fastest,
    front,
    verdicts,
)
from skimrnn.runtime.model import model_folder
from skimrnn.tasks import Examples
from skimrnn.tasks.base import make_task


def point(threshold, us, accuracy, validation=None, row="a"):
    return {
        "row": row,
        "threshold": threshold,
        "us_per_text": us,
        "accuracy": accuracy,
        "validation_accuracy": accuracy if validation is None else validation,
    }


CURVE = [
    point(0.1, 10.0, 0.805),
    point(0.3, 16.0, 0.825, 0.81),
    point(0.5, 20.0, 0.830, 0.82),
    point(1.0, 40.0, 0.810, 0.81),
]


def test_from_reading_all_the_loss_is_against_reading_all():
    said = verdicts(CURVE, [])["from_reading_all"]
    assert (said["to"], said["times_faster"]) == (0.1, 4.0)
    assert said["accuracy_change"] == pytest.approx(-0.005)
    assert said["met"]


def test_from_best_the_loss_is_against_the_best_of_the_curve():
    said = verdicts(CURVE, [])["from_best"]
    assert (said["from"], said["against"], said["to"]) == (1.0, 0.5, 0.3)
    assert (said["times_faster"], said["met"]) == (2.5, True)


def test_from_half_only_lower_thresholds_count():
    said = verdicts(CURVE, [])["from_half"]
    assert (said["to"], said["times_faster"], said["met"]) == (0.3, 1.25, False)


def test_what_validation_texts_choose_the_test_texts_judge():
    curve = [point(0.1, 10.0, 0.70, 0.815), point(0.5, 20.0, 0.80, 0.82), point(1.0, 30.0, 0.8)]
    said = verdicts(curve, [])["chosen_on_validation"]
    assert (said["to"], said["times_faster"]) == (0.1, 3.0)
    assert said["accuracy_change"] == pytest.approx(-0.1)
    assert not said["met"]


def test_a_start_stands_for_itself_where_nothing_lower_will_do():
    curve = [point(0.1, 10.0, 0.5), point(1.0, 40.0, 0.8)]
    said = fastest(curve, curve[1], curve[1])
    assert (said["to"], said["times_faster"], said["met"]) == (1.0, 1.0, False)


def test_a_loss_of_all_that_is_allowed_is_too_much():
    curve = [point(0.1, 10.0, 0.75), point(1.0, 40.0, 0.765625)]
    assert fastest(curve, curve[1], curve[1])["to"] == 1.0


def test_without_a_start_nothing_is_said():
    assert at_threshold(CURVE, 0.25) is None
    assert fastest(CURVE, None, CURVE[0]) is None
    assert verdicts(CURVE[:1], [])["from_half"] is None
    assert verdicts(CURVE, [])["front"] is None


def test_the_front_has_no_point_that_another_beats_in_both():
    points = [
        point(0.5, 10.0, 0.80, row="fast"),
        point(0.5, 10.0, 0.79, row="as fast"),
        point(0.5, 15.0, 0.80, row="slower"),
        point(0.5, 20.0, 0.85, row="better"),
        point(0.5, 30.0, 0.84, row="beaten"),
    ]
    assert [one["row"] for one in front(points)] == ["fast", "better"]


def test_accuracy_within_a_time_lies_on_the_line_between_thresholds():
    assert accuracy_within(CURVE, 9.9) is None
    assert accuracy_within(CURVE, 13.0) == pytest.approx(0.815)
    assert accuracy_within(CURVE, 30.0) == 0.830  # more time does not make it worse
    assert accuracy_within(CURVE, 99.0) == 0.830


def test_behind_is_the_worst_place_of_the_front():
    others = [point(0.5, 13.0, 0.818, row="b"), point(0.5, 25.0, 0.833, row="c")]
    said = behind(CURVE, others)
    assert (said["rows"], said["reached"]) == (["b", "c"], True)
    assert said["lacks"] == pytest.approx(0.003)
    assert not behind(CURVE, [point(0.5, 13.0, 0.825, row="b")])["reached"]
    assert behind(CURVE, [point(0.5, 5.0, 0.6)]) == {"rows": ["a"], "lacks": None, "reached": False}


def test_a_curve_is_measured_and_written_keeping_other_tasks(tmp_path, monkeypatch):
    texts = ["a fine film , and a joy", "dull and far too long", "", "no plot at all"]
    examples = Examples(texts, [1, 0, 1, 0])
    splits = {"train": examples, "validation": examples, "test": examples}
    task = make_task("sst", ("negative", "positive"), splits, {})
    learned, others = curves.CURVES[0], curves.SEPARATE[:2]
    folders = dict.fromkeys((learned, *others), model_folder("sst"))
    monkeypatch.setattr(curves, "RESULT", tmp_path / "curves.json")
    monkeypatch.setattr(curves, "ROUNDS", 2)
    monkeypatch.setattr(curves, "task_of", lambda run, data_dir: task)
    monkeypatch.setattr(curves, "trained", lambda task, seed: folders)
    curves.RESULT.write_text('{"imdb": {"kept": true}}')
    monkeypatch.setattr("sys.argv", ["curves", "--task", "sst", "--seed", "0", "1"])
    curves.main()
    found = json.loads(curves.RESULT.read_text())
    assert found["imdb"] == {"kept": True}
    result = found["sst"]
    assert (result["texts"], result["timed_texts"], result["seeds"]) == (4, 3, [0, 1])
    [points] = result["curves"].values()
    assert [one["threshold"] for one in points] == list(curves.THRESHOLDS)
    rates = [one["skim_rate"] for one in points]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == 0
    assert all(one["us_per_text"] > 0 for one in points)
    assert {one["row"] for one in result["separate"]} == {learned, *others}
    assert result["verdicts"][learned]["front"]["rows"] != [learned]  # not beside itself
    assert result["verdicts"][learned]["from_reading_all"]["from"] == 1.0


def test_a_model_with_a_threshold_of_its_own_leaves_the_other_as_it_was():
    model = skimrnn.load("sst")
    other = curves.with_threshold(model, 1.0)
    assert other.read("a fine film").skim_rate == 0
    assert model.rule.threshold == 0.5
    assert other.predict_proba("a fine film") == pytest.approx(
        model.predict_proba("a fine film", threshold=1.0), abs=0
    )


def test_points_of_several_seeds_are_averaged():
    one, other = point(0.5, 10.0, 0.80), point(0.5, 14.0, 0.84)
    del one["row"], other["row"]
    both = curves.mean([one | {"skim_rate": None}, other | {"skim_rate": None}])
    assert (both["threshold"], both["us_per_text"]) == (0.5, 12.0)
    assert both["accuracy"] == pytest.approx(0.82)
    assert both["accuracy_spread"] == pytest.approx(0.04 / 2**0.5)
    assert both["skim_rate"] is None
    assert curves.mean([one])["accuracy_spread"] == 0
    assert curves.mean([one | {"threshold": 0.1}] * 3)["threshold"] == 0.1
