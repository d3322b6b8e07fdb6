"""How much a client may send, and how long it may take."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skimrnn.machine import usable_cores
from skimrnn.serve.problems import problem


@dataclass(frozen=True)
class Limits:
    """What one server takes on; all times in seconds.

    Attributes:
        body_bytes: size of a request's body.
        body_s: for the whole body to arrive, from the end of the head.
        head_s: for a request's head to arrive, from its first byte or the connection.
        idle_s: that a connection may rest between two requests.
        write_s: that a client may leave an answer unread once the buffers are full.
        discard_s: that a body which nobody reads is still taken from the client, so that it
            comes to read the answer.
        connections: open at once; a request beyond them is answered 503.
        workers: threads that read texts.
        waiting: requests that may wait for a thread; the next one is answered 503.
        wait_s: that a request may wait for a thread before it is answered 503.
        drain_s: that new connections are still taken after SIGTERM, while ``/readyz`` says no.
        shutdown_s: for the last answers after that.
    """

    body_bytes: int = 2**20
    body_s: float = 10
    head_s: float = 10
    idle_s: float = 15
    write_s: float = 10
    discard_s: float = 2
    connections: int = 256
    workers: int = field(default_factory=lambda: min(4, usable_cores()))
    waiting: int = 64
    wait_s: float = 5
    drain_s: float = 0.5
    shutdown_s: float = 30


TOO_MANY = "skimrnn.too_many_connections"
"""In the state of a connection's requests, if it is one beyond the limit."""


class ConnectionLimit:
    """Refuses the requests of connections that are beyond the limit: 503."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        app = self.app
        if TOO_MANY in scope.get("state", ()):
            headers = {"retry-after": "1", "connection": "close"}
            app = problem(503, "too many connections are open; come again later", headers)
        await app(scope, receive, send)


class BodyLimit:
    """Takes the body of each request before the application sees any of it.

    A body that says it is too large is refused before it is read, one that turns out to be is
    refused when it does: 413. One that takes too long: 408.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        headers = dict(scope.get("headers", ()))
        if scope["type"] != "http" or not {b"content-length", b"transfer-encoding"} & {*headers}:
            await self.app(scope, receive, send)
            return
        most = self.limits.body_bytes
        refused = problem(413, f"the body is larger than {most:,} bytes; send fewer texts at once")
        if int(headers.get(b"content-length", 0)) > most:
            await refused(scope, receive, send)
            return
        body = bytearray()
        try:
            async with asyncio.timeout(self.limits.body_s):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > most:
                        await refused(scope, receive, send)
                        return
        except TimeoutError:
            late = f"the body did not arrive within {self.limits.body_s:g} seconds"
            await problem(408, late, {"connection": "close"})(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def receive_whole() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, receive_whole, send)
