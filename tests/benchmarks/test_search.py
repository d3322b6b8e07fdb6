"""The search of settings: one changed in each trial, validation texts alone, the best is chosen."""

import json

import numpy as np
import pytest

import skimrnn.train
from benchmarks.classification import report_search, rows, search, stats
from benchmarks.classification import runs as classification
from benchmarks.classification.controls import training
from benchmarks.classification.search import Tried
from benchmarks.classification.trials import RECIPE, SEEDS, TRIALS
from skimrnn.tasks import Examples
from skimrnn.tasks.base import make_task
from skimrnn.train import TrainingOptions


def texts(count):
    targets = np.arange(count) % 2
    return Examples([f"a film, {('bad', 'good')[target]} or so" for target in targets], targets)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Results in a folder of their own, of a made-up task and of tiny nets."""
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("good 1 2 3\nbad 3 2 1\nfilm 0 0 1\n")
    splits = {"train": texts(32), "validation": texts(10), "test": texts(12)}
    task = make_task("moods", ("bad", "good"), splits, {"source": "made up"})
    monkeypatch.setattr(classification, "RESULTS", tmp_path / "classification")
    monkeypatch.setattr(search, "RESULTS", tmp_path / "search")
    monkeypatch.setattr(search, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(classification, "load_task", lambda *_, **__: task)
    monkeypatch.setattr(classification, "write_vectors", lambda *_: vectors)
    monkeypatch.setattr(rows, "SHARED", {**rows.SHARED, "hidden_size": 8, "epochs": 1})
    for name in list(rows.SEARCHED)[1:]:
        monkeypatch.setitem(rows.AS_LONG, name, {"sst": 8})
    (tmp_path / "search").mkdir()
    (tmp_path / "classification").mkdir()
    return tmp_path


def write(task, row, trial, accuracies):
    for seed, accuracy in zip(SEEDS[task], accuracies, strict=False):
        path = Tried(task, row, trial, seed).result
        path.write_text(json.dumps({"best": {"accuracy": accuracy}}))


@pytest.mark.parametrize("task", SEEDS)
@pytest.mark.parametrize("name", TRIALS)
@pytest.mark.parametrize("row", rows.SEARCHED)
def test_a_trial_changes_one_setting_that_can_be_trained_with(task, name, row):
    before = rows.settings_of(task, row, 2)
    after = TRIALS[name].of(before)
    assert {key for key in after if after[key] != before.get(key)} == {TRIALS[name].setting}
    TrainingOptions(**after)


def test_every_family_has_as_many_settings_as_skimming_has_rows():
    assert 1 + len(TRIALS) == sum(
        row.candidate and row.recipe == "tuned" for row in rows.ROWS.values()
    )


@pytest.mark.parametrize("row", ["small-lstm-tuned", "qrnn-wide-tuned"])
def test_a_trial_is_trained_and_judged_without_test_texts(folder, row, monkeypatch):
    given = []
    for module, name in ((skimrnn.train, "train_classifier"), (training, "train")):
        train = getattr(module, name)
        monkeypatch.setattr(
            module,
            name,
            lambda task, *a, train=train, **k: given.append(task) or train(task, *a, **k),
        )
    tried = Tried("sst", row, "dropout-less", 1)
    assert search.make(tried, None) == tried.result
    result = json.loads(tried.result.read_text())
    assert (result["task"], result["row"], result["trial"]) == ("sst", row, "dropout-less")
    assert (result["options"]["dropout"], result["options"]["seed"]) == (0.3, 1)
    assert result["options"]["hidden_size"] == 8
    assert 0 <= tried.accuracy == result["best"]["accuracy"] <= 1
    assert "test" not in result
    [task] = given
    assert task.test is task.validation
    assert tried.result.parent == folder / "search"


def test_trials_come_seed_by_seed_and_only_those_asked_for():
    found = search.trials(["sst", "imdb"], ["lstm-tuned"])
    assert len(found) == len(TRIALS) * (len(SEEDS["sst"]) + len(SEEDS["imdb"]))
    assert [tried.seed for tried in found] == sorted(tried.seed for tried in found)
    assert search.trials(["imdb"], ["lstm-tuned"], [2]) == []
    assert search.trials(["sst"], ["lstm-tuned"], [2], ["decay"]) == [
        Tried("sst", "lstm-tuned", "decay", 2)
    ]


@pytest.mark.usefixtures("folder")
def test_the_best_mean_is_chosen_once_all_trials_are_there_and_the_recipe_where_none_is_better():
    write("sst", "lstm-tuned", RECIPE, (0.8, 0.8, 0.8))
    for name in TRIALS:
        assert search.best("sst", "lstm-tuned") is None
        write("sst", "lstm-tuned", name, (0.9, 0.7, 0.8))
    assert search.best("sst", "lstm-tuned") == RECIPE
    write("sst", "lstm-tuned", "faster", (0.79, 0.81, 0.81))
    assert search.best("sst", "lstm-tuned") == "faster"
    assert search.accuracies("sst", "lstm-tuned")["decay"] == pytest.approx(0.8)
    write("sst", "small-lstm-tuned", RECIPE, (0.8,))  # of three seeds
    assert search.accuracies("sst", "small-lstm-tuned") == {}


@pytest.mark.usefixtures("folder")
def test_the_table_has_what_was_tried_and_says_which_is_best():
    assert report_search.lines() == []
    for name, accuracy in zip((RECIPE, *TRIALS), np.arange(8) / 100 + 0.8, strict=True):
        write("imdb", "lstm-tuned", name, (accuracy,))
    write("imdb", "small-lstm-tuned", RECIPE, (0.75,))
    lines = report_search.lines()
    [row] = [line for line in lines if "| plain LSTM |" in line]
    assert row.split(" | ")[2:] == [
        *("80.00", *(f"{80 + n}.00" for n in range(1, 7)), "**87.00**"),
        "1 |",
    ]
    assert not any("small LSTM" in line for line in lines)  # nothing was tried of it
    write("imdb", "small-lstm-tuned", "decay", (0.75,))
    left = [line for line in report_search.missing() if line.startswith("| IMDb |")]
    assert left[0] == "| IMDb | 1 of 7 trials | small-lstm-tuned |"
    assert len(left) == len(rows.SEARCHED) - 1  # all were made of the plain LSTM


@pytest.mark.usefixtures("folder")
def test_skimming_stands_beside_each_family_with_as_many_settings():
    random = np.random.default_rng(0)

    def runs_of(name, accuracy, validation):
        made = {}
        for seed in range(3):
            right = random.random(2000) < accuracy
            test = {"texts": 2000, "correct": np.packbits(right).tobytes().hex()}
            made[seed] = {"test": test, "validation": {"accuracy": validation}, "data": {}}
        return stats.Runs(name, made)

    names = {
        **{rows.LEARNED: (0.8, 0.8), "rate-10-0.9-tuned": (0.9, 0.9), "lstm-tuned": (0.9, 0.9)},
        **{"small-lstm-tuned": (0.8, 0.8), "small-lstm-searched-tuned": (0.7, 0.8)},
    }
    found = {name: runs_of(name, *both) for name, both in names.items()}
    assert report_search.beside("sst", {"lstm-tuned": found["lstm-tuned"]}) == []
    lines = [line for line in report_search.beside("sst", found) if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| plain LSTM", "| small LSTM"]
    assert " worse |  |" in lines[2]  # eight are not tried yet
    write("sst", "lstm-tuned", RECIPE, (0.9,) * 3)
    write("sst", "small-lstm-tuned", RECIPE, (0.7,) * 3)
    for name in TRIALS:
        write("sst", "lstm-tuned", name, (0.8,) * 3)
        write("sst", "small-lstm-tuned", name, (0.8,) * 3)
    lines = [line for line in report_search.beside("sst", found) if line.startswith("| ")]
    assert lines[2].endswith(": lstm-tuned |")
    assert "better: small-lstm-searched-tuned |" in lines[3]


def test_searched_rows_have_the_settings_that_the_committed_trials_chose():
    for row, chosen in rows.SEARCHED.items():
        found = {task: search.best(task, row) for task in SEEDS}
        assert chosen == {task: name for task, name in found.items() if name not in (None, RECIPE)}
        for task, name in chosen.items():
            searched = rows.searched_name(row)
            settings = rows.settings_of(task, searched, 5)
            assert settings == TRIALS[name].of(rows.settings_of(task, row, 5))
            assert 5 in rows.seeds_of(task, searched) or task in ("imdb", "ag-news")


def test_a_row_whose_recipe_is_best_is_not_made_again():
    assert rows.seeds_of("sst-phrases", "lstm-searched-tuned") == ()
    for row, chosen in rows.SEARCHED.items():
        searched = rows.searched_name(row)
        assert {task for task in SEEDS if rows.seeds_of(task, searched)} == set(chosen)


def test_committed_trials_are_known_and_read_no_test_text():
    for path in search.RESULTS.glob("*.json"):
        result = json.loads(path.read_text())
        tried = Tried(*(result[key] for key in ("task", "row", "trial", "seed")))
        assert path.stem == tried.stem
        assert tried.seed in SEEDS[tried.task]
        expected = TRIALS[tried.trial].of(rows.settings_of(tried.task, tried.row, tried.seed))
        assert {key: result["options"][key] for key in expected if key != "levels"} == {
            key: value for key, value in expected.items() if key != "levels"
        }
        assert "test" not in result
