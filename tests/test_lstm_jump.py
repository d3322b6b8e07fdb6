"""LSTM-Jump: its walk by hand, the same reading everywhere, and what REINFORCE makes of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

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

OPTIONS = {"reads": 3, "longest": 4, "jumps": 5}
NAMES = skimrnn.implementations()


def lstm_jump(cell, inputs, hidden, **options):
    """A layer that jumps differently from text to text, and seldom stops."""
    given = {"levels": (hidden, 0), "router": "lstm-jump", "router_options": OPTIONS, **options}
    layer = make_layer(cell, inputs, hidden, **given)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.startswith("router_bias"):
                parameter[0] -= 0.5
    return layer


def walk_by_hand(choices, tokens, reads, jumps):
    """The levels of a text of which these jumps are chosen, one after the other."""
    level, at, choices = [1] * tokens, 0, iter(choices)
    while True:
        level[at : at + reads] = [0] * len(level[at : at + reads])
        at += reads
        if at >= tokens or not jumps:
            return level
        jump = next(choices)
        if jump == 0:
            return level
        at, jumps = at + jump - 1, jumps - 1


def scripted(choices, reads, jumps):
    """A layer that chooses these jumps, whose state counts the tokens that were read."""
    longest = max(choices, default=1) or 1
    options = {"reads": reads, "longest": longest, "jumps": jumps}
    layer = SkimRNN(
        1, 1, nonlinearity="relu", skim_size=0, router="lstm-jump", router_options=options
    )
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.weight_hh_l0.fill_(1)
        layer.bias_ih_l0.fill_(1)  # h counts
    return layer


# ---- which tokens are read -----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("jump", "reads", "jumps", "wanted"),
    [
        (1, 1, 9, "rrrrrrrrrrss"),  # to the next token: nothing is skipped until no jump is left
        (1, 4, 9, "rrrrrrrrrrrr"),
        (3, 1, 9, "rssrssrssrss"),
        (3, 2, 9, "rrssrrssrrss"),
        (3, 2, 1, "rrssrrssssss"),  # after the last jump so many are read again
        (3, 2, 0, "rrssssssssss"),
        (0, 2, 9, "rrssssssssss"),  # stops
        (8, 3, 9, "rrrsssssssrr"),  # the text ends before all are read
        (20, 3, 9, "rrrsssssssss"),  # and before any is
    ],
)
def test_the_walk(name, jump, reads, jumps, wanted):
    layer = scripted([jump], reads, jumps)
    with torch.no_grad():
        layer.router_bias_l0[jump] = 1
    levels = ["rs".index(letter) for letter in wanted]
    x = torch.zeros(1, 12, 1)
    assert walk_by_hand([jump] * 12, 12, reads, jumps) == levels
    assert run_torch(layer.eval(), x, [12]).level[0, 0, 0].tolist() == levels
    read = reader_of(layer, name).read_vectors(x.numpy())
    assert read.level[0, 0, 0].tolist() == levels
    np.testing.assert_array_equal(read.p[0, 0, 0, :, 0], 1 - np.array(levels))
    assert read.h_n.ravel().tolist() == [levels.count(0)]


@pytest.mark.parametrize("name", NAMES)
def test_the_state_after_the_last_token_that_was_read_says_how_far(name):
    """Jumps 2, then 3, then 0: the logits of j are highest where h, the tokens read, is so much."""
    layer = scripted([3], 2, 9)
    with torch.no_grad():  # at h = 2: j = 2; at h = 4: 3; at h = 6: 0
        layer.router_weight_l0[:, 0] = torch.tensor([8.0, -9.0, 1.0, 3.0])
        layer.router_bias_l0[:] = torch.tensor([-29.0, -9.0, 5.5, 0.0])
    x = torch.zeros(1, 12, 1)
    wanted = walk_by_hand([2, 3, 0], 12, 2, 9)
    assert wanted == [0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1]
    assert reader_of(layer, name).read_vectors(x.numpy()).level[0, 0, 0].tolist() == wanted
    assert run_torch(layer.eval(), x, [12]).level[0, 0, 0].tolist() == wanted


@pytest.mark.parametrize("name", NAMES)
def test_equal_logits_take_the_shortest(name):
    layer = scripted([3], 2, 9)
    with torch.no_grad():
        layer.router_bias_l0[0] = -1
    read = reader_of(layer, name).read_vectors(np.zeros((6, 1), np.float32))
    assert read.level[0, 0].tolist() == [0] * 6
    assert run_torch(layer.eval(), torch.zeros(1, 6, 1), [6]).level[0, 0, 0].tolist() == [0] * 6


@pytest.mark.parametrize("name", NAMES)
def test_no_threshold_between_moves_it(name):
    reader = reader_of(lstm_jump("gru", 2, 5, dtype=torch.float32), name)
    x = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    usual = reader.read_vectors(x).level
    assert 0 < (usual == 0).mean() < 1
    for threshold in (0.0, 0.3, 0.999, "argmax"):
        np.testing.assert_array_equal(reader.read_vectors(x, threshold=threshold).level, usual)
    assert (reader.read_vectors(x, threshold=1).level == 0).all()
    assert (reader.read_vectors(x, threshold=-1).level == 1).all()


# ---- everywhere the same -------------------------------------------------------------------------


@every_reader
@pytest.mark.parametrize(
    ("cell", "router_input"),
    [("lstm", "state"), ("lstm", "hidden"), ("gru", "hidden"), ("rnn_relu", "hidden")],
)
@pytest.mark.parametrize("small", [0, 3])
def test_all_read_alike(name, dtype, cell, router_input, small):
    options = {"levels": (17, small), "router_input": router_input}
    layer = lstm_jump(cell, 5, 17, num_layers=2, bidirectional=True, dtype=dtype, **options)
    wanted = assert_read_alike(layer, name)
    assert {0, 1} <= set(wanted.level.ravel().tolist())


@every_reader
@pytest.mark.parametrize("hidden", SIZES)
def test_odd_sizes_and_options(name, dtype, hidden):
    for reads, longest, jumps in ((1, 1, 0), (1, 1, 50), (2, 20, 3), (7, 3, 2), (40, 4, 4)):
        options = {"reads": reads, "longest": longest, "jumps": jumps}
        layer = lstm_jump("lstm", 3, hidden, dtype=dtype, router_options=options)
        assert_free_alike(layer, name)


@pytest.mark.parametrize("name", NAMES)
def test_reads_and_jumps_change_once_trained(name, tmp_path):
    layer = lstm_jump("lstm", 2, 5, dtype=torch.float32)
    save(layer, tmp_path / "layer")
    x, lengths = torch.randn(3, 60, 2), [60] * 3
    for options in ({}, {"reads": 1}, {"jumps": 1}, {"reads": 4, "jumps": 0}, {"jumps": 90}):
        reader = skimrnn.load_layer(tmp_path / "layer", implementation=name, router_options=options)
        read = run_reader(reader, x, lengths)
        reads, jumps = ({**OPTIONS, **options}[each] for each in ("reads", "jumps"))
        assert reads <= (read.level == 0).sum(axis=-1).max() <= reads * (jumps + 1)
        layer.config = layer.config.with_router_options({**OPTIONS, **options})
        assert_free(read, run_torch(layer, x, lengths), 0.5)
    assert skimrnn.load_layer(tmp_path / "layer").config.router_options == OPTIONS
    save(layer, tmp_path / "other")
    assert load(tmp_path / "other").config.router_options == {**OPTIONS, "jumps": 90}
    with pytest.raises(ValueError, match=r"\{'longest': 5\} would need other parameters"):
        skimrnn.load_layer(tmp_path / "layer", router_options={"longest": 5})


# ---- REINFORCE -----------------------------------------------------------------------------------


def in_training(layer, x, lengths, **given):
    """What a training step recorded, and its packed output."""
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        x, torch.as_tensor(lengths), batch_first=True, enforce_sorted=False
    )
    with record() as reads:
        output, _ = layer.train()(packed, **given)
    return reads, output


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_gradient_is_that_of_a_walk_by_hand(bidirectional):
    layer = lstm_jump("gru", 3, 7, seed=1, bidirectional=bidirectional)
    x, _ = make_batch(layer, LENGTHS)
    directions = 1 + bidirectional
    noise = torch.randn(1, directions, 4, 33, 5, dtype=torch.float64)
    reward = torch.tensor([1.0, -1, 0.3, -0.7], dtype=torch.float64)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    expected, levels = torch.zeros(4, dtype=torch.float64), []
    for d in range(directions):
        end = "l0_reverse" if d else "l0"
        cell = torch.nn.GRUCell(3, 7, dtype=torch.float64)
        own = {name: getattr(layer, f"{name}_{end}") for name in names}
        weight, bias = (getattr(layer, f"router_{part}_{end}") for part in ("weight", "bias"))
        guess, shift = (getattr(layer, f"router_baseline_{p}_{end}") for p in ("weight", "bias"))
        for b, tokens in enumerate(LENGTHS):
            s, chosen, order = torch.zeros(1, 7, dtype=torch.float64), [], list(range(tokens))
            order = order[::-1] if d else order
            at, left = 0, OPTIONS["jumps"]
            level = [1] * tokens
            while at < tokens:
                for t in order[at : at + OPTIONS["reads"]]:
                    s = torch.func.functional_call(cell, own, (x[b, t][None], s))
                    level[t] = 0
                at += OPTIONS["reads"]
                if at >= tokens or not left:
                    break
                logits = weight @ s[0] + bias
                jump = int((logits + noise[0, d, b, order[at]]).argmax())
                baseline = guess[0] @ s[0].detach() + shift[0]
                advantage = (reward[b] - baseline).detach()
                log_p = functional.log_softmax(logits, 0)[jump]
                term = (reward[b] - baseline) ** 2 - advantage * log_p
                expected = expected.index_add(0, torch.tensor([b]), term[None])
                chosen.append(jump)
                if not jump:
                    break
                at, left = at + jump - 1, left - 1
            wanted = walk_by_hand(chosen, tokens, OPTIONS["reads"], OPTIONS["jumps"])
            assert (level[::-1] if d else level) == wanted
            levels.append(level)
    reads, _ = in_training(layer, x, LENGTHS, noise=noise)
    found = reads.reinforcement(reward)
    recorded = [
        row[:n].tolist() for e in reads.entries for row, n in zip(e.level, LENGTHS, strict=True)
    ]
    assert recorded == levels
    assert found[1] == 0  # a text of one token has nothing to choose
    torch.testing.assert_close(found, expected)
    np.testing.assert_allclose(
        reads.text_costs().mean().detach(), reads.penalty("cost").detach(), atol=1e-12
    )
    parameters = dict(layer.named_parameters())
    wanted = torch.autograd.grad(expected.sum(), parameters.values())
    gradients = torch.autograd.grad(found.sum(), parameters.values())
    for name, one, other in zip(parameters, gradients, wanted, strict=True):
        torch.testing.assert_close(one, other, msg=lambda said, at=name: f"{at}: {said}")
        assert one.any(), name
    with pytest.raises(ValueError, match=r"one number for each of 4 texts; got \(3,\)"):
        reads.reinforcement(reward[:3])


def test_the_baseline_does_not_move_the_cells():
    layer = lstm_jump("lstm", 3, 7)
    x, _ = make_batch(layer, LENGTHS)
    reads, _ = in_training(layer, x, LENGTHS)
    made, _, baseline = reads.entries[0].choices
    parameters = dict(layer.named_parameters())
    gradients = torch.autograd.grad(
        baseline[made].sum(), list(parameters.values()), allow_unused=True
    )
    moved = {n for n, gradient in zip(parameters, gradients, strict=True) if gradient is not None}
    assert moved == {"router_baseline_weight_l0", "router_baseline_bias_l0"}


def test_training_reads_what_reading_reads_where_noise_changes_nothing():
    layer = lstm_jump("lstm", 3, 7, num_layers=2, bidirectional=True)
    x, _ = make_batch(layer, LENGTHS)
    read = run_torch(layer, x, LENGTHS)
    reads, output = in_training(layer, x, LENGTHS, noise=torch.zeros(2, 2, 4, 33, 5))
    output, _ = torch.nn.utils.rnn.pad_packed_sequence(output, batch_first=True)
    np.testing.assert_allclose(output.detach(), read.output, atol=1e-12)
    level = torch.stack([entry.level for entry in reads.entries], dim=1).unflatten(1, (2, 2))
    np.testing.assert_array_equal(level, read.level)


def test_it_draws_as_the_softmax_says():
    layer = scripted([2], 1, 1)
    with torch.no_grad():
        layer.router_bias_l0[:] = torch.tensor([0.2, 0.3, 0.5]).log()
    torch.manual_seed(0)
    reads, _ = in_training(layer, torch.zeros(20_000, 3, 1), [3] * 20_000)
    second, third = (reads.entries[0].level[:, 1:] == 0).double().mean(dim=0).tolist()
    assert [second, third] == pytest.approx([0.3, 0.5], abs=0.015)
    made, log_p, _ = reads.entries[0].choices
    assert made.reshape(3, -1).tolist() == [[False] * 20_000, [True] * 20_000, [False] * 20_000]
    assert set(log_p[made].exp().mul(10).round().int().tolist()) == {2, 3, 5}


def test_given_levels_and_reading_draw_nothing():
    layer = lstm_jump("gru", 3, 7)
    x, _ = make_batch(layer, LENGTHS)
    levels = torch.zeros(4, 33, dtype=torch.int64)
    reads, output = in_training(layer, x, LENGTHS, levels=levels)
    assert reads.entries[0].choices is None
    assert reads.reinforcement(torch.ones(4)).tolist() == [0] * 4
    plain = torch.nn.GRU(3, 7, batch_first=True, dtype=torch.float64)
    plain.load_state_dict({n: p for n, p in layer.state_dict().items() if "router" not in n})
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        x, torch.as_tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    torch.testing.assert_close(output.data, plain(packed)[0].data)
    with record() as reads:
        layer.eval()(packed)
    assert reads.entries[0].choices is None


def test_it_learns_to_jump_where_the_first_number_says():
    """The paper's number prediction: of numbers below T, tell the one at the place of the first."""
    size, batch = 6, 128
    torch.manual_seed(0)
    options = {"reads": 1, "longest": size - 1, "jumps": 1}
    words, head = torch.nn.Embedding(size, 16), torch.nn.Linear(24, size)
    rnn = SkimLSTM(16, 24, skim_size=0, router="lstm-jump", router_options=options)
    parameters = [p for part in (words, head, rnn) for p in part.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=5e-3)

    def sequences(count):
        rows = torch.randint(size, (size, count))
        return rows, rows.gather(0, rows[:1])[0]

    def scores(rows):
        _, (h_n, _) = rnn(words(rows))
        return head(h_n[0])

    for _ in range(700):
        rows, wanted = sequences(batch)
        with record() as reads:
            said = scores(rows)
        reward = 2.0 * (said.argmax(dim=1) == wanted) - 1
        loss = functional.cross_entropy(said, wanted) + reads.reinforcement(reward).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
    rnn.eval()
    rows, wanted = sequences(500)
    with torch.no_grad(), record() as reads:
        accuracy = (scores(rows).argmax(dim=1) == wanted).float().mean()
    assert accuracy > 0.95  # without a jump to the place it is about 1 / 6
    lands = torch.where(rows[0] > 0, rows[0], 0)
    level = reads.entries[0].level
    assert (level[range(500), lands] == 0).float().mean() > 0.95
    assert (level == 0).sum(dim=1).max() <= 2


# ---- its arithmetic, its options -----------------------------------------------------------------


def test_both_arithmetics_are_the_same():
    x = np.random.default_rng(0).integers(0, 3, (50, 7)).astype(float)  # many are equal
    ours = np.stack([NumpyOps.argmax(row) for row in x])
    np.testing.assert_array_equal(ours, TorchOps.argmax(torch.from_numpy(x)))
    assert NumpyOps.argmax(np.array([1.0, 2.0, 2.0])).tolist() == [1]
    np.testing.assert_array_equal(NumpyOps.full(x, 2.5), TorchOps.full(torch.from_numpy(x), 2.5))


def test_its_options_and_its_cost():
    layer = SkimGRU(3, 5, skim_size=0, router="lstm-jump", num_layers=2)
    config = layer.config
    assert config.router_options == {"reads": 7, "longest": 10, "jumps": 4}
    assert config.memory == (7, 0, 4)
    assert layer.router_weight_l1.shape == (11, 5)
    assert cost.router_operations(config, 1) == 8  # 11 * 5 / 7, rounded up
    assert config.noise_size == 11
    assert SkimConfig.from_dict(config.to_dict()) == config
    assert hash(config) == hash(replace(config))
    with pytest.raises(ValueError, match=r"'lstm-jump' knows 2 levels; got levels=\(5, 2, 0\)"):
        SkimLSTM(3, 5, levels=(5, 2, 0), router="lstm-jump")
    layer.path = "native"
    with pytest.raises(ValueError, match="knows the router softmax, not 'lstm-jump'"):
        layer(torch.zeros(2, 1, 3))
    layer.path = "auto"
    with pytest.raises(ValueError, match=r"= \(2, 1, 1, 2, 11\); got \(2, 1, 1, 2, 2\)"):
        layer(torch.zeros(2, 1, 3), noise=torch.zeros(2, 1, 1, 2, 2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reads": 0}, "reads of at least 1 token.*got reads=0, longest=10, jumps=4"),
        ({"longest": 0}, "a longest jump of at least 1.*longest=0"),
        ({"reads": 2**24 + 1}, "and none of them above 16,777,216; got reads=16777217"),
        ({"jumps": -1}, "at least 0 jumps, .*; got reads=7, longest=10, jumps=-1"),
        ({"window": 3}, r"has these options: reads, longest, jumps; got .*=\{'window': 3\}"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        find_router("lstm-jump").settle(options)
    with pytest.raises(ValueError, match=message):
        SkimLSTM(3, 5, skim_size=0, router="lstm-jump", router_options=options)
