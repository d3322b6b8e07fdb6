import pytest

from skimrnn.tasks import accuracy, confusion


def test_accuracy_is_the_share_of_hits():
    assert accuracy([0, 1, 1, 2], [0, 1, 2, 2]) == 0.75


def test_confusion_has_targets_as_rows():
    assert confusion([0, 1, 1, 2], [0, 1, 2, 2], 4).tolist() == [
        [1, 0, 0, 0],
        [0, 1, 1, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 0],
    ]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="not empty"):
        accuracy([], [])
    with pytest.raises(ValueError, match=r"\(2,\) and \(1,\)"):
        accuracy([0, 1], [0])
    with pytest.raises(ValueError, match="predicted must be between 0 and 1; got -1 to 1"):
        confusion([0, 1], [-1, 1], 2)
