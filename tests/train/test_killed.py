"""A run killed without warning, again and again, ends with the weights of one left alone."""

import json
import subprocess
import sys

import pytest

# In a process of its own, because it forks: one that has imported torch, used no thread, and whose
# children are what is killed.
HOST = """
import json, os, random, signal, sys, time
from pathlib import Path
import numpy as np
import torch
from skimrnn.tasks import Examples, TextTask
from skimrnn.train import TrainingOptions, loop, train_classifier

torch.set_num_threads(1)
torch.optim.AdamW([torch.zeros(1)])  # the first one imports torch's compiler: a second
loop.CHECKPOINT_SECONDS = 0.0  # a checkpoint after every step: most kills are within a write
folder, kills = Path(sys.argv[1]), int(sys.argv[2])
texts = [f"it was {'a ' * (i % 9)}{('good', 'bad')[i % 2]} film" for i in range(96)]
examples = Examples(texts, np.arange(96) % 2)
record = {"name": "moods", "labels": ["good", "bad"], "counts": {"train": {"texts": 96}}}
task = TextTask("moods", ("good", "bad"), examples, examples, examples, record)
options = TrainingOptions(
    hidden_size=12, levels=(12, 3), embedding_size=8, batch_size=8, epochs=30, dropout=0.1,
    averaging=0.9, seed=1, evaluations_per_epoch=1, patience=1000,
)

def start(name, steps=None):
    child = os.fork()
    if child == 0:
        def show(event):
            if steps is not None and event["event"] == "step":
                os.write(steps, b".")

        try:
            train_classifier(task, options, folder / name, show=show)
            os._exit(0)
        except BaseException as error:
            print(type(error).__name__, error, file=sys.stderr, flush=True)
            os._exit(1)
    return child

assert os.waitpid(start("whole"), 0)[1] == 0
generator, killed, progress = random.Random(int(sys.argv[3])), 0, []
while killed < kills:
    steps, of_child = os.pipe()
    child = start("killed", of_child)
    os.close(of_child)
    wanted = generator.randint(0, 24)  # of 360
    while wanted and os.read(steps, 1):
        wanted -= 1
    time.sleep(generator.uniform(0, 0.01))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(steps)
    if not os.WIFSIGNALED(status):
        break
    killed += 1
    log = folder / "killed.training" / "log.jsonl"
    progress.append(len(log.read_text().splitlines()) if log.exists() else 0)
assert os.waitpid(start("killed"), 0)[1] == 0
print(json.dumps({"killed": killed, "progress": progress}))
"""

KILLS = 20


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_killed_at_twenty_random_moments_a_run_ends_the_same(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", HOST, str(tmp_path), str(KILLS), "7"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["killed"] == KILLS
    assert len(set(told["progress"])) > 3  # the kills were spread over the run
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert (whole / "model.safetensors").read_bytes() == (killed / "model.safetensors").read_bytes()
    assert (whole / "log.jsonl").read_text() == (killed / "log.jsonl").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed", "whole"]
