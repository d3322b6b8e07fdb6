"""Several processes train as one: the joined batch's gradient, one checkpoint, one that writes."""

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import joint_gradients
import pytest
import torch

import skimrnn
from skimrnn.train.processes import Processes, Share, processes

HERE = Path(__file__).parent
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]

pytestmark = pytest.mark.skipif(
    not torch.distributed.is_available(), reason="this torch has no torch.distributed"
)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("texts", [1, 2, 5, 8, 32])
def test_shares_make_up_the_batch(texts, count):
    shares = [Processes(rank, count).share(texts) for rank in range(count)]
    taken = [text for one in shares if one.weight for text in range(one.begin, one.end)]
    assert sorted(taken) == list(range(texts))
    assert sum(one.weight for one in shares) == pytest.approx(count)
    for one in shares:
        assert one.end > one.begin
        if one.weight:
            assert one.weight / count == pytest.approx((one.end - one.begin) / texts)


def test_one_process_has_it_all():
    with processes() as together:
        assert together == Processes(0, 1)
    assert together.share(5) == Share(0, 5, 1.0)
    model = torch.nn.Linear(2, 2)
    assert together.joined(model, uses_all=False) is model
    assert together.agree(3) == 3


def test_incomplete_variables_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(ValueError, match="MASTER_ADDR, MASTER_PORT is not set; start them with"):
        processes().__enter__()


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match='device must be "cpu" or "cuda"; got \'tpu\''):
        processes("tpu").__enter__()
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match='device "cuda" needs a GPU'):
            processes("cuda").__enter__()


def test_two_processes_give_the_joined_batchs_gradients(tmp_path):
    found = tmp_path / "found.pt"
    script = str(HERE / "joint_gradients.py")
    done = subprocess.run(
        [*TORCHRUN, script, str(found)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    together = torch.load(found, weights_only=True)
    assert together["count"] == 2
    assert not [name for name in together["threads"] if "gloo" in name]
    for case in joint_gradients.CASES:
        alone = joint_gradients.gradients(case, Processes())
        assert together["gradients"][case].keys() == alone.keys()
        assert any(grad.any() for grad in alone.values())
        for name, grad in alone.items():
            torch.testing.assert_close(
                together["gradients"][case][name],
                grad,
                rtol=1e-4,
                atol=1e-6,
                msg=lambda said, at=f"{case}, {name}": f"{at}: {said}",
            )


# ---- the command ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Texts that are good or bad by a word in them, as a CSV file."""
    path = tmp_path_factory.mktemp("data") / "moods.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for i in range(200):
            rows.writerow([f"it was {'a ' * (i % 7)}{('good', 'bad')[i % 2]} film {i}", i % 2])
    return path


def train(data: Path, out: Path, before: list[str], **more: str) -> subprocess.Popen[str]:
    arguments = ["train", str(data), "--out", str(out), "--vectors", "none", "--epochs", "30"]
    arguments += [
        "--hidden-size",
        "10",
        "--skim-size",
        "3",
        "--dropout",
        "0",
        "--seed",
        "5",
        "--patience",
        "100",
    ]
    return subprocess.Popen(
        [*before, "-m", "skimrnn", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **more},
        start_new_session=True,
    )


def children(parent: int) -> list[int]:
    """Processes that this one has started; torchrun's are in sessions of their own."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_the_command_trains_resumes_and_writes_once(data, tmp_path):
    whole = train(data, tmp_path / "whole", TORCHRUN)
    output, errors = whole.communicate(timeout=300)
    assert whole.returncode == 0, errors
    assert output.count("saved in") == 1
    assert json.loads((tmp_path / "whole/training.json").read_text())["processes"] == 2

    cut_off = train(data, tmp_path / "cut", TORCHRUN)
    checkpoint = tmp_path / "cut.training/checkpoint.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and cut_off.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    for worker in children(cut_off.pid):
        os.kill(worker, signal.SIGKILL)
    _, errors = cut_off.communicate()
    assert checkpoint.exists(), errors
    resumed = train(data, tmp_path / "cut", TORCHRUN)
    _, errors = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, errors
    one, other = (tmp_path / name / "model.safetensors" for name in ("whole", "cut"))
    assert one.read_bytes() == other.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut", "whole"]

    alone = train(data, tmp_path / "alone", [sys.executable])
    _, errors = alone.communicate(timeout=300)
    assert alone.returncode == 0, errors
    models = [skimrnn.load(tmp_path / name) for name in ("whole", "alone")]
    texts = ["a good film", "it was a bad film", "good"]
    one, other = (model.predict_proba(texts) for model in models)
    assert abs(one - other).max() < 0.01  # the same gradients but for rounding
