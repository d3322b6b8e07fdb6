"""The command: where it listens, what it logs, how it ends."""

import asyncio
import contextlib
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from typer.testing import CliRunner

from skimrnn.cli import app

pytest.importorskip("fastapi", reason="serving needs pip install 'skimrnn[serve]'")

BODY = json.dumps({"texts": ["a joy, marmalade"]}).encode()


@contextlib.contextmanager
def started(*options):
    """The command on a free port, in a process of its own, and that port."""
    command = [sys.executable, "-m", "skimrnn", "serve", "sst", "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        said = process.stderr.readline()
        found = re.fullmatch(r"serving sst on http://127\.0\.0\.1:(\d+)/\n", said)
        assert found, said + process.stderr.read()
        yield process, int(found[1])
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def ask(connection):
    connection.request("POST", "/v1/read", BODY, {"content-type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    return answer.status, body


def test_every_request_is_answered_when_it_is_told_to_stop():
    """Under load: a request is answered whole, or its connection was refused before it.

    And what the server says it answered has reached the clients.
    """
    counts, problems, logged = [], [], []

    def client():
        answered = 0
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while True:
            try:
                if connection.sock is None:
                    connection.connect()
            except ConnectionRefusedError:
                counts.append(answered)
                return
            try:
                status, body = ask(connection)
                assert status == 200, body
                json.loads(body)
                answered += 1
            except Exception as error:
                problems.append(error)
                return

    with started("--log-requests") as (process, port):
        reader = threading.Thread(target=lambda: logged.append(process.stderr.read()))
        reader.start()
        clients = [threading.Thread(target=client) for _ in range(8)]
        for thread in clients:
            thread.start()
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        for thread in clients:
            thread.join()
        assert process.wait(30) == -signal.SIGTERM  # as whoever asked for it expects
        reader.join()
    assert problems == []
    assert len(re.findall("POST /v1/read 200", logged[0])) == sum(counts)
    assert re.sub(r".* POST /v1/read 200 .*\n", "", logged[0]) == ""
    assert len(counts) == 8
    assert min(counts) > 0


def listening_on(port):
    """The addresses, of those that this machine has, that take connections there."""
    found = set()
    for address in ("127.0.0.1", "127.0.0.2", socket.gethostbyname(socket.gethostname())):
        with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=5):
            found.add(address)
    return found


def test_no_text_is_logged_and_others_are_not_let_in():
    with started("--log-requests") as (process, port):
        assert listening_on(port) == {"127.0.0.1"}  # unless told otherwise
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        assert ask(connection)[0] == 200
        more = [
            ("POST", "/v1/read", b'{"texts": "marmalade"}'),
            ("POST", "/v1/read", b"marmalade"),
            ("GET", "/marmalade?text=marmalade", None),
            ("GET", "/v1/model?text=marmalade", None),
        ]
        for method, path, body in more:
            connection.request(method, path, body, {"X-Text": "marmalade"})
            connection.getresponse().read()
        connection.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        logged = process.stderr.read()
    assert "marmalade" not in logged
    assert re.search(r"POST /v1/read 200 \d+\.\d ms", logged)
    assert re.search(r"POST /v1/read 422 ", logged)
    assert re.search(r"GET other 404 ", logged)


def run(*arguments):
    """A command that fails, in this process: what it says."""
    result = CliRunner().invoke(app, [*arguments])
    assert result.exit_code == 2, result.output
    return " ".join(result.stderr.split())


def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run("serve", "sst", "--port", port) == (
            f"error: cannot listen on 127.0.0.1, port {port} (Address already in use); choose "
            "another with --host and --port"
        )


def test_answers_are_sent_at_once():
    """The two parts of an answer do not wait for one another: TCP_NODELAY on each connection."""
    from skimrnn.serve import listen

    found = []

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport):
            connection = transport.get_extra_info("socket")
            found.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    async def connect():
        with listen("127.0.0.1", 0) as listening:
            port = listening.getsockname()[1]
            server = await asyncio.get_running_loop().create_server(Protocol, sock=listening)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            writer.close()
            server.close()

    asyncio.run(connect())
    assert found[0] != 0


def test_a_host_that_there_is_not_is_said():
    assert "cannot listen on no.such.host.invalid, port 8000" in run(
        "serve", "sst", "--host", "no.such.host.invalid"
    )


def test_no_such_model():
    assert "there is no bundled model 'ssst'" in run("serve", "ssst")


@pytest.mark.parametrize("absent", ["fastapi", "uvicorn", "prometheus_client"])
def test_without_the_extra_it_says_how_to_install_it(absent, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("skimrnn.serve")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, absent, None)
    assert run("serve", "sst") == (
        f"error: skimrnn.serve needs {absent}; install it with: pip install 'skimrnn[serve]'"
    )
