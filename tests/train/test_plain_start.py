"""Runs that begin with a plain run's first steps are the runs that made those steps themselves."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import skimrnn
from made_up_questions import question_task
from skimrnn.nn import SkimLSTM
from skimrnn.train import AnswererOptions, TrainingOptions, train_answerer
from skimrnn.train.loop import Trainer

Options = Callable[..., TrainingOptions]


class Reader(nn.Module):
    """Its first numbers are drawn alike whatever skims: torch's layer draws its own first."""

    def __init__(self, levels: tuple[int, ...]) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.head = nn.Linear(4, 2)
        self.rnn = SkimLSTM(3, 4, levels=levels)


class Moves:
    """Moves what the read took part in."""

    steps_per_epoch = 5
    uses_all = False

    def losses(
        self, model: nn.Module, step: int, skim_weight: float
    ) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        outputs, _ = model.rnn(torch.randn(6, 2, 3))  # type: ignore[operator]
        loss = (model.head(outputs) - 1).square().mean()  # type: ignore[operator]
        yield loss, {"loss": float(loss.detach())}

    def evaluate(self, model: nn.Module) -> dict[str, Any]:
        return {"score": -sum(float(p.square().sum()) for p in model.parameters())}


def run(folder: Path, options: TrainingOptions, **more: Any) -> Trainer[Reader]:
    folder.mkdir(exist_ok=True)
    trainer = Trainer(Reader(options.levels), Moves(), options, folder, {"task": "made up"}, **more)
    trainer.run()
    return trainer


def test_a_run_begun_with_the_plain_steps_is_the_run_that_made_them(tmp_path, options) -> None:
    shared = {"epochs": 4, "averaging": 0.9, "weight_decay": 0.01, "learning_rate": 0.01}
    kept = tmp_path / "plain-9.pt"
    run(tmp_path / "plain", options(hidden_size=4, levels=(4,), **shared), keep=(9, kept))
    skims = options(hidden_size=4, levels=(4, 2), warm_start_steps=10, skim_weight=0.1, **shared)
    whole, begun = run(tmp_path / "whole", skims), run(tmp_path / "begun", skims, start=kept)
    assert begun.history[1:] == whole.history[1:]  # the first evaluation is the plain run's
    assert [event["step"] for event in begun.history] == [5, 10, 15, 20]
    for one, other in zip(whole.model.parameters(), begun.model.parameters(), strict=True):
        assert torch.equal(one, other)
    drawn = Reader((4, 2)).state_dict()
    moved = [
        name for name, value in begun.model.state_dict().items() if (value != drawn[name]).any()
    ]
    assert moved == list(drawn)


def test_a_checkpoint_of_its_own_comes_before_the_start(tmp_path, options) -> None:
    skims = options(hidden_size=4, levels=(4, 2), warm_start_steps=5)
    done = run(tmp_path / "skims", skims)
    again = run(tmp_path / "skims", skims, start=tmp_path / "absent.pt")
    assert again.history == done.history


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"warm_start_steps": 8}, "9 steps in, past warm_start_steps=8: keep"),
        ({"learning_rate": 0.5}, "learning_rate was 0.02 and is 0.5"),
        ({"seed": 2}, "seed was 1 and is 2"),
    ],
)
def test_what_is_no_start_is_refused(changes, said, tmp_path, options) -> None:
    kept = tmp_path / "plain.pt"
    run(tmp_path / "plain", options(hidden_size=4, levels=(4,)), keep=(9, kept))
    with pytest.raises(ValueError, match=said):
        run(
            tmp_path / "skims",
            options(**{"hidden_size": 4, "levels": (4, 2), "warm_start_steps": 10, **changes}),
            start=kept,
        )


def test_answerers_begin_with_a_plain_answerer_s_steps(tmp_path, options) -> None:
    task, kept = question_task(), tmp_path / "plain.pt"
    shared = {"num_layers": 2, "hidden_size": 16, "epochs": 10}
    small = AnswererOptions(filters=4, byte_size=4, filter_width=3)
    plain = options(levels=(16,), **shared)
    train_answerer(task, plain, tmp_path / "plain", made_of=small, keep=(40, kept))
    seen: list[dict[str, Any]] = []
    trained = train_answerer(
        task,
        options(levels=(16, 4), warm_start_steps=40, **shared),
        tmp_path / "skims",
        made_of=small,
        start=kept,
        show=seen.append,
    )
    assert next(event["step"] for event in seen if event["event"] == "step") == 41
    assert trained.record["start"] == kept.name
    assert trained.outcome.best["f1"] > 0.85
    answerer = skimrnn.load_answerer(trained.folder)
    asked = task.test
    rates = [
        answerer.answer(asked.contexts[one.context], one.text).skim_rates for one in asked.questions
    ]
    assert 0 < np.mean(rates) < 1
    with pytest.raises(ValueError, match="of other sizes"):
        train_answerer(
            task,
            options(levels=(16, 4), warm_start_steps=40, **shared),
            tmp_path / "other",
            made_of=AnswererOptions(filters=6, byte_size=4, filter_width=3),
            start=kept,
        )
