"""A text read in parts is the text read in one, to the bit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import make_config
from native_parts import make_parts, make_rows
from skimrnn.decision import Rule
from skimrnn.runtime import implementations
from skimrnn.runtime.carried import Carried
from skimrnn.runtime.native import NativeReader
from skimrnn.runtime.numpy_reader import NumpyReader

RULES = (Rule(0.5), Rule("argmax"), Rule(2.0, 0.3), Rule(0.6, 0.25, 3), Rule(-1))
CONFIGS = [
    make_config((17, 3)),
    make_config((40, 33, 0), cell="gru", num_layers=2, skim_input="full"),
    make_config((7,), cell="rnn_tanh"),
    make_config((40, 33), num_layers=2, router="skip-rnn"),
    make_config((17, 0), router="skipw", router_options={"window": 7, "reads": 3}),
    make_config((17, 9, 2), router="vcrnn", shared=True),
    make_config((17, 3), router="lstm-jump", router_options={"reads": 2, "longest": 3, "jumps": 4}),
]


def make_reader(name, config):
    parameters, embedding = make_parts(config)
    if name == "numpy":
        return NumpyReader(config, parameters, embedding)
    precision = "int8" if name.endswith("int8") else "float32"
    isa = name.removesuffix("-int8")
    return NativeReader(config, parameters, isa, embedding, 9000, precision)


NAMES = [*implementations(), *(f"{name}-int8" for name in implementations() if name != "numpy")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.cell}-{config.router}")
@given(cuts=st.lists(st.integers(0, 30), max_size=4), rule=st.sampled_from(RULES))
def test_parts_are_the_whole(name, config, cuts, rule) -> None:
    if not config.skims:
        rule = Rule()
    reader, rows = make_reader(name, config), make_rows(30)
    whole = reader.read_words(rows, rule)
    carried = Carried.nothing(config, np.float32)
    parts = []
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), 30], strict=True):
        part, carried = reader.continue_words(rows[begin:end], rule, carried)
        parts.append(part)
    assert carried.tokens == 30
    for field in ("level", "p"):
        joined = np.concatenate([getattr(part, field) for part in parts], axis=2)
        assert joined.tobytes() == getattr(whole, field).tobytes()
    pairs = ((carried.h, whole.h_n), (carried.c, whole.c_n), (carried.memory, whole.memory))
    for ours, theirs in pairs:
        assert (ours is None) == (theirs is None)
        assert ours is None or ours.tobytes() == theirs.tobytes()
    if config.skims:
        np.testing.assert_array_equal(carried.reads, (whole.level == 0).sum(axis=(1, 2)))


@pytest.mark.parametrize("name", implementations())
def test_a_budget_goes_on_counting(name) -> None:
    """A quarter of the whole, not of each part: parts of one token would else all be read."""
    config = CONFIGS[0]
    reader, rows = make_reader(name, config), make_rows(40)
    carried, levels = Carried.nothing(config, np.float32), []
    for row in rows:
        part, carried = reader.continue_words(np.array([row], np.int32), Rule(2, 0.25), carried)
        levels.append(int(part.level[0, 0, 0]))
    assert levels.count(0) == 1 + 40 // 4


def test_counts_of_another_network_are_refused() -> None:
    if len(NAMES) == 1:
        pytest.skip("the native reader is not compiled in")
    config = CONFIGS[0]
    reader = make_reader(implementations()[0], config)
    start = Carried.nothing(config, np.float32)
    wrong = replace(start, reads=np.zeros(2, np.int64))
    with pytest.raises(ValueError, match="the counts of reads have the wrong shape"):
        reader.continue_words(make_rows(2), Rule(), wrong)
    wrong = replace(start, memory=np.ones((1, 1), np.float32))
    with pytest.raises(ValueError, match="the memory has the wrong shape"):
        reader.continue_words(make_rows(2), Rule(), wrong)
