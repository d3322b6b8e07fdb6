"""Made-up cloze questions that are learnt in seconds: who has the key?"""

import numpy as np

from skimrnn.tasks.cloze import BLANK, ClozeQuestion, ClozeTask

NAMES = [f"name{letter}" for letter in "abcdefghijklmnop"]
PLACES = ["kitchen", "garden", "barn", "attic", "cellar"]


def cloze(count: int, seed: int) -> tuple[ClozeQuestion, ...]:
    """Ten names stand in a context; the one who has the key is asked for."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        names = [NAMES[i] for i in random.permutation(len(NAMES))[:10]]
        answer = int(random.integers(10))
        sentences = [f"{name} is in the {random.choice(PLACES)} ." for name in names]
        sentences += [f"it is the {random.choice(PLACES)} ." for _ in range(9)]
        sentences.insert(int(random.integers(20)), f"{names[answer]} has the key .")
        query = f"the key was given away by {BLANK} ."
        made.append(ClozeQuestion(tuple(sentences), query, tuple(names), answer))
    return tuple(made)


def cloze_task() -> ClozeTask:
    return ClozeTask("keys", cloze(150, 1), cloze(40, 2), cloze(40, 3), {"official": False})
