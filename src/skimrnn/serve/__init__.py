"""One model behind HTTP: a page to try it on, and an interface for programs.

Needs the packages of ``pip install 'skimrnn[serve]'``; nothing but the command knows this room.
"""

try:
    import fastapi as _fastapi  # noqa: F401
    import prometheus_client as _prometheus_client  # noqa: F401
    import uvicorn as _uvicorn  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"skimrnn.serve needs {error.name}; install it with: pip install 'skimrnn[serve]'",
        name=error.name,
    ) from error

from skimrnn.serve.app import create_app
from skimrnn.serve.limits import Limits
from skimrnn.serve.server import Server, listen

__all__ = ["Limits", "Server", "create_app", "listen"]
