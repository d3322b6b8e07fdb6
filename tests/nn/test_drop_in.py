"""A skimming layer stands where torch's stands: values, gradients, errors, names, behaviours."""

import copy
import pickle
import warnings

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence

from skimrnn.nn import SkimGRU, SkimLSTM, SkimRNN

PAIRS = {
    "lstm": (nn.LSTM, SkimLSTM, {}),
    "gru": (nn.GRU, SkimGRU, {}),
    "rnn_tanh": (nn.RNN, SkimRNN, {"nonlinearity": "tanh"}),
    "rnn_relu": (nn.RNN, SkimRNN, {"nonlinearity": "relu"}),
}
CELLS = list(PAIRS)
FORMS = ("padded", "packed, sorted", "packed, unsorted", "unbatched")
SIZES = ((1, 3), (3, 7), (7, 15), (15, 1), (17, 5), (31, 17), (33, 9))
TIGHT = {"rtol": 1e-12, "atol": 1e-13}  # float64, the same sums in another order


def pair(cell, *sizes, ours, **options):
    """Torch's layer, and ours with the same full cell."""
    theirs_class, our_class, extra = PAIRS[cell]
    theirs = theirs_class(*sizes, **extra, **options)
    layer = our_class(*sizes, **extra, **options, **ours)
    assert not layer.load_state_dict(theirs.state_dict(), strict=False).unexpected_keys
    return theirs, layer


def make_call(cell, form, layer, batch_first=False, given_state=True):
    """Input leaves, and the call (input, hx) made of them, in one of torch's forms."""
    lengths = {"packed, sorted": [6, 4, 1], "packed, unsorted": [4, 6, 1]}.get(form, [5, 5, 5])
    dtype = layer.weight_ih_l0.dtype
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    if form == "unbatched":
        x = torch.randn(5, layer.input_size, dtype=dtype, requires_grad=True)
        shape = (count, layer.hidden_size)
    else:
        shape = (count, 3, layer.hidden_size)
        axes = (3, max(lengths)) if batch_first else (max(lengths), 3)
        x = torch.randn(*axes, layer.input_size, dtype=dtype, requires_grad=True)
    leaves = [x]
    hx = None
    if given_state:
        parts = [torch.randn(shape, dtype=dtype, requires_grad=True) for _ in "hc"]
        parts = parts if cell == "lstm" else parts[:1]
        leaves += parts
        hx = tuple(parts) if cell == "lstm" else parts[0]
    input = x
    if form.startswith("packed"):
        input = pack_padded_sequence(
            x, torch.tensor(lengths), batch_first, enforce_sorted=form.endswith(" sorted")
        )
    return leaves, (input, hx)


def results(layer, leaves, call):
    """Outputs, final states, and the gradients of a fixed sum of them, by name."""
    output, state = layer(*call)
    parts = dict(zip("hc", state, strict=True)) if isinstance(state, tuple) else {"h": state}
    if isinstance(output, PackedSequence):
        parts |= {"output": output.data, "batch_sizes": output.batch_sizes}
        parts |= {name: getattr(output, name) for name in ("sorted_indices", "unsorted_indices")}
    else:
        parts["output"] = output
    loss = sum(
        (part * torch.linspace(-1, 2, part.numel(), dtype=part.dtype).view(part.shape)).sum()
        for part in parts.values()
        if part is not None and part.is_floating_point()
    )
    names = {n: p for n, p in layer.named_parameters() if not n.startswith(("skim_", "router_"))}
    gradients = torch.autograd.grad(
        loss, [*leaves, *names.values()], retain_graph=True, materialize_grads=True
    )
    titles = [f"gradient of leaf {i}" for i in range(len(leaves))] + list(names)
    return parts | dict(zip(titles, gradients, strict=True))


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        if value is None:
            assert ours[name] is None, name
        else:
            torch.testing.assert_close(
                ours[name], value, **TIGHT, msg=lambda text, name=name: f"{name}: {text}"
            )


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one way", "both ways"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time first", "batch first"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_outputs_states_and_gradients_equal_torch(
    cell, form, layers, bidirectional, batch_first, bias
):
    number = 7 * layers + 3 * FORMS.index(form) + 2 * bidirectional + batch_first + bias
    e, d = SIZES[number % len(SIZES)]
    shared = {
        "num_layers": layers,
        "bidirectional": bidirectional,
        "batch_first": batch_first,
        "bias": bias,
        "dtype": torch.float64,
    }
    theirs, reading = pair(cell, e, d, ours={"skim_size": d // 2, "threshold": 1.0}, **shared)
    _, plain = pair(cell, e, d, ours={"levels": (d,)}, **shared)
    plain.load_state_dict(theirs.state_dict())  # strict: it has torch's parameters and no more
    leaves, call = make_call(cell, form, theirs, batch_first, given_state=number % 2 == 0)
    wanted = results(theirs, leaves, call)
    assert_same(results(reading.eval(), leaves, call), wanted)
    assert_same(results(plain.eval(), leaves, call), wanted)
    assert_same(results(plain.train(), leaves, call), wanted)


@pytest.mark.parametrize("cell", CELLS)
def test_the_threshold_is_what_makes_them_equal(cell):
    """The comparison above can fail: one skimmed token and the outputs differ."""
    theirs, ours = pair(cell, 3, 7, ours={"skim_size": 2, "threshold": -1}, dtype=torch.float64)
    leaves, call = make_call(cell, "padded", theirs)
    with pytest.raises(AssertionError):
        assert_same(results(ours.eval(), leaves, call), results(theirs, leaves, call))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("options", [{"skim_size": 2, "threshold": 2}, {"levels": (5,)}], ids=str)
@pytest.mark.parametrize("form", ["batch first", "time first"])
def test_an_empty_batch_gives_empty_results(cell, options, form):
    theirs, ours = pair(cell, 3, 5, ours=options, num_layers=2, bidirectional=True)
    ours.batch_first = theirs.batch_first = form == "batch first"
    x = torch.zeros(0, 4, 3) if ours.batch_first else torch.zeros(4, 0, 3)
    for mode in (True, False):
        output, state = ours.train(mode)(x)
        wanted, wanted_state = theirs(x)
        assert output.shape == wanted.shape
        shapes = [part.shape for part in (state if cell == "lstm" else [state])]
        assert shapes == [p.shape for p in (wanted_state if cell == "lstm" else [wanted_state])]


def test_an_empty_batch_takes_one_threshold_per_text_too():
    layer = SkimGRU(3, 5, skim_size=2).eval()
    layer.threshold, layer.budget, layer.burst = [], [], []
    assert layer(torch.zeros(4, 0, 3))[0].shape == (4, 0, 5)


# ---- errors: ours are torch's, type and words -------------------------------------------------


def error_of(function):
    """The exception that a call raises, as (type, words); None if it raises none."""
    try:
        function()
    except Exception as error:
        return type(error), str(error)
    return None


CONSTRUCTIONS = {
    "dropout is text": {"dropout": "x"},
    "dropout is a bool": {"dropout": True},
    "dropout below 0": {"dropout": -0.1},
    "dropout above 1": {"dropout": 1.1},
    "bias is a number": {"bias": 1},
    "batch_first is text": {"batch_first": "yes"},
    "input_size is a float": {"input_size": 3.0},
    "input_size is 0": {"input_size": 0},
    "hidden_size is text": {"hidden_size": "5"},
    "hidden_size is a float": {"hidden_size": 5.0},
    "hidden_size is 0": {"hidden_size": 0},
    "hidden_size below 0": {"hidden_size": -5},
    "num_layers is 0": {"num_layers": 0},
    "num_layers is a float": {"num_layers": 1.5},
}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_constructor_errors_are_torchs(cell, name):
    theirs_class, our_class, extra = PAIRS[cell]
    arguments = {"input_size": 3, "hidden_size": 5, **extra, **CONSTRUCTIONS[name]}
    wanted = error_of(lambda: theirs_class(**arguments))
    assert wanted is not None
    assert error_of(lambda: our_class(**arguments, skim_size=1)) == wanted


@pytest.mark.parametrize("cell", ["gru", "rnn_tanh"])
@pytest.mark.parametrize("proj_size", [0, 2])
def test_only_the_lstm_has_a_projection_and_the_others_say_so_as_torch_does(cell, proj_size):
    theirs_class, our_class, _ = PAIRS[cell]
    wanted = error_of(lambda: theirs_class(3, 5, proj_size=proj_size))
    assert wanted[0] is ValueError
    assert error_of(lambda: our_class(3, 5, proj_size=proj_size, skim_size=1)) == wanted


def test_an_unknown_nonlinearity_is_refused_as_torch_refuses_it():
    wanted = error_of(lambda: nn.RNN(3, 5, nonlinearity="elu"))
    assert wanted[0] is ValueError
    assert error_of(lambda: SkimRNN(3, 5, nonlinearity="elu", skim_size=1)) == wanted


@pytest.mark.parametrize("proj_size", [-1, 2, 5, 9])
def test_a_projection_is_refused_with_a_remedy(proj_size):
    with pytest.raises(ValueError, match=f"got proj_size={proj_size}, put a Linear"):
        SkimLSTM(3, 5, proj_size=proj_size, skim_size=1)
    assert SkimLSTM(3, 5, proj_size=0, skim_size=1).proj_size == 0


@pytest.mark.parametrize("cell", CELLS)
def test_dropout_with_one_layer_warns_as_torch_warns(cell):
    theirs_class, our_class, extra = PAIRS[cell]

    def words(make):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            make()
        return [(one.category, str(one.message)) for one in caught]

    wanted = words(lambda: theirs_class(3, 5, dropout=0.5, **extra))
    assert wanted[0][0] is UserWarning
    assert words(lambda: our_class(3, 5, dropout=0.5, skim_size=1, **extra)) == wanted
    assert words(lambda: our_class(3, 5, 2, dropout=0.5, skim_size=1, **extra)) == []


def states(*shapes):
    """One zero state a shape, as the LSTM (a pair) and the others take it."""
    return lambda lstm: tuple(torch.zeros(s) for s in shapes) if lstm else torch.zeros(shapes[0])


def packed(*lengths, size=3, dtype=torch.float32):
    x = [torch.zeros(length, size, dtype=dtype) for length in lengths]
    return pack_sequence(x, enforce_sorted=False)


CALLS = {
    "4-D": (torch.zeros(1, 4, 2, 3), None),
    "1-D": (torch.zeros(3), None),
    "wrong width": (torch.zeros(4, 2, 4), None),
    "wrong width, unbatched": (torch.zeros(4, 4), None),
    "float64 input": (torch.zeros(4, 2, 3).double(), None),
    "int64 input": (torch.zeros(4, 2, 3).long(), None),
    "empty sequence": (torch.zeros(0, 2, 3), None),
    "empty sequence, unbatched": (torch.zeros(0, 3), None),
    "state of another batch": (torch.zeros(4, 2, 3), states((1, 3, 5), (1, 3, 5))),
    "state of two layers": (torch.zeros(4, 2, 3), states((2, 2, 5), (2, 2, 5))),
    "state too wide": (torch.zeros(4, 2, 3), states((1, 2, 6), (1, 2, 6))),
    "c too wide": (torch.zeros(4, 2, 3), states((1, 2, 5), (1, 2, 6))),
    "2-D state": (torch.zeros(4, 2, 3), states((1, 5), (1, 5))),
    "3-D state, unbatched": (torch.zeros(4, 3), states((1, 1, 5), (1, 1, 5))),
    "2-D c": (torch.zeros(4, 2, 3), states((1, 2, 5), (1, 5))),
    "a tensor, not a pair": (torch.zeros(4, 2, 3), lambda lstm: torch.zeros(2, 2, 5)),
    "a pair, not a tensor": (torch.zeros(4, 2, 3), lambda lstm: (torch.zeros(1, 3, 5),) * 2),
    "packed, state of fewer texts": (packed(2, 4), states((1, 1, 5), (1, 1, 5))),
    "text for a tensor": ("x", None),
    "nothing": (None, None),
}
# Torch lets these reach its kernels, whose words name none of the caller's sizes.
CLEARER = {
    "packed, wrong width": (packed(2, 4, size=4), None, "input.size(-1) must be equal"),
    "packed, float64": (packed(2, 4, dtype=torch.float64), None, "does not match weight dtype"),
    "packed, 2-D state": (packed(2, 4), states((2, 5), (2, 5)), "Expected hidden"),
}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", CALLS)
def test_call_errors_are_torchs(cell, name):
    input, hx = CALLS[name]
    theirs, ours = pair(cell, 3, 5, ours={"skim_size": 2})
    call = (input, None if hx is None else hx(cell == "lstm"))
    wanted = error_of(lambda: theirs(*call))
    if wanted is None:  # such as a wrong c, which the GRU has not
        assert name in ("c too wide", "2-D c")
        assert cell != "lstm"
        return
    for mode in (True, False):
        ours.train(mode)
        assert error_of(lambda: ours(*call)) == wanted
    plain = pair(cell, 3, 5, ours={"levels": (5,)})[1]
    assert error_of(lambda: plain(*call)) == wanted


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", CLEARER)
def test_call_errors_where_torchs_kernel_would_speak_name_the_sizes(cell, name):
    input, hx, words = CLEARER[name]
    theirs, ours = pair(cell, 3, 5, ours={"skim_size": 2})
    call = (input, None if hx is None else hx(cell == "lstm"))
    assert error_of(lambda: theirs(*call)) is not None
    for mode in (True, False):
        ours.train(mode)
        kind, said = error_of(lambda: ours(*call))
        assert kind in (RuntimeError, ValueError)
        assert words in said


@pytest.mark.parametrize("cell", CELLS)
def test_state_of_another_batch_is_refused_for_sorted_packed_input(cell):
    """Torch's unsorted path drops the extra texts unseen; that much is torch's own."""
    _, ours = pair(cell, 3, 5, ours={"skim_size": 2})
    sorted_input = pack_sequence([torch.zeros(4, 3), torch.zeros(2, 3)])
    hx = states((1, 3, 5), (1, 3, 5))(cell == "lstm")
    with pytest.raises(RuntimeError, match=r"\(1, 2, 5\), got \[1, 3, 5\]"):
        ours(sorted_input, hx)


# ---- our own options --------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
def test_our_options_are_keyword_only_and_torchs_order_is_kept(cell):
    _, our_class, extra = PAIRS[cell]
    arguments = [3, 5, 2, *extra.values(), False, True, 0.5, True]
    layer = our_class(*arguments, skim_size=1)
    assert (layer.input_size, layer.hidden_size, layer.num_layers) == (3, 5, 2)
    assert (layer.bias, layer.batch_first, layer.dropout) == (False, True, 0.5)
    assert layer.bidirectional is True
    if extra:
        assert layer.nonlinearity == extra["nonlinearity"]
    with pytest.raises(TypeError):
        our_class(*arguments, *([0] if cell == "lstm" else []), None, None, 1)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "exactly one of skim_size"),
        ({"skim_size": 1, "levels": (5, 1)}, "exactly one of skim_size"),
        ({"skim_size": 5}, "skim_size=5, hidden_size=5"),
        ({"skim_size": -1}, "skim_size=-1"),
        ({"levels": (5, 5)}, r"levels=\(5, 5\)"),
        ({"levels": (4, 1)}, r"levels=\(4, 1\)"),
        ({"skim_size": 1, "skim_input": "half"}, "'half'"),
        ({"skim_size": 1, "router_input": "x"}, "'x'"),
    ],
    ids=str,
)
def test_our_options_are_checked(cell, options, words):
    _, our_class, extra = PAIRS[cell]
    with pytest.raises(ValueError, match=words):
        our_class(3, 5, **extra, **options)


@pytest.mark.parametrize("cell", ["gru", "rnn_tanh", "rnn_relu"])
def test_a_router_on_the_cell_state_is_for_lstms(cell):
    _, our_class, extra = PAIRS[cell]
    with pytest.raises(ValueError, match="which only the LSTM has"):
        our_class(3, 5, **extra, skim_size=1, router_input="state")


def test_an_unknown_option_is_a_type_error():
    with pytest.raises(TypeError, match="skimsize"):
        SkimLSTM(3, 5, skimsize=1)


def test_a_truthy_bidirectional_is_taken_as_torch_takes_it():
    assert SkimGRU(3, 5, bidirectional=1, skim_size=2)(torch.zeros(2, 1, 3))[0].shape == (2, 1, 10)


@pytest.mark.parametrize("mode", [True, False])
def test_a_budget_without_a_level_to_skim_at_is_an_error(mode):
    layer = SkimLSTM(3, 5, levels=(5,), budget=0.5).train(mode)
    with pytest.raises(ValueError, match=r"budget=0.5 with levels=\(5,\)"):
        layer(torch.zeros(2, 1, 3))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("threshold", float("nan"), "NaN"),
        ("threshold", "max", "'max'"),
        ("threshold", [0.5], "1 for 2 texts"),
        ("budget", 1.5, "1.5"),
        ("budget", [0.5, -0.5], "-0.5"),
        ("burst", -1, "-1"),
        ("burst", float("inf"), "inf"),
    ],
)
def test_reading_options_are_checked_when_they_are_used(name, value, words):
    layer = SkimLSTM(3, 5, skim_size=1).eval()
    setattr(layer, name, value)
    with pytest.raises(ValueError, match=words):
        layer(torch.zeros(4, 2, 3))


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_is_above_zero(temperature):
    layer = SkimLSTM(3, 5, skim_size=1)
    layer.temperature = temperature
    with pytest.raises(ValueError, match="temperature must be above 0"):
        layer(torch.zeros(4, 2, 3))


# ---- parameters and state dict ----------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
def test_parameter_names_order_and_shapes(bias):
    """Torch's names first and in torch's order; then small cells and router, as model.md says."""
    layer = SkimLSTM(3, 7, 2, bidirectional=True, bias=bias, levels=(7, 5, 2, 0))
    theirs = nn.LSTM(3, 7, 2, bidirectional=True, bias=bias)
    own = {name: tuple(p.shape) for name, p in layer.state_dict().items()}
    wanted = {name: tuple(p.shape) for name, p in theirs.state_dict().items()}
    assert list(own.items())[: len(wanted)] == list(wanted.items())
    suffixes = ["l0", "l0_reverse", "l1", "l1_reverse"]
    expected = {}
    for suffix in suffixes:
        e = 3 if suffix.startswith("l0") else 14
        for level, s in ((1, 5), (2, 2)):
            expected[f"skim_{level}_weight_ih_{suffix}"] = (4 * s, e)
            expected[f"skim_{level}_weight_hh_{suffix}"] = (4 * s, s)
            if bias:
                expected[f"skim_{level}_bias_ih_{suffix}"] = (4 * s,)
                expected[f"skim_{level}_bias_hh_{suffix}"] = (4 * s,)
        expected[f"router_weight_{suffix}"] = (4, e + 14)
        expected[f"router_bias_{suffix}"] = (4,)
    assert {name: own[name] for name in own if name not in wanted} == expected
    assert dict(layer.named_parameters()).keys() == own.keys()


@pytest.mark.parametrize("cell", CELLS)
def test_plain_layers_have_exactly_torchs_parameters(cell):
    theirs, plain = pair(cell, 3, 5, ours={"levels": (5,)}, num_layers=2, bidirectional=True)
    assert list(plain.state_dict()) == list(theirs.state_dict())


@pytest.mark.parametrize("cell", CELLS)
def test_a_torch_state_dict_loads_into_the_full_cell(cell):
    theirs_class, our_class, extra = PAIRS[cell]
    theirs = theirs_class(3, 5, 2, bidirectional=True, **extra)
    ours = our_class(3, 5, 2, bidirectional=True, skim_size=2, **extra)
    small = {n: p.clone() for n, p in ours.named_parameters() if n.startswith(("skim_", "router_"))}
    model = torch.nn.ModuleDict({"rnn": ours})  # by its own name and inside a model
    model.load_state_dict({f"rnn.{name}": value for name, value in theirs.state_dict().items()})
    ours.load_state_dict(theirs.state_dict())
    for name, value in theirs.named_parameters():
        assert torch.equal(ours.get_parameter(name), value)
    for name, value in small.items():
        assert torch.equal(ours.get_parameter(name), value)
    incomplete = dict(ours.state_dict())
    del incomplete["router_bias_l1_reverse"]  # some of ours: not a torch layer's, but damaged
    with pytest.raises(RuntimeError, match=r'Missing key.*"router_bias_l1_reverse"'):
        ours.load_state_dict(incomplete)
    with pytest.raises(RuntimeError, match="Missing key"):
        ours.load_state_dict({})


def test_a_misspelt_option_is_named():
    with pytest.raises(TypeError, match=r"SkimLSTM has no option skimsize; its own are skim_size"):
        PAIRS["lstm"][1](3, 5, skimsize=2)


@pytest.mark.parametrize("shape", [(1, 1, 4, 6), (1, 2, 4, 6, 2), (1, 1, 5, 6, 2), (1, 1, 4, 5, 2)])
def test_noise_of_another_shape_is_refused(shape):
    layer = PAIRS["lstm"][1](3, 5, skim_size=2)
    with pytest.raises(ValueError, match=r"noise must be .* = \(1, 1, 4, 6, 2\); got"):
        layer(torch.zeros(6, 4, 3), noise=torch.zeros(shape))
    layer.eval()(torch.zeros(6, 4, 3), noise=torch.zeros(shape))  # not looked at


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_same_seed_draws_torchs_full_cell(cell, dtype):
    """All of torch's numbers come first, so that a run beside a plain RNN starts alike."""
    theirs_class, our_class, extra = PAIRS[cell]
    shared = {"num_layers": 2, "bidirectional": True, "dtype": dtype, **extra}
    torch.manual_seed(5)
    theirs = theirs_class(3, 7, **shared)
    torch.manual_seed(5)
    ours = our_class(3, 7, **shared, skim_size=2)
    for name, value in theirs.named_parameters():
        assert torch.equal(ours.get_parameter(name), value), name


def test_initialisation_is_uniform_within_one_over_root_d_and_router_biases_are_zero():
    layer = SkimLSTM(40, 64, skim_size=20)
    for name, value in layer.named_parameters():
        if name.startswith("router_bias"):
            assert (value == 0).all()
        else:
            assert value.abs().max() <= 1 / 8
            if value.numel() > 500:
                assert value.abs().max() > 0.99 / 8, name
                assert abs(value.mean()) < 0.02


def test_reset_parameters_draws_everything_anew():
    layer = SkimGRU(3, 5, 2, skim_size=2)
    with torch.no_grad():
        for value in layer.parameters():
            value.fill_(9)
    layer.reset_parameters()
    for name, value in layer.named_parameters():
        if name.startswith("router_bias"):
            assert (value == 0).all()
        else:
            assert value.abs().max() <= 5**-0.5
            assert value.unique().numel() == value.numel()


def test_all_weights_and_flatten_parameters_are_torchs():
    theirs, ours = pair("lstm", 3, 5, ours={"skim_size": 2}, num_layers=2, bidirectional=True)
    assert len(ours.all_weights) == 4
    for one, other in zip(ours.all_weights, theirs.all_weights, strict=True):
        for left, right in zip(one, other, strict=True):
            assert torch.equal(left, right)
    assert ours.flatten_parameters() is None
    assert ours.mode == theirs.mode == "LSTM"


def test_the_summary_is_torchs_with_the_levels():
    assert repr(SkimLSTM(3, 5, 2, batch_first=True, skim_size=1)) == (
        "SkimLSTM(3, 5, num_layers=2, batch_first=True, levels=(5, 1), router_input='state')"
    )
    assert repr(SkimGRU(3, 5, levels=(5, 2, 0), skim_input="full")) == (
        "SkimGRU(3, 5, levels=(5, 2, 0), skim_input='full', router_input='hidden')"
    )


# ---- behaviours -------------------------------------------------------------------------------


@pytest.fixture(params=CELLS)
def layer(request):
    _, our_class, extra = PAIRS[request.param]
    return our_class(3, 5, 2, bidirectional=True, skim_size=2, dtype=torch.float64, **extra).eval()


X = torch.linspace(-3, 3, 4 * 2 * 3).sin().view(4, 2, 3)


def outputs(layer, x=X):
    output, state = layer(x.to(layer.weight_ih_l0.dtype))
    return [output, *(state if isinstance(state, tuple) else [state])]


DUPLICATE = {"deepcopy": copy.deepcopy, "pickle": lambda layer: pickle.loads(pickle.dumps(layer))}


@pytest.mark.parametrize("duplicate", DUPLICATE.values(), ids=DUPLICATE)
def test_a_copy_reads_the_same_and_shares_nothing(layer, duplicate):
    layer.threshold, layer.temperature, layer.budget = 0.4, 0.7, 0.5
    twin = duplicate(layer)
    assert (twin.threshold, twin.temperature, twin.budget) == (0.4, 0.7, 0.5)
    assert twin.config == layer.config
    wanted = outputs(layer)
    for one, other in zip(outputs(twin), wanted, strict=True):
        assert torch.equal(one, other)
    with torch.no_grad():
        for value in twin.parameters():
            value.zero_()
    for one, other in zip(outputs(layer), wanted, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_it_moves_to_another_dtype_whole(layer, dtype):
    layer.threshold = 1.0
    wanted = outputs(layer)
    layer.to(dtype)
    assert {value.dtype for value in layer.parameters()} == {dtype}
    tolerance = {torch.float32: 1e-6, torch.float16: 0.01, torch.bfloat16: 0.05}[dtype]
    for one, other in zip(outputs(layer), wanted, strict=True):
        assert one.dtype == dtype
        torch.testing.assert_close(one.double(), other, rtol=tolerance, atol=tolerance)
    layer.train()(X.to(dtype))[0].float().sum().backward()
    assert layer.router_weight_l0.grad.dtype == dtype


def test_half_and_double_are_the_same_as_to():
    layer = SkimLSTM(3, 5, skim_size=2).half()
    assert layer(X.half())[0].dtype == torch.float16
    assert layer.double()(X.double())[0].dtype == torch.float64


@pytest.mark.parametrize("mode", [True, False])
def test_functional_call_uses_the_given_parameters(layer, mode):
    layer.train(mode)
    twin = copy.deepcopy(layer)
    with torch.no_grad():
        for value in twin.parameters():
            value.mul_(-0.5)
    noise = torch.zeros(2, 2, 2, 4, 2)
    changed = functional_call(layer, dict(twin.named_parameters()), (X.double(),), {"noise": noise})
    wanted = twin(X.double(), noise=noise)
    assert torch.equal(changed[0], wanted[0])
    assert not torch.equal(changed[0], layer(X.double(), noise=noise)[0])


@pytest.mark.parametrize("mode", [True, False])
def test_autocast_runs_every_cell(layer, mode):
    layer.float().train(mode)
    layer.threshold = 1.0
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, _ = layer(X, noise=torch.zeros(2, 2, 2, 4, 2))
    wanted, _ = layer(X, noise=torch.zeros(2, 2, 2, 4, 2))
    torch.testing.assert_close(output.float(), wanted, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("threshold", [0.5, 1.0])
def test_inputs_and_states_are_not_modified(layer, threshold):
    layer.threshold = threshold
    shape = (4, 2, 5)
    hx = tuple(torch.randn(shape, dtype=torch.float64) for _ in "hc")
    hx = hx if layer.config.cell == "lstm" else hx[0]
    before = X.double(), copy.deepcopy(hx)
    x = X.double()
    for mode in (True, False):
        layer.train(mode)(x, hx)
    assert torch.equal(x, before[0])
    for one, other in zip(hx, before[1], strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_torchs_forms_agree_with_each_other_when_it_skims(bidirectional, batch_first):
    """Padded, packed and unbatched are three ways to say the same thing."""
    shared = {"bidirectional": bidirectional, "batch_first": batch_first, "dtype": torch.float64}
    layer = SkimLSTM(3, 7, 2, skim_size=2, **shared).eval()
    x = torch.randn(4, 3, 3, dtype=torch.float64)  # (T, B, E)
    given = x.transpose(0, 1) if batch_first else x
    output, (h, c) = layer(given)
    output = output.transpose(0, 1) if batch_first else output
    packed_output, (packed_h, packed_c) = layer(pack_padded_sequence(given, [4] * 3, batch_first))
    torch.testing.assert_close(packed_output.data.view(4, 3, -1), output, **TIGHT)
    torch.testing.assert_close(packed_h, h, **TIGHT)
    torch.testing.assert_close(packed_c, c, **TIGHT)
    for b in range(3):
        one, (one_h, one_c) = layer(x[:, b])
        torch.testing.assert_close(one, output[:, b], **TIGHT)
        torch.testing.assert_close(one_h, h[:, b], **TIGHT)
        torch.testing.assert_close(one_c, c[:, b], **TIGHT)
