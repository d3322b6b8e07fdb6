"""Levels given to a layer: taken in eval and in training, whole, and by every form of input."""

import copy

import pytest
import skim_claims as claims
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from agreement import (
    assert_bitwise,
    assert_forced,
    make_batch,
    make_layer,
    random_levels,
    run_torch,
)
from skimrnn.nn import SkimGRU, SkimLSTM, TextClassifier, record
from skimrnn.nn.given import noise_of_levels
from skimrnn.nn.rule import Mix

CELLS = ["lstm", "gru", "rnn_tanh", "rnn_relu"]
LENGTHS = [3, 5, 1]
MODES = pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])


@pytest.fixture
def layer():
    return make_layer("lstm", 3, 7, levels=(7, 3, 0), num_layers=2, bidirectional=True)


def call(layer, x, lengths, levels):
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    return layer(packed, levels=levels)


# ---- what is read -------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 5])
def test_no_other_cell_is_computed(batch):
    claims.check_only_rows_that_read_enter_the_full_cell(batch, given=True)


@MODES
def test_what_was_recorded_can_be_given_again(layer, mode):
    """-1 past a text's end is not looked at; neither are threshold and budget."""
    layer.threshold = "argmax"
    x, _ = make_batch(layer, LENGTHS)
    free = run_torch(layer, x, LENGTHS)
    assert set(free.level.ravel().tolist()) == {-1, 0, 1, 2}
    layer.threshold, layer.budget, layer.burst = [0.5] * 99, 0.0, 0  # of the wrong number, too
    layer.train(mode)
    again = run_torch(layer, x, LENGTHS, levels=free.level)
    (assert_forced if mode else assert_bitwise)(again, free)


@MODES
def test_one_row_is_for_every_layer_and_direction(layer, mode):
    layer.train(mode)
    x, _ = make_batch(layer, LENGTHS)
    rows = torch.randint(3, (3, 5), dtype=torch.int16)
    with record() as reads:
        output, _ = call(layer, x, LENGTHS, rows)
    whole, _ = call(layer, x, LENGTHS, rows.expand(2, 2, 3, 5))
    assert torch.equal(output.data, whole.data)
    for entry in reads.entries:
        for b, n in enumerate(LENGTHS):
            assert entry.level[b, :n].tolist() == rows[b, :n].tolist()


@MODES
def test_levels_belong_to_a_text_and_a_token_in_every_form_of_input(layer, mode):
    """Packed, time first, batch first, alone; levels may reach further than the texts."""
    layer.train(mode)
    x = torch.randn(2, 4, 3).double()
    levels = torch.randint(3, (2, 2, 2, 9))
    wanted, _ = layer(x.transpose(0, 1), levels=levels[..., :4])
    packed, _ = call(layer, x, [4, 4], levels)
    assert torch.equal(packed.data.view(4, 2, -1), wanted)
    for b in range(2):
        alone, _ = layer(x[b], levels=levels[:, :, b : b + 1])
        torch.testing.assert_close(alone, wanted[:, b], rtol=1e-12, atol=1e-13)
    layer.batch_first = True
    assert torch.equal(layer(x, levels=levels)[0], wanted.transpose(0, 1))


def test_under_autocast(layer):
    layer = layer.float()
    x, levels = torch.randn(4, 2, 3), torch.randint(3, (2, 4))
    wanted, _ = layer(x, levels=levels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(layer(x, levels=levels)[0], wanted)


# ---- training -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("temperature", [1.0, 0.5, 0.01])
@pytest.mark.parametrize("hard", [False, True])
def test_all_the_share_is_the_given_levels(dtype, temperature, hard):
    """To the bit, however sure the router is of another; and no gradient reaches it."""
    levels = torch.tensor([0, 1, 2, 2])
    log_p = torch.log_softmax(torch.tensor([[0, 60, -60.0]] * 4).to(dtype), dim=1).requires_grad_()
    share = Mix(temperature, hard)(log_p, noise_of_levels(levels, 3, dtype))
    assert share.dtype == dtype
    assert torch.equal(share, torch.nn.functional.one_hot(levels, 3).to(dtype))
    (share * torch.randn(4, 3)).sum().backward()
    assert (log_p.grad == 0).all()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("path", ["eager", "auto"])
@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
def test_the_router_gets_no_gradient_and_every_cell_that_ran_does(cell, path, hard):
    layer = make_layer(
        cell,
        3,
        7,
        levels=(7, 3, 2),
        num_layers=2,
        bidirectional=True,
        dtype=torch.float32,
        path=path,
        hard=hard,
    ).train()
    x, _ = make_batch(layer, LENGTHS)
    levels = torch.from_numpy(random_levels(layer, LENGTHS)).permute(1, 2, 0, 3) % 2
    output, _ = call(layer, x, LENGTHS, levels)
    output.data.square().sum().backward()
    for name, parameter in layer.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        idle = name.startswith(("router_", "skim_2"))
        assert (parameter.grad == 0).all() == idle, name


def test_gradients_are_those_of_what_was_read():
    """By small steps in eval(), where nothing is mixed: inputs and weights, levels fixed."""
    layer = make_layer("gru", 2, 3, levels=(3, 1), bidirectional=True)
    x = torch.randn(4, 2, 2, dtype=torch.float64, requires_grad=True)
    levels = torch.randint(2, (1, 2, 2, 4))
    names = [name for name in layer.config.parameter_shapes() if not name.startswith("router_")]
    weights = {name: layer.get_parameter(name) for name in names}

    def gradients(mode):
        output, _ = layer.train(mode)(x, levels=levels)
        return torch.autograd.grad(output.sin().sum(), [x, *weights.values()])

    for trained, read in zip(gradients(True), gradients(False), strict=True):
        torch.testing.assert_close(trained, read, rtol=1e-12, atol=1e-13)


def test_nothing_is_drawn(layer):
    layer.train()
    before = torch.get_rng_state()
    layer(
        torch.randn(4, 2, 3, generator=torch.Generator()).double(), levels=torch.zeros(2, 4).int()
    )
    assert torch.equal(before, torch.get_rng_state())


# ---- layers that run the full cell alone --------------------------------------------------------


@MODES
@pytest.mark.parametrize("form", ["padded", "packed"])
def test_without_skimming_level_0_alone_is_taken(mode, form):
    layers = {"switched off": SkimLSTM(3, 7, skim_size=2), "plain": SkimGRU(3, 7, levels=(7,))}
    layers["switched off"].skimming = False
    x = torch.randn(4, 2, 3)
    input = x if form == "padded" else pack_padded_sequence(x, torch.tensor([4, 2]))
    zeros, one = torch.zeros(2, 4, dtype=torch.int64), torch.zeros(1, 1, 2, 4, dtype=torch.int64)
    one[0, 0, 1, 1] = 1
    for name, layer in layers.items():
        layer.train(mode)
        outputs = [layer(input, levels=levels)[0] for levels in (None, zeros)]
        flat = [output if torch.is_tensor(output) else output.data for output in outputs]
        assert torch.equal(*flat), name
        with pytest.raises(ValueError, match="levels must be 0 where the full cell runs alone"):
            layer(input, levels=one)
    with pytest.raises(ValueError, match=r"\(levels=\(7, 2\), skimming=False\); got 1"):
        layers["switched off"](input, levels=one)


# ---- what is refused ----------------------------------------------------------------------------


@MODES
@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (torch.zeros(3, 4).int(), r"= \(3, 5\) or \(2, 2, 3, 5\); got \(3, 4\)"),
        (torch.zeros(5).int(), r"got \(5,\)"),
        (torch.tensor(0), r"got \(\)"),
        (torch.zeros(2, 2, 5).int(), r"got \(2, 2, 5\)"),
        (torch.zeros(2, 1, 3, 5).int(), r"got \(2, 1, 3, 5\)"),
        (torch.zeros(3, 5), r"levels must be whole numbers, such as int64; got torch\.float32"),
        (torch.zeros(3, 5).bool(), r"got torch\.bool"),
        (torch.tensor([[0, 0, 0, 9, 9], [0, 0, 0, 0, 3], [0] * 5]), r"from 0, .*, to 2 .*; got 3"),
        (torch.tensor([[0, 0, -1, 9, 9], [0] * 5, [0] * 5]), r"levels=\(7, 3, 0\).*; got -1"),
    ],
    ids=lambda given: str(tuple(given.shape)) if torch.is_tensor(given) else "",
)
def test_levels_that_do_not_fit_are_refused(levels, message, mode, layer):
    x, _ = make_batch(layer, LENGTHS)
    with pytest.raises(ValueError, match=message):
        call(layer.train(mode), x, LENGTHS, levels)


@MODES
def test_noise_and_levels_are_refused(mode, layer):
    x = torch.zeros(4, 2, 3).double()
    with pytest.raises(ValueError, match="got both: leave out one or the other"):
        layer.train(mode)(x, noise=torch.zeros(2, 2, 2, 4, 3), levels=torch.zeros(2, 4).int())


# ---- a classifier -------------------------------------------------------------------------------


@MODES
def test_a_classifier_does_not_mind_what_texts_are_padded_with(mode):
    model = TextClassifier(SkimLSTM(4, 7, levels=(7,)), words=9, classes=3).train(mode)
    rows, lengths = torch.randint(9, (3, 5)), torch.tensor([5, 0, 2])
    padding = torch.arange(5) >= lengths[:, None]
    assert torch.equal(model(rows, lengths), model(rows.masked_fill(padding, -100), lengths))


@MODES
@pytest.mark.parametrize("axes", [2, 4])
def test_a_classifier_hands_them_on_and_leaves_out_texts_without_words(mode, axes):
    model = TextClassifier(SkimLSTM(4, 7, 2, skim_size=2), words=9, classes=3).train(mode)
    rows, lengths = torch.randint(9, (3, 5)), torch.tensor([5, 0, 2])
    levels = torch.randint(2, (3, 5) if axes == 2 else (2, 1, 3, 5))
    with record() as reads:
        scores = model(rows, lengths, levels=levels)
    whole = levels.expand(2, 1, 3, 5)
    for entry in reads.entries:
        assert entry.level[0].tolist() == whole[entry.layer, 0, 0].tolist()
        assert entry.level[1, :2].tolist() == whole[entry.layer, 0, 2, :2].tolist()
    other = copy.deepcopy(model)(rows, lengths, levels=1 - levels)
    assert torch.equal(other[1], scores[1])
    assert not torch.allclose(other[0], scores[0])
