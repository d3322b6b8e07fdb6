"""The native training step against torch's loop: values and every gradient, from the same noise."""

import copy
import itertools

import numpy as np
import pytest
import torch
from torch.autograd import forward_ad
from torch.nn.utils.rnn import pack_padded_sequence

import two_layer_router  # noqa: F401  (registers a router that the kernels do not know)
from agreement import SIZES, make_layer
from skimrnn import extension
from skimrnn.extension import kernels
from skimrnn.nn import record
from skimrnn.nn.paths import PATHS

needs_the_extension = pytest.mark.skipif(
    not extension.instruction_sets(), reason="the extension is not compiled in"
)
pytestmark = needs_the_extension

LENGTHS = [4, 9, 1, 6, 9, 2]

# What rounding alone may do to one float32 step's results, against float64.
CLOSE = {"rtol": 2e-4, "atol": 2e-5}


@pytest.fixture(params=extension.instruction_sets() or ["none"])
def isa(request, monkeypatch):
    """Each instruction set in turn, named as a user would."""
    monkeypatch.setenv(extension.ENVIRONMENT_VARIABLE, request.param)
    return request.param


@pytest.fixture
def threads():
    """Restores how many threads torch uses."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def make_call(layer, lengths, seed=0):
    """Inputs, a state, noise and weights of a loss for a layer, in float64."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    config, batch, longest = layer.config, len(lengths), max(lengths, default=0)
    counts = config.num_layers * config.directions
    state = (counts, batch, config.hidden_size)
    gumbel = (config.num_layers, config.directions, batch, longest, len(config.levels))
    return {
        "x": draw(batch, longest, config.input_size),
        "hx": tuple(draw(*state) for _ in ("hc" if config.cell == "lstm" else "h")),
        "noise": draw(*gumbel),
        "of_output": draw(sum(lengths), config.directions * config.hidden_size),
        "of_state": draw(*state),
        "lengths": lengths,
    }


def at_random_levels(layer, call, seed=0):
    """The call with levels given in place of noise."""
    shape = call["noise"].shape[:-1]
    generator = torch.Generator().manual_seed(seed)
    levels = torch.randint(len(layer.config.levels), shape, generator=generator)
    return {**call, "noise": None, "levels": levels}


def train(layer, call, path, dtype=torch.float32, device="cpu"):
    """One step's results and gradients, by name, in float64."""
    layer = copy.deepcopy(layer).to(device, dtype).train()
    layer.path = path

    def placed(part):
        return part.to(device, dtype)

    x, *hx = (placed(part.clone()).requires_grad_() for part in (call["x"], *call["hx"]))
    packed = pack_padded_sequence(
        x, torch.tensor(call["lengths"]), batch_first=True, enforce_sorted=False
    )
    draws = {"levels": call["levels"]} if "levels" in call else {"noise": placed(call["noise"])}
    with record() as reads:
        output, state = layer(packed, tuple(hx) if len(hx) == 2 else hx[0], **draws)
    state = state if isinstance(state, tuple) else (state,)
    loss = (output.data * placed(call["of_output"])).sum()
    if layer.config.skims and layer.skimming:
        loss = loss + 2 * reads.penalty()
    for part in state:
        loss = loss + (part * placed(call["of_state"])).sum()
    loss.backward()
    results = {"output": output.data, "loss": loss, "x": x.grad}
    results |= {f"state {i}": part for i, part in enumerate(state)}
    results |= {f"first state {i}": part.grad for i, part in enumerate(hx)}
    results |= {f"levels {i}": entry.levels for i, entry in enumerate(reads.entries)}
    results |= {f"log p {i}": entry.log_p for i, entry in enumerate(reads.entries)}
    results |= {
        name: parameter.grad
        for name, parameter in layer.named_parameters()
        if parameter.grad is not None
    }
    return {name: value.detach().double().cpu() for name, value in results.items()}


def assert_near(ours, wanted):
    assert ours.keys() == wanted.keys()
    for name, value in wanted.items():
        finite = value[value.isfinite()]
        scale = max(1.0, float(finite.abs().max())) if finite.numel() else 1.0
        torch.testing.assert_close(ours[name] / scale, value / scale, **CLOSE, msg=name)


def assert_same(ours, wanted):
    assert ours.keys() == wanted.keys()
    for name, value in wanted.items():
        assert torch.equal(ours[name], value), name


def layers():
    """Every cell and option that the kernels know, at odd sizes on both sides of vector widths."""
    cells = {"lstm": ("state", "hidden"), "gru": ("hidden",)}
    for (cell, router_inputs), size in itertools.product(cells.items(), SIZES):
        for levels in {(size, size // 2), (size, 0), (size, size // 2, 0)} - {(size, 0, 0)}:
            for router_input, skim_input in itertools.product(router_inputs, ("prefix", "full")):
                options = {"router_input": router_input, "skim_input": skim_input}
                yield pytest.param(
                    cell,
                    {"levels": levels, **options},
                    id=f"{cell}-{levels}-{'-'.join(options.values())}",
                )


@pytest.mark.parametrize(("cell", "options"), list(layers()))
def test_values_and_gradients_are_those_of_the_loop(isa, cell, options):
    layer = make_layer(cell, 5, options["levels"][0], **options)
    layer.temperature = 0.7
    call = make_call(layer, LENGTHS)
    assert_near(train(layer, call, "native"), train(layer, call, "eager", torch.float64))
    given = at_random_levels(layer, call)
    assert_near(train(layer, given, "native"), train(layer, given, "eager", torch.float64))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize(
    "options",
    [
        {"bidirectional": True},
        {"num_layers": 3},
        {"num_layers": 2, "bidirectional": True},
        {"bias": False},
        {"hard": True},
        {"hard": True, "bidirectional": True},
    ],
    ids=lambda options: "-".join(options),
)
def test_layers_directions_biases_and_hard_samples(isa, cell, options):
    layer = make_layer(cell, 6, 21, levels=(21, 17, 3), **options)
    call = make_call(layer, LENGTHS)
    assert_near(train(layer, call, "native"), train(layer, call, "eager", torch.float64))
    given = at_random_levels(layer, call)
    assert_near(train(layer, given, "native"), train(layer, given, "eager", torch.float64))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("options", [{"levels": (9,)}, {"skim_size": 2}], ids=str)
@pytest.mark.parametrize("more", [{}, {"bidirectional": True, "num_layers": 2}], ids=str)
def test_the_full_cell_alone_is_torchs(isa, cell, options, more):
    """Packed batches of a layer that does not skim, or does not yet."""
    layer = make_layer(cell, 5, 9, **options, **more)
    layer.skimming = False
    call = make_call(layer, LENGTHS)
    wanted = train(layer, call, "eager", torch.float64)
    ours = train(layer, call, "native")
    assert_near(ours, wanted)
    layer.path = "auto"
    packed = pack_padded_sequence(torch.randn(4, 2, 5), torch.tensor([4, 2]))
    assert took_native(layer.float(), packed)
    assert not took_native(layer, torch.randn(4, 2, 5))  # torch's own, as it is


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_batches_larger_than_a_chunk(cell):
    """Steps of more tokens than a chunk holds, and chunks that end between steps."""
    layer = make_layer(cell, 3, 5, skim_size=2, bidirectional=True)
    for lengths in ([3] * 300 + [2] * 50 + [1], [70, 33, 200, 199, 3, 100, 131]):
        call = make_call(layer, lengths)
        assert_near(train(layer, call, "native"), train(layer, call, "eager", torch.float64))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_threads_change_no_value_and_gradients_by_rounding_alone(threads, cell, monkeypatch):
    monkeypatch.setattr("skimrnn.nn.native.ROWS_PER_THREAD", 1)
    layer = make_layer(cell, 5, 19, skim_size=4, bidirectional=True)
    call = make_call(layer, [31, 4, 17, 17, 2, 9, 1, 30, 12])
    runs = {}
    for count in (1, 2, 3, 20):
        threads(count)
        runs[count] = train(layer, call, "native")
        assert_same(train(layer, call, "native"), runs[count])
    of_weights = {name for name, _ in layer.named_parameters()}
    for count in (2, 3, 20):
        assert_near(runs[count], runs[1])
        for name in runs[1].keys() - of_weights:
            assert torch.equal(runs[count][name], runs[1][name]), name


def test_a_text_is_the_same_alone_and_in_a_batch():
    """Padding and neighbours are not read: bit by bit."""
    layer = make_layer("lstm", 5, 19, skim_size=4)
    call = make_call(layer, LENGTHS)
    together = copy.deepcopy(layer).float().train()
    packed = pack_padded_sequence(
        call["x"].float(), torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    _, (h_n, c_n) = together(packed, noise=call["noise"].float())
    for b, n in enumerate(LENGTHS):
        _, state = together(
            call["x"][b : b + 1, :n].float().transpose(0, 1),
            noise=call["noise"][:, :, b : b + 1, :n].float(),
        )
        assert torch.equal(state[0][:, 0], h_n[:, b])
        assert torch.equal(state[1][:, 0], c_n[:, b])


@pytest.mark.parametrize("what", ["h", "c", "output", "penalty", "nothing of x"])
def test_a_gradient_may_come_through_one_result_alone(what):
    layer = make_layer("lstm", 4, 9, skim_size=2)
    call = make_call(layer, LENGTHS)

    def gradients(path, dtype):
        twin = copy.deepcopy(layer).to(dtype).train()
        twin.path = path
        x = call["x"].clone().to(dtype).requires_grad_(what != "nothing of x")
        with record() as reads:
            output, (h_n, c_n) = twin(x.transpose(0, 1), noise=call["noise"].to(dtype))
        loss = {"h": h_n, "c": c_n, "output": output, "penalty": reads.penalty()}.get(what, output)
        (loss**2).sum().backward()
        found = {name: parameter.grad for name, parameter in twin.named_parameters()}
        return {**found, "x": torch.zeros(1, dtype=dtype) if x.grad is None else x.grad}

    wanted = gradients("eager", torch.float64)
    assert_near({k: v.double() for k, v in gradients("native", torch.float32).items()}, wanted)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_graph_can_be_gone_back_through_twice(cell):
    layer = make_layer(cell, 4, 9, skim_size=2, dtype=torch.float32).train()
    output, _ = layer(torch.randn(7, 3, 4))
    loss = (output**2).sum()
    loss.backward(retain_graph=True)
    once = {name: parameter.grad.clone() for name, parameter in layer.named_parameters()}
    loss.backward()
    for name, parameter in layer.named_parameters():
        torch.testing.assert_close(parameter.grad, 2 * once[name])


@pytest.mark.parametrize("power", [1, 2])  # of a sum the incoming gradient is a constant
def test_a_second_derivative_is_refused(power):
    layer = make_layer("lstm", 4, 9, skim_size=2, dtype=torch.float32).train()
    x = torch.randn(7, 3, 4, requires_grad=True)
    with pytest.raises(RuntimeError, match='path="eager"'):
        torch.autograd.grad((layer(x)[0] ** power).sum(), x, create_graph=True)
    layer.path = "eager"
    (first,) = torch.autograd.grad((layer(x)[0] ** power).sum(), x, create_graph=True)
    first.sum().backward()


def test_transforms_of_torch_func_go_the_eager_way():
    layer = make_layer("lstm", 4, 9, skim_size=2, dtype=torch.float32).train()
    x = torch.randn(7, 3, 4)
    parameters = dict(layer.named_parameters())

    def loss(given):
        torch.manual_seed(0)
        return torch.func.functional_call(layer, given, (x,))[0].sum()

    found = torch.func.grad(loss)(parameters)
    loss(parameters).backward()
    for name, parameter in parameters.items():
        torch.testing.assert_close(found[name], parameter.grad)
    layer.path = "native"
    with pytest.raises(ValueError, match=r'path "native" is not for the transforms of torch.func'):
        torch.func.grad(loss)(parameters)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_state_of_another_dtype_is_refused(cell, dtype):
    layer = make_layer(cell, 4, 9, skim_size=2, dtype=torch.float32).train()
    state = torch.ones(1, 3, 9, dtype=dtype)
    with pytest.raises(ValueError, match=f"hx must have the type torch.float32.* got type {dtype}"):
        layer(torch.randn(7, 3, 4), (state, state) if cell == "lstm" else state)


def test_parameters_of_another_dtype_are_refused():
    layer = make_layer("lstm", 4, 9, skim_size=2, dtype=torch.float32).train()
    layer.router_weight_l0 = torch.nn.Parameter(layer.router_weight_l0.detach().double())
    with pytest.raises(ValueError, match=r"float64: convert the whole layer"):
        layer(torch.randn(7, 3, 4))


def test_empty_batches():
    for path in ("eager", "native"):
        layer = make_layer("lstm", 4, 9, skim_size=2, dtype=torch.float32).train()
        layer.path = path
        x = torch.zeros(3, 0, 4, requires_grad=True)
        output, (h_n, _) = layer(x)
        assert output.shape == (3, 0, 9)
        assert h_n.shape == (1, 0, 9)
        output.sum().backward()
        assert x.grad.shape == x.shape


def test_numbers_that_are_none_stay_none():
    """NaN comes out as NaN, and infinity breaks nothing."""
    layer = make_layer("gru", 4, 9, skim_size=2, dtype=torch.float32).train()
    for value in (torch.nan, torch.inf, -torch.inf, 1e38):
        x = torch.full((5, 2, 4), value, requires_grad=True)
        output, _ = layer(x)
        output.sum().backward()
    output, _ = layer(torch.full((5, 2, 4), torch.nan))
    assert output.isnan().all()


# ---- which path is taken ------------------------------------------------------------------------


def took_native(layer, x):
    """Whether a training step's gradient comes from the kernels."""
    output, _ = layer.train()(x)
    output = output if torch.is_tensor(output) else output.data
    seen, queue = set(), [output.grad_fn]
    while queue:
        node = queue.pop()
        if node is not None and node not in seen:
            seen.add(node)
            queue += [parent for parent, _ in node.next_functions]
    return any("_Mixing" in node.name() for node in seen)


def test_auto_takes_the_kernels_where_they_can():
    x = torch.randn(3, 2, 4)
    float32 = {"dtype": torch.float32, "skim_size": 2}
    assert took_native(make_layer("lstm", 4, 9, **float32), x)
    assert took_native(make_layer("gru", 4, 9, **float32), x)
    assert not took_native(make_layer("lstm", 4, 9, **float32, path="eager"), x)
    assert not took_native(make_layer("rnn_tanh", 4, 9, **float32), x)
    assert not took_native(make_layer("lstm", 4, 9, **float32, router="two-layer"), x)
    assert not took_native(make_layer("lstm", 4, 9, skim_size=2), x.double())


def test_auto_takes_the_loop_without_the_extension(monkeypatch):
    layer = make_layer("lstm", 4, 9, skim_size=2, dtype=torch.float32)
    x = torch.randn(3, 2, 4)
    monkeypatch.setenv(extension.ENVIRONMENT_VARIABLE, "numpy")
    assert not took_native(layer, x)
    monkeypatch.delenv(extension.ENVIRONMENT_VARIABLE)
    monkeypatch.setattr(extension, "kernels", None)
    assert not took_native(layer, x)


@pytest.mark.parametrize(
    ("cell", "options", "says"),
    [
        ("lstm", {"dtype": torch.float64}, "computes in float32, and the input is torch.float64"),
        ("rnn_tanh", {"dtype": torch.float32}, "knows the cells lstm, gru, not rnn_tanh"),
        ("gru", {"dtype": torch.float32, "router": "two-layer"}, "not 'two-layer'"),
    ],
)
def test_the_kernels_by_name_refuse_what_they_cannot(cell, options, says):
    layer = make_layer(cell, 4, 9, skim_size=2, path="native", **options).train()
    with pytest.raises(ValueError, match=f'path "native" .*{says}.*use "auto" or "eager"'):
        layer(torch.randn(3, 2, 4, dtype=options["dtype"]))
    layer.eval()(torch.randn(3, 2, 4, dtype=options["dtype"]))  # eval() takes no path


def test_the_kernels_by_name_say_when_they_are_not_there(monkeypatch):
    layer = make_layer("lstm", 4, 9, skim_size=2, dtype=torch.float32, path="native").train()
    monkeypatch.setenv(extension.ENVIRONMENT_VARIABLE, "numpy")
    with pytest.raises(ValueError, match="SKIMRNN_IMPLEMENTATION names 'numpy'"):
        layer(torch.randn(3, 2, 4))
    monkeypatch.setattr(extension, "kernels", None)
    with pytest.raises(ValueError, match="was not built"):
        layer(torch.randn(3, 2, 4))


def test_an_unknown_path_is_refused_at_once_and_later():
    with pytest.raises(ValueError, match=f"path must be one of {', '.join(PATHS)}; got 'fast'"):
        make_layer("lstm", 4, 9, skim_size=2, path="fast")
    layer = make_layer("lstm", 4, 9, skim_size=2, dtype=torch.float32).train()
    layer.path = "fast"
    with pytest.raises(ValueError, match="got 'fast'"):
        layer(torch.randn(3, 2, 4))


def test_a_temperature_of_zero_is_refused_by_both():
    for path in ("eager", "native"):
        layer = make_layer("lstm", 4, 9, skim_size=2, dtype=torch.float32, path=path).train()
        layer.temperature = 0.0
        with pytest.raises(ValueError, match=r"temperature must be above 0; got 0\.0"):
            layer(torch.randn(3, 2, 4))


def test_the_noise_that_both_draw_is_the_same():
    layer = make_layer("lstm", 4, 9, skim_size=2, dtype=torch.float32).train()
    x = torch.randn(8, 3, 4)
    outputs = []
    for path in ("eager", "native"):
        layer.path = path
        torch.manual_seed(3)
        outputs.append(layer(x)[0])
    torch.testing.assert_close(*outputs, **CLOSE)


def test_the_kernels_convert_nothing():
    """A copy would be filled in the place of what the caller holds."""

    def arrays(h_0):
        zeros = [np.zeros(shape, np.float32) for shape in ((1, 2), (1, 4), (1,), (1, 1))]
        cell = [np.zeros(shape, np.float32) for shape in ((6, 2), (6, 2), (1, 6), (1, 2))]
        joined = (*cell[:2], None, None, *cell[2:])
        made = [np.zeros(shape, np.float32) for shape in ((1, 2), (1, 1))]
        return kernels.TrainingArrays([1], [joined], *zeros, h_0, None, made[0], None, made[1])

    arrays(np.zeros((1, 2), np.float32))
    with pytest.raises(TypeError, match="incompatible function arguments"):
        arrays(np.zeros((1, 2), np.float64))


def test_noise_and_temperature_that_are_learnt_get_their_gradient():
    layer = make_layer("lstm", 3, 7, skim_size=2, dtype=torch.float32).train()
    x, drawn = torch.randn(4, 2, 3), torch.randn(1, 1, 2, 4, 2)
    gradients = {}
    for path in ("auto", "eager"):
        layer.path, bias = path, torch.zeros(2, requires_grad=True)
        layer.temperature = torch.tensor(0.7, requires_grad=True)
        layer(x, noise=drawn + bias)[0].sum().backward()
        gradients[path] = bias.grad, layer.temperature.grad
        assert bias.grad.abs().max() > 1e-4
    torch.testing.assert_close(gradients["auto"], gradients["eager"])
    layer.path = "native"
    with pytest.raises(ValueError, match='"native" gives noise and temperature no gradient; use'):
        layer(x, noise=drawn)
    with torch.no_grad():
        layer.temperature = 0.7
        layer(x, noise=drawn)


def test_noise_of_another_type_is_taken():
    layer = make_layer("lstm", 3, 7, skim_size=2, dtype=torch.float32).train()
    x, noise = torch.randn(4, 2, 3), torch.randn(1, 1, 2, 4, 2, dtype=torch.float64)
    layer.path = "native"
    assert torch.equal(layer(x, noise=noise)[0], layer(x, noise=noise.float())[0])


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # within torch
def test_other_derivatives_than_a_gradient_are_refused_by_name():
    layer = make_layer("lstm", 3, 7, skim_size=2, dtype=torch.float32).train()
    layer.path, x = "native", torch.randn(4, 2, 3)

    def forwards():
        with forward_ad.dual_level():
            layer(forward_ad.make_dual(x, torch.ones_like(x)))

    def at_once():
        torch.autograd.functional.jacobian(lambda x: layer(x)[0].sum((0, 1)), x, vectorize=True)

    for derive, said in ((forwards, "no forward-mode"), (at_once, "one gradient at a time")):
        with pytest.raises(RuntimeError, match=f'{said}.*set path="eager" on the layer'):
            derive()
