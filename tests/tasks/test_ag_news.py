from pathlib import Path

import pytest

from skimrnn.tasks import DataError, ag_news, load_task

ROW = '"{label}","Title {n}","It isn #39;t {n}\\more"\n'


def rows(count: int) -> str:
    return "".join(ROW.format(label=n % 4 + 1, n=n) for n in range(count))


@pytest.fixture
def news(write, tmp_path: Path) -> Path:
    write("data/ag_news/train_subset.csv.gz", rows(120))
    write("data/ag_news/test.csv", rows(8))
    return tmp_path / "data"


def test_a_subset_says_so(news: Path):
    task = load_task("ag-news", data_dir=news)
    assert task.name == "ag-news-subset"
    assert task.labels == ("World", "Sports", "Business", "Sci/Tech")
    assert [len(examples) for examples in task.splits().values()] == [102, 18, 8]
    assert task.test.texts[:2] == ["Title 0\nIt isn't 0\nmore", "Title 1\nIt isn't 1\nmore"]
    assert task.test.targets.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    assert task.record["complete"] is False
    assert "not comparable" in task.record["note"]


def test_a_quote_that_is_not_closed_is_told(news: Path, write):
    write("data/ag_news/train.csv", rows(40) + '"3","Oops","unclosed ' + "x" * 200_000)
    with pytest.raises(DataError, match=r"train\.csv, line 41: unexpected end of data"):
        load_task("ag-news", data_dir=news)


def test_the_whole_set_has_the_plain_name(news: Path, write, monkeypatch):
    monkeypatch.setattr(ag_news, "PUBLISHED", (30, 10))
    write("data/ag_news/train.csv", rows(40))
    task = load_task("ag-news", data_dir=news)
    assert task.name == "ag-news"
    assert task.record["complete"] is True
    assert [len(examples) for examples in task.splits().values()] == [30, 10, 8]
    assert task.record["files"][0]["path"] == "ag_news/train.csv"


def test_the_seed_draws_validation(news: Path):
    tasks = [load_task("ag-news", data_dir=news, seed=seed) for seed in (0, 0, 1)]
    assert tasks[0].validation.texts == tasks[1].validation.texts != tasks[2].validation.texts


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        (r"a second\team", "a second\nteam"),
        ("the  #36;10 million", "the $10 million"),
        ("Wednesday #39;s game", "Wednesday's game"),
        ("In  quot;two words, quot; he", 'In "two words," he'),
        ("Texas A amp;M", "Texas A&M"),
        ("AT&amp;T &#39;s", "AT&T 's"),
        ("a #151;b #146;s", "a—b’s"),
        ("caf eacute; bars", "café bars"),
        ("Inc. &lt;TXN.N&gt;, of", "Inc. <TXN.N>, of"),
        ('Inc. &lt;A HREF="http://x"&gt;SPLS.O&lt;/A&gt;, of', "Inc. SPLS.O , of"),
        ("&lt;b&gt;Opinion&lt;/b&gt; bold", "Opinion bold"),
        ("No. #1; the gold; a &lt; b", "No. #1; the gold; a < b"),
    ],
)
def test_mark_up_is_cleaned(raw: str, cleaned: str):
    assert ag_news.clean(raw) == cleaned


def test_a_bad_row_is_named(news: Path):
    path = news / "ag_news" / "test.csv"
    path.write_text(rows(2) + '"5","title","text"\n')
    with pytest.raises(DataError, match=r"test\.csv, line 3: expected a class from 1 to 4"):
        load_task("ag-news", data_dir=news)
    path.write_text(rows(2) + '"3","title"\n')
    with pytest.raises(DataError, match=r"got 2 columns"):
        load_task("ag-news", data_dir=news)


def test_somebodys_train_csv_is_not_taken_for_it(write, tmp_path: Path):
    for name in ("train.csv", "test.csv"):
        write(f"data/{name}", "text,label\ngood,1\n")
    with pytest.raises(DataError, match="ag-news is not on this machine"):
        load_task("ag-news", data_dir=tmp_path / "data")


def test_real_counts(real_data: Path):
    task = load_task("ag-news", data_dir=real_data)
    assert task.record["counts"]["test"] == {
        "texts": 7_600,
        "World": 1_900,
        "Sports": 1_900,
        "Business": 1_900,
        "Sci/Tech": 1_900,
    }
    sizes = [len(examples) for examples in task.splits().values()]
    assert sizes in ([24_179, 4_309, 7_600], [101_851, 18_149, 7_600])
    assert task.name == ("ag-news" if sizes[0] > 100_000 else "ag-news-subset")
    left = [t for t in task.test.texts if "#39;" in t or "&lt;" in t or "quot;" in t or "\\" in t]
    assert left == []
