import numpy as np
import pytest

from skimrnn.tasks.splits import (
    permutation,
    random_split,
    split_sizes,
    stratified_split,
    text_key,
)


def test_permutation_is_the_same_everywhere():
    assert permutation(8, 0).tolist() == [0, 3, 7, 5, 1, 2, 6, 4]
    assert permutation(8, 1).tolist() == [2, 0, 1, 4, 5, 6, 7, 3]
    assert sorted(permutation(1000, 5).tolist()) == list(range(1000))
    assert permutation(0, 0).tolist() == []


@pytest.mark.parametrize(
    ("count", "published", "sizes"),
    [
        (10_662, (8_530, 1_066, 1_066), (8_530, 1_066, 1_066)),
        (120_000, (101_851, 18_149), (101_851, 18_149)),
        (28_488, (101_851, 18_149), (24_179, 4_309)),
        (10, (8_530, 1_066, 1_066), (8, 1, 1)),
    ],
)
def test_sizes_are_the_published_ones_or_their_proportion(count, published, sizes):
    assert split_sizes(count, published) == sizes


def test_random_split_parts_are_disjoint_and_ordered():
    parts = random_split(20, (12, 5, 3), seed=4)
    assert [len(part) for part in parts] == [12, 5, 3]
    assert sorted(np.concatenate(parts).tolist()) == list(range(20))
    assert all((np.diff(part) > 0).all() for part in parts)
    assert parts[1].tolist() != random_split(20, (12, 5, 3), seed=5)[1].tolist()


def test_every_class_gives_its_share_and_a_rare_one_stays_in_training():
    targets = np.array([0] * 40 + [1] * 10 + [2] * 2)
    train, validation, test = stratified_split(targets, (0.1, 0.1), seed=0)
    assert np.bincount(targets[train]).tolist() == [32, 8, 2]
    assert np.bincount(targets[validation]).tolist() == [4, 1]
    assert np.bincount(targets[test]).tolist() == [4, 1]
    assert sorted(np.concatenate([train, validation, test]).tolist()) == list(range(52))


@pytest.mark.parametrize(
    ("shares", "sizes"),
    [([0.75], [1, 1]), ([0.99], [1, 1]), ([0.5, 0.5], [1, 2, 1]), ([0.9, 0.1], [1, 3, 1])],
)
def test_large_shares_leave_each_part_a_row_of_every_class(shares, sizes):
    parts = stratified_split(np.zeros(sum(sizes), np.int64), shares, seed=0)
    assert [len(part) for part in parts] == sizes


def test_key_holds_letters_and_digits_only():
    assert text_key("It 's `` STRASSE '' , 2 1/2 !") == "itsstrasse212"
    assert text_key('It\'s "Straße", 2 1/2!') == "itsstrasse212"
    assert text_key(" ... ") == ""
