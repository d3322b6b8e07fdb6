"""How wide a text will be, with no font at hand."""

from unicodedata import category, east_asian_width

# Advance widths of U+0020 to U+007E in thousandths of the font size. Helvetica, Arial, Arimo and
# Liberation Sans share them.
# fmt: off
_REGULAR = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722,
    722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722,
    667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556,
    556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,
    500, 334, 260, 334, 584,
)
_BOLD = (
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722,
    722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722,
    667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611,
    611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556,
    500, 389, 280, 389, 584,
)
# fmt: on
_WIDE = 1000
_OTHER = 580


def text_width(text: str, size: int, *, bold: bool = False) -> float:
    """Give the width of a text in pixels: exact for ASCII in the fonts above, else a fair guess.

    Args:
        text: one line, without control characters.
        size: of the font, in pixels.
        bold: whether it is set in bold.
    """
    table = _BOLD if bold else _REGULAR
    units = 0
    for character in text:
        index = ord(character) - 0x20
        if 0 <= index < len(table):
            units += table[index]
        elif character == "…" or east_asian_width(character) in "WF":
            units += _WIDE
        elif category(character) not in ("Mn", "Me"):
            units += _OTHER
    return units * size / 1000
