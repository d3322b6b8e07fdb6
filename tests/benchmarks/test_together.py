"""Rows that are made at once: who waits for whom, and that one that fails stops all."""

import sys
import time

import pytest

from benchmarks.questions.together import Job, jobs, run


def python(code):
    return [sys.executable, "-c", code]


def test_a_row_that_skims_waits_for_its_plain_row_if_that_is_made_too():
    plain, skims, other = jobs(["attention", "attention-skim-20-0.1", "bidaf-skim-50-0.01"], None)
    assert not plain.waits_for
    assert [path.name for path in skims.waits_for] == ["squad-attention-seed0-plain-5000.pt"]
    assert not other.waits_for
    assert "--train-only" in plain.command


def test_a_row_with_a_teacher_waits_for_it_and_for_the_plain_row():
    *_, taught = jobs(["bidaf", "attention", "attention-taught"], None)
    start, teacher = taught.waits_for
    assert start.name == "squad-attention-seed0-plain-5000.pt"
    assert teacher.parts[-2:] == ("squad-bidaf-seed0", "training.json")
    [alone] = jobs(["attention-taught"], None)
    assert not alone.waits_for


def test_all_run_and_each_end_is_told(tmp_path, capsys):
    start, ended = tmp_path / "start", []
    first = f"open({str(start)!r}, 'w'); print('made')"
    found = [Job("waits", python("print('begun')"), [start]), Job("first", python(first))]
    run(found, tmp_path / "logs", 60, ended.append)
    assert sorted(ended) == ["first", "waits"]
    assert (tmp_path / "logs" / "waits.log").read_text() == "begun\n"
    assert "first ended after" in capsys.readouterr().out


def test_one_that_fails_stops_all(tmp_path):
    began, ended = time.monotonic(), []
    found = [
        Job("long", python("import time; time.sleep(600)")),
        Job("fails", python("raise ValueError('an illegal address')")),
        Job("never", python("print(1)"), [tmp_path / "never"]),
    ]
    with pytest.raises(SystemExit, match=r"(?s)fails failed:.*an illegal address"):
        run(found, tmp_path, 600, ended.append)
    assert found[0].process.poll() is not None
    assert time.monotonic() - began < 300
    assert ended == []


def test_when_time_is_up_it_is_said(tmp_path, capsys):
    found = [Job("long", python("import time; time.sleep(600)"))]
    run(found, tmp_path, 0.5, print)
    assert "long has not ended" in capsys.readouterr().out
    assert found[0].process.poll() is not None
