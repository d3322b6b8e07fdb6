"""Measure the server: overhead, load, memory, fuzzing. Loopback, the bundled model `sst`.

    python -m benchmarks.serving [--again PART ...] [--note TEXT]

Writes results/serving.json, part by part; a part that is there is not measured again unless it is
named. `--note` says what else the machine was doing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import skimrnn
from benchmarks.machine import RESULTS, provenance
from skimrnn.files import write_atomically

RESULT = RESULTS / "serving.json"
REVIEWS = Path(__file__).parent / "classification" / "reviews.txt"
CHECKS = Path(__file__).parent.parent / "tests" / "serve" / "schemathesis.toml"
MODEL = "sst"
CLIENTS, LOAD_S = 16, 60
MEMORY_TEXTS, AT_ONCE = 1_000_000, 250
FUZZED, DESCRIBED = 50_000, 400
CALLS = 500
PACKAGES = ("fastapi", "uvicorn", "h11", "pydantic")


class Server:
    """The command in a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "skimrnn", "serve", MODEL, "--port", "0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        said = self.process.stderr.readline()
        found = re.search(r":(\d+)/$", said)
        if found is None:
            sys.exit(f"the server did not start: {said}{self.process.stderr.read()}")
        self.port = int(found[1])

    def resident(self) -> float:
        """MB of memory in use."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1000

    def cpu_s(self) -> float:
        """Seconds of processor time so far, all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def statuses(self) -> dict[str, int]:
        """Answers to each status, by the server's own count."""
        said = Client(self.port).ask(_request("GET", "/metrics"))[1].decode()
        found: Counter[str] = Counter()
        for status, count in re.findall(r'requests_total{.*status="(\d+)"} (\S+)', said):
            found[status] += int(float(count))
        return dict(sorted(found.items()))


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server that ends with the block."""
    server = Server()
    try:
        yield server
    finally:
        server.process.send_signal(signal.SIGTERM)
        server.process.wait()


class Client:
    """One connection that stays open, and as little work for an answer as can be."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.told_to_close = False
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        self._socket.sendall(request)
        answer = b""
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._more()
        head, body = answer[:end], answer[end + 4 :]
        self.told_to_close = b"connection: close" in head.lower()
        size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < size:
            body += self._more()
        return int(head[9:12]), body

    def _more(self) -> bytes:
        part = self._socket.recv(2**18)
        if not part:
            raise ConnectionError("the server closed the connection")
        return part


def _request(method: str, path: str, value: Any = None) -> bytes:
    body = b"" if value is None else json.dumps(value).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def texts() -> tuple[list[str], list[str]]:
    """Sentences, and the paragraphs that they come from."""
    paragraphs = [line.strip() for line in REVIEWS.read_text().splitlines() if line.strip()]
    sentences = [s for p in paragraphs for s in re.split(r"(?<=[.!?]) ", p) if len(s) > 20]
    return sentences, paragraphs


def overhead() -> dict[str, Any]:
    """One client: the time of a request, of the reading in it, and what is left."""
    model = skimrnn.load(MODEL)
    sentences, paragraphs = texts()
    asked = {
        "one sentence": (sentences[:1], False),
        "one sentence, with detail": (sentences[:1], True),
        "one paragraph": (paragraphs[:1], False),
        "one paragraph, with detail": (paragraphs[:1], True),
        "64 sentences": ([sentences[n % len(sentences)] for n in range(64)], False),
    }
    rows = []
    with serving() as server:
        client = Client(server.port)
        bare = _request("GET", "/healthz")
        rows.append({"what": "nothing (/healthz)", **_times(lambda: client.ask(bare), server)})
        for what, (given, detail) in asked.items():
            request = _request("POST", "/v1/read", {"texts": given, "detail": detail})

            def ask(request: bytes = request) -> None:
                status, _ = client.ask(request)
                assert status == 200

            def read(given: list[str] = given) -> object:
                return model.read(given)

            row = {"what": what, "texts": len(given), **_times(ask, server)}
            row["words"] = sum(map(len, model.read(given)))
            row["reader_us"] = _times(read)["us"]
            rows.append(row)
    return {"calls": CALLS, "rows": rows}


def _times(call: Callable[[], object], server: Server | None = None) -> dict[str, float]:
    """Microseconds of a call, the median by the clock; and the server's processor time for it."""
    for _ in range(50):
        call()
    before = server.cpu_s() if server else 0
    taken = []
    for _ in range(CALLS):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    found = {"us": 1e6 * statistics.median(taken)}
    if server:
        found["server_cpu_us"] = 1e6 * (server.cpu_s() - before) / CALLS
    return found


def load() -> dict[str, Any]:
    """Many clients at once, each asking again as soon as it is answered."""
    sentences, _ = texts()
    requests = [_request("POST", "/v1/read", {"texts": [s]}) for s in sentences]
    taken: list[list[float]] = [[] for _ in range(CLIENTS)]
    problems: Counter[str] = Counter()

    def client(number: int, port: int) -> None:
        try:
            connection = Client(port)
            turn = number
            while time.perf_counter() < end:
                begin = time.perf_counter()
                status, _ = connection.ask(requests[turn % len(requests)])
                taken[number].append(time.perf_counter() - begin)
                turn += 1
                if status != 200:
                    problems[str(status)] += 1
        except OSError as error:
            problems[type(error).__name__] += 1

    with serving() as server:
        before, begin = server.cpu_s(), time.perf_counter()
        end = begin + LOAD_S
        _together(lambda number: client(number, server.port))
        seconds = time.perf_counter() - begin
        cpu = server.cpu_s() - before
    every = np.concatenate(taken)
    p50, p99, p999 = (1000 * float(np.quantile(every, q)) for q in (0.5, 0.99, 0.999))
    return {
        "clients": CLIENTS,
        "seconds": seconds,
        "requests": len(every),
        "requests_per_s": len(every) / seconds,
        "p50_ms": p50,
        "p99_ms": p99,
        "p999_ms": p999,
        "max_ms": 1000 * float(every.max()),
        "server_cpu_share": cpu / seconds,
        "errors": dict(problems),
    }


def stop() -> dict[str, Any]:
    """The same load, and SIGTERM in its midst: what was asked, answered, and refused."""
    sentences, _ = texts()
    request = _request("POST", "/v1/read", {"texts": sentences[:8]})
    found: Counter[str] = Counter()

    def client(port: int) -> None:
        while True:
            try:
                connection = Client(port)
            except ConnectionRefusedError:
                found["clients refused at the end"] += 1
                return
            while not connection.told_to_close:
                found["asked"] += 1
                try:
                    status, body = connection.ask(request)
                except OSError as error:
                    found[f"not answered: {type(error).__name__}"] += 1
                    return
                json.loads(body)
                found["answered"] += status == 200

    server = Server()
    timer = threading.Timer(5, lambda: server.process.send_signal(signal.SIGTERM))
    timer.start()
    _together(lambda _: client(server.port))
    server.process.wait()
    return {"clients": CLIENTS, **found}


def memory() -> dict[str, Any]:
    """Resident memory over very many texts."""
    sentences, _ = texts()
    batches = [
        _request(
            "POST",
            "/v1/read",
            {"texts": [sentences[(7 * n + i) % len(sentences)] for i in range(AT_ONCE)]},
        )
        for n in range(20)
    ]
    points = []
    with serving() as server:
        client = Client(server.port)
        points.append({"texts": 0, "mb": server.resident()})
        rounds = MEMORY_TEXTS // AT_ONCE
        for done in range(1, rounds + 1):
            status, _ = client.ask(batches[done % len(batches)])
            assert status == 200
            if done % (rounds // 20) == 0:
                points.append({"texts": done * AT_ONCE, "mb": server.resident()})
    return {"at_once": AT_ONCE, "points": points}


def fuzz() -> dict[str, Any]:
    """Requests made from the description by Schemathesis, then damaged ones of our own."""
    with serving() as server:
        checked = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CHECKS)),
                *("run", "--max-examples", str(DESCRIBED), "--seed", "1", "--no-color"),
                *("--phases", "examples,coverage,fuzzing", "--continue-on-failure"),
                f"http://127.0.0.1:{server.port}/openapi.json",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        summary = checked.stdout.partition("= SUMMARY =")[2]
        described = server.statuses()
        damaged = subprocess.run(
            [
                *(sys.executable, "-m", "fuzz.serving", "--port", str(server.port)),
                *("--count", str(FUZZED - sum(described.values())), "--seed", "1"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if damaged.returncode:
            sys.exit(damaged.stderr)
        return {
            "described": described,
            "described_failures": re.findall(r"\u274c (.*?: \d+)", summary)
            or ([] if checked.returncode == 0 else ["it ended with an error"]),
            "damaged": json.loads(damaged.stdout),
            "server_statuses": server.statuses(),
            "resident_mb": server.resident(),
        }


def _together(work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "overhead": overhead,
    "load": load,
    "stop": stop,
    "memory": memory,
    "fuzz": fuzz,
}


def main() -> None:
    """Measure what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--again", nargs="*", choices=PARTS, default=[])
    parser.add_argument("--note", default="nothing else was running")
    given = parser.parse_args()
    result = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for name, measure in PARTS.items():
        if name in result and name not in given.again:
            continue
        busy = os.getloadavg()[0]
        found = measure()
        about = provenance("python -m benchmarks.serving")
        about["versions"] |= {package: metadata.version(package) for package in PACKAGES}
        result[name] = {**about, "note": given.note, "load_average_before": busy, **found}
        write_atomically(RESULT, (json.dumps(result, indent=1) + "\n").encode())
        print(f"{name}: done", flush=True)


if __name__ == "__main__":
    main()
