"""Share this output, not your server.

The entry points for Jupyter, IPython and notebooks. The modules behind them are imported when they
are first used.
"""

from __future__ import annotations

from jupyter_peer._version import __version__

# As typing.TYPE_CHECKING, without the import, which would take most of this module's time.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_peer.server_client.client import Client

__all__ = ["__version__", "aio", "client", "tool"]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-peer"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_peer.app import PeerExtension

    return [{"module": "jupyter_peer.app", "app": PeerExtension}]


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Add the ``%peer`` magics: ``%load_ext jupyter_peer``."""
    from jupyter_peer.kernel import magics

    magics.load(ipython)


def client() -> Client:
    """Return this kernel's client, connected to the server that started the kernel.

    Raises:
        NoServerError: The kernel was not started by a Jupyter server with this extension.
    """
    from jupyter_peer.server_client.client import client as kernel_client

    return kernel_client()


def __getattr__(name: str) -> Any:
    if name == "aio":
        # The same API as coroutines; a module, so that `peer.aio.client()` reads like `peer.client()`.
        import importlib

        return importlib.import_module("jupyter_peer.server_client.aio")
    if name == "tool":
        # Marks a function as a tool of agents: `@peer.tool(read_only=True)`.
        from jupyter_peer.server_client.agents.tools import tool

        return tool
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "aio", "tool"})
