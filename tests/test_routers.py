"""A router is one file: everything else takes it by its name."""

import numpy as np
import pytest
import torch
from torch.nn import functional

import skimrnn
from agreement import (
    assert_forced,
    assert_free,
    make_batch,
    make_layer,
    reader_of,
    run_reader,
    run_torch,
)
from skimrnn import cost
from skimrnn.config import SkimConfig
from skimrnn.nn import SkimLSTM, save
from skimrnn.nn.router import TorchOps
from skimrnn.reference import NumpyOps
from skimrnn.routers import LOG_OF_NOTHING, Router, find_router, register, router_names
from skimrnn.runtime import implementations
from two_layer_router import UNITS, TwoLayerRouter

NATIVE = [name for name in implementations() if name != "numpy"]


def test_routers_are_found_by_name():
    assert router_names()[0] == "softmax"
    assert find_router("two-layer") is TwoLayerRouter


@pytest.mark.parametrize("name", ["coin", 3, None, []])
def test_an_unknown_router_is_named_with_those_that_are_known(name):
    with pytest.raises(ValueError, match="router must be one of softmax, ") as caught:
        SkimLSTM(3, 5, skim_size=2, router=name)
    assert repr(name) in str(caught.value)


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match=r"router 'two-layer' already, .*TwoLayerRouter; give"):

        @register
        class Other(TwoLayerRouter):
            pass

    assert register(TwoLayerRouter) is TwoLayerRouter  # a file imported twice
    assert find_router("two-layer") is TwoLayerRouter


def test_an_unfinished_router_cannot_be_made():
    class Unfinished(Router):
        name = "unfinished"

    with pytest.raises(TypeError, match="abstract"):
        Unfinished({}, 3, NumpyOps)


def test_a_router_says_something():
    class Silent(TwoLayerRouter):
        logits = Router.logits

    with pytest.raises(NotImplementedError, match="Silent says neither logits nor route"):
        Silent({}, 3, NumpyOps).route(np.zeros(3), np.zeros(5), np.zeros(0))


def test_both_arithmetics_are_the_same():
    random = np.random.default_rng(0)
    x, weight, bias = random.normal(size=5), random.normal(size=(4, 5)), random.normal(size=4)
    given = [torch.from_numpy(part) for part in (x, weight, bias)]
    for name in ("tanh", "sigmoid", "relu", "log", "complement"):
        ours, theirs = getattr(NumpyOps, name)(x), getattr(TorchOps, name)(given[0])
        np.testing.assert_allclose(ours, theirs, rtol=1e-14)
    np.testing.assert_array_equal(NumpyOps.minimum(x, -x), TorchOps.minimum(given[0], -given[0]))
    both = NumpyOps.concatenate([x, bias]), TorchOps.concatenate([given[0], given[2]])
    np.testing.assert_array_equal(*both)
    for count in (2, 3):
        ours, theirs = NumpyOps.linear(*(x, weight, bias)[:count]), TorchOps.linear(*given[:count])
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def test_a_logarithm_of_nothing_is_finite_and_has_no_gradient():
    x = torch.tensor([0.0, -1.0, 1.0, 2.0**-140], requires_grad=True)
    log = TorchOps.log(x)
    assert log[:3].tolist() == NumpyOps.log(x.detach().numpy())[:3].tolist() == [-200, -200, 0]
    assert float(np.exp(np.float32(LOG_OF_NOTHING))) == 0
    log[:3].sum().backward()
    assert x.grad.tolist() == [0, 0, 1, 0]


def test_its_parameters_are_the_layers():
    layer = SkimLSTM(3, 5, 2, levels=(5, 2, 0), router="two-layer", bidirectional=True)
    names = dict(layer.named_parameters())
    for suffix, inputs in (("l0", 3), ("l0_reverse", 3), ("l1", 10), ("l1_reverse", 10)):
        assert names[f"router_in_weight_{suffix}"].shape == (UNITS, inputs + 10)
        assert names[f"router_out_weight_{suffix}"].shape == (3, UNITS)
        assert not names[f"router_in_bias_{suffix}"].any()
        assert names[f"router_in_weight_{suffix}"].abs().max() <= 5**-0.5
    assert not [name for name in names if name.startswith(("router_weight", "router_bias"))]
    assert "router='two-layer'" in repr(layer)


def test_its_equations_are_used():
    """By hand: ``V tanh(W [x ; c ; h] + b)``."""
    layer = make_layer("lstm", 3, 5, skim_size=2, router="two-layer")
    x, _ = make_batch(layer, [4])
    w = {name: value.detach() for name, value in layer.named_parameters()}
    first = torch.cat([x[0, 0], torch.zeros(10, dtype=x.dtype)])  # the state before is 0
    hidden = torch.tanh(w["router_in_weight_l0"] @ first + w["router_in_bias_l0"])
    wanted = functional.softmax(w["router_out_weight_l0"] @ hidden, dim=0)
    np.testing.assert_allclose(run_torch(layer, x, [4]).p[0, 0, 0, 0], wanted, rtol=1e-12)


@pytest.mark.parametrize("router_input", ["state", "hidden"])
@pytest.mark.parametrize("both", [False, True])
def test_torch_and_numpy_agree(router_input, both):
    layer = make_layer(
        "lstm",
        7,
        17,
        levels=(17, 3, 0),
        router="two-layer",
        router_input=router_input,
        num_layers=2,
        bidirectional=both,
    )
    lengths = [5, 1, 7, 3]
    x, hx = make_batch(layer, lengths, hx=True)
    wanted = run_torch(layer, x, lengths, hx)
    read = run_reader(reader_of(layer, "numpy"), x, lengths, hx)
    assert_free(read, wanted, 0.5)
    for threshold in (2.0, -1.0):
        layer.threshold = threshold
        read = run_reader(reader_of(layer, "numpy"), x, lengths, hx, threshold=threshold)
        assert_forced(read, run_torch(layer, x, lengths, hx))


def test_its_operations_are_counted():
    config = SkimConfig(cell="lstm", input_size=3, hidden_size=5, levels=(5, 2), router="two-layer")
    assert cost.router_operations(config, 0) == UNITS * (3 + 10 + 2)
    assert cost.router_operations(config, 0, recurrent=True) == UNITS * (10 + 2)


def test_a_saved_layer_is_read_by_numpy_and_refused_by_kernels_that_do_not_know_it(tmp_path):
    layer = SkimLSTM(3, 5, skim_size=2, router="two-layer")
    save(layer, tmp_path / "layer")
    loaded = skimrnn.load_layer(tmp_path / "layer")
    assert loaded.implementation == "numpy"
    assert loaded.config.router == "two-layer"
    for name in NATIVE:
        with pytest.raises(
            ValueError,
            match=r"router softmax, skip-rnn, skipw, vcrnn, lstm-jump, leap-lstm only.*"
            r"'two-layer'; use \"numpy\"",
        ):
            skimrnn.load_layer(tmp_path / "layer", implementation=name)


def test_a_plain_layer_has_no_router_to_know(tmp_path):
    save(SkimLSTM(3, 5, levels=(5,), router="two-layer"), tmp_path / "layer")
    for name in implementations():
        assert skimrnn.load_layer(tmp_path / "layer", implementation=name).implementation == name


@pytest.mark.parametrize("given", [1, 3])
def test_a_router_gives_a_logit_for_each_level(given, tmp_path):
    """A sigmoid's one number, say, would be taken for a choice that is always made."""

    class Other(Router):
        name = f"gives-{given}"

        @staticmethod
        def parameter_shapes(config, inputs):
            return {"router_weight": (given, inputs)}

        @staticmethod
        def operations(config, inputs):
            return given * inputs

        def prepare(self, x):
            return self.ops.linear(x, self.weights["router_weight"])

        def logits(self, prepared, s):
            return prepared

    register(Other)
    layer = SkimLSTM(3, 5, skim_size=2, router=Other.name)
    said = rf"'gives-{given}' must give 2 logits a row, one for each level"
    for mode in (True, False):
        with pytest.raises(ValueError, match=said):
            layer.train(mode)(torch.randn(4, 2, 3))
    save(layer, tmp_path / "layer")
    with pytest.raises(ValueError, match=said):
        skimrnn.load_layer(tmp_path / "layer").read_vectors(np.zeros((1, 4, 3), np.float32))


def test_its_parameters_say_whose_they_are():
    class Unnamed(TwoLayerRouter):
        name = "unnamed"

        @staticmethod
        def parameter_shapes(config, inputs):
            return {"my_weight": (2, inputs)}

    register(Unnamed)
    with pytest.raises(ValueError, match=r"begin with router_; 'unnamed' has my_weight"):
        SkimLSTM(3, 5, skim_size=2, router="unnamed")
