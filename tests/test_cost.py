"""Operation counts: the stated formula, by hand and for all decisions."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skimrnn import cost
from skimrnn.config import SkimConfig
from strategies import configs

LSTM = SkimConfig(cell="lstm", input_size=50, hidden_size=100, levels=(100, 10))


def test_an_lstm_by_hand():
    """G·D·(E+D), G·S·(E+S), K·(E+2D): a read, a skim and the router."""
    assert cost.level_operations(LSTM, 0) == [4 * 100 * 150, 4 * 10 * 60] == [60_000, 2_400]
    assert cost.router_operations(LSTM, 0) == 2 * 250 == 500
    assert cost.level_operations(LSTM, 0, recurrent=True) == [40_000, 400]
    assert cost.router_operations(LSTM, 0, recurrent=True) == 400


@pytest.mark.parametrize(
    ("options", "levels", "router"),
    [
        ({"skim_input": "full"}, [60_000, 4 * 10 * 150], 500),
        ({"router_input": "hidden"}, [60_000, 2_400], 2 * 150),
        ({"cell": "gru"}, [45_000, 1_800], 2 * 150),
        ({"cell": "rnn_tanh"}, [15_000, 600], 2 * 150),
        ({"levels": (100, 10, 0)}, [60_000, 2_400, 0], 3 * 250),
        ({"levels": (100,)}, [60_000], 0),
        ({"bias": False}, [60_000, 2_400], 500),
    ],
    ids=str,
)
def test_each_option_by_hand(options, levels, router):
    base = {"cell": "lstm", "input_size": 50, "hidden_size": 100, "levels": (100, 10)}
    config = SkimConfig(**base | options)
    assert cost.level_operations(config, 0) == levels
    assert cost.router_operations(config, 0) == router


def test_a_second_layer_sees_both_directions():
    config = SkimConfig(
        cell="lstm",
        input_size=50,
        hidden_size=100,
        levels=(100, 10),
        num_layers=2,
        bidirectional=True,
    )
    assert cost.level_operations(config, 1) == [4 * 100 * 300, 4 * 10 * 210]
    assert cost.router_operations(config, 1) == 2 * 400
    assert cost.level_operations(config, 1, recurrent=True) == [40_000, 400]


def test_reductions_by_hand():
    """Two texts: 1 read and 3 skims; 1 read. Sums first, then the ratio; per text, the mean."""
    counted = cost.count(LSTM, [np.array([[[0, 1, 1, 1]]]), np.array([[[0]]])])
    first, second = 4 * 60_000 / (4 * 500 + 60_000 + 3 * 2_400), 60_000 / 60_500
    assert counted.read_all == (240_000, 60_000)
    assert counted.taken == (69_200, 60_500)
    assert counted.flop_reduction == 300_000 / 129_700
    assert counted.flop_reduction_per_text == pytest.approx((first + second) / 2)
    assert counted.recurrent_reduction == 200_000 / (5 * 400 + 2 * 40_000 + 3 * 400)


def test_the_plain_rnn_saves_and_wastes_nothing():
    config = SkimConfig(cell="gru", input_size=3, hidden_size=5, levels=(5,))
    counted = cost.count(config, [np.zeros((1, 1, 4), dtype=np.int8)])
    assert counted.flop_reduction == counted.recurrent_reduction == 1
    assert counted.flop_reduction_per_text == 1


def test_without_a_token_there_is_no_ratio():
    empty = np.zeros((1, 1, 0), dtype=np.int8)
    for texts in ([], [empty], [empty, empty]):
        counted = cost.count(LSTM, texts)
        assert counted.flop_reduction is None
        assert counted.flop_reduction_per_text is None
        assert counted.recurrent_reduction is None
    mixed = cost.count(LSTM, [empty, np.zeros((1, 1, 2), dtype=np.int8)])
    assert mixed.taken == (0, 121_000)
    assert mixed.flop_reduction_per_text == 60_000 / 60_500


@given(configs(), st.data())
def test_the_cost_is_the_sum_over_decisions(config, data):
    """Token by token, by the formula of model.md written out."""
    lengths = data.draw(st.lists(st.integers(0, 5), max_size=4))
    seed = data.draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    shape = (config.num_layers, config.directions)
    texts = [random.integers(0, len(config.levels), (*shape, n)).astype(np.int8) for n in lengths]
    counted = cost.count(config, texts)
    g = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}[config.cell]
    d, k = config.hidden_size, len(config.levels)
    state = 2 * d if config.router_input == "state" else d
    for b, text in enumerate(texts):
        sums = dict.fromkeys(("read_all", "taken", "recurrent_read_all", "recurrent_taken"), 0)
        for (layer, _, _), level in np.ndenumerate(text):
            for name, e in (
                ("", config.input_size if layer == 0 else config.directions * d),
                ("recurrent_", 0),
            ):
                s = config.levels[level]
                seen = d if level == 0 or config.skim_input == "full" else s
                router = {
                    "softmax": k * (e + state),
                    "skip-rnn": state,
                    "skipw": state,
                    "vcrnn": e + state,
                    "lstm-jump": math.ceil(11 * state / 7),  # at its usual reads and longest jump
                    # 32 units that see 70 numbers ahead, an LSTM of 10, 12 times 20 filters
                    "leap-lstm": 312 * e + 400 + 32 * (70 + state + 2),
                }[config.router]
                router = router if k > 1 else 0
                sums[f"{name}read_all"] += g * d * (e + d)
                sums[f"{name}taken"] += router + g * s * (e + seen)
        assert {name: getattr(counted, name)[b] for name in sums} == sums
    if any(lengths):
        assert counted.flop_reduction == sum(counted.read_all) / sum(counted.taken)


@given(configs())
def test_deeper_levels_cost_less(config):
    for layer in range(config.num_layers):
        for recurrent in (False, True):
            operations = cost.level_operations(config, layer, recurrent=recurrent)
            assert all(a > b for a, b in itertools.pairwise(operations))
            assert (operations[-1] == 0) == (config.levels[-1] == 0)
