"""The shared base of all groups of calls, which sends requests to the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..connection import Connection, Json

Steps = Callable[[Json], None]


class Asking:
    """A group of calls; ``self`` is the :class:`.ServerCore` of a client.

    A call asks the server for one operation of the table and wraps its result.
    """

    _ask: Callable[..., Awaitable[Json]]
    _connection: Connection
