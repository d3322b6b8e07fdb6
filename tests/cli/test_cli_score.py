"""`skimrnn score`: what is written and told; what a run does is tested in tests/scoring."""

import csv
import json

import pytest
from cli_helpers import run, write_csv

import skimrnn


def test_the_options_reach_the_scorer(model, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"body": "a superb film"}\n{"body": null}\n')
    result = run(
        *("score", "in.jsonl", "out.jsonl", "--model", model, "--column", "body"),
        *("--threshold", "1", "--probabilities", "--prefix", "p_", "--workers", "1"),
    )
    assert result.stderr == (
        "wrote out.jsonl: 2 rows\n1 row has no text in the column 'body', and so no label\n"
    )
    first, second = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    reading = skimrnn.load(model).read("a superb film", threshold=1)
    assert (first["p_label"], first["p_words"], first["p_skim_rate"]) == (reading.label, 3, 0)
    rounded = dict(zip(reading.labels, reading.probabilities.astype(float).round(6), strict=True))
    assert {label: first[f"p_probability_{label}"] for label in reading.labels} == rounded
    assert second["p_label"] is None
    tight = run(
        *("score", "in.jsonl", "b.csv", "--model", model, "--column", "body", "--workers", "1"),
        *("--threshold", "1", "--budget", "0", "--burst", "1"),
    )
    assert tight.exit_code == 0
    with (tmp_path / "b.csv").open(newline="") as file:
        [row, _] = csv.DictReader(file)
    assert row["skim_rate"] == "0.666667"


def test_columns_of_an_ordinary_file(model, tmp_path):
    write_csv(tmp_path / "in.csv", 20)
    refused = run("score", "in.csv", "out.csv", "--model", model, code=2)
    assert "in.csv has a column 'label' already" in refused.stderr
    assert "(--prefix predicted_)" in refused.stderr
    run("score", "in.csv", "out.csv", "--model", model, "--prefix", "predicted_", "--workers", "1")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [row["text"] for row in rows]
    assert [row["predicted_label"] for row in rows] == skimrnn.load(model).predict(texts)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--column", "review"], "no column 'review'; its columns are 'text', 'label'"),
        (["--strict", "--prefix", "p_"], "row 1: no text in the column 'text'; got ''"),
        (["--model", "absent"], "there is no bundled model 'absent'"),
        (["--budget", "2"], "budget must be from 0 to 1"),
        (["--threshold", "low"], 'a threshold must be a number or "argmax"'),
    ],
)
def test_what_is_refused(tmp_path, options, said):
    (tmp_path / "in.csv").write_text("text,label\n,good\n")
    result = run("score", "in.csv", "out.csv", "--workers", "1", *options, code=2)
    assert said in result.stderr
    assert [path.name for path in tmp_path.glob("out.csv")] == []
