"""The attention-sum reader: its sums are of places, it learns, it skims, and it resumes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from made_up_cloze import cloze, cloze_task
from skimrnn.config import SkimConfig
from skimrnn.nn.models.attention_sum import AttentionSumReader, of_candidates
from skimrnn.tasks.cloze import ClozeQuestion, ClozeTask
from skimrnn.text import Vocabulary
from skimrnn.train import TrainingOptions
from skimrnn.train.cloze import (
    collate_cloze,
    drawn_slots,
    encode_cloze,
    fixed_slots,
    measure_cloze,
    train_cloze,
    words_of_cloze,
)


@pytest.fixture(scope="module")
def task() -> ClozeTask:
    return cloze_task()


@pytest.fixture(scope="session")
def settings(options: Callable[..., TrainingOptions]) -> Callable[..., TrainingOptions]:
    def make(**changes: Any) -> TrainingOptions:
        return options(**{"hidden_size": 16, "levels": (16, 4), "epochs": 8, **changes})

    return make


def test_a_candidate_has_the_sum_of_its_places() -> None:
    given = cloze(3, 5)
    data = encode_cloze(given, Vocabulary.build(words_of_cloze(given)))
    batch, places, answers = collate_cloze(data, [2, 0, 1])
    assert answers.tolist() == [given[one].answer for one in (2, 0, 1)]
    log_p = torch.randn(batch.context.shape).log_softmax(dim=1)
    found = of_candidates(log_p, places).exp()
    for b, one in enumerate((2, 0, 1)):
        words = " ".join(given[one].context).split()
        for c, candidate in enumerate(given[one].candidates):
            at = [t for t, word in enumerate(words) if word == candidate]
            assert found[b, c] == pytest.approx(float(log_p[b, at].exp().sum()), rel=1e-4)
    nowhere = of_candidates(log_p, torch.zeros_like(places))
    assert (nowhere == -torch.inf).all()


def test_words_are_told_apart_by_more_than_their_capitals() -> None:
    (one,) = cloze(1, 5)
    upper = tuple(sentence.upper() for sentence in one.context)
    shouted = ClozeQuestion(upper, one.query, one.candidates, one.answer)
    data = encode_cloze([one, shouted], Vocabulary.build(words_of_cloze([one])))
    assert np.array_equal(data.contexts[0], data.contexts[1])
    assert np.array_equal(data.candidates[0], data.candidates[1])


def named_cloze(count: int, seed: int) -> tuple[ClozeQuestion, ...]:
    """Half of the candidates with a capital."""
    turned = []
    for one in cloze(count, seed):
        names = tuple(n.title() if i % 2 else n for i, n in enumerate(one.candidates))
        turned.append(replace(one, candidates=names))
    return tuple(turned)


def test_slots_stand_for_named_candidates_wherever_they_are() -> None:
    given = named_cloze(3, 5)
    spoken = replace(given[1], query=f"it was {given[1].candidates[3]} who saw XXXXX .")
    data = encode_cloze((given[0], spoken, given[2]), Vocabulary.build(words_of_cloze(given)))
    slots = drawn_slots(3, 10, seed=1, step=2)
    assert np.array_equal(np.sort(slots, axis=1), fixed_slots(3, 10))
    assert (slots[0] != slots[1]).any()
    assert not np.array_equal(slots, drawn_slots(3, 10, seed=1, step=3))
    plain, places, answers = collate_cloze(data, [0, 1, 2])
    batch, same_places, same_answers = collate_cloze(data, [0, 1, 2], slots)
    assert torch.equal(places, same_places)
    assert torch.equal(answers, same_answers)
    words, rows = plain.rows[plain.context], batch.rows[batch.context]
    for b in range(3):
        for c in range(10):
            at = places[b, c]
            assert at.any()
            wanted = data.words + slots[b, c] if c % 2 else words[b, at]
            assert (rows[b, at] == torch.as_tensor(wanted)).all()
        assert torch.equal(rows[b, ~places[b].any(0)], words[b, ~places[b].any(0)])
    assert (batch.rows[batch.question[1]] == data.words + slots[1, 3]).sum() == 1
    assert (batch.rows[batch.question[0]] < data.words).all()


def test_slots_tell_names_apart_that_training_never_saw(
    settings: Callable[..., TrainingOptions], tmp_path: Path
) -> None:
    def renamed(questions: tuple[ClozeQuestion, ...], begins: str) -> tuple[ClozeQuestion, ...]:
        return tuple(
            ClozeQuestion(
                tuple(sentence.replace("name", begins.lower()) for sentence in one.context),
                one.query,
                tuple(name.replace("name", begins) for name in one.candidates),
                one.answer,
            )
            for one in questions
        )

    task = ClozeTask(
        "keys",
        renamed(cloze(150, 1), "One"),
        renamed(cloze(40, 2), "One"),
        renamed(cloze(40, 3), "Other"),
        {"official": False},
    )
    model, vocabulary, _ = train_cloze(
        task, settings(levels=(16,)), tmp_path / "run", anonymous=True
    )
    data = encode_cloze(task.test, vocabulary)
    assert not set(task.test[0].candidates[0].lower().split()) & set(vocabulary.words)
    assert measure_cloze(model, data, anonymous=True)["accuracy"] > 0.7


@pytest.mark.parametrize("levels", [(16,), (16, 4), (16, 0)])
def test_it_learns(
    levels: tuple[int, ...],
    task: ClozeTask,
    settings: Callable[..., TrainingOptions],
    tmp_path: Path,
) -> None:
    model, vocabulary, outcome = train_cloze(task, settings(levels=levels), tmp_path / "run")
    assert outcome.best["accuracy"] > 0.8
    tested = measure_cloze(model, encode_cloze(task.test, vocabulary))
    assert tested["accuracy"] > 0.7
    if len(levels) > 1:
        assert 0 < tested["skim_rate"] < 1
    else:
        assert tested["skim_rate"] is None


class CutOffError(Exception):
    """Raised inside ``show`` to cut a run off."""


def test_a_run_that_was_cut_off_goes_on(
    task: ClozeTask, settings: Callable[..., TrainingOptions], tmp_path: Path
) -> None:
    given = settings(epochs=3)

    def cut(event: dict[str, Any]) -> None:
        if event["event"] == "evaluation" and event["step"] > 10:
            raise CutOffError

    whole, *_ = train_cloze(task, given, tmp_path / "whole")
    with pytest.raises(CutOffError):
        train_cloze(task, given, tmp_path / "cut", show=cut)
    resumed, *_ = train_cloze(task, given, tmp_path / "cut")
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_checkpoint_of_other_questions_is_refused(
    task: ClozeTask, settings: Callable[..., TrainingOptions], tmp_path: Path
) -> None:
    """Even if only a context differs, whose candidates are the same."""
    given = settings(epochs=1)
    train_cloze(task, given, tmp_path / "run")
    first, *others = task.train
    turned = replace(first, context=first.context[::-1])
    changed = replace(task, train=(turned, *others))
    with pytest.raises(ValueError, match="is of another run"):
        train_cloze(changed, given, tmp_path / "run")


def test_padding_and_batch_mates_change_nothing() -> None:
    given = cloze(6, 5)
    data = encode_cloze(given, Vocabulary.build(words_of_cloze(given)))
    both = {"cell": "lstm", "input_size": 5, "hidden_size": 6, "bidirectional": True}
    layers = SkimConfig(levels=(6, 2), **both), SkimConfig(levels=(6,), **both)
    model = AttentionSumReader(*layers, len(data.rows) + 1).eval()
    data.contexts[0] = data.contexts[0][:40]
    with torch.no_grad():
        batch, *_ = collate_cloze(data, np.arange(len(data)))
        together = model(batch)
        for one in range(len(data)):
            alone = model(collate_cloze(data, [one])[0])[0]
            assert torch.allclose(together[one, : len(alone)], alone, atol=1e-5)
            assert (together[one, len(alone) :] == -torch.inf).all()


def test_layers_that_do_not_fit_are_refused() -> None:
    both = {"cell": "lstm", "hidden_size": 6, "levels": (6,), "bidirectional": True}
    with pytest.raises(ValueError, match="with as many inputs and units; got"):
        AttentionSumReader(SkimConfig(input_size=5, **both), SkimConfig(input_size=4, **both), 9)
