"""Each trap of model.md put into the code on purpose: the claim that names it must then fail."""

import itertools

import numpy as np
import pytest
import skim_claims as claims
import torch
from skim_claims import READERS
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from skimrnn import decision, reference
from skimrnn.nn import SkimLSTM
from skimrnn.nn.cells import State
from skimrnn.nn.recording import _token_values
from skimrnn.nn.router import Routing
from skimrnn.nn.rule import Choose, Mix
from skimrnn.nn.steps import Choosing, Direction, Mixing
from skimrnn.runtime import VectorsReading, model

TORCH, NUMPY = READERS["torch"], READERS["numpy"]


def full_step(parts, x, state):
    """The full cell's new state for all rows, from x (rows, E)."""
    cell = parts.cells[0]
    return parts.update(0, functional.linear(x, cell.weight_ih, cell.bias_ih), state)


# ---- the faults: each takes ``patch``, a MonkeyPatch ------------------------------------------


def ignore_the_logits(patch):
    patch.setattr(
        Choose,
        "_by_threshold",
        lambda self, p, rows, last: torch.randint(0, last + 1, (rows,)),
    )


def ignore_the_logits_in_numpy(patch):
    patch.setattr(decision, "choose_level", lambda p, threshold: np.random.randint(len(p)))  # noqa: NPY002


def ignore_the_logits_in_training(patch):
    mix = Mix.__call__
    patch.setattr(
        Mix, "__call__", lambda self, log_p, noise: mix(self, torch.rand_like(log_p), noise)
    )


class FedNew:
    """A router that is shown another state than the one before."""

    def __init__(self, router, new):
        self.router, self.new, self.remember = router, new, router.remember

    def __call__(self, prepared, _):
        return self.router(prepared, self.new)


def feed_the_new_state(patch):
    choosing = Choosing.__call__

    def faulty(self, t, state):
        new = full_step(self._parts, self._x[t], state)
        router = self._parts.router
        self._parts = self._parts._replace(router=FedNew(router, new))
        result = choosing(self, t, state)
        self._parts = self._parts._replace(router=router)
        return result

    patch.setattr(Choosing, "__call__", faulty)


def feed_the_new_state_in_numpy(patch):
    def faulty(x, prepared, state, weights, config, choose):
        new = reference.update(x, state, 0, weights, config)
        p, _ = reference.route(prepared, new, weights, config.router_input)
        level = choose(p)
        return reference.update(x, state, level, weights, config), level, p

    patch.setattr(reference, "step", faulty)


def feed_the_new_state_in_training(patch):
    mixing = Mixing.__call__

    def faulty(self, t, state):
        new = self._parts.update(0, self._inputs[0][t], state)
        router = self._parts.router
        self._parts = self._parts._replace(router=FedNew(router, new))
        result = mixing(self, t, state)
        self._parts = self._parts._replace(router=router)
        return result

    patch.setattr(Mixing, "__call__", faulty)


def keep_a_small_state(patch):
    update, own = Direction.update, {}

    def faulty(self, level, x_part, state):
        if level == 0:
            return update(self, level, x_part, state)
        size = self.config.levels[level]
        kept = own.setdefault(id(self.cells[level].weight_ih), state.map(torch.zeros_like))
        mine = kept.merge(state, lambda a, b: torch.cat([a[:, :size], b[:, size:]], dim=1))
        new = own[id(self.cells[level].weight_ih)] = update(self, level, x_part, mine)
        return new

    patch.setattr(Direction, "update", faulty)


def keep_a_small_state_in_numpy(patch):
    update, own = reference.update, {}

    def faulty(x, state, level, weights, c):
        if level == 0:
            return update(x, state, level, weights, c)
        size = c.levels[level]
        zeros = reference.State(*(None if part is None else 0 * part for part in state))
        kept = own.setdefault(id(weights), zeros)
        mine = reference.State(
            *(
                None if part is None else np.concatenate([old[:size], part[size:]])
                for part, old in zip(state, kept, strict=True)
            )
        )
        new = own[id(weights)] = update(x, mine, level, weights, c)
        return new

    patch.setattr(reference, "update", faulty)


def copy_the_tail_of_the_new_c(patch):
    choosing = Choosing.__call__

    def faulty(self, t, state):
        new, log_p, levels = choosing(self, t, state)
        if state.c is None:
            return new, log_p, levels
        size = self._parts.config.levels[1]
        tail = full_step(self._parts, self._x[t], state).c[:, size:]
        c = torch.cat([new.c[:, :size], tail], dim=1)
        return State(new.h, torch.where(levels[:, None] > 0, c, new.c)), log_p, levels

    patch.setattr(Choosing, "__call__", faulty)


def copy_the_tail_of_the_new_c_in_numpy(patch):
    update = reference.update

    def faulty(x, state, level, weights, c):
        new, full = update(x, state, level, weights, c), update(x, state, 0, weights, c)
        size = c.levels[level]
        return reference.State(new.h, np.concatenate([new.c[:size], full.c[size:]]))

    patch.setattr(reference, "update", faulty)


def square_p(patch):
    patch.setattr(
        "skimrnn.nn.recording._token_values", lambda entry, kind: 2 * _token_values(entry, kind)
    )


def pay_for_the_sample(patch):
    mixing = Mixing.__call__

    def faulty(self, t, state):
        new, log_p, levels = mixing(self, t, state)
        return new, self._mix(log_p, self._noise[t]).log(), levels

    patch.setattr(Mixing, "__call__", faulty)


def sample_at_test_time(patch):
    choose = Choose.__call__

    def faulty(self, p):
        gumbel = -torch.log(torch.empty_like(p).exponential_())
        return choose(self, torch.softmax(p.log() + gumbel, dim=1))

    patch.setattr(Choose, "__call__", faulty)


def sample_at_test_time_in_numpy(patch):
    choose = decision.choose_level

    def faulty(p, threshold):
        noisy = p * np.exp(np.random.gumbel(size=len(p)))  # noqa: NPY002
        return choose(noisy / noisy.sum(), threshold)

    patch.setattr(decision, "choose_level", faulty)


def read_padding(patch):
    forward = SkimLSTM.forward

    def faulty(self, input, hx=None, *, noise=None):
        if not isinstance(input, PackedSequence):
            return forward(self, input, hx, noise=noise)
        padded, lengths = pad_packed_sequence(input, batch_first=True)
        whole = pack_padded_sequence(
            padded, torch.full_like(lengths, padded.shape[1]), batch_first=True
        )
        output, state = forward(self, whole, hx, noise=noise)
        padded, _ = pad_packed_sequence(output, batch_first=True)
        packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
        return packed, state

    patch.setattr(SkimLSTM, "forward", faulty)


def read_padding_in_numpy(patch):
    lengths_of, join, true = model._lengths, model._join, []

    def whole(lengths, shape):
        true[:] = lengths_of(lengths, shape)
        return [shape[1]] * shape[0]

    def cut(read, lengths, *rest):
        parts = [
            one._replace(output=one.output[:n], level=one.level[..., :n], p=one.p[..., :n, :])
            for one, n in zip(read, true, strict=True)
        ]
        return join(parts, true, *rest)

    patch.setattr(model, "_lengths", whole)
    patch.setattr(model, "_join", cut)


def turn_the_threshold_round(patch):
    by_threshold = Choose._by_threshold
    patch.setattr(
        Choose,
        "_by_threshold",
        lambda self, p, rows, last: by_threshold(self, p.flip(1), rows, last),
    )


def turn_the_threshold_round_in_numpy(patch):
    choose = decision.choose_level
    patch.setattr(decision, "choose_level", lambda p, threshold: choose(p[::-1], threshold))


def squeeze(patch):
    router = Routing.__call__

    def faulty(self, prepared, state):
        log_p, kept = router(self, prepared, state)
        return log_p.squeeze(), kept

    patch.setattr(Routing, "__call__", faulty)


def squeeze_outputs(patch):
    forward = SkimLSTM.forward

    def faulty(self, input, hx=None, *, noise=None):
        output, state = forward(self, input, hx, noise=noise)
        return output, tuple(part.squeeze() for part in state)

    patch.setattr(SkimLSTM, "forward", faulty)


def squeeze_in_numpy(patch):
    join = model._join

    def faulty(*args):
        read = join(*args)
        parts = (read.output, read.h_n, read.c_n, read.level, read.p)
        return VectorsReading(*(np.squeeze(part) for part in parts), read.lengths, read.config)

    patch.setattr(model, "_join", faulty)


def compute_both_and_mask(patch):
    def faulty(self, t, state):
        log_p, _ = self._parts.router(self._prepared[t], state)
        levels = self._choose(log_p.exp())
        new = state
        for level, cell in enumerate(self._parts.cells):
            if cell is not None:
                x_part = functional.linear(self._x[t], cell.weight_ih, cell.bias_ih)
                taken = self._parts.update(level, x_part, state)
                mask = (levels == level)[:, None]
                new = new.merge(taken, lambda a, b, mask=mask: torch.where(mask, b, a))
        return new, log_p, levels

    patch.setattr(Choosing, "__call__", faulty)


def compute_both_in_numpy(patch):
    update = reference.update

    def faulty(x, state, level, weights, c):
        return [update(x, state, each, weights, c) for each in range(len(c.levels))][level]

    patch.setattr(reference, "update", faulty)


# ---- each fault beside the claim that must find it --------------------------------------------

TRAPS = {
    "the router ignoring its logits": [
        (ignore_the_logits, claims.check_decisions_follow_the_logits, TORCH),
        (ignore_the_logits_in_numpy, claims.check_decisions_follow_the_logits, NUMPY),
        (ignore_the_logits_in_training, claims.check_training_shares_follow_the_logits),
    ],
    "the router fed the new state": [
        (feed_the_new_state, claims.check_the_router_sees_the_state_before_the_token, TORCH),
        (
            feed_the_new_state_in_numpy,
            claims.check_the_router_sees_the_state_before_the_token,
            NUMPY,
        ),
        (
            feed_the_new_state_in_training,
            claims.check_the_router_sees_the_state_before_the_token_in_training,
        ),
    ],
    "the small cell keeping a state of its own": [
        (keep_a_small_state, claims.check_the_small_cell_works_on_the_shared_state, TORCH),
        (keep_a_small_state_in_numpy, claims.check_the_small_cell_works_on_the_shared_state, NUMPY),
    ],
    "the tail of c copied from the new state": [
        (copy_the_tail_of_the_new_c, claims.check_a_skim_copies_the_tail_of_both_states, TORCH),
        (
            copy_the_tail_of_the_new_c_in_numpy,
            claims.check_a_skim_copies_the_tail_of_both_states,
            NUMPY,
        ),
    ],
    "p squared in the loss": [
        (square_p, claims.check_the_penalty_is_minus_log_p_not_of_p_squared),
    ],
    "the loss taken on the sample": [
        (pay_for_the_sample, claims.check_the_penalty_is_on_p_not_on_the_sample),
    ],
    "sampling at test time": [
        (sample_at_test_time, claims.check_reading_is_not_sampled, TORCH),
        (sample_at_test_time_in_numpy, claims.check_reading_is_not_sampled, NUMPY),
    ],
    "padding read as text": [
        (read_padding, claims.check_padding_is_not_read, TORCH),
        (read_padding_in_numpy, claims.check_padding_is_not_read, NUMPY),
        (read_padding, claims.check_padding_costs_nothing),
    ],
    "a threshold the wrong way round": [
        (turn_the_threshold_round, claims.check_a_higher_threshold_reads_more, TORCH),
        (turn_the_threshold_round_in_numpy, claims.check_a_higher_threshold_reads_more, NUMPY),
    ],
    "squeeze breaking batch 1": [
        (squeeze, claims.check_a_batch_of_one_is_a_batch, TORCH),
        (squeeze_outputs, claims.check_a_batch_of_one_is_a_batch, TORCH),
        (squeeze_in_numpy, claims.check_a_batch_of_one_is_a_batch, NUMPY),
    ],
    "both cells computed and masked": [
        (compute_both_and_mask, claims.check_only_rows_that_read_enter_the_full_cell, 5),
        (
            compute_both_in_numpy,
            claims.check_the_reference_computes_no_cell_it_does_not_take,
            "monkeypatch",
        ),
    ],
}
CASES = [
    pytest.param(*trap[:2], trap[2:], id=f"{name}: {trap[0].__name__}")
    for name, traps in TRAPS.items()
    for trap in traps
]
# A squeezed tensor often breaks a later line before any claim is compared.
FAILURES = (AssertionError, IndexError, RuntimeError, ValueError)


@pytest.mark.parametrize(("fault", "claim", "arguments"), CASES)
def test_the_claim_fails_when_the_trap_is_put_in(fault, claim, arguments, monkeypatch):
    arguments = [monkeypatch if one == "monkeypatch" else one for one in arguments]
    claim(*arguments)
    fault(monkeypatch)
    failures = FAILURES if fault.__name__.startswith("squeeze") else AssertionError
    with pytest.raises(failures):
        claim(*arguments)


def test_every_claim_is_put_to_the_proof():
    proven = {claim for _, claim, *_ in itertools.chain(*TRAPS.values())}
    stated = {getattr(claims, name) for name in dir(claims) if name.startswith("check_")}
    assert proven == stated
    assert len(TRAPS) == 11
