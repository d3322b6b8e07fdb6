import subprocess
import sys
from pathlib import Path

import pytest

from skimrnn.tasks import BUILT_IN, DataError, hub, load_examples, load_task


def test_an_unknown_bare_word_lists_the_names():
    with pytest.raises(DataError) as caught:
        load_task("sts")
    assert all(name in str(caught.value) for name in BUILT_IN)
    assert "say" not in str(caught.value)


def test_a_bare_word_that_exists_is_explained():
    Path("reviews.csv").write_text("text,label\n" + "a,1\nb,2\n" * 10)
    with pytest.raises(DataError, match=r"for the path, say \./reviews\.csv"):
        load_task("reviews.csv")
    assert load_task("./reviews.csv").labels == ("1", "2")
    assert load_task(Path("reviews.csv")).name == "reviews"
    with pytest.raises(DataError, match="'' is not a built-in"):
        load_task("")


def test_a_separator_makes_a_path_of_a_built_in_name(trees: Path):
    with pytest.raises(DataError, match="sst does not exist"):
        load_task("./sst", data_dir=trees)


def test_data_dir_then_environment_then_working_folder(trees: Path, monkeypatch):
    with pytest.raises(DataError, match=r"there is no \./data, and SKIMRNN_DATA is not set"):
        load_task("sst")
    monkeypatch.setenv("SKIMRNN_DATA", str(trees))
    assert len(load_task("sst").train) == 4
    empty = Path("empty")
    empty.mkdir()
    with pytest.raises(DataError, match="looked in empty"):
        load_task("sst", data_dir=empty)
    monkeypatch.delenv("SKIMRNN_DATA")
    monkeypatch.chdir(trees.parent)
    assert len(load_task("sst").train) == 4


def test_a_data_dir_that_is_no_folder_is_an_error(monkeypatch):
    with pytest.raises(DataError, match="the data folder is 'nowhere', which is not a folder"):
        load_task("sst", data_dir="nowhere")
    monkeypatch.setenv("SKIMRNN_DATA", "nowhere")
    with pytest.raises(DataError, match="SKIMRNN_DATA is 'nowhere', which is not a folder"):
        load_task("sst")


def test_options_that_do_not_apply_are_refused(trees: Path):
    with pytest.raises(DataError, match=r"only SST has labelled phrases .* got 'imdb'"):
        load_task("imdb", phrases=True)
    with pytest.raises(DataError, match=r"only SST has labelled phrases .* got './x.csv'"):
        load_task("./x.csv", phrases=True)
    with pytest.raises(DataError, match="sst is built in and has no column to name; got 'y'"):
        load_task("sst", data_dir=trees, label_column="y")


def test_what_is_missing_names_the_files_that_serve(tmp_path: Path, monkeypatch):
    def absent():
        raise ImportError

    monkeypatch.setattr(hub, "import_datasets", absent)
    with pytest.raises(DataError, match=r"put sst/trees/\{train,dev,test\}.txt into") as caught:
        load_task("sst", data_dir=tmp_path, phrases=True)
    assert "stsa" not in str(caught.value)
    with pytest.raises(DataError, match=r"put sst/trees/.* or sst/stsa\.binary"):
        load_task("sst", data_dir=tmp_path)
    with pytest.raises(DataError, match=r"mr/rt-polarity.* or rt-polaritydata/rt-polarity"):
        load_task("rotten-tomatoes", data_dir=tmp_path)


def test_examples_of_a_built_in_set_are_its_test_split(trees: Path):
    examples = load_examples("sst", ("positive", "negative"), data_dir=trees)
    assert examples.texts == ["Fine work", "Poor work"]
    assert examples.targets.tolist() == [0, 1]
    with pytest.raises(DataError, match="sst has the label 'negative'; the model knows 'positive'"):
        load_examples("sst", ("positive", "neutral"), data_dir=trees)
    with pytest.raises(DataError, match="sst has the labels 'negative', 'positive'; the model"):
        load_examples("sst", ("good", "bad"), data_dir=trees)


def test_importing_the_tasks_imports_neither_datasets_nor_torch():
    code = (
        "import sys, skimrnn.tasks;"
        "print(sorted({'datasets', 'torch', 'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.stdout.strip() == "[]"
