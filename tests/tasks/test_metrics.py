import pytest

from skimrnn.tasks import accuracy


def test_accuracy_is_the_share_of_hits():
    assert accuracy([0, 1, 1, 2], [0, 1, 2, 2]) == 0.75


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="not empty"):
        accuracy([], [])
    with pytest.raises(ValueError, match=r"\(2,\) and \(1,\)"):
        accuracy([0, 1], [0])
