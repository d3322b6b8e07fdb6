import random

import pytest

from skimrnn.tasks import (
    Answer,
    DataError,
    Question,
    Questions,
    SpanScores,
    accuracy,
    exact_match,
    f1,
    normalise_answer,
    squad_scores,
)

WORDS = [
    "a", "an", "the", "The", "A.N.", "another", "theme", "Rhine", "rhine", "1,000", "1000", "x-y",
    "xy", "it's", "its", "“the”", "—", "the—a", "¿a?", "İ", "ß", "ﬁ", "ǅ", "é", "e\u0301", "$", ".",
    "!?", "_the_", "a_b", "𝔘", "中文", "中the文", "Ⅻ", "²", "\u200b", "",
]  # fmt: skip
BLANKS = [" ", "  ", "\n", "\t", "\xa0", "\u3000", "\x1c", "\u2028", ""]


def test_accuracy_is_the_share_of_hits():
    assert accuracy([0, 1, 1, 2], [0, 1, 2, 2]) == 0.75


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="not empty"):
        accuracy([], [])
    with pytest.raises(ValueError, match=r"\(2,\) and \(1,\)"):
        accuracy([0, 1], [0])


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("The  Rhine,\na river.", "rhine river"),
        ("A.N. other", "other"),
        ("a—the—an “theme”", "— — “theme”"),
        ("x-y's", "xys"),
        ("İ\xa0ß", "i̇ ß"),
        ("the", ""),
        (" .\n", ""),
        ("", ""),
    ],
)
def test_answers_are_compared_by_their_bare_words(text: str, normalised: str):
    assert normalise_answer(text) == normalised


def test_scores_by_hand():
    assert exact_match("the cat.", ["dog", "Cat"]) is True
    assert exact_match("cats", ["dog", "cat"]) is False
    assert f1("a big cat", ["dog", "the big red cat"]) == pytest.approx(2 * 2 / (2 + 3))
    assert f1("no no no", ["no no yes"]) == pytest.approx(2 / 3)
    assert f1("cat", ["dog"]) == 0.0
    assert (f1("the", ["a", "cat"]), exact_match("the", ["a", "cat"])) == (0.0, True)


@pytest.mark.parametrize("score", [exact_match, f1])
@pytest.mark.parametrize("truths", [[], "it"])
def test_truths_that_are_no_list_of_answers_are_refused(score, truths):
    with pytest.raises(ValueError, match="truths must be a list of one or more answers; got"):
        score("it", truths)


def made_up(count: int) -> tuple[Questions, dict[str, str]]:
    """Questions about a context each, its answers joined, and predictions for them."""
    source = random.Random(0)

    def text() -> str:
        words = source.choices(WORDS, k=source.randint(0, 4))
        return "".join(word + source.choice(BLANKS) for word in words)

    questions, contexts, predictions = [], [], {}
    for number in range(count):
        answers: list[Answer] = []
        for _ in range(source.randint(1, 3)):
            answers.append(Answer(text() or ".", answers[-1].end if answers else 0))
        contexts.append("".join(answer.text for answer in answers))
        questions.append(Question(f"{number}", "?", number, tuple(answers)))
        predictions[f"{number}"] = (
            text() if source.random() < 0.7 else source.choice(answers).text.swapcase()
        )
    return Questions(contexts, [""] * count, questions), predictions


def test_scores_are_those_of_another_implementation():
    from torchmetrics.text import SQuAD

    questions, predictions = made_up(600)
    wordless = 0
    for question in questions.questions:
        truths, prediction = [answer.text for answer in question.answers], predictions[question.id]
        other = SQuAD()
        other.update(
            {"id": question.id, "prediction_text": prediction},
            {"id": question.id, "answers": {"text": truths, "answer_start": [0] * len(truths)}},
        )
        expected = {name: float(score) / 100 for name, score in other.compute().items()}
        assert exact_match(prediction, truths) == expected["exact_match"], (prediction, truths)
        if not normalise_answer(prediction):  # its F1 is then that of SQuAD v2.0: 1 if both are
            wordless += 1
            expected["f1"] = 0.0
        assert f1(prediction, truths) == pytest.approx(expected["f1"]), (prediction, truths)
    assert 0 < wordless < 200


def test_all_questions_count():
    context = "the cat and the dog"
    answers = (Answer("cat", 4), Answer("the dog", 12))
    questions = Questions([context], ["A"], [Question(n, "?", 0, answers) for n in "abcd"])
    scores = squad_scores(questions, {"a": "Dog!", "b": "cat and dog", "c": "bird"})
    assert scores == SpanScores(0.25, pytest.approx((1 + 0.5) / 4), 4)
    assert squad_scores(questions, {}) == SpanScores(0.0, 0.0, 4)
    with pytest.raises(
        DataError,
        match=r"2 of 3 predictions are for no question of these, such as 'x'; pass .* these 4 ",
    ):
        squad_scores(questions, {"a": "cat", "y": "cat", "x": "cat"})
    with pytest.raises(ValueError, match="questions must not be empty"):
        squad_scores(Questions([], [], []), {})


def test_scores_of_many_are_their_means():
    questions, predictions = made_up(50)
    del predictions["7"]
    scores = squad_scores(questions, predictions)
    truths = {q.id: [answer.text for answer in q.answers] for q in questions.questions}
    pairs = [(predictions[name], truths[name]) for name in predictions]
    assert scores.exact_match == pytest.approx(sum(exact_match(*pair) for pair in pairs) / 50)
    assert scores.f1 == pytest.approx(sum(f1(*pair) for pair in pairs) / 50)
