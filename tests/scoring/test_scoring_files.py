"""Tables of any content: what is carried comes out as it went in, beside what a model says."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scoring_tables import read_csv, read_jsonl, write_csv, write_jsonl

import skimrnn
from skimrnn.scoring import BatchScorer, ScoringError, score_file
from skimrnn.scoring.files import CsvSource

CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"', '""', "\n", "\r", "\r\n", ",", "a,b", '"a"\n', "\u2028", "\x00", "\ufeff", "é 😀", " "]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | CELLS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(CELLS, inner, max_size=2),
    max_leaves=4,
)


def expected(model, text):
    """What is added for one text, by another way than the scorer's."""
    if not isinstance(text, str) or not text.strip():
        return {"label": None, "probability": None, "words": None, "skim_rate": None}
    reading = skimrnn.load(model).read(text)
    rate = None if reading.skim_rate is None else round(reading.skim_rate, 6)
    best = round(float(reading.probabilities.max()), 6)
    return {"label": reading.label, "probability": best, "words": len(reading), "skim_rate": rate}


def as_cells(added):
    return {name: "" if value is None else str(value) for name, value in added.items()}


@given(st.lists(st.tuples(CELLS, CELLS), max_size=8), st.integers(1, 4), st.booleans())
def test_any_csv_comes_out_as_it_went_in(folder, tmp_path_factory, pairs, batch, packed):
    where = tmp_path_factory.mktemp("csv")
    source, output = where / f"in.csv{'.gz' * packed}", where / f"out.csv{'.gz' * packed}"
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("é\n,", "text"), *pairs])
    data = text.getvalue().encode()
    source.write_bytes(gzip.compress(data) if packed else data)
    done = score_file(source, output, BatchScorer(folder), workers=1, batch_rows=batch)
    written = output.read_bytes()
    read = list(csv.DictReader(io.StringIO(
        (gzip.decompress(written) if packed else written).decode(), newline=""
    )))  # fmt: skip
    assert [(row.pop("é\n,"), row.pop("text")) for row in read] == pairs
    assert read == [as_cells(expected(folder, one)) for _, one in pairs]
    assert (done.rows, done.unlabelled) == (len(pairs), sum(not one.strip() for _, one in pairs))


@given(
    st.lists(st.dictionaries(st.sampled_from(["text", "a", "é"]), VALUES, max_size=3), max_size=8),
    st.integers(1, 4),
)
def test_any_json_line_comes_out_as_it_went_in(folder, tmp_path_factory, rows, batch):
    if rows and not any("text" in row for row in rows[:batch]):
        rows = [{"text": "good"}, *rows]
    where = tmp_path_factory.mktemp("jsonl")
    source = write_jsonl(where / "in.jsonl", rows)
    score_file(source, where / "out.jsonl", BatchScorer(folder), workers=1, batch_rows=batch)
    lines = (where / "out.jsonl").read_bytes().split(b"\n")
    assert lines.pop() == b""
    for line, row, before in zip(lines, rows, source.read_bytes().split(b"\n"), strict=False):
        assert line.startswith(before[:-1])  # to the byte
        added = json.loads(line)
        assert {name: added[name] for name in expected(folder, row.get("text"))} == expected(
            folder, row.get("text")
        )
    assert len(lines) == len(rows)


def test_blank_lines_a_byte_order_mark_and_short_rows(scorer, tmp_path):
    (tmp_path / "in.csv").write_bytes(b"\xef\xbb\xbftext,id\r\ngood,1\r\n\r\nbad\r\n")
    score_file(tmp_path / "in.csv", tmp_path / "out.csv", scorer, workers=1)
    read = read_csv(tmp_path / "out.csv")
    assert [(row["text"], row["id"]) for row in read] == [("good", "1"), ("bad", "")]
    (tmp_path / "in.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "good"}\r\n \n{"text": "bad"} ')
    score_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl", scorer, workers=1)
    assert [row["text"] for row in read_jsonl(tmp_path / "out.jsonl")] == ["good", "bad"]


def test_nothing_but_a_header_and_nothing_at_all(scorer, tmp_path):
    (tmp_path / "in.csv").write_text("id,text\n", encoding="utf-8")
    done = score_file(tmp_path / "in.csv", tmp_path / "out.csv", scorer, workers=1)
    assert (tmp_path / "out.csv").read_text() == "id,text,label,probability,words,skim_rate\n"
    assert done == (1.0, 0, 0, 0)
    (tmp_path / "in.jsonl").write_bytes(b"")
    score_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl", scorer, workers=1)
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_csv_and_json_lines_become_each_other(scorer, rows, tmp_path):
    source = write_csv(tmp_path / "in.csv", rows)
    score_file(source, tmp_path / "a.jsonl.gz", scorer, workers=1, batch_rows=7)
    unpacked = gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes())
    as_json = [json.loads(line) for line in unpacked.split(b"\n") if line]
    assert [{name: row[name] for name in rows[0]} for row in as_json] == rows
    (tmp_path / "in.jsonl").write_text(
        '{"text": "good", "n": 1, "deep": {"a": [1]}}\n{"text": null, "yes": true}\n'
    )
    score_file(tmp_path / "in.jsonl", tmp_path / "b.csv", scorer, workers=1)
    first, second = read_csv(tmp_path / "b.csv")
    assert (first["n"], first["deep"], first["yes"]) == ("1", '{"a": [1]}', "")
    assert (second["text"], second["yes"], second["label"]) == ("", "true", "")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "id,body\n1,good\n", "no column 'text'; its columns are 'id', 'body'; name the"),
        ("a.jsonl", '{"body": "good"}\n', "no column 'text'; its columns are 'body'"),
        ("a.csv", "", "has no header; its first line must name the columns"),
        ("a.csv", "text,text\n", "has the column 'text' more than once"),
        ("a.csv", "text\ngood\na,b\n", "line 3: 2 cells, but the header has 1 columns ('text')"),
        (
            "a.csv",
            'text\n"good" film\n',
            "line 2: ',' expected after '\"'; a text with quotes must",
        ),
        ("a.csv", 'text\n"good\n\nfilm\nend\n', "line 2: unexpected end of data; a text with"),
        ("a.csv", 'text\n"a\nfilm"\n"a\nb",c\n', "line 4: 2 cells, but the header has 1"),
        ("a.csv", b"text\ngood\n\xff\n", "line 3: not UTF-8"),
        ("a.csv", "text,label\ngood,1\n", "has a column 'label' already, which would be added"),
        ("a.jsonl", '{"text": "good", "words": 3}\n', "has a column 'words' already"),
        ("a.jsonl", '{"text": "good"}\n\n{"text": \n', "line 3: not JSON"),
        ("a.jsonl", '{"text": "good"}\n[1]\n', "line 2: expected a JSON object; got list"),
        ("a.jsonl", b'{"text": "\xff"}\n', "line 1: not UTF-8"),
        ("a.csv.gz", b"\x1f\x8bno", "cannot be unpacked"),
        ("a.txt", "good", "has no known format; expected a name that ends in .csv"),
    ],
)
def test_what_cannot_be_read_is_told(scorer, tmp_path, name, content, said):
    source = tmp_path / name
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ScoringError) as caught:
        score_file(source, tmp_path / "out.jsonl", scorer, workers=1)
    assert said in str(caught.value)
    assert str(source) in str(caught.value)
    assert not (tmp_path / "out.jsonl").exists()


def test_a_quote_that_is_never_closed_is_not_read_to_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr("skimrnn.scoring.files.LARGEST_CELL", 100)
    source = tmp_path / "a.csv"
    source.write_text('text\n"good\n' + "film\n" * 1000)
    read = []

    class Counting(CsvSource):
        def lines(self):
            for line in super().lines():
                read.append(line)
                yield line

    with pytest.raises(ScoringError, match=r"line 2: a cell has more than 100 characters; .*quote"):
        list(Counting(source).batches(10))
    assert len(read) < 30


def test_rows_with_more_columns_than_the_first_ones(scorer, tmp_path):
    source = write_jsonl(tmp_path / "a.jsonl", [{"text": "good"}, {"text": "bad", "late": 1}])
    with pytest.raises(ScoringError, match=r"some rows have 'late', .* write to a \.jsonl file"):
        score_file(source, tmp_path / "b.csv", scorer, workers=1, batch_rows=1)


def test_half_of_a_pair(scorer, tmp_path):
    source = write_jsonl(tmp_path / "a.jsonl", [{"text": "good \ud800"}])
    score_file(source, tmp_path / "b.jsonl", scorer, workers=1)
    assert read_jsonl(tmp_path / "b.jsonl")[0]["text"] == "good \ud800"
    with pytest.raises(ScoringError, match=r"half of a surrogate pair, '\\ud800'"):
        score_file(source, tmp_path / "b.csv", scorer, workers=1)


def test_long_rows_make_short_batches(tmp_path):
    from skimrnn.scoring.kinds import open_source

    rows = [{"text": "a" * 3_000_000} for _ in range(4)]
    for path in (write_csv(tmp_path / "a.csv", rows), write_jsonl(tmp_path / "a.jsonl", rows)):
        sizes = [len(batch) for batch in open_source(Path(path)).batches(100)]
        assert sizes == [2, 2]
