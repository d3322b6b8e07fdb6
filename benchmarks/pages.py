"""Pages that are made of results: written, or compared with what the results say."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from skimrnn.files import write_atomically


def write_or_check(
    module: str, description: str | None, pages: Callable[[], dict[Path, str]]
) -> bool:
    """The command of a report: write its pages, or with ``--check`` fail if one is not as it says.

    Args:
        module: what runs it, after ``python -m``.
        description: for ``--help``.
        pages: makes the text of each page.

    Returns:
        Whether they were written.
    """
    parser = argparse.ArgumentParser(
        f"python -m {module}",
        description=description,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument(
        "--check", action="store_true", help="only compare the pages with the results"
    )
    check = parser.parse_args().check
    for path, text in pages().items():
        if not check:
            write_atomically(path, text.encode())
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path} is not what the results say; run: python -m {module}")
    return not check


def between(path: Path, name: str, text: str) -> str:
    """A page with this text between its marks ``<!-- name -->`` and ``<!-- end of name -->``."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, rest = path.read_text(encoding="utf-8").split(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}"


def number(value: float | None, form: str, scale: float = 1.0) -> str:
    """A number, or nothing."""
    return "" if value is None else format(scale * value, form)
