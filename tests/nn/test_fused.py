"""The GPU's kernels against torch's loop: on a GPU, or by Triton's interpreter on the CPU."""

import os

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from agreement import make_layer
from skimrnn.nn import fused

pytest.importorskip("triton", reason="Triton is not installed")
from test_native_training import LENGTHS, assert_near, at_random_levels, make_call, train

DEVICE = "cpu" if os.environ["TRITON_INTERPRET"] == "1" else "cuda"
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # 1 / inf


@pytest.fixture(autouse=True)
def on_this_device(monkeypatch):
    monkeypatch.setattr(fused, "DEVICES", (DEVICE,))


def layers():
    for size, small in ((5, 2), (9, 0), (33, 17)):
        for options in (
            {},
            {"router_input": "hidden", "hard": True, "bias": False},
            {"skim_input": "full", "bidirectional": True, "num_layers": 2},
        ):
            yield make_layer("lstm", 3, size, skim_size=small, **options)


@pytest.mark.parametrize("layer", list(layers()), ids=lambda layer: layer.extra_repr())
def test_values_and_gradients_are_those_of_the_loop(layer):
    layer.temperature = 0.7
    drawn = make_call(layer, LENGTHS)
    for call in (drawn, at_random_levels(layer, drawn)):
        assert_near(
            train(layer, call, "fused", device=DEVICE), train(layer, call, "eager", torch.float64)
        )


@pytest.mark.parametrize(
    "threshold", [0.5, 0.45, "argmax", 1.0, -1.0, [0.1, 0.5, 0.9, 0.3, 2.0, 0.6]]
)
def test_chosen_levels_are_those_of_the_loop(threshold):
    layer = make_layer("lstm", 3, 9, skim_size=4, bidirectional=True, num_layers=2).eval()
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
