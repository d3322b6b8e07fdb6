from types import SimpleNamespace

import pytest

from skimrnn.tasks import DataError, ag_news, hub, imdb, load_task, sst


class FakeHub:
    """Stands in for the datasets package: tables of two columns by (id, split)."""

    def __init__(self, tables):
        self.tables = tables
        self.asked = []

    def DownloadConfig(self, max_retries):  # noqa: N802
        assert max_retries == 0
        return SimpleNamespace(max_retries=max_retries)

    def load_dataset(self, hub_id, *, split, download_config):
        self.asked.append((hub_id, split))
        texts, labels = self.tables[hub_id, split]
        return {"text": texts, "label": labels}


@pytest.fixture
def use(monkeypatch):
    def install(tables):
        fake = FakeHub(tables)
        monkeypatch.setattr(hub, "import_datasets", lambda: fake)
        return fake

    return install


def pairs(*splits):
    return {split: ([f"{split} {n}" for n in range(4)], [0, 1, 0, 1]) for split in splits}


def test_sst_has_the_published_splits(use, monkeypatch):
    monkeypatch.setattr(sst, "PUBLISHED", (4, 4, 4))
    tables = pairs("train", "validation", "test")
    fake = use({("SetFit/sst2", split): table for split, table in tables.items()})
    task = load_task("sst")
    assert fake.asked == [("SetFit/sst2", s) for s in ("train", "validation", "test")]
    assert task.test.texts == ["test 0", "test 1", "test 2", "test 3"]
    assert task.test.targets.tolist() == [0, 1, 0, 1]
    assert task.record["source"] == "hub"
    assert task.record["hub_id"] == "SetFit/sst2"
    assert set(task.record["sha256"]) == {"train", "validation", "test"}


def test_another_sst_than_the_published_one_is_refused(use):
    use({("SetFit/sst2", s): t for s, t in pairs("train", "validation", "test").items()})
    with pytest.raises(DataError, match=r"\(4, 4, 4\) texts instead of the \(6920, 872, 1821\)"):
        load_task("sst")


def test_a_test_split_without_labels_is_refused(use):
    tables = pairs("train", "validation", "test")
    tables["test"] = (["a", "b"], [-1, -1])
    use({("SetFit/sst2", split): table for split, table in tables.items()})
    with pytest.raises(DataError, match="2 texts of test have no label"):
        load_task("sst")


def test_rotten_tomatoes_keeps_the_hubs_split(use):
    hub_id = "cornell-movie-review-data/rotten_tomatoes"
    tables = pairs("train", "validation", "test")
    tables["train"] = (["one", "TEST 1 !", "two"], [0, 1, 1])
    use({(hub_id, split): table for split, table in tables.items()})
    task = load_task("rotten-tomatoes")
    assert task.train.texts == ["one", "two"]
    assert task.record["dropped"] == {"train_snippets_equal_to_a_held_out_one": 1}
    assert task.record["split"] == "the hub's own"


def test_imdb_is_cleaned_and_split_here(use, monkeypatch):
    monkeypatch.setattr(imdb, "PUBLISHED", (3, 1))
    texts = [f"a<br />{n}" for n in range(4)]
    use({("stanfordnlp/imdb", split): (texts, [0, 1, 0, 1]) for split in ("train", "test")})
    task = load_task("imdb", seed=2)
    assert [len(examples) for examples in task.splits().values()] == [3, 1, 4]
    assert task.test.texts[0] == "a\n0"
    assert task.record["seed"] == 2


def test_ag_news_is_cleaned_and_split_here(use, monkeypatch):
    monkeypatch.setattr(ag_news, "PUBLISHED", (3, 1))
    texts = [f"it #39;s {n}" for n in range(4)]
    use({("fancyzhx/ag_news", split): (texts, [0, 1, 2, 3]) for split in ("train", "test")})
    task = load_task("ag-news")
    assert task.name == "ag-news"
    assert task.test.texts[3] == "it's 3"


NAMES_AND_FILES = [
    ("sst", "sst/trees/{train,dev,test}.txt"),
    ("rotten-tomatoes", "mr/rt-polarity.{pos,neg}"),
    ("imdb", "imdb/aclImdb*.tar.{gz,xz}"),
    ("ag-news", "ag_news/train.csv"),
    ("sst+rotten-tomatoes", "sst/trees/{train,dev,test}.txt"),
]


@pytest.mark.parametrize(("name", "files"), NAMES_AND_FILES)
def test_without_the_package_one_sentence_says_which_file_to_pass(name, files):
    with pytest.raises(DataError) as caught:
        load_task(name)
    message = str(caught.value)
    assert files in message
    assert "datasets is not installed (pip install 'skimrnn[hub]')" in message
    assert "--data-dir or SKIMRNN_DATA" in message
    assert "there is no ./data" in message
    assert ". " not in message
    assert "\n" not in message


@pytest.mark.parametrize(("name", "files"), NAMES_AND_FILES)
def test_an_unreachable_hub_is_the_same_sentence(name, files, monkeypatch):
    class Unreachable(FakeHub):
        def load_dataset(self, hub_id, *, split, download_config):
            raise ConnectionError("Couldn't reach the Hub.\nMore lines of advice.")

    monkeypatch.setattr(hub, "import_datasets", lambda: Unreachable({}))
    with pytest.raises(DataError) as caught:
        load_task(name)
    message = str(caught.value)
    assert files in message
    assert "could not be had (ConnectionError: Couldn't reach the Hub);" in message
    assert "\n" not in message


def test_phrases_are_not_on_the_hub():
    with pytest.raises(DataError, match="no trees, so no phrases; put sst/trees"):
        load_task("sst", phrases=True)
