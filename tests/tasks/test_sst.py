from pathlib import Path

import pytest

from skimrnn.tasks import DataError, load_task
from skimrnn.tasks.sst import parse_tree, unescape


def rows(examples):
    return list(zip(examples.texts, examples.targets.tolist(), strict=True))


def test_trees_give_sentences_without_the_neutral_ones(trees: Path):
    task = load_task("sst", data_dir=trees)
    assert task.name == "sst"
    assert task.labels == ("negative", "positive")
    assert rows(task.train) == [
        ("The very good", 1),
        ("A bad", 0),
        ("( bad )", 0),
        ("good and/or ***", 1),
    ]
    assert rows(task.validation) == [("Splendid stuff", 1), ("Awful stuff", 0)]
    assert rows(task.test) == [("Fine work", 1), ("Poor work", 0)]
    assert task.record["layout"] == "trees"
    assert [file["path"] for file in task.record["files"]] == [
        "sst/trees/train.txt",
        "sst/trees/dev.txt",
        "sst/trees/test.txt",
    ]


def test_phrases_train_on_every_polar_node_once(trees: Path):
    task = load_task("sst", data_dir=trees, phrases=True)
    assert task.name == "sst-phrases"
    assert rows(task.train) == [
        ("very", 1),
        ("good", 1),
        ("very good", 1),
        ("The very good", 1),
        ("bad", 0),
        ("A bad", 0),
        ("bad )", 0),
        ("( bad )", 0),
        ("good and/or ***", 1),
    ]
    assert task.record["phrases"] == {"nodes": 21, "not_neutral": 11, "different": 9}
    assert rows(task.test) == [("Fine work", 1), ("Poor work", 0)]


def test_sentence_files_give_the_same_but_for_case(stsa: Path):
    task = load_task("sst", data_dir=stsa)
    assert rows(task.train) == [("the very good", 1), ("a bad", 0), ("( bad )", 0)]
    assert task.record["layout"] == "stsa.binary"


def test_trees_come_before_sentence_files(trees: Path, stsa: Path):
    assert load_task("sst", data_dir=stsa).record["layout"] == "trees"


def test_fine_files_lose_their_neutral_sentences(write, tmp_path: Path):
    for split in ("train", "dev", "test"):
        write(f"SST/stsa.fine.{split}", "4 great\n3 good\n2 so so\n1 bad\n0 awful\n")
    task = load_task("sst", data_dir=tmp_path)
    assert rows(task.train) == [("great", 1), ("good", 1), ("bad", 0), ("awful", 0)]


def test_phrases_need_trees(stsa: Path):
    with pytest.raises(DataError, match=r"needs its trees .* only stsa\.binary files"):
        load_task("sst", data_dir=stsa, phrases=True)


@pytest.mark.parametrize("folder", ["sst", "sst/trees", "."])
def test_data_dir_may_be_the_treebank_itself(trees: Path, folder: str):
    assert len(load_task("sst", data_dir=trees / folder).train) == 4


def test_somebodys_train_file_is_no_treebank(write, tmp_path: Path):
    for split in ("train", "dev", "test"):
        write(f"data/{split}.txt", "plain text\n")
    with pytest.raises(DataError, match="sst is not on this machine"):
        load_task("sst", data_dir=tmp_path / "data")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("(3 (2 a) (3 b)", "a bracket is not closed"),
        ("(3 (2 a) (3 b)))", "more after the end"),
        ("(3 (2 a) (5 b))", "label from 0 to 4, not '5'"),
        ("(3 (2 a) (3))", "no word"),
        ("word", "outside"),
    ],
)
def test_a_broken_tree_is_named(trees: Path, line: str, message: str):
    with pytest.raises(ValueError, match=message):
        parse_tree(line)
    path = trees / "sst" / "trees" / "dev.txt"
    path.write_text("(1 fine)\n" + line + "\n")
    with pytest.raises(DataError, match=rf"dev\.txt, tree 2: .*{message}"):
        load_task("sst", data_dir=trees)


def test_a_broken_sentence_line_is_named(stsa: Path):
    (stsa / "sst" / "stsa.binary.dev").write_text("1 fine\n2 odd\n")
    with pytest.raises(DataError, match=r"stsa\.binary\.dev, line 2: expected a label from 0 to 1"):
        load_task("sst", data_dir=stsa)


def test_a_no_break_space_stays_inside_its_word():
    assert parse_tree("(2 (2 2\xa01\\/2) (2 stars))")[0] == ("2\xa01/2", 2)


def test_words_are_unescaped():
    escaped = ["-LRB-", "-rrb-", "-LSB-", "``", "''", "`", "'s", "\\*\\*", "9\\/11", "--"]
    assert [unescape(word) for word in escaped] == [
        "(", ")", "[", '"', '"', "'", "'s", "**", "9/11", "--",
    ]  # fmt: skip


def test_real_counts_are_those_of_the_paper(real_data: Path):
    task = load_task("sst", data_dir=real_data)
    assert task.record["counts"] == {
        "train": {"texts": 6_920, "negative": 3_310, "positive": 3_610},
        "validation": {"texts": 872, "negative": 428, "positive": 444},
        "test": {"texts": 1_821, "negative": 912, "positive": 909},
    }
    assert not any("\\" in text or "RB-" in text for text in task.train.texts)
    phrases = load_task("sst", data_dir=real_data, phrases=True)
    assert phrases.record["phrases"] == {
        "nodes": 318_582,
        "not_neutral": 98_794,
        "different": 77_616,
    }
    assert phrases.test.texts == task.test.texts
