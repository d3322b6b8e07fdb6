import json

import numpy as np
import pytest

from skimrnn.tasks import DataError, Examples, TextTask
from skimrnn.tasks.base import make_task


def pair(targets=(0, 1)):
    return Examples(["a", "b"], np.array(targets))


def test_examples_keep_their_own_read_only_targets():
    targets = np.array([1, 0], dtype=np.int32)
    examples = Examples(["a", "b"], targets)
    targets[0] = 7
    assert examples.targets.dtype == np.int64
    assert examples.targets.tolist() == [1, 0]
    with pytest.raises(ValueError, match="read-only"):
        examples.targets[0] = 1


def test_examples_refuse_targets_that_do_not_fit():
    with pytest.raises(ValueError, match=r"one entry for each of the 2 texts; got shape \(3,\)"):
        Examples(["a", "b"], np.zeros(3))


def test_take_and_join():
    examples = Examples(["a", "b", "c"], np.array([0, 1, 2]))
    joined = Examples.join([examples.take([2, 0]), examples.take([])])
    assert joined.texts == ["c", "a"]
    assert joined.targets.tolist() == [2, 0]
    assert len(Examples.join([])) == 0


def test_record_is_json_and_counts_every_label():
    splits = {"train": pair(), "validation": pair((1, 1)), "test": pair((0, 0))}
    task = make_task("t", ("no", "yes"), splits, {"seed": 3})
    assert json.loads(json.dumps(task.record)) == {
        "name": "t",
        "labels": ["no", "yes"],
        "seed": 3,
        "counts": {
            "train": {"texts": 2, "no": 1, "yes": 1},
            "validation": {"texts": 2, "no": 0, "yes": 2},
            "test": {"texts": 2, "no": 2, "yes": 0},
        },
    }


def test_a_task_refuses_what_cannot_be_trained_on():
    empty = Examples([], np.zeros(0))
    with pytest.raises(DataError, match="the test split is empty"):
        TextTask("t", ("no", "yes"), pair(), pair(), empty)
    with pytest.raises(DataError, match="every training text has the label 'yes'"):
        TextTask("t", ("no", "yes"), pair((1, 1)), pair(), pair())
    with pytest.raises(ValueError, match="between 0 and 1; the validation split has 0 to 2"):
        TextTask("t", ("no", "yes"), pair(), pair((0, 2)), pair())
    with pytest.raises(ValueError, match="labels must differ"):
        TextTask("t", ("no", "no"), pair(), pair(), pair())
