"""Requests to a server that are almost right: it may refuse them, and must not fail.

skimrnn serve sst --port 8000
python -m fuzz.serving --port 8000 --count 50000 --seed 1
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import socket
import sys
import time
from collections import Counter
from typing import Any

PATHS = ("/v1/read",) * 6 + ("/v1/model", "/healthz", "/readyz", "/metrics", "/", "/openapi.json")
METHODS = ("POST",) * 6 + ("GET", "PUT", "HEAD", "OPTIONS", "PATCH", "B\u00c4D")
TYPES = ("application/json",) * 6 + ("text/plain", "", "application/json; charset=utf-16")
CHARACTERS = "ab '.,-\u00e9\u4e2d\U0001f600\u202e\x00\t\n\\\"<&\ud800\udfff"
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -0.0, 0.5, 1, 1e-320, 1e308, -1, 2**63, 10**400, float("nan")),
    *(float("inf"), "", "argmax", "0.5", [], {}, [[]], {"texts": ["a"]}),
)


def make_request(draw: random.Random) -> bytes:
    """One request, head and body, with a fault or none."""
    method = draw.choice(METHODS) if draw.random() < 0.2 else "POST"
    path = draw.choice(PATHS) if draw.random() < 0.2 else "/v1/read"
    body = json.dumps(_value(draw)).encode()
    if draw.random() < 0.2:
        body = _damaged(draw, body)
    length = (
        str(len(body)) if draw.random() < 0.97 else draw.choice(("-1", "x", "0", "1", "9" * 30))
    )
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: here\r\nContent-Type: {draw.choice(TYPES)}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()
    if draw.random() < 0.03:
        head = _damaged(draw, head)
    return head + body


def _value(draw: random.Random) -> Any:
    if draw.random() < 0.05:
        return draw.choice(ODD)
    texts: list[Any] = [_text(draw) for _ in range(draw.choice((0, 1, 1, 1, 2)))]
    value: dict[str, Any] = {"texts": texts * (300 if draw.random() < 0.02 else 1)}
    for name in ("threshold", "budget", "detail", "burst", _text(draw)[:20]):
        chance = {"threshold": 0.5, "budget": 0.4, "detail": 0.5}.get(name, 0.03)
        if draw.random() < chance:
            good: Any = bool(draw.getrandbits(1)) if name == "detail" else draw.random()
            value[name] = good if draw.random() < 0.8 else draw.choice(ODD)
    if draw.random() < 0.1 and value["texts"]:
        value["texts"][0] = draw.choice(ODD)
    return value


def _text(draw: random.Random) -> str:
    size = draw.choice((0, 1, 5, 40, 40, 40, 300, 300, 3000))
    if draw.random() < 0.05:
        return draw.choice(CHARACTERS) * size
    allowed = CHARACTERS if draw.random() < 0.1 else CHARACTERS[:-2]
    return "".join(draw.choices(allowed, k=size))


def _damaged(draw: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(draw.choice((1, 1, 3, 20))):
        at = draw.randrange(len(damaged) + 1)
        what = draw.random()
        if what < 0.4:
            damaged[at : at + 1] = bytes([draw.getrandbits(8)])
        elif what < 0.7:
            del damaged[at : at + draw.choice((1, 2, 30))]
        else:
            damaged[at:at] = damaged[draw.randrange(len(damaged) + 1) :][:50]
    return bytes(damaged)


def send(port: int, request: bytes) -> str:
    """The status of the first answer; "none" where the server closed without one."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        with contextlib.suppress(OSError):  # refused before it was all sent
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)  # a body that is too short gets no more
        with contextlib.suppress(ConnectionError):
            while len(answer) < 12 and (part := connection.recv(65536)):
                answer += part
    return answer[9:12].decode("ascii", "replace") or "none"


def main() -> None:
    """Send them; fail if the server did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    draw, statuses = random.Random(given.seed), Counter[str]()
    for number in range(given.count):
        request = make_request(draw)
        status = send(given.port, request)
        statuses[status] += 1
        if status.startswith("5"):
            sys.exit(f"seed {given.seed}, request {number}: {status} to {request[:2000]!r}")
    print(json.dumps(dict(sorted(statuses.items()))))


if __name__ == "__main__":
    main()
