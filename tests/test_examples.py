"""The examples run, and say what they promise."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cost_dial", r"budget  0\.1: negative \d+%, positive \d+%, negative \d+%; "),
        ("own_router", r"accuracy (9\d\.\d|100\.0)%, [1-9]\d% of the words skimmed, with numpy\n"),
        ("streaming", r"positive 9\d%  .*\nThat is sure enough"),
        (
            "skimming_tagger",
            r"(9\d\.\d|100\.0)% of the numbers have their name, [1-9]\d% of the words",
        ),
    ],
)
def test_it_runs(name, said, tmp_path):
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(said, done.stdout), done.stdout


def test_each_example_is_tested():
    [mark] = test_it_runs.pytestmark
    assert {row[0] for row in mark.args[1]} == {path.stem for path in EXAMPLES.glob("*.py")}
