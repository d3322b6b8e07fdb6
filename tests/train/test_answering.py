"""From questions to a model folder: it learns, repeats, resumes, and answers as it was trained."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import skimrnn
from answerers import as_file, make_answerer
from made_up_questions import question_task, questions
from skimrnn.answerer_file import read_answerer, write_answerer
from skimrnn.answerers import answerer_models
from skimrnn.nn import record
from skimrnn.nn.models import QuestionReader, make_reader
from skimrnn.tasks import Answer, Questions, QuestionTask, squad_scores
from skimrnn.text import Vocabulary, WordVectors
from skimrnn.train import AnswererOptions, TrainingOptions, train_answerer
from skimrnn.train.answering import (
    Answering,
    build_config,
    build_vocabulary,
    divergence,
    skimming,
)
from skimrnn.train.questions import collate_questions, encode_questions, words_of

Options = Callable[..., TrainingOptions]
SMALL = AnswererOptions(filters=4, byte_size=4, filter_width=3)


@pytest.fixture(scope="module")
def asked() -> QuestionTask:
    return question_task()


@pytest.fixture(scope="session")
def settings(options: Options) -> Options:
    def make(**changes: Any) -> TrainingOptions:
        return options(
            **{"num_layers": 2, "epochs": 10, "hidden_size": 16, "levels": (16, 4), **changes}
        )

    return make


def scores(folder: Path, asked: Questions) -> Any:
    answerer = skimrnn.load_answerer(folder)
    found = {
        one.id: answerer.answer(asked.contexts[one.context], one.text).answer
        for one in asked.questions
    }
    return squad_scores(asked, found)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"levels": (16,)},
        {"levels": (16, 0), "warm_start_steps": 40, "epochs": 14},
        {"model": "bidaf"},
    ],
    ids=["skims", "reads all", "skips after a plain start", "bidaf"],
)
def test_it_learns(
    changes: dict[str, Any], asked: QuestionTask, settings: Options, tmp_path: Path
) -> None:
    changes = dict(changes)
    made_of = replace(SMALL, model=changes.pop("model", "attention"))
    trained = train_answerer(asked, settings(**changes), tmp_path / "model", made_of=made_of)
    assert (trained.record["teacher"], trained.record["start"]) == (None, None)
    best = trained.outcome.best
    assert best["f1"] > 0.9
    assert best["exact_match"] > 0.85
    read = scores(trained.folder, asked.validation)
    assert read.f1 == pytest.approx(best["f1"], abs=0.02)
    assert scores(trained.folder, asked.test).f1 > 0.85
    if len(settings(**changes).levels) > 1:
        assert sorted(best["skim_rates"]) == [
            *("layer 1, backward", "layer 1, forward"),
            *("layer 2, backward", "layer 2, forward"),
        ]
        assert best["skim_rate"] == pytest.approx(np.mean(list(best["skim_rates"].values())))
        assert best["step"] > changes.get("warm_start_steps", 0)
    else:
        assert best["skim_rate"] is None
        assert best["skim_rates"] == {}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert read_answerer(trained.folder).training == trained.record
    log = (trained.folder / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in log] == trained.outcome.history


class CutOffError(Exception):
    """Raised inside ``show`` to cut a run off."""


def test_a_run_that_was_cut_off_is_the_run_that_was_not(
    asked: QuestionTask, settings: Options, tmp_path: Path
) -> None:
    given = settings(epochs=3)
    whole = train_answerer(asked, given, tmp_path / "whole", made_of=SMALL)
    seen: list[Any] = []

    def show(event: dict[str, Any]) -> None:
        seen.append(event)
        if event["event"] == "evaluation" and event["step"] > 30:
            raise CutOffError

    with pytest.raises(CutOffError):
        train_answerer(asked, given, tmp_path / "cut", made_of=SMALL, show=show)
    assert not (tmp_path / "cut").exists()
    resumed = train_answerer(asked, given, tmp_path / "cut", made_of=SMALL)
    one, other = (read_answerer(folder) for folder in (whole.folder, resumed.folder))
    for name, array in one.parameters.items():
        assert np.array_equal(array, other.parameters[name])
    assert whole.outcome.history == resumed.outcome.history


def test_a_checkpoint_of_other_sizes_is_refused(
    asked: QuestionTask, settings: Options, tmp_path: Path
) -> None:
    def cut(event: dict[str, Any]) -> None:
        if event["event"] == "evaluation" and event["step"] > 30:
            raise CutOffError

    with pytest.raises(CutOffError):
        train_answerer(asked, settings(), tmp_path / "mine", made_of=SMALL, show=cut)
    with pytest.raises(ValueError, match="is of another run"):
        train_answerer(asked, settings(), tmp_path / "mine")


def test_options_that_would_do_nothing_are_refused(
    asked: QuestionTask, settings: Options, tmp_path: Path
) -> None:
    for changes in ({"adversarial": 1.0}, {"cell": "gru"}, {"hard": True, "bidirectional": True}):
        with pytest.raises(ValueError, match="are for classifiers alone: ") as caught:
            train_answerer(asked, settings(**changes), tmp_path / "mine")
        assert all(
            f"{name}={value!r} (leave it" in str(caught.value) for name, value in changes.items()
        )
    jumping = settings(router="lstm-jump", penalty="cost")
    with pytest.raises(ValueError, match=r"'lstm-jump' is learnt by REINFORCE .*classifiers alone"):
        train_answerer(asked, jumping, tmp_path / "mine")


@pytest.mark.parametrize("model", answerer_models())
def test_a_teacher_s_answers_are_learnt(
    model: str, asked: QuestionTask, settings: Options, tmp_path: Path
) -> None:
    """Of answers alone that are all wrong a student learns nothing, of its teacher it does."""
    reads = settings(levels=(16,))
    teacher = train_answerer(
        asked, reads, tmp_path / "teacher", made_of=replace(SMALL, model=model)
    )
    first = [replace(one, answers=(Answer("The", 0),)) for one in asked.train.questions]
    wrong = replace(asked, train=replace(asked.train, questions=first))
    changes = {"levels": (16, 4), "warm_start_steps": 10, "distillation": 1.0, "epochs": 14}
    student = train_answerer(
        wrong, settings(**changes), tmp_path / "student", made_of=SMALL, teacher=teacher.folder
    )
    assert student.outcome.best["f1"] > 0.85
    assert student.record["teacher"]["name"] == "teacher"
    assert read_answerer(student.folder).training["teacher"] == student.record["teacher"]


def test_a_teacher_speaks_after_the_warm_start_and_has_its_share(settings: Options) -> None:
    options = settings(warm_start_steps=3, distillation=0.25)
    objective, model = parts(options)
    _, teacher = parts(options)
    with torch.no_grad():
        for parameter in teacher.parameters():
            parameter.mul_(1.5)
    objective._teacher = teacher.eval()
    model.eval()
    losses = {}
    for share in (0.0, 0.25, 1.0):
        objective._options = replace(options, distillation=share)
        for step in (2, 3):
            ((loss, _),) = objective.losses(model, step, 0.0)
            losses[share, step] = loss.item()
    assert losses[0.0, 2] == losses[0.25, 2] == losses[1.0, 2]
    between = 0.75 * losses[0.0, 3] + 0.25 * losses[1.0, 3]
    assert losses[0.25, 3] == pytest.approx(between)
    epoch, at = divmod(3, objective.steps_per_epoch)
    chosen = objective._epoch_batches(epoch)[at]
    batch, _ = collate_questions(objective._train, chosen)
    with torch.no_grad():
        said, learnt = teacher(batch), model(batch)
    wanted = 0.0
    for theirs, ours in zip(said, learnt, strict=True):
        for b, words in enumerate(batch.context_lengths.tolist()):
            p, q = (scores[b, :words].double().softmax(0) for scores in (theirs, ours))
            wanted -= float((p * q.log()).sum()) / len(chosen)
    assert losses[1.0, 3] == pytest.approx(wanted, rel=1e-5)


def test_scores_past_the_end_take_no_part_in_what_is_learnt() -> None:
    scores = torch.tensor([[1.0, 2.0, -torch.inf], [0.5, -torch.inf, -torch.inf]])
    scores.requires_grad_()
    loss = divergence(scores, torch.tensor([[3.0, 1.0, -torch.inf], [9.0, -torch.inf, -torch.inf]]))
    loss.backward()
    p, q = torch.tensor([3.0, 1.0]).softmax(0), scores[0, :2].detach().softmax(0)
    assert loss.item() == pytest.approx(-float((p * q.log()).sum()) / 2)
    assert torch.allclose(scores.grad[0, :2], (q - p) / 2)
    assert (scores.grad[:, 2] == 0).all()
    assert (scores.grad[1] == 0).all()


def test_a_teacher_of_other_words_is_refused(
    asked: QuestionTask, settings: Options, tmp_path: Path
) -> None:
    write_answerer(tmp_path / "teacher", as_file(make_answerer()))
    with pytest.raises(ValueError, match="must know the words of the model that it teaches"):
        train_answerer(
            asked, settings(), tmp_path / "mine", made_of=SMALL, teacher=tmp_path / "teacher"
        )


# ---- a step --------------------------------------------------------------------------------------


def parts(options: TrainingOptions, model: str = "attention") -> tuple[Answering, QuestionReader]:
    given = questions(12, 5)
    vocabulary = Vocabulary.build(words_of(given), min_count=1)
    encoded = encode_questions(given, vocabulary)
    torch.manual_seed(0)
    config = build_config(options, replace(SMALL, model=model), options.embedding_size)
    return Answering(encoded, encoded, given, options), make_reader(config, len(vocabulary))


def test_the_loss_is_that_of_both_ends_and_the_penalty_of_the_layers_that_skim(
    settings: Options,
) -> None:
    objective, model = parts(settings())
    model.train()
    losses = []
    for weight in (0.0, 1.0):
        torch.manual_seed(1)
        ((loss, shown),) = objective.losses(model, 0, weight)
        losses.append(loss.item())
        assert shown["loss"] == pytest.approx(losses[0])
    chosen = objective._epoch_batches(0)[0]
    batch, spans = collate_questions(objective._train, chosen)
    torch.manual_seed(1)
    with record() as reads:
        start, end = model(batch)
    both = F.cross_entropy(start, spans[:, 0]) + F.cross_entropy(end, spans[:, 1])
    assert losses[0] == pytest.approx(both.item())
    able = skimming(reads)
    assert {entry.module for entry in able.entries} == {model.context}
    assert losses[1] - losses[0] == pytest.approx(able.penalty().item(), rel=1e-4)


@pytest.mark.parametrize("name", answerer_models())
def test_padding_and_batch_mates_change_nothing(name: str, settings: Options) -> None:
    objective, model = parts(settings(), name)
    model.eval()
    data = objective._train
    with torch.no_grad():
        whole, _ = collate_questions(data, np.arange(len(data)))
        start, end = model(whole)
        for one in range(0, len(data), 5):
            alone, _ = collate_questions(data, [one])
            words = int(alone.context_lengths[0])
            for together, single in zip((start, end), model(alone), strict=True):
                assert torch.allclose(together[one, :words], single[0], atol=1e-5)
                assert (together[one, words:] == -torch.inf).all()


def test_a_frozen_vocabulary_has_the_other_words_of_the_vectors(settings: Options) -> None:
    words = [["the", "box", "box", "rare"], ["box", "the"]]
    vectors = WordVectors(["zebra", "box", "yak"], np.ones((3, 8), np.float32))
    known = build_vocabulary(words, settings(), vectors)
    assert known.words == ("<unknown>", "box", "the")
    frozen = settings(freeze_embedding=True)
    assert build_vocabulary(words, frozen, vectors).words[1:] == ("box", "the", "zebra", "yak")
    few = settings(freeze_embedding=True, max_words=3)
    assert build_vocabulary(words, few, vectors).words[1:] == ("box", "the", "zebra")
    assert build_vocabulary(words, frozen, None).words == known.words


# ---- encoding ------------------------------------------------------------------------------------


def test_spans_are_the_answers() -> None:
    given = questions(20, 7)
    data = encode_questions(given, Vocabulary.build(words_of(given)))
    assert len(data) == len(given.questions)
    for one, (first, last) in enumerate(data.spans.tolist()):
        context = data.context_of[one]
        found = data.texts[context][data.starts[context][first] : data.ends[context][last]]
        assert found == given.questions[one].answers[0].text


def test_what_is_beyond_a_cut_or_has_no_word_is_left_out() -> None:
    given = questions(20, 7)
    vocabulary = Vocabulary.build(words_of(given))
    cut = encode_questions(given, vocabulary, max_tokens=8)
    assert 0 < len(cut) < len(given.questions)
    assert max(len(context) for context in cut.contexts) == 8
    assert cut.spans.max() < 8
    assert cut.asked.tolist() == sorted(set(cut.asked.tolist()))


def test_a_batch_knows_what_the_question_shares_with_its_context() -> None:
    given = questions(6, 7)
    data = encode_questions(given, Vocabulary.build(words_of(given)))
    batch, spans = collate_questions(data, [3, 0, 5])
    assert spans.tolist() == data.spans[[3, 0, 5]].tolist()
    for b, one in enumerate((3, 0, 5)):
        passage = skimrnn.text.passages.Passage.of(
            given.contexts[given.questions[one].context], given.questions[one].text
        )
        n = int(batch.context_lengths[b])
        assert np.array_equal(batch.features[b, :n].numpy(), passage.features)
        assert (batch.features[b, n:] == 0).all()
    assert batch.rows.shape == (len(batch.spelling),)
    assert int(batch.context.max()) < len(batch.rows)
