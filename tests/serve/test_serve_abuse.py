"""Clients that send too much, too slowly, or hang up."""

import http.client
import json
import socket
import threading
import time

import pytest
from sites import serving

from skimrnn.serve.pool import BoundedPool, BusyError

BODY = json.dumps({"texts": ["a joy"]}).encode()


SIZE = len(BODY)


def head(length=SIZE, more=b""):
    return (
        b"POST /v1/read HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
        + (b"" if length is None else b"Content-Length: %d\r\n" % length)
        + more
        + b"\r\n"
    )


def send_without_end(connection, part, pause=0):
    while True:
        connection.sendall(part)
        time.sleep(pause)


def whole(connection):
    """One answer in JSON, whose last character is that of its object."""
    answer = b""
    while not answer.endswith(b"}"):
        answer += connection.recv(65536)
    return answer


def all_of(connection):
    """What comes until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.fixture(scope="module")
def strict(sst):
    """A server whose patience is short."""
    with serving(sst, head_s=1, body_s=1.5, discard_s=1, write_s=1) as site:
        yield site


def test_a_hundred_megabytes_are_refused_before_they_are_read(site):
    with site.socket() as connection:
        connection.sendall(head(100 * 2**20))  # and not a byte of it
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_sends_it_all_the_same_sees_the_answer(site):
    reply = site.ask("POST", "/v1/read", bytes(100 * 2**20), {"content-type": "application/json"})
    assert reply.status == 413
    assert "larger than 1,048,576 bytes" in reply.json["detail"]


def test_a_body_in_chunks_is_refused_when_it_is_too_large(site):
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    with site.socket() as connection:
        connection.sendall(head(None, b"Transfer-Encoding: chunked\r\n"))
        for _ in range(17):
            connection.sendall(chunk)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_never_ends_is_not_taken_for_ever(strict):
    with strict.socket() as connection:
        connection.sendall(head(2**40))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            send_without_end(connection, bytes(65536))


def test_a_slow_body_is_told_that_it_is_late(strict):
    with strict.socket() as connection:
        connection.sendall(head() + BODY[:3])
        answer = all_of(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive within 1.5 seconds" in answer


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HT", head()[:40]])
def test_a_slow_head_is_cut_off(strict, sent):
    with strict.socket() as connection:
        connection.sendall(sent)
        assert all_of(connection) == b""


def test_a_second_head_may_not_be_slow_either(strict):
    with strict.socket() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
        answer = whole(connection)
        assert answer.startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /healthz HT")
        assert all_of(connection) == b""


def test_requests_one_after_the_other_are_not_slow(strict):
    """A connection older than every patience, never at rest for long, stays."""
    with strict.socket() as connection:
        for _ in range(6):
            connection.sendall(head() + BODY)
            assert whole(connection).startswith(b"HTTP/1.1 200 ")
            time.sleep(0.3)


def test_requests_sent_ahead_are_all_answered(strict):
    with strict.socket() as connection:
        connection.sendall((head() + BODY) * 20)
        answer = b""
        while answer.count(b"HTTP/1.1 200 ") < 20:
            answer += connection.recv(65536)


def test_a_half_closed_connection_is_answered(site):
    with site.socket() as connection:
        connection.sendall(head() + BODY)
        connection.shutdown(socket.SHUT_WR)
        answer = all_of(connection)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"label":"positive"' in answer


def test_half_a_request_and_a_hang_up_is_let_go(site):
    with site.socket() as connection:
        connection.sendall(head() + BODY[:5])
        connection.shutdown(socket.SHUT_WR)
        assert all_of(connection) == b""
    assert site.ask("GET", "/healthz").status == 200


def test_a_client_that_reads_nothing_is_let_go(strict):
    with strict.socket() as connection:
        # Together larger than the kernel's buffers.
        connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" * 400)
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            send_without_end(connection, b" ", 0.05)


def test_garbage_is_a_bad_request(site):
    with site.socket() as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        assert all_of(connection).startswith(b"HTTP/1.1 400 ")


def test_a_head_without_end_is_a_bad_request(site):
    with site.socket() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nX: " + b"a" * 100_000)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_too_much_work_is_refused_and_the_rest_answered(sst, monkeypatch):
    from skimrnn.serve import app

    begun, go_on, read = threading.Semaphore(0), threading.Event(), app.answer

    def slow(*given):
        begun.release()
        assert go_on.wait(30)
        return read(*given)

    monkeypatch.setattr(app, "answer", slow)
    replies = []
    with serving(sst, workers=1, waiting=1) as site:
        clients = [
            threading.Thread(target=lambda: replies.append(site.read("a joy"))) for _ in range(3)
        ]
        for client in clients:
            client.start()
        assert begun.acquire(timeout=30)
        while not replies:  # one works, one waits
            assert site.ask("GET", "/healthz").status == 200  # the loop is free all the same
        go_on.set()
        for client in clients:
            client.join()
    refused, *others = replies
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert "too busy" in refused.json["detail"]
    assert [reply.status for reply in others] == [200, 200]


def test_connections_beyond_the_limit_are_told_so_and_the_others_served(sst):
    def ask(connection, path):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    with serving(sst, connections=2) as site:
        one, two = (http.client.HTTPConnection("127.0.0.1", site.port, 30) for _ in range(2))
        assert ask(one, "/healthz")[0] == ask(two, "/healthz")[0] == 200
        refused = site.read("a joy")
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert "too many connections" in refused.json["detail"]
        status, counted = ask(one, "/metrics")
        assert status == 200
        assert b'status="503"' in counted
        two.close()
        deadline = time.monotonic() + 30
        while site.read("a joy").status == 503:  # until the server knows of that end
            assert time.monotonic() < deadline
        one.close()


def test_work_that_waited_too_long_is_given_up_while_it_waits():
    import asyncio

    pool = BoundedPool(1, 2, wait_s=0.05)
    done = []

    async def both():
        go_on = threading.Event()
        first = asyncio.create_task(pool.run(lambda: go_on.wait(30)))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await pool.run(lambda: done.append("second"))
        assert not first.done()  # work that has begun is not given up
        go_on.set()
        return await first

    assert asyncio.run(both())
    pool.close()
    assert done == []
