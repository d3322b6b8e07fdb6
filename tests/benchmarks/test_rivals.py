"""Rivals measured: the share they skip, the line between the ends, the page."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import made_up
import numpy as np
import pytest

from benchmarks.classification import stats
from benchmarks.classification.pictures import data
from benchmarks.classification.stats import Runs
from benchmarks.rivals import (
    adding,
    by_task,
    ceilings,
    claims,
    knobs,
    picture,
    reading_time,
    report,
    texts,
)
from models import make_classifier, make_config, saved
from skimrnn.bench.networks import make_texts, reader_of, skim_rate
from skimrnn.extension import kernels
from skimrnn.runtime.registry import NUMPY
from skimrnn.tasks import Examples

pytestmark = pytest.mark.skipif(kernels is None, reason="it is the native reader that is timed")


def test_the_bias_sets_the_share_that_is_skipped():
    texts = [text[:40] for text in make_texts(0)[:2]]
    readers = [
        reader_of(reading_time.network("skip-rnn", bias, hidden=16), NUMPY)
        for bias in (reading_time.FAR, 0.0, -2.0, -reading_time.FAR)
    ]
    rates = [skim_rate(reader, texts) for reader in readers]
    assert rates[0] == 0
    assert rates == sorted(rates)
    assert rates[1] < rates[2] < rates[3]
    assert rates[3] == 1 - len(texts) / sum(len(text) for text in texts)


@pytest.mark.parametrize("router", reading_time.RESULTS)
def test_what_is_timed_stands_on_the_page(router, monkeypatch):
    monkeypatch.setattr(reading_time, "RATES", (0.5,))
    monkeypatch.setattr(reading_time, "BISECTIONS", 12)
    texts = [text[:60] for text in make_texts(0)[:2]]
    monkeypatch.setattr(reading_time, "make_texts", lambda seed: texts)
    rows = reading_time.measure(router, rounds=2)
    assert [row["what"] for row in rows] == 2 * ["plain", "reads all", "skips 0.5", "skips all"]
    for row in rows:
        assert row["us_per_token"] > 0
        assert (row["over_model"] is not None) == (row["what"] == "skips 0.5")
    assert rows[2]["skipped"] == pytest.approx(0.5, abs=0.1)
    page = report.make_page([], {router: {"rows": rows}})
    assert page.count("| int8 | ") == page.count("| float32 | ") == 4
    assert page.count("| no router | ") == 2
    assert f"## {report.METHODS[router]}: its time" in page
    assert "its time" not in report.make_page([], {})


def test_the_adding_task_is_run_and_stands_on_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(adding, "FOLDER", tmp_path)
    monkeypatch.setattr(adding, "EVALUATED", 8)
    monkeypatch.setattr(adding, "EVERY", 1)
    runs = [json.loads(adding.make(name, 0, 1).read_text()) for name in ("skipw-gru-1e-5", "gru")]
    assert [one["reads"] for one in runs[0]["ceilings"]] == [4, 3, 2, 1, 0]
    shares = [one["read"] for one in runs[0]["ceilings"]]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0
    assert runs[1]["ceilings"] == []
    page = report.make_page(runs, {})
    assert "| skipw-gru-1e-5 | SkipW, GRU | 1e-05 | 0 |" in page
    assert "| skipw-gru-1e-5 | 0 | 4 of 5 |" in page
    assert "| gru | GRU | 0 | 0 |" in page


@pytest.fixture(scope="module")
def on_texts(tmp_path_factory):
    folder = made_up.write(tmp_path_factory.mktemp("results"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stats, "RESULTS", folder)
        yield data.load()


def test_rows_on_texts_are_compared_on_the_seeds_that_all_have(on_texts):
    rows = on_texts.runs["sst"]
    assert texts.seeds_shared(rows) == [0, 1, 2]
    fewer = {**rows, "vcrnn-0.2-tuned": Runs("vcrnn-0.2-tuned", {1: rows["lstm-tuned"].by_seed[1]})}
    assert texts.seeds_shared(fewer) == [1]
    assert texts.seeds_shared({}) == []
    results = replace(on_texts, runs={"sst": fewer})
    found = {place.row: place for place in texts.places(results, "sst")}
    assert set(found) == {row for group in texts.METHODS.values() for row in group}
    test = rows["skipw-0.2-tuned"].by_seed[1]["test"]
    assert found["skipw-0.2-tuned"].accuracy == pytest.approx(100 * test["accuracy"])
    assert found["skipw-0.2-tuned"].skipped == pytest.approx(100 * test["skim_rate"])
    assert found["lstm-tuned"].skipped is None
    assert found["random-tuned"].us == found["skim-10-0.01-tuned"].us


def test_the_best_of_a_set_are_bold_and_the_picture_names_them(on_texts, tmp_path):
    found = texts.places(on_texts, "imdb")
    best = texts.best_of(found)
    for one in found:
        beaten = any(
            other.us <= one.us and other.accuracy > one.accuracy  # random words have a row's time
            for other in found
            if other is not one
        )
        assert (one.row in best) == (not beaten)
    page = report.make_page([], {}, on_texts)
    for one in found:
        line = next(
            line for line in page.splitlines() if f"| {one.method} | {one.row[:-6]} |" in line
        )
        assert (f"**{one.accuracy:.1f}**" in line) or one.row not in best
        assert f"{one.us:.1f} µs" in line
    picture.draw(on_texts, tmp_path / "rivals.svg")
    drawn = (tmp_path / "rivals.svg").read_text()
    assert all(name in drawn for name in (*texts.METHODS, "SST", "IMDb", "the front"))
    assert "Rotten Tomatoes" not in drawn
    assert set(picture.MARKS) >= set(texts.METHODS)


def test_claims_stand_beside_what_was_found(on_texts):
    run = {
        "row": "skip-gru-1e-5",
        "seed": 3,
        "solved_at": None,
        "test": [{"threshold": at, "read": 0.25, "error": 0.5} for at in (0.5, 0.4, 0.3)],
    }
    dial = {"row": "frozen-0-0.1-tuned", "setting": 0.65, "accuracy": 0.5, "flop_reduction": 1.5}
    turned = {"imdb": {"points": [dial, {**dial, "setting": 0.5, "accuracy": 0.9}]}}
    lines = claims.table(on_texts, [run], turned).splitlines()
    said = {line.split(" | ")[0].removeprefix("| "): line for line in lines[2:]}
    assert set(said) == set(claims.CLAIMS)
    assert "GRU, cost 1e-05, seed 3: not solved, 25 % read" in said["Skip RNN"]
    assert "θ = 0.3, 25 % read, 0.500 off" in said["ThrRNN"]
    found = {place.row: place for place in texts.places(on_texts, "imdb")}
    plain, jumps = found["lstm-tuned"], found["lstm-jump-tuned"]
    wanted = f"IMDb: {jumps.accuracy - plain.accuracy:+.1f} points, {jumps.skipped:.0f} % skipped"
    assert f"{wanted}, {plain.us / jumps.us:.2f} × as fast" in said["LSTM-Jump"]
    lost = f"{50 - plain.accuracy:+.1f} points, 1.50 × fewer operations"
    assert f"IMDb at θ = 0.65: {lost}" in said["skipping before a frozen LSTM"]
    assert len(claims.table(data.Results(), [], {}).splitlines()) == 2


def test_random_words_are_so_many_of_each_window():
    drawn = ceilings.Drawn(3)
    levels = drawn(np.zeros(40, np.int32), None, (0, 7))
    assert levels.shape == (40,)
    assert (levels.reshape(4, 10) == 0).sum(axis=1).tolist() == [3] * 4
    assert len({tuple(part) for part in levels.reshape(4, 10).tolist()}) > 1
    assert (drawn(np.zeros(40, np.int32), None, (0, 7)) == levels).all()
    assert (drawn(np.zeros(40, np.int32), None, (0, 8)) != levels).any()
    assert len(drawn(np.zeros(7, np.int32), None, (0, 7))) == 7


def test_ceilings_hold_and_stand_on_the_page(tmp_path):
    def folder(row, **options):
        config = make_config((7, 0), **options)
        return saved(tmp_path / row, make_classifier(config))

    options = {"window": 10, "reads": 5}
    folders = {
        ceilings.SKIPW: folder(ceilings.SKIPW, router="skipw", router_options=options),
        "skip-0.01-tuned": folder("skip-0.01-tuned"),
        ceilings.RANDOM: folder(ceilings.RANDOM),
    }
    examples = Examples(
        tuple(" ".join(["the film is good"] * count) for count in (5, 10, 15)), (0, 1, 2)
    )
    points = [point for row in folders for point in ceilings.limited(folders[row], row, examples)]
    tokens = 4 * (5 + 10 + 15)
    for point in points:
        read = round((1 - point["skim_rate"]) * tokens)
        spare = 3 if point["row"] == "skip-0.01-tuned" else 0  # one word in advance, each text
        assert read <= point["reads"] * tokens // 10 + spare
    exact = {point["reads"]: point["skim_rate"] for point in points[-5:]}
    assert exact == pytest.approx({reads: 1 - reads / 10 for reads in ceilings.CEILINGS})
    page = report.make_page([], {}, None, {"sst": {"points": points}})
    assert "## At equal ceilings" in page
    assert page.count("| skip-0.01 less skipw-0.05 |") == 1
    assert page.count("| skip-0.01 less random |") == 1
    assert f"| random | {100 * points[-5]['accuracy']:.1f} (50 %) |" in page
    assert "At equal ceilings" not in report.make_page([], {})


def test_dials_are_turned_and_stand_on_the_page(tmp_path):
    jumps = {"reads": 2, "longest": 3, "jumps": 4}
    made = {
        "skip-0.01-tuned": make_config((7, 0)),
        "skipw-0.05-tuned": make_config((7, 0), router="skipw"),
        "lstm-jump-tuned": make_config((7, 0), router="lstm-jump", router_options=jumps),
    }
    examples = Examples(("the film is good " * 8, "bad film n't good " * 9), (0, 1))
    points = []
    for row, config in made.items():
        folder = saved(tmp_path / row, make_classifier(config))
        points += knobs.turned(folder, row, examples)
        assert [one["setting"] for one in points[-5:]] == list(
            {"skip-0.01-tuned": knobs.THRESHOLDS, "skipw-0.05-tuned": (1, 2, 3, 5, 10)}.get(
                row, (0, 1, 2, 3, 4)
            )
        )
        read = [1 - one["skim_rate"] for one in points[-5:]]
        assert read == sorted(read)
    assert [one["knob"] for one in points] == 5 * ["θ"] + 5 * ["reads"] + 5 * ["jumps"]
    tokens = 4 * 8 + 4 * 9
    assert points[10]["skim_rate"] == pytest.approx(1 - 4 / tokens)  # no jump: two words a text
    page = report.make_page([], {}, None, None, {"sst": {"points": points}})
    share = f"({100 * points[10]['skim_rate']:.0f} %)"
    assert f"jumps = 0: {100 * points[10]['accuracy']:.1f} {share}" in page
    assert page.count("| skip-0.01 | θ = 0.2: ") == 1
    assert "dial turned" not in report.make_page([], {})


def test_tasks_are_measured_as_far_as_there_are_models(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    result, examples = tmp_path / "result.json", Examples(("good", "bad"), (0, 1))
    result.write_text('{"imdb": "kept", "sst": "made anew"}')
    saved(tmp_path / "runs" / "classification" / "sst-skip-0.01-tuned-seed0")
    monkeypatch.setattr(by_task, "task_of", lambda run, data_dir: SimpleNamespace(test=examples))
    monkeypatch.setattr(sys, "argv", ["it", "--task", "sst", "ag-news"])
    measure = lambda folder, row, test: [{"row": row, "texts": len(test), "correct": "f"}]  # noqa: E731
    by_task.measure_tasks("a.module", "What.", knobs.ROWS, measure, result)
    found = json.loads(result.read_text())
    assert found["imdb"] == "kept"
    assert found["sst"]["points"] == [{"row": "skip-0.01-tuned", "texts": 2, "correct": "f"}]
    assert found["sst"]["command"] == "python -m a.module"
    assert "ag-news" not in found
    said = capsys.readouterr().out
    assert "ag-news: none of skim-10-0.01-tuned, " in said
    assert "sst {'row': 'skip-0.01-tuned', 'texts': 2}" in said
