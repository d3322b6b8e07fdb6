"""Batches: every text once an epoch, lengths together, the same for the same seed."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skimrnn.train.batches import (
    POOL_BATCHES,
    Encoded,
    collate,
    drop_words,
    epoch_batches,
    ordered_batches,
    soften,
)


def lengths_of(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 60, count)


@given(count=st.integers(1, 400), size=st.integers(1, 40), seed=st.integers(0, 9))
def test_every_text_is_in_one_batch(count: int, size: int, seed: int) -> None:
    lengths = lengths_of(count)
    for batches in (epoch_batches(lengths, size, seed, 3), ordered_batches(lengths, size)):
        assert sorted(np.concatenate(batches).tolist()) == list(range(count))
        assert all(1 <= len(batch) <= size for batch in batches)
        assert len(batches) == -(-count // size)


def test_many_pools_make_as_many_batches_as_one() -> None:
    """The number of steps per epoch is counted on."""
    size = 2
    count = size * POOL_BATCHES * 3 + 1
    batches = epoch_batches(lengths_of(count), size, 0, 0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(count))
    assert len(batches) == -(-count // size)


def test_the_order_is_the_seed_s_and_the_epoch_s() -> None:
    lengths = lengths_of(200)

    def order(seed: int, epoch: int) -> list[list[int]]:
        return [batch.tolist() for batch in epoch_batches(lengths, 8, seed, epoch)]

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)


def test_similar_lengths_stand_together() -> None:
    lengths = lengths_of(512)
    spread = [np.ptp(lengths[batch]) for batch in epoch_batches(lengths, 8, 0, 0)]
    assert np.mean(spread) < 3
    firsts = [lengths[batch].min() for batch in epoch_batches(lengths, 8, 0, 0)]
    assert firsts != sorted(firsts)


def test_ordered_batches_rise() -> None:
    lengths = lengths_of(100)
    order = np.concatenate(ordered_batches(lengths, 7))
    assert (np.diff(lengths[order]) >= 0).all()


def test_a_long_text_makes_its_batch_a_smaller_one() -> None:
    lengths = np.array([3, 100, 2, 30, 0, 40, 1])
    batches = ordered_batches(lengths, 4, padded=80)
    assert [lengths[batch].tolist() for batch in batches] == [[0, 1, 2, 3], [30, 40], [100]]
    assert [len(batch) for batch in ordered_batches(np.full(600, 2500), 256)] == [256, 256, 88]
    assert max(map(len, ordered_batches(np.full(600, 120_000), 256))) == 8


def test_collate_pads_with_zero() -> None:
    rows = [np.array(r, np.int32) for r in ([5, 6], [], [7], [1, 2, 3])]
    data = Encoded(rows, np.array([1, 0, 1, 0]))
    batch = collate(data, np.array([3, 1, 0]))
    assert batch.rows.tolist() == [[1, 2, 3], [0, 0, 0], [5, 6, 0]]
    assert batch.lengths.tolist() == [3, 0, 2]
    assert batch.targets.tolist() == [0, 0, 1]
    assert batch.rows.dtype == batch.lengths.dtype == batch.targets.dtype == torch.int64
    assert collate(data, [1]).rows.shape == (1, 0)
    assert data.lengths().tolist() == [2, 0, 1, 3]
    assert len(data) == 4


def test_words_are_dropped_at_their_probability() -> None:
    rows = torch.full((200, 50), 7)
    dropped = drop_words(rows, 0.25, np.random.default_rng(0))
    assert set(dropped.unique().tolist()) == {0, 7}
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert torch.equal(drop_words(rows, 0.25, np.random.default_rng(0)), dropped)
    assert torch.equal(drop_words(rows, 0.0, np.random.default_rng(0)), rows)
    assert drop_words(rows[:, :0], 0.5, np.random.default_rng(0)).shape == (200, 0)


# ---- a teacher ----------------------------------------------------------------------------------


def test_a_batch_wants_what_the_teacher_and_the_labels_say() -> None:
    teacher = np.array([[0.8, 0.2], [0.4, 0.6], [0.0, 1.0]])
    targets = np.array([0, 0, 1])
    same, soft = soften(targets, teacher, 0.25)
    assert same.tolist() == [0, 0, 1]
    np.testing.assert_allclose(soft, [[0.95, 0.05], [0.85, 0.15], [0.0, 1.0]], rtol=1e-6)
    rows = [np.arange(n, dtype=np.int32) for n in (2, 1, 3)]
    batch = collate(Encoded(rows, targets, soft), [2, 0])
    assert batch.targets.tolist() == [1, 0]
    np.testing.assert_array_equal(batch.wanted.numpy(), soft[[2, 0]])
    assert collate(Encoded(rows, targets), [2, 0]).wanted.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        (np.full((2, 2), 0.5), r"each of the 3 training texts, .*; got \(2, 2\)"),
        (np.full(3, 0.5), r"each of the 3 training texts, .*; got \(3,\)"),
        (np.ones((3, 1)), r"each of the 3 training texts, .*; got \(3, 1\)"),
        (np.full((3, 2), 0.6), "add up to 1 per text"),
        (np.array([[1.5, -0.5]] * 3), "at least 0 and add up"),
        (np.full((3, 2), np.nan), "at least 0 and add up"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(teacher: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        soften(np.array([0, 0, 1]), teacher, 0.5)


def test_unlabelled_texts_are_what_the_teacher_says() -> None:
    teacher = np.array([[0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.9, 0.1]])
    targets, soft = soften(np.array([0, 0]), teacher, 0.5, unlabelled=2)
    assert targets.tolist() == [0, 0, 1, 0]
    np.testing.assert_allclose(soft, [[0.9, 0.1], [0.7, 0.3], [0.3, 0.7], [0.9, 0.1]], rtol=1e-6)
    with pytest.raises(ValueError, match=r"each of the 2 training texts and 3 unlabelled ones"):
        soften(np.array([0, 0]), teacher, 0.5, unlabelled=3)
