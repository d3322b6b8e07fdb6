"""The server: a socket, a connection class, and an end in which every request is answered."""

from __future__ import annotations

import asyncio
import socket

import uvicorn
from fastapi import FastAPI

from skimrnn.serve.limits import Limits
from skimrnn.serve.protocol import protocol

HEAD_BYTES = 16 * 1024
"""Size of a request's head."""
SETTLE_S = 0.25
"""For what was on its way when the last connection was taken, in seconds."""


class Server(uvicorn.Server):
    """Serves an application until SIGTERM or SIGINT.

    Args:
        app: from ``create_app``.
        limits: the defaults if None.
    """

    def __init__(self, app: FastAPI, limits: Limits | None = None) -> None:
        self._app, self._limits = app, limits or Limits()
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol(self._limits),
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=self._limits.idle_s,  # type: ignore[arg-type]
                timeout_graceful_shutdown=self._limits.shutdown_s,  # type: ignore[arg-type]
                limit_concurrency=self._limits.connections,
                h11_max_incomplete_event_size=HEAD_BYTES,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was sent, then end.

        First ``/readyz`` says no and every answer asks its client to close; then no connection is
        taken; those that are idle are closed last, when nothing can be on its way on them.
        """
        self._app.state.draining = True
        await asyncio.sleep(self._limits.drain_s)
        for server in self.servers:
            server.close()
        await asyncio.sleep(SETTLE_S)
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """A socket to serve on.

    Args:
        host: an address or a name of this machine.
        port: 0 for one that is free.

    Raises:
        OSError: if it cannot be had.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise OSError(
            f"cannot listen on {host}, port {port} ({error.strerror or error}); choose another "
            "with --host and --port"
        ) from error
