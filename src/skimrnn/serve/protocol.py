"""HTTP on one connection: uvicorn's, with a time for everything that a client may do slowly."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from skimrnn.serve.limits import TOO_MANY, Limits


def protocol(limits: Limits) -> type[H11Protocol]:
    """The class of connections that keep to these limits."""

    class Connection(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None
        _write_deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > limits.connections:
                self.app_state = {**self.app_state, TOO_MANY: True}
            self._end_in(limits.head_s)

        def data_received(self, data: bytes) -> None:
            before = self.cycle
            if self._deadline is None and (before is None or before.response_complete):
                self._end_in(limits.head_s)
            super().data_received(data)
            if self.cycle is not before:
                self._go_on()

        def on_response_complete(self) -> None:
            before = self.cycle
            super().on_response_complete()
            if self.cycle is not before:  # a request that was sent ahead has begun
                self._go_on()
            elif self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
                # It was answered without its body. uvicorn throws the rest away as it comes;
                # were the connection closed now, the client might never see the answer.
                self._end_in(limits.discard_s)

        def eof_received(self) -> bool:  # type: ignore[override]
            """A client that has sent its request and hung up on its side is still answered."""
            cycle = self.cycle
            answering = cycle is not None and not (cycle.response_complete or cycle.more_body)
            if answering:
                cycle.keep_alive = False
            return answering

        def pause_writing(self) -> None:
            super().pause_writing()
            self._write_deadline = self.loop.call_later(limits.write_s, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._write_deadline is not None:
                self._write_deadline.cancel()

        def timeout_keep_alive_handler(self) -> None:
            super().timeout_keep_alive_handler()
            if self.transport.get_write_buffer_size():  # what it was sent it does not read
                self.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            self._go_on()
            super().connection_lost(exc)
            if self._write_deadline is not None:
                self._write_deadline.cancel()

        def _end_in(self, seconds: float) -> None:
            self._go_on()
            self._deadline = self.loop.call_later(seconds, self.transport.abort)

        def _go_on(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return Connection
