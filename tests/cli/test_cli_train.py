"""`skimrnn train`, for real on tiny data: what it writes, resuming, and what it refuses."""

import dataclasses
import inspect
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from cli_helpers import TINY, run, start, write_csv

import skimrnn
from skimrnn.cli.progress import RunningAverage, TrainingProgress
from skimrnn.cli.train import choose_vectors, train, training_options
from skimrnn.evaluation import load_test_texts
from skimrnn.tasks import load_task
from skimrnn.train import TrainingOptions
from skimrnn.train.options import CONVERSION, RATE_WEIGHT
from skimrnn.train.teachers import load_teachers, say


def given(**more):
    """The parameters of the command, all left out but these."""
    names = [name for name in inspect.signature(train).parameters if name != "ctx"]
    return {**dict.fromkeys(names), "no_skim": False, **more}


def option_helps():
    hints = get_type_hints(train, include_extras=True)
    return {
        name: hint.__metadata__[0].help
        for name, hint in hints.items()
        if hasattr(hint, "__metadata__")
    }


# ---- the options --------------------------------------------------------------------------------


def test_every_training_option_can_be_given():
    fields = {field.name for field in dataclasses.fields(TrainingOptions)}
    assert fields - set(inspect.signature(train).parameters) == set()


def test_the_defaults_in_the_help_are_true():
    helps, defaults = option_helps(), dataclasses.fields(TrainingOptions)
    seen = 0
    for field in defaults:
        said = re.search(r"\[default: (.*)\]\[/dim\]", helps[field.name])
        if field.name == "levels":
            assert said is None  # the help of --skim-size has it
            said = re.search(r"\[default: (.*)\]\[/dim\]", helps["skim_size"])
            assert field.default == (TrainingOptions.hidden_size, int(said[1]))
        elif field.default is None or field.default is False or field.name == "router_options":
            assert said is None or not re.search(r"\d", said[1])
        else:
            assert said is not None, field.name
            assert type(field.default)(said[1]) == field.default, field.name
            seen += 1
    assert seen > 20


def test_nothing_given_is_the_default():
    assert training_options(given()) == TrainingOptions()


def test_a_wanted_rate_says_the_penalty_and_what_it_weighs():
    made = training_options(given(wanted_rate=0.9))
    assert (made.penalty, made.wanted_rate, made.skim_weight) == ("rate", 0.9, RATE_WEIGHT)
    assert training_options(given(wanted_rate=0.9, skim_weight=1.0)).skim_weight == 1
    with pytest.raises(ValueError, match="wanted_rate must be from 0 to 1 with penalty rate"):
        training_options(given(wanted_rate=0.9, penalty="cost"))


@pytest.mark.parametrize(
    ("options", "hidden", "levels"),
    [
        ({"levels": "100,20,0"}, 100, (100, 20, 0)),
        ({"levels": " 30, 3"}, 30, (30, 3)),
        ({"hidden_size": 30}, 30, (30, 5)),
        ({"hidden_size": 30, "skim_size": 0}, 30, (30, 0)),
        ({"no_skim": True, "hidden_size": 7}, 7, (7,)),
        ({"no_skim": True}, 100, (100,)),
    ],
)
def test_levels(options, hidden, levels):
    made = training_options(given(**options))
    assert (made.hidden_size, made.levels) == (hidden, levels)


def test_a_router_that_samples_nothing_has_the_penalty_that_it_can_have():
    assert training_options(given(router="skip-rnn", skim_size=0)).penalty == "cost"
    assert training_options(given(router="leap-lstm", skim_size=0)).penalty == "skim"
    assert training_options(given(router="skip-rnn", wanted_rate=0.5)).penalty == "rate"
    with pytest.raises(ValueError, match="got 'skim'"):
        training_options(given(router="skip-rnn", skim_size=0, penalty="skim"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": "10,5", "skim_size": 5}, "exactly one"),
        ({"levels": "10,5", "hidden_size": 20}, "hidden_size=20"),
        ({"levels": "10;5"}, "separated by commas"),
        ({"levels": "5,10"}, "falling"),
        ({"no_skim": True, "skim_size": 5}, "--no-skim"),
        ({"no_skim": True, "hard": True, "penalty": "cost"}, "leave out --hard, --penalty"),
        ({"no_skim": True, "skim_weight": 0.0}, "--skim-weight"),
        ({"no_skim": True, "wanted_rate": 0.5}, "--wanted-rate"),
        ({"no_skim": True, "skim_ramp_steps": 5}, "--skim-ramp-steps"),
        ({"no_skim": True, "warm_start_steps": 5}, "--warm-start-steps"),
        (
            {"levels": "9", "wanted_rate": 0.5},
            "--levels 9 is a plain RNN, which never skims; leave",
        ),
        ({"levels": "9", "router": "skipw"}, "leave out --router"),
        ({"skim_size": 100}, "skim_size=100"),
        ({"cell": "gru", "router_input": "state"}, "only the LSTM"),
        ({"cell": "lmst"}, "lmst"),
        ({"router_options": "window=3"}, "the router 'softmax' has these options: none; got"),
        ({"router_options": "window"}, "\"window=10,reads=5\"; got 'window'"),
        ({"no_skim": True, "router_options": "reads=3"}, "leave out --router-options"),
        ({"epochs": 0}, "epochs"),
        ({"penalty": "rate"}, "wanted_rate"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        training_options(given(**options))


# ---- word vectors -------------------------------------------------------------------------------


def test_word_vectors_are_looked_for_in_the_data_folder(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    (folder / "glove").mkdir(parents=True)
    assert choose_vectors("none", str(folder), 3)[0] is None
    assert choose_vectors("v.txt", str(folder), 3) == ("v.txt", "v.txt")
    nothing, said = choose_vectors(None, str(folder), 3)
    assert nothing is None
    assert "3 numbers a word" in said
    file = folder / "glove" / "glove.6B.3d.some.txt.gz"
    file.write_bytes(b"")
    (folder / "glove" / "glove.6B.13d.txt").write_bytes(b"")
    found, said = choose_vectors(None, str(folder), 3)
    assert found == file
    assert "found in the data folder" in said
    monkeypatch.setenv("SKIMRNN_DATA", str(folder))
    assert choose_vectors(None, None, 3)[0] == file


# ---- training -----------------------------------------------------------------------------------


def test_training_writes_a_model_and_says_how_to_go_on(training, data):
    result, folder = training
    assert "200" not in result.stdout
    assert re.search(r"best validation accuracy [\d.]+%, [\d.]+% skimmed", result.stdout)
    assert f"saved in {folder}" in result.stdout
    assert f"skimrnn evaluate {folder} {data}" in result.stdout
    assert "160 train, 20 validation, 20 test texts; labels bad, good" in result.stderr
    assert "; Skim-LSTM of 8 / 2 units" in result.stderr
    assert re.search(r"at epoch \d\.\d; ended after 30 steps, \d+ s", result.stdout)
    assert "word vectors: none, drawn at random" in result.stderr
    evaluations = re.findall(r"epoch +([\d.]+)  validation: accuracy", result.stderr)
    assert evaluations[:5] == ["0.4", "1.0", "1.4", "2.0", "2.4"]
    assert evaluations[-1] == "6.0"
    assert not (folder.parent / "tiny.training" / "checkpoint.pt").exists()
    assert skimrnn.load(folder).predict("a superb and moving film") == "good"


def test_the_record_names_the_command_without_folders(training, data):
    record = json.loads((training[1] / "training.json").read_text())
    expected = "skimrnn train ./reviews.csv --out ./tiny --vectors none --hidden-size 8"
    assert record["command"].startswith(expected)
    assert "--threads" not in record["command"]
    assert str(data.parent) not in (training[1] / "training.json").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every file name is text")
def test_a_file_whose_name_is_not_utf8_is_learnt_from(data, tmp_path):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9views.csv")
    shutil.copyfile(data, odd)
    quick = ("--epochs", 1, "--vectors", "none", "--hidden-size", 4, "--skim-size", 1)
    run("train", odd, "--out", tmp_path / "model", *quick)
    model = skimrnn.load(tmp_path / "model")
    assert model.training["task"]["name"] == "r\ufffdviews"
    assert "skimrnn: r\ufffdviews" in (tmp_path / "model" / "README.md").read_text()


def test_a_plain_rnn(data, tmp_path):
    arguments = [*TINY[:2], *TINY[4:-2]]
    result = run("train", data, "--out", "plain", "--no-skim", "--epochs", 1, *arguments)
    assert "plain LSTM of 8 units" in result.stderr
    assert "skimmed" not in result.output
    assert "saved in ./plain" in result.stdout
    assert skimrnn.load("./plain").config.levels == (8,)
    shown = json.loads(run("evaluate", "./plain", data, "--json").stdout)
    assert shown["skim_rate"] == 0
    assert shown["flop_reduction"] == 1
    table = run("evaluate", "./plain", data).stdout
    assert "never skims" in table
    assert "operations" not in table
    refused = run("evaluate", "./plain", data, "--budget", 0.5, code=2)
    assert "a budget needs a level to skim at" in refused.stderr


def test_other_cells_and_options_reach_the_model(data):
    result = run(
        *("train", data, "--out", "gru", "--cell", "gru", "--levels", "6,3,0", "--layers", 2),
        *("--bidirectional", "--epochs", 1, "--embedding-size", 4, "--vectors", "none"),
        *("--dtype", "float16", "--skim-input", "full", "--max-words", 9, "--threads", 1),
    )
    assert "2-layer bidirectional Skim-GRU of 6 / 3 / 0 units" in result.stderr
    model = skimrnn.load("./gru")
    config = model.config
    assert (config.cell, config.levels, config.num_layers) == ("gru", (6, 3, 0), 2)
    assert (config.bidirectional, config.skim_input, config.input_size) == (True, "full", 4)
    assert len(model.vocabulary) <= 10
    assert model.training["options"]["max_words"] == 9
    shown = run("info", "./gru").stdout
    assert "2 layers, both directions" in shown
    assert "6 / 3 / 0 units" in shown


def test_a_model_teaches_another(training, data):
    _, folder = training
    arguments = ["--teacher", folder, "--distillation", 0.9, "--epochs", 1, *TINY]
    run("train", data, "--out", "./pupil", *arguments)
    record = skimrnn.load("./pupil").training
    assert record["teacher"] is True
    assert record["options"]["distillation"] == 0.9
    assert "--teacher ./tiny " in record["command"]
    assert record["command"].endswith("--distillation 0.9")
    stranger = run("train", data, "--out", "./none", "--teacher", "sst", *TINY, code=2)
    assert "a teacher must know the labels bad, good; sst knows negative, positive" in (
        " ".join(stranger.stderr.split())
    )
    alone = run("train", data, "--out", "./none", "--distillation", 0.9, *TINY, code=2)
    assert "got 0.9 and no --teacher" in " ".join(alone.stderr.split())


def test_a_rate_that_was_missed_is_told(data, tmp_path):
    wanted = ("--wanted-rate", 0.95, "--epochs", 1)
    result = run("train", data, "--out", tmp_path / "rated", *wanted, *TINY)
    said = " ".join(result.stdout.split())
    rate = skimrnn.load(tmp_path / "rated").training["best"]["skim_rate"]
    assert f"{100 * rate:.1f}% skimmed (95.0% wanted)" in said
    assert ("far from the rate that was wanted: try more" in said) == (abs(rate - 0.95) > 0.1)


def test_models_teach_by_unlabelled_texts(training, data, tmp_path):
    """The mean of several teachers' probabilities, of a file of lines or of a table's column."""
    _, folder = training
    run("train", data, "--out", "./second", "--seed", 9, "--epochs", 1, *TINY)
    Path("more.txt").write_text("a sublime film\n\nan odd story\n" * 9, "utf-8")
    teachers = ("--teacher", folder, "--teacher", "./second")
    taught = run(
        "train", data, "--out", "./pupil", *teachers, "--unlabelled", "./more.txt", "--epochs", 1,
        *TINY,
    )  # fmt: skip
    assert "18 unlabelled texts" in taught.stderr
    model = skimrnn.load("./pupil")
    assert model.training["unlabelled"] == 18
    said = {(one["how"], one["name"]) for one in model.training["earlier"]}
    teachers_said = {("teacher", folder.name), ("teacher", "second")}
    assert said == {*teachers_said, ("unlabelled", "more.txt")}
    assert "- more.txt, texts without labels" in Path("./pupil/README.md").read_text("utf-8")
    assert "- what the model `second` was trained on" in Path("./pupil/README.md").read_text(
        "utf-8"
    )
    run("train", data, "--start", "./pupil", "--out", "./third", "--epochs", 1, "--threads", 1)
    (start,) = skimrnn.load("./third").training["earlier"]
    assert start["earlier"] == model.training["earlier"]
    assert model.training["command"].count("--teacher ./") == 2
    assert "--unlabelled ./more.txt" in model.training["command"]
    assert "sublime" in model.vocabulary.words
    texts = [line.split(",")[0] for line in data.read_text("utf-8").splitlines()]
    Path("all.csv").write_text("\n".join(texts), "utf-8")
    again = ("--unlabelled", "./all.csv", "--out", "./again", "--epochs", 1, *TINY)
    said = " ".join(run("train", data, *teachers, *again).stderr.split())
    assert re.search(r"\d unlabelled texts are validation or test texts: they are left out", said)
    found = load_test_texts(skimrnn.load("./again"), str(data))
    assert [note for note in found.notes if "seen" in note] == []
    Path("seen.csv").write_text("text,label\na sublime film,good\n", "utf-8")
    run("train", data, *teachers, "--unlabelled", "./seen.csv", *again[2:])
    found = load_test_texts(skimrnn.load("./again"), "./seen.csv")
    assert "seen them" in found.notes[0]
    task = load_task(str(data))
    teachers_of = load_teachers([folder, "./second"], task.labels)
    said = say(teachers_of, task.labels, [*task.train.texts, "an odd story"])
    each = [skimrnn.load(one).predict_proba("an odd story") for one in (folder, "./second")]
    assert said.shape == (len(task.train) + 1, 2)
    np.testing.assert_allclose(said[-1], np.mean(each, axis=0), rtol=1e-6)
    alone = run("train", data, "--out", "./none", "--unlabelled", "./more.txt", *TINY, code=2)
    assert "got more.txt and no --teacher" in " ".join(alone.stderr.split())
    absent = ("--unlabelled", "./absent.txt")
    said = run("train", data, "--out", "./none", *teachers, *absent, *TINY, code=2).stderr
    assert "absent.txt cannot be read" in " ".join(said.split())


def test_a_model_stays_below_what_skims(data, tmp_path):
    plain, words = [*TINY[:2], *TINY[4:-2]], ["the", "film is superb", "a dreadful story"]
    run("train", data, "--out", "./below", "--no-skim", "--epochs", 2, *plain)
    learning = ("--skim-size", 2, "--epochs", 1, "--skim-weight", 0.5, "--threads", 1)
    said = run("train", data, "--base", "./below", "--out", "./above", *learning)
    assert "word vectors: those of ./below" in said.stderr
    below, above = skimrnn.load("./below"), skimrnn.load("./above")
    assert (above.config.levels, above.config.input_size) == ((8, 2), 6)
    assert above.training["base"] == "below"
    assert "--base ./below" in above.training["command"]
    whole = above.predict_proba(words, threshold=1)
    assert whole.tobytes() == below.predict_proba(words).tobytes()
    refused = run("train", data, "--base", "./below", "--vectors", "none", "--out", "./x", code=2)
    said = "--base has its own word vectors; got --base ./below and --vectors none"
    assert said in " ".join(refused.stderr.split())
    useless = ("--min-count", 9, "--freeze-embedding")
    refused = run("train", data, "--base", "./below", *useless, "--out", "./x", code=2)
    assert "leave out --min-count, --freeze-embedding" in " ".join(refused.stderr.split())
    other = run("train", data, "--base", "sst", "--out", "./x", *learning, code=2)
    assert "a base must know the labels bad, good" in " ".join(other.stderr.split())


def test_a_plain_model_is_made_to_skim(training, data, tmp_path):
    _, skimming = training
    run("train", data, "--out", "./plain", "--no-skim", *TINY[:2], *TINY[4:-2])
    (tmp_path / "more.txt").write_text("the film is superb\na dreadful story\n" * 20)
    convert = ("train", data, "--convert", "./plain", "--unlabelled", "./more.txt")
    learning = ("--epochs", 1, "--threads", 1)
    said = run(*convert, "--out", "./fast", *learning, "--dropout", 0.1)
    assert "40 unlabelled" in " ".join(said.stderr.split())
    fast, plain = skimrnn.load("./fast"), skimrnn.load("./plain")
    assert fast.config.levels == (8, 1)  # a fifth of the units
    assert fast.vocabulary.words[: len(plain.vocabulary)] == plain.vocabulary.words
    found = fast.training["options"]
    assert {name: found[name] for name in CONVERSION} == {**CONVERSION, "dropout": 0.1}
    assert (fast.training["start"], fast.training["teacher"]) == ("plain", True)
    assert {one["how"] for one in fast.training["earlier"]} == {"start", "teacher", "unlabelled"}
    assert "--convert ./plain" in fast.training["command"]
    run(*convert, "--out", "./other", *learning, "--penalty", "skim", "--skim-size", 3)
    other = skimrnn.load("./other").training["options"]
    assert (other["penalty"], other["wanted_rate"], other["skim_weight"]) == ("skim", None, 0.01)
    assert other["levels"] == [8, 3]
    for more, why in (
        (("--start", "sst", "--teacher", "sst"), "skims; leave out --start, --teacher"),
        (("--no-skim",), "leave out --no-skim"),
        (("--convert", skimming), "skims already (levels=(8, 2)); go on from it with --start"),
    ):
        refused = run(*convert, *more, "--out", "./x", *learning, code=2)
        assert why in " ".join(refused.stderr.split())


def test_training_goes_on_from_a_model(training, data):
    _, folder = training
    begun, learning = skimrnn.load(folder), ("--epochs", 1, "--threads", 1)
    said = run("train", data, "--start", folder, "--out", "./on", *learning)
    assert f"word vectors: those of {folder}" in " ".join(said.stderr.split())
    on = skimrnn.load("./on")
    assert on.config == begun.config
    assert on.vocabulary.words == begun.vocabulary.words
    assert on.training["start"] == "tiny"
    (earlier,) = on.training["earlier"]
    assert earlier == {"how": "start", "name": "tiny", "task": begun.training["task"]}
    assert "- what the model `tiny` was trained on" in Path("./on/README.md").read_text("utf-8")
    assert "--start ./tiny" in on.training["command"]
    run("train", data, "--start", folder, "--no-skim", "--out", "./plain", *learning)
    assert skimrnn.load("./plain").config.levels == begun.config.levels[:1]
    refused = ("--start", "./plain", "--wanted-rate", 0.9, "--out", "./x", *learning)
    said = run("train", data, *refused, code=2).stderr
    assert "give --skim-size too, or leave out --wanted-rate" in " ".join(said.split())
    run("train", data, "--start", folder, "--skim-size", 1, "--out", "./other", *learning)
    assert skimrnn.load("./other").config.levels == (begun.config.hidden_size, 1)
    for more, why in (
        (("--base", "sst"), "--base has its own word vectors; got --base sst and --start"),
        (("--vectors", "none"), "and --vectors none, give one of them"),
        (("--embedding-size", 9), "--start has its own word vectors; leave out --embedding-size"),
        (("--hidden-size", 9), "a start must have the full cell that is asked for"),
        (("--cell", "gru"), "a start must have the full cell that is asked for, cell='gru'"),
    ):
        refused = run("train", data, "--start", folder, *more, "--out", "./x", *learning, code=2)
        assert why in " ".join(refused.stderr.split())


def test_the_folder_that_one_is_in_is_refused(data, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    refused = run("train", data, "--out", ".", code=2)
    assert "name another one, such as ./model" in " ".join(refused.stderr.split())
    assert list(tmp_path.glob("here*/*")) == []


def test_a_folder_with_other_files_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    result = run("train", "./absent.csv", "--out", "mine", code=2)
    assert "holds files but no skimrnn model" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["./absent.csv"], "absent.csv does not exist"),
        (["nonsense"], "not a built-in data set"),
        (["sst", "--data-dir", "nowhere"], "nowhere"),
        (["sst", "--text-column", "x"], "no column to name"),
        (["sst", "--penalty", "rate"], "wanted_rate"),
        (["sst", "--dtype", "int8"], "dtype"),
        (["./absent.csv", "--device", "tpu"], 'device must be "cpu" or "cuda"; got \'tpu\''),
    ],
)
def test_mistakes_end_with_one_message(arguments, message):
    result = run("train", *arguments, "--out", "o", "--vectors", "none", code=2)
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert not os.path.exists("o")


def test_wrong_columns_and_one_class(data, tmp_path):
    result = run("train", data, "--out", "o", "--label-column", "stars", code=2)
    assert "no column 'stars'" in result.stderr
    (tmp_path / "one.csv").write_text("text,label\n" + "a film,good\n" * 30)
    result = run("train", "./one.csv", "--out", "o", code=2)
    assert "at least two labels" in result.stderr


def test_without_torch_one_sentence_says_what_to_install(data):
    program = (
        "import sys; sys.modules['torch'] = None\n"
        f"sys.argv = ['skimrnn', 'train', {str(data)!r}, '--out', 'o']\n"
        "from skimrnn.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'skimrnn[train]'" in done.stderr


# ---- interruptions ------------------------------------------------------------------------------


def wait_for(path, process, seconds=60):
    """Wait until a file is there while the process runs."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


LONG = [*TINY, "--epochs", "40", "--patience", "1000", "--batch-size", "8"]
ENDLESS = [*TINY, "--epochs", "100000", "--patience", "1000000", "--batch-size", "8"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """A folder with data and the model of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("runs")
    write_csv(folder / "reviews.csv", 150)
    run("train", folder / "reviews.csv", "--out", folder / "calm", *LONG)
    return folder


def test_a_killed_run_resumes_to_the_identical_weights(uninterrupted):
    arguments = ["train", uninterrupted / "reviews.csv", "--out", uninterrupted / "killed", *LONG]
    process = start(*arguments)
    checkpoint = uninterrupted / "killed.training" / "checkpoint.pt"
    wait_for(checkpoint, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert checkpoint.exists()
    assert not (uninterrupted / "killed").exists()
    result = run(*arguments)
    assert re.search(r"going on from the checkpoint of step \d+ of", result.stderr)
    names = ("model.safetensors", "vocabulary.txt", "config.json")
    for name in names:
        killed, calm = (uninterrupted / run / name for run in ("killed", "calm"))
        assert killed.read_bytes() == calm.read_bytes(), name
    assert not checkpoint.exists()
    best = [
        json.loads((uninterrupted / run / "training.json").read_text())["best"]
        for run in ("killed", "calm")
    ]
    assert best[0] == best[1]


def test_ctrl_c_says_how_to_go_on(uninterrupted):
    folder = uninterrupted / "stopped"
    arguments = ["train", uninterrupted / "reviews.csv", "--out", folder, *ENDLESS]
    process = start(*arguments)
    wait_for(uninterrupted / "stopped.training" / "checkpoint.pt", process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"give the same command to go on from the last checkpoint" in stderr
    assert b"Traceback" not in stderr
    other = run(*arguments, "--seed", 7, code=2)
    assert "another run (seed was 0 and is 7)" in other.stderr


# ---- the progress bar ---------------------------------------------------------------------------


def test_a_running_average_is_the_mean_at_first_and_forgets_later():
    average = RunningAverage(memory=4)
    assert not average.known
    for value in (1.0, 2.0, 6.0):
        average.add(value)
    assert average.value == pytest.approx(3.0)
    for _ in range(100):
        average.add(10.0)
    assert average.value == pytest.approx(10.0)


def test_a_line_in_between_where_there_is_no_terminal(capsys, monkeypatch):
    monkeypatch.setattr("skimrnn.cli.progress.PLAIN_SECONDS", 0.0)
    step = {"event": "step", "of": 10, "loss": 0.5, "accuracy": 0.75, "tokens": 30}
    with TrainingProgress(epochs=2) as progress:
        progress.show({**step, "step": 5, "skim_rate": None})
        progress.show({**step, "step": 6, "skim_rate": 0.25})
    first, second, third = capsys.readouterr().err.splitlines()
    assert first == "going on from the checkpoint of step 4 of 10"
    assert second == "step 5 of 10: loss 0.500  accuracy 75%"
    assert third.startswith("step 6 of 10: loss 0.500  accuracy 75%  skimmed 25%  ")
    assert third.endswith(" tokens/s")


def test_evaluations_are_told_apart_and_the_best_is_the_trainers_word(capsys):
    event = {"event": "evaluation", "score": 0.9, "accuracy": 0.9, "loss": 0.5, "skim_rate": None}
    with TrainingProgress(epochs=2, evaluations_per_epoch=11) as progress:
        progress.show({**event, "epoch": 1 / 11, "best": False})
        progress.show({**event, "epoch": 2 / 11, "score": 0.1, "best": True})
    with TrainingProgress(epochs=2, evaluations_per_epoch=10) as progress:
        progress.show({**event, "epoch": 0.1, "best": False})
    first, second, third = capsys.readouterr().err.splitlines()
    assert first == "epoch   0.09  validation: accuracy 90.0%  loss 0.500"
    assert second == "epoch   0.18  validation: accuracy 90.0%  loss 0.500  best so far"
    assert third == "epoch   0.1  validation: accuracy 90.0%  loss 0.500"


@pytest.mark.parametrize(("given", "sleep"), [(None, True), ("ACTIVE", False)])
def test_threads_of_torch_sleep_while_they_wait(tmp_path, given, sleep):
    """GNU's OpenMP says, as torch brings it in, how often its threads spin before they sleep."""
    data = write_csv(tmp_path / "reviews.csv", 60)
    told = {"OMP_DISPLAY_ENV": "VERBOSE"} | ({} if given is None else {"OMP_WAIT_POLICY": given})
    kept = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    command = ("train", data, "--out", tmp_path / "model", *TINY)
    done = subprocess.run(
        [sys.executable, "-m", "skimrnn", *map(str, command)],
        env=kept | told,
        capture_output=True,
        text=True,
        check=True,
    )
    spins = re.findall(r"GOMP_SPINCOUNT\s*=\s*'(\d+)'", done.stderr)
    if not spins:
        pytest.skip("torch's OpenMP is not GNU's and does not say how long it spins")
    assert {int(count) == 0 for count in spins} == {sleep}
