"""Made-up questions that are learnt in seconds: each thing stands in a place."""

import numpy as np

from skimrnn.tasks import Answer, Question, Questions, QuestionTask

THINGS = ("box", "cat", "key", "hat", "cup", "pen")
PLACES = ("kitchen", "garden", "red hall", "old grey barn", "attic", "Café")


def questions(contexts: int, seed: int) -> Questions:
    random = np.random.default_rng(seed)
    texts, asked = [], []
    for number in range(contexts):
        things = [THINGS[i] for i in random.permutation(len(THINGS))[:3]]
        places = [PLACES[i] for i in random.permutation(len(PLACES))[:3]]
        pairs = list(zip(things, places, strict=True))
        text = " ".join(f"The {thing} is in the {place} ." for thing, place in pairs)
        texts.append(text)
        for thing, place in pairs[:2]:
            answers = (Answer(place, text.index(f"in the {place}") + len("in the ")),)
            asked.append(
                Question(f"{seed}-{number}-{thing}", f"Where is the {thing}?", number, answers)
            )
    return Questions(texts, ["things"] * contexts, asked)


def question_task() -> QuestionTask:
    record = {"name": "places", "counts": {"train": {"questions": 400}}}
    return QuestionTask("places", questions(200, 1), questions(30, 2), questions(30, 3), record)
