"""Which library makes WebRTC connections: libwebrtc where it is installed, else aiortc."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Callable
from typing import ClassVar, Protocol

from .connection import Connection, IceServers
from .native_engine import NativeEngine
from .python_engine import PythonEngine

log = logging.getLogger(__name__)


class Engine(Protocol):
    """A library that makes connections."""

    #: The module that is imported, and the modules that must be there.
    module: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]

    def connect(
        self,
        servers: IceServers,
        turn_of: int,
        address: str,
        on_end: Callable[[Connection], None],
        *,
        allow_loopback: bool,
    ) -> Connection:
        """Return a new connection.

        Args:
            servers: STUN and TURN.
            turn_of: Number of the connection; engines that use one STUN server change it by this.
            address: Address of the link, as shown to users.
            on_end: Called once, when everything is closed.
            allow_loopback: Whether loopback addresses are candidates.
        """

    async def close(self) -> None:
        """End what all connections share; they are closed by now."""


#: The quickest first.
ENGINES: tuple[type[Engine], ...] = (NativeEngine, PythonEngine)


def load_engine() -> Engine:
    """Import the quickest engine that is installed, and return it. Reads files for half a second.

    Raises:
        ImportError: The last one cannot be loaded either.
    """
    *quicker, last = ENGINES
    for engine in quicker:
        if all(importlib.util.find_spec(name) for name in engine.needs):
            try:
                importlib.import_module(engine.module)
            except ImportError as error:  # it is there, and cannot be used on this machine
                log.warning("WebRTC runs by %s, because of: %s", last.module, error)
            else:
                return engine()
    importlib.import_module(last.module)
    return last()
