import re
import time
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from skimrnn.show import render_html
from skimrnn.show.phrases import printable

VOID = {"meta"}


class Page(HTMLParser):
    """Every element with its attributes and its text; fails where an element is not closed."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.open, self.elements = [], []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def find(self, tag, class_=None):
        return [
            element
            for element in self.elements
            if element["tag"] == tag
            and (class_ is None or class_ in element.get("class", "").split())
        ]


def bodies(page):
    return [element["text"] for element in page.find("div", "text")]


def in_card(page, tag):
    """Elements within the texts, not the legend: those have a tooltip."""
    return [element for element in page.find(tag) if "title" in element]


def test_read_words_are_marked_and_skimmed_ones_faded(seen):
    page = Page(render_html([seen("Not so good", [0, 1, 0])]))

    assert [mark["text"] for mark in in_card(page, "mark")] == ["Not", "good"]
    assert [(span["text"], span["class"]) for span in in_card(page, "span")] == [("so", "s1")]
    assert in_card(page, "mark")[0]["title"] == "read, p(skim) 0.20"
    assert in_card(page, "span")[0]["title"] == "skimmed, p(skim) 0.80"


def test_the_card_says_label_counts_and_saving(seen):
    page = Page(render_html([seen("a b", threshold=0.25, budget=0.5)]))

    assert page.find("h2")[0]["text"] == "positive75%"
    assert page.find("p", "counts")[0]["text"] == (
        "read 1 of 2 words (50% skimmed), 4.6× fewer operations"
    )
    assert [item["text"] for item in page.find("li")][-1] == "negative 25%"
    assert page.find("i")[0]["style"] == "width:75.0%"
    assert page.find("p", "settings")[0]["text"] == "Threshold 0.25, budget 0.5"


def test_the_page_stands_alone_and_runs_nothing(seen, hostile):
    source = render_html([seen("a b"), seen(hostile)])
    page = Page(source)

    assert source.startswith("<!DOCTYPE html>\n")
    assert {"tag": "meta", "text": "", "charset": "utf-8"} in page.elements
    assert page.find("script") == page.find("link") == page.find("img") == []
    assert not re.search(r"\b(src|href|on\w+)=|@import|url\(", source.replace(hostile, ""))
    assert page.find("style")[0]["text"].strip() == (
        files("skimrnn.show").joinpath("page.css").read_text(encoding="utf-8").strip()
    )
    # The page's own first guess at an encoding must find it: within the first 1,024 bytes.
    assert b'charset="utf-8"' in source.encode()[:1024]


def test_the_text_comes_back_with_its_white_space(seen):
    text = "\n\n  a\tb\n\n   c  \n"
    page = Page(render_html([seen(text, [0, 1, 0], spans=[(4, 5), (6, 7), (12, 13)])]))

    assert bodies(page) == [text]


def test_a_hostile_text_stays_text(seen, hostile):
    made = seen(hostile, labels=("<b>&\x1b\ud800", "z"), probabilities=(0.9, 0.1))

    source = render_html([made], title='</title><script>"\u202e')
    page = Page(source)

    assert bodies(page) == [printable(hostile)]
    assert page.find("script") == page.find("b") == []
    assert page.find("title")[0]["text"] == page.find("h1")[0]["text"] == '</title><script>"\ufffd'
    assert page.find("h2")[0]["text"] == "<b>&\u241b\ufffd90%"
    source.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", source)


def test_tokens_that_touch_are_marked_as_one(seen):
    spans = [(0, 3), (3, 6), (6, 7), (8, 9)]
    page = Page(render_html([seen("didn't. x", [0, 0, 1, 0], spans=spans)]))

    assert [mark.get("class") for mark in in_card(page, "mark")] == [
        "joins-right",
        "joins-left",
        None,
    ]


@pytest.mark.parametrize(
    ("levels", "level", "classes", "legend"),
    [
        (3, [1, 2, 0], ["s1", "s2"], ["skimmed, level 1", "skimmed, level 2"]),
        (
            5,
            [1, 3, 4],
            ["s1", "s3", "s3"],
            ["skimmed, level 1", "skimmed, level 2", "skimmed, level 3 and above"],
        ),
    ],
)
def test_deeper_levels_look_different_and_the_legend_names_them(
    seen, levels, level, classes, legend
):
    page = Page(render_html([seen("a b c", level, levels=levels)]))

    assert [span["class"] for span in in_card(page, "span")] == classes
    items = [item["text"].removeprefix("word ") for item in page.find("li")]
    assert items[: len(legend) + 1] == ["read", *legend]
    assert f"skimmed at level {level[0]}" in in_card(page, "span")[0]["title"]


def test_several_passes_have_strips_strokes_and_a_choice(seen):
    made = seen("a b c", [[[0, 1, 1], [0, 0, 1]], [[0, 1, 1], [1, 0, 1]]])

    page = Page(render_html([made]))
    other = Page(render_html([made], layer=1, direction=1))

    assert [svg["aria-label"] for svg in page.find("svg")] == [
        "layer 1 forward: read 1 of 3 words (67% skimmed)",
        "layer 1 backward: read 2 of 3 words (33% skimmed)",
        "layer 2 forward: read 1 of 3 words (67% skimmed)",
        "layer 2 backward: read 1 of 3 words (67% skimmed)",
    ]
    assert [path["d"] for path in page.find("path")] == [
        "M0 0h1v1h-1z",
        "M0 0h2v1h-2z",
        "M0 0h1v1h-1z",
        "M1 0h1v1h-1z",
    ]
    assert [mark["text"] for mark in in_card(page, "mark")] == ["a"]
    assert [mark["text"] for mark in in_card(other, "mark")] == ["b"]
    assert in_card(page, "mark")[0]["style"] == "--share:75%"
    assert [span.get("style") for span in in_card(page, "span")] == ["--share:50%", None]
    assert in_card(page, "mark")[0]["title"].splitlines() == [
        "layer 1 forward: read, p(skim) 0.20",
        "layer 1 backward: read, p(skim) 0.20",
        "layer 2 forward: read, p(skim) 0.20",
        "layer 2 backward: skimmed, p(skim) 0.80",
    ]


def test_a_lone_read_word_in_a_long_text_stays_visible_on_the_strip(seen):
    level = [1] * 4000
    level[10] = level[3999] = 0
    page = Page(render_html([seen(" ".join("a" * 4000), level)]))

    assert page.find("path")[0]["d"] == "M10 0h10v1h-10zM3990 0h10v1h-10z"


@pytest.mark.parametrize("tokens", [1, 29, 30])
def test_one_pass_has_a_strip_only_where_the_text_is_long(seen, tokens):
    page = Page(render_html([seen(" ".join("a" * tokens))]))

    assert len(page.find("svg")) == (tokens >= 30)


@pytest.mark.parametrize(
    ("text", "level", "spans", "shown"),
    [
        ("a b c d e", [1, 0, 0, 1, 1], None, "… b c …"),
        ("a b c d e", [0, 1, 0, 1, 0], None, "a … c … e"),
        ("don't go", [0, 0, 1], [(0, 2), (2, 5), (6, 8)], "don't …"),
        ("a\n\nb", [0, 0], [(0, 1), (3, 4)], "a b"),
    ],
)
def test_the_read_words_alone_for_who_cannot_see_the_marks(seen, text, level, spans, shown):
    page = Page(render_html([seen(text, level, spans=spans)]))

    assert page.find("details")[0]["text"] == f"Only the words it read{shown}"


def test_nothing_read_has_no_list_of_read_words(seen):
    assert Page(render_html([seen("a b", [1, 1])])).find("details") == []


def test_many_labels_show_the_likeliest_and_keep_the_order(seen):
    labels = tuple(f"c{number}" for number in range(9))
    made = seen(
        "a", labels=labels, probabilities=(0.01, 0.02, 0.3, 0.05, 0.4, 0.1, 0.06, 0.03, 0.03)
    )

    page = Page(render_html([made]))

    assert page.find("h2")[0]["text"] == "c440%"
    listed = [item["text"] for item in page.find("li") if item["text"].startswith("c")]
    assert listed == ["c2 30%", "c5 10%", "c6 6%", "c3 5%", "c7 3%"]


def test_no_text_and_the_empty_text(seen):
    assert "No texts." in render_html([])
    page = Page(render_html([seen("", [], spans=[])]))
    assert page.find("p", "counts")[0]["text"] == "no words to read"
    assert page.find("svg") == bodies(page) == []


def test_ten_thousand_tokens_take_no_more_than_moments(seen):
    made = seen(" ".join(["word"] * 10_000))

    start = time.perf_counter()
    source = render_html([made])

    assert time.perf_counter() - start < 10
    assert source.count("<mark title=") == 5_000
    assert len(source) < 800_000


def test_a_pass_that_is_not_there(seen):
    with pytest.raises(ValueError, match=r"direction must be .* 0 to 0; got direction=1"):
        render_html([seen("a")], direction=1)


def themes():
    css = files("skimrnn.show").joinpath("page.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    )
    assert light.keys() == dark.keys()
    return {"light": light, "dark": dark}


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_computed_as_the_standard_says():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "card"])
@pytest.mark.parametrize("text", ["text", "skim", "quiet"])
def test_every_text_is_legible(theme, ground, text):
    colours = themes()[theme]

    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marks_are_legible_and_strips_visible(theme):
    colours = themes()[theme]

    assert contrast(colours["mark-text"], colours["mark"]) >= 7
    assert contrast(colours["accent"], colours["track"]) >= 3
    assert contrast(colours["accent"], colours["card"]) >= 3
