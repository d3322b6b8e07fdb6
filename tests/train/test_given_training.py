"""Training at given levels: what is asked, that it repeats and resumes, what does not change."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_classification import CutOffError, cut_off_at, tensors, untimed

import skimrnn
from skimrnn.tasks import Examples, TextTask
from skimrnn.text import Vocabulary
from skimrnn.train import Trained, TrainingOptions, classification, train_classifier
from skimrnn.train.classification import Classification, build_model, encode
from skimrnn.train.given import batch_levels, bound
from skimrnn.train.processes import Processes

Options = Callable[..., TrainingOptions]
Key = tuple[int, ...]


class Random:
    """Each word skimmed by chance."""

    def __init__(self, rate: float = 0.6) -> None:
        self.name = f"random {rate:g}"
        self.rate = rate
        self.asked: list[tuple[list[int], Key]] = []

    def __call__(self, rows: np.ndarray, vocabulary: Vocabulary, key: Key) -> np.ndarray:
        self.asked.append((rows.tolist(), key))
        return (np.random.default_rng(key).random(len(rows)) < self.rate).astype(np.int8)


class OnlyMoods:
    """Reads the two words that decide, skims all others."""

    name = "moods alone are read"

    def __call__(self, rows: np.ndarray, vocabulary: Vocabulary, key: Key) -> np.ndarray:
        return (~np.isin(rows, vocabulary.rows(["good", "bad"]))).astype(np.int8)


class Returning:
    """Whatever a test wants."""

    name = "made up"

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, rows: np.ndarray, vocabulary: Vocabulary, key: Key) -> Any:
        return self.value


# ---- a whole run ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"cell": "gru", "num_layers": 2, "bidirectional": True},
        {"cell": "rnn_tanh", "levels": (12, 0)},
    ],
    ids=str,
)
def test_it_learns_and_reads_the_same_way(
    changes: dict[str, Any], task: TextTask, options: Options, tmp_path: Path
) -> None:
    given = OnlyMoods()
    trained = train_classifier(task, options(**changes), tmp_path / "model", given_levels=given)
    best = trained.outcome.best
    assert best["accuracy"] > 0.95
    assert trained.record["given_levels"] == given.name
    model = skimrnn.load(trained.folder)
    assert model.training["given_levels"] == given.name
    assert "router was not trained" in model.card
    texts = task.validation.texts
    levels = [given(model.vocabulary.rows(text.split()), model.vocabulary, ()) for text in texts]
    readings = model.read(texts, levels=levels)
    assert np.mean(np.concatenate(levels)) == pytest.approx(best["skim_rate"])
    right = [
        reading.label == task.labels[k]
        for reading, k in zip(readings, task.validation.targets, strict=True)
    ]
    assert np.mean(right) == pytest.approx(best["accuracy"])


def test_without_them_the_record_says_none(task, options, tmp_path: Path) -> None:
    trained = train_classifier(task, options(epochs=1), tmp_path / "model")
    assert trained.record["given_levels"] is None
    assert "router was not trained" not in skimrnn.load(trained.folder).card


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_the_router_stays_as_it_was_and_all_else_learns(
    averaging: float, task: TextTask, options: Options, tmp_path: Path
) -> None:
    """To the bit, with weight decay and averaged weights; no penalty pulls at anything."""
    made: list[torch.nn.Module] = []
    original = classification.build_model

    def build(*arguments: Any) -> Any:
        made.append(original(*arguments))
        return made[-1]

    given = options(epochs=2, averaging=averaging, weight_decay=0.1, skim_weight=1e6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classification, "build_model", build)
        train_classifier(task, given, tmp_path / "model", given_levels=Random())
    trained = dict(made[0].named_parameters())
    vocabulary = Vocabulary.build([text.split() for text in task.train.texts])
    torch.manual_seed(given.seed)
    for name, fresh in build_model(given, vocabulary, 2, None).named_parameters():
        router = name.startswith("rnn.router_")
        assert torch.equal(fresh, trained[name]) == router, name


# ---- it repeats and resumes ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def short() -> dict[str, Any]:
    return {"epochs": 3, "averaging": 0.9, "warm_start_steps": 4}


@pytest.fixture(scope="module")
def whole_run(task, options, short, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("run") / "model"
    return train_classifier(task, options(**short), folder, given_levels=Random())


def test_the_same_seed_gives_the_same_model(
    task, options, short, tmp_path: Path, whole_run: Trained
) -> None:
    same = train_classifier(task, options(**short), tmp_path / "1", given_levels=Random())
    assert tensors(same.folder) == tensors(whole_run.folder)
    assert untimed(same.record) == untimed(whole_run.record)
    for number, (given, changes) in enumerate(
        ((Random(0.5), {}), (Random(), {"seed": 2}), (None, {}))
    ):
        other = train_classifier(
            task, options(**{**short, **changes}), tmp_path / f"other {number}", given_levels=given
        )
        assert tensors(other.folder) != tensors(whole_run.folder)


@pytest.mark.parametrize("event", [1, 5, 6, 8, 13, 20])
def test_a_run_that_was_cut_off_ends_the_same(
    event: int, task, options, short, tmp_path: Path, whole_run: Trained, monkeypatch
) -> None:
    monkeypatch.setattr("skimrnn.train.loop.CHECKPOINT_SECONDS", 0.0 if event % 2 else 60.0)

    def train(**more: Any) -> Trained:
        return train_classifier(
            task, options(**short), tmp_path / "model", given_levels=Random(), **more
        )

    with pytest.raises(CutOffError):
        train(show=cut_off_at(event))
    trained = train()
    assert tensors(trained.folder) == tensors(whole_run.folder)
    assert trained.outcome.history == whole_run.outcome.history
    assert untimed(trained.record) == untimed(whole_run.record)


def test_a_checkpoint_of_other_levels_is_refused(task, options, tmp_path: Path) -> None:
    def train(given: Any, **more: Any) -> Trained:
        return train_classifier(task, options(), tmp_path / "model", given_levels=given, **more)

    with pytest.raises(CutOffError):
        train(Random(0.6), show=cut_off_at(8))
    with pytest.raises(ValueError, match=r"given_levels was 'random 0\.6' and is 'random 0\.5'"):
        train(Random(0.5))
    with pytest.raises(ValueError, match=r"given_levels was 'random 0\.6' and is None"):
        train(None)


# ---- one step ------------------------------------------------------------------------------------


def objective_of(
    task: TextTask, options: TrainingOptions, given: Any, together: Processes | None = None
) -> tuple[Classification, Vocabulary]:
    vocabulary = Vocabulary.build([text.split() for text in task.train.texts])
    train, validation = encode(task.train, vocabulary), encode(task.validation, vocabulary)
    levels_of = bound(given, vocabulary, options.levels)
    return Classification(train, validation, options, together, levels_of=levels_of), vocabulary


def test_a_text_is_asked_for_by_its_words_and_its_place(task, options) -> None:
    """In training (seed, step, row), each step anew; in evaluation (seed, text), the same again."""
    given = Random()
    settings = options(seed=5, unknown_probability=0.9, num_layers=2)
    objective, vocabulary = objective_of(task, settings, given)
    model = build_model(settings, vocabulary, 2, None)
    rows = [vocabulary.rows(text.split()).tolist() for text in task.train.texts]
    for step in (3, 9):
        given.asked.clear()
        list(objective.losses(model, step, 1.0))
        assert [key for _, key in given.asked] == [(5, step, row) for row in range(16)]
        assert all(asked in rows for asked, _ in given.asked)  # no word made unknown by chance
    evaluations = []
    for _ in range(2):
        given.asked.clear()
        with torch.no_grad():
            numbers = objective.evaluate(model.eval())
        evaluations.append(given.asked.copy())
    assert evaluations[0] == evaluations[1]
    validation = [vocabulary.rows(text.split()).tolist() for text in task.validation.texts]
    assert sorted(given.asked, key=lambda one: one[1]) == [
        (asked, (5, text)) for text, asked in enumerate(validation)
    ]
    skimmed = [np.random.default_rng(key).random(len(asked)) < 0.6 for asked, key in given.asked]
    assert numbers["skim_rate"] == pytest.approx(np.concatenate(skimmed).mean())


def test_the_place_is_that_in_the_global_batch(task, options) -> None:
    asked = {}
    for count in (1, 2):
        given = Random()
        for rank in range(count):
            objective, vocabulary = objective_of(task, options(), given, Processes(rank, count))
            list(objective.losses(build_model(options(), vocabulary, 2, None), 4, 1.0))
        asked[count] = given.asked
    assert asked[1] == asked[2]


def test_there_is_no_penalty_and_the_rate_is_the_given_levels(task, options) -> None:
    settings = options(dropout=0.0, unknown_probability=0.0, penalty="rate", wanted_rate=0.5)
    objective, vocabulary = objective_of(task, settings, OnlyMoods())
    model = build_model(settings, vocabulary, 2, None)
    losses = [next(objective.losses(model, 3, weight)) for weight in (0.0, 1e6)]
    (loss, shown), (weighted, _) = losses
    assert torch.equal(loss, weighted)
    assert float(loss.detach()) == pytest.approx(shown["loss"])
    assert shown["skim_rate"] == pytest.approx(1 - 16 / shown["tokens"])  # a mood in each text


def test_in_the_plain_phase_everything_is_read(task, options) -> None:
    given = Random()
    objective, vocabulary = objective_of(task, options(), given)
    model = build_model(options(), vocabulary, 2, None)
    model.rnn.skimming = False
    ((_, shown),) = objective.losses(model, 3, 1.0)
    assert shown["skim_rate"] is None
    with torch.no_grad():
        assert objective.evaluate(model.eval())["skim_rate"] == 0
    assert given.asked == []


def test_texts_without_words(task, options, tmp_path: Path) -> None:
    empty = Examples([""] * 6, np.arange(6) % 2)
    task = TextTask("none", task.labels, empty, empty, empty, task.record)
    trained = train_classifier(
        task, options(epochs=1), tmp_path / "model", given_levels=Returning([])
    )
    assert trained.outcome.best["skim_rate"] is None


# ---- what is refused -----------------------------------------------------------------------------


def test_a_network_that_never_skims_is_refused_before_anything_is_written(
    task, options, tmp_path: Path
) -> None:
    message = (
        r"given levels \(random 0\.6\) need a level to skim at; got levels=\(12,\), train with"
    )
    with pytest.raises(ValueError, match=message):
        train_classifier(task, options(levels=(12,)), tmp_path / "model", given_levels=Random())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([0, 0], r"one for each of 3 tokens; got int64 \(2,\)"),
        ([[0, 0, 0]], r"got int64 \(1, 3\)"),
        ([0, 0, 0.5], r"got float64 \(3,\)"),
        ([True, False, True], r"got bool \(3,\)"),
        ([0, 2, 0], r"whole numbers from 0 to 1, .*; got int64 \(3,\) from 0 to 2"),
        ([0, -1, 0], r"from -1 to 0"),
        (None, r"got object \(\)"),
    ],
    ids=str,
)
def test_levels_that_do_not_fit_a_text_are_refused(value: Any, said: str) -> None:
    levels_of = bound(Returning(value), Vocabulary(("<unknown>", "a")), (7, 2))
    with pytest.raises(ValueError, match=r"given levels \(made up\) must be .*" + said):
        levels_of(np.zeros(3, np.int32), (1, 2, 3))


def test_a_batch_is_padded_with_zeros() -> None:
    levels_of = bound(OnlyMoods(), Vocabulary(("<unknown>", "a", "good", "bad")), (7, 2))
    texts = [np.array(rows, np.int32) for rows in ([1, 2, 0], [], [1])]
    levels = batch_levels(levels_of, texts, [(0,)] * 3)
    assert levels.tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert levels.dtype == torch.int64
    assert batch_levels(levels_of, [], []).shape == (0, 0)
