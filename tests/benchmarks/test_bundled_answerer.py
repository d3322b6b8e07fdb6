"""The bundled answerer is that which its committed result and card speak of."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import skimrnn
from answerers import as_file, make_answerer
from benchmarks.questions.bundled import FOLDER, RESULT, card, with_words
from skimrnn.files import sha256
from skimrnn.runtime import Answerer
from skimrnn.tasks import load_questions
from skimrnn.tasks.metrics import f1

DATA = Path(os.environ.get("SKIMRNN_DATA", Path(__file__).parents[3] / "shared" / "data"))


def test_the_result_is_of_this_model_and_the_card_says_it():
    result = json.loads(RESULT.read_text())
    assert result["parameters_sha256"] == sha256(FOLDER / "model.safetensors")
    assert result["bytes"] < 10_000_000
    answerer = skimrnn.load_answerer("squad")
    assert card(answerer, result) == answerer.card
    assert f"| {100 * result['test']['f1']:.1f} |" in answerer.card


def test_a_part_of_its_test_questions_is_answered_as_well_as_all():
    if not (DATA / "squad").is_dir():
        pytest.skip(f"the data set squad is not at hand: no folder {DATA / 'squad'}")
    answerer = skimrnn.load_answerer("squad")
    test = load_questions("squad", data_dir=str(DATA)).test
    some = test.take(np.random.default_rng(0).permutation(len(test))[:500])
    found = [answerer.answer(some.contexts[q.context], q.text).answer for q in some.questions]
    scores = [
        f1(answer, [one.text for one in q.answers])
        for answer, q in zip(found, some.questions, strict=True)
    ]
    assert np.mean(scores) == pytest.approx(json.loads(RESULT.read_text())["test"]["f1"], abs=0.06)


def test_a_cut_vocabulary_knows_other_words_by_their_spelling():
    whole = as_file(make_answerer())
    cut = Answerer(with_words(whole, 3))
    assert cut.training == whole.training
    rare, other = whole.vocabulary.words[3], whole.vocabulary.words[4]
    assert not np.array_equal(cut._encode([rare]), Answerer(whole)._encode([rare]))
    assert not np.array_equal(cut._encode([rare]), cut._encode([other]))
    first = whole.vocabulary.words[1]
    assert np.array_equal(cut._encode([first]), Answerer(whole)._encode([first]))
