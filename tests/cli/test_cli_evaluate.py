"""`skimrnn evaluate` and `tradeoff`: one JSON object, a table, a curve, a picture."""

import json
import os
import re
import subprocess
import sys

import matplotlib as mpl
import pytest
from cli_helpers import run, write_csv

import skimrnn
from models import make_classifier, make_config, saved
from skimrnn.cli.tradeoff import parse_thresholds

PROMISED = {
    *("accuracy", "skim_rate", "flop_reduction", "flop_reduction_per_text", "recurrent_reduction"),
    *("seconds_skimming", "seconds_reading", "timed_texts", "texts", "tokens", "threshold"),
    *("budget", "model", "data", "implementation"),
}


@pytest.fixture
def fresh(tmp_path):
    """Texts that the model was not trained on."""
    return write_csv(tmp_path / "fresh.csv", 40)


def test_json_is_one_object_with_all_that_is_promised(model, fresh):
    result = run("evaluate", model, fresh, "--threshold", "0.45", "--json")
    assert result.stdout.count("\n") == 1
    shown = json.loads(result.stdout)
    assert set(shown) >= PROMISED
    assert (shown["texts"], shown["timed_texts"], shown["threshold"]) == (40, 40, 0.45)
    assert (shown["model"], shown["data"], shown["split"]) == (str(model), str(fresh), "all")
    assert shown["accuracy"] > 0.5
    assert 0 < shown["skim_rate"] < 1
    assert shown["seconds_skimming"] > 0


def test_a_router_is_given_other_options(tmp_path):
    """The ceiling of SkipW, lowered once trained: at most so many words of a window are read."""
    path = tmp_path / "texts.csv"
    path.write_text("text,label\n" + "the film is good bad the film is,negative\n" * 4)
    config = make_config((7, 0), router="skipw", router_options={"window": 4, "reads": 4})
    folder = saved(tmp_path / "skipw", make_classifier(config))
    given = ("evaluate", folder, path, "--threshold", "0.999", "--json")
    rates = [
        json.loads(run(*given, "--router-options", f"reads={reads}").stdout)["skim_rate"]
        for reads in (0, 1, 4)
    ]
    assert rates == [1.0, 0.75, 0.0]
    for options, said in (("reads=9", "got window=4, reads=9"), ("reads", "names with whole num")):
        refused = run(*given, "--router-options", options, code=2)
        assert said in " ".join(refused.output.split())
    text, other = "the film is good bad the", ("--router-options", "reads=0", "--json")
    assert json.loads(run("read", folder, text, *other).stdout)["skim_rate"] == 1
    curve = json.loads(run("tradeoff", folder, path, *other).stdout)
    assert {p["threshold"]: p["skim_rate"] for p in curve["points"]}.pop(0.5) == 1


def test_the_same_numbers_for_a_person(model, fresh):
    shown = json.loads(run("evaluate", model, fresh, "--threshold", "-1", "--json").stdout)
    table = run("evaluate", model, fresh, "--threshold", "-1").stdout
    assert f"{100 * shown['accuracy']:.1f}%" in table
    assert f"{100 * shown['skim_rate']:.1f}%" in table
    assert f"{shown['flop_reduction']:.1f}× fewer" in table
    assert skimrnn.implementations()[0] in table
    assert "threshold -1" in table


def test_the_data_it_was_trained_on_counts_only_as_far_as_held_out(model, data):
    result = run("evaluate", model, data, "--json")
    shown = json.loads(result.stdout)
    assert (shown["texts"], shown["split"]) == (20, "test")
    assert "only the 20 texts held out then count" in result.stderr


def test_limit_draws_texts(model, fresh):
    shown = json.loads(run("evaluate", model, fresh, "--limit", 7, "--json").stdout)
    assert shown["texts"] == 7
    table = run("evaluate", model, fresh, "--limit", 7).stdout
    assert "(all texts, 7 drawn of 40)" in " ".join(table.split())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\nfine,splendid\n", "'splendid'"),
        ("", "empty"),
        ("words,label\na,good\n", "text"),
    ],
)
def test_data_that_do_not_fit(model, tmp_path, content, message):
    (tmp_path / "odd.csv").write_text(content)
    result = run("evaluate", model, "./odd.csv", code=2)
    assert result.stderr.startswith("error: ")
    assert message in result.stderr


def test_a_rule_is_refused_before_the_data_are_read(model):
    result = run("evaluate", model, "./absent.csv", "--budget", "7", code=2)
    assert "budget must be from 0 to 1" in result.stderr


def test_the_curve_as_json_table_and_picture(model, fresh, tmp_path):
    result = run(
        *("tradeoff", model, fresh, "--thresholds", "1,0, 0.5", "--limit", 12),
        *("--out", "new/curve.json", "--picture", "curve.png"),
    )
    curve = json.loads((tmp_path / "new" / "curve.json").read_text())
    assert [point["threshold"] for point in curve["points"]] == [0, 0.5, 1]
    assert [point["skim_rate"] for point in curve["points"]][::2] == [1, 0]
    assert (curve["model"], curve["texts"]) == (str(model), 12)
    rates = [point["skim_rate"] for point in curve["points"]]
    assert rates == sorted(rates, reverse=True)
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "wrote new/curve.json" in result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[:3] for line in lines if line and line[0] in ("0", "0.5", "1")] == [
        [f"{p['threshold']:g}", f"{100 * p['accuracy']:.1f}%", f"{100 * p['skim_rate']:.1f}%"]
        for p in curve["points"]
    ]


def test_a_picture_that_can_be_scaled_repeats_to_the_byte(model, fresh, tmp_path):
    from skimrnn.cli.picture import draw

    run("tradeoff", model, fresh, "--thresholds", "0.5", "--limit", 3, "--out", "c.json")
    curve = json.loads((tmp_path / "c.json").read_text())
    curve["points"] = [{**curve["points"][0], "threshold": t / 9} for t in range(9)]
    draw(curve, tmp_path / "a.svg")
    draw(curve, tmp_path / "b.svg")
    content = (tmp_path / "a.svg").read_bytes()
    assert b"<svg" in content
    assert content == (tmp_path / "b.svg").read_bytes()


def test_texts_without_a_word_can_be_drawn(model, tmp_path):
    (tmp_path / "blank.jsonl").write_text('{"text": "\u00ad", "label": "good"}\n' * 2)
    result = run("tradeoff", model, "./blank.jsonl", "--thresholds", "0,1", "--picture", "p.svg")
    assert (tmp_path / "p.svg").exists()
    assert result.stdout


def test_without_matplotlib_a_picture_is_refused_at_once(model, tmp_path):
    arguments = ["skimrnn", "tradeoff", str(model), "./absent.csv", "--thresholds", "0.5"]
    arguments += ["--out", "c.json", "--picture", "p.png"]
    program = f"import sys; sys.modules['matplotlib'] = None; sys.argv = {arguments!r}\n"
    program += "from skimrnn.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'skimrnn[plot]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("target", "message"),
    [("folder.png", "folder.png is a folder"), ("file/new/p.png", "file is a file, not a folder")],
)
def test_a_picture_that_cannot_be_written_is_refused_at_once(model, target, message, tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("")
    result = run("tradeoff", model, "./absent.csv", "--picture", target, code=2)
    assert message in result.stderr


def test_the_picture_of_a_model_that_never_skims_names_one_point(tmp_path):
    from skimrnn.cli.picture import draw

    point = {"accuracy": 0.8, "texts": 50, "skim_rate": 0.0, "flop_reduction": 1.0}
    point |= {"seconds_reading": 1.0, "seconds_skimming": 1.0, "implementation": "numpy"}
    points = [{**point, "threshold": number / 10} for number in range(11)]
    curve = {"model": "plain", "data": "x", "texts": 50, "points": points}
    with mpl.rc_context({"svg.fonttype": "none"}):
        draw(curve, tmp_path / "p.svg")
    said = re.findall(r"<text[^>]*>([^<]*)</text>", (tmp_path / "p.svg").read_text())
    assert said.count("every threshold") == 1
    left = said[: said.index("words skimmed, %")]
    assert left == ["0", "20", "40", "60", "80", "100"]


def test_a_curve_under_a_budget(model, fresh):
    result = run(
        *("tradeoff", model, fresh, "--thresholds", "0,1", "--limit", 9, "--json"),
        *("--budget", 0.5, "--burst", 0),
    )
    points = json.loads(result.stdout)["points"]
    assert [(point["budget"], point["burst"]) for point in points] == [(0.5, 0), (0.5, 0)]
    assert points[1]["skim_rate"] >= 0.5
    table = run("tradeoff", model, fresh, "--thresholds", "1", "--limit", 3, "--budget", 0.5).stdout
    assert "budget 0.5, burst 1" in " ".join(table.split())


def test_json_of_the_curve(model, fresh):
    result = run("tradeoff", model, fresh, "--thresholds", "0.5", "--limit", 3, "--json")
    assert json.loads(result.stdout)["points"][0]["texts"] == 3


def test_a_picture_of_an_unknown_kind_is_refused_at_once(model):
    result = run("tradeoff", model, "./absent.csv", "--picture", "curve.docx", code=2)
    assert ".png, .svg, .pdf" in result.stderr


def test_thresholds():
    assert parse_thresholds("1, 0.5,0.5,-1,") == [-1.0, 0.5, 1.0]
    for wrong in ("", ",", "a", "0.5,argmax", "0,5;1", "0.5,nan"):
        with pytest.raises(ValueError, match="must be numbers separated by commas; got") as error:
            parse_thresholds(wrong)
        assert repr(wrong) in str(error.value)
