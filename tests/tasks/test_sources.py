import hashlib
from pathlib import Path

import pytest

from skimrnn.tasks import DataError
from skimrnn.tasks.sources import file_record, many_files_record, read_lines, read_text


def test_lines_end_at_line_feeds_only(write):
    path = write("x.txt", "one\x85same\r\n\n \ntwo\x0bsame".encode("latin-1"))
    assert read_lines(path, encoding="latin-1") == ["one\x85same", "two\x0bsame"]


@pytest.mark.parametrize("name", ["x.txt", "x.txt.gz"])
def test_byte_order_mark_is_left_out(write, name):
    assert read_text(write(name, b"\xef\xbb\xbfcaf\xc3\xa9")) == "café"


def test_wrong_encoding_is_named_with_its_place(write):
    with pytest.raises(DataError, match=r"x\.txt is not UTF-8: byte 0xe9 in line 2; convert"):
        read_text(write("x.txt", "one\ncaf\xe9".encode("latin-1")))
    with pytest.raises(DataError, match="it looks like UTF-16"):
        read_text(write("y.txt", "text".encode("utf-16")))


def test_what_cannot_be_read_is_an_error_with_its_name(write, tmp_path: Path):
    broken = write("broken.txt")
    broken = broken.rename(tmp_path / "broken.txt.gz")
    broken.write_bytes(b"no gzip at all")
    with pytest.raises(DataError, match=r"broken\.txt\.gz cannot be read"):
        read_text(broken)
    whole = write("whole.txt.gz", "some text" * 99).read_bytes()
    broken.write_bytes(whole[:-12])
    with pytest.raises(DataError, match=r"broken\.txt\.gz cannot be read"):
        read_text(broken)
    with pytest.raises(DataError, match=r"absent\.txt cannot be read"):
        read_text(tmp_path / "absent.txt")


def test_record_names_files_from_the_folder_on(write, tmp_path: Path):
    path = write("sst/trees/train.txt", "abc")
    assert file_record(path, tmp_path / "sst") == {
        "path": "sst/trees/train.txt",
        "bytes": 3,
        "sha256": hashlib.sha256(b"abc").hexdigest(),
    }


def test_record_of_many_files_depends_on_names_and_contents():
    first = many_files_record("f", [("a", b"1"), ("b", b"2")])
    assert (first["path"], first["files"], first["bytes"]) == ("f", 2, 2)
    digests = {
        many_files_record("f", files)["sha256"]
        for files in ([("a", b"1"), ("b", b"2")], [("a", b"2"), ("b", b"1")], [("a", b"12")])
    }
    assert len(digests) == 3
    assert first["sha256"] in digests
