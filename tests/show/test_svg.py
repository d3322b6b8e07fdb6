import itertools
import re
import time
from xml.etree import ElementTree

import pytest

from skimrnn.show import render_svg
from skimrnn.show.phrases import one_line

SVG = "{http://www.w3.org/2000/svg}"
BODY = ("read", "skim", "deep")


def parsed(view, *args, **kwargs):
    return ElementTree.fromstring(render_svg(view, *args, **kwargs).encode("utf-8"))


def texts(root, *classes):
    return [
        (element.get("class"), element.text)
        for element in root.iter(f"{SVG}text")
        if element.get("class") in (classes or BODY)
    ]


def rows(root):
    """The text's lines as they stand, by baseline."""
    found = {}
    for element in root.iter(f"{SVG}text"):
        if element.get("class") in BODY:
            found.setdefault(int(element.get("y")), []).append(element)
    return [found[y] for y in sorted(found)]


def test_read_words_are_bold_on_a_mark_and_skimmed_ones_joined(seen):
    root = parsed(seen("Not so very good", [0, 1, 1, 0]))

    assert texts(root) == [("read", "Not"), ("skim", "so very"), ("read", "good")]
    marks = [rect for rect in root.iter(f"{SVG}rect") if rect.get("class") == "mark"]
    read = [element for element in root.iter(f"{SVG}text") if element.get("class") == "read"]
    for mark, word in zip(marks, read, strict=True):
        left, width = float(mark.get("x")), float(mark.get("width"))
        assert float(word.get("x")) - left == pytest.approx(3, abs=0.11)
        assert float(word.get("textLength")) == pytest.approx(width - 6, abs=0.11)


def test_the_header_says_label_and_saving(seen):
    root = parsed(seen("a b"))

    assert texts(root, "label", "quiet") == [
        ("label", "positive 75%"),
        ("quiet", "read 1 of 2 words (50% skimmed), 4.6× fewer operations"),
    ]
    assert root.get("aria-label") == (
        "positive, read 1 of 2 words (50% skimmed), 4.6× fewer operations: a b"
    )


@pytest.mark.parametrize("width", [320, 321, 480, 760])
def test_no_piece_leaves_the_card_or_covers_another(seen, hostile, width):
    text = hostile + " " + "several words of many lengths, " * 20
    root = parsed(seen(text), width)

    assert root.get("width") == str(width)
    assert root.get("viewBox") == f"0 0 {width} {root.get('height')}"
    for row in rows(root):
        end = 28.0
        for element in row:
            x, length = float(element.get("x")), float(element.get("textLength"))
            assert x >= end - 0.2
            end = x + length
        assert end <= width - 28 + 0.2
        assert int(row[0].get("y")) < int(root.get("height"))
    joined = "".join(text for _, text in texts(root))
    assert joined.replace(" ", "") == one_line(text).replace(" ", "")


def test_lines_end_where_the_text_ends_them_and_never_inside_a_word(seen):
    spans = [(0, 3), (3, 6), (7, 8), (10, 11)]
    root = parsed(seen("didn't\na\n\nb", [0, 0, 1, 1], spans=spans))

    assert [[element.text for element in row] for row in rows(root)] == [["didn't"], ["a"], ["b"]]
    baselines = [int(row[0].get("y")) for row in rows(root)]
    assert [b - a for a, b in itertools.pairwise(baselines)] == [32, 48]


def test_a_word_keeps_its_full_stop_at_the_end_of_a_line(seen):
    words = [f"word{number}." for number in range(40)]
    text = " ".join(words)
    spans = [match.span() for match in re.finditer(r"\w+|\.", text)]
    made = seen(text, [1] * 80, spans=spans)

    for width in range(320, 420):  # among them such where the word still fits and its stop does not
        lines = rows(parsed(made, width))
        assert len(lines) > 5
        for line in lines:
            assert line[0].text.startswith("word")
            assert line[-1].text.endswith(".")


def test_deeper_levels_are_underlined(seen):
    root = parsed(seen("a b c d", [1, 2, 3, 0], levels=4))

    assert [kind for kind, _ in texts(root)] == ["skim", "deep", "deep", "read"]


def test_the_pass_to_show_can_be_chosen(seen):
    made = seen("a b", [[[0, 1], [1, 0]]])

    assert texts(parsed(made)) == [("read", "a"), ("skim", "b")]
    assert texts(parsed(made, direction=1)) == [("skim", "a"), ("read", "b")]


def test_it_stands_alone_and_knows_both_themes(seen, hostile):
    source = render_svg(seen(hostile, labels=("<b>\ud800" * 50, "z"), probabilities=(0.9, 0.1)))
    root = ElementTree.fromstring(source.encode("utf-8"))

    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg",
        "style",
        "rect",
        "text",
    }
    assert "prefers-color-scheme:dark" in source
    assert not re.search(r"url\(|href|@import", source)
    label = texts(root, "label")[0][1]
    assert label.startswith("<b>\ufffd")
    assert label.endswith("… 90%")


@pytest.mark.parametrize("text", ["", " \n\n "])
def test_a_text_without_words_is_a_header_alone(seen, text):
    root = parsed(seen(text, [], spans=[]))

    assert texts(root) == []
    assert texts(root, "quiet") == [("quiet", "no words to read")]
    assert 50 <= int(root.get("height")) <= 90


def test_ten_thousand_tokens_take_no_more_than_moments(seen):
    made = seen(" ".join(["word"] * 10_000))

    start = time.perf_counter()
    source = render_svg(made)

    assert time.perf_counter() - start < 10
    assert source.count('class="read"') == 5_000


def test_too_narrow_a_picture(seen):
    with pytest.raises(ValueError, match="width must be at least 320 pixels; got width=319"):
        render_svg(seen("a"), 319)
