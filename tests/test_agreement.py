"""The NumPy reference, every reader and the torch layers read the same."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

import skimrnn
from agreement import (
    CLOSE,
    EPS,
    READ_IN,
    SIZES,
    Free,
    assert_bitwise,
    assert_forced,
    assert_free,
    every_reader,
    make_batch,
    make_layer,
    random_levels,
    reader_of,
    run_reader,
    run_reference,
    run_torch,
)
from skimrnn.decision import Chooser, Given, Rule
from skimrnn.nn import save

LENGTHS = [5, 1, 7, 3]
THRESHOLDS = [0.45, 2.0, 0.55, -1.0]
CELLS = [
    ("lstm", "state"),
    ("lstm", "hidden"),
    ("gru", "hidden"),
    ("rnn_tanh", "hidden"),
    ("rnn_relu", "hidden"),
]
LEVELS = ("skim", "skip", "three")


def grid():
    """Every combination of options, each with odd sizes of its own and every third without bias."""
    axes = itertools.product(CELLS, LEVELS, ("prefix", "full"), (1, 2), (False, True))
    combinations = []
    for number, ((cell, router), levels, skim, layers, both) in enumerate(axes):
        d = SIZES[1:][number % 6]
        smaller = [size for size in SIZES if size < d]
        s = smaller[number // 7 % len(smaller)]
        options = {
            "cell": cell,
            "input_size": SIZES[number // 5 % 7],
            "hidden_size": d,
            "levels": {"skim": (d, s), "skip": (d, 0), "three": (d, s, 0)}[levels],
            "router_input": router,
            "skim_input": skim,
            "num_layers": layers,
            "bidirectional": both,
            "bias": number % 3 != 0,
        }
        name = f"{cell}-{router}-{levels}-{skim}-{layers}-{'both' if both else 'one'}"
        combinations.append(pytest.param(options, id=name))
    return combinations


def choosers_of(layer, make):
    """One fresh chooser per layer and direction."""
    return [
        [make(index, direction) for direction in range(layer.config.directions)]
        for index in range(layer.num_layers)
    ]


def players_of(levels, lengths):
    """What makes the choosers of text b, which play back its levels (layers, directions, T)."""

    def make(b):
        own = levels[b, ..., : lengths[b]]
        return [[Given(row[:: -1 if d else 1]) for d, row in enumerate(rows)] for rows in own]

    return make


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("options", grid())
def test_forced_and_free(options, dtype, tmp_path):
    """Saved, loaded and read without torch; forced levels, then every way of choosing."""
    layer = make_layer(**options, dtype=dtype)
    x, hx = make_batch(layer, LENGTHS, hx=True)
    save(layer, tmp_path / "layer")
    readers = [
        skimrnn.load_layer(tmp_path / "layer", implementation=name)
        for name, computes_in in READ_IN
        if computes_in == dtype
    ]
    assert readers[-1].implementation == "numpy"
    last = len(options["levels"]) - 1

    for threshold, level in ((2.0, 0), (1.0, 0), (-1.0, last)):
        layer.threshold = threshold
        wanted = run_torch(layer, x, LENGTHS, hx)
        assert wanted.output.dtype == readers[0].read_vectors(x.numpy()).output.dtype
        assert set(np.unique(wanted.level)) == {level, -1}
        for reader in readers:
            assert_forced(run_reader(reader, x, LENGTHS, hx, threshold=threshold), wanted)

    for seed in range(2):
        levels = random_levels(layer, LENGTHS, seed)
        wanted = run_reference(layer, x, LENGTHS, hx, choosers=players_of(levels, LENGTHS))
        np.testing.assert_array_equal(wanted.level, np.where(levels == 99, -1, levels))
        for reader in readers:
            assert_forced(run_reader(reader, x, LENGTHS, hx, levels=levels), wanted)
        assert_bitwise(run_reader(readers[-1], x, LENGTHS, hx, levels=levels), wanted)
        assert_forced(run_torch(layer, x, LENGTHS, hx, levels), wanted)
        layer.train()
        for path in ("eager", "auto"):  # the latter in C++ where that can
            layer.path = path
            assert_forced(run_torch(layer, x, LENGTHS, hx, levels), wanted)
        layer.eval()

    for way in (
        {"threshold": 0.5},
        {"threshold": "argmax"},
        {"threshold": THRESHOLDS},
        {"threshold": 0.5, "budget": 0.4, "burst": 0.5},
        {"threshold": 2.0, "budget": [0.2, 0.0, 0.5, 1.0], "burst": [1, 0, 0, 2]},
    ):
        layer.threshold = way["threshold"]
        layer.budget, layer.burst = way.get("budget"), way.get("burst", 1)
        wanted = run_torch(layer, x, LENGTHS, hx)
        for reader in readers:
            read = run_reader(reader, x, LENGTHS, hx, **way)
            free = assert_free(read, wanted, way["threshold"])
            if dtype == torch.float64:
                assert free.close == 0, "no decision of these was meant to be close"
            assert free.close <= 1, "in float32 chance brings one of these at most"

    layer.threshold, layer.budget, layer.burst = 0.5, None, 1
    direct = run_reference(
        layer,
        x,
        LENGTHS,
        hx,
        choosers=lambda b: choosers_of(layer, lambda *_: Chooser(Rule(0.5))),
    )
    assert_bitwise(direct, run_reader(readers[-1], x, LENGTHS, hx, threshold=0.5))


@every_reader
def test_close_decisions_are_rare_over_many_tokens(dtype, name):
    free, skimmed = Free(), []
    for seed in range(4):
        layer = make_layer("lstm", 7, 17, skim_size=3, dtype=dtype, seed=seed, bidirectional=True)
        x, _ = make_batch(layer, [33, 31, 17, 33], seed=seed)
        wanted = run_torch(layer, x, [33, 31, 17, 33])
        read = run_reader(reader_of(layer, name), x, [33, 31, 17, 33])
        free += assert_free(read, wanted, 0.5)
        skimmed.append((read.level > 0).sum() / (read.level >= 0).sum())
    free.assert_rare()
    assert 0.2 < np.mean(skimmed) < 0.8, "a test of decisions in which nothing is decided"


NEAR = ((-1e-6, 1), (-1e-10, 0), (0, 0), (1e-10, 0), (1e-6, 0))  # θ - p_skim, level


def constant_router(layer, logits):
    """The layer, with the same probabilities for every token."""
    with torch.no_grad():
        layer.router_weight_l0.zero_()
        layer.router_bias_l0.copy_(torch.tensor(logits))
    return layer


@pytest.mark.parametrize("p_skim", [0.4, 0.7])
def test_probabilities_are_compared_in_float32(p_skim):
    """Within half a float32 step of θ is equal to it: not skimmed. 0.7 is above float32(0.7)."""
    layer = constant_router(
        make_layer("gru", 1, 3, skim_size=1), [0.0, np.log(p_skim / (1 - p_skim))]
    )
    x = torch.zeros(1, 2, 1, dtype=torch.float64)
    for apart, level in NEAR:
        layer.threshold = p_skim + apart
        assert (run_torch(layer, x, [2]).level == level).all(), apart
        read = run_reader(reader_of(layer, "numpy"), x, [2], threshold=layer.threshold)
        assert (read.level == level).all(), apart


@every_reader
def test_the_threshold_is_taken_in_float32(name, dtype):
    """Probabilities that are exact in either precision: 1/2, and 1/4 of four levels."""
    two = constant_router(make_layer("gru", 1, 3, skim_size=1, dtype=dtype), [0.0, 0.0])
    four = constant_router(make_layer("lstm", 1, 5, levels=(5, 3, 1, 0), dtype=dtype), [0.0] * 4)
    x = torch.zeros(1, 2, 1, dtype=dtype)
    for layer, tail, deeper, shallower in (
        (two, 0.5, 1, 0),
        (four, 0.25, 3, 2),
        (four, 0.5, 2, 1),
        (four, 0.75, 1, 0),
    ):
        for apart, taken in NEAR:
            read = run_reader(reader_of(layer, name), x, [2], threshold=tail + apart)
            assert (read.level == (deeper if taken else shallower)).all(), (tail, apart)


@every_reader
def test_argmax_compares_in_float32_too(name, dtype):
    """Two levels that differ by 1e-12 are a tie, which goes to the deeper."""
    layer = constant_router(
        make_layer("gru", 1, 3, levels=(3, 1, 0), dtype=dtype), [1e-12, 0.0, -1.0]
    )
    layer.threshold = "argmax"
    x = torch.zeros(1, 2, 1, dtype=dtype)
    assert (run_torch(layer, x, [2]).level == 1).all()
    assert (run_reader(reader_of(layer, name), x, [2], threshold="argmax").level == 1).all()


@every_reader
def test_texts_without_a_token_leave_the_state_as_it_was(name, dtype):
    layer = make_layer("lstm", 3, 7, skim_size=1, num_layers=2, bidirectional=True, dtype=dtype)
    x, hx = make_batch(layer, [3, 2], hx=True)
    read = run_reader(reader_of(layer, name), x, [3, 0], hx)
    np.testing.assert_array_equal(read.h_n[:, 1], hx[0][:, 1].numpy())
    np.testing.assert_array_equal(read.c_n[:, 1], hx[1][:, 1].numpy())
    assert (read.level[1] == -1).all()
    assert (read.output[1] == 0).all()


@every_reader
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
def test_a_reader_reads_a_text_bitwise_the_same_alone_and_in_any_batch(name, dtype, cell):
    """Alone, beside others, in another order, padded further, in another memory layout."""
    layer = make_layer(cell, 17, 33, skim_size=7, num_layers=2, bidirectional=True, dtype=dtype)
    lengths = [9, 1, 5, 12]
    x, hx = make_batch(layer, lengths, hx=True)
    reader = reader_of(layer, name)

    def state_of(rows):
        if isinstance(hx, tuple):
            return tuple(part[:, rows] for part in hx)
        return hx[:, rows]

    whole = run_reader(reader, x, lengths, hx)
    assert 0 < (whole.level > 0).sum() < (whole.level >= 0).sum()
    wider = torch.cat([x, torch.full((4, 3, 17), 7.0, dtype=dtype)], dim=1)
    backwards = [3, 2, 1, 0]
    reordered = run_reader(reader, wider[backwards], lengths[::-1], state_of(backwards))
    strided = x.permute(2, 0, 1).contiguous().permute(1, 2, 0)  # the same values, E slowest
    assert not strided[0, 0].is_contiguous()
    elsewhere = run_reader(reader, strided, lengths, hx)
    for b, length in enumerate(lengths):
        alone = run_reader(reader, x[b : b + 1, :length], [length], state_of([b]))
        assert_bitwise(alone, whole.text(b))
        assert_bitwise(alone, reordered.text(3 - b))
        assert_bitwise(alone, elsewhere.text(b))


@every_reader
def test_one_sequence_is_a_batch_of_one_without_its_axis(name, dtype):
    layer = make_layer("lstm", 3, 7, skim_size=1, bidirectional=True, dtype=dtype)
    x, hx = make_batch(layer, [5], hx=True)
    reader = reader_of(layer, name)
    batch = reader.read_vectors(x.numpy(), None, tuple(part.numpy() for part in hx))
    one = reader.read_vectors(x[0].numpy(), None, tuple(part[:, 0].numpy() for part in hx))
    np.testing.assert_array_equal(one.output, batch.output[0])
    np.testing.assert_array_equal(one.h_n, batch.h_n[:, 0])
    np.testing.assert_array_equal(one.c_n, batch.c_n[:, 0])
    np.testing.assert_array_equal(one.level, batch.level[0])
    np.testing.assert_array_equal(one.p, batch.p[0])
    assert one.skim_rate == batch.skim_rate
    assert one.cost() == batch.cost()


# ---- the helper itself can fail ---------------------------------------------------------------


def two_runs():
    layer = make_layer("lstm", 3, 7, skim_size=1, num_layers=2)
    x, _ = make_batch(layer, [5, 4])
    return run_torch(layer, x, [5, 4]), run_reader(reader_of(layer), x, [5, 4])


@pytest.mark.parametrize("part", ["output", "h_n", "c_n", "p"])
def test_a_difference_just_above_the_tolerance_is_found(part):
    one, other = two_runs()
    assert_forced(one, other)
    moved = getattr(one, part) + 100 * CLOSE[np.dtype(np.float64)]
    with pytest.raises(AssertionError):
        assert_forced(replace(one, **{part: moved}), other)
    with pytest.raises(AssertionError):
        assert_free(replace(one, **{part: moved}), other, 0.5)


def test_another_level_is_found_unless_its_decision_was_close():
    one, other = two_runs()
    level = one.level.copy()
    level[0, 0, 0, 2] ^= 1
    p_skim = one.p[0, 0, 0, 2, 1]
    with pytest.raises(AssertionError, match="token 2"):
        assert_free(replace(one, level=level), other, 0.5)
    with pytest.raises(AssertionError):
        assert_free(replace(one, level=level), other, p_skim + 10 * EPS[np.dtype(np.float64)])
    free = assert_free(replace(one, level=level), other, [p_skim, 0.5])
    assert free == Free(tokens=18, close=1, parted=1)


def test_close_decisions_that_are_not_rare_are_found():
    with pytest.raises(AssertionError):
        Free(tokens=1000, close=11).assert_rare()
    Free(tokens=1000, close=10).assert_rare()
