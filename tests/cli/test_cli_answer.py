"""``skimrnn answer``: the answer, its place, and what each layer and direction skimmed."""

import json

import pytest
from cli_helpers import run

from answerers import as_file, make_answerer
from models import saved
from skimrnn.answerer_file import write_answerer
from skimrnn.runtime.answerer import Answerer

CONTEXT = "The red box is in the kitchen. The 😀 is in the Café, isn't it?"
ASKED = "Where is the box?"


@pytest.fixture
def model(tmp_path):
    write_answerer(tmp_path / "mine", as_file(make_answerer()))
    return tmp_path / "mine"


@pytest.fixture
def context(tmp_path):
    path = tmp_path / "context.txt"
    path.write_text(CONTEXT + "\n", encoding="utf-8")
    return path


def test_the_answer_and_what_was_skimmed(model, context):
    result = run("answer", model, "--context", context, "--question", ASKED)
    found = Answerer(as_file(make_answerer())).answer(CONTEXT, ASKED)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == ASKED
    assert lines[1].startswith(f"{found.answer} ")
    assert lines[-2:] == [
        "layer 1 skimmed 26% forward, 0% backward",
        "layer 2 skimmed 0% forward, 100% backward",
    ]


def test_json_has_the_place_and_every_rate(model, context):
    result = run("answer", model, "--context", context, "--question", ASKED, "--json")
    one = json.loads(result.stdout)
    assert CONTEXT[one["start"] : one["end"]] == one["answer"]
    assert one["question"] == ASKED
    assert len(one["skim_rates"]) == 2
    assert len(one["tokens"]) == 19
    assert one["text"] == CONTEXT
    assert "label" not in one


def test_several_questions_and_a_page(model, context, tmp_path):
    page = tmp_path / "page.html"
    asked = ("--question", ASKED, "--question", "What is <i>in</i> the Café?")
    result = run("answer", model, "--context", context, *asked, "--html", page)
    assert result.exit_code == 0
    assert "What is <i>in</i> the Café?" in result.stdout
    html = page.read_text(encoding="utf-8")
    assert "2 questions about a text" in html
    assert html.count("<article") == 2
    run("answer", model, "--context", context, "--question", "<i>?", "--html", page)
    assert "<title>&lt;i&gt;?</title>" in page.read_text(encoding="utf-8")


def test_a_threshold_of_one_reads_everything(model, context):
    given = ("answer", model, "--context", context, "--question", ASKED, "--json")
    assert json.loads(run(*given, "--threshold", "1").stdout)["skim_rate"] == 0


def test_what_cannot_be_is_said(model, context, tmp_path):
    saved(tmp_path / "classifier")
    for arguments, expected in (
        ((tmp_path / "classifier", "--context", context, "--question", "?"), 'not "answerer"'),
        ((model, "--context", tmp_path / "none.txt", "--question", "?"), "none.txt"),
        ((model, "--context", context, "--question", " "), "the question has no word to read"),
        ((tmp_path / "none", "--context", context, "--question", "?"), "there is no such folder"),
    ):
        result = run("answer", *arguments, code=2)
        assert expected in " ".join(result.output.split())
