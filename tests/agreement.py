"""How two implementations are held to the same reading: once, with every tolerance and its reason.

The promise: decisions forced, states close; run free, equal up to the first token whose
probability is within eps of θ, and such tokens counted and rare.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from skimrnn.decision import Rule
from skimrnn.model_file import ModelFile
from skimrnn.nn import SkimGRU, SkimLSTM, SkimRNN, record
from skimrnn.reference import read_sequence, unpack
from skimrnn.runtime import Layer, implementations

# Largest difference of states, outputs and probabilities with the same decisions: rounding alone.
# Both sides do the same few hundred products, in another order; a step adds at most some tens of
# units in the last place (2e-16, 1e-7), and the longest test has 33 steps and two layers.
CLOSE = {
    np.dtype(np.float64): 1e-12,
    np.dtype(np.float32): 3e-5,
}
# A free decision may differ if the probability is this near to θ. Decisions compare in float32,
# so even float64 probabilities are told apart no better than one float32 step (6e-8).
EPS = {
    np.dtype(np.float64): 1.2e-7,
    np.dtype(np.float32): 1e-4,
}
# Tokens within EPS of θ: chance puts 2 * EPS of them there; more than this is a fault.
RARE = 0.01

SIZES = (1, 3, 7, 15, 17, 31, 33)  # odd, and on both sides of every vector width

# Every reader with what it computes in: NumPy in the model's own precision, the others in float32.
READ_IN = [("numpy", torch.float64), *((name, torch.float32) for name in implementations())]

every_reader = pytest.mark.parametrize(
    ("name", "dtype"),
    [pytest.param(*pair, id=f"{pair[0]}-{str(pair[1])[6:]}") for pair in READ_IN],
)

CLASSES = {"lstm": SkimLSTM, "gru": SkimGRU, "rnn_tanh": SkimRNN, "rnn_relu": SkimRNN}


@dataclass(frozen=True)
class Run:
    """What one implementation gave for a batch; axes as in ``VectorsReading``."""

    output: np.ndarray
    h_n: np.ndarray
    c_n: np.ndarray | None
    level: np.ndarray
    p: np.ndarray
    lengths: np.ndarray

    def text(self, b):
        """The run of text b alone, cut to its length."""
        n = self.lengths[b]
        return Run(
            self.output[b : b + 1, :n],
            self.h_n[:, b : b + 1],
            None if self.c_n is None else self.c_n[:, b : b + 1],
            self.level[b : b + 1, ..., :n],
            self.p[b : b + 1, ..., :n, :],
            self.lengths[b : b + 1],
        )


def make_layer(cell, input_size, hidden_size, *, scale=2.0, dtype=torch.float64, seed=0, **options):
    """A skimming layer in ``eval()`` whose weights are large enough to make decisions differ."""
    torch.manual_seed(seed)
    if cell.startswith("rnn_"):
        options["nonlinearity"] = cell.removeprefix("rnn_")
    layer = CLASSES[cell](input_size, hidden_size, dtype=dtype, **options).eval()
    if cell == "rnn_relu":
        scale = min(scale, 1.0)  # relu has no bound: larger weights make its state explode
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(scale)
    return layer


def make_batch(layer, lengths, *, seed=0, hx=False):
    """Vectors (B, T, E), with rubbish past each text's end, and an initial state or None."""
    generator = torch.Generator().manual_seed(seed)
    dtype = layer.weight_ih_l0.dtype
    x = torch.randn(len(lengths), max(lengths), layer.input_size, generator=generator)
    for row, length in zip(x, lengths, strict=True):
        row[length:] = 1e3
    state = None
    if hx:
        shape = (layer.num_layers * layer.config.directions, len(lengths), layer.hidden_size)
        state = tuple(torch.randn(shape, generator=generator).to(dtype) for _ in "hc")
        state = state if layer.config.cell == "lstm" else state[0]
    return x.to(dtype), state


def random_levels(layer, lengths, seed=0):
    """Levels to force, int8 (B, layers, directions, T), with rubbish past each text's end."""
    random = np.random.default_rng(seed)
    shape = (len(lengths), layer.num_layers, layer.config.directions, max(lengths))
    levels = random.integers(0, len(layer.config.levels), shape).astype(np.int8)
    for row, length in zip(levels, lengths, strict=True):
        row[..., length:] = 99
    return levels


def run_torch(layer, x, lengths, hx=None, levels=None):
    """The torch layer on a packed batch; levels (B, layers, directions, T) forced if given."""
    given = {} if levels is None else {"levels": torch.from_numpy(levels).permute(1, 2, 0, 3)}
    packed = pack_padded_sequence(
        x, torch.as_tensor(lengths), batch_first=True, enforce_sorted=False
    )
    with torch.no_grad(), record() as reads:
        output, state = layer(packed, hx, **given)
    h_n, c_n = state if isinstance(state, tuple) else (state, None)
    shape = (layer.num_layers, layer.config.directions)
    level = torch.stack([entry.level for entry in reads.entries], dim=1)
    p = torch.stack([entry.p for entry in reads.entries], dim=1)
    return Run(
        pad_packed_sequence(output, batch_first=True)[0].numpy(),
        h_n.numpy(),
        None if c_n is None else c_n.numpy(),
        level.unflatten(1, shape).numpy(),
        p.unflatten(1, shape).numpy(),
        np.array(lengths),
    )


def run_reader(reader, x, lengths, hx=None, **options):
    """A ``skimrnn.runtime.Layer`` on a padded batch."""
    if hx is not None:
        hx = tuple(part.numpy() for part in hx) if isinstance(hx, tuple) else hx.numpy()
    read = reader.read_vectors(x.numpy(), lengths, hx, **options)
    return Run(read.output, read.h_n, read.c_n, read.level, read.p, read.lengths)


def run_reference(layer, x, lengths, hx=None, *, choosers):
    """``reference.read_sequence`` text by text; ``choosers(b)`` are those of text b."""
    parameters = {name: value.detach().numpy() for name, value in layer.named_parameters()}
    weights = unpack(parameters, layer.config)
    states = None
    if hx is not None:
        states = tuple(p.numpy() for p in hx) if isinstance(hx, tuple) else (hx.numpy(), None)
    read = []
    for b, n in enumerate(lengths):
        initial = None
        if states is not None:
            initial = tuple(None if part is None else part[:, b] for part in states)
        row = x[b, :n].numpy()
        read.append(read_sequence(row, weights, layer.config, choosers(b), initial))

    def pad(parts, fill, axis):
        shape = list(parts[0].shape)
        shape[axis] = max(lengths)
        whole = np.full((len(parts), *shape), fill, dtype=parts[0].dtype)
        for row, part in zip(whole, parts, strict=True):
            np.moveaxis(row, axis, 0)[: part.shape[axis]] = np.moveaxis(part, axis, 0)
        return whole

    return Run(
        pad([one.output for one in read], 0, 0),
        np.stack([one.h_n for one in read], axis=1),
        None if read[0].c_n is None else np.stack([one.c_n for one in read], axis=1),
        pad([one.level for one in read], -1, 2),
        pad([one.p for one in read], 0, 2),
        np.array(lengths),
    )


def reader_of(layer, implementation=None):
    """The torch-free reader of a torch layer's parameters, without a folder between them."""
    parameters = {
        name: layer.get_parameter(name).detach().numpy().copy()
        for name in layer.config.parameter_shapes()
    }
    rule = Rule(layer.threshold, layer.budget, layer.burst)
    return Layer(ModelFile(layer.config, parameters, rule), implementation)


# ---- comparisons ------------------------------------------------------------------------------


def assert_close(one, other, what=""):
    """Two arrays equal to the tolerance of the coarser dtype."""
    dtype = min(one.dtype, other.dtype, key=lambda dtype: dtype.itemsize)
    tolerance = CLOSE[dtype]
    np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance, err_msg=what)


def assert_forced(one, other):
    """The same decisions, and then everything close."""
    np.testing.assert_array_equal(one.lengths, other.lengths)
    np.testing.assert_array_equal(one.level, other.level)
    for name in ("p", "output", "h_n"):
        assert_close(getattr(one, name), getattr(other, name), name)
    assert (one.c_n is None) == (other.c_n is None)
    if one.c_n is not None:
        assert_close(one.c_n, other.c_n, "c_n")


def assert_bitwise(one, other):
    """Everything equal, bit for bit."""
    for name in ("lengths", "level", "p", "output", "h_n", "c_n"):
        left, right = getattr(one, name), getattr(other, name)
        assert (left is None) == (right is None)
        if left is not None:
            assert left.dtype == right.dtype, name
            np.testing.assert_array_equal(left, right, err_msg=name)


@dataclass(frozen=True)
class Free:
    """What a free comparison met: tokens compared, those close to θ, texts that parted there."""

    tokens: int = 0
    close: int = 0
    parted: int = 0

    def __add__(self, other):
        return Free(
            self.tokens + other.tokens, self.close + other.close, self.parted + other.parted
        )

    def assert_rare(self):
        """Close decisions are as rare as chance makes them."""
        assert self.tokens > 0
        assert self.close <= RARE * self.tokens, self


LENGTHS = [9, 1, 33, 4]
"""Of the texts that ``assert_free_alike`` and ``assert_read_alike`` read."""


def assert_free_alike(layer, name):
    """That reader reads freely as the torch layer does, whose reading is returned."""
    x, hx = make_batch(layer, LENGTHS, hx=True)
    wanted = run_torch(layer, x, LENGTHS, hx)
    assert_free(run_reader(reader_of(layer, name), x, LENGTHS, hx), wanted, 0.5)
    return wanted


def assert_read_alike(layer, name):
    """The same, and at given levels, and within a budget, which the layer keeps."""
    wanted = assert_free_alike(layer, name)
    x, hx = make_batch(layer, LENGTHS, hx=True)
    reader, levels = reader_of(layer, name), random_levels(layer, LENGTHS)
    assert_forced(
        run_reader(reader, x, LENGTHS, hx, levels=levels),
        run_torch(layer, x, LENGTHS, hx, levels=levels),
    )
    layer.budget = 0.2
    read = run_reader(reader, x, LENGTHS, hx, budget=0.2)
    assert_free(read, run_torch(layer, x, LENGTHS, hx), 0.5)
    assert (read.level[2] == 0).sum(axis=-1).max() <= 1 + 0.2 * 33
    return wanted


def margins(p, threshold):
    """How near each token's decision is to going the other way, (...) from p (..., K)."""
    if threshold == "argmax":
        top = np.sort(p, axis=-1)
        return top[..., -1] - top[..., -2]
    tails = np.cumsum(p[..., :0:-1], axis=-1)
    return np.abs(tails - threshold).min(axis=-1)


def assert_free(one, other, thresholds):
    """Equal up to the first token with |p - θ| < eps, text by text.

    Args:
        one: a run.
        other: another one.
        thresholds: θ of all texts, or one per text.

    Returns:
        The counts, as ``Free``.
    """
    np.testing.assert_array_equal(one.lengths, other.lengths)
    if isinstance(thresholds, str) or np.ndim(thresholds) == 0:
        thresholds = [thresholds] * len(one.lengths)
    dtype = min(one.p.dtype, other.p.dtype, key=lambda dtype: dtype.itemsize)
    total = Free()
    for b, threshold in enumerate(thresholds):
        total += _free_text(one.text(b), other.text(b), threshold, EPS[dtype])
    return total


def _free_text(one, other, threshold, eps):
    _, layers, directions, tokens = one.level.shape
    near = margins(one.p[0], threshold) < eps
    counts = Free(tokens=near.size, close=int(near.sum()))
    for layer in range(layers):
        parted = False
        for direction in range(directions):
            order = np.arange(tokens)[:: -1 if direction else 1]
            left, right = (run.level[0, layer, direction, order] for run in (one, other))
            differ = np.flatnonzero(left != right)
            until = len(order)
            if len(differ):
                first = differ[0]
                until = first + 1  # p itself does not depend on this token's decision
                parted = True
                token = order[first]
                assert near[layer, direction, token], (
                    f"layer {layer}, direction {direction}, token {token}: level "
                    f"{left[first]} against {right[first]}, where "
                    f"p={one.p[0, layer, direction, token]} is not within {eps} of {threshold}"
                )
            same = order[:until]
            assert_close(one.p[0, layer, direction, same], other.p[0, layer, direction, same], "p")
        if parted:  # what follows stands on states that rightly differ
            return replace(counts, parted=1)
    assert_forced(one, other)
    return counts
