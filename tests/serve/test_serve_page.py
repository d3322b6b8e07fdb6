"""The page in a real browser: type, turn, look and listen."""

import os
import re
from pathlib import Path

import pytest
from sites import serving

from models import make_classifier, make_config
from skimrnn.runtime import Model

api = pytest.importorskip(
    "playwright.sync_api", reason="needs pip install 'skimrnn[test-serve]'; make test-browser"
)
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}")


@pytest.fixture(scope="module")
def browser():
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Open a server's page; nothing may fail, be refused by the policy, or be asked elsewhere."""
    contexts, wrong = [], []

    def open_one(site, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        own = f"http://127.0.0.1:{site.port}/"
        page.on("request", lambda r: None if r.url.startswith((own, "data:")) else wrong.append(r))
        page.goto(own)
        wait_for(page, "document.querySelector('#counts').textContent !== ''")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


def wait_for(page, condition):
    """Wait for JavaScript to be true; Playwright's own way is refused by the page's policy."""
    for _ in range(500):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"never true: {condition}")


def marked(page):
    return page.locator("#text mark").all_inner_texts()


def settled(page):
    """Wait until every answer is shown."""
    wait_for(page, "!busy && !again")


def words_read(model, text, **options):
    reading = model.read(text, **options)
    return [
        text[start:end]
        for start, end, level in zip(reading.starts, reading.ends, reading.level[0, 0], strict=True)
        if level == 0
    ]


def test_what_is_typed_is_read(open_page, site, sst):
    page = open_page(site)
    text = "A dull , lifeless mess — I don't 😀 like it"
    page.get_by_label("Text", exact=True).fill(text)
    wait_for(page, "document.querySelector('#text').textContent.startsWith('A dull')")
    assert page.locator("#text").text_content() == text
    assert marked(page) == words_read(sst, text)
    assert page.locator("#label").inner_text().startswith(sst.predict(text))


def test_of_several_labels_all_are_said_that_a_text_has_and_none_if_none(open_page):
    model = Model(make_classifier(make_config((7, 2)), activation="sigmoid", seed=6))
    words, by_count = " ".join(model.vocabulary.words[1:]), {}
    for length in range(1, len(words)):
        reading = model.read(words[:length])
        by_count.setdefault(len(reading.chosen), reading)
    assert {0, 1, 2} <= {*by_count}
    with serving(model) as site:
        page = open_page(site)
        for reading in by_count.values():
            page.get_by_label("Text", exact=True).fill(reading.text)
            wait_for(page, f"document.querySelector('#text').textContent === {reading.text!r}")
            likely = dict(zip(reading.labels, reading.probabilities.tolist(), strict=True))
            ranked = sorted(reading.chosen, key=likely.__getitem__, reverse=True)
            said = page.locator("#label").inner_text()
            assert re.sub(r"\s*\d+%", "", said) == (", ".join(ranked) or "No label")
            assert not page.locator("#bar").is_visible()


def test_the_threshold_is_turned_by_the_keyboard_and_the_marks_follow(open_page, site, sst):
    page = open_page(site)
    text = page.locator("#text").text_content()
    assert marked(page) == words_read(sst, text)
    slider = page.get_by_label("Threshold θ")
    slider.focus()
    page.keyboard.press("End")
    wait_for(page, "document.querySelectorAll('#text span').length === 0")
    assert marked(page) == words_read(sst, text, threshold=1)
    assert "(0% skimmed)" in page.locator("#counts").inner_text()
    page.keyboard.press("Home")
    wait_for(page, "document.querySelectorAll('#text span').length > 0")
    settled(page)
    assert marked(page) == words_read(sst, text, threshold=0)
    page.get_by_role("button", name="The model’s own").click()
    settled(page)
    assert marked(page) == words_read(sst, text)


def test_the_threshold_is_dragged_by_the_mouse(open_page, site):
    page = open_page(site)
    box = page.locator("#threshold").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    seen = set()
    for step in range(11):
        page.mouse.move(box["x"] + box["width"] * (0.5 + step / 20), middle)
        settled(page)
        seen.add(len(marked(page)))
    page.mouse.up()
    assert len(seen) > 3  # the marks changed while it moved
    assert page.locator("#threshold-shown").inner_text() == "1.00"


def test_the_budget_holds(open_page, site, sst):
    page = open_page(site)
    text = page.locator("#text").text_content()
    page.get_by_label("Threshold θ").fill("1")
    page.get_by_label("Budget").check()
    page.get_by_label("Share of words that may be read").fill("0.25")
    settled(page)
    assert marked(page) == words_read(sst, text, threshold=1, budget=0.25)
    assert page.locator("#budget-shown").inner_text() == "25%"
    page.get_by_label("Budget").uncheck()
    settled(page)
    assert marked(page) == words_read(sst, text, threshold=1)


def test_the_course_is_walked_by_the_keyboard(open_page, site):
    page = open_page(site)
    walk = page.get_by_label("Walk through the text, word by word")
    walk.focus()
    page.keyboard.press("Home")
    assert page.locator("#walked").inner_text().startswith("before the first word: 5")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    said = page.locator("#walked").inner_text()
    assert said.startswith("after 4 of 16:")
    assert said.endswith("“thin” was read")
    assert page.locator("#text .here").inner_text() == "thin"
    assert walk.get_attribute("aria-valuetext") == said


def test_what_is_heard(open_page, site):
    page = open_page(site)
    wait_for(page, "document.querySelector('#status').textContent !== ''")
    assert page.locator("#status").inner_text().startswith("positive 76%. Read 3 of 16 words")
    chart = page.get_by_role("img").get_attribute("aria-label")
    assert chart.startswith("Probability of positive: 55% before the first word, lowest 1%")
    for control in page.locator("input, textarea, select, button").all():
        name = control.evaluate(
            "e => e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent"
        )
        assert name.strip()


def test_time_is_shown(open_page, site):
    page = open_page(site)
    for which in ("#time", "#everything"):
        assert page.locator(which).inner_text().endswith(("µs", "ms"))
    assert page.locator("#faster").inner_text()


def test_a_text_cannot_become_mark_up(open_page, site):
    page = open_page(site)
    text = "<img src=x onerror=alert(1)><script>alert(1)</script> & <b>good</b>"
    page.get_by_label("Text", exact=True).fill(text)
    wait_for(page, "document.querySelector('#text').textContent.startsWith('<img')")
    assert page.locator("#text").text_content() == text
    assert page.locator("#text img, #text b, #text script").count() == 0


def test_no_text_at_all(open_page, site):
    page = open_page(site)
    page.get_by_label("Text", exact=True).fill("")
    wait_for(page, "document.querySelector('#counts').textContent === 'No words to read'")
    assert marked(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_screen_in_both_themes(open_page, site, scheme):
    page = open_page(site, viewport={"width": 320, "height": 640}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(246, 244, 239)", "dark": "rgb(18, 19, 23)"}[scheme]


def test_a_server_that_has_gone_is_said(open_page, sst, browser):
    with serving(sst) as site:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{site.port}/")
        wait_for(page, "document.querySelector('#counts').textContent !== ''")
    page.get_by_label("Threshold θ").fill("0.9")
    page.wait_for_selector("#problem:not([hidden])")
    assert page.get_by_role("alert").inner_text() == "The server does not answer."
    page.close()


def test_a_model_of_several_passes(open_page):
    model = Model(make_classifier(make_config(bidirectional=True, num_layers=2)))
    with serving(model) as site:
        page = open_page(site)
        text = page.locator("#text").text_content()
        reading = model.read(text)
        assert page.locator("#no-course").is_visible()
        assert not page.locator("#course").is_visible()
        for number in range(4):
            page.get_by_label("Marks show").select_option(index=number)
            layer, direction = divmod(number, 2)
            read = int((reading.level[layer, direction] == 0).sum())
            assert len(marked(page)) == read


def test_a_model_that_reads_everything(open_page):
    with serving(Model(make_classifier(make_config(levels=(7,))))) as site:
        page = open_page(site)
        assert page.locator("#plain").is_visible()
        assert page.locator("#threshold").is_disabled()
        assert page.locator("#text span").count() == 0
