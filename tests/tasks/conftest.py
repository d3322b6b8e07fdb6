"""Small made-up data sets in the layouts of the originals, and where the real ones are."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

TREES = {
    "train": [
        "(3 (2 The) (4 (3 very) (4 good)))",
        "(1 (2 A) (1 bad))",
        "(2 (2 So) (2 so))",
        "(0 (2 -LRB-) (0 (1 bad) (2 -RRB-)))",
        "(4 (4 good) (2 (2 and\\/or) (2 \\*\\*\\*)))",
    ],
    "dev": ["(4 (4 Splendid) (2 stuff))", "(0 (0 Awful) (2 stuff))", "(2 (2 Just) (2 stuff))"],
    "test": ["(3 (3 Fine) (2 work))", "(1 (1 Poor) (2 work))"],
}
STSA = {
    "train": ["1 the very good", "0 a bad", "0 -lrb- bad -rrb-"],
    "dev": ["1 splendid stuff", "0 awful stuff"],
    "test": ["1 fine work", "0 poor work"],
}


@pytest.fixture
def real_data() -> Path:
    """The folder of the real data sets; without it the test is skipped."""
    repository = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("SKIMRNN_DATA") or repository.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder (set SKIMRNN_DATA)")
    return folder


@pytest.fixture(autouse=True)
def _no_data_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request) -> None:
    """Only tests that ask for the real data see any; the working folder is an empty one."""
    if "real_data" in request.fixturenames:
        request.getfixturevalue("real_data")
    monkeypatch.delenv("SKIMRNN_DATA", raising=False)
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)


@pytest.fixture(autouse=True)
def _no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise ImportError("datasets is not for tests")

    monkeypatch.setattr("skimrnn.tasks.hub.import_datasets", refuse)


Writer = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """Write a file below the test's folder, packed if its name ends in .gz; return its path."""

    def write_file(name: str, content: str | bytes = "") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write_file


@pytest.fixture
def trees(write: Writer, tmp_path: Path) -> Path:
    """A data folder that holds the trees of a tiny SST."""
    for split, lines in TREES.items():
        write(f"data/sst/trees/{split}.txt", "\n".join(lines) + "\n")
    return tmp_path / "data"


@pytest.fixture
def stsa(write: Writer, tmp_path: Path) -> Path:
    """A data folder that holds the sentence files of a tiny SST."""
    for split, lines in STSA.items():
        write(f"data/sst/stsa.binary.{split}", "\n".join(lines) + "\n")
    return tmp_path / "data"
