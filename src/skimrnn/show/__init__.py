"""What was read and what was skimmed, as something a person looks at.

A reading becomes a plain dictionary (``view``); every renderer takes that dictionary and nothing
else, so pages and pictures can also be made later from a saved ``read --json``.
"""

from skimrnn.show.html import render_html
from skimrnn.show.svg import render_svg
from skimrnn.show.terminal import render_terminal
from skimrnn.show.view import Token, View, view

__all__ = ["Token", "View", "render_html", "render_svg", "render_terminal", "view"]
