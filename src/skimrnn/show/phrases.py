"""The words and numbers that every renderer says alike, and the characters it may print."""

import re

from skimrnn.show.view import View, shown_levels

DIRECTION_NAMES = ("forward", "backward")
NONE = "no label"
"""What stands where a multi-label model chose none."""
LISTED_LABELS = 6
"""So many labels are listed with their probabilities, the most probable first."""

_LINE_ENDS = re.compile("\r\n|[\r\u2028\u2029]")
# All control characters but tab and line feed; the bidirectional embeddings, overrides and
# isolates; lone surrogates; and the two non-characters that XML forbids.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def printable(text: str) -> str:
    """Give the text with a visible stand-in for each character that could harm where it is shown.

    Those that move a cursor, start an escape sequence, reorder what stands around them or cannot
    be written as UTF-8: C0 controls become their pictures (ESC gives U+241B), the others U+FFFD.
    Line ends of every kind become line feeds; tabs and everything else stay. Mark-up is not this
    function's affair.
    """
    return _UNPRINTABLE.sub(_stand_in, _LINE_ENDS.sub("\n", text))


def one_line(text: str) -> str:
    """Give a name (a label, a title) as ``printable`` does, white space as single spaces."""
    return " ".join(printable(text).split())


def percent(share: float) -> str:
    """Give a share as a whole percentage that says 0% or 100% only if it is exactly that.

    >>> percent(0.864), percent(0.9999), percent(0.001)
    ('86%', '>99%', '<1%')
    """
    said = f"{share:.0%}"
    if said == "0%" and share > 0:
        return "<1%"
    if said == "100%" and share < 1:
        return ">99%"
    return said


def labelled(view: View) -> str | None:
    """Say what label a text got, "good 86%", or its labels, each with its own probability.

    "sport 97%, politics 61%" of a multi-label model, the likeliest first; "no label" if none is
    chosen; None where there is no probability.
    """
    probabilities = view["probabilities"]
    if not view["multilabel"]:
        label = view["label"]
        if label not in probabilities:
            return None
        return f"{one_line(label)} {percent(probabilities[label])}"
    ranked = sorted(view["chosen"], key=lambda label: -probabilities[label])
    return ", ".join(f"{one_line(one)} {percent(probabilities[one])}" for one in ranked) or NONE


def others(view: View, most: int) -> list[tuple[str, float]]:
    """Give the likeliest of the labels that a text did not get, at most so many, with theirs."""
    got = view["chosen"] if view["multilabel"] else [view["label"]]
    ranked = sorted(view["probabilities"].items(), key=lambda item: -item[1])
    return [item for item in ranked if item[0] not in got][:most]


def pass_name(layer: int, direction: int) -> str:
    """Give one layer and direction a name, layers counted from 1: "layer 1 forward"."""
    return f"layer {layer + 1} {DIRECTION_NAMES[direction]}"


def words_read(view: View, layer: int, direction: int) -> str:
    """Say how much one layer and direction read: "read 14 of 103 words (86% skimmed)"."""
    levels = shown_levels(view, layer, direction)
    if not levels:
        return "no words to read"
    read = levels.count(0)
    noun = "word" if len(levels) == 1 else "words"
    return f"read {read:,} of {len(levels):,} {noun} ({percent(1 - read / len(levels))} skimmed)"


def fewer(reduction: float | None, what: str = "") -> str | None:
    """Say how counts compare, "4.6× fewer" and of what; None where nothing was counted."""
    noun = f" {what}" if what else ""
    if reduction is None:
        return None
    if f"{reduction:.1f}" == "1.0":
        about = "" if reduction == 1 else "about "
        return f"{about}as many{noun} as reading everything"
    if reduction < 1:
        return f"{1 / reduction:.1f}× more{noun}"
    return f"{reduction:.1f}× fewer{noun}"


def summary(view: View, layer: int, direction: int) -> str:
    """Give the sentence above a text: words read, the rate over all passes, operations saved."""
    said = words_read(view, layer, direction)
    passes = view["layers"] * view["directions"]
    if passes > 1 and view["skim_rate"] is not None:
        together = "both passes" if passes == 2 else f"all {passes} passes"
        rate = f"{percent(view['skim_rate'])} over {together}"
        said = f"{pass_name(layer, direction)} {said.removesuffix(')')}, {rate})"
    saved = fewer(view["flop_reduction"], "operations")
    return said if saved is None else f"{said}, {saved}"


def settings(view: View) -> str:
    """Say under which threshold and budget the text was read, or that its levels were given."""
    threshold = view["threshold"]
    if threshold is None:
        return "given levels"
    said = threshold if isinstance(threshold, str) else f"{threshold:g}"
    if view["budget"] is None:
        return f"threshold {said}"
    return f"threshold {said}, budget {view['budget']:g}"


def _stand_in(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
