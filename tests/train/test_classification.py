"""From a task to a model folder: it learns, repeats, resumes, and reads as it was trained."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import skimrnn
import two_layer_router  # noqa: F401  # registers "two-layer"
from skimrnn.model_file import read_model
from skimrnn.nn import TextClassifier, record
from skimrnn.tasks import DataError, Examples, TextTask
from skimrnn.text import Vocabulary, WordVectors
from skimrnn.train import Trained, TrainingOptions, classification, train_classifier
from skimrnn.train.batches import collate, epoch_batches
from skimrnn.train.classification import Classification, build_model, encode
from skimrnn.train.loop import flushed_denormals
from skimrnn.train.noise import batch_gumbel
from skimrnn.train.processes import Processes

Options = Callable[..., TrainingOptions]


class CutOffError(Exception):
    """Raised inside ``show`` to cut a run off."""


def cut_off_at(event: int) -> Callable[[dict[str, Any]], None]:
    left = [event]

    def show(_: dict[str, Any]) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise CutOffError

    return show


def accuracy_of(folder: Path, examples: Examples) -> float:
    model = skimrnn.load(folder)
    targets = [model.labels.index(label) for label in model.predict(examples.texts)]
    return float(np.mean(np.array(targets) == examples.targets))


def tensors(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def untimed(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "seconds"}


# ---- it learns, and the folder reads as it was trained -------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"levels": (12,)},
        {"levels": (12, 0)},
        {"levels": (12, 4, 1), "hard": True},
        {"cell": "gru", "skim_input": "full"},
        {"router": "two-layer"},
        {"router": "skip-rnn", "levels": (12, 0), "penalty": "cost"},
        # No ceiling: one would miss words that no window can see coming.
        {"router": "skipw", "router_options": {"reads": 10}, "levels": (12, 0), "penalty": "cost"},
        {"router": "vcrnn", "levels": (12, 6, 2), "shared": True, "penalty": "cost"},
        {
            "router": "lstm-jump",
            "router_options": {"reads": 3, "longest": 2, "jumps": 5},
            "levels": (12, 0),
            "penalty": "cost",
        },
        {
            "router": "leap-lstm",
            "router_options": {"units": 8, "ahead": 3, "filters": 2},
            "levels": (12, 0),
            "penalty": "rate",
            "wanted_rate": 0.6,
            "skim_weight": 1.0,
        },
        {"num_layers": 2, "bidirectional": True, "router_input": "hidden", "epochs": 10},
        {"cell": "rnn_tanh", "learning_rate": 0.01},
        {"averaging": 0.9},
        {"warm_start_steps": 12, "skim_ramp_steps": 6},
        {
            "penalty": "rate",
            "wanted_rate": 0.6,
            "skim_weight": 1.0,
            "schedule": "cosine",
            "epochs": 12,
        },
        {"penalty": "cost", "skim_weight": 0.1, "weight_decay": 0.01},
        {"adversarial": 0.1, "threshold_spread": 1.0},
    ],
    ids=lambda changes: "-".join(f"{k}={v}" for k, v in changes.items()) or "default",
)
def test_it_learns(
    changes: dict[str, Any], task: TextTask, options: Options, tmp_path: Path
) -> None:
    trained = train_classifier(task, options(**changes), tmp_path / "model")
    best = trained.outcome.best
    assert best["accuracy"] > 0.95
    read = accuracy_of(trained.folder, task.validation)
    assert abs(read - best["accuracy"]) <= 1 / len(task.validation) + 1e-9
    assert accuracy_of(trained.folder, task.test) > 0.9
    rate = best["skim_rate"]
    model = skimrnn.load(trained.folder)
    if model.config.skims:
        levels = [reading.level for reading in model.read(task.validation.texts)]
        pooled = np.mean(np.concatenate(levels, axis=-1) > 0)
        assert rate == pytest.approx(pooled, abs=0.01)
        assert best["step"] > changes.get("warm_start_steps", 0)
    else:
        assert rate is None


def test_what_stands_in_the_folder(task: TextTask, options: Options, tmp_path: Path) -> None:
    given = options(epochs=2)
    trained = train_classifier(
        task, given, tmp_path / "model", command="skimrnn train moods", dtype="float16"
    )
    assert sorted(path.name for path in trained.folder.iterdir()) == [
        "README.md",
        "config.json",
        "log.jsonl",
        "model.safetensors",
        "training.json",
        "vocabulary.txt",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    record = json.loads((trained.folder / "training.json").read_text("utf-8"))
    assert record == trained.record
    assert TrainingOptions(**record["options"]) == given
    assert record["task"] == task.record
    assert record["command"] == "skimrnn train moods"
    assert record["best"] == trained.outcome.best
    assert record["steps"] == 12
    assert record["vectors"] is None
    log = [json.loads(line) for line in (trained.folder / "log.jsonl").read_text().splitlines()]
    assert log == trained.outcome.history
    file = read_model(trained.folder)
    assert file.text is not None
    assert file.text.labels == task.labels
    assert len(file.text.vocabulary) == record["vocabulary"]
    assert {"good", "bad"} <= set(file.text.vocabulary.words)
    assert "`skimrnn train moods`" in file.card
    assert "*bad*, *good*" in file.card
    assert tensors(trained.folder).count(b'"F16"') == len(file.parameters) + 3


def test_an_implementation_that_is_not_here_is_refused_before_training(
    task: TextTask, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKIMRNN_IMPLEMENTATION", "AVX2typo")
    with pytest.raises(ValueError, match="names 'AVX2typo', which this machine cannot run"):
        train_classifier(task, options(), tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_every_event_is_shown(task: TextTask, options: Options, tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    train_classifier(task, options(epochs=2), tmp_path / "model", show=events.append)
    steps = [event for event in events if event["event"] == "step"]
    assert len(steps) == 12
    assert all(0 <= event["accuracy"] <= 1 and 0 <= event["skim_rate"] <= 1 for event in steps)
    assert sum(event["tokens"] for event in steps) == 2 * sum(
        len(t.split()) for t in task.train.texts
    )
    assert all(np.isfinite(event["loss"]) for event in events)


# ---- it repeats and resumes ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def short() -> dict[str, Any]:
    return {"epochs": 3, "averaging": 0.9, "warm_start_steps": 4, "levels": (12, 4, 1)}


@pytest.fixture(scope="module")
def whole_run(task, options, short, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_classifier(task, options(**short), tmp_path_factory.mktemp("run") / "model")


def test_the_same_seed_gives_the_same_model(task, options, short, tmp_path: Path) -> None:
    first = train_classifier(task, options(**short), tmp_path / "1")
    torch.rand(5)
    np.random.random(3)  # noqa: NPY002 - nothing may depend on the global generator
    second = train_classifier(task, options(**short), tmp_path / "2")
    other = train_classifier(task, options(**short, seed=2), tmp_path / "3")
    assert tensors(first.folder) == tensors(second.folder) != tensors(other.folder)
    assert untimed(first.record) == untimed(second.record)
    assert first.outcome.history == second.outcome.history


@pytest.mark.parametrize("event", [1, 5, 6, 7, 8, 13, 20, 21])
def test_a_run_that_was_cut_off_ends_the_same(
    event: int, task, options, short, tmp_path: Path, whole_run: Trained, monkeypatch
) -> None:
    monkeypatch.setattr("skimrnn.train.loop.CHECKPOINT_SECONDS", 0.0 if event % 2 else 60.0)
    with pytest.raises(CutOffError):
        train_classifier(task, options(**short), tmp_path / "model", show=cut_off_at(event))
    assert [path.name for path in tmp_path.iterdir()] == ["model.training"]
    trained = train_classifier(task, options(**short), tmp_path / "model")
    assert tensors(trained.folder) == tensors(whole_run.folder)
    assert trained.outcome.history == whole_run.outcome.history
    assert untimed(trained.record) == untimed(whole_run.record)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_failed_save_can_be_made_good(task, options, tmp_path: Path, monkeypatch) -> None:
    """Disk full when the model is saved: the run is not lost."""

    def full(*args: object, **more: object) -> None:
        raise OSError(28, "disk full while saving")

    given = options(epochs=2)
    with monkeypatch.context() as patch:
        patch.setattr(classification, "write_model", full)
        with pytest.raises(OSError, match="disk full"):
            train_classifier(task, given, tmp_path / "model")
    assert not (tmp_path / "model").exists()
    steps: list[dict[str, Any]] = []
    trained = train_classifier(task, given, tmp_path / "model", show=steps.append)
    assert steps == []
    assert trained.outcome.steps == 12
    assert accuracy_of(trained.folder, task.validation) == pytest.approx(
        trained.outcome.best["accuracy"]
    )


@pytest.mark.parametrize(
    "change", ["options", "texts", "targets", "labels", "validation", "vectors"]
)
def test_a_checkpoint_of_another_run_is_refused(change: str, task, options, tmp_path: Path) -> None:
    with pytest.raises(CutOffError):
        train_classifier(task, options(), tmp_path / "model", show=cut_off_at(8))
    given, more = options(), {}
    train, validation = task.train, task.validation
    match change:
        case "options":
            given = options(learning_rate=0.01)
        case "texts":
            task = replace(task, train=Examples([train.texts[2], *train.texts[1:]], train.targets))
        case "targets":
            task = replace(task, train=Examples(train.texts, 1 - train.targets))
        case "labels":
            task = replace(task, labels=("good", "bad"))
        case "validation":
            task = replace(task, validation=Examples(validation.texts[::-1], validation.targets))
        case "vectors":
            more["vectors"] = tmp_path / "vectors.txt"
            more["vectors"].write_text("good 1 2\nbad 3 4\n")
    with pytest.raises(
        ValueError, match=r"is of another run .*; delete .*checkpoint.pt to start anew"
    ):
        train_classifier(task, given, tmp_path / "model", **more)


def test_training_again_replaces_the_model(task, options, tmp_path: Path) -> None:
    train_classifier(task, options(epochs=1), tmp_path / "model")
    trained = train_classifier(task, options(epochs=2), tmp_path / "model")
    assert trained.outcome.steps == 12
    assert read_model(tmp_path / "model").training["steps"] == 12


# ---- what is refused before anything is spent ----------------------------------------------------


def test_a_folder_of_something_else_is_refused_at_once(task, options, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="holds files but no skimrnn model"):
        train_classifier(task, options(), tmp_path / "model", show=cut_off_at(1))
    with pytest.raises(
        ValueError, match="dtype must be one of float16, float32, float64; got 'int8'"
    ):
        train_classifier(task, options(), tmp_path / "other", dtype="int8", show=cut_off_at(1))
    with pytest.raises(
        ValueError, match="levels must be whole numbers falling strictly from hidden"
    ):
        train_classifier(task, options(levels=(10, 3)), tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_one_class_only(task: TextTask) -> None:
    train = Examples(task.train.texts, np.zeros(len(task.train), np.int64))
    with pytest.raises(DataError, match="every training text has the label 'bad'"):
        replace(task, train=train)


def test_a_rate_that_explodes_is_an_error(task, options, tmp_path: Path) -> None:
    given = options(learning_rate=1e30, cell="rnn_relu", gradient_clip=1e30, levels=(12, 3))
    with pytest.raises(
        FloatingPointError, match=r"gradient of step \d+ is not finite; lower learning_"
    ):
        train_classifier(task, given, tmp_path / "model")
    assert not (tmp_path / "model").exists()


# ---- odd texts -----------------------------------------------------------------------------------


def test_empty_texts_are_trained_on(task, options, tmp_path: Path) -> None:
    texts = ["", " \n", *task.train.texts[2:]]
    task = replace(
        task,
        train=Examples(texts, task.train.targets),
        validation=Examples(["", *task.validation.texts[1:]], task.validation.targets),
    )
    trained = train_classifier(task, options(batch_size=1, epochs=1), tmp_path / "model")
    assert trained.outcome.steps == 96
    assert all(np.isfinite(event["loss"]) for event in trained.outcome.history)
    assert skimrnn.load(trained.folder).read("").skim_rate is None


@pytest.mark.parametrize("levels", [(12, 3), (12,)])
def test_nothing_but_empty_texts(levels, task, options, tmp_path: Path) -> None:
    empty = Examples([""] * 6, np.arange(6) % 2)
    task = replace(task, train=empty, validation=empty, test=empty)
    trained = train_classifier(task, options(levels=levels, epochs=1), tmp_path / "model")
    assert trained.outcome.best["accuracy"] == 0.5
    assert trained.outcome.best["skim_rate"] is None
    assert len(skimrnn.load(trained.folder).vocabulary) == 1


def test_no_word_of_the_validation_is_known(task, options, tmp_path: Path) -> None:
    other = Examples(["qwerty uiop"] * 6, np.arange(6) % 2)
    task = replace(task, validation=other)
    trained = train_classifier(task, options(epochs=2), tmp_path / "model")
    assert trained.outcome.best["accuracy"] == 0.5
    assert accuracy_of(trained.folder, other) == 0.5


def test_lone_surrogates_and_long_texts(task, options, tmp_path: Path) -> None:
    texts = ["\ud800 good \udc00", "bad " * 1000, *task.train.texts[2:]]
    task = replace(task, train=Examples(texts, np.array([1, 0, *task.train.targets[2:]])))
    longest: list[int] = []
    original = classification.collate

    def collate(data: Any, texts: Any) -> Any:
        batch = original(data, texts)
        longest.append(batch.rows.shape[1])
        return batch

    classification.collate = collate
    try:
        trained = train_classifier(task, options(epochs=1, max_tokens=20), tmp_path / "model")
    finally:
        classification.collate = original
    assert max(longest) == 20
    assert not any("\ud800" <= c <= "\udfff" for w in vocabulary_of(trained.folder) for c in w)


def vocabulary_of(folder: Path) -> tuple[str, ...]:
    text = read_model(folder).text
    assert text is not None
    return text.vocabulary.words


# ---- words and vectors ---------------------------------------------------------------------------


def vectors_file(folder: Path, words: list[str]) -> tuple[Path, np.ndarray]:
    matrix = np.random.default_rng(5).normal(size=(len(words), 6)).astype(np.float32)
    lines = [f"{w} {' '.join(map(str, row))}" for w, row in zip(words, matrix, strict=True)]
    path = folder / "vectors.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path, matrix


def test_vectors_go_to_the_rows_of_their_words(options: Options) -> None:
    vocabulary = Vocabulary(("<unknown>", "a", "b", "c"))
    vectors = WordVectors(["c", "zzz", "a"], np.arange(6, dtype=np.float32).reshape(3, 2))
    model = build_model(options(), vocabulary, 2, vectors)
    assert model.embedding.weight.shape == (4, 2)
    assert model.embedding.weight[3].tolist() == [0, 1]
    assert model.embedding.weight[1].tolist() == [4, 5]
    for row in (0, 2):
        assert model.embedding.weight[row].tolist() not in ([0, 1], [2, 3], [4, 5])
    assert model.embedding.weight.requires_grad


def test_frozen_vectors_stay_as_they_were(task, options, tmp_path: Path) -> None:
    words = ["good", "film", "absent", "the", "bad"]
    path, matrix = vectors_file(tmp_path, words)
    for frozen in (True, False):
        trained = train_classifier(
            task, options(epochs=2, freeze_embedding=frozen), tmp_path / "model", vectors=path
        )
        text = read_model(trained.folder).text
        assert text is not None
        assert text.embedding.shape[1] == 6
        assert "absent" not in text.vocabulary
        for word, vector in zip(words, matrix, strict=True):
            if word != "absent":
                row = text.embedding[text.vocabulary.words.index(word)]
                assert np.array_equal(row, vector) is frozen
    assert trained.record["vectors"] == {"source": "vectors.txt", "words_found": 4}


def test_rare_words_with_a_vector_are_kept(task, options, tmp_path: Path) -> None:
    texts = ["rare good", "unique bad", *task.train.texts[2:]]
    task = replace(task, train=Examples(texts, np.array([1, 0, *task.train.targets[2:]])))
    path, _ = vectors_file(tmp_path, ["rare", "good"])
    trained = train_classifier(task, options(epochs=1), tmp_path / "model", vectors=path)
    assert "rare" in vocabulary_of(trained.folder)
    assert "unique" not in vocabulary_of(trained.folder)
    capped = train_classifier(task, options(epochs=1, max_words=3), tmp_path / "capped")
    assert len(vocabulary_of(capped.folder)) == 4


def test_vectors_that_have_none_of_the_words(task, options, tmp_path: Path) -> None:
    path, _ = vectors_file(tmp_path, ["qwerty"])
    with pytest.raises(
        ValueError, match=r"vectors.txt has a vector for none of the 14 training words"
    ):
        train_classifier(task, options(), tmp_path / "model", vectors=path)
    with pytest.raises(FileNotFoundError, match="word vectors: no file"):
        train_classifier(task, options(), tmp_path / "model", vectors=tmp_path / "absent.txt")


# ---- one step ------------------------------------------------------------------------------------


def step_of(
    task: TextTask, options: TrainingOptions, step: int = 3, weight: float = 0.5
) -> tuple[TextClassifier, torch.Tensor, dict[str, Any]]:
    vocabulary = Vocabulary.build([text.split() for text in task.train.texts])
    torch.manual_seed(0)
    model = build_model(options, vocabulary, 2, None)
    objective = Classification(
        encode(task.train, vocabulary), encode(task.validation, vocabulary), options
    )
    torch.manual_seed(0)
    ((loss, shown),) = objective.losses(model, step, weight)
    return model, loss, shown


def test_the_loss_is_cross_entropy_and_weighted_penalty(task, options) -> None:
    """The penalty is -log of p, not of the sample: it does not depend on the temperature."""
    given = options(dropout=0.0, unknown_probability=0.0)
    _, loss, shown = step_of(task, given, weight=0.5)
    _, alone, _ = step_of(task, given, weight=0.0)
    _, twice, _ = step_of(task, given, weight=1.0)
    assert float(alone.detach()) == pytest.approx(shown["loss"])
    penalty = float((twice - alone).detach())
    assert float((loss - alone).detach()) == pytest.approx(penalty / 2, rel=1e-4)
    assert penalty == pytest.approx(np.log(2), abs=0.2)


JUMPING = {
    "router": "lstm-jump",
    "router_options": {"reads": 2, "longest": 3, "jumps": 2},
    "levels": (12, 0),
    "penalty": "cost",
    "dropout": 0.0,
    "unknown_probability": 0.0,
}


def test_a_reinforced_router_is_rewarded_for_right_labels_less_the_cost(task, options) -> None:
    given = options(**JUMPING)
    model, loss, shown = step_of(task, given, weight=0.3)
    vocabulary = Vocabulary.build([text.split() for text in task.train.texts])
    train = encode(task.train, vocabulary)
    batch = collate(train, epoch_batches(train.lengths(), given.batch_size, given.seed, 0)[3])
    noise = torch.from_numpy(batch_gumbel(given.seed, 3, batch.lengths.tolist(), 1, 1, 4))
    with record() as reads:
        scores = model(batch.rows, batch.lengths, noise=noise)
    reward = 2 * (scores.argmax(dim=1) == batch.targets).float() - 1 - 0.3 * reads.text_costs()
    assert 0 < float(reads.text_costs().min()) < float(reads.text_costs().max()) <= 1
    wanted = torch.nn.functional.cross_entropy(scores, batch.targets)
    assert float(wanted.detach()) == pytest.approx(shown["loss"])
    wanted = wanted + reads.reinforcement(reward).mean()
    assert float(loss.detach()) == pytest.approx(float(wanted.detach()), rel=1e-5)
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_a_reinforced_router_is_trained_by_one_process(task, options) -> None:
    train = encode(task.train, Vocabulary.build([text.split() for text in task.train.texts]))
    with pytest.raises(ValueError, match=r"'lstm-jump' is learnt by REINFORCE.*got 2 processes"):
        Classification(train, train, options(**JUMPING), Processes(0, 2))


def test_a_jumping_run_that_was_cut_off_ends_the_same(
    task, options, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("skimrnn.train.loop.CHECKPOINT_SECONDS", 0.0)
    given = options(**JUMPING, epochs=2)
    whole = train_classifier(task, given, tmp_path / "whole")
    with pytest.raises(CutOffError):
        train_classifier(task, given, tmp_path / "cut", show=cut_off_at(5))
    resumed = train_classifier(task, given, tmp_path / "cut")
    assert tensors(resumed.folder) == tensors(whole.folder)


def test_the_noise_is_keyed_by_seed_and_step_and_not_torch_s(task, options, monkeypatch) -> None:
    keys: list[tuple[Any, ...]] = []
    original = classification.batch_gumbel

    def keyed(*key: Any, **first_row: Any) -> Any:
        keys.append(key)
        return original(*key, **first_row)

    monkeypatch.setattr(classification, "batch_gumbel", keyed)
    given = options(dropout=0.0, unknown_probability=0.0, num_layers=2, levels=(12, 4, 1), seed=5)
    losses = [step_of(task, given, step=step)[1] for step in (3, 3, 9)]
    assert torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2])
    assert keys[0] == keys[1]
    for key, step in zip(keys, (3, 3, 9), strict=True):
        assert key[:2] == (5, step)
        assert key[3:] == (2, 1, 3)
        assert len(key[2]) == 16


def test_gradients_reach_every_parameter(task, options) -> None:
    given = options(levels=(12, 4, 1), bidirectional=True, num_layers=2)
    model, loss, _ = step_of(task, given)
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_the_plain_phase_has_no_penalty_and_no_rate(task, options) -> None:
    given = options(dropout=0.0, unknown_probability=0.0)
    vocabulary = Vocabulary.build([text.split() for text in task.train.texts])
    model = build_model(given, vocabulary, 2, None)
    model.rnn.skimming = False
    objective = Classification(encode(task.train, vocabulary), encode(task.test, vocabulary), given)
    ((loss, shown),) = objective.losses(model, 0, 100.0)
    assert float(loss.detach()) == pytest.approx(shown["loss"])
    assert shown["skim_rate"] is None


def test_evaluation_counts_real_tokens_and_texts(task, options) -> None:
    vocabulary = Vocabulary.build([text.split() for text in task.train.texts])
    model = build_model(options(), vocabulary, 2, None).eval()
    examples = Examples(["good", "", "the film was " * 9, "bad bad"], np.array([1, 0, 1, 0]))
    data = encode(examples, vocabulary)
    objective = Classification(data, data, options())
    for threshold, rate in ((1.0, 0.0), (-1.0, 1.0)):
        model.rnn.threshold = threshold
        with torch.no_grad():
            numbers = objective.evaluate(model)
        assert numbers["skim_rate"] == rate
        assert numbers["accuracy"] in (0, 0.25, 0.5, 0.75, 1)
        assert numbers["score"] == pytest.approx(numbers["accuracy"], abs=1e-5)
        assert numbers["score"] < numbers["accuracy"]
    with torch.no_grad(), flushed_denormals():
        assert objective.evaluate(model) == numbers


def test_only_training_texts_are_cut(task: TextTask, options: Options, tmp_path: Path) -> None:
    """What decides comes late: training never sees it, validation must."""
    vocabulary = Vocabulary(("<unknown>", "a"))
    data = encode(Examples(["a " * 500, "b a"], np.array([0, 1])), vocabulary)
    assert data.lengths().tolist() == [500, 2]
    assert data.rows[1].tolist() == [0, 1]
    late = [f"{'the ' * 9}{('bad', 'good')[target]}" for target in task.validation.targets]
    changed = replace(task, validation=Examples(late, task.validation.targets))
    trained = train_classifier(changed, options(max_tokens=9), tmp_path / "model")
    assert trained.outcome.best["accuracy"] == accuracy_of(tmp_path / "model", changed.validation)


def test_the_callers_random_numbers_are_left_alone(
    task: TextTask, options: Options, tmp_path: Path
) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_classifier(task, options(epochs=1), tmp_path / "model")
    assert torch.equal(torch.rand(3), expected)


# ---- a teacher, the worst shift, many thresholds -------------------------------------------------


def test_a_teacher_is_believed_against_the_labels(
    task: TextTask, options: Options, tmp_path: Path
) -> None:
    """With the whole loss its own, a teacher that says the opposite teaches the opposite."""
    opposite = np.eye(2)[1 - task.train.targets]
    given = options(distillation=1.0, patience=1000)
    train_classifier(task, given, tmp_path / "model", teacher=opposite)
    record = json.loads((tmp_path / "model" / "training.json").read_text("utf-8"))
    assert record["teacher"] is True
    # The best evaluation is the earliest and least sure of the opposite: look at the last one.
    assert record["best"]["step"] < record["steps"]
    log = (tmp_path / "model" / "log.jsonl").read_text().splitlines()
    assert json.loads(log[-1])["accuracy"] < 0.1


def test_a_resumed_run_has_the_same_teacher(
    task: TextTask, options: Options, tmp_path: Path
) -> None:
    teacher = np.full((len(task.train), 2), 0.5)
    with pytest.raises(CutOffError):
        train_classifier(task, options(), tmp_path / "model", teacher=teacher, show=cut_off_at(9))
    with pytest.raises(
        ValueError, match="the texts, the labels or what a teacher says of them differ"
    ):
        train_classifier(task, options(), tmp_path / "model")
    train_classifier(task, options(), tmp_path / "model", teacher=teacher)


def test_words_of_unlabelled_texts_are_learnt_from_a_teacher(
    task: TextTask, options: Options, tmp_path: Path
) -> None:
    """Words that no labelled text has are known, and say what the teacher says of them."""
    new = [
        text.replace("good", "superb").replace("bad", "dire")
        for _ in range(3)
        for text in task.train.texts
    ]
    teacher = np.eye(2)[np.tile(task.train.targets, 4)]
    given = options(distillation=0.0)
    trained = train_classifier(
        task, given, tmp_path / "model", teacher=teacher, unlabelled=new, weights=np.ones(96)
    )
    assert trained.record["unlabelled"] == 288
    assert "96 texts, and 288 without labels" in (trained.folder / "README.md").read_text("utf-8")
    assert skimrnn.load(trained.folder).predict(["a superb film", "a dire film"]) == ["good", "bad"]
    with pytest.raises(ValueError, match="got 288 and no teacher"):
        train_classifier(task, given, tmp_path / "none", unlabelled=new)
    with pytest.raises(ValueError, match=r"96 training texts and 287 unlabelled ones.*\(384, 2\)"):
        train_classifier(task, given, tmp_path / "none", teacher=teacher, unlabelled=new[1:])


def objective(task: TextTask, given: TrainingOptions) -> tuple[Classification, TextClassifier]:
    """A run's objective and its fresh model, in training."""
    words = [text.split() for text in task.train.texts]
    vocabulary = Vocabulary.build(words, min_count=1)
    data = encode(task.train, vocabulary)
    torch.manual_seed(0)
    return Classification(data, data, given), build_model(given, vocabulary, 2, None).train()


def test_the_worst_shift_is_as_long_as_asked_and_worse_than_others(
    task: TextTask, options: Options
) -> None:
    learns, model = objective(task, options(dropout=0.0, levels=(12,)))
    batch = classification.collate(learns._train, np.arange(16))
    assert batch.lengths.min() > 1
    zeros = torch.zeros(*batch.rows.shape, 8, requires_grad=True)

    def loss(shift: torch.Tensor) -> torch.Tensor:
        scores = model(batch.rows, batch.lengths, shift=shift)
        return torch.nn.functional.cross_entropy(scores, batch.targets)

    loss(zeros).backward()
    worst = classification.worst_shift(zeros.grad, 0.5)
    assert worst is not None
    np.testing.assert_allclose(worst.flatten(1).norm(dim=1), 0.5, rtol=1e-5)
    assert not worst[torch.arange(worst.shape[1])[None] >= batch.lengths[:, None]].any()
    random = torch.randn_like(worst) * (worst != 0)
    random *= 0.5 / random.flatten(1).norm(dim=1)[:, None, None]
    plain = loss(zeros).item()
    assert loss(worst).item() - plain > 3 * abs(loss(random).item() - plain)
    assert loss(-worst).item() < plain


def test_the_adversarial_loss_is_added(task: TextTask, options: Options) -> None:
    given = options(dropout=0.0, unknown_probability=0.0, adversarial=1e-4)
    learns, model = objective(task, given)
    parts = learns.losses(model, 0, 0.0)
    plain, shown = next(parts)
    plain.backward()
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    worst, more = next(parts)
    assert more == {}
    assert shown["loss"] == pytest.approx(plain.item())
    assert worst.item() == pytest.approx(plain.item(), abs=1e-3)  # for so small a shift
    worst.backward()  # adds the same again
    for parameter, first in zip(model.parameters(), gradients, strict=True):
        np.testing.assert_allclose(parameter.grad, 2 * first, atol=1e-3)
    assert next(parts, None) is None


def test_the_worst_shift_is_worse_in_training(task: TextTask, options: Options) -> None:
    given = options(dropout=0.0, unknown_probability=0.0, adversarial=0.3)
    learns, model = objective(task, given)
    parts = learns.losses(model, 0, 0.0)
    plain, _ = next(parts)
    plain.backward()
    assert next(parts)[0].item() > plain.item() + 0.005


def test_spread_thresholds_shift_every_level_of_a_text_alike(
    task: TextTask, options: Options
) -> None:
    given = options(levels=(12, 3, 1))
    learns, model = objective(task, given)
    batch = classification.collate(learns._train, np.arange(16))
    spread = Classification(learns._train, learns._train, replace(given, threshold_spread=2.0))
    before, after = (one._noise(model.rnn, batch, 3, 0) for one in (learns, spread))
    moved = (after - before).numpy()[0, 0]
    np.testing.assert_allclose(moved[..., 0], 0, atol=1e-6)
    for text, length in enumerate(batch.lengths.tolist()):
        np.testing.assert_allclose(moved[text, :length, 1:], moved[text, 0, 1], atol=1e-5)
    drawn = moved[:, 0, 1]
    assert np.abs(drawn).max() <= 2
    assert np.ptp(drawn) > 1
    rest = classification.collate(learns._train, np.arange(4, 16))
    part = spread._noise(model.rnn, rest, 3, 4)  # another process's share of the same batch
    np.testing.assert_array_equal(part[0, 0, :, 0], after[0, 0, 4:, 0])
