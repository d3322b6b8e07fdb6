"""A run killed without warning, again and again, ends with the file of one left alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scoring_tables import read_jsonl, write_jsonl

ROWS, BATCH, KILLS = 20_000, 200, 2


def heed_interrupts():
    """A shell's background jobs, and all that they start, ignore them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(folder, source, output):
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "skimrnn", "score", str(source), str(output)),
            *("--model", folder, "--workers", "2", "--batch", str(BATCH)),
        ],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )


def workers_of(run):
    return Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()


@pytest.mark.skipif(sys.platform != "linux", reason="needs SIGKILL and /proc")
def test_killed_again_and_again_nothing_is_lost_or_doubled(folder, tmp_path):
    source = write_jsonl(
        tmp_path / "in.jsonl", [{"id": n, "text": f"the film {n} is good"} for n in range(ROWS)]
    )
    output, parts = tmp_path / "out.jsonl", tmp_path / "out.jsonl.parts"
    kept = []
    for kill in range(KILLS):
        run = start(folder, source, output)
        before = kept[-1] if kept else 0
        while run.poll() is None and (
            not parts.exists() or len(list(parts.glob("0*"))) < before + 3 + kill
        ):
            time.sleep(0.005)
        workers = workers_of(run)
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
        run.stderr.close()
        assert len(workers) >= 2
        deadline = time.monotonic() + 60
        while any(os.path.exists(f"/proc/{pid}") for pid in workers):  # they end by themselves
            assert time.monotonic() < deadline
            time.sleep(0.05)
        kept.append(len(list(parts.glob("0*"))))
    assert kept == sorted(set(kept))
    assert kept[-1] < ROWS // BATCH
    run = start(folder, source, output)
    _, said = run.communicate()
    assert run.returncode == 0, said
    assert f"wrote {output}: {ROWS:,} rows, {kept[-1] * BATCH:,} of them scored before" in said
    written = read_jsonl(output)
    assert [row["id"] for row in written] == list(range(ROWS))
    assert all(row["label"] for row in written)
    assert not parts.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts are sent otherwise on Windows")
def test_interrupted_it_says_so_and_goes_on(folder, tmp_path):
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": "the film is good"}] * ROWS)
    output, parts = tmp_path / "out.jsonl", tmp_path / "out.jsonl.parts"
    run = start(folder, source, output)
    while run.poll() is None and not list(parts.glob("0*")):
        time.sleep(0.005)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate()
    told = "error: interrupted; give the same command to go on from what is scored\n"
    assert (run.returncode, said) == (130, told)
    assert list(parts.glob("0*"))
    run = start(folder, source, output)
    _, said = run.communicate()
    assert run.returncode == 0, said
    assert "of them scored before" in said
    assert len(read_jsonl(output)) == ROWS
