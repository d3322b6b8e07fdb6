"""``skimrnn serve``: a page to try a model on, and an interface for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skimrnn.cli.options import ModelArgument


def serve(
    model: ModelArgument,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="The address to listen on; 0.0.0.0 lets other machines in.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes one that is free.")
    ] = 8000,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=256,
            metavar="N",
            help="Threads that read; the number of cores, at most 4, if left out.",
            show_default=False,
        ),
    ] = None,
    log_requests: Annotated[
        bool,
        typer.Option("--log-requests", help="A line for each request on stderr, without texts."),
    ] = False,
) -> None:
    """Serve a model: a page that shows what is read while you turn θ, and POST /v1/read.

    Needs pip install 'skimrnn[serve]'. Ends on Ctrl+C or SIGTERM, when what was sent is answered.
    """
    import logging

    from skimrnn.cli.output import note
    from skimrnn.cli.reader import load_reader
    from skimrnn.serve import Limits, Server, create_app, listen

    if log_requests:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    limits = Limits() if workers is None else Limits(workers=workers)
    app = create_app(load_reader(model), Path(model).resolve().name, limits)
    socket = listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    note(f"serving {model} on http://{shown}:{socket.getsockname()[1]}/")
    Server(app, limits).run(sockets=[socket])
