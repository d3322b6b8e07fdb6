"""SkimConfig: what it accepts, what it derives, what it refuses."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skimrnn.config import GATES, SkimConfig, check_levels, parameter_suffix, resolve_levels
from strategies import configs

BASE = {"cell": "lstm", "input_size": 3, "hidden_size": 5, "levels": (5, 2)}


def test_defaults_depend_on_the_cell():
    assert SkimConfig(**BASE).router_input == "state"
    for cell in ("gru", "rnn_tanh", "rnn_relu"):
        assert SkimConfig(**BASE | {"cell": cell}).router_input == "hidden"
    config = SkimConfig(**BASE)
    assert (config.num_layers, config.bias, config.bidirectional) == (1, True, False)
    assert config.skim_input == "prefix"


def test_what_is_derived():
    config = SkimConfig(**BASE | {"bidirectional": True, "num_layers": 2, "levels": (5, 2, 0)})
    assert (config.gates, config.directions, config.skims) == (4, 2, True)
    assert config.router_state_size == 10
    assert [config.layer_input_size(layer) for layer in (0, 1)] == [3, 10]
    assert [config.skim_seen(level) for level in (0, 1, 2)] == [5, 2, 0]
    full = dataclasses.replace(config, skim_input="full", router_input="hidden")
    assert full.skim_seen(1) == 5
    assert full.router_state_size == 5
    assert SkimConfig(**BASE | {"levels": [5]}).skims is False
    assert GATES == {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def test_parameter_names_and_shapes_are_those_of_model_md():
    config = SkimConfig(**BASE | {"cell": "gru", "levels": (5, 2, 0), "skim_input": "full"})
    assert config.parameter_shapes() == {
        "weight_ih_l0": (15, 3),
        "weight_hh_l0": (15, 5),
        "bias_ih_l0": (15,),
        "bias_hh_l0": (15,),
        "skim_1_weight_ih_l0": (6, 3),
        "skim_1_weight_hh_l0": (6, 5),
        "skim_1_bias_ih_l0": (6,),
        "skim_1_bias_hh_l0": (6,),
        "router_weight_l0": (3, 8),
        "router_bias_l0": (3,),
    }
    plain = SkimConfig(**BASE | {"levels": (5,), "bias": False})
    assert plain.parameter_shapes() == {"weight_ih_l0": (20, 3), "weight_hh_l0": (20, 5)}


def test_the_router_keeps_its_bias_when_the_cells_have_none():
    shapes = SkimConfig(**BASE | {"bias": False}).parameter_shapes()
    assert [name for name in shapes if "bias" in name] == ["router_bias_l0"]


def test_suffixes():
    assert [parameter_suffix(i, j) for i in (0, 1) for j in (0, 1)] == [
        "l0", "l0_reverse", "l1", "l1_reverse",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cell", "LSTM"),
        ("input_size", 0),
        ("input_size", 3.0),
        ("hidden_size", True),
        ("num_layers", 0),
        ("bias", 1),
        ("bidirectional", "yes"),
        ("skim_input", "half"),
        ("router_input", "c"),
        ("router", "coin"),
        ("levels", (5, 5)),
        ("levels", (5, 6)),
        ("levels", (4, 2)),
        ("levels", (5, -1)),
        ("levels", (5, 2.0)),
        ("levels", ()),
        ("levels", 5),
    ],
)
def test_a_wrong_value_is_named_with_the_option(name, value):
    with pytest.raises(ValueError, match=name) as caught:
        SkimConfig(**BASE | {name: value})
    assert repr(value) in str(caught.value)


def test_a_router_on_the_cell_state_is_for_lstms():
    with pytest.raises(ValueError, match='use router_input="hidden"'):
        SkimConfig(**BASE | {"cell": "gru", "router_input": "state"})


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SkimConfig(**BASE).bias = False


@given(configs())
def test_a_dict_brings_back_the_same_configuration(config):
    assert SkimConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_dict_with_wrong_keys_names_them_all():
    values = SkimConfig(**BASE).to_dict()
    del values["cell"]
    with pytest.raises(ValueError, match=r"unknown: a; unknown: b; missing: cell"):
        SkimConfig.from_dict({**values, "b": 1, "a": 2})


def test_exactly_one_of_skim_size_and_levels():
    assert resolve_levels(5, 2, None) == (5, 2)
    assert resolve_levels(5, 0, None) == (5, 0)
    assert resolve_levels(5, None, [5, 3, 0]) == (5, 3, 0)
    for both in ((None, None), (2, (5, 2))):
        with pytest.raises(ValueError, match="exactly one of"):
            resolve_levels(5, *both)
    for size in (5, -1, 2.0, True):
        with pytest.raises(ValueError, match="skim_size must be"):
            resolve_levels(5, size, None)


@given(st.lists(st.integers(-3, 12), max_size=5))
def test_levels_are_kept_if_and_only_if_they_fall_strictly_from_the_hidden_size(levels):
    good = levels[:1] == [10] and min(levels) >= 0 and levels == sorted(set(levels))[::-1]
    if good:
        assert check_levels(levels, 10) == tuple(levels)
    else:
        with pytest.raises(ValueError, match="levels must be"):
            check_levels(levels, 10)
