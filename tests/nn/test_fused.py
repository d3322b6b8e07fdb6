"""The GPU's kernels against torch's loop: on a GPU, or by Triton's interpreter on the CPU."""

import os

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

import two_layer_router  # noqa: F401  (registers a router that the kernels do not know)
from agreement import make_layer
from skimrnn.nn import fused

pytest.importorskip("triton", reason="Triton is not installed")
from test_native_training import LENGTHS, assert_near, at_random_levels, make_call, train

DEVICE = "cpu" if os.environ["TRITON_INTERPRET"] == "1" else "cuda"
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # 1 / inf


@pytest.fixture(autouse=True)
def on_this_device(monkeypatch):
    monkeypatch.setattr(fused, "DEVICES", (DEVICE,))


LAYERS = [
    make_layer("lstm", 3, 5, skim_size=2),
    make_layer("lstm", 3, 9, skim_size=0, router_input="hidden", hard=True, bias=False),
    make_layer("lstm", 3, 33, skim_size=17, skim_input="full", bidirectional=True),
    make_layer("lstm", 3, 9, skim_size=4, shared=True),
    make_layer("lstm", 3, 9, levels=(9,), bidirectional=True, num_layers=2),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.extra_repr())
def test_values_and_gradients_are_those_of_the_loop(layer):
    layer.temperature = 0.7
    drawn = make_call(layer, LENGTHS)
    calls = (drawn, at_random_levels(layer, drawn)) if layer.config.skims else (drawn,)
    for call in calls:
        assert_near(
            train(layer, call, "fused", device=DEVICE), train(layer, call, "eager", torch.float64)
        )


@pytest.mark.parametrize("threshold", [0.45, "argmax", [0.1, 0.5, 0.9, 1.0, 2.0, -1.0]])
def test_chosen_levels_are_those_of_the_loop(threshold):
    layer = make_layer("lstm", 3, 9, skim_size=4, bidirectional=True).eval()
    layer = layer.to(DEVICE, torch.float32)
    layer.threshold = threshold
    x = pack_padded_sequence(
        torch.randn(9, 6, 3, generator=torch.Generator().manual_seed(0)).to(DEVICE),
        torch.tensor(LENGTHS),
        enforce_sorted=False,
    )
    read = {}
    for layer.path in ("eager", "fused"):
        output, state = layer(x)
        read[layer.path] = output.data, *state
    for wanted, ours in zip(read["eager"], read["fused"], strict=True):
        torch.testing.assert_close(ours, wanted)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"levels": (9, 4, 0)}, "knows two levels, and there are 3"),
        ({"skim_size": 4, "router": "two-layer"}, "knows the router softmax, not 'two-layer'"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(options, why):
    layer = make_layer("lstm", 3, 9, path="fused", **options).to(DEVICE, torch.float32).train()
    with pytest.raises(ValueError, match=f'path "fused" {why}; use "auto" or "eager"'):
        layer(torch.zeros(2, 1, 3, device=DEVICE))


@pytest.mark.parametrize(("found", "said"), [((3, 4), "3.4"), ((0, 0), "none")])
def test_an_old_triton_is_refused(monkeypatch, found, said):
    monkeypatch.setattr(fused, "_triton", lambda: found)
    layer = make_layer("lstm", 3, 9, skim_size=4)
    assert fused.obstacle(layer.config, torch.zeros(1, device=DEVICE)) == (
        f"needs Triton 3.6, which newer torch brings; there is {said}"
    )


def test_without_a_gpu_it_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(fused, "DEVICES", ("cuda",))
    layer = make_layer("lstm", 3, 9, skim_size=4, path="fused").float().train()
    with pytest.raises(ValueError, match='path "fused" needs a CUDA device, and the input is on'):
        layer(torch.zeros(2, 1, 3, device="cpu"))
