"""The page about questions, and its picture, on made-up results."""

import json

import pytest

from benchmarks.questions import pictures, report
from benchmarks.questions.front import at_time, curve_of

F1 = {"attention": 75, "attention-skim-20-0.1": 75, "attention-skip-0.1": 70, "attention-small": 72}


def run(name: str, f1: int) -> dict:
    skims = "skim-" in name or "skip" in name
    rates = [[0.5, 0.6], [0.7, 0.8]]
    return {
        "task": "squad",
        "row": name,
        "seed": 0,
        "best": {"f1": 0.74},
        "seconds": 7200.0,
        "test": {
            "f1": f1 / 100,
            "exact_match": (f1 - 10) / 100,
            "skim_rate": 0.65 if skims else None,
            "skim_rates": rates if skims else None,
            "flop_reduction": 2.1 if skims else 1,
            "f1_percent": [100] * f1 + [0] * (100 - f1),
        },
    }


def curve(f1: int) -> dict:
    points = [
        {
            "threshold": threshold,
            "f1": (f1 - 3 * saved) / 100,
            "exact_match": 0.6,
            "skim_rate": rate,
            "skim_rates": [[rate, rate], [rate, rate]],
            "flop_reduction": saved,
        }
        for threshold, rate, saved in ((0.1, 0.9, 4.0), (0.5, 0.65, 2.1), (1.0, 0.0, 1.0))
    ]
    return {"seed": 0, "questions": 100, "points": points}


def timed(name: str, ms: float, **more) -> dict:
    row = {
        "row": name,
        "reader": "avx512",
        "precision": "float32",
        "words": "met before",
        "threshold": None,
        "own_threshold": True,
        "ms": ms,
        "ms_quartiles": [ms, ms],
        "torch_over_this": 8 / ms,
        "plain_over_this": 2 / ms,
    }
    return {**row, **more}


@pytest.fixture
def results(tmp_path, monkeypatch):
    (tmp_path / "questions").mkdir()
    for name, f1 in F1.items():
        path = tmp_path / "questions" / f"squad-{name}-seed0.json"
        path.write_text(json.dumps(run(name, f1)))
    curves = {name: curve(f1) for name, f1 in F1.items() if name.count("-") > 1}
    (tmp_path / "question-curves.json").write_text(json.dumps(curves))
    rows = [timed("attention", 2.0), timed("attention", 8.0, reader="torch", words="ready made")]
    rows.append(timed("attention-small", 1.2))
    for name in curves:
        for threshold, ms in ((0.5, 1.4), (0.1, 1.0), (1.0, 2.2)):
            own = threshold == 0.5
            rows.append(timed(name, ms, threshold=threshold, own_threshold=own))
    whole = {"cpu": "a processor", "questions": 10, "words": 1250, "rows": rows}
    (tmp_path / "question-times.json").write_text(json.dumps(whole))
    chosen = {
        name: {"wanted": 0.5, "threshold": 0.6, "validation": found, "test": {**found, "f1": 0.76}}
        for name in ("attention-skim-20-0.1", "attention-skip-0.1")
        for found in [run(name, F1[name])["test"]]
    }
    (tmp_path / "question-chosen.json").write_text(json.dumps(chosen))
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    return tmp_path


def test_the_page_says_what_was_found_and_what_was_not_made(results):
    page = report.page()
    assert "| attention-skim-20-0.1 | skimming, S = 20, γ = 0.1 | 75.00 | 65.00 | +0.00 (" in page
    assert "| ≥ 70 / 60 (≥ 75.5 / 67) | 75.0 / 65.0 | met |" in page
    found = "attention-skim-20-0.1: +0.0 at 65 %; attention-skim-20-0.1, θ = 0.600: +1.0 at 65 %"
    assert f"{found} | **not met** |" in page  # two γ were wanted
    assert "| **attention-skim-20-0.1** | 50 | 0.600 | 75.00 | 65.0 | 76.00 | +1.00 (" in page
    assert "| attention-skip-0.1 | 50 | 0.600 | 70.00 | 65.0 | 76.00 |" in page
    assert "| BiDAF, plain: F1 | ≥ 72 (≥ 77.3) |  | **not made** |" in page
    assert "| 4.00 × | met |" in page
    assert "2.00 × at 90 % and an F1 of 63.0 (attention-skim-20-0.1, θ = 0.1) | met |" in page
    assert "| attention-skip-0.1 | 50.0 | 60.0 | 70.0 | 80.0 | more |" in page
    assert "lies above attention-skip-0.1 on 100 % of the way that both cover, by +5.00" in page
    assert "- Not made: attention-again, attention-skim-20-0.05, attention-skim-20-0.2, " in page
    for line in page.splitlines():
        assert "None" not in line


def test_with_no_results_all_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    page = report.page()
    assert page.count("**not made**") == 8
    assert "met |" not in page


def test_a_difference_has_its_interval():
    plain, other = run("attention", 70), run("attention-small", 75)
    mean, rest = report.difference(other, plain).split(" ", 1)
    low, high = (float(part) for part in rest.strip("()").split(" … "))
    assert mean == "+5.00"
    assert 0 < low < 5 < high < 12
    assert report.difference(plain, plain) == "+0.00 (+0.00 … +0.00)"


def test_f1_in_another_s_time(results):
    points = curve_of(
        "attention-skim-20-0.1",
        report.optional("question-curves"),
        report.optional("question-times"),
    )
    assert [point["ms"] for point in points] == [1.0, 1.4, 2.2]
    assert at_time(points, 0.9) is None
    assert at_time(points, 1.0) == pytest.approx(0.63)
    assert at_time(points, 1.2) == pytest.approx((0.63 + 0.687) / 2)
    assert at_time(points, 9.0) == pytest.approx(0.72)
    assert at_time([{**point, "ms": None} for point in points], 9.0) is None


def test_the_picture_is_drawn(results, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    names = ("attention-skim-20-0.1", "attention-skip-0.1")
    styles = dict(zip(names, pictures.STYLES.values(), strict=False))
    monkeypatch.setattr(pictures, "STYLES", styles)
    path = tmp_path / "theta.svg"
    curves, times = report.optional("question-curves"), report.optional("question-times")
    assert pictures.draw(report.load(), curves, times, path) == []
    both = path.read_text()
    pictures.draw(report.load(), curves, {}, path)
    assert len(path.read_text()) < len(both)
