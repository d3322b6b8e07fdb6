from pathlib import Path

import numpy as np
import pytest

from skimrnn.tasks import Examples, load_task
from skimrnn.tasks.base import make_task
from skimrnn.tasks.overlap import MIN_INNER, HeldOut, combine
from skimrnn.tasks.splits import text_key
from skimrnn.tasks.sst import read_treebank

LABELS = ("negative", "positive")
LONG = "a film of rare and quiet beauty"


@pytest.mark.parametrize(
    ("text", "leaks"),
    [
        ("A FILM of `` rare '' and quiet beauty .", True),
        ("rare and quiet", True),
        (f"Here is {LONG} , at last", True),
        ("a film of rare and loud beauty", False),
        ("not so bad at all", False),
        ("bad", True),
        (" ... ", False),
    ],
)
def test_what_leaks(text: str, leaks: bool):
    assert len(text_key(LONG)) >= MIN_INNER > len("bad")
    assert HeldOut([LONG, "bad", "--"]).leaks(text) is leaks


def test_texts_do_not_leak_across_the_border_of_two_held_out_ones():
    assert not HeldOut(["one two", "three four"]).leaks("two three")


def task(name, train, validation, test):
    splits = {"train": train, "validation": validation, "test": test}
    examples = {
        split: Examples(texts, np.arange(len(texts)) % 2) for split, texts in splits.items()
    }
    return make_task(name, LABELS, examples, {"seed": 4, "files": [{"path": name}]})


def test_both_together_hold_nothing_out_of_one_in_train_of_the_other():
    sst = task(
        "sst",
        ["alpha one", "rt dev text", "alpha two", "say rt test", "alpha three"],
        ["sst dev text", "rt test text"],
        ["sst test text", "shared test"],
    )
    rotten = task(
        "rotten-tomatoes",
        ["beta one", "beta two", "SST dev , text", "sst test", "neutral words"],
        ["rt dev text", "sst test text !"],
        ["rt test text", "say rt test of all", "shared test"],
    )
    both = combine(sst, rotten, ["some neutral words"])
    assert both.name == "sst+rotten-tomatoes"
    assert both.train.texts == ["alpha one", "alpha two", "alpha three", "beta one", "beta two"]
    assert both.train.targets.tolist() == [0, 0, 0, 0, 1]
    assert both.validation.texts == ["sst dev text", "rt dev text"]
    assert both.test.texts == sst.test.texts + rotten.test.texts
    assert both.record["dropped"] == {
        "train": {"sst": 2, "rotten-tomatoes": 3},
        "validation": {"sst": 1, "rotten-tomatoes": 1},
    }
    assert both.record["seed"] == 4
    assert both.record["files"] == [{"path": "sst"}, {"path": "rotten-tomatoes"}]
    assert both.record["parts"]["sst"]["counts"]["train"]["texts"] == 5


@pytest.fixture
def both_sets(trees: Path, write) -> Path:
    good = [f"good {n} of all the films there are" for n in range(20)]
    bad = [f"bad {n} of all the films there are" for n in range(17)]
    held_out = ["Splendid stuff !", "so fine work it is", "just stuff"]
    write("data/mr/rt-polarity.pos", "\n".join(good))
    write("data/mr/rt-polarity.neg", "\n".join([*bad, *held_out]))
    return trees


@pytest.mark.parametrize("phrases", [False, True])
def test_made_up_files_have_no_overlap(both_sets: Path, phrases: bool):
    both = load_task("sst+rotten-tomatoes", data_dir=both_sets, phrases=phrases)
    rotten = load_task("rotten-tomatoes", data_dir=both_sets)
    assert both.name == ("sst-phrases" if phrases else "sst") + "+rotten-tomatoes"
    held_out = [*rotten.validation.texts, *rotten.test.texts]
    rt_keys = {text_key(text) for text in rotten.train.texts}
    for text in both.train.texts:
        key = text_key(text)
        against = ["Splendidstuff", "Awfulstuff", "Juststuff", "Finework", "Poorwork"]
        others = map(text_key, against if key in rt_keys else held_out)
        assert not any(key in other for other in others), text
    in_train = {"splendidstuff", "juststuff"} & rt_keys
    assert in_train, "the seed puts one of the planted snippets into train"
    assert both.record["dropped"]["train"]["rotten-tomatoes"] == len(in_train)
    dropped_phrases = both.record["dropped"]["train"]["sst"]
    # "good", "bad", "bad )" and the sentence "( bad )" occur in held-out snippets.
    assert dropped_phrases == (4 if phrases else 1)
    assert both.record["neutral_sst_sentences_held_out"] == 1


@pytest.mark.parametrize("phrases", [False, True])
def test_real_data_have_no_overlap(real_data: Path, phrases: bool):
    both = load_task("sst+rotten-tomatoes", data_dir=real_data, phrases=phrases)
    assert both.record["dropped"] == {
        "train": {"sst": 18_333 if phrases else 1_415, "rotten-tomatoes": 2_359},
        "validation": {"sst": 90, "rotten-tomatoes": 248},
    }
    sst = load_task("sst", data_dir=real_data, phrases=phrases)
    rotten = load_task("rotten-tomatoes", data_dir=real_data)
    treebank = read_treebank(real_data)
    assert treebank is not None
    sst_held_out = [t for s in ("validation", "test") for t, _ in treebank.sentences[s]]
    assert len(sst_held_out) == 1_101 + 2_210
    kept_sst = len(sst.train) - both.record["dropped"]["train"]["sst"]
    for texts, held_out in (
        (both.train.texts[:kept_sst], rotten.validation.texts + rotten.test.texts),
        (both.train.texts[kept_sst:], sst_held_out),
    ):
        # Said anew, without the class under test: no training key occurs in a held-out one.
        all_keys = " ".join(sorted({text_key(text) for text in held_out}))
        long = [key for key in all_keys.split() if len(key) >= MIN_INNER]
        trained = {text_key(text) for text in texts} - {""}
        assert [key for key in trained if key in all_keys] == []
        all_trained = " ".join(sorted(trained))
        assert [key for key in long if key in all_trained] == []
    tests = {text_key(text) for text in both.test.texts}
    assert not tests & {text_key(text) for text in both.validation.texts}
