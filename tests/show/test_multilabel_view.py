"""A multi-label reading, as every renderer shows it: what is chosen, each with its own share."""

import io
import json
import re

import pytest
from rich.console import Console

from skimrnn.show import render_html, render_svg, render_terminal
from skimrnn.show.phrases import LISTED_LABELS, labelled, others

LABELS = ("arts", "politics", "sport", "weather")


@pytest.fixture
def both(seen):
    return seen("a goal", labels=LABELS, probabilities=(0.02, 0.61, 0.97, 0.3), multilabel=True)


@pytest.fixture
def neither(seen):
    return seen("a", labels=LABELS, probabilities=(0.02, 0.11, 0.4, 0.3), multilabel=True)


def printed(view):
    out = io.StringIO()
    Console(file=out, color_system=None, width=120).print(render_terminal(view))
    return out.getvalue().splitlines()


def test_the_view_names_what_is_chosen(both, neither):
    assert both["chosen"] == ["politics", "sport"]
    assert both["probabilities"] == {"arts": 0.02, "politics": 0.61, "sport": 0.97, "weather": 0.3}
    assert (both["multilabel"], both["label"]) == (True, "sport")
    assert neither["chosen"] == []
    json.dumps(both, allow_nan=False)


def test_any_other_view_has_its_label(seen):
    view = seen("a b")
    assert (view["multilabel"], view["chosen"]) == (False, ["positive"])


def test_the_phrases(both, neither, seen):
    assert labelled(both) == "sport 97%, politics 61%"
    assert labelled(neither) == "no label"
    assert labelled(seen("a")) == "positive 75%"
    assert others(both, 9) == [("weather", 0.3), ("arts", 0.02)]
    assert others(both, 1) == [("weather", 0.3)]


def test_the_terminal(both, neither):
    first, second, *_ = printed(both)
    assert first.startswith("sport 97%, politics 61%  read 1 of 2 words")
    assert second == "not: weather 30%, arts 2%"
    first, second, *_ = printed(neither)
    assert first.startswith("no label  read 1 of 1 word")
    assert second == "not: sport 40%, weather 30%, politics 11%, arts 2%"


def test_many_labels_are_not_all_listed(seen):
    labels = tuple(f"label{number}" for number in range(50))
    view = seen("a", labels=labels, probabilities=(0.1,) * 50, multilabel=True)
    _, second, *_ = printed(view)
    assert second.count("%") == LISTED_LABELS


def test_the_page(both, neither):
    page = render_html([both, neither])
    assert '<h2 id="text-1">sport<span>97%</span>, politics<span>61%</span></h2>' in page
    assert '<h2 id="text-2">No label</h2>' in page
    assert "<li>not:</li><li>weather 30%</li><li>arts 2%</li>" in page
    assert 'class="bar"' not in page  # a bar would say a share of one whole


def test_the_picture(both, neither):
    assert "sport 97%, politics 61%</text>" in render_svg(both)
    assert 'aria-label="sport 97%, politics 61%, read 1 of 2 words' in render_svg(both)
    assert ">no label</text>" in render_svg(neither)


def test_labels_wider_than_the_picture_are_cut(seen):
    labels = tuple(f"a rather long label {number}" for number in range(20))
    picture = render_svg(seen("a", labels=labels, probabilities=(0.9,) * 20, multilabel=True), 400)
    [said] = re.findall(r'<text class="label"[^>]*>([^<]*)</text>', picture)
    assert said.endswith("…")
    assert len(said) < 80


def test_hostile_labels_stay_text(seen):
    labels = ("<b>x</b>", "y\x1b[2J")
    view = seen("a", labels=labels, probabilities=(0.9, 0.8), multilabel=True)
    assert "<b>" not in render_html([view])
    assert "<b>" not in render_svg(view)
    assert "\x1b" not in "".join(printed(view))
