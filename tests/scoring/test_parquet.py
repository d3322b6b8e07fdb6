"""Parquet: types stay, and other files become it."""

import base64
import datetime
import decimal
import json
import pickle
import subprocess
import sys

import pytest
from scoring_tables import read_csv, read_jsonl, write_csv, write_jsonl

from skimrnn.scoring import ScoringError, score_file

pa = pytest.importorskip("pyarrow", reason="needs pyarrow (pip install 'skimrnn[parquet]')")
pq = pytest.importorskip("pyarrow.parquet")

ADDED = [
    ("label", pa.string()),
    ("probability", pa.float64()),
    ("words", pa.int64()),
    ("skim_rate", pa.float64()),
]


@pytest.fixture
def table():
    """Columns of many types, some without a value, and a category."""
    day = datetime.date(2024, 2, 29)
    texts = ["good", None, "the film is bad", ""] * 5
    return pa.table(
        {
            "text": texts,
            "kind": pa.array(texts).dictionary_encode(),
            "day": [day, None] * 10,
            "price": [decimal.Decimal("1.10")] * 20,
            "small": pa.array(range(20), pa.int8()),
            "many": [[1, 2], None] * 10,
        }
    ).replace_schema_metadata({"made": "up"})


@pytest.mark.parametrize("workers", [1, 2])
def test_types_stay(table, scorer, tmp_path, workers):
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=7)
    done = score_file(
        *(tmp_path / "in.parquet", tmp_path / "out.parquet", scorer),
        workers=workers,
        batch_rows=3,
    )
    written = pq.read_table(tmp_path / "out.parquet")
    before = pq.read_table(tmp_path / "in.parquet")
    assert before.equals(table)
    assert written.select(table.column_names).equals(before, check_metadata=True)
    assert written.schema.metadata == {b"made": b"up"}
    assert [(field.name, field.type) for field in written.schema][-4:] == ADDED
    assert (done.rows, done.unlabelled) == (20, 10)
    assert written["label"].to_pylist()[1::2] == [None] * 10
    assert written["words"].to_pylist() == [1, None, 4, None] * 5


def test_no_rows_and_no_text_at_all(table, scorer, tmp_path):
    pq.write_table(table.slice(0, 0), tmp_path / "in.parquet")
    score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", scorer, workers=1)
    written = pq.read_table(tmp_path / "out.parquet")
    assert written.num_rows == 0
    assert [(field.name, field.type) for field in written.schema][-4:] == ADDED
    pq.write_table(table.slice(1, 1), tmp_path / "one.parquet")
    score_file(tmp_path / "one.parquet", tmp_path / "two.parquet", scorer, workers=1)
    assert pq.read_table(tmp_path / "two.parquet").schema.field("words").type == pa.int64()


def test_it_becomes_other_files_and_they_become_it(table, scorer, rows, tmp_path):
    pq.write_table(table, tmp_path / "in.parquet")
    score_file(tmp_path / "in.parquet", tmp_path / "a.csv", scorer, workers=1)
    first = read_csv(tmp_path / "a.csv")[0]
    assert (first["day"], first["price"], first["many"]) == ('"2024-02-29"', '"1.10"', "[1, 2]")
    score_file(tmp_path / "in.parquet", tmp_path / "a.jsonl", scorer, workers=1)
    assert read_jsonl(tmp_path / "a.jsonl")[0]["many"] == [1, 2]
    for source in (write_csv(tmp_path / "b.csv", rows), write_jsonl(tmp_path / "b.jsonl", rows)):
        output = tmp_path / f"{source.suffix[1:]}.parquet"
        score_file(source, output, scorer, workers=1, batch_rows=9)
        assert pq.read_table(output).select(list(rows[0])).to_pylist() == rows


def test_rows_of_other_types_than_the_first(scorer, tmp_path):
    source = write_jsonl(
        tmp_path / "a.jsonl", [{"text": "good", "n": 1}, {"text": "bad", "n": "x"}]
    )
    with pytest.raises(ScoringError, match=r"does not fit .* write to a \.jsonl file"):
        score_file(source, tmp_path / "a.parquet", scorer, workers=1, batch_rows=1)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (4, 4.5),  # Arrow alone makes 4 of it
        ([1], [1.5]),
        ({"a": 1}, {"a": 2, "b": "lost"}),  # and drops what the first has not
        ({"x": 1}, {"y": 2}),
        (1, 2**64),
    ],
)
def test_what_does_not_fit_into_parquet_is_refused(scorer, tmp_path, first, then):
    rows = [{"text": "good", "n": first}, {"text": "bad", "n": then}]
    source = write_jsonl(tmp_path / "a.jsonl", rows)
    with pytest.raises(ScoringError, match=r"does not fit .* write to a \.jsonl file"):
        score_file(source, tmp_path / "a.parquet", scorer, workers=1, batch_rows=1)


@pytest.mark.parametrize(
    ("first", "then", "written"),
    [
        (1, None, None),
        (1.5, 2, 2),
        ([1.5], [2, None], [2, None]),
        ([1], [], []),
        ({"a": 1, "b": "x"}, {"a": 2}, {"a": 2, "b": None}),
    ],
)
def test_what_fits_into_parquet_stays(scorer, tmp_path, first, then, written):
    rows = [{"text": "good", "n": first}, {"text": "bad", "n": then}]
    source, output = write_jsonl(tmp_path / "a.jsonl", rows), tmp_path / "a.parquet"
    score_file(source, output, scorer, workers=1, batch_rows=1)
    assert pq.read_table(output)["n"].to_pylist() == [first, written]


@pytest.mark.parametrize("row", [{"id": 2**64}, {"id": {}}, {"id": "\ud800"}])
def test_what_parquet_cannot_hold_is_told(scorer, tmp_path, row):
    source = write_jsonl(tmp_path / "a.jsonl", [{"text": "good", **row}])
    with pytest.raises(ScoringError, match=r"does not fit .* write to a \.jsonl file"):
        score_file(source, tmp_path / "a.parquet", scorer, workers=1)


def test_a_column_that_is_there_twice_is_refused(scorer, tmp_path):
    for names in (["text", "text"], ["text", "n", "n"]):
        pq.write_table(pa.table([["good"]] * len(names), names=names), tmp_path / "in.parquet")
        with pytest.raises(ScoringError, match="more than once"):
            score_file(tmp_path / "in.parquet", tmp_path / "out.jsonl", scorer, workers=1)


def test_json_lines_are_json_whatever_numbers_and_bytes_come(scorer, tmp_path):
    pq.write_table(
        pa.table(
            {
                "text": ["good", "bad"],
                "x": [float("nan"), 0.5],
                "many": [[float("inf"), 1.0], None],
                "raw": [b"\x00\xff", None],
            }
        ),
        tmp_path / "in.parquet",
    )
    score_file(tmp_path / "in.parquet", tmp_path / "out.jsonl", scorer, workers=1)
    strict = [
        json.loads(line, parse_constant=pytest.fail)
        for line in (tmp_path / "out.jsonl").read_text().splitlines()
    ]
    assert [row["x"] for row in strict] == [None, 0.5]
    assert strict[0]["many"] == [None, 1.0]
    assert base64.b64decode(strict[0]["raw"]) == b"\x00\xff"


def test_what_is_no_parquet(scorer, tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"no such thing")
    with pytest.raises(ScoringError, match=r"a\.parquet cannot be read as parquet"):
        score_file(tmp_path / "a.parquet", tmp_path / "b.parquet", scorer)
    pq.write_table(pa.table({"body": ["good"]}), tmp_path / "c.parquet")
    with pytest.raises(ScoringError, match="no column 'text'; its columns are 'body'"):
        score_file(tmp_path / "c.parquet", tmp_path / "b.parquet", scorer)


def test_large_rows_make_small_batches_that_travel_alone(tmp_path):
    from skimrnn.scoring.parquet import ParquetSource

    pq.write_table(pa.table({"text": ["a" * 1_000_000] * 12}), tmp_path / "a.parquet")
    source = ParquetSource(tmp_path / "a.parquet")
    batches = list(source.batches(100))
    assert [len(batch) for batch in batches] == [4, 4, 4]
    assert source.done() == 1
    assert len(pickle.dumps(batches[1])) < 5_000_000
    assert pickle.loads(pickle.dumps(batches[1])).table.equals(batches[1].table)


def test_without_pyarrow_the_error_says_how_to_install_it(folder, tmp_path):
    write_csv(tmp_path / "a.csv", [{"text": "good"}])
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from skimrnn.scoring import *\n"
        "scorer = BatchScorer(sys.argv[1])\n"
        "score_file('a.csv', 'b.csv', scorer, workers=1)\n"
        "score_file('a.csv', 'b.parquet', scorer, workers=1)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, folder],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (tmp_path / "b.csv").exists()
    assert ran.stderr.splitlines()[-1] == (
        "ImportError: parquet files need pyarrow; install it with: pip install 'skimrnn[parquet]'"
    )
