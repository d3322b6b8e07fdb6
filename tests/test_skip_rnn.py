"""Skip RNN: its paper's equations by hand, and the same reading everywhere."""

import numpy as np
import pytest
import torch

import skimrnn
from agreement import (
    LENGTHS,
    assert_read_alike,
    every_reader,
    make_batch,
    make_layer,
    run_torch,
)
from skimrnn import cost
from skimrnn.config import SkimConfig
from skimrnn.nn import SkimGRU, SkimLSTM, record, save
from skimrnn.train import TrainingOptions


def skip_rnn(cell, inputs, hidden, **options):
    """A layer whose Δ are small and differ, so that it skips for some tokens in a row."""
    layer = make_layer(
        cell, inputs, hidden, **{"levels": (hidden, 0), "router": "skip-rnn", **options}
    )
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.startswith("router_bias"):
                parameter.fill_(-1.2)
    return layer


class Straight(torch.autograd.Function):
    """Rounded; the gradient as if it were not."""

    @staticmethod
    def forward(ctx, u):
        return (u >= 0.5).to(u.dtype)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def by_hand(layer, x):
    """One text x (T, E) through a one-layer GRU, by the paper's equations 2 to 5.

    Once read, nothing is saved up: the authors' code writes the last one so, whose values are the
    paper's ``u Δ + (1 - u) (ũ + min(Δ, 1 - ũ))`` and whose gradient differs where Δ > 1 - ũ.
    """
    cell = torch.nn.GRUCell(layer.input_size, layer.hidden_size, dtype=x.dtype)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    own = {name: getattr(layer, f"{name}_l0") for name in names}
    weight, bias = layer.router_weight_l0[0], layer.router_bias_l0[0]
    s, u_tilde = torch.zeros(1, layer.hidden_size, dtype=x.dtype), torch.ones((), dtype=x.dtype)
    states, updates = [], []
    for token in x:
        u = Straight.apply(u_tilde)
        s = u * torch.func.functional_call(cell, own, (token[None], s)) + (1 - u) * s
        delta = torch.sigmoid(weight @ s[0] + bias)
        saved = (1 - u) * u_tilde
        u_tilde = saved + torch.minimum(delta, 1 - saved)
        states.append(s[0])
        updates.append(u)
    return torch.stack(states), torch.stack(updates)


def test_the_papers_equations_and_their_gradients():
    layer = skip_rnn("gru", 3, 5, seed=1).train()
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(40, 3, generator=generator, dtype=torch.float64)
    wanted, updates = by_hand(layer, x)
    assert 0.2 < updates.mean() < 0.8
    towards = torch.randn(wanted.shape, generator=generator, dtype=torch.float64)
    parameters = dict(layer.named_parameters())
    loss = (wanted * towards).sum() + 0.3 * updates.sum()
    expected = torch.autograd.grad(loss, parameters.values())
    with record() as reads:
        output, _ = layer(x)
    torch.testing.assert_close(output, wanted)
    np.testing.assert_array_equal(reads.entries[0].level[0], 1 - updates.detach())
    # What is paid for reading a token is its share, which goes straight through to u.
    loss = (output * towards).sum() + 0.3 * 40 * reads.penalty("cost")
    found = torch.autograd.grad(loss, parameters.values())
    for name, one, other in zip(parameters, found, expected, strict=True):
        torch.testing.assert_close(one, other, msg=lambda said, at=name: f"{at}: {said}")
    assert parameters["router_weight_l0"].shape == (1, 5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh"])
def test_training_reads_what_reading_reads(cell):
    layer = skip_rnn(cell, 3, 7, num_layers=2, bidirectional=True)
    x, _ = make_batch(layer, LENGTHS)
    read = run_torch(layer, x, LENGTHS)
    layer.train()
    drawn = torch.randn(2, 2, 4, 33, 2, dtype=torch.float64)  # Gumbel noise has no part in it
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        x, torch.as_tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    with record() as reads:
        output, _ = layer(packed, noise=drawn)
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
    layer = skip_rnn(cell, 5, 17, num_layers=2, bidirectional=True, dtype=dtype, **options)
    assert_read_alike(layer, name)


@pytest.mark.parametrize("name", skimrnn.implementations())
def test_the_first_token_is_read_and_u_is_saved_up(name, tmp_path):
    """With W = 0 each token adds sigmoid(b): 0.3 and 0.6 at the first two, which is enough."""
    layer = SkimLSTM(2, 5, skim_size=0, router="skip-rnn")
    with torch.no_grad():
        layer.router_weight_l0.zero_()
        layer.router_bias_l0.fill_(np.log(0.3 / 0.7))
    save(layer, tmp_path / "layer")
    reader = skimrnn.load_layer(tmp_path / "layer", implementation=name)
    x = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)

    def read(**options):
        found = reader.read_vectors(x[None], **options)
        return found.level[0, 0, 0].tolist(), found.p[0, 0, 0, :, 0]

    level, u = read()
    assert level == [0, 1, 0, 1, 0, 1, 0, 1, 0]
    np.testing.assert_allclose(u, [1, 0.3, 0.6, 0.3, 0.6, 0.3, 0.6, 0.3, 0.6], atol=1e-6)
    # ThrRNN: it reads once u reaches 1 - θ. A threshold of 0 waits until u is 1.
    assert read(threshold=0.2)[0] == [0, 1, 1, 0, 1, 1, 0, 1, 1]
    assert read(threshold=0.0)[0] == [0, 1, 1, 1, 0, 1, 1, 1, 0]
    assert read(threshold=0.0)[1].max() == 1
    assert read(threshold=0.75)[0] == [0] * 9
    assert read(threshold=1)[0] == [0] * 9
    assert read(threshold=-1)[0] == [1] * 9


def test_its_options_and_its_cost():
    layer = SkimGRU(3, 5, skim_size=0, router="skip-rnn", num_layers=2)
    assert layer.router_bias_l1.tolist() == [1]
    assert cost.router_operations(layer.config, 1) == 5
    assert SkimLSTM(3, 5, levels=(5,), router="skip-rnn").config.memory == ()
    with pytest.raises(ValueError, match=r"'skip-rnn' knows 2 levels; got levels=\(5, 2, 0\)"):
        SkimLSTM(3, 5, levels=(5, 2, 0), router="skip-rnn")
    with pytest.raises(ValueError, match="'skip-rnn' knows 2 levels"):
        SkimConfig.from_dict({**layer.config.to_dict(), "levels": [5, 2, 0]})
    with record() as reads:
        layer(torch.zeros(2, 1, 3))
    with pytest.raises(ValueError, match='penalty "skim" is for routers that are sampled'):
        reads.penalty()
    layer.path = "native"
    with pytest.raises(ValueError, match="knows the router softmax, not 'skip-rnn'"):
        layer(torch.zeros(2, 1, 3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"penalty": "skim"}, "penalty must be cost or rate with the router skip-rnn"),
        ({"penalty": "cost", "threshold_spread": 1.0}, "threshold_spread must be 0 with the"),
    ],
)
def test_what_it_cannot_be_trained_with_is_refused(options, message):
    given = {"hidden_size": 5, "levels": (5, 0), "router": "skip-rnn", **options}
    with pytest.raises(ValueError, match=message):
        TrainingOptions(**given)
    assert TrainingOptions(**{**given, "penalty": "cost", "threshold_spread": 0.0})
    assert TrainingOptions(**{**given, "levels": (5,)})
