"""Which level a token is read at: values worked out by hand, and properties for all others."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skimrnn.decision import Chooser, Given, Rule, allowed, check_threshold, choose_level, rules_for
from skimrnn.nn.rule import Choose

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("p", "threshold", "level"),
    [
        ([0.4, 0.6], 0.5, 1),
        ([0.6, 0.4], 0.5, 0),
        ([0.5, 0.5], 0.5, 0),  # equal does not exceed
        ([0.0, 1.0], 1.0, 0),  # θ >= 1 reads without looking
        ([1.0, 0.0], -0.01, 1),  # θ < 0 skims without looking
        ([1.0, 0.0], 0.0, 0),
        ([0.9, 0.1], 0.0, 1),
        ([0.3, 0.3, 0.4], 0.5, 1),  # the median level
        ([0.3, 0.1, 0.6], 0.5, 2),
        ([0.6, 0.2, 0.2], 0.5, 0),
        ([0.3, 0.3, 0.4], 0.35, 2),
        ([0.3, 0.3, 0.4], 0.75, 0),
        ([0.4, 0.3, 0.3], "argmax", 0),
        ([0.2, 0.4, 0.4], "argmax", 2),  # ties to the larger level
        ([0.4, 0.4, 0.2], "argmax", 1),
    ],
)
def test_levels_by_hand(p, threshold, level):
    assert choose_level(np.array(p, dtype=np.float32), threshold) == level


@pytest.mark.parametrize("threshold", [2.0, 1.0, -1.0])
def test_extreme_thresholds_do_not_look_at_p(threshold):
    level = 0 if threshold >= 1 else 2
    assert choose_level(np.full(3, np.nan), threshold) == level


def probabilities(count):
    weights = st.lists(st.integers(0, 1000), min_size=count, max_size=count).filter(sum)
    return weights.map(lambda w: np.array(w, dtype=np.float32) / np.float32(sum(w)))


thresholds = st.one_of(st.floats(-0.5, 1.5, width=32), st.just("argmax"))


@given(st.integers(2, 5).flatmap(probabilities), thresholds)
def test_torch_chooses_what_the_reference_chooses(p, threshold):
    choose = Choose(1, threshold, None, 1, None, CPU)
    assert int(choose(torch.from_numpy(p)[None])) == choose_level(p, threshold)


@given(st.integers(2, 5).flatmap(probabilities), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_never_skims_deeper(p, one, other):
    low, high = sorted((one, other))
    assert choose_level(p, high) <= choose_level(p, low)


# ---- the budget -------------------------------------------------------------------------------

always_read = np.array([1.0, 0.0], dtype=np.float32)
always_skim = np.array([0.0, 1.0], dtype=np.float32)


def levels_of(rule, tokens):
    chooser = Chooser(rule)
    return "".join(str(chooser(p)) for p in tokens)


@pytest.mark.parametrize(
    ("budget", "burst", "levels"),
    [
        (0.5, 1, "0010101010"),
        (0.5, 0, "1010101010"),
        (0.25, 1, "0110111011"),
        (0.0, 3, "0001111111"),
        (0.0, 0, "1111111111"),
        (1.0, 0, "0000000000"),
        (0.1, 0, "1111111110"),
        (None, 0, "0000000000"),
    ],
)
def test_budgets_by_hand(budget, burst, levels):
    assert levels_of(Rule(0.5, budget, burst), [always_read] * 10) == levels


def test_unused_allowance_is_kept():
    tokens = [always_skim] * 6 + [always_read] * 6
    assert levels_of(Rule(0.5, 0.5, 0), tokens) == "111111" + "000000"
    assert levels_of(Rule(0.5, 0.25, 0), tokens) == "111111" + "001110"


def test_the_allowance_is_multiplied_not_added_up():
    """Ten times 0.1 is 1; 0.1 added ten times is less."""
    assert sum([0.1] * 10) < 1 == 0.1 * 10
    assert allowed(0, 10, 0.1, 0) is True
    assert allowed(0, 9, 0.1, 0) is False


def test_the_allowance_is_in_double_precision():
    """In single precision 0.58 * 50 is 29; in double precision it falls short."""
    assert np.float32(0.58) * np.float32(50) == 29 > 0.58 * 50
    assert allowed(28, 50, 0.58, 0) is False
    assert allowed(27, 50, 0.58, 0) is True


def test_the_product_is_rounded_before_the_sum():
    """0.1 + 0.3 * 3 falls short of 1; one fused operation would give 1."""
    assert allowed(0, 3, 0.3, 0.1) is False
    assert allowed(0, 4, 0.3, 0.1) is True


budget_cases = (
    st.floats(0, 1),
    st.one_of(st.integers(0, 5), st.floats(0, 5)),
    st.lists(probabilities(3), max_size=60),
    thresholds,
)


@given(*budget_cases)
def test_the_ceiling_holds_for_every_prefix(budget, burst, tokens, threshold):
    chooser, reads = Chooser(Rule(threshold, budget, burst)), 0
    for n, p in enumerate(tokens, start=1):
        reads += chooser(p) == 0
        # exactly, but for the rounding of burst + budget * n itself
        assert reads <= max(0, Fraction(burst) + Fraction(budget) * n) + Fraction(1, 10**12)


@given(*budget_cases)
def test_a_budget_only_turns_reads_into_first_skims_and_only_when_it_must(
    budget, burst, tokens, threshold
):
    chooser, reads = Chooser(Rule(threshold, budget, burst)), 0
    for n, p in enumerate(tokens, start=1):
        free, level = choose_level(p, threshold), chooser(p)
        if free:
            assert level == free
        elif reads + 1 <= burst + budget * n:
            assert level == 0
        else:
            assert level == 1
        reads += level == 0


@given(*budget_cases)
def test_torch_keeps_the_same_budget(budget, burst, tokens, threshold):
    chooser = Chooser(Rule(threshold, budget, burst))
    choose = Choose(1, threshold, budget, burst, None, CPU)
    for p in tokens:
        assert int(choose(torch.from_numpy(p)[None])) == chooser(p)


# ---- rules ------------------------------------------------------------------------------------


def test_the_defaults():
    assert Rule() == Rule(threshold=0.5, budget=None, burst=1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threshold": math.nan}, "NaN"),
        ({"threshold": "max"}, "'max'"),
        ({"threshold": None}, "None"),
        ({"threshold": True}, "True"),
        ({"budget": -0.1}, "budget must be from 0 to 1, or None; got -0.1"),
        ({"budget": 1.1}, "got 1.1"),
        ({"budget": math.nan}, "got nan"),
        ({"budget": "half"}, "'half'"),
        ({"burst": -1}, "burst must be a number of at least 0; got -1"),
        ({"burst": math.nan}, "got nan"),
        ({"burst": math.inf}, "got inf"),
    ],
)
def test_a_wrong_option_is_refused_with_its_value(options, words):
    with pytest.raises(ValueError, match=words):
        Rule(**options)


@pytest.mark.parametrize(
    "threshold", [-math.inf, -1, 0, 0.5, np.float32(0.25), 1, math.inf, "argmax"]
)
def test_thresholds_that_are_accepted(threshold):
    assert check_threshold(threshold) is None
    assert Rule(threshold).threshold == threshold


def test_one_rule_per_text():
    assert rules_for(2, 0.5, None, 1) == [Rule()] * 2
    assert rules_for(2, [0.1, 2], [0.5, 1], np.array([0, 3])) == [Rule(0.1, 0.5, 0), Rule(2, 1, 3)]
    assert rules_for(2, "argmax", 0.5, 1) == [Rule("argmax", 0.5)] * 2
    assert rules_for(0, [], None, 1) == []


@pytest.mark.parametrize("name", ["threshold", "budget", "burst"])
def test_one_value_per_text_means_exactly_that(name):
    options = {"threshold": 0.5, "budget": None, "burst": 1}
    with pytest.raises(ValueError, match=rf"{name} must be one value or one per text; got 3 for 2"):
        rules_for(2, **options | {name: [0.5, 0.5, 0.5]})
    with pytest.raises(ValueError, match=f"{name} must be"):
        rules_for(2, **options | {name: [0.5, math.nan]})
    with pytest.raises(ValueError, match=f"{name} must be .*text 1"):
        rules_for(2, **options | {name: [0.5, "x"]})


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64])
def test_numpys_numbers_become_pythons(kind):
    rule = Rule(kind(1), kind(1), kind(2))
    assert [type(value) for value in (rule.threshold, rule.budget, rule.burst)] == [
        type(kind(1).item())
    ] * 3


# ---- given levels -----------------------------------------------------------------------------


def test_given_levels_are_played_back_whatever_p_says():
    given = Given(np.array([0, 2, 1, 0], np.int8))
    assert [given(p) for p in (always_skim, np.full(3, np.nan), always_read, always_skim)] == [
        0,
        2,
        1,
        0,
    ]
    with pytest.raises(StopIteration):
        given(always_read)
