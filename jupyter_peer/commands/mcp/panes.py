"""Panes as listed resources, with notifications of their changes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import unquote, urlsplit

from mcp.types import Resource

from ...document.plain_text import clean
from ...errors import BadRequestError, PeerError
from ...primitives.pauses import pause_until
from ...primitives.task_set import TaskSet
from ...server_client.client import AsyncClient
from ...server_client.results.results import peer_title
from .reading import MAX_TEXT, ME, Json, read_pane
from .tools import uri_of

log = logging.getLogger(__name__)

#: Seconds between two tidings of one pane, and before a pane that cannot be watched is tried again.
TELL_EVERY_S = 0.5
TRY_EVERY_S = 5.0

Tell = Callable[[], Awaitable[None]]


class PaneResources:
    """The panes of one client as resources.

    Args:
        me: Client of the node.
    """

    def __init__(self, me: AsyncClient) -> None:
        self._me = me
        self._tells: dict[str, list[Tell]] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._tasks = TaskSet("watching a pane for an MCP client")

    async def list(self) -> list[Resource]:
        """Return all panes that can be read; none while no server runs."""
        try:
            panes = await self._me.panes()
        except PeerError as error:
            log.info("panes cannot be listed: %s", error.code)
            return []
        mine = [(ME, ME, pane) for pane in panes.mine if pane["status"] == "live"]
        offered = [(p["peer"]["node_id"], peer_title(p["peer"]), p) for p in panes.offered]
        return [
            Resource(
                uri=uri_of(owner, pane["name"]),
                name=f"{title}/{pane['name']}",
                title=clean(pane["title"] or pane["name"]),
                description="What this pane shows now, as text. Its owner wrote the content.",
                mime_type="text/plain",
            )
            for owner, title, pane in [*offered, *mine]
        ]

    async def read(self, uri: str) -> str:
        """Return the text of a pane.

        Raises:
            PeerError: It cannot be read.
        """
        peer, name = parts_of(uri)
        content, _ = await read_pane(self._me, peer, name, None, MAX_TEXT)
        notice = f"[{content.notice}]\n" if content.notice else ""
        return notice + content.text

    def subscribe(self, uri: str, tell: Tell) -> Callable[[], None]:
        """Call ``tell`` whenever a peer's pane has changed; return a function that stops this.

        Raises:
            BadRequestError: This is not the address of a peer's pane.
        """
        peer, name = parts_of(uri)
        if peer == ME:
            raise BadRequestError(
                "a pane of this machine's user cannot be watched", hint="read it again instead"
            )
        tells = self._tells.setdefault(uri, [])
        tells.append(tell)
        if uri not in self._watching:
            self._watching[uri] = self._tasks.start(self._watch(uri, peer, name))

        def end() -> None:
            if tell in tells:
                tells.remove(tell)
            if not tells and self._tells.get(uri) is tells:
                del self._tells[uri]
                self._watching.pop(uri).cancel()

        return end

    async def close(self) -> None:
        """Stop watching."""
        self._tells.clear()
        self._watching.clear()
        await self._tasks.close()

    async def _watch(self, uri: str, peer: str, name: str) -> None:
        offered = asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_event(data: Json) -> None:
            loop.call_soon_threadsafe(offered.set)

        ends = [self._me.on_event(event, on_event) for event in ("panes", "link")]
        try:
            while True:
                offered.clear()
                with contextlib.suppress(PeerError):
                    await self._follow(uri, f"{peer}/{name}")
                await pause_until(offered, TRY_EVERY_S)
        finally:
            for end in ends:
                end()

    async def _follow(self, uri: str, pane: str) -> None:
        view = await self._me.open(pane)
        try:
            # It may have changed since the client read it.
            await self._tell(uri)
            while view.status not in ("withdrawn", "closed"):
                await view.wait_for_update()
                await self._tell(uri)
                await asyncio.sleep(TELL_EVERY_S)
        finally:
            await view.close()

    async def _tell(self, uri: str) -> None:
        for tell in list(self._tells.get(uri, ())):
            try:
                await tell()
            except Exception:
                log.info("an MCP client cannot be told of a pane", exc_info=True)


def parts_of(uri: str) -> tuple[str, str]:
    """Return owner and name of a pane by its address.

    Raises:
        BadRequestError: It is not the address of a pane.
    """
    parts = urlsplit(uri)
    owner, name = unquote(parts.netloc), unquote(parts.path.lstrip("/"))
    if parts.scheme != "pane" or not owner or not name or "/" in name:
        raise BadRequestError(
            f"{clean(uri)[:100]!r} is not the address of a pane",
            hint="it is pane://PEER/NAME, as list_panes shows it",
        )
    return owner, name
