"""``skimrnn calibrate``: it measures, says, and stores what it chose."""

import json
import shutil

import pytest
from cli_helpers import run

import skimrnn
from models import tree
from skimrnn.calibration import THRESHOLDS
from skimrnn.decision import Rule
from skimrnn.model_file import with_rule


@pytest.fixture
def model(training, tmp_path):
    """A copy, to be changed."""
    return shutil.copytree(training[1], tmp_path / "copy")


def test_the_choice_is_stored_and_nothing_else_changes(model, data):
    before = tree(model)
    result = run("calibrate", model, data, "--skim-rate", "0")
    assert "<- chosen" in result.stdout
    assert "reads at threshold" in result.stderr
    after = tree(model)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed <= {"config.json", "training.json"}
    record = skimrnn.load(model).training["calibration"]
    assert record["data"] == f"./{data.name}"
    assert str(data.parent) not in (model / "training.json").read_text()
    assert record["goal"] == {"skim_rate": 0.0}
    assert skimrnn.load(model).rule.threshold == record["chosen"]["threshold"]
    old, new = (json.loads(one["training.json"]) for one in (before, after))
    assert {name: new[name] for name in old if name != "calibration"} == {
        name: value for name, value in old.items() if name != "calibration"
    }


def test_what_else_lies_in_the_folder_stays(model, data):
    (model / ".git").mkdir()
    (model / ".git" / "HEAD").write_text("ref: refs/heads/main")
    (model / "absent").symlink_to("nowhere")
    run("calibrate", model, data, "--skim-rate", "0", "--limit", "5")
    assert (model / ".git" / "HEAD").read_text() == "ref: refs/heads/main"
    assert (model / "absent").is_symlink()


def test_json_and_a_new_folder(model, data, tmp_path):
    before = tree(model)
    out = tmp_path / "tuned"
    result = run(
        *("calibrate", model, data, "--max-accuracy-drop", "100", "--limit", "20"),
        *("--out", out, "--json"),
    )
    found = json.loads(result.stdout)
    assert found["goal"] == {"max_accuracy_drop": 100.0}
    assert len(found["points"]) == len(THRESHOLDS)
    assert tree(model) == before
    assert skimrnn.load(out).rule.threshold == found["chosen"]["threshold"]
    assert skimrnn.load(out).training["calibration"]["limit"] == 20
    assert tree(out)["model.safetensors"] == before["model.safetensors"]


def test_files_that_may_not_be_written_are_copied_to_ones_that_may(model, data, tmp_path):
    for file in model.iterdir():
        file.chmod(0o444)
    run("calibrate", model, data, "--skim-rate", "0", "--limit", "5", "--out", tmp_path / "new")
    assert all(file.stat().st_mode & 0o200 for file in (tmp_path / "new").iterdir())


def test_a_budget_is_kept_or_taken_away(model, data):
    with_rule(model, model, Rule(0.5, 0.0, 0), {})
    stored = {}
    for options in ((), ("--no-budget",)):
        found = run("calibrate", model, data, "--skim-rate", "0", "--json", *options)
        rates = {point["skim_rate"] for point in json.loads(found.stdout)["points"]}
        stored[options] = skimrnn.load(model).rule.budget, 0.0 in rates
    # Under the budget nothing is ever read; without it θ = 1 reads everything.
    assert stored == {(): (0.0, False), ("--no-budget",): (None, True)}


def test_a_dry_run_stores_nothing(model, data):
    before = tree(model)
    run("calibrate", model, data, "--skim-rate", "0", "--dry-run", "--limit", "5")
    assert tree(model) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "exactly one of --max-accuracy-drop, --skim-rate and --max-us-per-token; got 0"),
        (["--skim-rate", "0.5", "--max-us-per-token", "1"], "got 2 of them"),
        (["--skim-rate", "2"], "skim_rate must be 0 to 1"),
        (["--max-us-per-token", "0.0"], "no threshold tried reaches max_us_per_token=0"),
    ],
)
def test_goals_that_cannot_be(arguments, said, model, data):
    before = tree(model)
    result = run("calibrate", model, data, "--limit", "5", *arguments, code=2)
    assert said in " ".join(result.stderr.split())
    assert tree(model) == before


def test_a_bundled_model_stays_as_it_is(data):
    result = run("calibrate", "sst", data, "--skim-rate", "0.5", code=2)
    assert "comes with the package and stays as it is" in " ".join(result.stderr.split())


def test_a_folder_that_is_no_model_is_refused_first(model, data, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    notes = tmp_path / "notes"
    result = run("calibrate", model, data, "--skim-rate", "0", "--out", notes, code=2)
    assert "holds files but no skimrnn model" in " ".join(result.stderr.split())
    assert (tmp_path / "notes" / "a.txt").read_text() == "mine"
