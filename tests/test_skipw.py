"""SkipW: its equations by hand, its ceiling in every window, and the same reading everywhere."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

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
from skimrnn.nn import SkimGRU, SkimLSTM, load, record, save
from skimrnn.nn.router import TorchOps
from skimrnn.reference import NumpyOps
from skimrnn.routers import find_router
from skimrnn.train import TrainingOptions

OPTIONS = {"window": 5, "reads": 3}


def skipw(cell, inputs, hidden, **options):
    """A layer whose scores lie on both sides of one half."""
    given = {"levels": (hidden, 0), "router": "skipw", "router_options": OPTIONS, **options}
    layer = make_layer(cell, inputs, hidden, **given)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.startswith("router_bias"):
                parameter.copy_(torch.linspace(-0.5, 0.8, len(parameter)))
    return layer


def most_in_a_window(level, window):
    """The most tokens of a window that are read, of levels (..., T) in the order of reading."""
    padded = np.pad(level == 0, [(0, 0)] * (level.ndim - 1) + [(0, -level.shape[-1] % window)])
    return padded.reshape(*level.shape[:-1], -1, window).sum(axis=-1).max(initial=0)


class Straight(torch.autograd.Function):
    """Rounded; the gradient as if it were not."""

    @staticmethod
    def forward(ctx, score):
        return (score >= 0.5).to(score.dtype)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def by_hand(layer, x, reads):
    """One text x (T, E) through a one-layer GRU: states (T, D), and which tokens were read (T,)."""
    cell = torch.nn.GRUCell(layer.input_size, layer.hidden_size, dtype=x.dtype)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    own = {name: getattr(layer, f"{name}_l0") for name in names}
    weight, bias = layer.router_weight_l0, layer.router_bias_l0
    s, states, updates = torch.zeros(1, layer.hidden_size, dtype=x.dtype), [], []
    for t, token in enumerate(x):
        if t % len(bias) == 0:
            scores = torch.sigmoid(weight @ s[0] + bias)
            kept = set(scores.topk(reads).indices.tolist())
        i = t % len(bias)
        u = Straight.apply(scores[i]) if i in kept else torch.zeros((), dtype=x.dtype)
        s = u * torch.func.functional_call(cell, own, (token[None], s)) + (1 - u) * s
        states.append(s[0])
        updates.append(u)
    return torch.stack(states), torch.stack(updates)


@pytest.mark.parametrize("reads", [1, 3, 5])
def test_its_equations_and_their_gradients(reads):
    layer = skipw("gru", 3, 7, seed=1, router_options={"window": 5, "reads": reads}).train()
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(43, 3, generator=generator, dtype=torch.float64)
    wanted, updates = by_hand(layer, x, reads)
    assert 0.1 < updates.mean() < 0.8
    towards = torch.randn(wanted.shape, generator=generator, dtype=torch.float64)
    parameters = dict(layer.named_parameters())
    loss = (wanted * towards).sum() + 0.3 * updates.sum()
    expected = torch.autograd.grad(loss, parameters.values())
    with record() as recorded:
        output, _ = layer(x)
    torch.testing.assert_close(output, wanted)
    np.testing.assert_array_equal(recorded.entries[0].level[0], 1 - updates.detach())
    loss = (output * towards).sum() + 0.3 * 43 * recorded.penalty("cost")
    found = torch.autograd.grad(loss, parameters.values())
    for name, one, other in zip(parameters, found, expected, strict=True):
        torch.testing.assert_close(one, other, msg=lambda said, at=name: f"{at}: {said}")
        assert one.any(), name


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh"])
def test_training_reads_what_reading_reads(cell):
    layer = skipw(cell, 3, 7, num_layers=2, bidirectional=True)
    x, _ = make_batch(layer, LENGTHS)
    read = run_torch(layer, x, LENGTHS)
    layer.train()
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        x, torch.as_tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    with record() as reads:
        output, _ = layer(packed)
    output, _ = torch.nn.utils.rnn.pad_packed_sequence(output, batch_first=True)
    np.testing.assert_allclose(output.detach(), read.output, atol=1e-12)
    level = torch.stack([entry.level for entry in reads.entries], dim=1).unflatten(1, (2, 2))
    np.testing.assert_array_equal(level, read.level)


@every_reader
@pytest.mark.parametrize(
    ("cell", "router_input"),
    [("lstm", "state"), ("lstm", "hidden"), ("gru", "hidden"), ("rnn_relu", "hidden")],
)
@pytest.mark.parametrize("small", [0, 3])
def test_all_read_alike(name, dtype, cell, router_input, small):
    options = {"levels": (17, small), "router_input": router_input}
    layer = skipw(cell, 5, 17, num_layers=2, bidirectional=True, dtype=dtype, **options)
    wanted = assert_read_alike(layer, name)
    assert {0, 1} <= set(wanted.level.ravel().tolist())


@every_reader
@pytest.mark.parametrize("hidden", SIZES)
def test_odd_sizes_and_windows(name, dtype, hidden):
    for window, reads in ((1, 1), (1, 0), (2, 1), (7, 7), (16, 5), (40, 33)):
        options = {"router_options": {"window": window, "reads": reads}}
        layer = skipw("lstm", 3, hidden, dtype=dtype, **options)
        assert_free_alike(layer, name)


# ---- the ceiling ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", skimrnn.implementations())
@given(
    window=st.integers(1, 12),
    share=st.floats(0, 1),
    threshold=st.floats(0, 0.999),
    bias=st.floats(-30, 30, width=32),
    seed=st.integers(0, 9),
)
def test_no_window_reads_more_whatever_the_scores(name, window, share, threshold, bias, seed):
    options = {"window": window, "reads": int(share * window)}
    layer = SkimLSTM(2, 5, skim_size=0, router="skipw", router_options=options)
    random = np.random.default_rng(seed)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.from_numpy(random.normal(0, 3, parameter.shape)))
        layer.router_bias_l0.fill_(bias)
    x = random.normal(size=(40, 2)).astype(np.float32)
    read = reader_of(layer, name).read_vectors(x, threshold=threshold)
    assert most_in_a_window(read.level, window) <= options["reads"]


@pytest.mark.parametrize("name", skimrnn.implementations())
def test_the_ceiling_moves_once_trained(name, tmp_path):
    layer = SkimLSTM(2, 5, skim_size=0, router="skipw", router_options={"window": 7, "reads": 4})
    with torch.no_grad():  # all scores are above one half, the later ones higher
        layer.router_weight_l0.mul_(0.1)
        layer.router_bias_l0.copy_(torch.linspace(0.5, 2, 7))
    save(layer, tmp_path / "layer")
    x = torch.randn(3, 30, 2)
    for reads in (4, 0, 1, 3, 7):
        reader = skimrnn.load_layer(
            tmp_path / "layer", implementation=name, router_options={"reads": reads}
        )
        read = reader.read_vectors(x.numpy())
        lengths = [30] * 3
        assert most_in_a_window(read.level, 7) == reads
        assert (read.level[..., 7 - reads : 7] == 0).all()  # the highest scores
        layer.config = layer.config.with_router_options({"reads": reads})
        layer.eval()
        wanted = run_torch(layer, x, lengths)
        assert_free(run_reader(reader, x, lengths), wanted, 0.5)
    saved = skimrnn.load_layer(tmp_path / "layer", implementation=name)
    assert saved.config.router_options == {"window": 7, "reads": 4}
    save(layer, tmp_path / "other")
    assert load(tmp_path / "other").config.router_options == {"window": 7, "reads": 7}
    with pytest.raises(ValueError, match=r"\{'window': 8\} would need other parameters"):
        skimrnn.load_layer(tmp_path / "layer", router_options={"window": 8})
    with pytest.raises(ValueError, match="got window=7, reads=8"):
        skimrnn.load_layer(tmp_path / "layer", router_options={"reads": 8})


@pytest.mark.parametrize("name", skimrnn.implementations())
def test_the_threshold_reads_more_or_less_of_what_is_kept(name):
    layer = SkimGRU(2, 5, skim_size=0, router="skipw", router_options={"window": 4, "reads": 3})
    with torch.no_grad():
        layer.router_weight_l0.zero_()
        layer.router_bias_l0.copy_(torch.logit(torch.tensor([0.3, 0.9, 0.6, 0.6])))
    reader = reader_of(layer, name)

    def read(threshold):
        found = reader.read_vectors(np.ones((6, 2), np.float32), threshold=threshold)
        return found.level[0, 0].tolist()

    found = reader.read_vectors(np.ones((6, 2), np.float32))
    np.testing.assert_allclose(found.p[0, 0, :, 0], [0, 0.9, 0.6, 0.6, 0, 0.9], atol=1e-6)
    assert read(0.5) == [1, 0, 0, 0, 1, 0]
    assert read(0.3) == [1, 0, 1, 1, 1, 0]  # a score must reach 1 - θ
    assert read(0.05) == [1] * 6
    assert read(0.99) == [1, 0, 0, 0, 1, 0]  # what is not kept is never reached,
    assert read(1) == [0] * 6  # but a threshold of 1 reads all, as with every router
    assert read(-1) == [1] * 6


@pytest.mark.parametrize("name", skimrnn.implementations())
def test_equal_scores_keep_the_first(name):
    layer = SkimLSTM(2, 5, skim_size=0, router="skipw")
    with torch.no_grad():
        layer.router_weight_l0.zero_()
    wanted = [*[0] * 5, *[1] * 5] * 2
    x = torch.randn(1, 20, 2)
    assert reader_of(layer, name).read_vectors(x.numpy()).level[0, 0, 0].tolist() == wanted
    assert run_torch(layer.eval(), x, [20]).level[0, 0, 0].tolist() == wanted


@pytest.mark.parametrize("name", skimrnn.implementations())
def test_nothing_of_a_window_is_seen_when_its_tokens_are_chosen(name):
    reader = reader_of(skipw("lstm", 3, 9, dtype=torch.float32), name)
    random = np.random.default_rng(0)
    x, other = random.normal(size=(2, 20, 3)).astype(np.float32)
    other[:10] = x[:10]
    one, two = (reader.read_vectors(rows).p[0, 0] for rows in (x, other))
    np.testing.assert_array_equal(one[:15], two[:15])  # the third window's first token is number 10
    assert (one[15:] != two[15:]).any()


@pytest.mark.parametrize("name", skimrnn.implementations())
def test_after_a_window_of_which_nothing_is_read_nothing_is(name):
    reader = reader_of(skipw("gru", 3, 9, dtype=torch.float32), name)
    x = np.random.default_rng(0).normal(size=(20, 60, 3)).astype(np.float32)
    level = reader.read_vectors(x, threshold=0.35).level[:, 0, 0].reshape(20, 12, 5)
    reads = (level == 0).any(axis=2)
    assert reads[:, 0].any()
    assert not reads[:, -1].all()
    np.testing.assert_array_equal(reads, np.logical_and.accumulate(reads, axis=1))


# ---- its arithmetic, its options -----------------------------------------------------------------


def test_both_arithmetics_are_the_same():
    random = np.random.default_rng(0)
    x, y = random.integers(0, 4, (2, 50, 7)).astype(float)  # many are equal
    for count in range(8):
        ours = np.stack([NumpyOps.largest(row, count) for row in x])
        np.testing.assert_array_equal(ours, TorchOps.largest(torch.from_numpy(x), count))
        assert (ours.sum(axis=1) == count).all()
    assert NumpyOps.largest(np.array([1.0, 2.0, 2.0, 2.0]), 2).tolist() == [0, 1, 1, 0]
    sign = x[:, :1] - 1
    ours = np.stack([NumpyOps.choose(*rows) for rows in zip(sign, x, y, strict=True)])
    theirs = TorchOps.choose(*(torch.from_numpy(each) for each in (sign, x, y)))
    np.testing.assert_array_equal(ours, theirs)
    assert (ours[x[:, 0] == 1] == y[x[:, 0] == 1]).all()
    columns = NumpyOps.columns(x[0], 2, 5), TorchOps.columns(torch.from_numpy(x), 2, 5)[0]
    np.testing.assert_array_equal(*columns)


def test_its_options_and_its_cost():
    layer = SkimGRU(3, 5, skim_size=0, router="skipw", num_layers=2)
    config = layer.config
    assert config.router_options == {"window": 10, "reads": 5}
    assert "router='skipw', router_options={'window': 10, 'reads': 5}" in repr(layer)
    assert layer.router_weight_l1.shape == (10, 5)
    assert layer.router_bias_l1.tolist() == [1] * 10
    assert cost.router_operations(config, 1) == 5
    assert SkimConfig.from_dict(config.to_dict()) == config
    assert hash(config) == hash(replace(config))
    other = SkimConfig.from_dict({**config.to_dict(), "router_options": {"window": 3, "reads": 0}})
    assert other != config
    assert other.memory == (-1, 0, 0, 0)
    assert SkimLSTM(3, 5, levels=(5,), router="skipw").config.memory == ()
    with pytest.raises(ValueError, match=r"'skipw' knows 2 levels; got levels=\(5, 2, 0\)"):
        SkimLSTM(3, 5, levels=(5, 2, 0), router="skipw")
    layer.path = "native"
    with pytest.raises(ValueError, match="knows the router softmax, not 'skipw'"):
        layer(torch.zeros(2, 1, 3))


def test_a_router_without_options_is_saved_as_before():
    config = SkimLSTM(3, 5, skim_size=0).config
    assert config.router_options == {}
    assert "router_options" not in config.to_dict()
    assert "router_options" not in TrainingOptions().to_dict()
    assert TrainingOptions(router="skipw", penalty="cost").to_dict()["router_options"]


@pytest.mark.parametrize(
    ("router", "options", "message"),
    [
        ("skipw", {"window": 0}, "a window of at least 1 token .*got window=0, reads=5"),
        ("skipw", {"window": 4}, "reads from 0 to window of them; got window=4, reads=5"),
        ("skipw", {"reads": -1}, "got window=10, reads=-1"),
        ("skipw", {"reads": 2.5}, r"must be whole numbers; got \{'reads': 2.5\}"),
        ("skipw", {"reads": True}, "must be whole numbers"),
        ("skipw", {"size": 3}, r"has these options: window, reads; got .*=\{'size': 3\}"),
        ("skipw", 5, "has these options: window, reads; got router_options=5"),
        ("softmax", {"window": 3}, r"'softmax' has these options: none; got .*'window': 3"),
    ],
)
def test_options_that_do_not_fit_are_refused(router, options, message):
    with pytest.raises(ValueError, match=message):
        find_router(router).settle(options)
    with pytest.raises(ValueError, match=message):
        SkimLSTM(3, 5, skim_size=0, router=router, router_options=options)
    with pytest.raises(ValueError, match=message):
        TrainingOptions(router=router, router_options=options)
