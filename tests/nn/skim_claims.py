"""What the paper claims and public re-implementations got wrong, each claim as a function.

``test_skim.py`` calls them on the code as it is; ``test_traps_bite.py`` calls them on code with
the fault put in, and they must fail. ``read`` is one of ``READERS``, torch's or a torch-free one:
all are called as ``read(layer, x, lengths, hx)`` and read by the layer's own threshold. Layers are
made in ``read.dtype``.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.overrides import TorchFunctionMode

from agreement import (
    READ_IN,
    assert_bitwise,
    assert_close,
    assert_forced,
    make_batch,
    make_layer,
    random_levels,
    reader_of,
    run_reader,
    run_torch,
)
from skimrnn import reference
from skimrnn.nn import record


@dataclass(frozen=True)
class Reader:
    """``read``: torch's own ("torch") or a torch-free one, and the dtype its layers are made in."""

    name: str
    dtype: torch.dtype

    def __call__(self, layer, x, lengths, hx=None):
        if self.name == "torch":
            return run_torch(layer, x, lengths, hx)
        return run_reader(reader_of(layer, self.name), x, lengths, hx)


READERS = {"torch": Reader("torch", torch.float64), "numpy": Reader("numpy", torch.float64)}
READERS |= {
    f"{name}-float32" if name in READERS else name: Reader(name, dtype)
    for name, dtype in READ_IN
    if dtype == torch.float32
}


def set_router(layer, bias, weight_x=0.0):
    """A router that sees only the token's first number: logit of skimming = bias + weight_x * x."""
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.startswith("router_"):
                parameter.zero_()
        layer.router_weight_l0[1, 0] = weight_x
        layer.router_bias_l0[1] = bias
    return layer


def penalty(layer, x, lengths, noise=None, kind="skim"):
    """The penalty of a training step, and what was recorded."""
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    with record() as reads:
        layer.train()(packed, noise=noise)
    return reads.penalty(kind), reads


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def router_by_hand(layer, x, *state):
    """p (T, K) from x (T, E) and parts of the state (T, D) each, as one matrix product."""
    weight, bias = layer.router_weight_l0.detach().numpy(), layer.router_bias_l0.detach().numpy()
    return softmax(np.concatenate([x, *state], axis=1) @ weight.T + bias)


# ---- the router decides -----------------------------------------------------------------------


def check_decisions_follow_the_logits(read):
    """A token is skimmed where its own logits say so, not at random and not always."""
    layer = set_router(
        make_layer("lstm", 3, 7, skim_size=2, dtype=read.dtype), bias=0.0, weight_x=4.0
    )
    x, _ = make_batch(layer, [9, 6])
    run = read(layer, x, [9, 6])
    for b, n in enumerate([9, 6]):
        np.testing.assert_array_equal(run.level[b, 0, 0, :n], x[b, :n, 0].numpy() > 0)


def check_training_shares_follow_the_logits():
    """Without noise, a cold mixture takes each token's likelier level."""
    layer = set_router(make_layer("lstm", 3, 7, skim_size=2), bias=0.0, weight_x=4.0).train()
    layer.temperature = 1e-3
    x, _ = make_batch(layer, [9])
    noise = torch.zeros(1, 1, 1, 9, 2, dtype=torch.float64)
    _, reads = penalty(layer, x, [9], noise)
    assert torch.equal(reads.entries[0].level[0], (x[0, :, 0] > 0).long())


# ---- the router comes first -------------------------------------------------------------------


def check_the_router_sees_the_state_before_the_token(read):
    """p of a token is a function of the token and of h (and c) as the token before left them."""
    for cell in ("lstm", "gru", "rnn_tanh"):
        layer = make_layer(cell, 3, 7, skim_size=2, router_input="hidden", dtype=read.dtype)
        x, hx = make_batch(layer, [8], hx=True)
        run = read(layer, x, [8], hx)
        h_0 = (hx[0] if cell == "lstm" else hx)[0].numpy()
        before = np.concatenate([h_0, run.output[0, :-1]])
        wanted = router_by_hand(layer, x[0].numpy(), before)
        assert_close(run.p[0, 0, 0], wanted)
    layer = make_layer("lstm", 3, 7, skim_size=2, router_input="state", dtype=read.dtype)
    x, (h_0, c_0) = make_batch(layer, [1], hx=True)
    run = read(layer, x, [1], (h_0, c_0))
    wanted = router_by_hand(layer, x[0].numpy(), c_0[0].numpy(), h_0[0].numpy())  # x, c, then h
    assert_close(run.p[0, 0, 0], wanted)


def check_the_router_sees_the_state_before_the_token_in_training():
    """The same of the mixed state."""
    layer = make_layer("gru", 3, 7, skim_size=2).train()
    x = torch.randn(8, 1, 3, dtype=torch.float64)
    with record() as reads:
        output, _ = layer(x)
    before = np.concatenate([np.zeros((1, 7)), output[:-1, 0].detach().numpy()])
    wanted = router_by_hand(layer, x[:, 0].numpy(), before)
    np.testing.assert_allclose(reads.entries[0].p[0].detach(), wanted, rtol=1e-10)


# ---- one state, shared by the cells -----------------------------------------------------------


def by_torch_cells(layer, x, levels, h, c):
    """Outputs (T, D) and c of a two-level "prefix" layer by torch's own single-step cells."""
    kinds = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn_tanh": nn.RNNCell}
    cells = []
    for prefix, size in zip(("", "skim_1_"), layer.config.levels, strict=True):
        cell = kinds[layer.config.cell](layer.input_size, size, dtype=x.dtype)
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        cell.load_state_dict({n: layer.get_parameter(f"{prefix}{n}_l0") for n in names})
        cells.append((cell, size))
    outputs = []
    with torch.no_grad():
        for token, level in zip(x, levels, strict=True):
            cell, size = cells[level]
            h, c = h.clone(), c.clone()
            if layer.config.cell == "lstm":
                h[:, :size], c[:, :size] = cell(token[None], (h[:, :size], c[:, :size]))
            else:
                h[:, :size] = cell(token[None], h[:, :size])
            outputs.append(h[0])
    return torch.stack(outputs).numpy(), c.numpy()


def check_the_small_cell_works_on_the_shared_state(read):
    """A skim after a read goes on from what the read left, and a read from what the skim left."""
    for cell in ("lstm", "gru", "rnn_tanh"):
        layer = set_router(
            make_layer(cell, 3, 7, skim_size=2, dtype=read.dtype), bias=0.0, weight_x=9.0
        )
        x, hx = make_batch(layer, [6], hx=True)
        x[0, :, 0] = torch.tensor([-1, 1, -1, 1, 1, -1], dtype=torch.float64)
        run = read(layer, x, [6], hx)
        assert run.level[0, 0, 0].tolist() == [0, 1, 0, 1, 1, 0]
        h_0, c_0 = hx if cell == "lstm" else (hx, hx)
        output, c_n = by_torch_cells(layer, x[0], run.level[0, 0, 0], h_0[0], c_0[0])
        assert_close(run.output[0], output)
        if cell == "lstm":
            assert_close(run.c_n[0], c_n)


def check_a_skim_copies_the_tail_of_both_states(read):
    """Units from S on of h and of c are those before the token, exactly."""
    layer = make_layer("lstm", 3, 7, skim_size=2, dtype=read.dtype)
    layer.threshold = -1.0
    x, (h_0, c_0) = make_batch(layer, [1], hx=True)
    run = read(layer, x, [1], (h_0, c_0))
    np.testing.assert_array_equal(run.c_n[..., 2:], c_0[..., 2:])
    np.testing.assert_array_equal(run.h_n[..., 2:], h_0[..., 2:])
    assert (run.c_n[..., :2] != c_0[..., :2].numpy()).all()
    assert (run.h_n[..., :2] != h_0[..., :2].numpy()).all()


# ---- the loss ---------------------------------------------------------------------------------


def check_the_penalty_is_minus_log_p_not_of_p_squared():
    """The paper's superscript 2 is the index of "skim"."""
    layer = set_router(make_layer("lstm", 3, 7, skim_size=2), bias=float(np.log(0.3 / 0.7)))
    x, _ = make_batch(layer, [5, 3])
    value, _ = penalty(layer, x, [5, 3])
    np.testing.assert_allclose(value.item(), -np.log(0.3), rtol=1e-12)


def check_the_penalty_is_on_p_not_on_the_sample():
    """Noise moves the mixture, but not the first token's p, nor the penalty on it."""
    layer = make_layer("lstm", 3, 7, skim_size=2)
    x, _ = make_batch(layer, [1, 1])
    p = router_by_hand(layer, x[:, 0].numpy(), np.zeros((2, 7)), np.zeros((2, 7)))
    for seed in range(3):
        torch.manual_seed(seed)
        noise = torch.randn(1, 1, 2, 1, 2, dtype=torch.float64)
        value, _ = penalty(layer, x, [1, 1], noise)
        np.testing.assert_allclose(value.item(), -np.log(p[:, 1]).mean(), rtol=1e-10)
        layer.zero_grad()
        value.backward()
        # the gradient of -log softmax: p of the other level, averaged over texts
        wanted = [p[:, 0].mean(), -p[:, 0].mean()]
        np.testing.assert_allclose(layer.router_bias_l0.grad, wanted, rtol=1e-10)


# ---- no chance at test time -------------------------------------------------------------------


def check_reading_is_not_sampled(read):
    """Undecided probabilities (near 0.5), other seeds: the same reading, and no number drawn."""
    layer = make_layer("lstm", 3, 7, skim_size=2, scale=0.1, dtype=read.dtype)
    x, _ = make_batch(layer, [31, 17])
    runs = []
    for seed in range(3):
        torch.manual_seed(seed)
        random = np.random.RandomState(seed)
        np.random.set_state(random.get_state())  # noqa: NPY002
        state = torch.get_rng_state()
        runs.append(read(layer, x, [31, 17]))
        assert torch.equal(state, torch.get_rng_state())
        assert np.random.random() == random.random()  # noqa: NPY002
    for run in runs[1:]:
        assert_bitwise(run, runs[0])


# ---- padding ----------------------------------------------------------------------------------


def check_padding_is_not_read(read):
    """Alone or beside longer texts, whatever stands in the padding, a text is read the same."""
    layer = make_layer(
        "lstm", 3, 7, skim_size=2, num_layers=2, bidirectional=True, dtype=read.dtype
    )
    lengths = [4, 9, 1, 6]
    x, hx = make_batch(layer, lengths, hx=True)
    together = read(layer, x, lengths, hx)
    for b, n in enumerate(lengths):
        alone = read(layer, x[b : b + 1, :n], [n], tuple(part[:, b : b + 1] for part in hx))
        assert_forced(together.text(b), alone)
        assert (together.level[b, ..., n:] == -1).all()
        assert (together.output[b, n:] == 0).all()


def check_padding_costs_nothing():
    """Penalty and rate of a batch are the means over its texts, each read alone."""
    layer = make_layer("lstm", 3, 7, skim_size=2, num_layers=2, bidirectional=True)
    lengths = [4, 9, 1, 6]
    x, _ = make_batch(layer, lengths)
    noise = torch.randn(2, 2, 4, 9, 2, dtype=torch.float64)
    for kind in ("skim", "cost"):
        together, reads = penalty(layer, x, lengths, noise, kind)
        alone = [
            penalty(layer, x[b : b + 1, :n], [n], noise[:, :, b : b + 1, :n], kind)
            for b, n in enumerate(lengths)
        ]
        wanted = np.mean([value.item() for value, _ in alone])
        np.testing.assert_allclose(together.item(), wanted, rtol=1e-10)
        skimmed = sum(one.skim_rate() * n for (_, one), n in zip(alone, lengths, strict=True))
        np.testing.assert_allclose(reads.skim_rate(), skimmed / sum(lengths), rtol=1e-12)


# ---- the threshold ----------------------------------------------------------------------------


def check_a_higher_threshold_reads_more(read):
    """Skim iff p_skim > θ: a token with p_skim = 0.7 is skimmed at θ = 0.6 and read at 0.8."""
    layer = set_router(
        make_layer("lstm", 3, 7, skim_size=2, dtype=read.dtype), bias=float(np.log(0.7 / 0.3))
    )
    x, _ = make_batch(layer, [5])
    for threshold, level in ((-1, 1), (0.0, 1), (0.3, 1), (0.6, 1), (0.8, 0), (1.0, 0), (7, 0)):
        layer.threshold = threshold
        assert (read(layer, x, [5]).level == level).all(), threshold


# ---- batch of one -----------------------------------------------------------------------------


def check_a_batch_of_one_is_a_batch(read):
    """One text, one token, one unit: every axis is still there, every value as in a batch."""
    layer = make_layer("lstm", 1, 2, levels=(2, 1), dtype=read.dtype)
    x, hx = make_batch(layer, [1, 2, 1], hx=True)
    whole = read(layer, x, [1, 2, 1], hx)
    for b, n in enumerate([1, 2, 1]):
        one = read(layer, x[b : b + 1, :n], [n], tuple(part[:, b : b + 1] for part in hx))
        assert one.output.shape == (1, n, 2)
        assert one.h_n.shape == one.c_n.shape == (1, 1, 2)
        assert one.level.shape == (1, 1, 1, n)
        assert one.p.shape == (1, 1, 1, n, 2)
        assert_forced(one, whole.text(b))


# ---- skipping saves work ----------------------------------------------------------------------


class Rows(TorchFunctionMode):
    """Counts the rows that enter a product with each weight of a layer."""

    def __init__(self, layer):
        super().__init__()
        self.names = {id(value): name for name, value in layer.named_parameters()}
        self.rows = Counter()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        for value in args:
            if id(value) in self.names and value is not args[0]:
                self.rows[self.names[id(value)]] += args[0].shape[:-1].numel()
        return func(*args, **(kwargs or {}))


def check_only_rows_that_read_enter_the_full_cell(batch, given=False):
    """Torch, in ``eval()``: rows of each cell's products = tokens at its level, in any batch.

    The rule takes the levels, or they are ``given``.
    """
    for cell in ("lstm", "gru", "rnn_tanh"):
        layer = make_layer(cell, 3, 7, levels=(7, 2, 0))
        layer.threshold = "argmax"
        lengths = [31 - 5 * b % 23 for b in range(batch)]
        x, _ = make_batch(layer, lengths)
        levels = random_levels(layer, lengths) if given else None
        with Rows(layer) as counted:
            run = run_torch(layer, x, lengths, levels=levels)
        tokens = Counter(run.level[run.level >= 0].tolist())
        assert set(tokens) == {0, 1, 2}
        assert counted.rows == {
            "weight_ih_l0": tokens[0],
            "weight_hh_l0": tokens[0],
            "bias_ih_l0": tokens[0],
            "bias_hh_l0": tokens[0],
            "skim_1_weight_ih_l0": tokens[1],
            "skim_1_weight_hh_l0": tokens[1],
            "skim_1_bias_ih_l0": tokens[1],
            "skim_1_bias_hh_l0": tokens[1],
            "router_bias_l0": sum(lengths),
        }


def check_the_reference_computes_no_cell_it_does_not_take(monkeypatch):
    """NumPy: calls of each cell = tokens at its level."""
    calls = Counter()
    lstm_cell = reference.CELLS["lstm"]

    def counting(x, seen, own, w):
        calls[len(own.h)] += 1
        return lstm_cell(x, seen, own, w)

    monkeypatch.setitem(reference.CELLS, "lstm", counting)
    layer = make_layer("lstm", 3, 7, levels=(7, 2, 0))
    layer.threshold = "argmax"
    x, _ = make_batch(layer, [9, 8])
    run = READERS["numpy"](layer, x, [9, 8])
    tokens = Counter(run.level[run.level >= 0].tolist())
    assert set(tokens) == {0, 1, 2}
    assert calls == {7: tokens[0], 2: tokens[1]}


# ---- the soft mixture, by hand ----------------------------------------------------------------


def mix_by_hand(layer, x, noise, hx=None):
    """Training outputs (T, directions * D), final h and c of one text, by the reference's parts.

    Every level's candidate, one weight for h and c alike. x is (T, E), noise (layers, directions,
    T, K).
    """
    config = layer.config
    parameters = {name: value.detach().numpy() for name, value in layer.named_parameters()}
    x, finals = x.numpy(), []
    for index, row in enumerate(reference.unpack(parameters, config)):
        outputs = np.zeros((len(x), config.directions, config.hidden_size))
        for direction, weights in enumerate(row):
            state = reference.initial_state(config, len(finals), x.dtype, hx)
            for t in range(len(x))[:: -1 if direction else 1]:
                prepared = weights.router.prepare(x[t])
                p, _ = reference.route(prepared, state, weights, config.router_input)
                r = softmax((np.log(p) + noise[index, direction, t].numpy()) / layer.temperature)
                if layer.hard:
                    r = np.eye(len(r))[r.argmax()]
                new = [
                    reference.update(x[t], state, level, weights, config)
                    for level in range(len(config.levels))
                ]
                h = sum(share * one.h for share, one in zip(r, new, strict=True))
                c = None
                if state.c is not None:
                    c = sum(share * one.c for share, one in zip(r, new, strict=True))
                state = reference.State(h, c)
                outputs[t, direction] = h
            finals.append(state)
        x = outputs.reshape(len(x), -1)
    c_n = np.stack([state.c for state in finals]) if config.cell == "lstm" else None
    return x, np.stack([state.h for state in finals]), c_n
