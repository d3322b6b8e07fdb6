"""A skimmed text on a terminal, or in a file where no style can be shown."""

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.text import Text

from skimrnn.show.phrases import (
    LISTED_LABELS,
    labelled,
    one_line,
    others,
    percent,
    printable,
    settings,
    summary,
)
from skimrnn.show.view import View, pieces, read_share, shown_levels

READ = "bold underline"
"""Style of a word that was read. No colour: the terminal's own is legible on its background."""
ELSEWHERE = ""
"""Style of a word that only another layer or direction read."""
SKIMMED = ("dim", "dim italic")
"""Styles of a skimmed word: level 1, level 2 and above."""


class TerminalView:
    """A text that rich can print: read words bold and underlined, skimmed words dim.

    Where the console shows no styles (piped into a file, a dumb terminal) the read words stand in
    brackets instead. Nothing hangs on colour, so ``NO_COLOR`` changes nothing.
    """

    def __init__(self, view: View, layer: int, direction: int) -> None:
        self.view = view
        self.layer = layer
        self.direction = direction
        self.levels = shown_levels(view, layer, direction)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give rich the header, the text and the legend for this console."""
        # Without a colour system rich writes no attribute either: no bold, no underline.
        styled = console.color_system is not None
        body, legend = self._styled() if styled else self._bracketed()
        parts = [self._header()]
        if self.view["text"]:
            parts += [Text(), body]
        if self.levels:
            parts += [Text(), legend]
        yield Group(*parts)

    def _header(self) -> Text:
        view = self.view
        header = Text(overflow="fold")
        said = labelled(view)
        if said is not None:
            header.append(said, "bold").append("  ")
        header.append(summary(view, self.layer, self.direction))
        rest = others(view, LISTED_LABELS) if view["multilabel"] else []
        if rest:
            listed = ", ".join(f"{one_line(label)} {percent(p)}" for label, p in rest)
            header.append(f"\nnot: {listed}", "dim")
        return header

    def _styled(self) -> tuple[Text, Text]:
        body = Text(overflow="fold")
        levels = iter(self.levels)
        several = self.view["layers"] * self.view["directions"] > 1
        for characters, token in pieces(self.view):
            style = ""
            if token is not None:
                level = next(levels)
                if level == 0:
                    style = READ
                elif several and read_share(token) > 0:
                    style = ELSEWHERE
                else:
                    style = SKIMMED[min(level, len(SKIMMED)) - 1]
            body.append(printable(characters), style)
        legend = Text.assemble(("read", READ), " ", ("skimmed", SKIMMED[0]), overflow="fold")
        if self.view["levels"] > 2:
            legend.append(" ").append("skimmed harder", SKIMMED[1])
        if several:
            legend.append(" read in another pass", ELSEWHERE)
        return body, legend.append(f"  {settings(self.view)}", "dim")

    def _bracketed(self) -> tuple[Text, Text]:
        left, right = _brackets(self.view["text"])
        out: list[str] = []
        levels = iter(self.levels)
        inside, held = False, ""
        for characters, token in pieces(self.view):
            # One pair of brackets around neighbours: [not a good scene], never across a line end.
            safe = printable(characters)
            if token is None and inside and safe.isspace() and "\n" not in safe:
                held = safe
                continue
            read = token is not None and next(levels) == 0
            if inside and not read:
                out.append(right)
            out.append(held)
            held = ""
            if read and not inside:
                out.append(left)
            out.append(safe)
            inside = read
        out.append(right if inside else "")
        out.append(held)
        legend = f"{left}read{right}, the rest skimmed, {settings(self.view)}"
        return Text("".join(out), overflow="fold"), Text(legend, overflow="fold")


def render_terminal(view: View, *, layer: int = 0, direction: int = 0) -> TerminalView:
    """Give the text as ``rich.console.Console().print`` takes it.

    Above the text: the label with its probability, the words read, the operations saved; of a
    multi-label model the labels that it chose and those that it did not, each with its own. With
    several layers or directions one pass is shown; a word that it skimmed and another one read is
    printed plainly, neither bold nor dim. Control characters in the text come out as visible
    stand-ins, and nothing in it is taken for rich's mark-up.

    Args:
        view: from ``skimrnn.show.view``.
        layer: the layer to show, from 0.
        direction: 0 forward, 1 backward.

    Raises:
        ValueError: if the view has no such layer or direction.
    """
    return TerminalView(view, layer, direction)


def _brackets(text: str) -> tuple[str, str]:
    """Choose brackets that the text does not use itself, as far as there are any."""
    for left, right in ("[]", "{}", "<>"):
        if left not in text and right not in text:
            return left, right
    return "[[", "]]"
