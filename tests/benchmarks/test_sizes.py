"""How many units a control may have to take as long as what skims: the search, and its result."""

import json

import numpy as np
import pytest

from benchmarks.classification import rows
from benchmarks.classification.controls import compiler, sizes
from benchmarks.classification.controls.tables import LINE
from skimrnn.extension import kernels
from skimrnn.tasks import Examples
from skimrnn.tasks.base import make_task
from skimrnn.text import Vocabulary

WORDS = [f"w{number}" for number in range(60)]
natively = pytest.mark.skipif(
    kernels is None or compiler.compiler() is None,
    reason="controls need the C++ extension's scanner, and a C++ compiler",
)


def texts(count, seed):
    random = np.random.default_rng(seed)
    made = [" ".join(random.choice(WORDS, random.integers(5, 30))) for _ in range(count)]
    return Examples(made, np.arange(count) % 2)


@pytest.fixture(scope="module")
def task():
    splits = {"train": texts(80, 0), "validation": texts(10, 1), "test": texts(40, 2)}
    return make_task("moods", ("bad", "good"), splits, {"source": "made up"})


def test_the_size_lies_on_the_line_between_the_two_around_it_in_whole_cache_lines():
    assert sizes.as_long((100, 400, 800), (10.0, 20.0, 40.0), 30.0) == 608
    assert sizes.as_long((100, 400, 800), (10.0, 20.0, 40.0), 39.9) == 800
    # A bump in the times: the first size that is slower ends it.
    assert sizes.as_long((64, 128, 256, 512), (10.0, 21.0, 19.0, 40.0), 20.0) == 128


@pytest.mark.parametrize("learned", [9.0, 41.0])
def test_sizes_that_are_all_faster_or_all_slower_are_named(learned):
    with pytest.raises(ValueError, match=r"take less and more than .*: 100: 10.0, 800: 40.0; try"):
        sizes.as_long((100, 800), (10.0, 40.0), learned)


def test_what_skims_with_random_weights_does_so_at_the_rate(task):
    vocabulary = sizes.words_of("sst", task)
    assert set(vocabulary.words[1:]) == {word for t in task.train.texts for word in t.split()}
    model = sizes.skimming_model("sst", vocabulary, task.test.texts, 0.7)
    assert model.config.levels == rows.ROWS[rows.LEARNED].settings["levels"]
    assert model.config.input_size == rows.TUNED["sst"]["embedding_size"]
    levels = np.concatenate([reading.level.ravel() for reading in model.read(task.test.texts)])
    assert (levels > 0).mean() == pytest.approx(0.7, abs=0.02)


@natively
def test_a_task_is_measured_and_its_sizes_found(task, monkeypatch):
    monkeypatch.setattr(sizes, "ROUNDS", 1)
    monkeypatch.setattr(sizes, "UNITS", {"qrnn": (16, 40), "mingru": (16, 40)})
    monkeypatch.setattr(sizes, "learned_rate", lambda name: 0.5)
    # Times are not for a test to rely on: those of a pair are 10 and 20, of what skims 15.
    read = []

    def us_per_text(calls, texts):
        assert all(len(call(text)) == 2 for call in calls for text in texts)
        read.append(len(texts))
        return [15.0, 10.0, 20.0][: len(calls)]

    monkeypatch.setattr(sizes, "us_per_text", us_per_text)
    found = sizes.measure("sst", task)
    assert found["skim_rate"] == 0.5
    assert found["words"] == len(
        Vocabulary.build([t.split() for t in task.train.texts], min_count=1)
    )
    assert {cell: one["units"] for cell, one in found["cells"].items()} == {
        "qrnn": 32,
        "mingru": 32,
    }
    assert found["cells"]["qrnn"]["tried"] == {"16": 10.0, "40": 20.0}
    assert read == [40] * 4


@natively
def test_times_are_positive_one_a_contender(task):
    vocabulary = sizes.words_of("sst", task)
    calls = [sizes.control_of(cell, 16, "sst", vocabulary) for cell in sizes.UNITS]
    found = sizes.us_per_text(calls, task.test.texts[:5])
    assert len(found) == 2
    assert min(found) > 0


def test_wide_rows_have_the_sizes_that_were_found():
    result = json.loads(sizes.PATH.read_text())
    for cell in sizes.UNITS:
        found = {task: result[task]["cells"][cell]["units"] for task in result}
        assert rows.AS_LONG[f"{cell}-wide-tuned"] == found
        assert all(units % LINE == 0 for units in found.values())


def test_a_size_found_takes_as_long_when_it_is_timed_again():
    for task in json.loads(sizes.PATH.read_text()).values():
        for found in task["cells"].values():
            ratio = found["us_per_text"] / found["learned_us_per_text_beside"]
            assert ratio == pytest.approx(1, abs=0.1)
