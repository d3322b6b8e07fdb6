"""The runs of the question tables, on made-up questions: from a row to its numbers."""

import json

import pytest

import skimrnn
from answerers import as_file, make_answerer
from benchmarks.questions import __main__ as squad
from benchmarks.questions import chosen, cloze, curves, measured, rows, times
from made_up_cloze import cloze_task
from made_up_questions import question_task
from skimrnn.answerer_file import write_answerer

SMALL = {"hidden_size": 16, "num_layers": 2, "embedding_size": 8, "batch_size": 16, "epochs": 4}
LEARNS = {"learning_rate": 0.02, "dropout": 0.0, "evaluations_per_epoch": 1}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("box 1 2 3\nkitchen 3 2 1\n")
    for module in (squad, cloze):
        monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
        monkeypatch.setattr(module, "glove", lambda _: vectors)
    for module in (squad, cloze, measured):
        monkeypatch.setattr(module, "RUNS", tmp_path / "runs")
    for module in (chosen, curves, times):
        monkeypatch.setattr(module, "RESULT", tmp_path / f"{module.__name__}.json")
        monkeypatch.setattr(module, "load_questions", lambda *_, **__: question_task())
    (tmp_path / "results").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["attention", "attention-skim-20-0.1", "bidaf-skim-50-0.01"])
def test_a_row_of_squad_has_its_scores_and_what_was_skimmed(name, folders, monkeypatch):
    monkeypatch.setattr(rows, "SHARED", {**SMALL, **LEARNS})
    skims = "skim" in name
    levels = (16, 4) if skims else (16,)
    own = {"levels": levels, "skim_weight": 0.1 if skims else 0.01}
    monkeypatch.setitem(
        rows.ROWS, name, rows.Row("small", own, "bidaf" if "bidaf" in name else "attention")
    )
    task = question_task()
    result = json.loads(squad.make(task, name, 0, None).read_text())
    assert (result["row"], result["seed"], result["model"]) == (name, 0, rows.ROWS[name].model)
    test = result["test"]
    assert test["questions"] == len(task.test) == len(test["f1_percent"])
    assert test["f1"] == pytest.approx(sum(test["f1_percent"]) / len(task.test) / 100, abs=0.006)
    right = bin(int(test["correct"], 16)).count("1")
    assert test["exact_match"] == pytest.approx(right / len(task.test))
    if skims:
        rates = [rate for layer in test["skim_rates"] for rate in layer]
        assert len(rates) == 4
        assert test["skim_rate"] == pytest.approx(sum(rates) / 4)
    else:
        assert (test["skim_rate"], test["flop_reduction"]) == (None, 1)


def test_a_row_that_skims_begins_with_the_plain_row_s_steps(folders, monkeypatch):
    monkeypatch.setattr(rows, "SHARED", {**SMALL, **LEARNS})
    monkeypatch.setattr(squad, "PLAIN_STEPS", 30)
    names = ("attention", "attention-skim-20-0.1")
    monkeypatch.setitem(rows.ROWS, names[0], rows.Row("plain", {"levels": (16,)}))
    skims = {"levels": (16, 4), "warm_start_steps": 30}
    monkeypatch.setitem(rows.ROWS, names[1], rows.Row("skims", skims))
    task = question_task()
    plain, begun = (json.loads(squad.make(task, name, 0, None).read_text()) for name in names)
    alone = json.loads(squad.make(task, names[1], 1, None).read_text())
    shares = [one["shares_plain_steps"] for one in (plain, begun, alone)]
    assert shares == [False, True, False]
    first = [one["history"][0] for one in (plain, begun)]
    assert first[0]["step"] < 30
    assert first[0] == first[1]


def test_the_models_are_read_over_thresholds_and_timed(folders, monkeypatch):
    monkeypatch.setattr(rows, "SHARED", {**SMALL, **LEARNS})
    models = {
        "attention": {"levels": (16,)},
        "attention-skim-20-0.1": {"levels": (16, 4)},
        "bidaf": {"levels": (16,)},
    }
    task = question_task()
    for name, settings in models.items():
        model = "bidaf" if name == "bidaf" else "attention"
        monkeypatch.setitem(rows.ROWS, name, rows.Row("small", {**settings, "epochs": 1}, model))
        result = json.loads(squad.make(task, name, 0, None).read_text())
    monkeypatch.setattr("sys.argv", ["curves"])
    curves.main()
    [(name, curve)] = json.loads(curves.RESULT.read_text()).items()
    assert name == "attention-skim-20-0.1"
    points = {point["threshold"]: point for point in curve["points"]}
    assert tuple(points) == curves.THRESHOLDS
    rates = [point["skim_rate"] for point in points.values()]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == 0
    result = json.loads((folders / "results" / f"squad-{name}-seed0.json").read_text())
    for key in curves.KEPT:
        assert points[0.5][key] == result["test"][key]

    monkeypatch.setattr("sys.argv", ["chosen"])
    monkeypatch.setattr(chosen, "WANTED", {"attention": 0.3})
    chosen.main()
    [(name, found)] = json.loads(chosen.RESULT.read_text()).items()
    assert name == "attention-skim-20-0.1"
    low, high = (
        measured.measure(skimrnn.load_answerer(measured.folder_of(name, 0)), task.validation, theta)
        for theta in (found["threshold"], found["threshold"] + 2**-chosen.HALVINGS)
    )
    assert low["skim_rate"] == found["validation"]["skim_rate"] >= 0.3 + chosen.SLACK
    assert high["skim_rate"] < 0.3 + chosen.SLACK
    assert found["test"]["questions"] == len(task.test)

    monkeypatch.setattr("sys.argv", ["times", "--row", *models])
    monkeypatch.setattr(times, "set_up", lambda threads: None)  # it is the whole process's
    monkeypatch.setattr(times, "QUESTIONS", 3)
    monkeypatch.setattr(times, "ROUNDS", 2)
    times.main()
    timed = json.loads(times.RESULT.read_text())["rows"]
    assert {(row["row"], row["reader"]) for row in timed if row["words"] == "ready made"} == {
        ("attention", "torch"),
        ("bidaf", "torch"),
    }
    for row in timed:
        assert row["ms"] > 0
        assert row["torch_over_this"] > 0
        plain = row["row"] == row["row"].split("-")[0]
        assert (row["threshold"] is None) == plain
        if row["words"] == "ready made":
            assert row["torch_over_this"] == 1
        if plain and row["words"] == "met before":
            assert row["plain_over_this"] == 1
    mine = [row for row in timed if row["row"] == name and row["precision"] == "float32"]
    assert sorted(row["threshold"] for row in mine if row["words"] == "met before") == list(
        curves.THRESHOLDS
    )
    assert [row["threshold"] for row in mine if row["words"] == "met anew"] == [0.5]


def test_a_plain_row_that_is_gone_is_timed_by_the_full_cells_of_one_that_skims(folders, tmp_path):
    model = as_file(make_answerer())
    name = "attention-skim-20-0.1"
    write_answerer(tmp_path / "skims", model)
    whole = times.with_plain({name: tmp_path / "skims"}, tmp_path)
    assert list(whole) == [name, "attention"]
    answerer = skimrnn.load_answerer(whole["attention"])
    assert not answerer.config.context.skims
    text, question = "The box is in the attic .", "Where is the box ?"
    found = answerer.answer(text, question)
    reads_all = skimrnn.load_answerer(tmp_path / "skims").answer(text, question, threshold=1)
    assert found.probability == pytest.approx(reads_all.probability, rel=1e-5)
    assert times.with_plain(whole, tmp_path) == whole


def test_torch_gets_the_answer_that_ours_gets(folders, monkeypatch):
    monkeypatch.setattr(rows, "SHARED", {**SMALL, **LEARNS})
    settings = {"levels": (16,), "hidden_size": 16, "epochs": 2}
    monkeypatch.setitem(rows.ROWS, "attention", rows.Row("small", settings))
    task = question_task()
    squad.make(task, "attention", 0, None)
    folder = measured.folder_of("attention", 0)
    contenders = times.torch_s("attention", folder, task.test)
    assert [one.words for one in contenders] == ["ready made", "met anew"]
    ours = times.ours("attention", folder)[0]
    for place, one in enumerate(task.test.questions):
        asked = times.Asked(place, task.test.contexts[one.context], one.text)
        reading = ours.call(asked)
        for contender in contenders:
            span = contender.call(asked)
            assert reading.probability == pytest.approx(span.probability, rel=1e-4)


def test_a_row_of_the_cloze_test_says_that_it_is_not_official(folders, monkeypatch):
    monkeypatch.setattr(cloze, "SHARED", {**SMALL, **LEARNS, "num_layers": 1})
    monkeypatch.setitem(cloze.ROWS, "attention-sum", {"levels": (16,)})
    task = cloze_task()
    result = json.loads(cloze.make(task, "attention-sum", 0, None).read_text())
    assert result["official"] is False
    assert 0 <= result["test"]["accuracy"] <= 1
    assert result["test"]["skim_rate"] is None
    # One of ten names stands twice, and it is the answer.
    assert result["most_frequent_candidate"] == {"all": 1.0, "capitalised": 1.0}
