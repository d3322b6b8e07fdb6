"""Servers in a thread of this process, and a small client."""

import contextlib
import http.client
import json
import socket
import threading
import time
from typing import NamedTuple

import pytest

pytest.importorskip("fastapi", reason="serving needs pip install 'skimrnn[serve]'")

from skimrnn.serve import Limits, Server, create_app, listen

QUICK = {"drain_s": 0, "workers": 2}


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Site(NamedTuple):
    """Where a server listens."""

    port: int
    app: object

    def ask(self, method, path, body=None, headers=None) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())
        finally:
            connection.close()

    def read(self, *texts, **options) -> Reply:
        return self.post({"texts": texts, **options})

    def post(self, value) -> Reply:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.ask("POST", "/v1/read", body, {"content-type": "application/json"})

    def socket(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)


@contextlib.contextmanager
def serving(model, name="made-up", **limits):
    """A server of this model in a thread, which ends with the block."""
    limits = Limits(**{**QUICK, **limits})
    app = create_app(model, name, limits)
    server = Server(app, limits)
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield Site(port, app)
    finally:
        server.should_exit = True
        thread.join(limits.drain_s + limits.shutdown_s + 30)
        assert not thread.is_alive(), "the server did not end"
