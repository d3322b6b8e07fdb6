"""Reading vectors: shapes, lengths, initial states, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import make_classifier, make_config, make_layer, saved
from skimrnn.decision import Rule
from skimrnn.runtime import Layer, load_layer

CONFIGS = {
    "lstm": make_config((7, 3)),
    "gru": make_config((7, 3, 0), cell="gru", num_layers=2, bidirectional=True),
    "plain": make_config((7,), cell="rnn_tanh"),
}


@pytest.fixture(scope="module", params=CONFIGS)
def layer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, implementation: str
) -> Layer:
    folder = saved(tmp_path_factory.mktemp("layer") / "model", make_layer(CONFIGS[request.param]))
    return load_layer(folder, implementation=implementation)


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def initial(layer: Layer, *batch: int, seed: int = 9):
    config = layer.config
    shape = (config.num_layers * config.directions, *batch, config.hidden_size)
    h = draw(*shape, seed=seed)
    return (h, draw(*shape, seed=seed + 1)) if config.cell == "lstm" else h


def test_shapes_of_a_batch(layer: Layer) -> None:
    config = layer.config
    states, width = config.num_layers * config.directions, config.directions * 7
    read = layer.read_vectors(draw(4, 6, 5))
    assert read.output.shape == (4, 6, width)
    assert read.h_n.shape == (states, 4, 7)
    assert (read.c_n is None) == (config.cell != "lstm")
    assert read.level.shape == (4, config.num_layers, config.directions, 6)
    assert read.p.shape == (*read.level.shape, len(config.levels))
    assert read.lengths.tolist() == [6] * 4
    assert read.output.dtype == read.h_n.dtype == read.p.dtype == np.float32
    assert read.level.dtype == np.int8
    np.testing.assert_allclose(read.p.sum(axis=-1), 1, rtol=1e-6)


def test_one_sequence_is_a_batch_of_one_without_its_axis(layer: Layer) -> None:
    x = draw(6, 5)
    one, batch = layer.read_vectors(x), layer.read_vectors(x[None])
    np.testing.assert_array_equal(one.output, batch.output[0])
    np.testing.assert_array_equal(one.h_n, batch.h_n[:, 0])
    np.testing.assert_array_equal(one.level, batch.level[0])
    np.testing.assert_array_equal(one.p, batch.p[0])
    assert one.skim_rate == batch.skim_rate
    assert one.cost() == batch.cost()
    if batch.c_n is not None:
        np.testing.assert_array_equal(one.c_n, batch.c_n[:, 0])


def test_lengths(layer: Layer) -> None:
    x, lengths = draw(4, 6, 5), [6, 0, 1, 4]
    padded = layer.read_vectors(x, lengths)
    for b, n in enumerate(lengths):
        alone = layer.read_vectors(x[b, :n])
        np.testing.assert_array_equal(padded.output[b, :n], alone.output)
        np.testing.assert_array_equal(padded.h_n[:, b], alone.h_n)
        np.testing.assert_array_equal(padded.level[b, ..., :n], alone.level)
        np.testing.assert_array_equal(padded.p[b, ..., :n, :], alone.p)
        assert (padded.output[b, n:] == 0).all()
        assert (padded.level[b, ..., n:] == -1).all()
        assert (padded.p[b, ..., n:, :] == 0).all()
    x[0, 5:], x[1], x[2, 1:], x[3, 4:] = 1e6, np.nan, np.inf, -1e6
    again = layer.read_vectors(x, np.array([5, 0, 1, 4], np.int32))
    np.testing.assert_array_equal(again.output[1:], padded.output[1:])
    np.testing.assert_array_equal(again.h_n[:, 1:], padded.h_n[:, 1:])
    assert again.lengths.tolist() == [5, 0, 1, 4]


def test_a_sequence_without_tokens_keeps_its_state(layer: Layer) -> None:
    read = layer.read_vectors(draw(0, 5))
    assert read.output.shape == (0, layer.config.directions * 7)
    assert (read.h_n == 0).all()
    assert read.skim_rate is None
    assert read.cost().flop_reduction is None
    hx = initial(layer)
    kept = layer.read_vectors(draw(0, 5), hx=hx)
    h = hx[0] if isinstance(hx, tuple) else hx
    np.testing.assert_array_equal(kept.h_n, h)
    if isinstance(hx, tuple):
        np.testing.assert_array_equal(kept.c_n, hx[1])


def test_a_batch_without_sequences(layer: Layer) -> None:
    read = layer.read_vectors(np.zeros((0, 6, 5)), lengths=[])
    assert read.output.shape == (0, 6, layer.config.directions * 7)
    assert read.h_n.shape[1] == 0
    assert read.skim_rate is None


@pytest.mark.parametrize("name", ["lstm", "plain"])
def test_an_initial_state_continues_a_sequence(
    name: str, tmp_path: Path, implementation: str
) -> None:
    folder = saved(tmp_path / "model", make_layer(CONFIGS[name]))
    layer = load_layer(folder, implementation=implementation)
    x = draw(9, 5)
    whole, first = layer.read_vectors(x), layer.read_vectors(x[:4])
    hx = first.h_n if first.c_n is None else (first.h_n, first.c_n)
    second = layer.read_vectors(x[4:], hx=hx)
    np.testing.assert_array_equal(whole.output, np.concatenate([first.output, second.output]))
    np.testing.assert_array_equal(whole.h_n, second.h_n)


def test_each_sequence_has_its_own_initial_state(layer: Layer) -> None:
    x, hx = draw(3, 4, 5), initial(layer, 3)
    batch = layer.read_vectors(x, hx=hx)
    for b in range(3):
        own = tuple(part[:, b] for part in hx) if isinstance(hx, tuple) else hx[:, b]
        alone = layer.read_vectors(x[b], hx=own)
        np.testing.assert_array_equal(batch.h_n[:, b], alone.h_n)
        np.testing.assert_array_equal(batch.output[b], alone.output)
    assert not np.array_equal(batch.h_n, layer.read_vectors(x).h_n)


def test_nothing_given_is_changed(layer: Layer) -> None:
    x, hx = draw(3, 4, 5), initial(layer, 3)
    before = (x.copy(), [np.copy(part) for part in (hx if isinstance(hx, tuple) else (hx,))])
    layer.read_vectors(x, [4, 0, 2], hx)
    np.testing.assert_array_equal(x, before[0])
    for part, kept in zip(hx if isinstance(hx, tuple) else (hx,), before[1], strict=True):
        np.testing.assert_array_equal(part, kept)


@given(lengths=st.lists(st.integers(0, 5), max_size=5), seed=st.integers(0, 99))
def test_batch_mates_and_padding_change_nothing(lengths, seed: int, layer: Layer) -> None:
    x = draw(len(lengths), 5, 5, seed=seed)
    batch = layer.read_vectors(x, lengths)
    for b, n in enumerate(lengths):
        alone = layer.read_vectors(x[b, :n])
        assert batch.h_n[:, b].tobytes() == alone.h_n.tobytes()
        assert batch.p[b, ..., :n, :].tobytes() == alone.p.tobytes()


def test_options_for_each_sequence(tmp_path: Path, implementation: str) -> None:
    folder = saved(tmp_path / "model", make_layer(CONFIGS["lstm"], rule=Rule(0.3)))
    layer = load_layer(folder, implementation=implementation)
    x = np.repeat(draw(1, 8, 5), 3, axis=0)
    read = layer.read_vectors(x, threshold=[1, -1, 1], budget=[1, 1, 0.25], burst=1)
    assert (read.level[0] == 0).all()
    assert (read.level[1] == 1).all()
    assert read.level[2, 0, 0].tolist() == [0, 1, 1, 0, 1, 1, 1, 0]
    assert layer.rule == Rule(0.3)
    np.testing.assert_array_equal(
        layer.read_vectors(x).level, layer.read_vectors(x, threshold=0.3).level
    )
    with pytest.raises(
        ValueError, match="threshold must be one value or one per text; got 2 for 3"
    ):
        layer.read_vectors(x, threshold=[0.5, 0.5])


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ((5,), "(5,)"),
        ((6, 4), "(6, 4)"),
        ((2, 6, 4), "(2, 6, 4)"),
        ((1, 2, 6, 5), "(1, 2, 6, 5)"),
        ((), "()"),
    ],
    ids=str,
)
def test_a_wrong_shape_is_refused(shape, shown: str, layer: Layer) -> None:
    with pytest.raises(ValueError, match=r"x must be \(T, 5\) or \(B, T, 5\)") as caught:
        layer.read_vectors(np.zeros(shape))
    assert str(caught.value).endswith(f"got {shown}")


@pytest.mark.parametrize(
    "lengths",
    [[6], [6, 6, 6, 6], [6, 7, 1], [6, -1, 1], [6, 2.5, 1], [6, float("nan"), 1]],
    ids=str,
)
def test_wrong_lengths_are_refused(lengths, layer: Layer) -> None:
    with pytest.raises(ValueError, match=r"lengths must be 3 whole numbers from 0 to 6; got \["):
        layer.read_vectors(draw(3, 6, 5), lengths)


def test_a_wrong_initial_state_is_refused(layer: Layer) -> None:
    lstm = layer.config.cell == "lstm"
    x, right, unbatched = draw(3, 6, 5), initial(layer, 3), initial(layer)
    wrong = [initial(layer, 2), unbatched, right[0] if lstm else (right, right)]
    if lstm:
        wrong += [(right[0],), (right[0], unbatched[1]), (*right, right[0]), 5]
    for hx in wrong:
        with pytest.raises(
            ValueError, match=r"hx must be \(h_0, c_0\)" if lstm else "hx must be h_0 of"
        ):
            layer.read_vectors(x, hx=hx)
    with pytest.raises(ValueError, match="hx must be"):
        layer.read_vectors(x[0], hx=right)


def test_vectors_are_taken_as_the_parameters_are(tmp_path: Path) -> None:
    layer = load_layer(saved(tmp_path / "model", make_layer(dtype="float64")))
    x = draw(4, 5)
    read = layer.read_vectors(x)
    assert read.output.dtype == np.float64
    np.testing.assert_array_equal(read.output, layer.read_vectors(x.astype(np.float64)).output)


def test_vectors_may_be_whole_numbers(layer: Layer) -> None:
    ints = np.arange(20).reshape(4, 5)
    np.testing.assert_array_equal(
        layer.read_vectors(ints.tolist()).output, layer.read_vectors(ints.astype(np.float32)).output
    )


def test_the_layers_of_a_classifier(tmp_path: Path) -> None:
    layer = load_layer(saved(tmp_path / "model", make_classifier(CONFIGS["lstm"], seed=3)))
    alone = load_layer(saved(tmp_path / "layer", make_layer(CONFIGS["lstm"], seed=3)))
    x = draw(4, 5)
    assert not hasattr(layer, "predict")
    np.testing.assert_array_equal(layer.read_vectors(x).output, alone.read_vectors(x).output)


def test_skim_rate_and_cost_are_pooled_over_real_tokens(
    tmp_path: Path, implementation: str
) -> None:
    folder = saved(tmp_path / "model", make_layer(CONFIGS["lstm"]))
    layer = load_layer(folder, implementation=implementation)
    x = draw(2, 6, 5)
    read = layer.read_vectors(x, [6, 2], threshold=[1, -1])
    assert read.skim_rate == 2 / 8
    cost = read.cost()
    full, small, router = 4 * 7 * (5 + 7), 4 * 3 * (5 + 3), 2 * (5 + 14)
    assert cost.read_all == (6 * full, 2 * full)
    assert cost.taken == (6 * (full + router), 2 * (small + router))
