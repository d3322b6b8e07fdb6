import json
from pathlib import Path

import numpy as np
import pytest

from skimrnn.tasks import (
    Answer,
    DataError,
    Question,
    Questions,
    QuestionTask,
    load_questions,
    load_task,
    predictions_to_json,
    read_predictions,
    squad,
)
from skimrnn.tasks.squad import read_file

CONTEXT = "𝔘 Köln liegt am Rhein 🌉 und 🌉 leuchtet 𝔙"


def asked(name: str, text: str, *starts: int, **more) -> dict:
    answers = [{"text": text, "answer_start": start} for start in starts]
    return {"id": name, "question": f"{name}?", "answers": answers, **more}


def paragraph(context: str, *questions: dict) -> dict:
    return {"context": context, "qas": list(questions)}


def layout(*articles: tuple) -> str:
    data = [{"title": title, "paragraphs": list(paragraphs)} for title, *paragraphs in articles]
    return json.dumps({"data": data, "version": "1.1"})


def numbered(articles: int, contexts: int = 3, questions: int = 2, name: str = "q") -> str:
    """Articles of as many contexts, each with as many questions."""
    return layout(
        *(
            (
                f"{name} article {a}",
                *(
                    paragraph(
                        f"it is {name} {a} {c}",
                        *(asked(f"{name}-{a}-{c}-{q}", "it", 0) for q in range(questions)),
                    )
                    for c in range(contexts)
                ),
            )
            for a in range(articles)
        )
    )


def some(**change) -> Questions:
    given = {
        "contexts": ["one two", "two two"],
        "titles": ["A", "B"],
        "questions": [Question("x", "?", 1, (Answer("two", 0), Answer("two", 4)))],
    }
    return Questions(**{**given, **change})


def one(*answers: Answer, context: int = 0) -> dict:
    return {"questions": [Question("x", "?", context, answers)]}


def test_an_answer_ends_after_its_last_code_point():
    assert Answer("🌉 und", 22).end == 27
    assert CONTEXT[22:27] == "🌉 und"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"titles": ["A"]}, "titles must have one entry for each of the 2 contexts; got 1"),
        (one(Answer("two", 0), context=2), "'x': context must be a row of the 2 .* 0; got 2"),
        (one(Answer("two", 0), context=-1), "'x': context must be a row of .*; got -1"),
        (one(), "question 'x' of the article 'A' has no answer; give it one or leave it out"),
        (one(Answer("", 0)), "'x' of the article 'A' has an empty answer; give it a text"),
        (
            one(Answer("two", 3)),
            "'x' of the article 'A': the answer 'two' is not at code point 3 of its context, where "
            "' tw' stands; the nearest one is at 4",
        ),
        (one(Answer("two", 3), context=1), "where ' tw' stands; the nearest one is at 4"),
        (one(Answer("two", 1), context=1), "where 'wo ' stands; the nearest one is at 0"),
        (one(Answer("two", -3)), "code point -3 of its context, where '' stands; .* is at 4"),
        (one(Answer("wo", -4)), "code point -4 of its context, where '' stands; .* is at 5"),
        (one(Answer("two", 9)), "code point 9 of its context, where '' stands; .* is at 4"),
        (one(Answer("six", 0)), "where 'one' stands; the context does not hold it"),
        (
            {"questions": [Question("x", "?", n, (Answer("two", 4),)) for n in (0, 1)]},
            "2 questions have the id 'x'; give each its own",
        ),
    ],
)
def test_questions_refuse_what_does_not_fit(change: dict, message: str):
    with pytest.raises(ValueError, match=message):
        some(**change)


def test_take_keeps_the_contexts_that_are_needed():
    questions = [Question(f"{n}", "?", n % 3, (Answer("it", 0),)) for n in range(6)]
    whole = Questions(["it a", "it b", "it c"], ["A", "B", "C"], questions)
    part = whole.take(np.array([5, 3, 2]))
    assert part.contexts == ["it a", "it c"]
    assert part.titles == ["A", "C"]
    assert [(q.id, q.context) for q in part.questions] == [("5", 1), ("3", 0), ("2", 1)]
    assert len(part) == 3
    assert whole.take(range(6)) == whole
    assert whole.take([]) == Questions([], [], [])


def test_a_task_refuses_an_empty_split():
    with pytest.raises(DataError, match="t: the validation split is empty; give it questions"):
        QuestionTask("t", some(), Questions([], [], []), some())


@pytest.mark.parametrize("name", ["x.json", "x.json.gz"])
@pytest.mark.parametrize("escaped", [True, False])
def test_answers_are_found_by_code_points(write, name: str, escaped: bool):
    first = asked("first", "𝔘", 0)
    both = asked("both", "🌉", 22, 28)
    data = json.loads(
        layout(
            ("Köln", paragraph(CONTEXT, first, both, asked("last", "leuchtet 𝔙", 30))),
            ("empty",),
            ("two", paragraph("no question"), paragraph("all of it", asked("all", "all of it", 0))),
        )
    )
    path = write(name, json.dumps(data, ensure_ascii=escaped))
    assert read_file(path) == Questions(
        [CONTEXT, "no question", "all of it"],
        ["Köln", "two", "two"],
        [
            Question("first", "first?", 0, (Answer("𝔘", 0),)),
            Question("both", "both?", 0, (Answer("🌉", 22), Answer("🌉", 28))),
            Question("last", "last?", 0, (Answer("leuchtet 𝔙", 30),)),
            Question("all", "all?", 2, (Answer("all of it", 0),)),
        ],
    )


def in_article(**article) -> str:
    return json.dumps({"data": [{"title": "T", "paragraphs": []}, {"title": "A", **article}]})


def in_paragraph(**given) -> str:
    return in_article(paragraphs=[paragraph("it"), {"context": "it", **given}])


def in_question(**given) -> str:
    return in_paragraph(qas=[{"id": "x", "question": "?", **given}])


def in_answer(answer: object) -> str:
    return in_question(answers=[answer])


ARTICLE = r"x\.json, article 'A'"
PARAGRAPH = f"{ARTICLE}, paragraph 2"
QUESTION = f"{PARAGRAPH}, question 'x'"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"x\.json: not JSON \(Expecting value.*\); expected one object in JSON"),
        (numbered(1)[:-9], r"x\.json: not JSON \("),
        ("[" * 100_000, r"x\.json: not JSON \(.*recursion"),
        ("[]", r"x\.json: expected an object with a list 'data'; got \[\]; write the file in the"),
        ('{"data": {}}', r"expected an object with a list 'data'; got \{'data': \{\}\}; .* v1\.1"),
        ('{"data": []}', r"x\.json holds no question; expected some in its paragraphs' 'qas'"),
        ('{"data": ["T"]}', r"x\.json, article 1: expected an object with a text 'title'; got 'T'"),
        ('{"data": [{"title": 5}]}', r"article 1: .* a text 'title'; got \{'title': 5\}"),
        (in_article(), f"{ARTICLE}: expected an object with a list 'paragraphs'; got .*'A'"),
        (
            in_article(paragraphs=[7]),
            f"{ARTICLE}, paragraph 1: expected .* a text 'context'; got 7",
        ),
        (in_paragraph(context=None), f"{PARAGRAPH}: expected an object with a text 'context'; got"),
        (in_paragraph(), f"{PARAGRAPH}: expected an object with a list 'qas'; got .*'it'"),
        (in_paragraph(qas=["?"]), rf"{PARAGRAPH}: expected an object with a text 'id'; got '\?'"),
        (in_question(id=5), f"{PARAGRAPH}: expected an object with a text 'id'; got .*'id': 5"),
        (in_question(), f"{QUESTION}: expected an object with a list 'answers'; got .*'x'"),
        (in_question(answers=[]), f"{QUESTION} has no answer, which is SQuAD v2.0; only v1.1"),
        (
            in_question(answers=[{"text": "it", "answer_start": 0}], is_impossible=True),
            f"{QUESTION} has no answer, which is SQuAD v2.0; only v1.1 is read, where every "
            "question has one: leave out those without",
        ),
        (in_question(answers=[0], question=None), f"{QUESTION}: .* a text 'question'; got"),
        (in_answer("it"), f"{QUESTION}: expected an object with a text 'text'; got 'it'"),
        (in_answer({"text": "it"}), f"{QUESTION}: .* a whole number 'answer_start'; got .*'it'"),
        (in_answer({"text": "it", "answer_start": True}), f"{QUESTION}: .* number .*: True"),
        (in_answer({"text": "it", "answer_start": 0.0}), f"{QUESTION}: .* number .*: 0.0"),
        (
            in_answer({"text": "it", "answer_start": 1}),
            r"x\.json: question 'x' of the article 'A': the answer 'it' is not at code point 1 of "
            "its context, where 't' stands; the nearest one is at 0",
        ),
        (
            layout(("A", paragraph("it", asked("x", "it", 0), asked("x", "it", 0)))),
            r"x\.json: 2 questions have the id 'x'; give each its own",
        ),
    ],
)
def test_what_is_malformed_is_named_with_its_place(write, content: str, message: str):
    with pytest.raises(DataError, match=message) as caught:
        read_file(write("x.json", content))
    assert len(str(caught.value)) < 400


def test_an_answer_that_may_be_impossible_but_is_not_is_read(write):
    path = write("x.json", layout(("A", paragraph("it", asked("x", "it", 0, is_impossible=False)))))
    assert len(read_file(path)) == 1


@pytest.fixture
def data(write, tmp_path: Path) -> Path:
    """A data folder with 20 articles to train on and 2 to test."""
    write("data/squad/train-v1.1.json.gz", numbered(20))
    write("data/squad/dev-v1.1.json", numbered(2, name="dev"))
    return tmp_path / "data"


def test_validation_is_whole_articles_of_train(data: Path):
    task = load_questions("squad", data_dir=data, seed=3)
    assert task.name == "squad"
    assert [len(questions) for questions in task.splits().values()] == [114, 6, 12]
    assert not set(task.train.titles) & set(task.validation.titles)
    both = [*task.train.questions, *task.validation.questions]
    assert len({question.id for question in both}) == 120
    assert task.test == read_file(data / "squad" / "dev-v1.1.json")
    record = json.loads(json.dumps(task.record))
    assert [file["path"] for file in record.pop("files")] == [
        "squad/train-v1.1.json.gz",
        "squad/dev-v1.1.json",
    ]
    assert record == {
        "name": "squad",
        "source": "files",
        "seed": 3,
        "split": "test is the published dev; validation is whole articles of the published train, "
        "drawn at random, about 5% of its questions",
        "counts": {
            "train": {"articles": 19, "contexts": 57, "questions": 114, "answers": 114},
            "validation": {"articles": 1, "contexts": 3, "questions": 6, "answers": 6},
            "test": {"articles": 2, "contexts": 6, "questions": 12, "answers": 12},
        },
    }


def test_the_seed_draws_validation(data: Path):
    tasks = [squad.load(data, seed=seed) for seed in (0, 0, 1)]
    assert tasks[0] == tasks[1]
    assert tasks[0].validation != tasks[2].validation


def test_the_folder_may_be_the_sets_own(data: Path):
    assert squad.load(data / "squad") == squad.load(data)
    (data / "squad").rename(data / "SQuAD")
    assert len(squad.load(data).train) == 114


def test_without_both_files_the_error_names_them(data: Path):
    (data / "squad" / "dev-v1.1.json").unlink()
    assert squad.load(data) is None
    with pytest.raises(
        DataError,
        match=r"squad is not on this machine \(looked in .*data\) .* read from files only; put "
        r"squad/train-v1\.1\.json and squad/dev-v1\.1\.json \(or \.json\.gz\) into a folder",
    ):
        load_questions("squad", data_dir=data)
    with pytest.raises(DataError, match=r"there is no \./data, and SKIMRNN_DATA is not set"):
        load_questions("squad")


def test_other_words_are_explained():
    Path("mine.json").write_text(numbered(12))
    with pytest.raises(
        DataError, match=r"built-in data set \(squad\), .* \(\./mine\.json\); for .*"
    ):
        load_questions("mine.json")
    with pytest.raises(DataError, match=r"'squad' is not a built-in data set \(sst, "):
        load_task("squad")
    assert load_questions("./mine.json").name == "mine"
    with pytest.raises(DataError, match=r"absent\.json cannot be read"):
        load_questions(Path("absent.json"))


def test_an_own_file_is_split_by_articles(write):
    task = load_questions(write("mine.json.gz", numbered(40)))
    assert task.name == "mine"
    assert [len(questions) for questions in task.splits().values()] == [216, 12, 12]
    titles = [title for questions in task.splits().values() for title in set(questions.titles)]
    assert len(titles) == len(set(titles)) == 40
    assert [file["path"].split("/")[-1] for file in task.record["files"]] == ["mine.json.gz"]
    assert task.record["split"] == (
        "validation and test are whole articles, drawn at random, about 5% of the questions each; "
        "train is the rest"
    )


def test_an_own_file_of_few_articles_is_split_by_contexts(write):
    task = load_questions(write("mine.json", numbered(9, contexts=10)))
    assert [len(questions) for questions in task.splits().values()] == [162, 8, 10]
    contexts = [text for questions in task.splits().values() for text in questions.contexts]
    assert len(contexts) == len(set(contexts)) == 90
    assert "whole contexts, drawn" in task.record["split"]


def test_a_context_that_repeats_is_in_one_split(write):
    twice = [paragraph(f"it {n % 10}", asked(f"{n}", "it", 0)) for n in range(20)]
    task = load_questions(write("mine.json", layout(("A", *twice))))
    splits = [set(questions.contexts) for questions in task.splits().values()]
    assert [len(contexts) for contexts in splits] == [8, 1, 1]
    assert len(set.union(*splits)) == 10


@pytest.mark.parametrize("large", [0, 1, 2])
def test_every_split_has_a_part_however_the_sizes_are(write, large: int):
    contexts = [
        paragraph(f"it {n}", *(asked(f"{n} {q}", "it", 0) for q in range(90 if n == large else 1)))
        for n in range(3)
    ]
    path = write("mine.json", layout(("A", *contexts)))
    for seed in range(5):
        splits = load_questions(path, seed=seed).splits().values()
        assert sorted(len(questions) for questions in splits) == [1, 1, 90]


def test_too_few_contexts_are_an_error(write):
    path = write("mine.json", numbered(1, contexts=2))
    with pytest.raises(
        DataError,
        match=r"mine\.json asks about too few contexts to be split: 2; give it at least 3",
    ):
        load_questions(path)


def test_predictions_are_written_and_read(write):
    predictions = {"a": '𝔘 "Köln"', "b": ""}
    data = predictions_to_json(predictions)
    assert json.loads(data) == predictions
    assert list(read_predictions(write("x.json", data)).items()) == list(predictions.items())
    assert read_predictions(write("x.json.gz", data)) == predictions


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"x\.json: not JSON"),
        ('["it"]', r"x\.json: expected an object \{id: answer\}; got \['it'\]"),
        ('{"a": "it", "b": 5}', r"x\.json: expected a text as the answer to 'b'; got 5"),
    ],
)
def test_what_are_no_predictions_is_an_error(write, content: str, message: str):
    with pytest.raises(DataError, match=message):
        read_predictions(write("x.json", content))


def test_real_counts_are_the_published_ones(real_data: Path):
    task = squad.load(real_data)
    if task is None:
        pytest.skip(f"no SQuAD: {real_data} does not hold {squad.EXPECTED}")
    counts = task.record["counts"]
    assert counts["test"] == {
        "articles": 48,
        "contexts": 2_067,
        "questions": 10_570,
        "answers": 34_726,
    }
    both = {name: count + counts["validation"][name] for name, count in counts["train"].items()}
    assert both == {
        "articles": 442,
        "contexts": 18_896,
        "questions": 87_599,
        "answers": 87_599,
    }
    assert 0.045 < counts["validation"]["questions"] / 87_599 < 0.055
    splits = [set(questions.contexts) for questions in task.splits().values()]
    assert len(set.union(*splits)) == sum(map(len, splits))
