"""The page as it is sent: one file, and a policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

SHARED_STYLE = "/* the style of show/page.css */"
"""Where the page takes the colours and marks of the pages that ``skimrnn read --html`` writes."""


@dataclass(frozen=True)
class Page:
    """The page.

    Attributes:
        html: its bytes.
        headers: to be sent with it.
    """

    html: bytes
    headers: dict[str, str]


def make_page() -> Page:
    """The page, its policy naming its own style and script by their digests and nothing else."""
    style = files("skimrnn.show").joinpath("page.css").read_text(encoding="utf-8")
    html = files("skimrnn.serve").joinpath("page.html").read_text(encoding="utf-8")
    html = html.replace(SHARED_STYLE, style)
    policy = (
        "default-src 'none'",
        f"style-src {_digest(html, 'style')}",
        f"script-src {_digest(html, 'script')}",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    headers = {
        "content-security-policy": "; ".join(policy),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
    }
    return Page(html.encode(), headers)


def _digest(html: str, element: str) -> str:
    [content] = re.findall(rf"<{element}>(.*?)</{element}>", html, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"
