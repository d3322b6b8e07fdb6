"""``record()``: what is collected, and what is computed from it."""

import math
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.checkpoint import checkpoint

from agreement import make_batch, make_layer
from skimrnn import cost
from skimrnn.nn import SkimGRU, SkimLSTM, SkimRNN, record
from skimrnn.nn import recording as recording_module


def call(layer, lengths, seed=0):
    x, _ = make_batch(layer, lengths, seed=seed)
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    return layer(packed)


@pytest.fixture
def layer():
    return make_layer("lstm", 3, 7, levels=(7, 3, 0), num_layers=2, bidirectional=True)


# ---- what is collected ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [True, False])
def test_one_entry_per_layer_and_direction_in_the_callers_order(layer, mode):
    layer.train(mode)
    with record() as reads:
        call(layer, [3, 5, 1])
    assert [(e.layer, e.direction) for e in reads.entries] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for entry in reads.entries:
        assert entry.module is layer
        assert entry.config is layer.config
        assert entry.skimming is True
        assert entry.lengths.tolist() == [3, 5, 1]
        assert entry.p.shape == (3, 5, 3)
        assert entry.level.shape == (3, 5)
        real = torch.arange(5) < entry.lengths[:, None]
        assert (entry.level[~real] == -1).all()
        assert (entry.level[real] >= 0).all()
        assert (entry.p[~real] == 0).all()
        torch.testing.assert_close(entry.p[real].sum(1), torch.ones(9, dtype=torch.float64))
        assert entry.p.requires_grad is entry.log_p.requires_grad is True


def test_the_arity_of_the_call_does_not_change(layer):
    plain = call(layer, [3, 5])
    with record():
        recorded = call(layer, [3, 5])
    assert len(plain) == len(recorded) == 2
    assert torch.equal(plain[0].data, recorded[0].data)


def test_nothing_is_collected_outside_the_block(layer):
    with record() as reads:
        call(layer, [2])
    count = len(reads.entries)
    call(layer, [2])
    assert len(reads.entries) == count == 4
    assert recording_module.recording() is False


def test_an_error_in_the_block_closes_it(layer):
    with pytest.raises(RuntimeError, match="input_size"), record():
        layer(torch.zeros(1, 1, 99, dtype=torch.float64))
    assert recording_module.recording() is False


def test_nested_blocks_each_collect_what_happens_in_them(layer):
    with record() as outer:
        call(layer, [2])
        with record() as inner:
            call(layer, [3, 4])
        call(layer, [5])
    assert [len(r.entries) for r in (outer, inner)] == [12, 4]
    assert inner.entries == outer.entries[4:8]
    assert [e.lengths.tolist() for e in outer.entries[::4]] == [[2], [3, 4], [5]]


def test_every_thread_has_its_own_blocks(layer):
    """Two threads record at the same moment: neither sees the other, nor who started them."""
    barrier, seen = threading.Barrier(2, timeout=20), {}

    def work(name, lengths):
        with torch.no_grad():
            unrecorded = recording_module.recording()
            with record() as reads:
                barrier.wait()
                call(layer, lengths)
                barrier.wait()
            seen[name] = unrecorded, reads

    with record() as outer:
        threads = [
            threading.Thread(target=work, args=(i, lengths)) for i, lengths in enumerate(([2], [7]))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outer.entries == []
    for name, length in ((0, 2), (1, 7)):
        unrecorded, reads = seen[name]
        assert unrecorded is False
        assert [e.lengths.tolist() for e in reads.entries] == [[length]] * 4


def test_a_shared_module_and_several_calls_are_collected_each_time(layer):
    class Siamese(nn.Module):
        def __init__(self):
            super().__init__()
            self.left = self.right = layer

        def forward(self):
            return call(self.left, [2, 1], seed=1), call(self.right, [4, 3, 2], seed=2)

    with record() as reads:
        Siamese()()
    assert len(reads.entries) == 8
    apart = []
    for lengths, seed in (([2, 1], 1), ([4, 3, 2], 2)):
        with record() as one:
            call(layer, lengths, seed=seed)
        apart.append(one)
    wanted = sum(one.penalty() for one in apart) / 2
    torch.testing.assert_close(reads.penalty(), wanted)
    assert reads.cost().taken == apart[0].cost().taken + apart[1].cost().taken


# ---- penalties, by hand -----------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_relu"])
@pytest.mark.parametrize("levels", [(7, 3), (7, 3, 0)], ids=str)
def test_penalties_are_means_over_tokens_then_entries_then_texts(cell, levels):
    layer = make_layer(cell, 3, 7, levels=levels, num_layers=2, bidirectional=True).train()
    lengths = [3, 5, 1]
    with record() as reads:
        call(layer, lengths)
    skim, share, chance = np.zeros((3, 3, 4))
    for column, entry in enumerate(reads.entries):
        operations = np.array(cost.level_operations(layer.config, entry.layer))
        p = entry.p.detach().numpy()
        for b, n in enumerate(lengths):
            p_skim = p[b, :n, 1:].sum(axis=1)
            skim[b, column] = -np.log(p_skim).mean()
            share[b, column] = (p[b, :n] @ operations / operations[0]).mean()
            chance[b, column] = p_skim.mean()
    np.testing.assert_allclose(reads.penalty().item(), skim.mean(1).mean(), rtol=1e-10)
    np.testing.assert_allclose(reads.penalty("skim").item(), skim.mean(1).mean(), rtol=1e-10)
    np.testing.assert_allclose(reads.penalty("cost").item(), share.mean(1).mean(), rtol=1e-10)
    wanted = (chance.mean(1).mean() - 0.9) ** 2
    np.testing.assert_allclose(reads.penalty("rate", rate=0.9).item(), wanted, rtol=1e-10)


def test_a_long_text_weighs_no_more_than_a_short_one():
    """p_skim is 0.9 on the long text's tokens and 0.2 on the short one's: the texts' mean, 0.55."""
    layer = make_layer("gru", 1, 3, skim_size=1).train()
    with torch.no_grad():
        layer.router_weight_l0.zero_()
        layer.router_weight_l0[1, 0] = 1
    x = [torch.full((n, 1), odds, dtype=torch.float64).log() for n, odds in ((9, 9), (1, 0.25))]
    with record() as reads:
        layer(nn.utils.rnn.pack_sequence(x))
    assert reads.penalty("rate", rate=0.0).item() == pytest.approx(0.55**2)
    assert reads.penalty("rate", rate=0.55).item() == pytest.approx(0, abs=1e-12)
    assert reads.penalty("skim").item() == pytest.approx(-(np.log(0.9) + np.log(0.2)) / 2)


@pytest.mark.parametrize("kind", ["skim", "cost", "rate"])
def test_penalties_move_the_router_towards_skimming(kind):
    layer = make_layer("lstm", 3, 7, skim_size=2).train()
    with record() as reads:
        call(layer, [5, 3])
    reads.penalty(kind, rate=1.0 if kind == "rate" else None).backward()
    read, skim = layer.router_bias_l0.grad
    assert read > 0 > skim  # descending raises the logit of skimming
    torch.testing.assert_close(read, -skim)


def test_a_certain_read_has_a_finite_penalty_and_gradient():
    layer = make_layer("lstm", 3, 7, skim_size=2, dtype=torch.float32).train()
    with torch.no_grad():
        layer.router_bias_l0.copy_(torch.tensor([500.0, -500.0]))
    with record() as reads:
        call(layer, [5, 3])
    value = reads.penalty()
    value.backward()
    assert value.item() == pytest.approx(1000, rel=0.01)
    assert all(torch.isfinite(p.grad).all() for p in layer.parameters() if p.grad is not None)


def test_the_rate_is_that_of_all_processes(monkeypatch):
    """The other process skims 0.3: the joint mean is what is squared, each pays its own share."""
    layer = make_layer("lstm", 3, 7, skim_size=2).train()
    with record() as reads:
        call(layer, [5, 3])
    own = reads.penalty("rate", rate=0.0).sqrt().item()
    [gradient] = torch.autograd.grad(
        reads.penalty("rate", rate=0.0), layer.router_bias_l0, retain_graph=True
    )

    def all_reduce(tensor):
        assert tensor.requires_grad is False
        tensor += 0.3

    distributed = recording_module.distributed
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(distributed, "all_reduce", all_reduce)
    value = reads.penalty("rate", rate=0.1)
    joint = (own + 0.3) / 2
    assert value.item() == pytest.approx((joint - 0.1) ** 2)
    [moved] = torch.autograd.grad(value, layer.router_bias_l0)
    torch.testing.assert_close(moved, gradient / (2 * own) * 2 * (joint - 0.1))


# ---- layers that do not skim ------------------------------------------------------------------


def test_layers_that_never_skim_count_zero_and_everything_they_do():
    plain = SkimLSTM(3, 7, 2, levels=(7,)).double()
    with record() as reads:
        call(plain, [5, 3])
    assert reads.penalty("skim").item() == reads.penalty("cost").item() == 0
    assert reads.penalty("rate", rate=0.8).item() == 0
    assert reads.skim_rate() == 0
    assert reads.cost().flop_reduction == 1
    assert reads.entries[0].p.shape == (2, 5, 1)


def test_a_plain_layer_beside_a_skimming_one_halves_the_mean():
    skimming, plain = make_layer("lstm", 3, 7, skim_size=2), SkimLSTM(3, 7, levels=(7,)).double()
    with record() as alone:
        call(skimming, [5, 3])
    with record() as both:
        call(skimming, [5, 3])
        call(plain, [5, 3])
    torch.testing.assert_close(both.penalty(), alone.penalty() / 2)


@pytest.mark.parametrize("form", ["time first", "batch first", "unbatched", "packed"])
@pytest.mark.parametrize("options", [{"skim_size": 2}, {"levels": (7,)}], ids=str)
def test_lengths_of_every_form_of_input(form, options):
    layer = SkimGRU(3, 7, batch_first=form == "batch first", **options)
    input = {
        "time first": torch.zeros(4, 2, 3),
        "batch first": torch.zeros(2, 4, 3),
        "unbatched": torch.zeros(4, 3),
        "packed": nn.utils.rnn.pack_sequence([torch.zeros(4, 3), torch.zeros(4, 3)]),
    }[form]
    with record() as reads:
        layer(input)
    assert reads.entries[0].lengths.tolist() == ([4] if form == "unbatched" else [4, 4])


def test_rate_and_cost_count_tokens_layers_and_directions(layer):
    with record() as reads:
        call(layer, [3, 5, 1])
    levels = np.concatenate([e.level.numpy().ravel() for e in reads.entries])
    levels = levels[levels >= 0]
    assert len(levels) == 36
    assert reads.skim_rate() == (levels > 0).mean()
    texts = [
        np.stack([e.level[b, :n].numpy() for e in reads.entries]).reshape(2, 2, n)
        for b, n in enumerate([3, 5, 1])
    ]
    counted = cost.count(layer.config, texts)
    assert reads.cost().flop_reduction == counted.flop_reduction
    assert reads.cost().recurrent_reduction == counted.recurrent_reduction
    assert reads.cost().flop_reduction_per_text == counted.flop_reduction_per_text
    with record() as twice:
        call(layer, [3, 5, 1])
        call(layer, [2, 4])
    assert len(twice.cost().read_all) == 5  # a count for each text of each call


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("length", [50, 3000])
def test_penalties_of_long_texts_in_half_precision(dtype, length):
    """A sum in half precision stops growing; a penalty of it would push the wrong way."""
    layer = SkimLSTM(3, 5, skim_size=2, dtype=dtype, path="eager")
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.router_bias_l0[1] = math.log(9)  # p of skimming is 0.9
    with record() as reads:
        layer(torch.zeros(length, 1, 3, dtype=dtype))
    assert reads.penalty().item() == pytest.approx(-math.log(0.9), rel=0.02)
    reads.penalty("rate", rate=0.8).backward()
    assert layer.router_bias_l0.grad[1].item() == pytest.approx(2 * 0.1 * 0.09, rel=0.1)


# ---- what is refused --------------------------------------------------------------------------


def test_nothing_recorded_is_an_error_and_no_rate():
    with record() as reads:
        nn.LSTM(3, 5)(torch.zeros(2, 1, 3))
    with pytest.raises(ValueError, match=r"no skimming layer was called inside record\(\)"):
        reads.penalty()
    assert reads.skim_rate() is None
    assert reads.cost().flop_reduction is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "skip"}, "'skip'"),
        ({"kind": "rate"}, "rate=None"),
        ({"kind": "rate", "rate": 1.5}, "rate=1.5"),
        ({"kind": "rate", "rate": -0.1}, "rate=-0.1"),
        ({"kind": "skim", "rate": 0.5}, "rate=0.5"),
    ],
)
def test_penalty_options_are_checked(layer, arguments, words):
    with record() as reads:
        call(layer, [2])
    with pytest.raises(ValueError, match=words):
        reads.penalty(**arguments)


@pytest.mark.parametrize("layer_class", [SkimLSTM, SkimGRU, SkimRNN])
@pytest.mark.parametrize("mode", [True, False])
def test_an_empty_batch_costs_nothing(layer_class, mode):
    layer = layer_class(3, 5, skim_size=1).train(mode)
    with record() as reads:
        layer(torch.zeros(4, 0, 3))
    assert reads.penalty().item() == 0
    assert reads.skim_rate() is None
    assert reads.cost().flop_reduction is None


def test_a_plain_phase_costs_what_reading_everything_costs():
    layer = SkimLSTM(3, 5, skim_size=2)
    layer.skimming = False
    with record() as reads:
        layer(torch.zeros(4, 2, 3))
    counted = reads.cost()
    assert counted.taken == counted.read_all
    assert counted.flop_reduction == 1
    assert counted.recurrent_reduction == 1


def test_a_penalty_without_a_gradient_is_refused():
    """Under ``no_grad``, or a checkpoint of the old kind, γ would do nothing without a word."""
    layer = SkimLSTM(3, 5, skim_size=2)
    x = torch.randn(4, 2, 3, requires_grad=True)

    def read(reentrant):
        return checkpoint(lambda x: layer(x)[0], x, use_reentrant=reentrant)

    with record() as reads:
        read(True)
    with pytest.raises(ValueError, match=r"no gradient: .*use_reentrant=False"):
        reads.penalty()
    with torch.no_grad():
        assert reads.penalty() > 0  # to look at
    with record() as reads:
        read(False)
    assert reads.penalty().requires_grad
    layer.router_weight_l0.requires_grad_(False)
    layer.router_bias_l0.requires_grad_(False)
    with record() as reads, torch.no_grad():
        layer(x)
    assert not reads.penalty().requires_grad  # nothing of it is trained
