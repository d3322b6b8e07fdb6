"""Several labels a text: what is learnt, what is kept, what stands in the record."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import skimrnn
from skimrnn.model_file import read_model
from skimrnn.tasks import Examples, TextTask, micro_f1
from skimrnn.train import train_classifier
from skimrnn.train.batches import Encoded, collate, soften
from skimrnn.train.classification import Classification

FILLER = ("the", "a", "film", "it", "was", "and", "of", "to", "one", "in", "this", "that")
LABELS = ("sport", "vote")


def texts(count, seed):
    """A text has a label if it has its word; the two do not depend on each other."""
    random = np.random.default_rng(seed)
    made, targets = [], []
    for at in range(count):
        words = [str(word) for word in random.choice(FILLER, random.integers(2, 8))]
        has = [at % 2 == 1, at // 2 % 2 == 1]
        for word, one in zip(("goal", "ballot"), has, strict=True):
            if one:
                words.insert(int(random.integers(len(words) + 1)), word)
        made.append(" ".join(words))
        targets.append(has)
    return Examples(made, np.array(targets))


@pytest.fixture(scope="module")
def topics():
    record = {"name": "topics", "labels": list(LABELS), "counts": {"train": {"texts": 320}}}
    return TextTask("topics", LABELS, texts(320, 1), texts(40, 2), texts(40, 3), record)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"cell": "gru", "bidirectional": True},
        {"adversarial": 0.1, "threshold_spread": 1.0},
    ],
    ids=str,
)
def test_it_learns(changes, topics, options, tmp_path):
    trained = train_classifier(topics, options(epochs=4, **changes), tmp_path / "model")
    best = trained.outcome.best
    assert best["f1"] > 0.9
    file = read_model(trained.folder)
    assert file.text.activation == "sigmoid"
    assert file.training["multilabel"] is True
    assert file.training["best"]["f1"] == best["f1"]
    for name in skimrnn.implementations():
        model = skimrnn.load(trained.folder, implementation=name)
        for part, wanted in ((topics.validation, best["f1"]), (topics.test, 0.95)):
            given = model.predict_proba(part.texts) >= 0.5
            assert abs(micro_f1(part.targets, given) - wanted) < 0.06
    assert model.predict_labels(["it was a goal", "a ballot and a goal", "this film"]) == [
        ("sport",),
        ("sport", "vote"),
        (),
    ]


def test_the_card_says_it(topics, options, tmp_path):
    trained = train_classifier(topics, options(epochs=1), tmp_path / "model")
    card = (trained.folder / "README.md").read_text("utf-8")
    assert "it labels a text as *sport*, *vote*, any number of these." in card
    best = trained.outcome.best
    assert f"| validation micro-F1 | {100 * best['f1']:.1f} %; all labels of a text right" in card


def test_the_evaluation_with_the_best_f1_is_kept(topics, options, tmp_path):
    trained = train_classifier(topics, options(learning_rate=0.01, epochs=5), tmp_path / "model")
    history, best = trained.outcome.history, trained.outcome.best
    assert best["f1"] == max(one["f1"] for one in history)
    equal = [one for one in history if one["f1"] == best["f1"]]
    assert best["loss"] == min(one["loss"] for one in equal)
    assert all(one["score"] == one["f1"] - 1e-6 * one["loss"] for one in history)


def encoded(part, **more):
    rows = [np.arange(len(text.split()), dtype=np.int32) for text in part.texts]
    return Encoded(rows, part.targets, **more)


def test_the_loss_is_binary_and_summed_over_labels_then_averaged_over_texts():
    part = texts(6, 0)
    weights = np.linspace(0.5, 1.5, 6, dtype=np.float32)
    scores = torch.randn(6, 2, dtype=torch.float64)
    p = scores.sigmoid().numpy()
    each = -np.log(np.where(part.targets, p, 1 - p)).sum(axis=1)
    plain = collate(encoded(part), np.arange(6)).loss(scores)
    assert plain.item() == pytest.approx(each.mean(), rel=1e-5)
    weighted = collate(encoded(part, weights=weights), np.arange(6)).loss(scores)
    assert weighted.item() == pytest.approx((each * weights).mean(), rel=1e-5)


def test_the_loss_is_right_where_scores_are_extreme():
    batch = collate(encoded(texts(4, 0)), np.arange(4))
    scores = torch.where(batch.targets, 1e4, -1e4)
    assert batch.loss(scores).item() == 0
    assert batch.loss(-scores).item() == pytest.approx(2e4)


def test_hits_are_whole_rows():
    batch = collate(encoded(texts(4, 0)), np.arange(4))
    scores = torch.where(batch.targets, 1.0, -1.0)
    scores[1, 0] *= -1
    assert batch.hits(batch.predicted(scores)).tolist() == [1, 0, 1, 1]


class Scores(torch.nn.Module):
    """A model whose scores are given by the words of a text."""

    class Plain:
        config = type("Config", (), {"skims": False})
        skimming = False

    rnn = Plain()

    def __init__(self, of_length):
        super().__init__()
        self.of_length = of_length

    def forward(self, rows, lengths, **_):
        return torch.tensor([self.of_length[int(length)] for length in lengths])


def test_an_evaluation_counts_f1_and_whole_texts_by_their_weights(options):
    part = Examples(["a", "a b", "a b c"], np.array([[1, 0], [1, 1], [0, 0]], bool))
    weights = np.array([0.5, 2.0, 0.5], np.float32)
    data = encoded(part, weights=weights)
    model = Scores({1: [1.0, -1.0], 2: [1.0, -1.0], 3: [1.0, -1.0]})
    shown = Classification(data, data, options()).evaluate(model)
    given = np.array([[1, 0]] * 3, bool)
    assert shown["f1"] == pytest.approx(micro_f1(part.targets, given, weights))
    assert shown["accuracy"] == pytest.approx(0.5 / 3)


def test_weights_of_texts_count(topics, options, tmp_path):
    """Of texts that are alike but for their labels the heavier ones win."""
    count = 80
    targets = np.array([[True, False], [False, True]] * (count // 2))
    same = Examples(["odd one"] * count, targets)
    task = replace(topics, train=same, validation=same, test=same)
    for heavy in (0, 1):
        weights = np.where(targets[:, heavy], 9.0, 1.0)
        trained = train_classifier(
            task, options(epochs=3), tmp_path / str(heavy), weights=weights,
            validation_weights=weights,
        )  # fmt: skip
        p = skimrnn.load(trained.folder).predict_proba("odd one")
        assert p[heavy] > 0.75
        assert p[1 - heavy] < 0.25


def test_a_teacher_is_believed_against_the_labels(topics, options, tmp_path):
    opposite = 1.0 - topics.train.targets
    given = options(distillation=1.0, patience=1000, epochs=4)
    trained = train_classifier(topics, given, tmp_path / "model", teacher=opposite)
    assert json.loads((trained.folder / "training.json").read_text())["teacher"] is True
    assert trained.outcome.history[-1]["f1"] < 0.2


def test_a_teacher_s_rows_need_not_add_up():
    targets = np.array([[True, True], [False, False]])
    _, soft = soften(targets, np.array([[0.5, 1.0], [0.0, 0.25]]), 0.5)
    assert soft.tolist() == [[0.75, 1.0], [0.0, 0.125]]
    for odd, why in (
        (np.array([[0.5, 1.0], [0.0, 1.25]]), "from 0 to 1; got 0, 1.25 for training text 1"),
        (np.full((2, 2), np.nan), "from 0 to 1; got nan, nan for training text 0"),
        (np.zeros((2, 3)), "of each label for each of the 2 training texts"),
    ):
        with pytest.raises(ValueError, match=why):
            soften(targets, odd, 0.5)


def test_unlabelled_texts_are_what_the_teacher_says():
    targets = np.array([[True, True], [False, False]])
    teacher = np.array([[0.5, 1.0], [0.0, 0.25], [0.6, 0.5]])
    every, soft = soften(targets, teacher, 0.0, unlabelled=1)
    assert every.tolist() == [[True, True], [False, False], [True, True]]
    assert soft[:2].tolist() == [[1.0, 1.0], [0.0, 0.0]]
    np.testing.assert_allclose(soft[2], [0.6, 0.5])


def test_a_run_that_was_cut_off_goes_on_to_the_same_weights(topics, options, tmp_path):
    class CutOffError(Exception):
        pass

    def cut_off(event):
        if event["event"] == "step" and event["step"] == 25:
            raise CutOffError

    whole = train_classifier(topics, options(epochs=2), tmp_path / "whole")
    with pytest.raises(CutOffError):
        train_classifier(topics, options(epochs=2), tmp_path / "cut", show=cut_off)
    again = train_classifier(topics, options(epochs=2), tmp_path / "cut")
    tensors = [(one.folder / "model.safetensors").read_bytes() for one in (whole, again)]
    assert tensors[0] == tensors[1]
    assert again.outcome.best == whole.outcome.best


def test_one_label_that_is_there_or_not(topics, options, tmp_path):
    def first(part):
        return Examples(part.texts, part.targets[:, :1])

    task = TextTask("goals", LABELS[:1], *map(first, topics.splits().values()), topics.record)
    trained = train_classifier(task, options(epochs=4), tmp_path / "model")
    assert trained.outcome.best["f1"] > 0.9
    model = skimrnn.load(trained.folder)
    assert model.predict_labels(["a goal in it", "the film was"]) == [("sport",), ()]
