import io
import tarfile
from pathlib import Path

import pytest

from skimrnn.tasks import DataError, load_task
from skimrnn.tasks.imdb import clean


def reviews():
    for split in ("train", "test"):
        for kind, rating in (("neg", 2), ("pos", 9)):
            for number in range(14):
                text = f"{split} {kind} {number}<br /><br />more"
                yield f"aclImdb/{split}/{kind}/{number}_{rating}.txt", text.encode()
    yield "aclImdb/train/unsup/0_0.txt", b"no label"
    yield "aclImdb/README", b"about"


@pytest.fixture
def folder(write, tmp_path: Path) -> Path:
    for name, data in reviews():
        write(f"data/{name}", data)
    return tmp_path / "data"


def archive(path: Path, mode: str) -> Path:
    path.parent.mkdir(parents=True)
    with tarfile.open(path, mode) as tar:
        for name, data in reversed(list(reviews())):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_folder(folder: Path):
    task = load_task("imdb", data_dir=folder)
    assert [len(examples) for examples in task.splits().values()] == [24, 4, 28]
    assert task.test.texts[:2] == ["test neg 0\n\nmore", "test neg 1\n\nmore"]
    assert task.test.texts[-1] == "test pos 13\n\nmore"
    assert task.test.targets.tolist() == [0] * 14 + [1] * 14
    trained = task.train.texts + task.validation.texts
    assert sorted(trained) == sorted(
        f"train {kind} {n}\n\nmore" for kind in ("neg", "pos") for n in range(14)
    )
    assert task.record["complete"] is False
    assert [(f["path"], f["files"]) for f in task.record["files"]] == [
        ("aclImdb/train/neg", 14),
        ("aclImdb/train/pos", 14),
        ("aclImdb/test/neg", 14),
        ("aclImdb/test/pos", 14),
    ]


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("aclImdb_v1.tar.gz", "w:gz"),
        ("imdb/aclImdb_v1.tar.gz", "w:gz"),
        ("imdb/aclImdb_labeled.tar.xz", "w:xz"),
    ],
)
def test_archives_give_exactly_what_the_folder_gives(folder: Path, tmp_path: Path, name, mode):
    path = archive(tmp_path / "packed" / name, mode)
    packed = load_task("imdb", data_dir=tmp_path / "packed")
    unpacked = load_task("imdb", data_dir=folder)
    for split, examples in packed.splits().items():
        assert examples.texts == unpacked.splits()[split].texts
        assert examples.targets.tolist() == unpacked.splits()[split].targets.tolist()
    assert packed.record["files"][0]["path"].endswith(path.name)
    assert sorted(tmp_path.joinpath("packed").rglob("*.txt")) == []


def test_a_damaged_archive_is_named(tmp_path: Path):
    path = archive(tmp_path / "data" / "imdb" / "aclImdb_v1.tar.gz", "w:gz")
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DataError, match=r"aclImdb_v1\.tar\.gz cannot be read"):
        load_task("imdb", data_dir=tmp_path / "data")
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"aclImdb_v1\.tar\.gz cannot be read"):
        load_task("imdb", data_dir=tmp_path / "data")


def test_a_class_without_reviews_is_named(folder: Path):
    for path in (folder / "aclImdb" / "test" / "neg").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="has no review test/neg/NUMBER_RATING"):
        load_task("imdb", data_dir=folder)


def test_breaks_become_lines():
    assert clean(" one<br />two<BR>three<br/>") == "one\ntwo\nthree"


def test_real_counts_are_those_of_the_paper(real_data: Path):
    task = load_task("imdb", data_dir=real_data)
    assert [len(examples) for examples in task.splits().values()] == [21_143, 3_857, 25_000]
    assert task.record["complete"] is True
    assert task.record["counts"]["test"] == {
        "texts": 25_000,
        "negative": 12_500,
        "positive": 12_500,
    }
    assert task.record["train_reviews_that_are_also_in_test"] == 123
    assert not any("<br" in text for text in task.test.texts)
