"""For the docs site: links that lead out of ``docs`` (to source files) become plain text there."""

import re
from typing import Any

_OUT_OF_DOCS = re.compile(r"(?<!!)\[([^\]]+)\]\(\.\./[^)\s]+\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """What mkdocs calls with each page before it is rendered."""
    return _OUT_OF_DOCS.sub(r"\1", markdown)
