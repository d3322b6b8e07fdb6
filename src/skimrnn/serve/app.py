"""The application: routes, and what each answers."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

from skimrnn import __version__
from skimrnn.runtime import Model
from skimrnn.serve.answers import answer
from skimrnn.serve.limits import BodyLimit, ConnectionLimit, Limits
from skimrnn.serve.metrics import Metrics, Watch
from skimrnn.serve.page import make_page
from skimrnn.serve.pool import BoundedPool, BusyError
from skimrnn.serve.problems import Problem, problem, say_what_is_wrong
from skimrnn.serve.schemas import (
    MAX_DETAIL_CHARACTERS,
    ModelResponse,
    ReadRequest,
    ReadResponse,
    Status,
)

_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The body is no JSON."},
    408: {"model": Problem, "description": "The body took too long to arrive."},
    413: {"model": Problem, "description": "There is more than one request may hold."},
    422: {"model": Problem, "description": "A value is not as described."},
    503: {"model": Problem, "description": "Too busy; come again after `Retry-After` seconds."},
}


def create_app(model: Model, name: str, limits: Limits | None = None) -> FastAPI:
    """The ASGI application that serves one model.

    The server sets ``app.state.draining`` when it is about to stop, then ``app.state.closing``
    when no connection is taken any more.

    Args:
        model: what reads.
        name: what the model is called.
        limits: the defaults if None.
    """
    limits = limits or Limits()
    metrics = Metrics()
    page = make_page()
    pool: BoundedPool

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        nonlocal pool
        pool = BoundedPool(limits.workers, limits.waiting, limits.wait_s)
        yield
        pool.close()

    app = FastAPI(
        title="skimrnn",
        summary="Reads texts with a recurrent network that skims.",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,  # these two load scripts from elsewhere
        redoc_url=None,
    )
    app.state.draining = app.state.closing = False
    app.add_middleware(BodyLimit, limits=limits)
    app.add_middleware(ConnectionLimit)
    app.add_middleware(Watch, metrics=metrics)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        errors = error.errors()
        if any(one["type"] == "json_invalid" for one in errors):
            return problem(400, "the body is no JSON")
        return problem(422, say_what_is_wrong(errors))

    @app.exception_handler(HTTPException)
    async def _refused(_: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail), error.headers)

    @app.post("/v1/read", response_model=ReadResponse, responses=_REFUSALS)
    async def read(request: ReadRequest) -> Response:
        """Label texts; with ``detail``, say what was read, what skimmed, and the time it took."""
        if request.detail and sum(map(len, request.texts)) > MAX_DETAIL_CHARACTERS:
            return problem(
                413,
                f"with detail, the texts of a request may have {MAX_DETAIL_CHARACTERS:,} "
                f"characters in all; got {sum(map(len, request.texts)):,}",
            )
        try:
            found = await pool.run(lambda: answer(model, name, request))
        except BusyError:
            return problem(503, "too busy to read this now; come again later", {"retry-after": "1"})
        except ValueError as error:
            return problem(422, str(error))
        metrics.add(found)
        return Response(found.body, media_type="application/json")

    @app.get("/v1/model")
    async def describe() -> ModelResponse:
        """What is served."""
        rule = model.rule
        return ModelResponse.model_validate(
            {
                "name": name,
                "labels": list(model.labels),
                "vocabulary": len(model.vocabulary),
                "layer": model.config.to_dict(),
                "rule": {
                    "threshold": rule.threshold,
                    "budget": rule.budget,
                    "burst": rule.burst,
                },
                "implementation": model.implementation,
                "skimrnn": __version__,
            }
        )

    @app.get("/healthz")
    async def healthy() -> Status:
        """The server runs."""
        return Status(status="ok")

    @app.get(
        "/readyz",
        response_model=Status,
        responses={503: {"model": Problem, "description": "It is about to stop."}},
    )
    async def ready(request: Request) -> Response | Status:
        """The server takes requests; no longer once it was told to stop."""
        if request.app.state.draining:
            return problem(503, "about to stop")
        return Status(status="ok")

    @app.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def expose() -> Response:
        """Counters for Prometheus."""
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/", include_in_schema=False)
    async def show() -> Response:
        return Response(page.html, media_type="text/html", headers=page.headers)

    return app
