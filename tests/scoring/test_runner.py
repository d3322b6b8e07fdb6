"""Runs: workers, resuming, and all that is refused."""

import os
import pickle
import re
import signal

import pytest
from scoring_tables import read_csv, write_csv

import skimrnn
from models import make_classifier, make_config, saved
from skimrnn.scoring import BatchScorer, ScoringError, runner, score_file
from skimrnn.scoring.runner import Scored


@pytest.fixture
def source(tmp_path, rows):
    return write_csv(tmp_path / "in.csv", rows)


class StopError(Exception):
    pass


def stop_after(batches):
    """Something to show to that ends a run there."""
    seen = []

    def show(done):
        seen.append(done)
        if len(seen) == batches:
            raise StopError

    return show


def cut_off(source, output, scorer, batches=3, **more):
    with pytest.raises(StopError):
        score_file(
            source, output, scorer,
            **{"workers": 1, "batch_rows": 5, "show": stop_after(batches), **more},
        )  # fmt: skip
    return output.with_name(f"{output.name}.parts")


def test_workers_give_the_same_file(source, scorer, tmp_path):
    shown = []
    alone = score_file(source, tmp_path / "1.csv", scorer, workers=1, batch_rows=3)
    shared = score_file(
        source, tmp_path / "2.csv", scorer, workers=2, batch_rows=3, show=shown.append
    )
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    assert alone == shared == shown[-1] == Scored(1.0, 40, 5, 0)
    assert [done.rows for done in shown] == sorted(done.rows for done in shown)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.csv", "2.csv", "in.csv"]


def test_a_run_that_was_cut_off_goes_on(source, scorer, tmp_path, monkeypatch):
    score_file(source, tmp_path / "whole.csv", scorer, workers=1, batch_rows=5)
    parts = cut_off(source, tmp_path / "out.csv", scorer)
    assert len(list(parts.iterdir())) == 5  # three batches, the manifest, the lock
    assert not (tmp_path / "out.csv").exists()
    scored = []
    own = BatchScorer.score
    monkeypatch.setattr(
        BatchScorer, "score", lambda self, texts: scored.append(len(texts)) or own(self, texts)
    )
    done = score_file(source, tmp_path / "out.csv", scorer, workers=1, batch_rows=5)
    assert done == Scored(1.0, 40, 5, 15)
    assert scored == [5] * 5  # what was there is not scored again
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not parts.exists()


@pytest.mark.parametrize("removed", [0, 3])
def test_a_run_that_was_cut_off_after_its_output_was_there_ends(
    source, scorer, tmp_path, monkeypatch, removed
):
    output = tmp_path / "out.csv"

    def interrupted(parts):
        for path in sorted(parts.folder.glob("0*"))[:removed]:
            path.unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runner.Parts, "remove", interrupted)
        with pytest.raises(KeyboardInterrupt):
            score_file(source, output, scorer, workers=1, batch_rows=5)
    written = output.read_bytes()
    with pytest.raises(ScoringError, match=r"threshold was .* and is now 0\.1"):
        score_file(source, output, BatchScorer(scorer.model, threshold=0.1), batch_rows=5)
    with pytest.raises(ScoringError, match="no text"):
        score_file(source, output, scorer, workers=1, batch_rows=5, strict=True)
    done = score_file(source, output, scorer, workers=1, batch_rows=5)
    assert done == Scored(1.0, 40, 5, 40)
    assert output.read_bytes() == written
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_an_output_of_before_is_not_taken_for_that_of_a_run(source, scorer, tmp_path, monkeypatch):
    output = tmp_path / "out.csv"
    output.write_text("from before")
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", lambda self, path: pytest.fail("cut off"))
        with pytest.raises(pytest.fail.Exception):
            score_file(source, output, scorer, workers=1, batch_rows=5, overwrite=True)
    assert output.read_text() == "from before"
    with pytest.raises(ScoringError, match="is there already"):
        score_file(source, output, scorer, workers=1, batch_rows=5)
    done = score_file(source, output, scorer, workers=1, batch_rows=5, overwrite=True)
    assert (done.rows, len(read_csv(output))) == (40, 40)


def test_a_column_of_pandas_is_read_by_place(scorer):
    class Column:  # as pandas has them: asked by the index, gone through by place
        def __init__(self, values, index):
            self.values, self.index = values, index

        def __len__(self):
            return len(self.values)

        def __iter__(self):
            return iter(self.values)

        def __getitem__(self, label):
            return self.values[self.index.index(label)]

    texts = ["the film is good", None, "bad bad bad"]
    assert scorer.score(Column(texts, [2, 7, 0])) == scorer.score(texts)


def test_other_settings_are_refused(source, scorer, folder, tmp_path):
    output = tmp_path / "out.csv"
    parts = cut_off(source, output, scorer)
    other = str(saved(tmp_path / "other", make_classifier(make_config((7, 2)), seed=3)))
    for changed, said in [
        ({"scorer": BatchScorer(folder, threshold=0.2)}, "threshold was 0.5 and is now 0.2"),
        ({"scorer": BatchScorer(folder, budget=0.5)}, "budget was null and is now 0.5"),
        ({"scorer": BatchScorer(folder, prefix="p_")}, 'added was ["label"'),
        ({"scorer": BatchScorer(folder, probabilities=True)}, 'added was ["label"'),
        ({"scorer": BatchScorer(folder, column="more")}, 'column was "text" and is now "more"'),
        ({"scorer": BatchScorer(folder, precision="int8")}, 'precision was "float32"'),
        ({"scorer": BatchScorer(other)}, "model was"),
        ({"batch_rows": 6}, "batch_rows was 5 and is now 6"),
    ]:
        with pytest.raises(ScoringError, match="was begun in another way") as caught:
            score_file(
                source, output, **{"scorer": scorer, "batch_rows": 5, "workers": 1, **changed}
            )
        assert said in str(caught.value)
        assert str(parts) in str(caught.value)
    same = BatchScorer(folder, threshold=0.5)  # the model's own, given by name
    assert score_file(source, output, same, workers=1, batch_rows=5).resumed == 15


def test_another_input_is_refused(source, scorer, tmp_path, rows):
    cut_off(source, tmp_path / "out.csv", scorer)
    rows[20]["text"] = "was changed"
    write_csv(source, rows)
    with pytest.raises(ScoringError, match="input_sha256 was"):
        score_file(source, tmp_path / "out.csv", scorer, workers=1, batch_rows=5)


def test_an_input_that_changes_meanwhile_is_refused(source, scorer, tmp_path):
    def touch(done):
        os.utime(source, (1, 1))

    with pytest.raises(ScoringError, match="was changed while it was read"):
        score_file(source, tmp_path / "out.csv", scorer, workers=1, show=touch)
    assert not (tmp_path / "out.csv").exists()


def test_folders_that_are_not_of_a_run(source, scorer, tmp_path):
    parts = tmp_path / "out.csv.parts"
    parts.mkdir()
    (parts / "photo.jpg").write_bytes(b"x")
    with pytest.raises(ScoringError, match=r"is in the way: .* move it, or give another output"):
        score_file(source, tmp_path / "out.csv", scorer, workers=1)
    (parts / "photo.jpg").unlink()
    (parts / "manifest.json").write_text("[")
    with pytest.raises(ScoringError, match=r"manifest.json is damaged: .* to begin anew"):
        score_file(source, tmp_path / "out.csv", scorer, workers=1)


def test_an_output_that_is_there(source, scorer, tmp_path):
    output = tmp_path / "out.csv"
    output.write_text("mine")
    with pytest.raises(ScoringError, match="is there already; give another path, or overwrite"):
        score_file(source, output, scorer, workers=1)
    cut_off(source, output, scorer, overwrite=True)
    assert output.read_text() == "mine"
    score_file(source, output, scorer, workers=1, batch_rows=5, overwrite=True)
    assert len(read_csv(output)) == 40
    with pytest.raises(ScoringError, match="is the input itself"):
        score_file(source, source, scorer, overwrite=True)
    with pytest.raises(ScoringError, match="is a folder"):
        score_file(source, saved(tmp_path / "a.csv"), scorer)
    with pytest.raises(ScoringError, match="does not exist; give the path of a file"):
        score_file(tmp_path / "absent.csv", tmp_path / "b.csv", scorer)


@pytest.mark.parametrize("workers", [1, 2])
def test_strict_stops_at_a_row_without_a_text(source, scorer, tmp_path, workers):
    with pytest.raises(ScoringError, match=r"in\.csv, row 7: no text in the column 'text'; got ''"):
        score_file(source, tmp_path / "o.csv", scorer, workers=workers, batch_rows=4, strict=True)


def test_strict_refuses_what_a_run_before_it_let_pass(source, scorer, tmp_path):
    parts = cut_off(source, tmp_path / "out.csv", scorer)
    with pytest.raises(ScoringError, match=f"2 of the rows .* delete {re.escape(str(parts))}"):
        score_file(source, tmp_path / "out.csv", scorer, workers=1, batch_rows=5, strict=True)


def test_two_runs_of_one_output_do_not_meet(source, scorer, tmp_path):
    output = tmp_path / "out.csv"

    def begin_another(done):
        with pytest.raises(ScoringError, match=r"out\.csv\.parts is being filled by another run"):
            score_file(source, output, scorer, workers=1, batch_rows=5)

    score_file(source, output, scorer, workers=1, batch_rows=5, show=begin_another)
    assert len(read_csv(output)) > 5
    assert not output.with_name("out.csv.parts").exists()


def test_a_worker_that_is_killed_is_told(source, scorer, tmp_path, monkeypatch):
    begun = []
    own = runner.ProcessPoolExecutor.submit

    def submit(self, *task):
        future = own(self, *task)
        if len(begun) == 3:
            for process in list(self._processes.values()):
                os.kill(process.pid, signal.SIGKILL)
        begun.append(task)
        return future

    with monkeypatch.context() as patched:
        patched.setattr(runner.ProcessPoolExecutor, "submit", submit)
        with pytest.raises(ScoringError, match=r"ended without a word .* run the same again"):
            score_file(source, tmp_path / "out.csv", scorer, workers=2, batch_rows=2)
    score_file(source, tmp_path / "out.csv", scorer, workers=2, batch_rows=2)
    assert len(read_csv(tmp_path / "out.csv")) == 40


@pytest.mark.parametrize("options", [{"workers": 0}, {"batch_rows": True}, {"batch_rows": 1.5}])
def test_options_that_are_no_counts(source, scorer, tmp_path, options):
    with pytest.raises(ValueError, match="must be a whole number of at least 1; got"):
        score_file(source, tmp_path / "out.csv", scorer, **options)


def test_a_scorer_travels_without_its_model(folder):
    scorer = BatchScorer(folder, threshold=0.3, probabilities=True, prefix="p_")
    before = scorer.score(["good", None, 3, " "])
    data = pickle.dumps(scorer)
    assert len(data) < 1000
    assert pickle.loads(data) == scorer
    assert pickle.loads(data).score(["good", None, 3, " "]) == before
    assert list(before) == [
        *("p_label", "p_probability", "p_words", "p_skim_rate"),
        *("p_probability_negative", "p_probability_positive", "p_probability_né 😀"),
    ]
    assert all(values[1:] == [None] * 3 for values in before.values())
    assert scorer.score([]) == {name: [] for name in before}


def test_several_labels_a_text(tmp_path):
    folder = saved(tmp_path / "model", make_classifier(activation="sigmoid"))
    texts = ["good", "a film", None, "not bad at all"]
    scored = BatchScorer(str(folder)).score(texts)
    wanted = ["|".join(one) for one in skimrnn.load(folder).predict_labels([t for t in texts if t])]
    assert [label for label in scored["label"] if label is not None] == wanted
    assert scored["label"][2] is None
