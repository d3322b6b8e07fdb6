"""From a task to the page: every kind of row makes a result, is timed, and stands in the tables."""

import json
import os
import shutil

import numpy as np
import pytest

from benchmarks.classification import linear, ngrams, report, rows, stats, taught, times
from benchmarks.classification import runs as classification
from benchmarks.classification.pictures.data import Results
from benchmarks.classification.runs import Run
from skimrnn.extension import kernels
from skimrnn.files import sha256
from skimrnn.tasks import Examples
from skimrnn.tasks.base import make_task
from skimrnn.train.options import CONVERSION

pytestmark = [
    pytest.mark.skipif(
        shutil.which(os.environ.get("CXX", "c++")) is None, reason="controls need a C++ compiler"
    ),
    pytest.mark.skipif(kernels is None, reason="the scanner needs the C++ extension"),
]
FILLER = ("the", "a", "film", "it", "was", "and", "of", "to", "one", "in", "this", "that")
KINDS = (
    *("lstm", "lstm-tuned", "skim-10-0.01-tuned", "random-tuned", "frequent-tuned"),
    *("small-lstm-tuned", "last-tuned", "qrnn-tuned", "skim-10-0.01-taught"),
    *("lstm-taught", "ngrams-taught"),
    *("frozen-0-0.1-tuned", "skim-20-0.02-converted", "rate-20-0.75-converted"),
    *("random-20-converted", "lstm-20-converted"),
    "skim-20-0.02-alone-converted",
    *("averages", "tf-idf", "ngrams"),
)


def texts(count, seed):
    random = np.random.default_rng(seed)
    targets = np.arange(count) % 2
    made = [
        " ".join([*random.choice(FILLER, random.integers(2, 14)), ("bad", "good")[target]])
        for target in targets
    ]
    return Examples(made, targets)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The results of a made-up task, one seed of each kind of row, in a folder of their own."""
    pytest.importorskip("sklearn", reason="linear rows need scikit-learn (the bench extra)")
    folder = tmp_path_factory.mktemp("runs")
    vectors = folder / "vectors.txt"
    vectors.write_text("good 1 2 3\nbad 3 2 1\nfilm 0 0 1\n")
    splits = {"train": texts(64, 1), "validation": texts(20, 2), "test": texts(30, 3)}
    task = make_task("moods", ("bad", "good"), splits, {"source": "made up"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classification, "RUNS", folder / "runs")
        patch.setattr(taught, "FOLDER", folder / "taught")
        patch.setattr(classification, "TEACHERS", (0,))
        patch.setitem(rows.RECIPES, "tuned", {"sst": {"adversarial": 0.1}})
        patch.setitem(rows.RECIPES, "taught", {"sst": {"distillation": 0.0}})
        patch.setattr(classification, "RESULTS", folder / "results" / "classification")
        patch.setattr(stats, "RESULTS", folder / "results")
        patch.setattr(classification, "load_task", lambda *_, **__: task)
        patch.setattr(classification, "write_vectors", lambda *_: vectors)
        patch.setattr(classification, "glove", lambda *_: vectors)
        patch.setattr(rows, "SHARED", {"hidden_size": 100, "epochs": 2})
        patch.setattr(classification, "SEEDS", {"sst": (0,)})
        patch.setattr(ngrams, "BUCKETS", 2**10)
        (folder / "results" / "classification").mkdir(parents=True)
        with pytest.raises(FileNotFoundError, match="make it first: python -m benchmarks"):
            classification.make(Run("sst", "random-tuned", 0), None)
        for name in KINDS:
            run = Run("sst", name, 0)
            assert classification.make(run, None) == run.result
        yield task, folder


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.usefixtures("made")
def test_the_result_of_every_row(name):
    result = json.loads(Run("sst", name, 0).result.read_text())
    plain = json.loads(Run("sst", "lstm", 0).result.read_text())
    row = rows.ROWS[name]
    assert (result["task"], result["row"], result["seed"]) == ("sst", name, 0)
    log = Run("sst", name, 0).folder / "log.jsonl"
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["event"] == "test" for event in events] == [*[False] * (len(events) - 1), True]
    assert events[-1]["accuracy"] == result["test"]["accuracy"]
    assert result["log_sha256"] == sha256(log)
    assert row.base or row.start or result["vectors"]["source"] == "vectors.txt"
    for split, count in (("validation", 20), ("test", 30)):
        assert result[split].keys() == plain[split].keys()
        assert result[split]["texts"] == count
        assert 0.4 <= result[split]["accuracy"] <= 1
        if not row.cut:
            assert result[split]["tokens"] == plain[split]["tokens"]
    assert (result["test"]["skim_rate"] is not None) == (row.skims or row.given is not None)
    if row.given:
        learned = json.loads(Run("sst", row.follows, 0).result.read_text())
        rate = learned["validation"]["skim_rate"]
        assert result["given_levels"].startswith(f"{row.given} {rate:.3f}"[:-1])
    if row.cut:
        assert result["test"]["tokens"] < plain["test"]["tokens"]
        assert result["data"]["cut"] == f"last {rows.WORDS_LEFT['sst']} words"
    if not row.linear:
        converted = row.recipe == "converted"
        assert result["options"]["adversarial"] == (0.1 if row.tuned and not converted else 0.0)
        assert row.has_sentences or row.alone or result["steps"] == 4
        assert (result["teacher"] is not None) == row.has_teacher
        assert not converted or result["teacher"] == "sst-lstm-tuned-seed0"
        assert bool(result["unlabelled"]) == row.has_sentences
        assert result["base"] == (f"sst-{row.base}-seed0" if row.base else None)
        assert result["start"] == (f"sst-{row.start}-seed0" if row.start else None)


def test_the_converted_row_has_the_settings_of_the_command():
    settings = rows.settings_of("sst", "rate-20-0.75-converted", 0)
    assert {name: settings[name] for name in CONVERSION} == CONVERSION
    assert settings["levels"][1] == settings["hidden_size"] // 5


def test_every_row_is_timed_beside_the_others(made, monkeypatch):
    task, _ = made
    monkeypatch.setattr(times, "TEXTS", 12)
    monkeypatch.setattr(times, "ROUNDS", 2)
    contenders = times.contenders_of("sst", task.test, engines=())
    found = times.measure(contenders, task.test)
    timed = [(row["row"], row["precision"]) for row in found]
    assert len(set(timed)) == len(timed)
    assert {row for row, _ in timed} == {name for name in KINDS if rows.ROWS[name].given is None}
    for row in found:
        assert row["us_per_text"] > 0
        assert row["us_per_text"] == pytest.approx(row["us_per_word"] * row["words"] / row["texts"])
        assert row["bytes"] > 100
        if row["precision"] == "float32":
            result = json.loads(Run("sst", row["row"], 0).result.read_text())
            assert row["accuracy"] == pytest.approx(result["test"]["accuracy"])
    ours = {row["row"]: row for row in found if row["precision"] != "int8"}
    assert {ours[name]["precision"] for name in ("ngrams", "averages")} == {"float32"}
    assert ours["tf-idf"]["precision"] == "float64"
    assert ours["lstm-tuned"]["plain_over_this"] == 1
    assert ours["lstm"]["plain_over_this"] == 1
    assert ours["tf-idf"]["plain_over_this"] < 1


def test_rows_that_are_named_are_timed_alone(made):
    task, _ = made
    found = times.contenders_of("sst", task.test, (), ("tf-idf", "lstm-tuned"))
    assert [one.row for one in found] == ["lstm-tuned"] * len(times.PRECISIONS) + ["tf-idf"]


def test_a_sitting_says_by_which_command_it_is_made():
    whole = "python -m benchmarks.classification.times --task sst"
    assert times.command("sst", False, None) == whole
    assert times.command("sst", True, None) == f"{whole} --later"
    assert times.command("sst", False, ["gru-tuned", "skip-0.01-tuned"]) == (
        f"{whole} --row gru-tuned skip-0.01-tuned"
    )


@pytest.mark.usefixtures("made")
def test_the_page_has_every_row_and_its_verdicts():
    tasks = stats.load()
    assert list(tasks) == ["sst"]
    timed = {"rows": [], "cpu": "a processor"}
    for name in KINDS[:4]:
        timed["rows"].append(
            {
                **{"row": name, "precision": "float32", "reader": "avx2", "texts": 3, "words": 30},
                **{"accuracy": 0.5, "us_per_word": 1.0, "us_per_text": 10.0, "bytes": 2e6},
                **{"plain_over_this": 2.5, "best_engine_over_this": None},
            }
        )
    results = Results(tasks, {"sst": timed})
    page = report.page(results)
    for name in KINDS:
        assert f"| {name} |" in page or f"| **{name}** |" in page
    assert "%, against random-tuned, random skimming, " in page
    assert "| lstm | avx2 | float32 | 50.00 | 1.000 | 10.0 | 2.50 |  | 2.0 |" in page
    assert "| SST, trained on sentences | 1 of 10 | lstm, " in page
    assert "| SST, trained on sentences | not made | skim-5-0.01, " in page
    required = next(line for line in page.split("\n") if line.startswith("| SST, trained on"))
    assert "≥ 83 (≥ 86.4)" in required
    assert report.summary(results).count("\n") == 4


def test_a_linear_model_is_read_back(made):
    task, _ = made
    for name in ("averages", "tf-idf", "ngrams", "ngrams-taught"):
        model = linear.Linear.read(Run("sst", name, 0).folder / "model.pickle")
        result = json.loads(Run("sst", name, 0).result.read_text())
        assert linear.accuracy(model, task.test) == pytest.approx(result["test"]["accuracy"])
        assert result["options"]["strength"] in linear.STRENGTHS[rows.ROWS[name].linear]
        assert result["test"]["accuracy"] > 0.9
