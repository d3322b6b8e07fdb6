"""Skimmed texts as one self-contained page: no script, nothing fetched, one file to send on."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files

from skimrnn.show.phrases import (
    LISTED_LABELS,
    NONE,
    one_line,
    others,
    pass_name,
    percent,
    printable,
    settings,
    summary,
    words_read,
)
from skimrnn.show.view import Token, View, pieces, read_share, shown_levels

STRIP_FROM = 30
"""A text of one pass has its strip from so many tokens on; a shorter one is seen at a glance."""
THINNEST = 1 / 400
"""A read word is at least this share of the strip wide: in a long text it would not be seen."""
DEEPEST_STYLE = 3
"""Levels from here on look alike."""


def render_html(
    views: Sequence[View],
    *,
    title: str = "What was read, what was skimmed",
    layer: int = 0,
    direction: int = 0,
    asked: Sequence[str] = (),
) -> str:
    """Give one HTML page that shows the texts, read words marked and skimmed words faded.

    It can be written as UTF-8 whatever the texts hold. Each text keeps its white space and lines.
    With several layers or directions the marks show one of them; a strip for each pass stands
    above the text, and the stroke under a word is as long as the share of passes that read it.

    Args:
        views: from ``skimrnn.show.view``, in the order of the page.
        title: heading of the page.
        layer: the layer to mark, from 0.
        direction: 0 forward, 1 backward.
        asked: the question that each view answers, as many as there are views, or none.

    Raises:
        ValueError: if a view has no such layer or direction.
    """
    css = files("skimrnn.show").joinpath("page.css").read_text(encoding="utf-8")
    questions = asked or [""] * len(views)
    cards = [
        _card(view, number, layer, direction, question)
        for number, (view, question) in enumerate(zip(views, questions, strict=True), 1)
    ]
    heading = _safe(one_line(title))
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        # Belt and braces: should a text ever get out of its element, nothing runs or is fetched.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{heading}</title>",
        f"<style>\n{css}</style>",
        "</head>",
        "<body>",
        '<div class="top">',
        f"<h1>{heading}</h1>",
        '<p class="lead">Marked words were read with the full cell; over the others the model '
        "skimmed, updating only a small part of what it remembers.</p>",
        _legend(views),
        "</div>",
        "<main>",
        *(cards or ["<p>No texts.</p>"]),
        "</main>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _legend(views: Sequence[View]) -> str:
    levels = max((view["levels"] for view in views), default=2)
    items = ['<li><span class="text"><mark>word</mark></span> read</li>']
    if levels == 2:
        items.append('<li><span class="text s1">word</span> skimmed</li>')
    for level in range(1, min(levels - 1, DEEPEST_STYLE) + 1) if levels > 2 else ():
        deeper = " and above" if level == DEEPEST_STYLE < levels - 1 else ""
        items.append(
            f'<li><span class="text s{level}">word</span> skimmed, level {level}{deeper}</li>'
        )
    if any(view["layers"] * view["directions"] > 1 for view in views):
        items.append(
            '<li><span class="text s1"><span class="share" style="--share:50%">word</span></span> '
            "the longer the stroke, the more passes read it</li>"
        )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _card(view: View, number: int, layer: int, direction: int, question: str) -> str:
    levels = shown_levels(view, layer, direction)
    probabilities = view["probabilities"]
    heading = f"text-{number}"
    lines = [f'<article aria-labelledby="{heading}">']
    if question:
        lines.append(f'<p class="question" lang="" dir="auto">{_safe(one_line(question))}</p>')
    if view["multilabel"] or view["label"] in probabilities:
        got = sorted(view["chosen"], key=lambda label: -probabilities[label])
        named = [f"{_name(one)}<span>{_safe(percent(probabilities[one]))}</span>" for one in got]
        rest = others(view, LISTED_LABELS - 1)
        listed = [f"<li>{_name(label)} {_safe(percent(p))}</li>" for label, p in rest]
        if view["multilabel"] and rest:
            listed.insert(0, "<li>not:</li>")
        lines += [
            f'<header><h2 id="{heading}">{", ".join(named) or NONE.capitalize()}</h2>',
            f'<ul class="classes">{"".join(listed)}</ul></header>',
        ]
        if not view["multilabel"]:  # there the bar is that of one label against all others
            p = probabilities[view["label"]]
            lines.append(
                f'<span class="bar" aria-hidden="true"><i style="width:{100 * p:.1f}%"></i></span>'
            )
    else:
        lines.append(f'<h2 id="{heading}">Text {number}</h2>')
    lines.append(f'<p class="counts">{_safe(summary(view, layer, direction))}</p>')
    lines.append(_strips(view))
    # One line, nothing added: white space in here is the text's own. `lang` is empty because
    # nobody said which language the text is in.
    body = _body(view, levels)
    if body:
        lines.append(f'<div class="text" lang="" dir="auto">{body}</div>')
    lines.append("<footer>")
    if 0 in levels:
        only = _safe(_only_read(view, levels))
        lines.append(
            "<details><summary>Only the words it read</summary>"
            f'<p lang="" dir="auto">{only}</p></details>'
        )
    lines.append(f'<p class="settings">{_safe(settings(view).capitalize())}</p>')
    lines.append("</footer>\n</article>")
    return "\n".join(line for line in lines if line)


def _strips(view: View) -> str:
    several = view["layers"] * view["directions"] > 1
    if not view["tokens"] or not (several or len(view["tokens"]) >= STRIP_FROM):
        return ""
    rows = []
    for layer in range(view["layers"]):
        for direction in range(view["directions"]):
            levels = shown_levels(view, layer, direction)
            said = f"{pass_name(layer, direction)}: {words_read(view, layer, direction)}"
            if several:
                rows.append(f'<span aria-hidden="true">{pass_name(layer, direction)}</span>')
            rows.append(
                f'<svg viewBox="0 0 {len(levels)} 1" preserveAspectRatio="none" role="img" '
                f'aria-label="{_safe(said)}"><path d="{_runs(levels)}"/></svg>'
            )
    return f'<div class="strips{" several" * several}">{"".join(rows)}</div>'


def _runs(levels: list[int]) -> str:
    """Draw each run of read words as one rectangle on a strip that is T wide and 1 high."""
    size = len(levels)
    drawn: list[str] = []
    at = 0
    while at < size:
        if levels[at] != 0:
            at += 1
            continue
        start = at
        while at < size and levels[at] == 0:
            at += 1
        width = max(at - start, size * THINNEST)
        drawn.append(f"M{min(start, size - width):g} 0h{width:g}v1h-{width:g}z")
    return "".join(drawn)


def _body(view: View, levels: list[int]) -> str:
    several = view["layers"] * view["directions"] > 1
    tokens = view["tokens"]
    out = []
    at = 0
    for characters, token in pieces(view):
        safe = _safe(printable(characters))
        if token is None:
            out.append(safe)
            continue
        level = levels[at]
        classes = []
        if level > 0:
            classes.append(f"s{min(level, DEEPEST_STYLE)}")
        else:
            before, after = at - 1, at + 1
            if at > 0 and levels[before] == 0 and tokens[before]["end"] == token["start"]:
                classes.append("joins-left")
            last = after == len(tokens)
            if not last and levels[after] == 0 and tokens[after]["start"] == token["end"]:
                classes.append("joins-right")
        style = ""
        if several and read_share(token) > 0:
            classes.append("share")
            style = f' style="--share:{100 * read_share(token):.0f}%"'
        element = "mark" if level == 0 else "span"
        named = f' class="{" ".join(classes)}"' if classes else ""
        hint = _hint(view, token)
        out.append(f'<{element}{named}{style} title="{hint}">{safe}</{element}>')
        at += 1
    return "".join(out)


def _hint(view: View, token: Token) -> str:
    """Say what each pass did with a token, as the tooltip shows it."""
    several = view["layers"] * view["directions"] > 1
    said = []
    for layer, by_direction in enumerate(token["level"]):
        for direction, level in enumerate(by_direction):
            did = "read" if level == 0 else "skimmed"
            if level > 0 and view["levels"] > 2:
                did += f" at level {level}"
            p = token["p_skim"][layer][direction]
            start = f"{pass_name(layer, direction)}: " if several else ""
            said.append(f"{start}{did}, p(skim) {p:.2f}")
    return "\n".join(said)


def _only_read(view: View, levels: list[int]) -> str:
    """Join the words that were read; an ellipsis stands where something was skimmed over."""
    text = view["text"]
    out: list[str] = []
    at, skipped = 0, False
    for token, level in zip(view["tokens"], levels, strict=True):
        if level > 0:
            skipped = True
            continue
        if skipped:
            out.append(" … " if out else "… ")
        elif out and token["start"] > at:
            out.append(" ")
        out.append(text[token["start"] : token["end"]])
        at, skipped = token["end"], False
    return one_line("".join(out) + (" …" if skipped else ""))


def _name(label: str) -> str:
    return _safe(one_line(label))


def _safe(text: str) -> str:
    return escape(text, quote=True)
