"""The server: a socket, a connection class, and an end in which every request is answered."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

import uvicorn
from fastapi import FastAPI

from skimrnn.serve.limits import Limits
from skimrnn.serve.protocol import protocol

HEAD_BYTES = 16 * 1024
"""Size of a request's head."""
BACKLOG = 1024
"""Connections that the system holds until they are taken."""
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
        self._protocol = protocol(self._limits)
        super().__init__(
            uvicorn.Config(
                app,
                http=self._protocol,
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=self._limits.idle_s,  # type: ignore[arg-type]
                timeout_graceful_shutdown=self._limits.shutdown_s,  # type: ignore[arg-type]
                h11_max_incomplete_event_size=HEAD_BYTES,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was sent, then end.

        First ``/readyz`` says no, and nothing else changes. Then no connection is taken, and every
        answer asks its client to close: told so earlier, clients would come back on connections
        that are lost. Those that are idle are closed last, when nothing can be on its way on them.
        """
        state = self._app.state
        state.draining = True
        await asyncio.sleep(self._limits.drain_s)
        # What the system has taken for us would be reset if it were still queued at the close.
        queued = [connection for one in sockets or [] for connection in _queued(one)]
        for server in self.servers:
            server.close()
        state.closing = True
        for connection in queued:
            await asyncio.get_running_loop().connect_accepted_socket(self._connection, connection)
        await asyncio.sleep(SETTLE_S)
        await super().shutdown(sockets)

    def _connection(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self._protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def _queued(listening: socket.socket) -> list[socket.socket]:
    """The connections that wait to be taken."""
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            connection, _ = listening.accept()
            connection.setblocking(False)
            found.append(connection)
    return found


def listen(host: str, port: int) -> socket.socket:
    """A socket to serve on.

    Args:
        host: an address or a name of this machine.
        port: 0 for one that is free.

    Raises:
        OSError: if it cannot be had.
    """
    # asyncio sends at once, without waiting for the client's receipt (Nagle), only on sockets that
    # name their protocol; socket.create_server's do not, and each answer would take 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
        return listening
    except OSError as error:
        listening.close()
        code = error.errno or 0  # a name that is not found has one below 0
        why = os.strerror(code) if code > 0 else error.strerror
        raise OSError(
            f"cannot listen on {host}, port {port} ({why}); choose another with --host and --port"
        ) from error
