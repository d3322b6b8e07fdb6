"""Scanning: the rules by example, what Unicode does to them, and the promises about places."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skimrnn.text import MAX_WORD_LENGTH, Words, scan
from skimrnn.text.words import character_tables

GOLDEN = [
    ("", ""),
    (" \t\r\n", ""),
    ("A great film", "a great film"),
    ("Well-made, 90 min.!?", "well - made , 90 min . ! ?"),
    ("$3.50 (50%)", "$ 3 . 50 ( 50 % )"),
    ("snake_case", "snake _ case"),
    # Clitics, with both apostrophes, in either case, whatever stands before.
    ("it's I'm we'd they're I've she'll", "it 's i 'm we 'd they 're i 've she 'll"),
    ("it’s I’m we’d they’re I’ve she’ll", "it 's i 'm we 'd they 're i 've she 'll"),
    ("IT'S WE'RE I'LL", "it 's we 're i 'll"),
    ("it 's 's ''s .'s", "it 's 's ' 's . 's"),
    # The n moves.
    ("don't can't won't isn’t", "do n't ca n't wo n't is n't"),
    ("DON'T Don’T", "do n't do n't"),
    ("do n't n't N’T", "do n't n't n't"),
    ("shouldn't've don't's", "should n't 've do n't 's"),
    ("x'n't", "x ' n't"),
    # In every other case the apostrophe is a mark.
    ("rock 'n' roll o'clock", "rock ' n ' roll o ' clock"),
    ("'t is an n", "' t is an n"),  # the text's end is not what stands before its start
    ("'tis 't 'T dogs' '", "' tis ' t ' t dogs ' '"),
    ("it' s it 'sun 'st'", "it ' s it ' sun ' st '"),
    ("n 't don' t don'ts dont't", "n ' t don ' t don ' ts dont ' t"),
    ("it`s it´s itʼs", "it ` s it ´ s itʼs"),  # U+02BC is a letter
    # What the table decides.
    ("ΟΔΟΣ Σ ς", "οδοσ σ ς"),  # no final sigma is made, none is changed
    ("STRASSE Straße ẞ", "strasse straße ß"),
    ("İstanbul I ı", "istanbul i ı"),  # one code point each
    ("Ångström É\u0301 n\u0303", "ångström é\u0301 n\u0303"),
    ("Ǆ ǅ Ⅷ Ⓐ 𐐀", "ǆ ǆ ⅷ ⓐ 𐐨"),
    ("x² ½ ٣ 三", "x² ½ ٣ 三"),
    ("日本語、テスト。", "日本語 、 テスト 。"),
    ("हिन्दी ไทย", "हिन्दी ไทย"),
    ("می\u200cخواهم क\u094d\u200dष", "می\u200cخواهم क\u094d\u200dष"),  # joiners
    ("😀😀👍🏽 ok", "😀 😀 👍 🏽 ok"),
    ("👩\u200d💻", "👩 \u200d 💻"),  # a joiner is of class word, also among marks
    ("♥\ufe0f", "♥ \ufe0f"),  # and so is the variation selector, a combining mark
    ("a\u00a0b\u3000c\u200bd\ufeffe\u0085f\u2028g\u001ch", "a b c d e f g h"),
    ("co\u00adop a\u0000b a\u2060b", "co \u00ad op a \u0000 b a \u2060 b"),
    ("\ue000 \U0010ffff \u0378", "\ue000 \U0010ffff \u0378"),  # private, none, unassigned
    ("a\ud800b \udfff", "a \ud800 b \udfff"),
    ("\ud83d\ude00", "\ud83d \ude00"),  # two lone surrogates are not one code point
]


@pytest.mark.parametrize(("text", "words"), GOLDEN)
def test_the_words_of_a_text(text: str, words: str) -> None:
    assert scan(text).words == (words.split(" ") if words else [])


def test_places_of_words_and_clitics() -> None:
    found = scan("  I don’t know,\nit's 😀İ.")
    assert found.words == ["i", "do", "n't", "know", ",", "it", "'s", "😀", "i", "."]
    assert found.starts.tolist() == [2, 4, 6, 10, 14, 16, 18, 21, 22, 23]
    assert found.ends.tolist() == [3, 6, 9, 14, 15, 18, 20, 22, 23, 24]
    assert found.starts.dtype == found.ends.dtype == np.int64
    assert len(found) == 10


def test_no_words() -> None:
    found = scan("")
    assert len(found) == 0
    assert found.starts.shape == found.ends.shape == (0,)
    assert found.starts.dtype == found.ends.dtype == np.int64


@pytest.mark.parametrize(
    ("given", "decoded"),
    [
        (b"", ""),
        ("Naïve café’s 😀".encode(), "Naïve café’s 😀"),
        (b"a\xffb", "a\ufffdb"),
        (b"\xe2\x82 x", "\ufffd x"),  # a sequence cut short is one part
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),  # an encoded surrogate is three
        (b"\xc0\xaf\xf5", "\ufffd\ufffd\ufffd"),
        (b"\xef\xbb\xbfhi", "\ufeffhi"),
    ],
)
def test_bytes_are_utf8_with_replacement(given: bytes, decoded: str) -> None:
    found, expected = scan(given), scan(decoded)
    assert found.words == expected.words
    assert found.starts.tolist() == expected.starts.tolist()
    assert found.ends.tolist() == expected.ends.tolist()


def test_the_replacement_character_is_a_mark() -> None:
    assert scan(b"caf\xe9s").words == ["caf", "\ufffd", "s"]


@pytest.mark.parametrize("given", [None, 3, ["a", "b"], bytearray(b"a"), np.array(["a"])])
def test_other_types_are_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=f"one str or bytes; got {type(given).__name__}"):
        scan(given)


@pytest.mark.parametrize("length", [1, 1023, 1024, 1025, 2047, 2048, 2049, 5000])
def test_long_runs_are_cut(length: int) -> None:
    found = scan("! " + "Ab" * (length // 2) + "A" * (length % 2) + " end")
    full, rest = divmod(length, MAX_WORD_LENGTH)
    lengths = [MAX_WORD_LENGTH] * full + ([rest] if rest else [])
    assert [len(word) for word in found.words] == [1, *lengths, 3]
    assert "".join(found.words[1:-1]) == "ab" * (length // 2) + "a" * (length % 2)
    assert (found.ends - found.starts).tolist() == [1, *lengths, 3]
    assert found.starts[1] == 2
    assert (found.starts[2:-1] == found.ends[1:-2]).all()


def test_cutting_comes_after_the_clitics() -> None:
    run = "x" * MAX_WORD_LENGTH
    assert scan(run + "n't").words == [run, "n't"]
    assert scan(run + "nn't").words == [run, "n", "n't"]
    assert scan(run + "x's").words == [run, "x", "'s"]
    assert scan("'" + run).words == ["'", run]


def test_a_hundred_thousand_words() -> None:
    sentence = "The film isn't bad , it's a great 😀 story"  # 12 words
    found = scan(" ".join([sentence] * 9_000))
    assert len(found) == 108_000
    assert found.words[:12] == found.words[-12:] == scan(sentence).words
    assert found.starts[12] == len(sentence) + 1


def test_a_very_long_run_and_very_many_marks() -> None:
    assert len(scan("a" * 1_024_000)) == 1_000
    assert scan("'" * 300_000).words == ["'"] * 300_000
    assert scan("n't " * 100_000).words == ["n't"] * 100_000


# Pieces of every kind that the rules name, so that random texts often have clitics in them.
PIECES = [*"nNtTsmdDa'’ .İΣ\n\u0301\u200b\u200d\ud800😀日", "n't", "N’T", "re", "Ve", "ll", "do"]
PIECED = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
TEXTS = st.one_of(
    PIECED,
    st.text(alphabet=st.characters(), max_size=20),
    st.text(alphabet=st.characters(categories=["Cs", "Mn", "Lu", "Zs", "Po"]), max_size=20),
)


def check_places(text: str, found: Words) -> None:
    classes, lower = character_tables()
    assert len(found.words) == found.starts.size == found.ends.size
    assert (found.starts < found.ends).all()
    assert (found.starts[1:] >= found.ends[:-1]).all()
    covered = np.zeros(len(text) + 1, dtype=bool)
    for word, start, end in zip(found.words, found.starts, found.ends, strict=True):
        covered[start:end] = True
        lowered = "".join(chr(lower[ord(letter)]) for letter in text[start:end])
        assert word == (lowered if end - start == 1 else lowered.replace("’", "'"))
        assert end - start <= MAX_WORD_LENGTH
    for letter, inside in zip(text, covered[:-1], strict=True):
        assert inside == (classes[ord(letter)] != 0)


@given(TEXTS)
def test_words_reassemble(text: str) -> None:
    check_places(text, scan(text))


@given(TEXTS)
def test_words_set_apart_by_blanks_are_found_again(text: str) -> None:
    words = scan(text).words
    assert scan(" ".join(words)).words == words


@given(TEXTS, TEXTS)
def test_texts_set_apart_by_a_blank_do_not_touch(first: str, second: str) -> None:
    assert scan(f"{first} {second}").words == scan(first).words + scan(second).words


@given(st.binary(max_size=40))
def test_any_bytes_can_be_scanned(data: bytes) -> None:
    check_places(data.decode("utf-8", errors="replace"), scan(data))


def words_by_the_rules(text: str) -> list[tuple[str, int, int]]:
    """The rules again, one code point after the other, for comparison."""
    classes, lower = character_tables()

    def is_word(at: int) -> bool:
        return 0 <= at < len(text) and classes[ord(text[at])] == 1

    def lowered(start: int, end: int) -> str:
        return "".join(chr(lower[ord(letter)]) for letter in text[start:end])

    def run_end(at: int) -> int:
        while is_word(at):
            at += 1
        return at

    found: list[tuple[str, int, int]] = []
    at = 0
    while at < len(text):
        if is_word(at):
            end = run_end(at)
            quoted = text[end : end + 1] in ("'", "’") and text[end - 1] in "nN"
            if quoted and lowered(end + 1, run_end(end + 1)) == "t":
                if end - 1 > at:
                    found.append((lowered(at, end - 1), at, end - 1))
                found.append(("n't", end - 1, end + 2))
                at = end + 2
                continue
            found.append((lowered(at, end), at, end))
            at = end
            continue
        end = at + 1
        if text[at] in "'’":
            suffix = lowered(end, run_end(end))
            if suffix in ("s", "m", "d", "re", "ve", "ll"):
                end = run_end(end)
                found.append(("'" + suffix, at, end))
                at = end
                continue
        if classes[ord(text[at])] == 2:
            found.append((lowered(at, end), at, end))
        at = end
    return found


@given(PIECED)
def test_agrees_with_the_rules_taken_one_by_one(text: str) -> None:
    found = scan(text)
    places = zip(found.words, found.starts.tolist(), found.ends.tolist(), strict=True)
    assert list(places) == words_by_the_rules(text)
