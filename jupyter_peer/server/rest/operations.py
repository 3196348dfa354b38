"""The REST routes of the operation table: one handler class a path, one method a row."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
from jupyter_server.auth.decorator import authorized
from tornado import web

from ...control.operation import Operation
from ...errors import PeerError, TooLargeError, to_page
from ..context import UnavailableError
from .base import PeerAPIHandler

_PARAMETER = re.compile(r"\{(\w+)\}")


class OperationHandler(PeerAPIHandler):
    """Answers the methods of one path with operations; subclasses come from :func:`routes_of`."""

    _unawaited: Callable[[], object] | None = None

    async def serve(self, row: Operation[Any, Any], path: dict[str, str]) -> None:
        """Run an operation and answer with its result or its error.

        Args:
            row: A row of the operation table.
            path: The parameters in the URL's path.
        """
        try:
            running = await self.context.ready()
            params = row.read_rest({**self._fields(row), **path})
            result = asyncio.ensure_future(running.operations.run(row, params))
            if row.ends_unawaited:
                self._unawaited = result.cancel
            with contextlib.suppress(asyncio.CancelledError):  # the client is gone
                self.finish(await _body(row, result))
        except UnavailableError as unavailable:
            self.refuse(unavailable.error, 503)
        except TooLargeError as error:
            self.refuse(error, 413)
        except PeerError as error:
            self.refuse(error)

    def on_connection_close(self) -> None:
        """Cancel an operation that ends once nobody waits for its result."""
        super().on_connection_close()
        if self._unawaited is not None:
            self._unawaited()

    def _fields(self, row: Operation[Any, Any]) -> dict[str, Any]:
        """Return the parameters from the query of a GET, or from the body of another method."""
        if row.method in ("GET", "DELETE"):
            asked = {name: self.get_query_argument(name, "") for name in row.query}
            return {name: text for name, text in asked.items() if text}
        return self.json_body()


async def _body(row: Operation[Any, Any], result: Awaitable[msgspec.Struct]) -> bytes:
    """Return the body of an answer."""
    if not row.is_outcome:
        return msgspec.json.encode(await result)
    try:
        fields = msgspec.to_builtins(await result)
    except PeerError as error:
        return msgspec.json.encode({"ok": False, "error": to_page(error)})
    return msgspec.json.encode({"ok": True, **fields})


def routes_of(
    rows: Iterable[Operation[Any, Any]], root: str
) -> list[tuple[str, type[OperationHandler]]]:
    """Return the URL patterns of all rows with a REST route, and a handler class for each.

    Args:
        rows: Rows of the operation table.
        root: The URL before the paths.
    """
    methods: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        if row.rest:
            methods[row.path][row.method.lower()] = _method(row)
    return [
        (root + _pattern(path), type(f"OperationHandler({path})", (OperationHandler,), found))
        for path, found in methods.items()
    ]


def _method(row: Operation[Any, Any]) -> Callable[..., Awaitable[None] | None]:
    # A function for each row: `authorized` remembers the action of the first request it sees.
    @web.authenticated
    @authorized
    async def method(self: OperationHandler, **path: str) -> None:
        await self.serve(row, path)

    method.__doc__ = row.help
    return method


def _pattern(path: str) -> str:
    """Return the regular expression of a path; a path that ends in a word may end in a slash."""
    end = "" if path.endswith("}") else "/?"
    return "/" + _PARAMETER.sub(r"(?P<\1>[^/]+)", path) + end
