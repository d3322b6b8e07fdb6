"""The GPU's step without a GPU: what would be recorded, and how recordings are kept and guarded.

Recording itself is torch's, and needs a GPU; here a recording is the function, called again.
"""

import copy
import pickle

import pytest
import torch
from test_native_training import CLOSE, LENGTHS, at_random_levels, make_call, train

from agreement import make_layer
from skimrnn.nn import SkimLSTM, graph, paths
from skimrnn.nn.graph import Recordings, bucket


@pytest.fixture
def recorded(monkeypatch):
    """Lets the CPU take the path; the shapes of x of what was recorded."""
    shapes = []

    def record(function, samples):
        shapes.append(tuple(samples[0].shape))
        return function

    monkeypatch.setattr(paths, "_graph_obstacle", lambda config, x: None)
    monkeypatch.setattr("skimrnn.nn.skim.Recordings", lambda: Recordings(record))
    return shapes


def test_buckets():
    sizes = [bucket(size) for size in range(1, 401)]
    assert sizes[:9] == [1, 2, 3, 4, 5, 6, 7, 8, 10]
    for size, padded in enumerate(sizes, 1):
        assert size <= padded < 1.25 * size + 1
        assert bucket(padded) == padded
    assert len(set(sizes)) < 32


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
@pytest.mark.parametrize(
    "options",
    [
        {"skim_size": 2},
        {"levels": (9, 4, 0), "bidirectional": True, "num_layers": 2},
        {"skim_size": 3, "hard": True, "skim_input": "full", "bias": False},
    ],
    ids=lambda options: "-".join(options),
)
def test_values_and_gradients_are_those_of_the_loop(recorded, cell, options):
    layer = make_layer(cell, 5, 9, **options)
    layer.temperature = 0.7
    drawn = make_call(layer, LENGTHS)
    for call in (drawn, at_random_levels(layer, drawn)):
        wanted = train(layer, call, "eager", torch.float64)
        ours = train(layer, call, "graph", torch.float64)
        assert ours.keys() == wanted.keys()
        for name, value in wanted.items():
            torch.testing.assert_close(ours[name], value, rtol=1e-9, atol=1e-9, msg=name)
    assert set(recorded) <= {(10, 6, 5), (10, 6, 9), (10, 6, 18)}  # T = 9 is padded to 10


def make_float_layer(**options):
    return make_layer("lstm", 3, 5, skim_size=2, dtype=torch.float32, path="graph", **options)


def test_one_recording_serves_a_bucket(recorded):
    layer = make_float_layer().train()
    for steps, batch in ((9, 2), (10, 2), (9, 2), (11, 2), (12, 2), (9, 3)):
        layer(torch.randn(steps, batch, 3))[0].sum().backward()
    assert recorded == [(10, 2, 3), (12, 2, 3), (10, 3, 3)]
    layer.temperature = 0.5  # changes between replays
    layer(torch.randn(9, 2, 3))[0].sum().backward()
    assert len(recorded) == 3


def test_a_layer_called_twice_before_going_back_gets_two(recorded):
    layer = make_float_layer().train()
    x = torch.randn(2, 4, 2, 3)
    for _ in range(3):
        (layer(x[0])[0] + layer(x[1])[0]).sum().backward()
    assert len(recorded) == 2
    both = {name: parameter.grad.clone() for name, parameter in layer.named_parameters()}
    layer.zero_grad()
    layer.path = "eager"
    torch.manual_seed(0)
    (layer(x[0])[0] + layer(x[1])[0]).sum().backward()
    eager = {name: parameter.grad.clone() for name, parameter in layer.named_parameters()}
    layer.zero_grad()
    layer.path = "graph"
    torch.manual_seed(0)
    (layer(x[0])[0] + layer(x[1])[0]).sum().backward()
    for name, parameter in layer.named_parameters():
        torch.testing.assert_close(parameter.grad, eager[name], **CLOSE)
    assert both.keys() == eager.keys()


def test_a_result_that_is_dropped_frees_its_recording(recorded):
    layer = make_float_layer().train()
    for _ in range(3):
        output, state = layer(torch.randn(4, 2, 3))
        del output, state
    assert len(recorded) == 1


def test_results_are_not_overwritten_by_the_next_replay(recorded):
    layer = make_float_layer().train()
    first, _ = layer(torch.randn(4, 2, 3))
    first.sum().backward()
    kept = first.detach().clone()
    layer(torch.randn(4, 2, 3))
    assert torch.equal(first.detach(), kept)


def test_going_back_again_after_the_memory_was_used_is_refused(recorded):
    layer = make_float_layer().train()
    loss = layer(torch.randn(4, 2, 3))[0].sum()
    loss.backward(retain_graph=True)
    loss.backward(retain_graph=True)  # nothing was overwritten yet
    layer(torch.randn(4, 2, 3))[0].sum().backward()
    with pytest.raises(RuntimeError, match='set path="eager"'):
        loss.backward()


def test_the_oldest_recordings_go_first(recorded, monkeypatch):
    monkeypatch.setattr(graph, "MAX_RECORDINGS", 3)
    layer = make_float_layer().train()
    for steps in (1, 2, 3, 1, 4, 1, 2):
        layer(torch.randn(steps, 2, 3))[0].sum().backward()
    assert [shape[0] for shape in recorded] == [1, 2, 3, 4, 2]


def test_copies_and_pickles_record_for_themselves(recorded):
    layer = make_float_layer().train()
    layer(torch.randn(4, 2, 3))[0].sum().backward()
    twin = copy.deepcopy(layer)
    twin(torch.randn(4, 2, 3))[0].sum().backward()
    assert len(recorded) == 2
    assert [parameter.grad is not None for parameter in twin.parameters()]
    plain = SkimLSTM(3, 5, skim_size=2)
    again = pickle.loads(pickle.dumps(plain))
    assert torch.equal(again.weight_hh_l0, plain.weight_hh_l0)


def test_without_a_gpu_the_path_is_refused_by_name():
    layer = make_float_layer().train()
    with pytest.raises(ValueError, match='path "graph" needs a CUDA device, and the input is on'):
        layer(torch.randn(4, 2, 3))


def test_what_cannot_be_recorded_goes_through_the_loop_with_a_warning(monkeypatch):
    def fail(function, samples, **options):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", fail)
    monkeypatch.setattr(paths, "_graph_obstacle", lambda config, x: None)
    monkeypatch.setattr(paths, "_native_obstacle", lambda config, x: "is not wanted here")
    layer, x = make_float_layer().train(), torch.randn(4, 2, 3)
    with pytest.raises(graph.RecordingError, match=r'not permitted.*use path="eager"'):
        layer(x)
    layer.path = "auto"
    with pytest.warns(UserWarning, match="it is used from now on"):
        layer(x)[0].sum().backward()
    assert layer.path == "eager"
    layer(x)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_on_a_gpu(cell):
    layer = make_layer(cell, 5, 9, levels=(9, 4, 0), bidirectional=True, dtype=torch.float32)
    noise = torch.randn(1, 2, 6, 9, 3)
    x = torch.randn(6, 9, 5)
    results = {}
    for path in ("eager", "graph"):
        twin = copy.deepcopy(layer).cuda().train()
        twin.path, twin.batch_first = path, True
        for _ in range(3):  # the second and third are replays
            twin.zero_grad()
            output, _ = twin(x.cuda(), noise=noise.cuda())
            output.square().sum().backward()
        results[path] = [output, *(parameter.grad for parameter in twin.parameters())]
    for one, other in zip(*results.values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
