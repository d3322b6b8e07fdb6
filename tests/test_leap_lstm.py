"""Leap-LSTM: its look ahead by hand, the same reading everywhere, and what it learns from it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

import skimrnn
from agreement import (
    LENGTHS,
    SIZES,
    assert_forced,
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
from models import make_classifier, make_config
from skimrnn import cost, reference
from skimrnn.config import SkimConfig
from skimrnn.nn import SkimGRU, SkimLSTM, load, record, save
from skimrnn.routers import find_router
from skimrnn.runtime import Model
from skimrnn.runtime.session import SessionError
from skimrnn.serve.answers import course

OPTIONS = {"units": 5, "ahead": 3, "filters": 2}
NAMES = skimrnn.implementations()


def leap_lstm(cell, inputs, hidden, **options):
    """A layer that looks ahead, whose biases are not 0."""
    given = {"levels": (hidden, 0), "router": "leap-lstm", "router_options": OPTIONS, **options}
    layer = make_layer(cell, inputs, hidden, **given)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.startswith("router") and "bias" in name:
                parameter.uniform_(-0.5, 0.5)
    return layer


def ahead_by_hand(w, x):
    """Of each token what the router sees besides the state, (T, U), windows and LSTM written out.

    Args:
        w: the router's parameters, without suffix.
        x: the tokens in reading order, (T, E).
    """
    tokens, filters = len(x), len(w["router_filters_bias"]) // 3
    lstm = torch.nn.LSTM(x.shape[1], w["router_reverse_weight_hh"].shape[1], dtype=torch.float64)
    with torch.no_grad():
        lstm.weight_ih_l0[:] = w["router_reverse_weight_ih"]
        lstm.weight_hh_l0[:] = w["router_reverse_weight_hh"]
        lstm.bias_ih_l0[:] = w["router_reverse_bias"]
        lstm.bias_hh_l0.zero_()
        h = lstm(x.flip(0))[0].flip(0)
    rows = iter(w["router_filters_weight"].split(filters))
    windows = {5: [], 4: [], 3: []}
    for place in range(5):
        for width, parts in windows.items():
            if place < width:
                parts.append(next(rows))
    assert next(rows, None) is None
    padded = torch.cat([x, torch.zeros(5, x.shape[1], dtype=x.dtype)])
    joined = []
    for t in range(tokens):
        part = w["router_end_bias"]
        if t + 1 < tokens:
            sums = [
                sum(weight @ padded[t + 1 + place] for place, weight in enumerate(parts))
                for parts in windows.values()
            ]
            n = torch.relu(torch.cat(sums) + w["router_filters_bias"])
            part = w["router_weight_ahead"] @ torch.cat([h[t + 1], n])
        joined.append(w["router_weight_x"] @ x[t] + w["router_bias"] + part)
    return torch.stack(joined)


@pytest.mark.parametrize("small", [0, 2])
@pytest.mark.parametrize("tokens", [1, 2, 3, 9])
def test_its_equations(small, tokens):
    """Both directions: what follows, backwards, is what stands before."""
    layer = leap_lstm("lstm", 3, 7, levels=(7, small), bidirectional=True)
    config = layer.config
    parameters = {name: value.detach() for name, value in layer.named_parameters()}
    weights = reference.unpack({n: value.numpy() for n, value in parameters.items()}, config)[0]
    x, _ = make_batch(layer, [tokens], seed=tokens)
    read = run_torch(layer, x, [tokens])
    for d, suffix in enumerate(("_l0", "_l0_reverse")):
        w = {
            name.removesuffix(suffix): value
            for name, value in parameters.items()
            if name.startswith("router") and name.endswith(suffix)
        }
        order = x[0].flip(0) if d else x[0]
        ahead, p, level = ahead_by_hand(w, order), [], []
        state = reference.State(np.zeros(7), np.zeros(7))
        for token, joined in zip(order, ahead, strict=True):
            s = torch.from_numpy(np.concatenate([state.c, state.h]))
            hidden = torch.relu(joined + w["router_weight_s"] @ s)
            logits = w["router_out_weight"] @ hidden + w["router_out_bias"]
            p.append(functional.softmax(logits, dim=0))
            level.append(int(p[-1][1] > 0.5))
            state = reference.update(token.numpy(), state, level[-1], weights[d], config)
        turn = slice(None, None, -1 if d else 1)
        np.testing.assert_allclose(read.p[0, 0, d][turn], torch.stack(p), rtol=1e-11)
        assert read.level[0, 0, d][turn].tolist() == level
        np.testing.assert_allclose(read.h_n[d, 0], state.h, atol=1e-12)


# ---- what it looks at ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("d", [0, 1])
def test_what_follows_decides_and_what_came_before_by_the_state_alone(name, d):
    """Nothing is read, so that the state stays as it is: a token tells those before it alone."""
    layer = leap_lstm("gru", 3, 7, bidirectional=True, dtype=torch.float32)
    reader = reader_of(layer, name)
    x = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    skipped = reader.read_vectors(x, threshold=-1.0).p[0, d]
    moved = x.copy()
    moved[6] += 1
    other = reader.read_vectors(moved, threshold=-1.0).p[0, d]
    before, after = (slice(7, None), slice(6)) if d else (slice(6), slice(7, None))
    assert skipped[after].tobytes() == other[after].tobytes()
    assert (skipped[before] != other[before]).all()
    first = 11 if d else 0  # the state before it is the same
    between = float(skipped[first, 1] + other[first, 1]) / 2
    levels = [reader.read_vectors(one, threshold=between).level[0, d, first] for one in (x, moved)]
    assert sorted(levels) == [0, 1]


@pytest.mark.parametrize("name", NAMES)
def test_at_the_last_token_a_vector_stands_for_what_follows(name):
    layer = leap_lstm("lstm", 3, 7, dtype=torch.float32)
    x = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    usual = reader_of(layer, name).read_vectors(x, threshold=-1.0).p[0, 0]
    with torch.no_grad():
        layer.router_end_bias_l0.add_(1)
    other = reader_of(layer, name).read_vectors(x, threshold=-1.0).p[0, 0]
    assert (usual[:-1] == other[:-1]).all()
    assert (usual[-1] != other[-1]).all()
    with torch.no_grad():
        layer.router_end_bias_l0.sub_(1)
        layer.router_weight_ahead_l0.add_(1)
    other = reader_of(layer, name).read_vectors(x, threshold=-1.0).p[0, 0]
    assert (usual[:-1] != other[:-1]).all()
    assert abs(usual[-1] - other[-1]).max() < 1e-6


@pytest.mark.parametrize("both", [False, True])
def test_a_text_is_read_in_a_batch_as_alone(both):
    layer = leap_lstm("lstm", 3, 7, num_layers=2, bidirectional=both)
    x, _ = make_batch(layer, LENGTHS)
    whole = run_torch(layer, x, LENGTHS)
    for b, length in enumerate(LENGTHS):
        alone = run_torch(layer, x[b : b + 1, :length], [length])
        assert_forced(alone, whole.text(b))


@pytest.mark.parametrize("name", NAMES)
def test_no_token_and_one(name):
    reader = reader_of(leap_lstm("gru", 3, 7, bidirectional=True, dtype=torch.float32), name)
    assert reader.read_vectors(np.zeros((0, 3), np.float32)).level.shape == (1, 2, 0)
    read = reader.read_vectors(np.ones((1, 3), np.float32))
    np.testing.assert_allclose(read.p.sum(axis=-1), 1, rtol=1e-6)


# ---- everywhere the same -------------------------------------------------------------------------


@every_reader
@pytest.mark.parametrize(
    ("cell", "router_input"),
    [("lstm", "state"), ("lstm", "hidden"), ("gru", "hidden"), ("rnn_relu", "hidden")],
)
@pytest.mark.parametrize("small", [0, 3])
def test_all_read_alike(name, dtype, cell, router_input, small):
    options = {"levels": (17, small), "router_input": router_input}
    layer = leap_lstm(cell, 5, 17, num_layers=2, bidirectional=True, dtype=dtype, **options)
    wanted = assert_read_alike(layer, name)
    assert {0, 1} <= set(wanted.level.ravel().tolist())


@every_reader
@pytest.mark.parametrize("hidden", SIZES)
def test_odd_sizes_and_options(name, dtype, hidden):
    for units, ahead, filters in ((1, 1, 1), (16, 4, 3), (33, 17, 5), (32, 10, 20)):
        options = {"units": units, "ahead": ahead, "filters": filters}
        small = hidden // 2
        layer = leap_lstm(
            "lstm", 3, hidden, levels=(hidden, small), dtype=dtype, router_options=options
        )
        assert_free_alike(layer, name)


# ---- training ------------------------------------------------------------------------------------


@pytest.mark.parametrize("both", [False, True])
def test_its_gradient_is_that_of_finite_differences(both):
    layer = leap_lstm("gru", 2, 3, levels=(3, 1), bidirectional=both).train()
    lengths = [3, 1, 4]
    x, _ = make_batch(layer, lengths)
    noise = torch.randn(1, 1 + both, 3, 4, 2, dtype=torch.float64)
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        x, torch.as_tensor(lengths), batch_first=True, enforce_sorted=False
    )
    names, values = zip(*layer.named_parameters(), strict=True)

    def outputs(*parameters):
        given = dict(zip(names, parameters, strict=True))
        given_noise = {"noise": noise}
        return torch.func.functional_call(layer, given, (packed,), given_noise)[0].data

    assert torch.autograd.gradcheck(outputs, values)
    for name, gradient in zip(
        names, torch.autograd.grad(outputs(*values).square().sum(), values), strict=True
    ):
        assert gradient.any(), name


def test_it_learns_that_the_next_word_says_whether_a_word_matters():
    """The label is the word before the mark; all others are to be skipped, the mark as well."""
    words, tokens, batch = 6, 8, 64
    torch.manual_seed(0)
    embedding, head = torch.nn.Embedding(words + 1, 12), torch.nn.Linear(16, words)
    options = {"units": 12, "ahead": 2, "filters": 4}
    rnn = SkimLSTM(12, 16, skim_size=0, router="leap-lstm", router_options=options)
    parameters = [p for part in (embedding, head, rnn) for p in part.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=1e-2)

    def sequences(count):
        rows, place = torch.randint(words, (tokens, count)), torch.randint(tokens - 1, (count,))
        label = rows[place, range(count)]
        rows[place + 1, range(count)] = words
        return rows, label, place

    def scores(rows):
        _, (h_n, _) = rnn(embedding(rows))
        return head(h_n[0])

    for _ in range(300):
        rows, label, _ = sequences(batch)
        with record() as reads:
            said = scores(rows)
        loss = functional.cross_entropy(said, label)
        loss = loss + reads.penalty("rate", rate=1 - 1 / tokens)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
    rnn.eval()
    rows, label, place = sequences(500)
    with torch.no_grad(), record() as reads:
        accuracy = (scores(rows).argmax(dim=1) == label).float().mean()
    level = reads.entries[0].level
    assert accuracy > 0.95
    assert (level[range(500), place] == 0).float().mean() > 0.95
    assert (level == 0).float().mean() < 0.25


# ---- its options, and what it cannot do ----------------------------------------------------------


def test_its_options_and_its_cost(tmp_path):
    layer = SkimGRU(3, 5, skim_size=0, router="leap-lstm", num_layers=2)
    config = layer.config
    assert config.router_options == {"units": 32, "ahead": 10, "filters": 20}
    assert config.memory == ()
    assert config.following == (-1.0, *[0.0] * 260)
    assert replace(config, levels=(5,)).following == ()
    assert layer.router_weight_ahead_l1.shape == (32, 70)
    assert not any(p.any() for name, p in layer.named_parameters() if "router_end_bias" in name)
    assert layer.router_filters_weight_l0.any()
    token, rest = 32 * 3 + 40 * 3 + 240 * 3, 40 * 10 + 32 * 70 + 32 * 5 + 2 * 32
    assert cost.router_operations(config, 0) == token + rest
    assert cost.router_operations(config, 0, recurrent=True) == rest
    assert SkimConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ValueError, match=r"'leap-lstm' knows 2 levels; got levels=\(5, 2, 0\)"):
        SkimLSTM(3, 5, levels=(5, 2, 0), router="leap-lstm")
    with pytest.raises(ValueError, match="would need other parameters"):
        config.with_router_options({"ahead": 3})
    for path, message in (
        ("native", "knows the router softmax, not 'leap-lstm'"),
        ("graph", "knows no router that looks ahead, such as 'leap-lstm'"),
    ):
        layer.path = path
        with pytest.raises(ValueError, match=message):
            layer(torch.zeros(2, 1, 3))
    layer.path = "auto"
    save(layer, tmp_path / "layer")
    assert load(tmp_path / "layer").config == config
    x, hx = make_batch(layer, LENGTHS, hx=True)
    for name in NAMES:
        reader = skimrnn.load_layer(tmp_path / "layer", implementation=name)
        read = run_reader(reader, x, LENGTHS, hx)
        assert_free(read, run_torch(layer.eval(), x, LENGTHS, hx), 0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 0}, "needs sizes from 1 to 1,024; got units=0, ahead=10, filters=20"),
        ({"ahead": -1}, "got units=32, ahead=-1, filters=20"),
        ({"filters": 1025}, "got units=32, ahead=10, filters=1025"),
        ({"window": 3}, r"has these options: units, ahead, filters; got .*=\{'window': 3\}"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        find_router("leap-lstm").settle(options)
    with pytest.raises(ValueError, match=message):
        SkimLSTM(3, 5, skim_size=0, router="leap-lstm", router_options=options)


@pytest.mark.parametrize("name", NAMES)
def test_a_text_is_not_read_as_it_comes_in(name):
    model = Model(make_classifier(make_config((7, 0), router="leap-lstm")), name)
    with pytest.raises(SessionError, match="the router 'leap-lstm' looks at all that follows"):
        model.session()
    assert course(model, model.read("the film is good")) is None
