import json
from itertools import pairwise
from pathlib import Path

import pytest

from skimrnn.tasks import DataError, cloze
from skimrnn.tasks.cloze import (
    BLANK,
    ClozeQuestion,
    ClozeTask,
    common_words,
    make_questions,
    named_words,
    read_books,
    read_questions,
)

NAMES = [
    "Anna", "Ben", "Clara", "Dan", "Ella", "Felix", "Greta", "Hugo", "Ida", "Jack", "Kate", "Leo",
]  # fmt: skip
NOUNS = [
    "barn", "cave", "dam", "farm", "gate", "hill", "inn", "lake", "mill", "pond", "road", "well",
]  # fmt: skip
SENTENCES = tuple(f"sentence {number} ." for number in range(20))
WORDS = tuple(NAMES[:10])


def book(name: str, length: int, names: int = 12) -> list[str]:
    """Sentences that differ from each other and from those of a book of another name."""
    return [
        f"{name} {n} : then {NAMES[n % names]} met {NAMES[(5 * n + 1) % names]} near the "
        f"{NOUNS[n % 12]} and left ."
        for n in range(length)
    ]


def as_file(*books: list[str]) -> str:
    return "".join(
        f"_BOOK_TITLE_ : Book_{number}.txt.out\n" + "".join(f"{line}\n" for line in lines)
        for number, lines in enumerate(books)
    )


def official(query: str = f"where is {BLANK} ?", answer: str = "Ben", words=WORDS) -> str:
    lines = [f"{number} {text}\n" for number, text in enumerate(SENTENCES, start=1)]
    return "".join(lines) + f"21 {query}\t{answer}\t\t{'|'.join(words)}\n\n"


def restored(question: ClozeQuestion) -> str:
    return question.query.replace(BLANK, question.candidates[question.answer])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"context": SENTENCES[1:]}, "context must be 20 sentences, none empty; got 19, 0 of them"),
        ({"context": ("", *SENTENCES[1:])}, "none empty; got 20, 1 of them empty"),
        ({"query": "where is it ?"}, r"query must hold the blank XXXXX; got 'where is it \?'"),
        ({"candidates": WORDS[1:]}, "candidates must be 10 different words"),
        ({"candidates": (*WORDS[1:], "Ben")}, "candidates must be 10 different words"),
        ({"candidates": (*WORDS, "Ben")}, "candidates must be 10 different words"),
        ({"candidates": (*WORDS[1:], "")}, r"none empty; got \['Ben', .*''\]"),
        ({"answer": 10}, "answer must be a row of the candidates, 0 to 9; got 10"),
        ({"answer": -1}, "answer must be a row of the candidates, 0 to 9; got -1"),
    ],
)
def test_a_question_refuses_what_is_none(change: dict, message: str):
    given = {"context": SENTENCES, "query": BLANK, "candidates": WORDS, "answer": 9, **change}
    with pytest.raises(ValueError, match=message):
        ClozeQuestion(**given)


def test_a_task_refuses_an_empty_split():
    some = (ClozeQuestion(SENTENCES, BLANK, WORDS, 0),)
    with pytest.raises(DataError, match="t: the validation split is empty; give it questions"):
        ClozeTask("t", some, (), some)


def test_official_questions_are_read(write):
    bar = official("a bar , XXXXX , stands here", "|", ("|", *WORDS[:9]))
    path = write("x.txt", (official() + official(words=(*WORDS[:9], "|")) + bar).rstrip("\n"))
    first, second, third = read_questions(path)
    assert first == ClozeQuestion(SENTENCES, "where is XXXXX ?", WORDS, 1)
    assert second.candidates == (*WORDS[:9], "|")
    assert (third.candidates, third.answer) == (("|", *WORDS[:9]), 0)
    between = official("a bar , XXXXX , stands here", "|", (*WORDS[:4], "|", *WORDS[4:9]))
    path.write_bytes(between.replace("\n", "\r\n").encode())
    assert read_questions(path)[0].candidates == (*WORDS[:4], "|", *WORDS[4:9])
    assert read_questions(path)[0].context == SENTENCES


FORM = r"expected query, tab, answer, two tabs and the candidates .*; got "


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no question; expected 21 numbered lines for each"),
        (official()[:200], "ends after line 1[0-9] of the 21 of a question; take the whole file"),
        (official() + "2 two\n", r"line 23: expected line 1 of the 21 .* number; got '2 two'"),
        (official().replace("3 sentence 2 .\n", ""), "line 3: expected line 3 of .*; got '4 sent"),
        (official().replace("sentence 3 .", ""), "line 21: context must be 20 .* 1 of them empty"),
        (official().replace("\t\t", "\t"), "line 21: " + FORM),
        (official().replace("\t\t", "\tmore\t"), "line 21: " + FORM),
        (official(answer="Zoe"), r"line 21: the answer 'Zoe' is none of the candidates \['Anna',"),
        (official("where is Ben ?"), "line 21: query must hold the blank XXXXX"),
        (official(words=WORDS[:9]), "line 21: candidates must be 10 different words"),
        (official(words=("", *WORDS[1:])), "line 21: candidates must be 10 different words"),
    ],
)
def test_what_is_no_question_is_named_with_its_line(write, content: str, message: str):
    with pytest.raises(DataError, match=rf"x\.txt,? {message}"):
        read_questions(write("x.txt", content))


def test_books_begin_with_a_title(write):
    assert read_books(write("x.txt", as_file(["a .", "b ."], ["c ."]))) == [["a .", "b ."], ["c ."]]
    with pytest.raises(
        DataError, match=r"x\.txt must begin with a book's title, .* got 'Once upon"
    ):
        read_books(write("x.txt", "Once upon a time\n"))


def test_names_are_told_by_their_capitals():
    sentences = [
        sentence.split()
        for sentence in (
            "Then old Toad met Dan , Bess , and Dan , Bess , and Tom .",  # Tom once
            "` Well , ' said Toad , ` Well , Mr. McCoy and Mr. McCoy and I and I .",
            "Once there was . Once there was .",  # where a sentence begins
            "the Queen and the Queen and the queen",
        )
    ]
    assert named_words(sentences) == {"Toad", "Dan", "Bess"}
    assert named_words([*sentences, ["Queen", "the", "Queen"] * 5]) == {
        "Toad",
        "Dan",
        "Bess",
        "Queen",
    }


def test_common_nouns_are_told_by_their_places():
    sentences = [
        sentence.split()
        for sentence in (
            "The dog and the old man saw a cat",
            "A dog , a cat and my old man 's cap , a cap",  # "cap" once
            "a big ` one ' and a big `` one '' , a Toad . a Toad . a so-so . a so-so .",
            "the back . the back . " + "come back " * 20,
        )
    ]
    assert common_words(sentences) == {"dog", "cat"}  # "man" is not right after an article
    assert common_words([*sentences, ["the", "back", "."]]) == {"dog", "cat", "back"}


@pytest.mark.parametrize("kind", ["named", "common"])
def test_questions_are_made_by_the_recipe(kind: str):
    books = [book("One", 60), book("Two", 50)]
    questions = make_questions(books, kind, seed=3)
    each = 2 if kind == "named" else 1
    assert len(questions) == each * (40 + 30)
    places = [
        next((b, row) for b, lines in enumerate(books) for row in range(len(lines))
             if lines[row] == restored(q))
        for q in questions
    ]  # fmt: skip
    assert places == sorted(places)
    for question, (b, row) in zip(questions, places, strict=True):
        assert question.context == tuple(books[b][row - 20 : row])
        answer = question.candidates[question.answer]
        assert answer not in question.query.split()
        assert question.query.split().count(BLANK) == 1
        assert len(set(question.candidates)) == 10
        assert set(question.candidates) <= set(" ".join(question.context).split())
        assert set(question.candidates) <= set(NAMES if kind == "named" else NOUNS)
        assert list(question.candidates) == sorted(question.candidates)
    assert len({q.candidates for q in questions}) > 20


def test_the_seed_draws_questions_and_candidates():
    books = [book("One", 60)]
    made = [make_questions(books, "named", seed, 30) for seed in (0, 0, 1)]
    assert made[0] == made[1] != made[2]
    assert [len(questions) for questions in made] == [30, 30, 30]
    queries = [{q.query for q in questions} for questions in made]
    assert len(queries[0]) == 30
    assert queries[0] != queries[2]
    assert len(make_questions(books, "named", 0, 1_000)) == 80
    assert make_questions(books, "named", 0, 0) == []


def test_the_drawn_questions_are_the_same_everywhere():
    question = make_questions([book("One", 60)], "named", 0, 5)[0]
    assert question.query == "One 20 : then XXXXX met Felix near the mill and left ."
    assert " ".join(question.candidates) == "Anna Ben Clara Ella Felix Greta Hugo Ida Kate Leo"


def test_a_window_stays_within_its_book():
    assert make_questions([book("One", 20), book("Two", 20)], "named", 0) == []
    assert len(make_questions([book("One", 20), book("Two", 21)], "named", 0)) == 2
    assert make_questions([], "named", 0) == []


def test_common_words_make_up_the_number_of_named_ones():
    questions = make_questions([book("One", 60, names=4)], "named", 0)
    assert questions
    for question in questions:
        assert len(set(question.candidates) & set(NAMES)) == 4
        assert len(set(question.candidates) & set(NOUNS)) == 6
        assert question.candidates[question.answer] in NAMES
        assert list(question.candidates) == sorted(question.candidates, key=str.lower)
    without = [line[: line.index(" near")] for line in book("One", 60, names=4)]
    assert make_questions([without], "named", 0) == []


def test_no_candidate_is_another_one_with_a_capital():
    lines = [line.replace("Leo", "Well").replace("near", "by") for line in book("One", 130)]
    small = [line.replace("the well", "a mill") for line in lines[:119]] + lines[119:]
    assert "Well" in named_words([line.split() for line in small])
    assert "well" in common_words([line.split() for line in [*small, *small]])
    common = make_questions([[*small, *small]], "common", 0)
    assert common
    assert all("well" not in question.candidates for question in common)


def test_a_word_that_the_context_does_not_hold_is_no_candidate():
    lines = book("One", 60)
    lines[40] = "then Zoe met Ida near the hill ."
    lines[59] = "then Zoe met Zoe ."
    questions = make_questions([lines], "named", 0)
    assert "Zoe" in named_words([line.split() for line in lines])
    assert [q.query for q in questions if restored(q) == lines[40]] == [
        lines[40].replace("Ida", BLANK)
    ]
    for question in questions:
        assert ("Zoe" in question.candidates) <= (lines[40] in question.context)


def test_a_word_that_the_query_holds_twice_is_not_asked_for():
    lines = book("One", 60)
    lines[40] = "then Ida met IDA near the hill and the Hill and Greta and the mill ."
    asked = {
        kind: [q.query for q in make_questions([lines], kind, 0) if restored(q) == lines[40]]
        for kind in ("named", "common")
    }
    assert asked == {
        "named": [lines[40].replace("Greta", BLANK)],
        "common": [lines[40].replace("mill", BLANK)],
    }


@pytest.mark.parametrize("wrong", ["NE", "", "verb"])
def test_an_unknown_kind_is_refused(wrong: str, tmp_path: Path):
    message = f"kind must be one of 'named', 'common'; got '{wrong}'"
    with pytest.raises(ValueError, match=message):
        make_questions([], wrong, 0)
    with pytest.raises(ValueError, match=message):
        cloze.load(tmp_path, kind=wrong)


def test_a_count_below_none_is_refused():
    with pytest.raises(ValueError, match="count must be at least 0, or None for all; got -1"):
        make_questions([], "named", 0, -1)


@pytest.fixture
def books(write, tmp_path: Path) -> Path:
    """A data folder that holds made-up books."""
    write("cbt/data/cbt_valid.txt", as_file(book("One", 200), book("Two", 180), book("Six", 9)))
    write("cbt/data/cbt_test.txt", as_file(book("Ten", 60), book("Zen", 40)))
    return tmp_path


@pytest.mark.parametrize("kind", ["named", "common"])
def test_train_and_validation_share_no_sentence(books: Path, kind: str):
    task = cloze.load(books, kind=kind, seed=5)
    assert task is not None
    assert task.name == f"cbt-{kind}-made"
    seen = {
        split: {s for q in questions for s in (*q.context, restored(q))}
        for split, questions in task.splits().items()
    }
    assert all(not a & b for a, b in pairwise([*seen.values(), seen["train"]]))
    each = 2 if kind == "named" else 1
    assert [len(questions) for questions in task.splits().values()] == [
        each * (150 + 133),
        each * (10 + 7),
        each * (40 + 20),
    ]
    record = json.loads(json.dumps(task.record))
    assert record["official"] is False
    assert "not the official questions" in record["note"]
    assert record["seed"] == 5
    assert "the last 15% of each validation book" in record["split"]
    assert [file["path"] for file in record["files"]] == ["data/cbt_valid.txt", "data/cbt_test.txt"]
    assert record["counts"]["test"] == {"questions": each * 60, "different_answers": 12}


def test_validation_and_test_are_no_larger_than_the_published_ones(books: Path, monkeypatch):
    monkeypatch.setitem(cloze.PUBLISHED, "named", (10, 5, 6))
    tasks = [cloze.load(books, seed=seed) for seed in (0, 0, 1)]
    assert [len(questions) for questions in tasks[0].splits().values()] == [566, 5, 6]
    assert tasks[0] == tasks[1]
    assert tasks[0].test != tasks[2].test
    assert tasks[0].train != tasks[2].train


@pytest.mark.parametrize("folder", ["cbt/data", "cbt", "CBTest/data", "."])
def test_official_questions_come_before_books(books: Path, write, monkeypatch, folder: str):
    for part, count in (("train", 3), ("valid_2000ex", 2), ("test_2500ex", 1)):
        write(f"{folder}/cbtest_CN_{part}.txt", official() * count)
    assert cloze.load(books, kind="named").name == "cbt-named-made"
    task = cloze.load(books, kind="common", seed=3)
    assert task.name == "cbt-common"
    assert [len(questions) for questions in task.splits().values()] == [3, 2, 1]
    assert task.record["official"] is True
    assert task.record["complete"] is False
    assert task.record["seed"] is None
    assert task.record["counts"]["train"] == {"questions": 3, "different_answers": 1}
    assert len(task.record["files"]) == 3
    monkeypatch.setitem(cloze.PUBLISHED, "common", (3, 2, 1))
    assert cloze.load(books, kind="common").record["complete"] is True
    (books / folder / "cbtest_CN_train.txt").unlink()
    assert cloze.load(books, kind="common").name == "cbt-common-made"


def test_the_folder_may_be_the_sets_own(books: Path):
    for folder in (books / "cbt", books / "cbt" / "data"):
        assert cloze.load(folder) == cloze.load(books)


def test_without_questions_or_both_files_of_books_there_is_no_task(books: Path):
    (books / "cbt" / "data" / "cbt_test.txt").unlink()
    assert cloze.load(books) is None
    assert cloze.load(books / "cbt" / "data") is None


def test_books_that_are_too_short_are_an_error(books: Path, write):
    write("cbt/data/cbt_valid.txt", as_file(book("One", 60)))
    with pytest.raises(DataError, match="cbt-named-made: the validation split is empty"):
        cloze.load(books)


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [("named", [5_021, 830, 2_500]), ("common", [6_522, 867, 2_500])],
)
def test_real_books(real_data: Path, kind: str, sizes: list[int]):
    task = cloze.load(real_data, kind=kind)
    if task is None:
        pytest.skip(f"no Children's Book Test: {real_data} holds neither {cloze.EXPECTED}")
    if task.record["official"]:
        assert task.record["complete"] is True
        return
    assert [len(questions) for questions in task.splits().values()] == sizes
    for questions in task.splits().values():
        for question in questions:
            words = {word for sentence in question.context for word in sentence.split()}
            assert words.issuperset(question.candidates)
            assert len({word.lower() for word in question.candidates}) == 10
            assert question.query.split().count(BLANK) == 1
            answer = question.candidates[question.answer].lower()
            assert answer not in question.query.lower().split()
