"""Several labels a text, from a file to a model that is read, evaluated and calibrated."""

import csv
import io
import json
import random
import shutil

import numpy as np
import pytest
from cli_helpers import PLAIN, TINY, run
from sklearn.metrics import accuracy_score, f1_score

import skimrnn
from skimrnn.cli.picture import draw

WORDS = {"goal": "sport", "ballot": "politics"}


def topics(count, seed):
    """Rows of text and labels; a text has a label if it has its word, each by itself."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        words = draw.choices(PLAIN.split(), k=draw.randint(3, 8))
        has = [word for at, word in enumerate(WORDS) if number >> at & 1]
        for word in has:
            words.insert(draw.randint(0, len(words)), word)
        rows.append((" ".join(words), [WORDS[word] for word in has]))
    return rows


def write_csv(path, count, seed, separator="|"):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows((text, separator.join(labels)) for text, labels in topics(count, seed))
    return path


@pytest.fixture(scope="session")
def several(tmp_path_factory):
    """What the training command printed, the folder that it wrote, and its data."""
    folder = tmp_path_factory.mktemp("several")
    data = write_csv(folder / "topics.csv", 320, 0)
    result = run(
        *("train", data, "--out", folder / "topics", "--label-separator", "|"),
        *("--epochs", "6", *TINY),
    )
    return result, folder / "topics", data


@pytest.fixture
def fresh(tmp_path):
    return write_csv(tmp_path / "fresh.csv", 60, 1)


def test_training_says_and_records_it(several):
    result, folder, _ = several
    assert "labels politics, sport (any number a text)" in result.stderr
    assert "validation: micro-F1 " in result.stderr
    assert "best validation micro-F1 " in result.stdout
    record = json.loads((folder / "training.json").read_text("utf-8"))
    assert record["multilabel"] is True
    assert record["task"]["label_separator"] == "|"
    assert record["best"]["f1"] > 0.9
    assert "--label-separator '|'" in record["command"]
    assert json.loads((folder / "config.json").read_text("utf-8"))["head"] == {
        "labels": ["politics", "sport"],
        "pooling": "last",
        "activation": "sigmoid",
    }


def test_read_shows_each_label_by_itself(several, tmp_path):
    _, model, _ = several
    reader = skimrnn.load(model)
    texts = [
        next(text for text, _ in topics(60, 1) if reader.predict_labels(text) == labels)
        for labels in (("politics", "sport"), ())
    ]
    both, neither = map(json.loads, run("read", model, *texts, "--json").stdout.splitlines())
    assert both["multilabel"]
    assert both["chosen"] == ["politics", "sport"]
    assert sum(both["probabilities"].values()) > 1.2
    assert neither["chosen"] == []
    page = tmp_path / "page.html"
    shown = run("read", model, *texts, "--html", page).stdout
    first = shown.splitlines()[0]
    assert "sport " in first
    assert "politics " in first
    assert "no label" in shown
    assert "<li>not:</li>" in page.read_text("utf-8")
    assert "No label" in page.read_text("utf-8")


def test_info_says_it(several):
    _, model, _ = several
    shown = " ".join(run("info", model).stdout.split())
    assert "labels politics, sport (any number of them a text)" in shown
    assert "validation micro-F1 " in shown
    assert json.loads(run("info", model, "--json").stdout)["activation"] == "sigmoid"


def test_evaluate_counts_whole_texts_and_labels(several, fresh):
    _, model, _ = several
    shown = json.loads(run("evaluate", model, fresh, "--json").stdout)  # as it was trained: "|"
    labels = skimrnn.load(model).labels
    rows = topics(60, 1)
    wanted = np.array([[label in own for label in labels] for _, own in rows])
    given = skimrnn.load(model).predict_proba([text for text, _ in rows]) >= 0.5
    assert shown["accuracy"] == pytest.approx(accuracy_score(wanted, given))
    assert shown["f1"] == pytest.approx(f1_score(wanted, given, average="micro"))
    assert shown["f1"] > 0.9
    table = run("evaluate", model, fresh).stdout
    assert f"{100 * shown['f1']:.1f}%" in table
    assert "all labels of a text right, no other" in table


def test_another_separator_may_be_named(several, tmp_path):
    _, model, _ = several
    path = write_csv(tmp_path / "other.csv", 20, 1, separator=" + ")
    assert (
        json.loads(run("evaluate", model, path, "--label-separator", "+", "--json").stdout)["f1"]
        > 0.8
    )
    assert "'sport + politics'" in run("evaluate", model, path, code=2).stderr.replace("\n", " ")


def test_the_data_it_was_trained_on_count_only_as_far_as_held_out(several):
    _, model, data = several
    result = run("evaluate", model, data, "--json")
    shown = json.loads(result.stdout)
    assert shown["split"] == "test"
    assert shown["texts"] == 32
    assert "only the 32 texts held out then count" in result.stderr


def test_one_label_a_text_is_a_set_of_one(several, tmp_path):
    _, model, _ = several
    (tmp_path / "one.csv").write_text("text,label\na goal,sport\na ballot,politics\n")
    shown = json.loads(run("evaluate", model, "./one.csv", "--json").stdout)
    assert shown["texts"] == 2
    assert shown["f1"] is not None


def test_calibrate_counts_f1(several, fresh, tmp_path):
    _, model, _ = several
    copy = shutil.copytree(model, tmp_path / "copy")
    result = run("calibrate", copy, fresh, "--max-accuracy-drop", "0", "--json")
    found = json.loads(result.stdout)
    assert found["chosen"]["f1"] == max(point["f1"] for point in found["points"])
    assert skimrnn.load(copy).rule.threshold == found["chosen"]["threshold"]
    assert skimrnn.load(copy).multilabel
    shown = run("calibrate", copy, fresh, "--skim-rate", "0", "--limit", "5", "--dry-run").stdout
    assert "micro-F1  skimmed" in shown
    assert "accuracy" not in shown


def test_tradeoff_has_both(several, fresh):
    _, model, _ = several
    arguments = ("tradeoff", model, fresh, "--thresholds", "0.5,1", "--limit", "9")
    assert "micro-F1" in run(*arguments).stdout
    points = json.loads(run(*arguments, "--json").stdout)["points"]
    assert all(0 <= point["f1"] <= 1 for point in points)


def test_the_picture_shows_the_f1(several, fresh, tmp_path):
    _, model, _ = several
    run("tradeoff", model, fresh, "--thresholds", "0.5,1", "--out", "c.json", "--picture", "c.svg")
    values = [
        100 * point["f1"] for point in json.loads((tmp_path / "c.json").read_text())["points"]
    ]
    drawn = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matplotlib.axes.Axes.plot", lambda self, x, y, *_, **__: drawn.write(f"{y}"))
        patch.setattr("matplotlib.axes.Axes.set_ylabel", lambda self, name: drawn.write(name))
        draw(json.loads((tmp_path / "c.json").read_text()), tmp_path / "d.svg")
    assert str(values) in drawn.getvalue()
    assert "micro-F1, %" in drawn.getvalue()


def test_a_teacher_of_several_labels(several, tmp_path):
    _, model, data = several
    run(
        *("train", data, "--out", tmp_path / "taught", "--label-separator", "|"),
        *("--teacher", model, "--epochs", "1", *TINY),
    )
    assert skimrnn.load(tmp_path / "taught").multilabel
    (tmp_path / "one.csv").write_text(
        "text,label\n" + "a goal,sport\na ballot,politics\n" * 20, "utf-8"
    )
    arguments = ("train", "./one.csv", "--out", tmp_path / "no", "--teacher", model, *TINY)
    said = run(*arguments, code=2).stderr
    assert "gives any number of labels a text; wanted is one label a text" in said


def test_a_model_of_one_label_a_text_is_not_evaluated_with_several(model, tmp_path):
    (tmp_path / "x.csv").write_text("text,label\nfine,good|bad\ndull,bad\n")
    said = run("evaluate", model, "./x.csv", "--label-separator", "|", code=2).stderr
    assert "has any number of labels a text, and the model gives one" in said


def test_a_separator_that_separates_nothing_is_refused(data, tmp_path):
    said = run(
        *("train", data, "--out", tmp_path / "x", "--label-separator", ";", *TINY), code=2
    ).stderr
    assert "every text has exactly one label when ';' is what separates them" in said
    assert not (tmp_path / "x").exists()
