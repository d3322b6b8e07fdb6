"""Gumbel noise: a function of its key, finite, of the right distribution, blind to padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skimrnn.train.noise import batch_gumbel, gumbel

KEY = {"seed": 3, "step": 5, "row": 2, "layer": 1, "direction": 0, "tokens": 6, "levels": 2}


def test_golden() -> None:
    """Another stream would make runs of an older version unrepeatable."""
    bits = np.random.Philox(key=[3, 5], counter=[0, 2, 1, 0]).random_raw(12)
    uniform = ((bits >> np.uint64(12)).astype(object) * 2 + 1) / 2**53
    expected = -np.log(-np.log(uniform.astype(np.float64))).reshape(6, 2)
    np.testing.assert_allclose(gumbel(**KEY), expected, rtol=1e-12)
    assert gumbel(**KEY)[0, 0] == pytest.approx(-0.5600701174339625, abs=1e-12)


def test_the_same_key_gives_the_same_noise() -> None:
    assert gumbel(**KEY).tobytes() == gumbel(**KEY).tobytes()
    assert gumbel(**KEY).shape == (6, 2)


@pytest.mark.parametrize("name", ["seed", "step", "row", "layer", "direction"])
def test_every_part_of_the_key_counts(name: str) -> None:
    other = gumbel(**{**KEY, name: KEY[name] + 1})
    assert not np.isclose(other, gumbel(**KEY)).any()


@given(
    seed=st.integers(0, 2**63 - 1),
    step=st.integers(0, 2**40),
    row=st.integers(0, 2**31),
    short=st.integers(0, 20),
    more=st.integers(0, 20),
    levels=st.integers(1, 4),
)
def test_a_longer_text_s_noise_begins_with_a_shorter_one_s(seed, step, row, short, more, levels):
    first = gumbel(seed, step, row, 0, 1, short, levels)
    whole = gumbel(seed, step, row, 0, 1, short + more, levels)
    assert first.tobytes() == whole[:short].tobytes()
    assert np.isfinite(whole).all()
    assert np.isfinite(whole.astype(np.float32)).all()


@pytest.mark.parametrize("raw", [0, 2**64 - 1, 2**12 - 1, 2**63])
def test_no_value_of_the_stream_gives_infinity(raw: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Extreme:
        def __init__(self, **key: object) -> None:
            pass

        def random_raw(self, count: int) -> np.ndarray:
            return np.full(count, raw, dtype=np.uint64)

    monkeypatch.setattr(np.random, "Philox", Extreme)
    noise = gumbel(**KEY).astype(np.float32)
    assert np.isfinite(noise).all()
    assert (np.abs(noise) < 40).all()


def test_it_is_distributed_as_gumbel() -> None:
    noise = np.sort(gumbel(0, 0, 0, 0, 0, 50_000, 2).ravel())
    assert noise.mean() == pytest.approx(0.5772, abs=0.02)
    assert noise.var() == pytest.approx(np.pi**2 / 6, abs=0.03)
    # Kolmogorov-Smirnov against exp(-exp(-x)); 0.0043 is the 5 % point at 100,000.
    expected = np.exp(-np.exp(-noise))
    assert np.abs(expected - np.arange(1, len(noise) + 1) / len(noise)).max() < 0.006


def test_neighbours_are_not_correlated() -> None:
    noise = gumbel(0, 0, 0, 0, 0, 50_000, 2)
    rows = np.stack([gumbel(0, 0, row, 0, 0, 1, 2)[0] for row in range(2000)])
    steps = np.stack([gumbel(0, step, 0, 0, 0, 1, 2)[0] for step in range(2000)])
    assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 0.02
    assert abs(np.corrcoef(noise[1:, 0], noise[:-1, 0])[0, 1]) < 0.02
    for keyed in (rows, steps):
        assert abs(np.corrcoef(keyed[1:, 0], keyed[:-1, 0])[0, 1]) < 0.08


def test_a_batch_is_its_texts_noise_and_zero_in_the_padding() -> None:
    lengths = [3, 0, 5]
    noise = batch_gumbel(7, 11, lengths, 2, 2, 3, first_row=4)
    assert noise.shape == (2, 2, 3, 5, 3)
    assert noise.dtype == np.float32
    for layer in range(2):
        for direction in range(2):
            for b, tokens in enumerate(lengths):
                own = gumbel(7, 11, 4 + b, layer, direction, tokens, 3).astype(np.float32)
                np.testing.assert_array_equal(noise[layer, direction, b, :tokens], own)
                assert (noise[layer, direction, b, tokens:] == 0).all()


def test_padding_and_the_way_a_batch_is_cut_change_nothing() -> None:
    whole = batch_gumbel(7, 11, [3, 2, 9, 4], 1, 1, 2)
    first, second = (
        batch_gumbel(7, 11, [3, 2], 1, 1, 2),
        batch_gumbel(7, 11, [9, 4], 1, 1, 2, first_row=2),
    )
    np.testing.assert_array_equal(whole[:, :, :2, :3], first)
    np.testing.assert_array_equal(whole[:, :, 2:], second)


def test_no_text() -> None:
    assert batch_gumbel(0, 0, [], 1, 2, 2).shape == (1, 2, 0, 0, 2)
    assert batch_gumbel(0, 0, [0, 0], 1, 2, 2).shape == (1, 2, 2, 0, 2)
