"""The claims of the paper, the traps of public code, and how training and reading behave."""

import copy

import numpy as np
import pytest
import skim_claims as claims
import torch
from skim_claims import READERS, mix_by_hand
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from agreement import assert_close, assert_forced, make_batch, make_layer, run_torch
from skimrnn.nn import SkimGRU, SkimLSTM, SkimRNN, record

CELLS = ["lstm", "gru", "rnn_tanh", "rnn_relu"]
every_reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


# ---- one test for each trap at the end of model.md --------------------------------------------


class TestTheRouterIgnoringItsLogits:
    @every_reader
    def test_decisions_follow_the_logits(self, read):
        claims.check_decisions_follow_the_logits(read)

    def test_training_shares_follow_the_logits(self):
        claims.check_training_shares_follow_the_logits()


class TestTheRouterFedTheNewState:
    @every_reader
    def test_it_sees_the_state_before_the_token(self, read):
        claims.check_the_router_sees_the_state_before_the_token(read)

    def test_it_does_in_training_too(self):
        claims.check_the_router_sees_the_state_before_the_token_in_training()


class TestTheSmallCellKeepingAStateOfItsOwn:
    @every_reader
    def test_it_works_on_the_shared_state(self, read):
        claims.check_the_small_cell_works_on_the_shared_state(read)


class TestTheTailOfCCopiedFromTheNewState:
    @every_reader
    def test_a_skim_copies_the_tail_of_both_states(self, read):
        claims.check_a_skim_copies_the_tail_of_both_states(read)


class TestPSquaredInTheLoss:
    def test_the_penalty_is_minus_log_p(self):
        claims.check_the_penalty_is_minus_log_p_not_of_p_squared()


class TestTheLossTakenOnTheSample:
    def test_the_penalty_is_on_p(self):
        claims.check_the_penalty_is_on_p_not_on_the_sample()


class TestSamplingAtTestTime:
    @every_reader
    def test_reading_is_not_sampled(self, read):
        claims.check_reading_is_not_sampled(read)


class TestPaddingReadAsText:
    @every_reader
    def test_padding_is_not_read(self, read):
        claims.check_padding_is_not_read(read)

    def test_padding_costs_nothing(self):
        claims.check_padding_costs_nothing()


class TestAThresholdTheWrongWayRound:
    @every_reader
    def test_a_higher_threshold_reads_more(self, read):
        claims.check_a_higher_threshold_reads_more(read)


class TestSqueezeBreakingBatchOne:
    @every_reader
    def test_a_batch_of_one_is_a_batch(self, read):
        claims.check_a_batch_of_one_is_a_batch(read)

    @pytest.mark.parametrize("cell", CELLS)
    def test_it_trains_too(self, cell):
        layer = make_layer(cell, 1, 2, skim_size=1).train()
        output, state = layer(torch.zeros(1, 1, 1, dtype=torch.float64))
        assert output.shape == (1, 1, 2)
        assert (state[0] if cell == "lstm" else state).shape == (1, 1, 2)


class TestBothCellsComputedAndMasked:
    @pytest.mark.parametrize("batch", [1, 2, 17])
    def test_only_rows_that_read_enter_the_full_cell(self, batch):
        claims.check_only_rows_that_read_enter_the_full_cell(batch)

    def test_the_reference_computes_no_cell_it_does_not_take(self, monkeypatch):
        claims.check_the_reference_computes_no_cell_it_does_not_take(monkeypatch)


# ---- padding, order and mates -----------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("way", [{}, {"budget": 0.4}, {"threshold": "argmax"}], ids=str)
def test_order_and_mates_change_no_decision(cell, way):
    """Sorted, unsorted, with fewer mates: in float64 every decision is the same."""
    layer = make_layer(cell, 3, 7, levels=(7, 2, 0), num_layers=2, bidirectional=True)
    for name, value in way.items():
        setattr(layer, name, value)
    lengths = [4, 9, 1, 6, 9]
    x, _ = make_batch(layer, lengths)
    whole = run_torch(layer, x, lengths)
    assert len(np.unique(whole.level)) == 4  # -1 in the padding, and all three levels
    for rows in ([4, 3, 2, 1, 0], [1, 4, 3, 0, 2], [3, 0], [2]):
        n = max(lengths[b] for b in rows)
        part = run_torch(layer, x[rows, :n], [lengths[b] for b in rows])
        for place, b in enumerate(rows):
            assert_forced(part.text(place), whole.text(b))


def test_options_per_text_follow_their_text_through_sorting():
    layer = make_layer("lstm", 3, 7, skim_size=2)
    lengths = [2, 5, 3]
    x, _ = make_batch(layer, lengths)
    layer.threshold = [2.0, -1.0, 0.5]
    run = run_torch(layer, x, lengths)
    assert (run.text(0).level == 0).all()
    assert (run.text(1).level == 1).all()
    layer.threshold, layer.budget, layer.burst = 2.0, [0.0, 1.0, 0.5], [1, 0, 0]
    run = run_torch(layer, x, lengths)
    assert [run.text(b).level.ravel().tolist() for b in range(3)] == [
        [0, 1],
        [0, 0, 0, 0, 0],
        [1, 0, 1],
    ]


@every_reader
def test_a_budget_counts_from_the_last_real_token_backwards(read):
    layer = make_layer("lstm", 3, 7, skim_size=2, bidirectional=True, dtype=read.dtype)
    layer.threshold, layer.budget, layer.burst = 2.0, 0.5, 0
    x, _ = make_batch(layer, [5, 2])
    run = read(layer, x, [5, 2])
    assert run.level[0, 0].tolist() == [[1, 0, 1, 0, 1], [1, 0, 1, 0, 1]]
    assert run.level[1, 0].tolist() == [[1, 0, -1, -1, -1], [0, 1, -1, -1, -1]]


@every_reader
def test_a_budget_holds_for_each_layer_and_direction_by_itself(read):
    layer = make_layer("gru", 3, 7, skim_size=2, num_layers=2, bidirectional=True, dtype=read.dtype)
    layer.threshold, layer.budget, layer.burst = 2.0, 0.25, 1
    x, _ = make_batch(layer, [12])
    run = read(layer, x, [12])
    assert (run.level == 0).sum(axis=-1).tolist() == [[[4, 4], [4, 4]]]


@every_reader
def test_a_refused_read_becomes_the_first_skim_level(read):
    layer = make_layer("gru", 3, 7, levels=(7, 3, 0), dtype=read.dtype)
    layer.threshold, layer.budget, layer.burst = 2.0, 0, 1
    x, _ = make_batch(layer, [4])
    assert read(layer, x, [4]).level.ravel().tolist() == [0, 1, 1, 1]


# ---- the soft mixture -------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("skim_input", ["prefix", "full"])
@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
@pytest.mark.parametrize("levels", [(7, 3), (7, 3, 0), (7, 0)], ids=str)
def test_training_mixes_every_levels_candidate_by_one_weight(cell, skim_input, hard, levels):
    """Against the reference's own parts: packed, two layers, both ways, given noise and hx."""
    layer = make_layer(
        cell,
        3,
        7,
        levels=levels,
        skim_input=skim_input,
        num_layers=2,
        bidirectional=True,
        hard=hard,
    ).train()
    layer.temperature = 0.7
    lengths = [3, 5, 1]
    x, hx = make_batch(layer, lengths, hx=True)
    noise = torch.randn(2, 2, 3, 5, len(levels), dtype=torch.float64)
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    with torch.no_grad():
        output, state = layer(packed, hx, noise=noise)
    output, _ = pad_packed_sequence(output, batch_first=True)
    h_n, c_n = state if cell == "lstm" else (state, None)
    for b, n in enumerate(lengths):
        parts = hx if cell == "lstm" else (hx, None)
        own = tuple(None if part is None else part[:, b].numpy() for part in parts)
        wanted, h, c = mix_by_hand(layer, x[b, :n], noise[:, :, b, :n], own)
        assert_close(output[b, :n].numpy(), wanted)
        assert_close(h_n[:, b].numpy(), h)
        if c is not None:
            assert_close(c_n[:, b].numpy(), c)


def train_step(layer, x, noise):
    layer.zero_grad()
    output, _ = layer(x, noise=noise)
    (output**2).sum().backward()
    return output.detach(), {n: p.grad.clone() for n, p in layer.named_parameters()}


def test_hard_is_the_argmax_forwards_and_the_soft_gradient_backwards():
    """One token: the straight-through gradient is the soft one's, with the hard output's error."""
    layer = make_layer("gru", 3, 7, skim_size=2).train()
    x, noise = torch.randn(1, 4, 3).double(), torch.randn(1, 1, 4, 1, 2).double()
    soft_output, soft = layer(x, noise=noise)[0], None
    layer.hard = True
    hard_output = layer(x, noise=noise)[0]
    assert not torch.allclose(soft_output, hard_output)
    weight = torch.randn_like(hard_output)
    soft = torch.autograd.grad((soft_output * weight).sum(), layer.router_bias_l0)
    hard = torch.autograd.grad((hard_output * weight).sum(), layer.router_bias_l0)
    torch.testing.assert_close(soft, hard, rtol=1e-12, atol=1e-13)


def test_hard_without_noise_is_what_eval_takes_by_argmax():
    layer = make_layer("lstm", 3, 7, levels=(7, 3, 0), num_layers=2, bidirectional=True, hard=True)
    layer.threshold = "argmax"
    x = torch.randn(6, 4, 3).double()
    trained, _ = layer.train()(x, noise=torch.zeros(2, 2, 4, 6, 3))
    read, _ = layer.eval()(x)
    torch.testing.assert_close(trained, read, rtol=1e-12, atol=1e-13)


def test_a_lower_temperature_is_closer_to_one_level():
    layer = make_layer("lstm", 3, 7, skim_size=2)
    x, noise = torch.randn(5, 2, 3).double(), torch.randn(1, 1, 2, 5, 2).double()
    layer.train().hard = True
    with torch.no_grad():
        hard, _ = layer(x, noise=noise)
        layer.hard = False
        gaps = []
        for temperature in (1.0, 0.3, 0.1, 0.001):
            layer.temperature = temperature
            gaps.append(float((layer(x, noise=noise)[0] - hard).abs().max()))
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 1e-9 < 1e-3 < gaps[0]


@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_reach_every_parameter(cell, hard):
    """Router and every cell learn from the task alone, in each layer and direction."""
    layer = make_layer(cell, 3, 7, levels=(7, 5, 2), num_layers=2, bidirectional=True, hard=hard)
    layer.train()
    layer.temperature = 0.5
    _, gradients = train_step(layer, torch.randn(6, 4, 3).double(), None)
    assert set(gradients) == set(layer.config.parameter_shapes())
    for name, gradient in gradients.items():
        if hard and not name.startswith("router_"):
            continue  # a cell whose level no token takes whole gets no gradient
        assert gradient.abs().sum() > 0, name
        assert torch.isfinite(gradient).all(), name


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("levels", [(3, 1), (3, 2, 0)], ids=str)
def test_gradients_are_right(cell, levels):
    """Numerical differences in float64: inputs, state and all parameters, noise fixed."""
    layer = make_layer(cell, 2, 3, levels=levels, bidirectional=True).train()
    layer.temperature = 0.8
    lengths = torch.tensor([3, 1])
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    h = torch.randn(2, 2, 3, dtype=torch.float64, requires_grad=True)
    noise = torch.randn(1, 2, 2, 3, len(levels), dtype=torch.float64)
    names = list(dict(layer.named_parameters()))
    values = [value.detach().clone().requires_grad_() for value in layer.parameters()]

    def loss(x, h, *values):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        hx = (h, h.tanh()) if cell == "lstm" else h
        parameters = dict(zip(names, values, strict=True))
        with record() as reads:
            output, state = torch.func.functional_call(
                layer, parameters, (packed, hx), {"noise": noise}
            )
        parts = state if cell == "lstm" else (state,)
        total = output.data.pow(2).sum() + sum(part.sin().sum() for part in parts)
        return total + reads.penalty("skim") + reads.penalty("rate", rate=0.9)

    assert torch.autograd.gradcheck(loss, (x, h, *values), atol=1e-6, rtol=1e-4, fast_mode=True)


# ---- noise ------------------------------------------------------------------------------------


def test_the_same_noise_gives_the_same_result_whatever_the_layout():
    """Padded, packed, reordered or alone: noise belongs to a text and a token."""
    layer = make_layer("lstm", 3, 7, skim_size=2, num_layers=2, bidirectional=True).train()
    lengths = [3, 5, 1, 5]
    x, _ = make_batch(layer, lengths)
    noise = torch.randn(2, 2, 4, 5, 2, dtype=torch.float64)

    def read(rows, extra=0):
        n = max(lengths[b] for b in rows)
        packed = pack_padded_sequence(
            x[rows, :n],
            torch.tensor([lengths[b] for b in rows]),
            batch_first=True,
            enforce_sorted=False,
        )
        given = nn.functional.pad(noise[:, :, rows, :n], (0, 0, 0, extra), value=1e6)
        output, (h_n, _) = layer(packed, noise=given)
        return pad_packed_sequence(output, batch_first=True, total_length=5)[0], h_n

    output, h_n = read([0, 1, 2, 3])
    for rows in ([3, 2, 1, 0], [1, 3], [0], [2]):
        for extra in (0, 4):  # noise may reach further than the texts
            part, part_h = read(rows, extra)
            torch.testing.assert_close(part, output[rows], rtol=1e-12, atol=1e-13)
            torch.testing.assert_close(part_h, h_n[:, rows], rtol=1e-12, atol=1e-13)
    full = [1, 3]
    dense, _ = layer(x[full].transpose(0, 1), noise=noise[:, :, full])
    torch.testing.assert_close(dense.transpose(0, 1), output[full], rtol=1e-12, atol=1e-13)
    alone, _ = layer(x[1], noise=noise[:, :, 1:2])
    torch.testing.assert_close(alone, output[1], rtol=1e-12, atol=1e-13)


def test_without_noise_it_is_drawn_from_torchs_generator():
    layer = make_layer("lstm", 3, 7, skim_size=2).train()
    x = torch.randn(5, 2, 3).double()

    def read(seed):
        torch.manual_seed(seed)
        return layer(x)[0]

    assert torch.equal(read(1), read(1))
    assert not torch.allclose(read(1), read(2))
    torch.manual_seed(1)
    assert not torch.allclose(layer(x)[0], layer(x)[0])


def test_the_drawn_noise_is_gumbels():
    """Its effect has the Gumbel's: a hard sample takes each level as often as p says."""
    layer = make_layer("gru", 1, 2, levels=(2, 1, 0), hard=True, dtype=torch.float32).train()
    with torch.no_grad():
        layer.router_weight_l0.zero_()
        layer.router_bias_l0.copy_(torch.tensor([0.6, 0.3, 0.1]).log())
    with torch.no_grad(), record() as reads:
        layer(torch.zeros(10, 3000, 1))
    share = torch.bincount(reads.entries[0].levels) / 30_000
    torch.testing.assert_close(share, torch.tensor([0.6, 0.3, 0.1]), rtol=0, atol=0.012)


def test_noise_is_not_used_in_eval():
    layer = make_layer("lstm", 3, 7, skim_size=2)
    x = torch.randn(5, 2, 3).double()
    wanted, _ = layer(x)
    assert torch.equal(layer(x, noise=torch.randn(1, 1, 2, 5, 2) * 100)[0], wanted)


def test_training_ignores_threshold_and_budget():
    layer = make_layer("lstm", 3, 7, skim_size=2).train()
    x, noise = torch.randn(5, 2, 3).double(), torch.randn(1, 1, 2, 5, 2).double()
    wanted, _ = layer(x, noise=noise)
    layer.threshold, layer.budget, layer.burst = -1, 0.0, 0
    assert torch.equal(layer(x, noise=noise)[0], wanted)


# ---- the plain phase --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize(
    ("ours", "theirs"), [(SkimLSTM, nn.LSTM), (SkimGRU, nn.GRU), (SkimRNN, nn.RNN)]
)
def test_without_skimming_it_is_torchs_layer_and_nothing_is_paid(ours, theirs, mode):
    """No noise is drawn, no level but 0 taken; outputs and gradients are torch's."""
    layer = ours(3, 7, 2, skim_size=2, bidirectional=True, threshold=-1, path="eager").train(mode)
    layer.skimming = False
    plain = theirs(3, 7, 2, bidirectional=True)
    plain.load_state_dict({name: layer.get_parameter(name) for name in plain.state_dict()})
    x = torch.randn(5, 3, 3)
    packed = pack_padded_sequence(x, torch.tensor([2, 5, 4]), enforce_sorted=False)
    before = torch.get_rng_state()
    with record() as reads:
        output, _ = layer(packed)
    assert torch.equal(before, torch.get_rng_state())
    wanted, _ = plain(packed)
    assert torch.equal(output.data, wanted.data)
    for kind, rate in (("skim", None), ("cost", None), ("rate", 0.5)):
        assert reads.penalty(kind, rate=rate).item() == 0
    assert reads.skim_rate() == 0
    assert [(e.layer, e.direction, e.skimming) for e in reads.entries] == [
        (i, j, False) for i in (0, 1) for j in (0, 1)
    ]
    assert reads.entries[0].lengths.tolist() == [2, 5, 4]
    assert reads.entries[0].level.tolist() == [[0, 0, -1, -1, -1], [0] * 5, [0, 0, 0, 0, -1]]
    assert reads.entries[0].p[0].tolist() == [[1, 0], [1, 0], [0, 0], [0, 0], [0, 0]]
    output.data.sum().backward()
    wanted.data.sum().backward()
    for name, value in plain.named_parameters():
        assert torch.equal(layer.get_parameter(name).grad, value.grad)
    assert layer.router_weight_l0.grad is None

    layer.skimming = True
    with record() as reads:
        layer(packed)
    assert reads.penalty("skim").item() > 0


# ---- dropout between layers -------------------------------------------------------------------


def test_dropout_is_between_layers_in_training_only():
    """All of it dropped, the second layer reads zeros; the last layer's output is never dropped."""
    layer = make_layer("lstm", 7, 7, skim_size=2, num_layers=2, dropout=1.0).train()
    second = make_layer("lstm", 7, 7, skim_size=2).train()
    second.load_state_dict(
        {n.replace("l1", "l0"): v for n, v in layer.state_dict().items() if n.endswith("l1")}
    )
    x, noise = torch.randn(5, 2, 7).double(), torch.randn(2, 1, 2, 5, 2).double()
    output, _ = layer(x, noise=noise)
    wanted, _ = second(torch.zeros_like(x), noise=noise[1:])
    torch.testing.assert_close(output, wanted, rtol=1e-12, atol=1e-13)

    without = copy.deepcopy(layer).eval()
    without.dropout = 0.0
    assert torch.equal(layer.eval()(x)[0], without(x)[0])


def test_dropout_scales_what_is_left():
    """Half the outputs between layers are zeroed, the others doubled: seen by the recorded p."""
    layer = SkimLSTM(3, 200, 2, skim_size=2, dropout=0.5).train()
    seen = []
    original = torch.nn.functional.dropout

    def watch(x, p):
        seen.append((x, original(x, p)))
        return seen[-1][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.nn.functional.dropout", watch)
        layer(torch.randn(5, 4, 3))
    assert len(seen) == 1
    [(before, after)] = seen
    kept = after != 0
    assert 0.4 < kept.float().mean() < 0.6
    torch.testing.assert_close(after[kept], 2 * before[kept])
