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
    assert "What is &lt;i&gt;in&lt;/i&gt; the Café?</p>" in html
    assert html.index(ASKED) < html.index("What is &lt;i&gt;in")
    assert html.count("<article") == 2


def test_a_threshold_of_one_reads_everything(model, context):
    given = ("answer", model, "--context", context, "--question", ASKED, "--json")
    assert json.loads(run(*given, "--threshold", "1").stdout)["skim_rate"] == 0


def squad_file(path, contexts):
    """A file in the layout of SQuAD: each thing stands in a place."""
    articles = []
    for number in range(contexts):
        things, places = ("box", "cat", "key", "hat"), ("kitchen", "garden", "attic", "barn")
        thing, place = things[number % 4], places[(number // 4) % 4]
        text = f"The {thing} is in the {place} ."
        answer = {"text": place, "answer_start": text.index(place)}
        asked = {"id": f"q{number}", "question": f"Where is the {thing}?", "answers": [answer]}
        articles.append({"title": f"t{number}", "paragraphs": [{"context": text, "qas": [asked]}]})
    path.write_text(json.dumps({"data": articles, "version": "1.1"}))
    return path


def unwrapped(result):
    return " ".join(result.output.split())


def with_long_contexts(path, data):
    """The same, the answers of every fourth article beyond its 400th word."""
    whole = json.loads(data.read_text())
    for article in whole["data"][::4]:
        [paragraph] = article["paragraphs"]
        before = "so " * 500
        paragraph["context"] = before + paragraph["context"]
        paragraph["qas"][0]["answers"][0]["answer_start"] += len(before)
    path.write_text(json.dumps(whole))
    return path


def test_a_model_of_your_own_from_a_file_to_an_answer(context, tmp_path):
    data, out = squad_file(tmp_path / "mine.json", 64), tmp_path / "mine-model"
    given = ("--vectors", "none", "--hidden-size", 8, "--skim-size", 2, "--filters", 4)
    more = ("--epochs", 12, "--batch-size", 8, "--learning-rate", 0.02, "--threads", 1)
    result = run("train-answerer", data, "--out", out, *given, *more, "--dropout", 0)
    lines = result.stdout.splitlines()
    assert lines[0].startswith("best on validation: F1 ")
    assert lines[0].endswith("skimmed")
    assert "validation: F1" in result.stderr
    training = json.loads((out / "training.json").read_text())
    assert training["command"].startswith("skimrnn train-answerer ./mine.json --out ./mine-model")
    options = training["options"]
    assert options["warm_start_steps"] == training["steps"] // 2
    assert (options["penalty"], options["wanted_rate"]) == ("rate", 0.6)
    assert options["skim_start"] == "reading"
    context.write_text("The cat is in the barn .")
    asked = ("--context", context, "--question", "Where is the cat?", "--json")
    assert json.loads(run("answer", out, *asked).stdout)["answer"] == "barn"
    taught, teacher = tmp_path / "taught", ("--teacher", out, "--distillation", 0.75)
    run("train-answerer", data, "--out", taught, *given, "--epochs", 1, *teacher)
    training = json.loads((taught / "training.json").read_text())
    assert (training["teacher"]["name"], training["options"]["distillation"]) == (out.name, 0.75)
    paper, plain = tmp_path / "paper", ("--skim-weight", 0.1, "--warm-start-steps", 0)
    run("train-answerer", data, "--out", paper, *given, "--epochs", 1, *plain)
    options = json.loads((paper / "training.json").read_text())["options"]
    assert (options["penalty"], options["skim_weight"]) == ("skim", 0.1)
    assert options["skim_start"] == "drawn"
    assert options["freeze_embedding"] is False
    short = ("--epochs", 1, "--max-tokens", 5)
    refused = run("train-answerer", data, "--out", out, *given, *short, code=2)
    assert "within the first 5 words of its text; raise max_tokens" in unwrapped(refused)
    mixed = with_long_contexts(tmp_path / "mixed.json", data)
    result = run("train-answerer", mixed, "--out", paper, *given, "--epochs", 1)
    training = json.loads((paper / "training.json").read_text())
    given_up = training["task"]["counts"]["train"]["questions"] - training["questions"]["train"]
    assert given_up > 0
    assert f"{given_up} of the training questions were left out" in unwrapped(result)
    never = run("train-answerer", data, "--out", out, "--no-skim", "--skim-size", 3, code=2)
    assert "which never skims; leave out --skim-size" in unwrapped(never)
    refused = run("train-answerer", data, "--out", out, "--wanted-rate", 0.5, *plain, code=2)
    assert "two ways to say how much is skimmed" in " ".join(refused.output.split())
    refused = run("train-answerer", data, "--out", taught, *teacher[2:], code=2)
    assert "--distillation is a teacher's share of the loss; got 0.75" in refused.output
    refused = run("train-answerer", data, "--out", out, "--model", "magic", code=2)
    assert "model must be one of attention, bidaf; got 'magic'" in refused.output
    refused = run("train-answerer", "squad", "--out", out, "--data-dir", tmp_path, code=2)
    assert "squad is not on this machine" in " ".join(refused.output.split())


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
