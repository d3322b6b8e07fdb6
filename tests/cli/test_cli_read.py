"""`skimrnn read`: what counts as a text, what is printed, and texts of every kind."""

import json
import os
import signal
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from cli_helpers import run, start

import skimrnn
from skimrnn.cli.read import Source, find_sources
from skimrnn.show import view


def test_json_is_the_view_one_line_a_text(model):
    result = run("read", model, "A superb film.", "dreadful é 😀", "--json")
    lines = result.stdout.splitlines()
    expected = skimrnn.load(model).read(["A superb film.", "dreadful é 😀"])
    assert [json.loads(line) for line in lines] == [view(reading) for reading in expected]
    assert result.stderr == ""


def test_the_rule_reaches_the_reader(model):
    text = "the film has a superb and moving story"
    everything = json.loads(run("read", model, text, "--threshold", 1, "--json").stdout)
    nothing = json.loads(run("read", model, text, "--threshold", "-1", "--json").stdout)
    assert (everything["skim_rate"], nothing["skim_rate"]) == (0.0, 1.0)
    some = run("read", model, text, "--threshold", 1, "--budget", 0.5, "--burst", 0, "--json")
    levels = [token["level"][0][0] for token in json.loads(some.stdout)["tokens"]]
    assert levels == [1, 0] * 4
    burst = run("read", model, text, "--threshold", 1, "--budget", 0, "--burst", 3, "--json")
    levels = [token["level"][0][0] for token in json.loads(burst.stdout)["tokens"]]
    assert levels == [0] * 3 + [1] * 5
    assert (
        json.loads(run("read", model, text, "--threshold", "argmax", "--json").stdout)["threshold"]
        == "argmax"
    )


def test_what_a_person_sees(model):
    result = run("read", model, "A superb film.", "--threshold", 1)
    assert "read 4 of 4 words (0% skimmed)" in result.stdout
    assert "[A superb film.]" in result.stdout


@pytest.mark.parametrize(
    ("rank", "processes", "prints"),
    [("1", None, True), ("1", "1", True), ("0", "2", True), ("1", "2", False), ("one", "2", True)],
)
def test_only_the_first_of_several_processes_prints(rank, processes, prints, model, monkeypatch):
    monkeypatch.setenv("RANK", rank)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    if processes is not None:
        monkeypatch.setenv("WORLD_SIZE", processes)
    assert bool(run("read", model, "A superb film.").stdout) == prints


def test_files_stdin_and_texts(model, tmp_path):
    (tmp_path / "one.txt").write_text("superb\nmoving\n", encoding="utf-8")
    result = run("read", model, "one.txt", "-", "no such.txt", "--json", input="clever\n")
    texts = [json.loads(line)["text"] for line in result.stdout.splitlines()]
    assert texts == ["superb\nmoving", "clever", "no such.txt"]
    named = run("read", model, "./one.txt", "plain text").stdout
    assert named.startswith("./one.txt:\n")
    assert named.count(":\n") == 1


def test_a_word_that_looks_like_a_file_but_is_none_is_told(model):
    doubtful = ["absent.CSV", "a note.txt", "./ is this folder", "/s A fine film."]
    certain = ["etc.", "a\nnote.txt", "so long a line is no name " * 10 + ".txt"]
    result = run("read", model, *doubtful, *certain, "--json")
    told = [f"{text} was read as a text: there is no such file" for text in doubtful]
    assert result.stderr.splitlines() == told
    texts = [json.loads(line)["text"] for line in result.stdout.splitlines()]
    assert texts == [*doubtful, *certain]


def test_lines_are_texts_if_wanted(model, tmp_path):
    (tmp_path / "many.txt").write_bytes(b"superb\r\n\n  \nstale\n")
    result = run("read", model, "many.txt", "--lines", "--json")
    assert [json.loads(line)["text"] for line in result.stdout.splitlines()] == ["superb", "stale"]


def test_nothing_named_reads_the_input(model):
    result = run("read", model, "--json", input="superb")
    assert json.loads(result.stdout)["text"] == "superb"


def test_nothing_named_on_a_terminal_is_an_error(monkeypatch):
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    with pytest.raises(ValueError, match="nothing to read"):
        find_sources([], lines=False)


@pytest.mark.parametrize(
    ("argument", "what"),
    [
        ("./absent.txt", "no file"),
        ("/absent/file", "no file"),
        ("./folder", "a folder"),
        ("./my film review.txt", "no file"),
        ("~/My Reviews.CSV", "no file"),
    ],
)
def test_something_named_like_a_path_must_be_a_file(argument, what, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=f"is {what}; give a file, or a text"):
        find_sources([argument], lines=False)


@pytest.mark.parametrize(
    "text", ["and/or", "/ slashes / here", "x" * 5000, "a\0b", "folder", "~nobody-of-this-name/x"]
)
def test_everything_else_is_a_text(text, tmp_path):
    (tmp_path / "folder").mkdir()
    assert find_sources([text], lines=False) == [Source(text, None)]


@pytest.mark.parametrize("text", ["", " ", "...", "\ud800 lone", "\x1b[2J", "zzz " * 300, "é😀"])
def test_texts_of_every_kind(model, text):
    assert run("read", model, text).stdout
    assert json.loads(run("read", model, text, "--json").stdout)["text"] == text


def test_a_file_that_is_not_utf8(model, tmp_path):
    (tmp_path / "latin.txt").write_bytes("très superb".encode("latin-1"))
    result = run("read", model, "latin.txt", "--json")
    assert json.loads(result.stdout)["text"] == "tr\ufffds superb"


def test_an_ascii_terminal_gets_stand_ins(model):
    process = start(
        "read", model, "très superb \udcff", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    )
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert b"superb" in out
    out.decode("ascii")


def test_a_page_is_written(model, tmp_path):
    result = run("read", model, "superb", "stale", "--html", "pages/p.html")
    page = (tmp_path / "pages" / "p.html").read_text(encoding="utf-8")
    assert page.count("<article") == 2
    assert "wrote pages/p.html" in result.stderr
    assert os.listdir(tmp_path / "pages") == ["p.html"]


def test_many_texts_on_a_page_are_not_all_printed(model, tmp_path):
    (tmp_path / "many.txt").write_text("superb\n" * 23)
    result = run("read", model, "many.txt", "--lines", "--html", "p.html")
    assert result.stdout.count("many.txt:") == 20
    assert "the other texts, 3 of them, stand in p.html" in result.stderr


def test_a_page_that_cannot_be_written(model, tmp_path):
    (tmp_path / "file").write_text("")
    result = run("read", model, "superb", "--html", "file/p.html", code=2)
    assert result.stderr.startswith("error: ")
    assert "file" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody", "x"], "no bundled model 'nobody'"),
        (["./absent", "x"], "no such folder"),
        (["{model}", "x", "--threshold", "nan"], "not NaN"),
        (["{model}", "x", "--threshold", "high"], "must be a number"),
        (["{model}", "x", "--budget", "2"], "from 0 to 1"),
        (["{model}", "x", "--burst", "-1"], "at least 0"),
    ],
)
def test_mistakes_end_with_one_message(model, arguments, message):
    given = [str(model) if argument == "{model}" else argument for argument in arguments]
    result = run("read", *given, code=2)
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert result.stdout == ""


def test_a_damaged_model_names_every_problem(model, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in model.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "model.safetensors").write_bytes(b"not tensors")
    (broken / "vocabulary.txt").unlink()
    result = run("read", "./broken", "x", code=2)
    assert "model.safetensors" in result.stderr
    assert "vocabulary.txt" in result.stderr


def test_a_traceback_if_wanted(model, monkeypatch):
    monkeypatch.setenv("SKIMRNN_TRACEBACK", "1")
    with pytest.raises(ValueError, match="must be a number"):
        run("read", model, "x", "--threshold", "high")


def test_a_reader_that_has_enough_is_left_in_peace(model, tmp_path):
    (tmp_path / "many.txt").write_text("a superb film in town\n" * 2000)
    process = start("read", model, "many.txt", "--lines", "--json")
    assert json.loads(process.stdout.readline())["text"] == "a superb film in town"
    process.stdout.close()
    process.wait(timeout=60)
    assert process.returncode in (1, -signal.SIGPIPE)
    assert process.stderr.read() == b""
    process.stderr.close()


def test_the_input_is_read_by_the_installed_module(model):
    done = subprocess.run(
        [sys.executable, "-m", "skimrnn", "read", str(model), "-"],
        input="superb",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "words" in done.stdout or "word" in done.stdout
    assert "superb" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX closes them")
def test_closed_streams_are_left_in_peace(model):
    read = [sys.executable, "-m", "skimrnn", "read", str(model)]
    for closed, more, code in (
        ("0<&-", [], 0),
        ("1>&-", ["superb", "--json"], 0),
        ("2>&-", ["superb", "--threshold", "high"], 2),
        ("0<&- 1>&- 2>&-", [], 0),
    ):
        shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *read, *more]
        done = subprocess.run(shell, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (code, ""), closed


def test_svg_is_a_picture_of_one_text(model, tmp_path):
    run("read", model, "superb and stale", "--svg", "picture.svg")
    root = ElementTree.parse(tmp_path / "picture.svg").getroot()
    assert root.tag.endswith("svg")
    assert "superb" in "".join(root.itertext())
    result = run("read", model, "superb", "stale", "--svg", "two.svg", code=2)
    assert "--svg makes a picture of one text; got 2" in result.stderr
    assert not (tmp_path / "two.svg").exists()
