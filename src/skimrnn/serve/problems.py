"""What a client is told when a request cannot be answered: one sentence, in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from skimrnn.show.phrases import one_line


class Problem(BaseModel):
    """Why there is no answer."""

    detail: str = Field(description="What was wrong, and what to do about it.")


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """The response for a request that is refused.

    In ASCII: what a client sent, and is quoted, may hold characters that UTF-8 has no bytes for.
    """
    body = json.dumps({"detail": detail}).encode()
    return Response(body, status, headers, media_type="application/json")


def say_what_is_wrong(errors: Sequence[Any]) -> str:
    """One sentence from pydantic's list of errors, without the values that were sent."""
    said: dict[str, list[str]] = {}
    for error in errors:
        # The first part says "body"; what follows the field's name picks a branch of a union.
        place = [part for part in error["loc"] if part != "body"]
        where = one_line(".".join(str(part) for part in place[:2]))[:50]
        if place and place[0] in ("threshold", "budget"):
            where = str(place[0])
        said.setdefault(where or "the body", []).append(one_line(error["msg"])[:200])
    parts = [f"{where}: {'; or: '.join(dict.fromkeys(said[where]))}" for where in list(said)[:3]]
    more = len(said) - len(parts)
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")
