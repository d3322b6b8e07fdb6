"""The pictures and tables from made-up results: the arithmetic, the names, the same bytes."""

import json

import made_up
import numpy as np
import pytest

import skimrnn
from benchmarks.classification import report_pictures, stats
from benchmarks.classification.pictures import data, pareto, rates
from benchmarks.classification.pictures.__main__ import draw_all
from benchmarks.classification.pictures.drawing import Label, picture, place_labels
from benchmarks.classification.pictures.families import FAMILIES, family_of
from benchmarks.classification.rows import LEARNED, ROWS


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = made_up.write(tmp_path_factory.mktemp("results"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stats, "RESULTS", folder)
        yield data.load()


@pytest.fixture(scope="module")
def drawn(results, tmp_path_factory):
    return draw_all(results, tmp_path_factory.mktemp("docs"))


def test_every_picture_is_drawn_and_has_its_names(drawn):
    names = {path.name for path in drawn}
    assert names == {
        *("pareto-sst.svg", "pareto-imdb.svg", "theta-sst.svg", "theta-imdb.svg"),
        *("skim-rate.svg", "words-read.svg", "review-1.svg"),
    }
    texts = {path.name: path.read_text() for path in drawn}
    # Letters are drawn as outlines; each text stands beside them in a comment.
    wanted = {
        "pareto-sst.svg": ("SST, trained on sentences: accuracy", "the front", "QRNN", "10 · 0.02"),
        "theta-sst.svg": (
            "one model at many thresholds",
            "θ = 0.1",
            "5 · 0.01",
        ),
        "skim-rate.svg": ("S = 5, base recipe", "S = 10, tuned recipe", "γ = 0.02", "IMDb"),
        "words-read.svg": ("determiner", "1,001-10,000", "unknown", "by place in the text"),
        "review-1.svg": ("fine", "positive 90%"),
    }
    for name, labels in wanted.items():
        for label in labels:
            assert label in texts[name]


def test_the_same_results_give_the_same_bytes(results, drawn, tmp_path):
    again = draw_all(results, tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in drawn]


def test_nothing_is_drawn_or_said_without_results(tmp_path):
    assert draw_all(data.Results(), tmp_path) == []
    assert report_pictures.lines(data.Results()) == []


def test_every_row_of_the_table_has_a_name_in_a_family():
    names = [name for family in FAMILIES for name in (*family.rows, *family.base)]
    assert sorted(names) == sorted(ROWS)
    family, name, base = family_of("a-row-of-tomorrow")
    assert (family.name, name, base) == ("other", "a-row-of-tomorrow", False)


def test_a_row_is_placed_by_its_float32_time_and_the_mean_of_its_seeds(results):
    rows = {row.row: row for row in pareto.placed(results, "sst")}
    assert set(rows) == set(ROWS)
    seeds = [run["test"]["accuracy"] for run in results.runs["sst"]["lstm-tuned"].by_seed.values()]
    assert rows["lstm-tuned"].accuracy == pytest.approx(100 * np.mean(seeds))
    assert rows["lstm-tuned"].spread == pytest.approx(100 * np.std(seeds, ddof=1))
    timed = {(one["row"], one["precision"], one["accuracy"]): one["us_per_text"]
             for one in results.times["sst"]["rows"]}  # fmt: skip
    assert rows["lstm-tuned"].us == timed["lstm-tuned", "float32", 0.5]  # not the other engine's
    assert rows["random-tuned"].us == rows[LEARNED].us


def test_rows_without_a_time_or_a_run_are_left_out(results):
    known = [{"row": "lstm", "us_per_text": None, "accuracy": 0.5}, {"row": "tf-idf"}]
    assert pareto.placed(data.Results(results.runs, {"sst": {"rows": known}}), "sst") == []
    times = {"sst": {"rows": [{"row": "lstm", "us_per_text": 1.0, "accuracy": 0.5}]}}
    assert pareto.placed(data.Results({}, times), "sst") == []
    assert [row.row for row in pareto.placed(data.Results(results.runs, times), "sst")] == ["lstm"]


def test_rows_near_the_best_have_axes_of_their_own_where_others_are_far(
    results, tmp_path, monkeypatch
):
    said = {}
    for near in (1.0, 100.0):
        monkeypatch.setattr(pareto, "NEAR", near)
        assert pareto.draw(results, "sst", "SST", tmp_path / "sst.svg") == []
        said[near] = (tmp_path / "sst.svg").read_text()
    assert "the same, less than 1 points behind" in said[1.0]
    assert "the same" not in said[100.0]
    # Each row has its name once, above or below.
    assert all(text.count("<!-- NB n-grams -->") == 1 for text in said.values())


def test_rates_are_means_in_percent_with_their_deviation(results):
    [(weight, mean, deviation), _] = rates.line(results, "imdb", 5, "-tuned")
    runs = results.runs["imdb"]["skim-5-0.01-tuned"].by_seed.values()
    seeds = [100 * run["test"]["skim_rate"] for run in runs]
    assert (weight, mean) == (0.01, pytest.approx(np.mean(seeds)))
    assert deviation == pytest.approx(np.std(seeds, ddof=1))
    assert rates.tasks_of(results) == ["sst", "imdb"]


def test_names_do_not_cover_each_other(tmp_path):
    random = np.random.default_rng(0)
    labels = [Label(x, y, f"name {n}") for n, (x, y) in enumerate(random.uniform(0, 1, (15, 2)))]
    with picture(tmp_path / "names.svg", (6, 4)) as [axes]:
        axes.plot([one.x for one in labels], [one.y for one in labels], "o")
        left_out = place_labels(axes, labels)
        boxes = [note.get_window_extent() for note in axes.texts]
    assert len(boxes) + len(left_out) == len(labels)
    assert len(boxes) > 10
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_a_name_without_room_is_told(tmp_path):
    with picture(tmp_path / "full.svg", (3, 2)) as [axes]:
        axes.plot([0, 1], [0, 1], "o")
        assert place_labels(axes, [Label(0.5, 0.5, "a name far too long " * 5)]) != []
        assert not list(axes.texts)


def test_the_page_names_every_picture_and_says_the_verdicts(results, drawn):
    page = "\n".join(report_pictures.lines(results))
    for path in drawn:
        assert f"]({path.name})" in page
    best = results.curves["sst"]["verdicts"][LEARNED]["from_reading_all"]
    assert best["met"]
    change = 100 * best["accuracy_change"]
    cell = f"**{best['times_faster']:.2f}×, {change:+.2f}, θ = {best['to']:g}**"
    assert f"| SST | {LEARNED} | {cell} |" in page
    part = results.words["sst"]["parts"][0]
    assert f"| {part['name']} | {100 * part['read']:.1f} (9.1) |" in page
    assert "| unknown |  |  |" in page  # no such word was met
    assert "`n't`" in page


def test_tables_have_as_many_cells_in_every_line(results):
    inside = [line for line in report_pictures.lines(results) if line.startswith("|")]
    page, table = report_pictures.lines(results), 0
    for line, before in zip(page[1:], page[:-1], strict=True):
        if line.startswith("|") and before.startswith("|"):
            assert line.count("|") == before.count("|")
            table += 1
    assert 0 < table < len(inside)


def test_reviews_are_drawn_from_what_is_saved_of_a_reading(tmp_path):
    from benchmarks.classification.reviews import MEANT, reviews
    from skimrnn.show import view

    texts = reviews()
    assert len(texts) == len(MEANT) == 3
    assert all(240 < len(text.split()) < 300 for text in texts)
    saved = json.loads(json.dumps([view(skimrnn.load("sst").read(text)) for text in texts]))
    paths = draw_all(data.Results(reviews={"views": saved}), tmp_path)
    assert [path.name for path in paths] == ["review-1.svg", "review-2.svg", "review-3.svg"]
