"""Routers: what decides, token by token, how likely each level is. One file here is one router.

Every file of this folder is imported, so a new router is a new file that calls ``register``; a
router outside of the package is registered by whoever imports it.
"""

from importlib import import_module
from pkgutil import iter_modules

from skimrnn.routers.base import (
    LOG_OF_NOTHING,
    Array,
    Ops,
    Router,
    check_logits,
    find_router,
    register,
    router_names,
)

for _file in sorted(iter_modules(__path__), key=lambda file: file.name != "softmax"):  # it first
    import_module(f"{__name__}.{_file.name}")

__all__ = [
    "LOG_OF_NOTHING",
    "Array",
    "Ops",
    "Router",
    "check_logits",
    "find_router",
    "register",
    "router_names",
]
