"""Rivals measured: the share they skip, the line between the ends, the page."""

import json

import pytest

from benchmarks.rivals import adding, reading_time, report
from skimrnn.bench.networks import make_texts, reader_of, skim_rate
from skimrnn.extension import kernels
from skimrnn.runtime.registry import NUMPY

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
