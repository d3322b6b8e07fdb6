"""The training loop on made-up objectives: what is kept, when it stops, and that it resumes."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from skimrnn.nn import SkimLSTM
from skimrnn.train import TrainingOptions, loop
from skimrnn.train.loop import Trainer, evaluation_steps, flushed_denormals, step_seed
from skimrnn.train.run import put_away

Options = Callable[..., TrainingOptions]


class Quadratic:
    """Pulls one weight towards a target; scores are as given, one for each evaluation."""

    uses_all = True

    def __init__(self, scores: list[float] | None = None, steps_per_epoch: int = 4) -> None:
        self.steps_per_epoch = steps_per_epoch
        self.scores = scores
        self.target = 1.0
        self.seen: list[dict[str, Any]] = []
        self.step = 0

    def losses(
        self, model: nn.Module, step: int, skim_weight: float
    ) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        layer = getattr(model, "rnn", None)
        self.step = step
        self.seen.append(
            {
                "step": step,
                "skim_weight": skim_weight,
                "training": model.training,
                "random": torch.rand(()).item(),
                "skimming": getattr(layer, "skimming", None),
                "temperature": getattr(layer, "temperature", None),
            }
        )
        loss = sum(((p - self.target) ** 2).sum() for p in model.parameters())
        assert isinstance(loss, Tensor)
        yield loss, {"loss": float(loss.detach())}

    def evaluate(self, model: nn.Module) -> dict[str, Any]:
        assert not model.training
        if self.scores is None:
            return {"score": -sum(((p - 1) ** 2).sum().item() for p in model.parameters())}
        return {"score": self.scores[(self.step + 1) // self.steps_per_epoch - 1]}


class Tiny(nn.Module):
    def __init__(self, levels: tuple[int, ...] | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(3, 2)
        self.head = nn.Linear(2, 2)
        if levels:
            self.rnn = SkimLSTM(2, levels[0], levels=levels)


def trainer(
    folder: Path,
    options: TrainingOptions,
    objective: Quadratic | None = None,
    model: nn.Module | None = None,
    **more: Any,
) -> Trainer:
    folder.mkdir(exist_ok=True)
    key = more.pop("key", {"task": "made up"})
    return Trainer(model or Tiny(), objective or Quadratic(), options, folder, key, **more)


def weights(model: nn.Module) -> dict[str, list[float]]:
    return {name: t.flatten().tolist() for name, t in model.state_dict().items()}


def test_it_learns_and_ends_with_the_best(tmp_path: Path, options: Options) -> None:
    run = trainer(tmp_path, options(epochs=60, learning_rate=0.1, patience=99))
    outcome = run.run()
    assert outcome.steps == 240
    assert not outcome.stopped_early
    assert len(outcome.history) == 60
    assert outcome.best["score"] == max(e["score"] for e in outcome.history) > -1e-3
    assert all(abs(v - 1) < 0.05 for values in weights(run.model).values() for v in values)


def test_the_best_weights_are_kept_not_the_last(tmp_path: Path, options: Options) -> None:
    scores = [0.1, 0.5, 0.5, 0.4, 0.3]
    kept: list[dict[str, list[float]]] = []

    def show(event: dict[str, Any]) -> None:
        if event["event"] == "evaluation":
            kept.append(weights(run.model))

    run = trainer(tmp_path, options(epochs=5), Quadratic(scores), show=show)
    outcome = run.run()
    assert outcome.best["step"] == 8  # of two equal ones the first
    assert weights(run.model) == kept[1] != kept[4]


def test_patience(tmp_path: Path, options: Options) -> None:
    scores = [0.1, 0.5, 0.2, 0.3, 0.4, 0.9, 1.0]
    outcome = trainer(tmp_path / "3", options(epochs=7, patience=3), Quadratic(scores)).run()
    assert outcome.stopped_early
    assert outcome.steps == 20
    assert outcome.best["score"] == 0.5
    outcome = trainer(tmp_path / "4", options(epochs=7, patience=4), Quadratic(scores)).run()
    assert not outcome.stopped_early
    assert outcome.best["score"] == 1.0


def test_patience_that_ends_with_the_last_step_is_no_early_stop(tmp_path, options) -> None:
    outcome = trainer(tmp_path, options(epochs=3, patience=2), Quadratic([0.5, 0.2, 0.1])).run()
    assert not outcome.stopped_early
    assert outcome.steps == 12


def test_evaluations_within_an_epoch_and_at_the_end(tmp_path: Path, options: Options) -> None:
    objective = Quadratic(steps_per_epoch=7)
    outcome = trainer(tmp_path, options(epochs=2, evaluations_per_epoch=3), objective).run()
    assert [event["step"] for event in outcome.history] == [2, 5, 7, 9, 12, 14]
    assert outcome.history[0]["epoch"] == 2 / 7
    objective = Quadratic(steps_per_epoch=3)
    outcome = trainer(tmp_path / "b", options(epochs=1, evaluations_per_epoch=99), objective).run()
    assert [event["step"] for event in outcome.history] == [1, 2, 3]


@pytest.mark.parametrize(("steps", "times"), [(217, 2), (5, 2), (7, 7), (9, 8), (1, 1), (400, 13)])
def test_an_epoch_has_as_many_evaluations_as_wanted(steps: int, times: int) -> None:
    chosen = sorted(evaluation_steps(steps, times))
    assert len(chosen) == times
    assert chosen[0] >= 1
    assert chosen[-1] == steps
    gaps = np.diff([0, *chosen])
    assert gaps.max() - gaps.min() <= 1
    assert evaluation_steps(3, 99) == {1, 2, 3}


def test_what_is_shown_says_which_evaluation_was_the_best_so_far(
    tmp_path: Path, options: Options
) -> None:
    shown: list[bool] = []

    def show(event: dict[str, Any]) -> None:
        if event["event"] == "evaluation":
            shown.append(event["best"])
            if len(shown) == 3:
                raise StoppedError

    given, scores = options(epochs=5), [0.1, 0.5, 0.4, 0.45, 0.6]
    with pytest.raises(StoppedError):
        trainer(tmp_path, given, Quadratic(scores), show=show).run()
    assert shown == [True, True, False]
    # The third evaluation was not saved any more; it comes again, and does not pass for the best.
    trainer(tmp_path, given, Quadratic(scores), show=show).run()
    assert shown == [True, True, False, False, False, True]


def test_every_step_is_shown(tmp_path: Path, options: Options) -> None:
    events: list[dict[str, Any]] = []
    trainer(tmp_path, options(epochs=2), show=events.append).run()
    steps = [event for event in events if event["event"] == "step"]
    assert [event["step"] for event in steps] == list(range(1, 9))
    assert {event["of"] for event in steps} == {8}
    assert all(isinstance(event["loss"], float) for event in steps)
    assert [event["step"] for event in events if event["event"] == "evaluation"] == [4, 8]


def test_the_log_has_every_evaluation(tmp_path: Path, options: Options) -> None:
    outcome = trainer(tmp_path, options(epochs=3)).run()
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == outcome.history
    assert len(lines) == 3


# ---- what changes from step to step --------------------------------------------------------------


def test_plain_phase_then_ramp_then_temperature(tmp_path: Path, options: Options) -> None:
    objective = Quadratic()
    given = options(
        epochs=3,
        warm_start_steps=4,
        skim_ramp_steps=4,
        skim_weight=1.0,
        temperature_rate=0.5,
        temperature_floor=0.2,
    )
    trainer(tmp_path, given, objective, Tiny((4, 2))).run()
    assert [seen["skimming"] for seen in objective.seen] == [False] * 4 + [True] * 8
    assert [seen["skim_weight"] for seen in objective.seen][4:] == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]
    expected = [1.0] * 4 + [max(0.2, np.exp(-0.5 * n)) for n in range(8)]
    assert [seen["temperature"] for seen in objective.seen] == pytest.approx(expected)
    assert all(seen["training"] for seen in objective.seen)


def test_what_skims_can_begin_by_reading(tmp_path: Path, options: Options) -> None:
    """As its first step sees it: after it the small cells are pulled as all else is."""
    seen: list[dict[str, Tensor]] = []

    class Looks(Quadratic):
        def losses(self, model: nn.Module, step: int, skim_weight: float) -> Iterator[Any]:
            seen.append({name: value.clone() for name, value in model.state_dict().items()})
            return super().losses(model, step, skim_weight)

    settings = {"epochs": 3, "warm_start_steps": 4, "averaging": 0.9}
    for start, same in (("drawn", False), ("reading", True)):
        seen.clear()
        run = trainer(
            tmp_path / start, options(skim_start=start, **settings), Looks(), Tiny((4, 2))
        )
        run.run()
        assert not small_cell_copies(seen[3])
        assert small_cell_copies(seen[4]) is same
        assert not small_cell_copies(seen[5])


def small_cell_copies(weights: dict[str, Tensor]) -> bool:
    whole = weights["rnn.weight_ih_l0"].view(4, 4, -1)[:, :2]
    return bool((weights["rnn.skim_1_weight_ih_l0"].view_as(whole) == whole).all())


def test_weights_of_the_plain_phase_are_never_the_best(tmp_path: Path, options: Options) -> None:
    """They never skimmed: what is kept must be weights that skim as they will when read."""
    given = options(epochs=5, warm_start_steps=8, patience=2)
    scores = [0.9, 0.8, 0.3, 0.4, 0.2]
    outcome = trainer(tmp_path / "skims", given, Quadratic(scores), Tiny((4, 2))).run()
    assert outcome.best["score"] == 0.4
    assert outcome.steps == 20
    plain = trainer(tmp_path / "plain", given, Quadratic(scores), Tiny((4,))).run()
    assert plain.best["score"] == 0.9
    assert plain.steps == 12


def test_a_run_that_would_never_skim_is_refused(tmp_path: Path, options: Options) -> None:
    given = options(epochs=2, warm_start_steps=8)
    with pytest.raises(
        ValueError, match="ends after 8 steps and would never skim with warm_start_st"
    ):
        trainer(tmp_path, given, model=Tiny((4, 2))).run()
    assert trainer(tmp_path, given, model=Tiny((4,))).run().steps == 8


def test_learning_rate_follows_its_schedule(tmp_path: Path, options: Options) -> None:
    rates: list[float] = []

    def show(event: dict[str, Any]) -> None:
        rates.extend({group["lr"] for group in run.optimiser.param_groups})

    run = trainer(tmp_path, options(epochs=2, schedule="cosine", learning_rate=0.1), show=show)
    run.run()
    assert rates[0] == 0.1
    assert rates[-1] == pytest.approx(0.1 * 0.5 * (1 + np.cos(np.pi * 7 / 8)))
    assert rates == sorted(rates, reverse=True)


def test_weight_decay_is_for_matrices_outside_the_embedding(
    tmp_path: Path, options: Options
) -> None:
    model = Tiny((4, 2))
    model.head.bias.requires_grad_(False)
    run = trainer(tmp_path, options(weight_decay=0.3), model=model)
    decays = {
        id(p): group["weight_decay"]
        for group in run.optimiser.param_groups
        for p in group["params"]
    }
    named = {name: decays.get(id(p)) for name, p in model.named_parameters()}
    assert named["embedding.weight"] == 0
    assert named["head.weight"] == named["rnn.weight_ih_l0"] == named["rnn.router_weight_l0"] == 0.3
    assert named["rnn.bias_ih_l0"] == named["rnn.router_bias_l0"] == 0
    assert named["head.bias"] is None


def test_the_gradient_is_clipped(tmp_path: Path, options: Options) -> None:
    norms: list[float] = []

    def show(event: dict[str, Any]) -> None:
        squares = sum((p.grad**2).sum() for p in run.model.parameters() if p.grad is not None)
        norms.append(float(squares) ** 0.5)

    objective = Quadratic()
    objective.target = 1e6
    run = trainer(tmp_path, options(epochs=1, gradient_clip=0.25), objective, show=show)
    run.run()
    assert norms == pytest.approx([0.25] * len(norms), rel=1e-3)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_stops_the_run(
    value, tmp_path: Path, options: Options
) -> None:
    objective = Quadratic()

    def show(event: dict[str, Any]) -> None:
        if event["step"] == 2:
            objective.target = value

    run = trainer(tmp_path, options(learning_rate=0.5), objective, show=show)
    message = (
        r"the gradient of step 2 is not finite; lower learning_rate \(now 0.5\) and train again"
    )
    with pytest.raises(FloatingPointError, match=message):
        run.run()
    assert all(np.isfinite(values).all() for values in weights(run.model).values())


# ---- averaging -----------------------------------------------------------------------------------


def test_averaged_weights_are_evaluated_and_kept(tmp_path: Path, options: Options) -> None:
    passed: list[dict[str, list[float]]] = []

    def show(event: dict[str, Any]) -> None:
        if event["event"] == "step":
            passed.append(weights(run.model))

    start = weights(Tiny())
    run = trainer(tmp_path, options(epochs=2, averaging=0.3), show=show)
    run.run()
    mean = {name: np.array(values) for name, values in start.items()}
    for step, now in enumerate(passed, start=1):
        keep = min(0.3, (1 + step) / (10 + step))
        mean = {name: keep * mean[name] + (1 - keep) * np.array(now[name]) for name in mean}
    for name, values in weights(run.model).items():
        np.testing.assert_allclose(values, mean[name], rtol=1e-5, atol=1e-6)
    assert weights(run.model) != passed[-1]


# ---- going on ------------------------------------------------------------------------------------


class StoppedError(Exception):
    """Raised inside ``show`` to cut a run off."""


def cut_off_at(*events: int) -> Callable[[dict[str, Any]], None]:
    """A ``show`` that cuts the run off at these events, counted over all of its parts."""
    count, left = [0], set(events)

    def show(event: dict[str, Any]) -> None:
        count[0] += 1
        if count[0] in left:
            raise StoppedError

    return show


@pytest.mark.parametrize("seconds", [0.0, 60.0], ids=["every step", "every evaluation"])
@pytest.mark.parametrize(
    "at", [(1,), (4,), (5,), (6,), (14,), (15,), (3, 4, 9), range(1, 15)], ids=str
)
def test_a_run_that_was_cut_off_ends_the_same(
    at: tuple[int, ...], seconds: float, tmp_path: Path, options: Options, monkeypatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", seconds)
    given = options(
        epochs=3, averaging=0.9, schedule="cosine", warm_start_steps=3, skim_ramp_steps=5
    )

    def make(folder: Path, show: Callable[[dict[str, Any]], None]) -> Trainer:
        return trainer(folder, given, Quadratic(), Tiny((4, 2)), show=show)

    whole = make(tmp_path / "whole", lambda event: None)
    expected = whole.run()
    show, parts = cut_off_at(*at), 0
    while True:
        run, parts = make(tmp_path / "parts", show), parts + 1
        try:
            outcome = run.run()
        except StoppedError:
            continue
        break
    assert parts == len(at) + 1
    assert weights(run.model) == weights(whole.model)
    assert outcome.history == expected.history
    assert outcome.best == expected.best
    assert outcome.steps == expected.steps
    assert (tmp_path / "parts" / "log.jsonl").read_bytes() == (
        tmp_path / "whole" / "log.jsonl"
    ).read_bytes()


def test_a_finished_run_goes_on_to_its_end_at_once(tmp_path: Path, options: Options) -> None:
    first = trainer(tmp_path, options(epochs=2))
    outcome = first.run()
    second = trainer(tmp_path, options(epochs=2), show=cut_off_at(1))
    again = second.run()
    assert (again.best, again.history, again.steps) == (outcome.best, outcome.history, 8)
    assert weights(second.model) == weights(first.model)


def test_a_run_cut_off_between_checkpoint_and_log_has_its_log_at_the_end(
    tmp_path: Path, options: Options, monkeypatch
) -> None:
    def cut_off(path: Path, data: bytes) -> None:
        raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_atomically", cut_off)
        with pytest.raises(StoppedError):
            trainer(tmp_path, options(epochs=1, evaluations_per_epoch=1)).run()
    again = trainer(tmp_path, options(epochs=1, evaluations_per_epoch=1))
    outcome = again.run()
    (tmp_path / "model").mkdir()
    put_away(again, tmp_path / "model")
    lines = (tmp_path / "model" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == outcome.history
    assert not again.checkpoint.exists()


def test_time_is_counted_over_all_parts(tmp_path: Path, options: Options, monkeypatch) -> None:
    clock = [0.0]

    def tick() -> float:
        clock[0] += 1.0
        return clock[0]

    # The module's name for it, not time's own: other threads of this process wait by that clock.
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=tick))
    with pytest.raises(StoppedError):
        trainer(tmp_path, options(epochs=2), show=cut_off_at(6)).run()
    outcome = trainer(tmp_path, options(epochs=2)).run()
    whole = trainer(tmp_path / "whole", options(epochs=2)).run()
    assert outcome.seconds == pytest.approx(whole.seconds, abs=6)
    assert outcome.seconds > 8


def test_other_options_do_not_go_on(tmp_path: Path, options: Options) -> None:
    trainer(tmp_path, options(epochs=2)).run()
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(
        ValueError, match=r"another run .epochs was 2 and is 3; seed was 1 and is 2"
    ):
        trainer(tmp_path, options(epochs=3, seed=2)).run()
    with pytest.raises(
        ValueError, match=f"task was 'made up' and is 'other'.; delete {path} to start"
    ):
        trainer(tmp_path, options(epochs=2), key={"task": "other"}).run()


def test_each_step_has_a_seed_of_its_own() -> None:
    assert step_seed(0, 0) == step_seed(0, 0) == 7896617691693857887
    seeds = {step_seed(seed, step) for seed in range(30) for step in range(30)}
    assert len(seeds) == 900
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert 0 <= step_seed(2**63 - 1, 10**9) < 2**63


def test_randomness_is_the_step_s(tmp_path: Path, options: Options) -> None:
    objective = Quadratic()
    trainer(tmp_path, options(epochs=1), objective).run()
    drawn = [seen["random"] for seen in objective.seen]
    assert len(set(drawn)) == 4
    for step, value in enumerate(drawn):
        torch.manual_seed(step_seed(1, step))
        assert torch.rand(()).item() == value


# ---- denormals -----------------------------------------------------------------------------------


def flushes() -> bool:
    return bool(torch.tensor(1e-40) * torch.tensor(1.0) == 0)


@pytest.mark.parametrize("before", [False, True])
def test_denormals_are_as_before_after_the_block(before: bool) -> None:
    if not torch.set_flush_denormal(before):
        pytest.skip("this processor has no such setting")
    try:
        with flushed_denormals():
            assert flushes()
        assert flushes() is before
        with pytest.raises(StoppedError), flushed_denormals():
            raise StoppedError
        assert flushes() is before
    finally:
        torch.set_flush_denormal(False)


def test_a_run_flushes_and_restores(tmp_path: Path, options: Options) -> None:
    inside: list[bool] = []
    trainer(tmp_path, options(epochs=1), show=lambda event: inside.append(flushes())).run()
    assert all(inside)
    assert not flushes()
    with pytest.raises(StoppedError):
        trainer(tmp_path / "cut", options(epochs=1), show=cut_off_at(2)).run()
    assert not flushes()


def test_a_run_keeps_freed_memory_from_its_first_step_to_its_last(
    tmp_path: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    @contextlib.contextmanager
    def kept() -> Iterator[None]:
        seen.append("kept")
        yield
        seen.append("given back")

    monkeypatch.setattr(loop, "kept_memory", kept)
    trainer(tmp_path, options(epochs=1), show=lambda event: seen.append("step")).run()
    assert (seen[0], seen[-1]) == ("kept", "given back")
    assert set(seen[1:-1]) == {"step"}
