"""The layers under torch's own tools: compile, export, autocast."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from skimrnn.nn import SkimGRU, SkimLSTM, record

X = torch.randn(5, 3, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=[SkimLSTM, SkimGRU])
def layer(request):
    torch.manual_seed(0)
    return request.param(8, 7, skim_size=2)


@pytest.mark.parametrize("mode", [True, False])
def test_compile_leaves_the_layer_as_it_is(layer, mode):
    """As it leaves torch's own: nothing of it is traced, and the results are the same."""
    torch.compiler.reset()
    model = nn.Sequential(layer.train(mode))
    traced = []

    def backend(graph, _):
        traced.append(graph)
        return graph.forward

    compiled = torch.compile(model, backend=backend)
    torch.manual_seed(0)
    with record() as reads:
        output, _ = compiled(X)
    torch.manual_seed(0)
    wanted, _ = model(X)
    assert torch.equal(output, wanted)
    assert len(reads.entries) == 1
    assert not traced
    if mode:
        output.sum().backward()
        assert layer.weight_hh_l0.grad is not None


@pytest.mark.parametrize("mode", [True, False])
def test_export_is_refused_with_what_to_do_instead(layer, mode):
    with pytest.raises(RuntimeError, match=r"torch\.export cannot hold Skim.*skimrnn\.nn\.save"):
        torch.export.export(layer.train(mode), (X,), strict=False)


@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")  # as for nn.LSTM
def test_export_holds_the_full_cell_alone(layer):
    layer.eval().skimming = False
    program = torch.export.export(layer, (X,), strict=False)
    assert torch.equal(program.module()(X)[0], layer(X)[0])


@pytest.mark.filterwarnings("ignore")  # torch's, of tracing itself
def test_a_trace_is_refused_or_holds_the_full_cell_alone(layer):
    with pytest.raises(RuntimeError, match=r"a trace cannot hold Skim.*skimrnn\.nn\.save"):
        torch.jit.trace(layer.eval(), X)
    layer.skimming = False
    traced = torch.jit.trace(layer, X)
    assert torch.equal(traced(X + 1)[0], layer(X + 1)[0])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("mode", [True, False])
def test_autocast_leaves_the_layer_in_the_dtype_of_its_weights(layer, mode, packed):
    layer.train(mode)
    noise = torch.zeros(1, 1, 3, 5, 2)
    low = X.bfloat16()  # what a linear layer in front would give

    def call(x, **options):
        if packed:
            x = pack_padded_sequence(x, torch.tensor([5, 2, 4]), enforce_sorted=False)
        output, state = layer(x, **options)
        return output.data if packed else output, state

    hx = torch.ones(1, 3, 7).bfloat16()
    hx = (hx, hx) if isinstance(layer, SkimLSTM) else hx
    wanted, _ = call(low.float(), noise=noise)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, _ = call(low, noise=noise)
        _, from_state = call(low, hx=hx, noise=noise)
    assert output.dtype == torch.float32
    assert torch.equal(output, wanted)
    assert (from_state[0] if isinstance(from_state, tuple) else from_state).dtype == torch.float32
    output.sum().backward()
    assert layer.weight_hh_l0.grad.dtype == torch.float32


def test_autocast_treats_a_layer_that_does_not_skim_as_torchs():
    layer, plain = SkimLSTM(8, 7, skim_size=2), nn.LSTM(8, 7)
    layer.skimming = False

    def given_by(one):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            try:
                return one(X)[0].dtype
            except RuntimeError as error:  # on CPUs where torch's LSTM has no bfloat16
                return str(error)

    assert given_by(layer) == given_by(plain)


def test_gradients_of_each_text_by_vmap(layer):
    """With samples taken whole, too, whose shape must not depend on the data."""
    layer.hard, noise = True, torch.randn(1, 1, 3, 5, 2)
    parameters = {name: one.detach() for name, one in layer.named_parameters()}

    def loss(parameters, x, noise):
        called = torch.func.functional_call(
            layer, parameters, (x[:, None],), {"noise": noise[:, :, None]}
        )
        return called[0].square().sum()

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 1, 2))(parameters, X, noise)
    for text in range(3):
        layer.zero_grad()
        loss(dict(layer.named_parameters()), X[:, text], noise[:, :, text]).backward()
        for name, one in layer.named_parameters():
            torch.testing.assert_close(each[name][text], one.grad, rtol=1e-4, atol=1e-6)


def test_the_gradient_of_many_by_vmap_with_the_penalty(layer):
    """By vmap within grad, where no tensor says that it has a gradient."""
    noise = torch.randn(1, 1, 3, 5, 2)

    def loss(parameters, x, noise):
        with record() as reads:
            called = torch.func.functional_call(layer, parameters, (x,), {"noise": noise})
        return called[0].square().sum() + reads.penalty()

    def each(parameters):
        def one(x, noise):
            return loss(parameters, x[:, None], noise[:, :, None])

        return torch.func.vmap(one, in_dims=(1, 2))(X, noise).mean()

    parameters = {name: one.detach() for name, one in layer.named_parameters()}
    gradient = torch.func.grad(each)(parameters)
    own = dict(layer.named_parameters())
    texts = [loss(own, X[:, [b]], noise[:, :, [b]]) for b in range(3)]
    torch.stack(texts).mean().backward()
    for name, one in own.items():
        torch.testing.assert_close(gradient[name], one.grad, rtol=1e-4, atol=1e-6)


def test_on_the_meta_device_shapes_are_known(layer):
    on_meta = layer.to("meta")
    output, _ = on_meta(X.to("meta"))
    assert output.shape == (5, 3, 7)
