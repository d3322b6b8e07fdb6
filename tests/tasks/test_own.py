import json
import os
import sys
from pathlib import Path

import pytest

from skimrnn.tasks import DataError, load_examples, load_task
from skimrnn.tasks.rows import read_texts


def table(count: int = 40, separator: str = ",") -> str:
    lines = [f"text {n}{separator}{'spam' if n % 4 == 0 else 'ham'}" for n in range(count)]
    return "\n".join([f"text{separator}label", *lines, ""])


def objects(count: int = 40) -> str:
    return "".join(
        json.dumps({"text": f"text {n}", "label": "spam" if n % 4 == 0 else "ham"}) + "\n"
        for n in range(count)
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mail.csv", table()),
        ("mail.csv", "\ufeff" + table().replace("\n", "\r\n")),
        ("mail.csv.gz", table()),
        ("mail.tsv", table(separator="\t")),
        ("mail.tsv.gz", table(separator="\t")),
        ("mail.jsonl", objects()),
        ("mail.ndjson", objects()),
        ("mail.json.gz", objects()),
    ],
)
def test_every_format_gives_the_same_task(write, name: str, content: str):
    task = load_task(str(write(name, content)))
    assert task.name == "mail"
    assert task.labels == ("ham", "spam")
    assert [len(examples) for examples in task.splits().values()] == [32, 4, 4]
    texts = [text for examples in task.splits().values() for text in examples.texts]
    assert sorted(texts) == sorted(f"text {n}" for n in range(40))
    for examples in task.splits().values():
        for text, target in zip(examples.texts, examples.targets.tolist(), strict=True):
            assert target == (int(text.split()[1]) % 4 == 0)
    assert task.record["columns"] == {"text": "text", "label": "label"}
    assert task.record["files"][0]["path"].endswith("/" + name)
    assert task.record["split"] == {
        "train": "what the other splits leave",
        "validation": "10% of all texts, drawn at random within each label",
        "test": "10% of all texts, drawn at random within each label",
    }
    assert task.record["counts"]["test"] == {"texts": 4, "ham": 3, "spam": 1}


def test_the_seed_draws_the_split(write):
    path = str(write("mail.csv", table()))
    tests = [load_task(path, seed=seed).test.texts for seed in (0, 0, 1)]
    assert tests[0] == tests[1] != tests[2]


def test_a_folder_for_each_label(write, tmp_path: Path):
    for n in range(10):
        write(f"mail/spam/{n}.txt", f"buy {n}\nnow")
        write(f"mail/ham/{n}.txt", f"hello {n}")
    write("mail/readme.md", "about")
    write("mail/.hidden/1.txt", "not this")
    task = load_task(str(tmp_path / "mail"))
    assert (task.name, task.labels) == ("mail", ("ham", "spam"))
    assert [len(examples) for examples in task.splits().values()] == [16, 2, 2]
    assert {t for t in task.train.texts if "\n" in t} < {f"buy {n}\nnow" for n in range(10)}
    assert task.record["files"][0]["files"] == 20


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every file name is text")
def test_names_of_files_and_labels_that_are_not_utf8(write, tmp_path: Path):
    byte = os.fsdecode(b"\xff")
    for n in range(5):
        write(f"mail/spam/{n}.txt", f"buy {n}")
        write(f"mail/ham/{byte}{n}.txt", f"hello {n}")
    assert load_task(str(tmp_path / "mail")).record["files"][0]["files"] == 10
    (tmp_path / "mail" / "spam").rename(tmp_path / "mail" / f"sp{byte}m")
    with pytest.raises(DataError, match=r"the label 'sp\\udcffm' has half of a character"):
        load_task(str(tmp_path / "mail"))


def test_given_splits_are_kept(write, tmp_path: Path):
    write("mail/train.csv", table(8))
    write("mail/dev.jsonl", objects(5))
    write("mail/test.tsv.gz", table(6, "\t"))
    task = load_task(str(tmp_path / "mail"))
    assert [len(examples) for examples in task.splits().values()] == [8, 5, 6]
    assert set(task.record["split"].values()) == {"as given"}
    assert task.record["held_out_texts_that_are_also_in_train"] == 11
    assert [file["path"] for file in task.record["files"]] == [
        "mail/train.csv",
        "mail/dev.jsonl",
        "mail/test.tsv.gz",
    ]


def test_a_missing_validation_is_cut_from_train(write, tmp_path: Path):
    write("mail/train.csv", table())
    for n in range(3):
        write(f"mail/test/ham/{n}.txt", "hello")
    task = load_task(str(tmp_path / "mail"))
    assert [len(examples) for examples in task.splits().values()] == [36, 4, 3]
    assert task.record["split"] == {
        "train": "what the other splits leave",
        "validation": "10% of train, drawn at random within each label",
        "test": "as given",
    }


def test_a_missing_test_is_cut_from_train(write, tmp_path: Path):
    write("mail/train.csv", table())
    write("mail/valid.csv", table(4))
    task = load_task(str(tmp_path / "mail"))
    assert [len(examples) for examples in task.splits().values()] == [36, 4, 4]


def test_a_folder_with_one_file_is_that_file(write, tmp_path: Path):
    write("mail/everything.csv", table())
    assert len(load_task(str(tmp_path / "mail")).train) == 32


def test_labels_that_are_whole_numbers_are_sorted_by_value(write):
    rows = "".join(f"text {n},{label}\n" for n in range(5) for label in (10, 9, 2))
    assert load_task(str(write("x.csv", "text,label\n" + rows))).labels == ("2", "9", "10")


def test_json_labels_may_be_numbers_or_truth_values(write):
    rows = [{"text": "t", "label": label} for label in (1, 1.0, "1", True, False, 2.5)]
    path = write("x.jsonl", "".join(json.dumps(row) + "\n" for row in rows * 3))
    labels = ("1", "true", "false", "2.5")
    assert load_examples(str(path), labels).targets.tolist() == [0, 0, 0, 1, 2, 3] * 3


def test_columns_are_found_by_name_or_told(write):
    content = "id,Sentence,Review,Class,other\n" + "".join(
        f"{n},sentence {n},review {n},{n % 2},{n % 3}\n" for n in range(30)
    )
    path = str(write("x.csv", content))
    task = load_task(path)
    assert task.record["columns"] == {"text": "Sentence", "label": "Class"}
    assert task.labels == ("0", "1")
    told = load_task(path, text_column="Review", label_column="other")
    assert told.record["columns"] == {"text": "Review", "label": "other"}
    assert told.labels == ("0", "1", "2")
    assert told.test.texts[0].startswith("review ")


def test_a_wrong_column_lists_those_there_are(write):
    path = str(write("x.csv", "words,kind\na,1\nb,2\n"))
    with pytest.raises(
        DataError, match=r"no column 'word' for the text; the columns are 'words', 'kind'"
    ):
        load_task(path, text_column="word", label_column="kind")
    with pytest.raises(DataError, match=r"no column 'Kind' for the label; .* 'words', 'kind'"):
        load_task(path, text_column="words", label_column="Kind")
    with pytest.raises(DataError, match=r"no column is named text or .*'words', 'kind'; .*--text"):
        load_task(path)
    with pytest.raises(DataError, match=r"--label-column"):
        load_task(path, text_column="words")
    with pytest.raises(DataError, match="'words' cannot be both"):
        load_task(path, text_column="words", label_column="words")


def test_quoted_cells(write):
    content = 'text,label\n"one, ""two""\nthree",a\n' + "x,b\n" * 3
    examples = load_examples(str(write("x.csv", content)), ("a", "b"))
    assert examples.texts == ['one, "two"\nthree', "x", "x", "x"]
    content = 'text\tlabel\n"Good" film\ta\n"so ""so"""\tb\n" open\ta\n""\tb\n'
    with pytest.raises(DataError, match=r"1 of 4 rows have no text in the column 'text': line 5;"):
        load_examples(str(write("x.tsv", content)), ("a", "b"))
    examples = load_examples(str(write("x.tsv", content.replace('\n""\t', "\nz\t"))), ("a", "b"))
    assert examples.texts == ['"Good" film', 'so "so"', '" open', "z"]


def test_a_very_long_text_is_no_problem(write):
    long = "word " * 100_000
    content = f"text,label\n{long}end,a\nshort,b\n"
    examples = load_examples(str(write("x.csv", content)), ("a", "b"))
    assert examples.texts[0] == long + "end"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "", "is empty: it has no rows"),
        ("x.csv", "\n \n", "is empty: it has no rows"),
        ("x.csv", "text,label\n", "is empty: it has no rows"),
        ("x.jsonl", "\n", "is empty: it has no rows"),
        ("x.jsonl", '{"text": "a", "label": NaN}\n', "have no label"),
        ("x.csv", "text,label\na,1\nb,1\nc,1\n", "every text has the label '1'"),
        ("x.csv", "text,label\na,1\n,2\nc,\nd\n", "1 of 4 rows have no text .*: line 3;"),
        ("x.csv", "text,label\na,1\nc,\nd\n", "2 of 3 rows have no label .*: line 3, 4;"),
        ("x.csv", 'text,label\n"a\nb",1\nc,\n', "1 of 2 rows have no label .*: line 4;"),
        ("x.csv", "text,label\n" + "a,\n" * 7, "7 of 7 .*: line 2, 3, 4, 5, 6 and 2 more;"),
        ("x.csv", "text,label\na,b,1\n", "line 2: 3 cells, but the header has 2 columns"),
        ("x.csv", 'text,label\nx,1\n"a,1\nb,2\n', "line 3: unexpected end of data"),
        ("x.csv", 'text,label\n"a" b,1\n', "line 2: .* must be quoted"),
        ("x.csv", "text,text,label,,\na,b,1,,\n", "header has 'text' more than once"),
        ("x.csv", b"text,label\ncaf\xe9,1\n", "is not UTF-8: byte 0xe9 in line 2"),
        ("x.jsonl", '{"text": "a", "label": 1}\n{"text"\n', "line 2: not JSON"),
        ("x.jsonl", "[1]\n", "line 1: expected a JSON object .* got list"),
        ("x.jsonl", "[" * 100_000 + "\n", "line 1: not JSON"),
        ("x.jsonl", '{"text": 5, "label": 1}\n', "1 of 1 rows have no text"),
        ("x.jsonl", '{"text": "a", "label": null}\n', "1 of 1 rows have no label"),
        ("x.jsonl", '{"text": "a", "label": {"x": 1}}\n', "1 of 1 rows have no label"),
        ("x.csv", "text,label\na,1\nb,2\n", "2 texts are too few to cut validation and test"),
        ("x.xlsx", "text,label\na,1\nb,2\n", r"has no known format; .*\.csv, \.tsv, \.jsonl"),
    ],
)
def test_bad_files_are_clear_errors(write, name: str, content: str | bytes, message: str):
    with pytest.raises(DataError, match=message) as caught:
        load_task(str(write(name, content)))
    assert name in str(caught.value)


def test_bad_folders_are_clear_errors(write, tmp_path: Path):
    path = tmp_path / "mail"
    with pytest.raises(DataError, match="mail does not exist"):
        load_task(str(path))
    path.mkdir()
    with pytest.raises(DataError, match="holds no data; expected one CSV"):
        load_task(str(path))
    write("mail/a.csv", table())
    write("mail/b.csv", table())
    with pytest.raises(DataError, match=r"several data files: a\.csv, b\.csv"):
        load_task(str(path))
    write("mail/test.csv", table())
    with pytest.raises(DataError, match="holds test but no train"):
        load_task(str(path))
    write("mail/train.csv", table())
    write("mail/train.jsonl", objects())
    with pytest.raises(DataError, match=r"train\.csv and train\.jsonl could each be the train"):
        load_task(str(path))


def test_blank_files_of_a_label_folder_are_named(write, tmp_path: Path):
    write("mail/spam/1.txt", " \n")
    write("mail/ham/1.txt", "hello")
    with pytest.raises(DataError, match=r"no text in spam/1\.txt; fill or remove"):
        load_task(str(tmp_path / "mail"))
    with pytest.raises(DataError, match="has no columns to name"):
        load_task(str(tmp_path / "mail"), text_column="text")


def test_a_label_that_train_does_not_have_is_named(write, tmp_path: Path):
    write("mail/train.csv", table())
    write("mail/test.csv", "text,label\na,ham\nb,eggs\n")
    with pytest.raises(
        DataError, match=r"test\.csv has the label 'eggs'; the known labels are 'ham', 'spam'"
    ):
        load_task(str(tmp_path / "mail"))


def test_examples_for_evaluation_are_in_the_order_of_the_models_labels(write, tmp_path: Path):
    path = str(write("mail.csv", "text,label\na,ham\nb,spam\nc,ham\n"))
    assert load_examples(path, ("spam", "ham")).targets.tolist() == [1, 0, 1]
    assert load_examples(path, ("eggs", "ham", "spam")).targets.tolist() == [1, 2, 1]
    with pytest.raises(DataError, match=r"has the labels 'ham', 'spam'; the known labels are '0'"):
        load_examples(path, ("0", "1"))
    one_class = str(write("one.csv", "text,label\na,ham\n"))
    assert load_examples(one_class, ("spam", "ham")).texts == ["a"]


def test_examples_of_a_folder_are_its_test_split(write, tmp_path: Path):
    write("mail/train.csv", table())
    path = str(tmp_path / "mail")
    with pytest.raises(DataError, match="holds train but no test"):
        load_examples(path, ("ham", "spam"))
    write("mail/test.csv", table(6))
    assert len(load_examples(path, ("ham", "spam"))) == 6


# ---- texts without labels ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("more.txt", "one text\r\n\n  another one \n"),
        ("more.txt.gz", "one text\nanother one"),
        ("more.csv", "id,text\n1,one text\n2,another one\n"),
        ("more.tsv", "Text\none text\nanother one\n"),
        ("more.jsonl", '{"text": "one text", "label": null}\n{"text": "another one"}\n'),
    ],
)
def test_texts_are_read_without_labels(write, name: str, content: str):
    assert read_texts(write(name, content)).texts == ["one text", "another one"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("more.txt", "\n \n", "is empty: it has no text"),
        ("more.csv", "text\n", "is empty: it has no rows"),
        ("more.csv", "words\nsome\n", "no column is named text or"),
        ("more.csv", 'text,id\nsome,1\n"",2\n', "1 of 2 rows have no text .* line 3"),
        ("more.pdf", "some", r"\.csv.*or \.txt, with a text a line"),
    ],
)
def test_what_is_no_file_of_texts_is_refused(write, name: str, content: str, said: str):
    with pytest.raises(DataError, match=said):
        read_texts(write(name, content))


def test_a_label_that_no_model_can_hold_is_refused(write):
    path = write(
        "data.jsonl", '{"text": "a", "label": "go\\ud800od"}\n{"text": "b", "label": "x"}\n'
    )
    with pytest.raises(DataError, match=r"data\.jsonl: the label .* has half of a character"):
        load_task(str(path))


def test_a_column_of_texts_can_be_named(write):
    path = write("more.csv", "text,body\nno,one text\n")
    assert read_texts(path, text_column="body").texts == ["one text"]
    assert read_texts(path, text_column="label").texts == read_texts(path).texts
