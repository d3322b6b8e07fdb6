"""Help costs nothing: no command's help imports anything heavy."""

import json
import os
import subprocess
import sys

import pytest

from skimrnn.cli import app, options
from skimrnn.tasks import BUILT_IN

HEAVY = ("numpy", "torch", "safetensors", "matplotlib", "pyarrow", "datasets", "onnx")
COMMANDS = (
    "demo",
    "read",
    "answer",
    "score",
    "serve",
    "train",
    "train-answerer",
    "evaluate",
    "tradeoff",
    "calibrate",
    "export",
    "push",
    "info",
    "bench",
)

PROBE = """
import json, sys
{prepare}
from skimrnn.cli import main
for arguments in {calls!r}:
    sys.argv = ["skimrnn", *arguments]
    try:
        main()
    except SystemExit as end:
        assert not end.code, end.code
heavy = sorted(set({heavy!r}) & set(sys.modules))
print("\\nLOADED " + json.dumps(heavy))
"""


def loaded_by(*calls, prepare=""):
    """The heavy modules in a fresh interpreter after these calls, and all that was printed."""
    program = PROBE.format(prepare=prepare, calls=calls, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    printed, _, found = done.stdout.rpartition("LOADED ")
    return json.loads(found), printed + done.stderr


def test_no_help_imports_anything_heavy():
    heavy, printed = loaded_by(
        ["--help"], ["--version"], *([command, "--help"] for command in COMMANDS)
    )
    assert heavy == []
    for text in ("--skim-size", "--thresholds", "--burst", "--html", "evaluate"):
        assert text in printed  # it was really the help


def test_the_check_sees_what_is_imported():
    assert loaded_by(["info"])[0] == ["numpy", "safetensors"]
    assert loaded_by(["--help"], prepare="import numpy")[0] == ["numpy"]


def test_every_command_is_checked():
    names = {info.callback.__name__.replace("_", "-") for info in app.registered_commands}
    assert names == set(COMMANDS)


def test_the_data_sets_in_the_help_are_those_of_the_library():
    assert options.BUILT_IN_DATA == BUILT_IN


@pytest.mark.parametrize("absent", ["torch", "matplotlib"])
def test_reading_works_without(absent, tmp_path, model, data):
    prepare = f"sys.modules[{absent!r}] = None"
    calls = [["evaluate", str(model), str(data)], ["read", str(model), "a superb film"], ["info"]]
    _, printed = loaded_by(*calls, prepare=prepare)
    assert "accuracy" in printed
    assert "good" in printed  # the label of the text


def test_help_is_broken_by_the_terminal_alone_and_is_no_mark_up(run_help):
    shown = " ".join(run_help("bench").split())
    assert "pip install 'skimrnn[bench]'" in shown
    wide = run_help("train", columns="400")
    assert "a run that was cut off goes on from there if the same command is given again." in wide


@pytest.fixture
def run_help():
    def run(command, columns="80"):
        given = {**os.environ, "COLUMNS": columns, "TERMINAL_WIDTH": columns}
        done = subprocess.run(
            [sys.executable, "-m", "skimrnn", command, "--help"],
            capture_output=True,
            text=True,
            check=True,
            env=given,
        )
        return done.stdout

    return run
