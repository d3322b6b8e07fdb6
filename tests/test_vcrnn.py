"""VCRNN: its equations by hand, its threshold, and the same reading everywhere."""

import numpy as np
import pytest
import torch

import skimrnn
from agreement import (
    LENGTHS,
    SIZES,
    assert_free,
    assert_free_alike,
    assert_read_alike,
    every_reader,
    make_batch,
    make_layer,
    reader_of,
    run_reader,
    run_torch,
)
from skimrnn import cost
from skimrnn.config import SkimConfig
from skimrnn.nn import SkimGRU, SkimLSTM, SkimRNN, load, record, save
from skimrnn.nn.router import TorchOps
from skimrnn.reference import NumpyOps
from skimrnn.routers import find_router
from skimrnn.train import TrainingOptions

LEVELS = (17, 12, 5, 1)


def vcrnn(cell, inputs, levels=LEVELS, **options):
    given = {"levels": levels, "router": "vcrnn", "shared": True, **options}
    layer = make_layer(cell, inputs, levels[0], **given)
    with torch.no_grad():  # all levels are taken
        for name, parameter in layer.named_parameters():
            if name.startswith("router_weight"):
                parameter.mul_(2)
    return layer


def by_hand(layer, x):
    """One text x (T, E) through a one-layer Elman net: states (T, D), and updates' means (T,)."""
    w = {name.removesuffix("_l0"): value for name, value in layer.named_parameters()}
    sizes, hidden = layer.config.levels, layer.hidden_size
    sharpness = layer.config.router_options["sharpness"]
    h, states, shares = torch.zeros(hidden, dtype=x.dtype), [], []
    for token in x:
        scheduled = torch.sigmoid(w["router_weight"][0] @ torch.cat([token, h]) + w["router_bias"])
        reached = [torch.sigmoid(sharpness * (scheduled - size / hidden)) for size in sizes[1:]]
        shares.append(torch.cat([scheduled, *reached]))
        p = torch.cat([*reached, torch.ones_like(scheduled)])
        p = torch.cat([p[:1], p[1:] - p[:-1]])
        new = torch.zeros_like(h)
        for share, size in zip(p, sizes, strict=True):
            inside = w["weight_ih"][:size] @ token + w["bias_ih"][:size] + w["bias_hh"][:size]
            inside = inside + w["weight_hh"][:size, :size] @ h[:size]
            new = new + share * torch.cat([torch.tanh(inside), h[size:]])
        h = new
        states.append(h)
    return torch.stack(states), torch.stack(shares)


@pytest.mark.parametrize("sharpness", [3, 20])
def test_its_equations_and_their_gradients(sharpness):
    layer = vcrnn("rnn_tanh", 3, router_options={"sharpness": sharpness}).train()
    layer.temperature = 1.0
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(23, 3, generator=generator, dtype=torch.float64)
    wanted, shares = by_hand(layer, x)
    towards = torch.randn(wanted.shape, generator=generator, dtype=torch.float64)
    parameters = dict(layer.named_parameters())
    # Each block of units is paid for once it is reached.
    operations = torch.tensor(cost.level_operations(layer.config, 0), dtype=torch.float64)
    steps = (operations[:-1] - operations[1:]) / operations[0]
    paid = operations[-1] / operations[0] + (shares[:, 1:] @ steps).mean()
    loss = (wanted * towards).sum() + 3 * paid
    expected = torch.autograd.grad(loss, parameters.values())
    with record() as recorded:
        output, _ = layer(x)
    torch.testing.assert_close(output, wanted)
    torch.testing.assert_close(recorded.penalty("cost"), paid)
    loss = (output * towards).sum() + 3 * recorded.penalty("cost")
    found = torch.autograd.grad(loss, parameters.values())
    for name, one, other in zip(parameters, found, expected, strict=True):
        torch.testing.assert_close(one, other, msg=lambda said, at=name: f"{at}: {said}")
        assert one.any(), name


def test_training_draws_nothing_and_sharpens_as_it_cools():
    layer = vcrnn("gru", 3, levels=(17, 5)).train()
    x = torch.randn(8, 2, 3, dtype=torch.float64)
    noise = torch.randn(1, 1, 2, 8, 2, dtype=torch.float64)
    torch.testing.assert_close(layer(x)[0], layer(x, noise=noise)[0], rtol=0, atol=0)
    layer.temperature = 0.5  # of two levels as if the sharpness were twice as large
    cooler = layer(x)[0]
    layer.temperature = 1.0
    layer.config = layer.config.with_router_options({"sharpness": 40})
    torch.testing.assert_close(layer(x)[0], cooler)


@every_reader
@pytest.mark.parametrize(
    ("cell", "router_input"),
    [
        ("lstm", "state"),
        ("lstm", "hidden"),
        ("gru", "hidden"),
        ("rnn_tanh", "hidden"),
        ("rnn_relu", "hidden"),
    ],
)
@pytest.mark.parametrize("shared", [True, False])
def test_all_read_alike(name, dtype, cell, router_input, shared):
    options = {"shared": shared, "router_input": router_input}
    layer = vcrnn(cell, 5, num_layers=2, bidirectional=True, dtype=dtype, **options)
    wanted = assert_read_alike(layer, name)
    assert len({*wanted.level.ravel().tolist()} - {-1}) > 2


@every_reader
@pytest.mark.parametrize("hidden", [size for size in SIZES if size > 1])
def test_odd_sizes_and_sharpnesses(name, dtype, hidden):
    for sharpness in (1, 20, 100):
        for levels in ((hidden, 0), (hidden, 1), tuple(range(hidden, -1, -1))):
            options = {"router_options": {"sharpness": sharpness}, "dtype": dtype}
            layer = vcrnn("lstm", 3, levels=levels, **options)
            assert_free_alike(layer, name)


def test_units_one_by_one():
    """With all sizes there are, one half updates ceil(m D) units, as the paper says."""
    layer = SkimGRU(3, 9, levels=range(9, 0, -1), router="vcrnn", shared=True)
    with torch.no_grad():
        layer.router_weight_l0.zero_()
        for share in (0.01, 0.11, 0.12, 0.5, 0.88, 0.9, 0.999):
            layer.router_bias_l0.fill_(torch.logit(torch.tensor(share)).item())
            reader = reader_of(layer, "numpy")
            level = reader.read_vectors(np.ones((1, 3), np.float32)).level[0, 0, 0]
            assert layer.config.levels[level] == np.ceil(share * 9)


@pytest.mark.parametrize("name", skimrnn.implementations())
def test_the_threshold_adds_units_to_every_token(name):
    layer = SkimRNN(2, 100, levels=range(100, -1, -10), router="vcrnn", shared=True)
    with torch.no_grad():
        layer.router_weight_l0.zero_()
        layer.router_bias_l0.fill_(torch.logit(torch.tensor(0.33)).item())
    reader = reader_of(layer, name)

    def units(threshold):
        read = reader.read_vectors(np.ones((1, 2), np.float32), threshold=threshold)
        return layer.config.levels[read.level[0, 0, 0]]

    thresholds = [-1.0, 0.0, 0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999, 0.99999, 1.0]
    found = [units(threshold) for threshold in thresholds]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0, 100)
    for threshold, taken in zip(thresholds[2:-2], found[2:-2], strict=True):
        wanted = 100 * (0.33 + np.log(threshold / (1 - threshold)) / 20)
        assert taken == max(10 * np.ceil(wanted / 10), 0)
    assert units(0.5) == 40


def test_over_a_text_a_higher_threshold_updates_more():
    layer = vcrnn("lstm", 3, dtype=torch.float32)
    reader = reader_of(layer, "numpy")
    x = np.random.default_rng(0).normal(size=(20, 30, 3)).astype(np.float32)
    sizes = np.array(layer.config.levels)
    means = [
        sizes[reader.read_vectors(x, threshold=threshold).level].mean()
        for threshold in (0.01, 0.1, 0.5, 0.9, 0.99)
    ]
    assert means == sorted(means)
    assert means[0] < means[-1]


def test_its_options_and_its_cost(tmp_path):
    layer = SkimLSTM(3, 5, levels=(5, 2, 1), router="vcrnn", shared=True, num_layers=2)
    config = layer.config
    assert config.router_options == {"sharpness": 20}
    assert "shared=True, router='vcrnn', router_options={'sharpness': 20}" in repr(layer)
    assert layer.router_weight_l1.shape == (1, 5 + 10)
    assert layer.router_bias_l1.tolist() == [0]
    assert cost.router_operations(config, 0) == 3 + 10
    assert cost.router_operations(config, 0, recurrent=True) == 10
    assert cost.level_operations(config, 0) == [4 * size * (3 + size) for size in (5, 2, 1)]
    assert SkimConfig.from_dict(config.to_dict()) == config
    layer.path = "native"
    with pytest.raises(ValueError, match="knows the router softmax, not 'vcrnn'"):
        layer(torch.zeros(2, 1, 3))
    layer.path = "auto"
    with record() as reads:
        layer(torch.zeros(2, 1, 3))
    with pytest.raises(ValueError, match='\'vcrnn\' is not; use "cost" or "rate"'):
        reads.penalty()
    layer.begin_by_reading()
    assert layer.router_bias_l0.tolist() == pytest.approx([np.log(9)])  # nine units of ten
    save(layer, tmp_path / "layer")
    loaded = load(tmp_path / "layer")
    assert loaded.config == config
    sharper = skimrnn.load_layer(tmp_path / "layer", router_options={"sharpness": 100})
    assert sharper.config.router_options == {"sharpness": 100}
    x, hx = make_batch(layer, LENGTHS, hx=True)
    layer.config = sharper.config
    assert_free(run_reader(sharper, x, LENGTHS, hx), run_torch(layer.eval(), x, LENGTHS, hx), 0.5)


def test_both_arithmetics_make_the_same_constants():
    like = np.zeros(1, np.float32)
    ours, theirs = (
        ops.constant([1, 0.1], one)
        for ops, one in ((NumpyOps, like), (TorchOps, torch.from_numpy(like)))
    )
    assert ours.dtype == np.float32
    assert theirs.dtype == torch.float32
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sharpness": 0}, "a sharpness from 1 to 100; got sharpness=0"),
        ({"sharpness": 101}, "got sharpness=101"),
        ({"sharpness": 1.5}, "must be whole numbers"),
        ({"window": 3}, "has these options: sharpness; got"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        find_router("vcrnn").settle(options)
    with pytest.raises(ValueError, match=message):
        SkimLSTM(3, 5, skim_size=1, router="vcrnn", router_options=options)


def test_what_it_cannot_be_trained_with_is_refused():
    given = {"hidden_size": 5, "levels": (5, 2, 1), "router": "vcrnn", "shared": True}
    with pytest.raises(ValueError, match="penalty must be cost or rate with the router vcrnn"):
        TrainingOptions(**given)
    with pytest.raises(ValueError, match="threshold_spread must be 0 with the router vcrnn"):
        TrainingOptions(**given, penalty="cost", threshold_spread=1.0)
    assert TrainingOptions(**given, penalty="cost").to_dict()["shared"]
    assert "shared" not in TrainingOptions().to_dict()
