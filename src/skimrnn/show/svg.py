"""One skimmed text as a picture, for a README or a slide: self-contained SVG, both themes."""

from collections.abc import Iterator
from html import escape

from skimrnn.show.phrases import labelled, one_line, printable, summary
from skimrnn.show.text_width import text_width
from skimrnn.show.view import View, pieces, shown_levels

NARROWEST = 320
"""The smallest width in pixels at which header and text still fit."""

_SIZE = 18
_SMALL = 14
_LINE = 32
_PADDING = 28
_MARK_PADDING = 3
_STYLE = """\
text{font-family:Helvetica,Arial,Arimo,"Liberation Sans",sans-serif;font-size:18px;white-space:pre}
.card{fill:#fff;stroke:#e2ded4}.label,.read{fill:#1c1a16;font-weight:700}.skim{fill:#706b62}
.deep{fill:#706b62;text-decoration:underline dotted}.mark{fill:#ffe394}
text.quiet{fill:#66625a;font-size:14px}
@media (prefers-color-scheme:dark){.card{fill:#1b1d23;stroke:#2e313a}.label{fill:#eceae4}
.read{fill:#fff1c4}.skim,.deep{fill:#969aa5}.mark{fill:#5b4508}text.quiet{fill:#a2a6b0}}
"""


def render_svg(view: View, width: int = 760, *, layer: int = 0, direction: int = 0) -> str:
    """Give one SVG picture of the text: read words bold on a marked ground, skimmed words grey.

    It stands on a card of its own, so that it is legible on any page, and follows the reader's
    dark or light theme. White space is folded; line ends are kept. Text is set from left to right.

    Args:
        view: from ``skimrnn.show.view``.
        width: of the picture in pixels; the height follows.
        layer: the layer to show, from 0.
        direction: 0 forward, 1 backward.

    Raises:
        ValueError: if the picture is too narrow, or the view has no such layer or direction.
    """
    if width < NARROWEST:
        raise ValueError(f"width must be at least {NARROWEST} pixels; got width={width}")
    levels = shown_levels(view, layer, direction)
    inner = width - 2 * _PADDING
    header, top = _header(view, levels, inner, layer, direction)
    marks: list[str] = []
    texts: list[str] = []
    baseline = top + _LINE
    lowest = top
    for line in _lines(view, levels, inner):
        if not line:
            baseline += _LINE // 2
            continue
        at = 0.0
        for level, characters, length in _joined(line):
            if characters.strip():
                x = _PADDING + at
                if level == 0:
                    marks.append(
                        f'<rect class="mark" x="{x:.1f}" y="{baseline - 18}" '
                        f'width="{length:.1f}" height="24" rx="4"/>'
                    )
                    pad = _MARK_PADDING
                    texts.append(_text(x + pad, baseline, "read", characters, length - 2 * pad))
                else:
                    kind = "skim" if level == 1 else "deep"
                    texts.append(_text(x, baseline, kind, characters, length))
            at += length
        lowest = baseline
        baseline += _LINE
    height = lowest + _PADDING
    said = escape(_alternative(view, layer, direction), quote=True)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-label="{said}">',
            f"<style>{_STYLE}</style>",
            f'<rect class="card" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" '
            'rx="12"/>',
            *header,
            *marks,
            *texts,
            "</svg>\n",
        ]
    )


def _header(
    view: View, levels: list[int], inner: int, layer: int, direction: int
) -> tuple[list[str], int]:
    """Set the label and the counts, side by side if they fit; give the baseline below them too."""
    baseline = _PADDING + 14
    lines = []
    used = 0.0
    said = labelled(view)
    if said is not None:
        if not view["multilabel"]:
            label, share = said.rsplit(" ", 1)
            said = f"{_cut(label, inner - text_width(f' {share}', _SIZE, bold=True))} {share}"
        else:
            said = _cut(said, inner)
        used = text_width(said, _SIZE, bold=True)
        lines.append(_text(_PADDING, baseline, "label", said, used))
    rows = [""]
    for word in summary(view, layer, direction).split(" "):
        longer = f"{rows[-1]} {word}".strip()
        if rows[-1] and text_width(longer, _SMALL) > inner:
            rows.append(word)
        else:
            rows[-1] = longer
    length = text_width(rows[0], _SMALL)
    if len(rows) == 1 and used + 24 + length <= inner:
        x = _PADDING + inner - length if used else _PADDING
        lines.append(_text(x, baseline, "quiet", rows[0], length))
    else:
        if not used:
            baseline -= 24
        for row in rows:
            baseline += 24
            lines.append(_text(_PADDING, baseline, "quiet", row, text_width(row, _SMALL)))
    return lines, baseline + (8 if levels else 0)


_Piece = tuple[int, str, float]
"""Level (-1 for a space), characters, width in pixels."""


def _units(view: View, levels: list[int]) -> Iterator[list[_Piece] | str]:
    """Give what a line end must not divide (a word with its clitic and full stop), and the gaps."""
    unit: list[_Piece] = []
    numbers = iter(levels)
    for characters, token in pieces(view):
        safe = printable(characters)
        if token is not None:
            level = next(numbers)
            safe = safe.replace("\n", " ").replace("\t", " ")
            unit.append((level, safe, _room(safe, level)))
            continue
        if unit:
            yield unit
            unit = []
        yield safe
    if unit:
        yield unit


def _lines(view: View, levels: list[int], inner: int) -> Iterator[list[_Piece]]:
    """Break the text into lines at most ``inner`` wide, where the text itself ends them too.

    An empty line stands for the blank ones between two paragraphs.
    """
    line: list[_Piece] = []
    used = 0.0
    blank = False
    space = text_width(" ", _SIZE)
    for unit in _units(view, levels):
        if isinstance(unit, str):
            if "\n" in unit:
                blank = unit.count("\n") > 1 and bool(line)
                if line:
                    yield line
                line, used = [], 0.0
            elif line:
                line.append((-1, " ", space))
                used += space
            continue
        if blank:
            yield []
            blank = False
        if line and used + sum(piece[2] for piece in unit) > inner:
            yield line
            line, used = [], 0.0
        for piece in unit:
            for part in _chopped(piece, inner):
                if line and used + part[2] > inner:
                    yield line
                    line, used = [], 0.0
                line.append(part)
                used += part[2]
    if line:
        yield line


def _chopped(piece: _Piece, inner: int) -> Iterator[_Piece]:
    """Cut a word that is longer than a line into parts that are not."""
    level, characters, width = piece
    if width <= inner:
        yield piece
        return
    empty = _room("", level)
    part, used = "", empty
    for character in characters:
        wide = _room(character, level) - empty
        if part and used + wide > inner:
            yield level, part, used
            part, used = "", empty
        part += character
        used += wide
    yield level, part, used


def _joined(line: list[_Piece]) -> Iterator[_Piece]:
    """Join neighbours of one kind, skimmed words with the spaces between them: fewer elements."""
    runs: list[_Piece] = []
    for level, characters, width in line:
        if runs:
            before, start, length = runs[-1]
            same = before == level or (before > 0 and level == -1)
            if same:
                overlap = 2 * _MARK_PADDING if level == 0 else 0
                runs[-1] = (before, start + characters, length + width - overlap)
                continue
        runs.append((level, characters, width))
    for level, characters, width in runs:
        shown = characters.rstrip(" ") if level > 0 else characters
        gap = len(characters) - len(shown)
        if gap:
            space = text_width(" ", _SIZE) * gap
            yield level, shown, width - space
            yield -1, " " * gap, space
        else:
            yield level, shown, width


def _room(characters: str, level: int) -> float:
    """Give the width that a token takes on its line: its own, and what its mark adds."""
    if level > 0:
        return text_width(characters, _SIZE)
    return text_width(characters, _SIZE, bold=True) + 2 * _MARK_PADDING


def _text(x: float, y: int, kind: str, characters: str, length: float) -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y}" textLength="{length:.1f}">'
        f"{escape(characters, quote=False)}</text>"
    )


def _alternative(view: View, layer: int, direction: int) -> str:
    """Give the picture in words, for who cannot see it."""
    name = labelled(view) if view["multilabel"] else one_line(view["label"])
    return f"{name}, {summary(view, layer, direction)}: {one_line(view['text'])}"


def _cut(name: str, room: float) -> str:
    if text_width(name, _SIZE, bold=True) <= room:
        return name
    while name and text_width(f"{name}…", _SIZE, bold=True) > room:
        name = name[:-1]
    return f"{name}…"
