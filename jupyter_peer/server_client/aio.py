"""The client's API as coroutines, for async cells: ``peer.aio``.

``me = await peer.aio.client()`` returns a client. The module offers every call of it as well:
``await peer.aio.peers()``.
"""

from __future__ import annotations

from typing import Any

from .client import AsyncClient, kernel_client


def client() -> AsyncClient:
    """Return this kernel's client as coroutines; awaiting it waits for the connection.

    Raises:
        NoServerError: The kernel was not started by a Jupyter server with this extension.
    """
    return kernel_client().aio


def __getattr__(name: str) -> Any:
    if not name.startswith("_") and hasattr(AsyncClient, name):
        return getattr(client(), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return ["client", *(name for name in dir(AsyncClient) if not name.startswith("_"))]
