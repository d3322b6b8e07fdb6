"""The settings of a run: refused with every fault named, and written out whole."""

import json
from typing import Any

import numpy as np
import pytest

from skimrnn.train import TrainingOptions

REFUSED = [
    (
        {"cell": "transformer"},
        "cell must be one of lstm, gru, rnn_tanh, rnn_relu (got 'transformer')",
    ),
    ({"levels": 5}, "levels must be whole numbers falling strictly from hidden_size"),
    ({"levels": (50, 5)}, "got levels=(50, 5), hidden_size=100"),
    ({"skim_input": "all"}, 'skim_input must be "prefix" or "full"; got \'all\''),
    ({"router": "none"}, "none"),
    ({"cell": "gru", "router_input": "state"}, "needs a cell state, which only the LSTM has"),
    ({"penalty": "l2"}, "penalty must be skim, cost or rate (got 'l2')"),
    ({"schedule": "linear"}, "schedule must be one of constant, cosine (got 'linear')"),
    ({"skim_weight": -0.1}, "skim_weight must be a number of at least 0 (got -0.1)"),
    ({"skim_weight": float("nan")}, "skim_weight must be a number of at least 0 (got nan)"),
    ({"skim_weight": float("inf")}, "skim_weight must be a number of at least 0 (got inf)"),
    ({"penalty": "rate"}, "wanted_rate must be from 0 to 1 with penalty rate"),
    ({"wanted_rate": 0.5}, "wanted_rate must be from 0 to 1 with penalty rate"),
    ({"penalty": "rate", "wanted_rate": 1.5}, "wanted_rate must be from 0 to 1 with penalty rate"),
    ({"router": "lstm-jump"}, "penalty must be cost with the router lstm-jump (got 'skim')"),
    (
        {"router": "lstm-jump", "penalty": "rate", "wanted_rate": 0.5},
        "penalty must be cost with the router lstm-jump (got 'rate')",
    ),
    ({"router": "skip-rnn", "hard": True}, "hard must be left out with the router skip-rnn"),
    ({"router": "skipw", "temperature_rate": 0.1}, "temperature_rate must be left out with the"),
    ({"router": "vcrnn", "temperature_floor": 0.1}, "temperature_floor must be left out with the"),
    ({"temperature_rate": -1}, "temperature_rate must be at least 0 (got -1)"),
    ({"temperature_floor": 0}, "temperature_floor must be above 0 (got 0)"),
    ({"learning_rate": 0}, "learning_rate must be a number above 0 (got 0)"),
    ({"learning_rate": float("nan")}, "learning_rate must be a number above 0 (got nan)"),
    ({"learning_rate": float("inf")}, "learning_rate must be a number above 0 (got inf)"),
    ({"weight_decay": -1}, "weight_decay must be at least 0 (got -1)"),
    ({"gradient_clip": 0}, "gradient_clip must be above 0 (got 0)"),
    ({"dropout": 1}, "dropout must be from 0 to below 1 (got 1)"),
    ({"adversarial": -1}, "adversarial must be a number of at least 0 (got -1)"),
    ({"adversarial": float("nan")}, "adversarial must be a number of at least 0 (got nan)"),
    ({"distillation": 1.1}, "distillation must be from 0 to 1 (got 1.1)"),
    ({"threshold_spread": -1}, "threshold_spread must be a number of at least 0 (got -1)"),
    ({"unknown_probability": -0.1}, "unknown_probability must be from 0 to below 1 (got -0.1)"),
    ({"averaging": 1}, "averaging must be from 0 to below 1 (got 1)"),
    ({"seed": -1}, "seed must be from 0 to 2**63 - 1 (got -1)"),
    ({"seed": 2**63}, f"seed must be from 0 to 2**63 - 1 (got {2**63})"),
    ({"max_words": 0}, "max_words must be at least 1 (got 0)"),
    ({"warm_start_steps": -1}, "warm_start_steps must be at least 0 (got -1)"),
    ({"skim_start": "reading"}, "skim_start must be one of drawn, reading, and is for a run with"),
    ({"skim_start": "so", "warm_start_steps": 1}, "skim_start must be one of drawn, reading"),
    ({"skim_ramp_steps": -1}, "skim_ramp_steps must be at least 0 (got -1)"),
    *(
        ({name: 0}, f"{name} must be at least 1 (got 0)")
        for name in (
            "hidden_size",
            "num_layers",
            "embedding_size",
            "batch_size",
            "epochs",
            "patience",
            "evaluations_per_epoch",
            "max_tokens",
            "min_count",
        )
    ),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_setting_out_of_range_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="these training options do not fit: ") as caught:
        TrainingOptions(**changes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 2.5}, "epochs must be a whole number (got 2.5)"),
        ({"batch_size": "32"}, "batch_size must be a whole number (got '32')"),
        ({"seed": None}, "seed must be a whole number (got None)"),
        ({"patience": True}, "patience must be a whole number (got True)"),
        ({"max_words": 2.5}, "max_words must be a whole number (got 2.5)"),
        ({"adversarial": "x"}, "adversarial must be a number (got 'x')"),
        ({"wanted_rate": False}, "wanted_rate must be a number (got False)"),
        ({"dropout": np.bool_(True)}, "dropout must be a number (got True)"),
        ({"hard": 1}, "hard must be True or False (got 1)"),
        ({"schedule": None}, "schedule must be a string (got None)"),
        (
            {"epochs": 1.0, "cell": 3},
            "cell must be a string (got 3); epochs must be a whole number (got 1.0)",
        ),
    ],
    ids=str,
)
def test_a_setting_of_another_type_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="these training options do not fit: ") as caught:
        TrainingOptions(**changes)
    assert str(caught.value).endswith(f"do not fit: {said}")


def test_numpy_s_numbers_become_python_s() -> None:
    options = TrainingOptions(epochs=np.int64(3), dropout=np.float32(0.5), hard=np.bool_(True))  # type: ignore[arg-type]
    assert [type(one) for one in (options.epochs, options.dropout, options.hard)] == [
        *(int, float, bool)
    ]


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(ValueError, match="do not fit") as caught:
        TrainingOptions(cell="x", dropout=2, epochs=0)
    assert all(name in str(caught.value) for name in ("cell must", "dropout must", "epochs must"))


def test_the_defaults_are_the_paper_s() -> None:
    options = TrainingOptions()
    assert (options.levels, options.skim_weight, options.penalty) == ((100, 5), 0.01, "skim")
    assert (options.temperature_rate, options.temperature_floor) == (1e-4, 0.5)
    assert (options.max_tokens, options.unknown_probability) == (400, 0.02)


def test_round_trip_through_json() -> None:
    options = TrainingOptions(levels=[100, 10, 0], penalty="rate", wanted_rate=0.6, max_words=9)  # type: ignore[arg-type]
    assert options.levels == (100, 10, 0)
    assert TrainingOptions(**json.loads(json.dumps(options.to_dict()))) == options
