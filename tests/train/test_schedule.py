"""Temperature, weight of the penalty and learning rate, step by step."""

import math

import pytest

from skimrnn.train.schedule import learning_rate, skim_weight, temperature


def test_temperature_falls_to_its_floor() -> None:
    assert temperature(0) == 1
    assert temperature(1000) == pytest.approx(math.exp(-0.1))
    assert temperature(6931) == pytest.approx(0.5, abs=1e-4)
    assert temperature(6931) > 0.5
    assert temperature(6932) == 0.5
    assert temperature(10**9) == 0.5
    assert temperature(10, rate=0.1, floor=0.1) == pytest.approx(math.exp(-1))
    assert temperature(10**6, rate=0.1, floor=0.1) == 0.1
    assert temperature(10**6, rate=0) == 1


def test_skim_weight_rises_over_the_ramp() -> None:
    assert skim_weight(0, 0.5, 0) == 0.5
    assert [skim_weight(step, 1.0, 4) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    assert skim_weight(0, 0, 10) == 0


def test_learning_rate() -> None:
    assert [learning_rate(step, 10, 0.1, "constant") for step in (0, 5, 10)] == [0.1] * 3
    cosine = [learning_rate(step, 10, 0.1, "cosine") for step in range(11)]
    assert cosine[0] == 0.1
    assert cosine[5] == pytest.approx(0.05)
    assert cosine[10] == pytest.approx(0)
    assert cosine == sorted(cosine, reverse=True)
    assert learning_rate(20, 10, 0.1, "cosine") == pytest.approx(0)
    assert learning_rate(0, 0, 0.1, "cosine") == 0.1
