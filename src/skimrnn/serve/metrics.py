"""What the server counts, for Prometheus; and the middleware that counts it."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skimrnn.serve.answers import Answer
from skimrnn.serve.problems import problem

LOGGER = logging.getLogger("skimrnn.serve")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
"""Bounds of the histogram's buckets."""


class Metrics:
    """One server's counters."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "skimrnn_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "skimrnn_request_seconds",
            "From a request's head to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.texts = Counter("skimrnn_texts", "Texts read.", registry=self.registry)
        self.words = Counter(
            "skimrnn_words",
            "Words taken, once for every layer and direction.",
            ("taken",),
            registry=self.registry,
        )

    def add(self, answer: Answer) -> None:
        """Count what was read for an answer."""
        self.texts.inc(answer.texts)
        self.words.labels("read").inc(answer.read)
        self.words.labels("skimmed").inc(answer.skimmed)

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)


class Watch:
    """Counts each request, logs it, and answers 500 where the application broke.

    What is counted and logged is the route, never the path, the query or the body: texts stay out
    of it. Of an error, its kind and place are logged, not its message, which may quote a text.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin = time.perf_counter()
        status = 0

        async def send_watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if scope["app"].state.closing:
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        try:
            await self.app(scope, receive, send_watched)
        except Exception as error:
            LOGGER.error("%s at %s", type(error).__name__, _place(error))
            if status:
                raise RuntimeError("the answer broke off; the log says where") from None
            await problem(500, "the server failed; its log says where")(
                scope, receive, send_watched
            )
        finally:
            self._note(scope, status, time.perf_counter() - begin)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        if not status:  # the client left before there was an answer
            return
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", "other")
        self.metrics.requests.labels(method, route, str(status)).inc()
        self.metrics.seconds.labels(route).observe(seconds)
        LOGGER.info("%s %s %d %.1f ms", method, route, status, 1000 * seconds)


def _place(error: Exception) -> str:
    """Where an error was raised: file and line of the innermost frames."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append(f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " < ".join(reversed(places[-4:]))
