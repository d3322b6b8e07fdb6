"""Multi-label data: examples, tasks, the splits, users' own files, the metrics."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from skimrnn.tasks import DataError, Examples, TextTask, accuracy, load_examples, load_task
from skimrnn.tasks.metrics import micro_f1
from skimrnn.tasks.splits import strata, stratified_split


def examples(*rows):
    return Examples([f"text {row}" for row in rows], np.array(rows, bool))


BOTH = examples((1, 0), (0, 1), (1, 1), (0, 0))


# ---- examples and tasks --------------------------------------------------------------------------


def test_examples_keep_a_row_of_booleans_a_text():
    assert BOTH.multilabel
    assert BOTH.targets.dtype == np.bool_
    assert BOTH.take([2, 0]).targets.tolist() == [[True, True], [True, False]]
    joined = Examples.join([BOTH, BOTH.take([3])])
    assert joined.multilabel
    assert len(joined) == 5
    with pytest.raises(ValueError, match="read-only"):
        BOTH.targets[0, 0] = False
    assert not Examples(["a"], np.array([True])).multilabel


@pytest.mark.parametrize("targets", [np.zeros((1, 2), bool), np.zeros((2, 2), int)])
def test_targets_that_do_not_fit(targets):
    with pytest.raises(ValueError, match=r"for each of the 2 texts; .* rows of booleans"):
        Examples(["a", "b"], targets)


def test_classes_of_another_list():
    moved = BOTH.among([2, 0], 3)
    assert moved.targets.astype(int).tolist() == [[0, 0, 1], [1, 0, 0], [1, 0, 1], [0, 0, 0]]
    one = Examples(["a", "b"], np.array([1, 0]))
    assert one.among([2, 0], 3).targets.tolist() == [0, 2]
    assert one.as_multilabel(3).targets.astype(int).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert BOTH.as_multilabel(2) is BOTH


def test_a_task_is_multi_label_as_a_whole():
    assert TextTask("t", ("a", "b"), BOTH, BOTH, BOTH).multilabel
    single = Examples(["x", "y"], np.array([0, 1]))
    assert not TextTask("t", ("a", "b"), single, single, single).multilabel
    with pytest.raises(ValueError, match="some splits are multi-label and some are not"):
        TextTask("t", ("a", "b"), BOTH, single, BOTH)
    with pytest.raises(ValueError, match="each of the 3 labels; the train split has 2"):
        TextTask("t", ("a", "b", "c"), BOTH, BOTH, BOTH)
    same = examples((0, 1), (0, 1))
    with pytest.raises(DataError, match=r"the same labels \('b'\)"):
        TextTask("t", ("a", "b"), same, BOTH, BOTH)
    with pytest.raises(DataError, match=r"the same labels \(none\)"):
        TextTask("t", ("a", "b"), examples((0, 0), (0, 0)), BOTH, BOTH)


# ---- splits --------------------------------------------------------------------------------------


def test_a_text_is_drawn_by_its_rarest_label():
    targets = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1]], bool)
    assert strata(targets).tolist() == [1, 0, 0, 3, 2]
    assert strata(np.array([2, 0, 1])).tolist() == [2, 0, 1]


def test_every_label_is_in_every_part():
    targets = np.random.default_rng(0).random((200, 4)) < [0.5, 0.3, 0.1, 0.05]
    parts = stratified_split(strata(targets), (0.1, 0.1), seed=0)
    assert sorted(np.concatenate(parts).tolist()) == list(range(200))
    for part in parts:
        assert targets[part].any(axis=0).all()
        assert (~targets[part].any(axis=1)).any()  # and texts without one


# ---- own files -----------------------------------------------------------------------------------

WORDS = {"goal": "sport", "vote": "politics", "rain": "weather"}


def rows(count=60):
    draw = random.Random(0)
    made = []
    for number in range(count):
        words = [word for word in WORDS if draw.random() < 0.5]
        made.append((f"text {number} {' '.join(words)}", [WORDS[word] for word in words]))
    return made


def table(separator="|"):
    lines = [f'"{text}","{separator.join(labels)}"' for text, labels in rows()]
    return "\n".join(["text,label", *lines, ""])


def objects():
    return "".join(json.dumps({"text": text, "label": labels}) + "\n" for text, labels in rows())


@pytest.mark.parametrize(
    ("name", "content", "separator"),
    [
        ("x.csv", table(), "|"),
        ("x.csv", table(" ;; "), ";;"),
        ("x.csv", table(" "), " "),
        ("x.jsonl", objects(), None),
        ("x.jsonl", objects(), "|"),
        ("x.tsv", table().replace('"', "").replace(",", "\t"), "|"),
    ],
)
def test_every_format_gives_the_same_task(write, name, content, separator):
    path = str(write(name, content))
    task = load_task(path, label_separator=separator)
    assert task.multilabel
    assert task.labels == ("politics", "sport", "weather")
    assert task.record["multilabel"] is True
    assert task.record["label_separator"] == separator
    assert "drawn at random within each label, a text's rarest" in task.record["split"]["test"]
    wanted = dict(rows())
    seen = 0
    for split, part in task.splits().items():
        counted = dict.fromkeys(task.labels, 0)
        for text, row in zip(part.texts, part.targets, strict=True):
            labels = [label for label, one in zip(task.labels, row, strict=True) if one]
            assert sorted(wanted[text]) == labels
            for label in labels:
                counted[label] += 1
            seen += 1
        assert task.record["counts"][split] == {"texts": len(part), **counted}
    assert seen == 60
    read = load_examples(path, ("weather", "sport", "politics"), label_separator=separator)
    assert read.targets.sum(axis=0).tolist() == [
        sum(name in labels for _, labels in rows()) for name in ("weather", "sport", "politics")
    ]


def test_blanks_and_repeats_are_not_labels(write):
    path = str(write("x.csv", "text,label\na, x | y ||x\nb,\nc,|\n"))
    assert load_examples(path, ("x", "y"), label_separator="|").targets.tolist() == [
        [True, True],
        [False, False],
        [False, False],
    ]


def test_one_label_a_text_is_as_it_was(write):
    path = str(write("x.csv", "text,label\n" + "a,x|y\nb,z\n" * 20))
    task = load_task(path)
    assert not task.multilabel
    assert task.labels == ("x|y", "z")
    assert "multilabel" not in task.record
    assert "label_separator" not in task.record


def test_folders_may_hold_several_labels_in_their_name(tmp_path: Path):
    for name in ("sport+politics", "sport"):
        (tmp_path / "x" / name).mkdir(parents=True)
        for number in range(20):
            (tmp_path / "x" / name / f"{number}.txt").write_text(f"{name} {number}")
    task = load_task(str(tmp_path / "x"), label_separator="+")
    assert task.labels == ("politics", "sport")
    assert task.record["counts"]["train"] == {"texts": 32, "politics": 16, "sport": 32}


@pytest.mark.parametrize(
    ("name", "content", "separator", "said"),
    [
        ("x.csv", "text,label\n" + "a,x\nb,y\n" * 9, "|", "exactly one label when '|' is what"),
        ("x.csv", "text,label\n" + "a,x\nb,y\n" * 9, "", "must not be empty; name one"),
        ("x.csv", "text,label\n" + "a,\n" * 9, "|", "no text has a label"),
        ("x.csv", "text,label\n" + "a,x|y\n" * 19, "|", r"same labels \('x', 'y'\)"),
        ("x.jsonl", '{"text": "a", "label": ["x", {}]}\n', None, "have no label"),
        ("x.jsonl", '{"text": "a", "label": ["x", ""]}\n', None, "have no label"),
        ("x.jsonl", '{"text": "a"}\n{"text": "b", "label": ["x"]}\n', None, "1 of 2 rows have no"),
    ],
)
def test_what_does_not_fit_is_refused(write, name, content, separator, said):
    with pytest.raises(DataError, match=said):
        load_task(str(write(name, content)), label_separator=separator)


def test_built_in_data_have_no_labels_to_separate():
    with pytest.raises(
        DataError, match=r"sst is built in .* one label a text, none to separate; got '|'"
    ):
        load_task("sst", label_separator="|")


def test_unknown_labels_are_named(write):
    path = str(write("x.csv", table()))
    with pytest.raises(DataError, match=r"labels 'politics', 'weather'; the known labels are 'sp"):
        load_examples(path, ("sport",), label_separator="|")


# ---- metrics -------------------------------------------------------------------------------------


def test_the_metrics_are_scikit_learn_s():
    draw = np.random.default_rng(0)
    for _ in range(20):
        wanted, given = draw.random((2, 30, 4)) < draw.random((2, 1, 1))
        weights = draw.random(30)
        assert micro_f1(wanted, given) == pytest.approx(
            f1_score(wanted, given, average="micro", zero_division=0)
        )
        assert micro_f1(wanted, given, weights) == pytest.approx(
            f1_score(wanted, given, average="micro", sample_weight=weights, zero_division=0)
        )
        assert accuracy(wanted, given) == accuracy_score(wanted, given)


def test_the_metrics_by_hand():
    wanted = np.array([[1, 1, 0], [0, 0, 0]], bool)
    given = np.array([[1, 0, 1], [0, 0, 0]], bool)
    assert micro_f1(wanted, given) == 2 * 1 / (2 + 2)
    assert accuracy(wanted, given) == 0.5
    assert micro_f1(wanted[1:], given[1:]) == 0
    with pytest.raises(ValueError, match=r"one shape, \(N, C\); got shapes \(2, 3\) and \(1, 3\)"):
        micro_f1(wanted, given[1:])
