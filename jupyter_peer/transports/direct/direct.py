"""WebSocket links over TCP, dialled or accepted by a Tornado server (SPEC section 4)."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable, Collection
from typing import ClassVar, Literal

from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from ...primitives.task_set import TaskSet
from ...sockets.guest_page import GuestPageHandler, is_same_origin
from ...sockets.listener import StrangersServer
from ...sockets.tornado_upgrade import take_over, upgrade_key
from ...wire.addresses import (
    GUEST_PATH,
    PATH,
    host_of,
    is_ip_address,
    is_loopback,
    normalize_address,
)
from ...wire.link.handshake import MAX_FRAME
from ..base import Accept, PeerLink, Transport
from .link import WebSocketLink
from .websocket import DIAL_TIMEOUT_S, any_certificate, open_websocket

log = logging.getLogger(__name__)

# Time that the other ends get to close their links when this node stops.
_FAREWELL_S = 0.5

MAX_LINKS = 512
"""Peers, handshakes, and the connections that the other end is slow to close."""

# A request with one of these came through a proxy, so the socket's address is the proxy's.
_PROXY_HEADERS = ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via")


class PeerWebSocketHandler(RequestHandler):
    """The ``/peer-ws`` end point, to be mounted in any Tornado application.

    It requires no login. A client must pass the handshake of the peer wire, and may send only small
    frames before that. Browsers are refused, because they use ``/guest-ws``.
    """

    guests: ClassVar[Literal["never", "only"]] = "never"
    port: int | None = None

    def initialize(self, transport: DirectTransport, port: int) -> None:
        """Set the transport of this end point and the port of its listener."""
        self.transport = transport
        self.port = port

    def compute_etag(self) -> None:
        """Return no tag, because the answers are small."""

    async def get(self) -> None:
        """Upgrade the connection to a link and pass the link to the hub."""
        key = upgrade_key(self.request.headers)
        if key is None or self.request.headers.get("Sec-WebSocket-Version") != "13":
            self.set_status(426)
            self.set_header("Upgrade", "websocket")
            self.set_header("Sec-WebSocket-Version", "13")
            self.finish()
            return
        if not self.is_origin_allowed():
            self.set_status(403)
            self.finish()
            return
        if not self.is_host_known():
            log.warning(
                "a connection for the host %r is refused; if it is a name of this node, add it to "
                "PeerExtension.advertised_addresses",
                self.request.host[:255],
            )
            self.set_status(421)
            self.finish()
            return
        if not self.transport.has_room(self.guests):
            # No exception: Jupyter would write several lines into its log for each.
            self.detach().close()
            return
        link = WebSocketLink(self.request.remote_ip or "unknown", is_dialled=False)
        link.guests = self.guests
        link.max_frame = self.transport.max_frame_before_auth
        link.port = self.port
        if not self._is_forwarded:
            link.remote_host = self.request.remote_ip
        opened = await take_over(self, key, link, link.max_frame)
        if opened is not None:
            link.open(opened)
            self.transport.take(link)

    def is_origin_allowed(self) -> bool:
        """Return whether a request may have this origin."""
        return "Origin" not in self.request.headers

    def is_host_known(self) -> bool:
        """Return whether the request is for this node.

        A page's own name can resolve to this node, and the page would then be of the same origin.
        A proxy decides for which names it forwards requests, and no page can write its headers.
        """
        return self._is_forwarded or self.transport.is_host_known(host_of(f"//{self.request.host}"))

    @property
    def _is_forwarded(self) -> bool:
        return any(name in self.request.headers for name in _PROXY_HEADERS)


class GuestWebSocketHandler(PeerWebSocketHandler):
    """The ``/guest-ws`` end point, for browsers that have loaded the page of a guest link here.

    A page of another site must not make the browsers of its visitors connect, so the origin has to
    be the host that the request names.
    """

    guests: ClassVar[Literal["never", "only"]] = "only"

    def is_origin_allowed(self) -> bool:
        """Return whether the page was served by this very host."""
        return is_same_origin(self.request.headers.get("Origin", ""), self.request.host)


def _bind(host: str, port: int) -> list[socket.socket]:
    try:
        family = socket.AF_INET if ipaddress.ip_address(host).version == 4 else socket.AF_INET6
    except ValueError:  # a name, or all addresses
        return bind_sockets(port, host or None)
    # `bind_sockets` does not close its socket if the port is in use.
    return [socket.create_server((host, port), family=family)]


class _Nothing(RequestHandler):
    """The answer of the extra listener to all other paths."""

    def prepare(self) -> None:
        self.set_status(404)
        self.finish()

    def compute_etag(self) -> None:
        """Return no tag, because there is no body."""


class DirectTransport(Transport):
    """Dials ``ws://`` and ``wss://`` addresses, and accepts connections at ``/peer-ws``.

    Args:
        ssl_context: For dialling ``wss://``. By default every certificate is accepted, since the
            handshake proves the peer and everything is sealed to it. TLS here only passes proxies
            and hides who talks to whom.
        is_accepting: Whether incoming links are accepted.
        max_frame_before_auth: Bytes of the largest frame until the handshake is over.
        max_links: Highest number of links whose connection has not ended; at this number no more
            are accepted. The same number of upgrades may be under way.
        max_guest_links: The same for links of guests, which are counted separately.

    Attributes:
        on_incoming: Called with each incoming link, before its handshake.
    """

    name = "direct"
    priority = 2

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        is_accepting: bool = True,
        max_frame_before_auth: int = MAX_FRAME,
        max_links: int = MAX_LINKS,
        max_guest_links: int = MAX_LINKS,
    ) -> None:
        self.max_frame_before_auth = max_frame_before_auth
        self._max_links = {"never": max_links, "only": max_guest_links}
        self._ssl_context = ssl_context or any_certificate()
        self._is_accepting = is_accepting
        self.on_incoming: Callable[[WebSocketLink], None] | None = None
        self._accept: Accept | None = None
        self._accepting = TaskSet("a handshake with a node that dialled")
        self._links: dict[WebSocketLink, None] = {}  # the oldest first
        self._servers: dict[int, StrangersServer] = {}

    def is_host_known(self, host: str) -> bool:
        """Return whether a request may name this host: an IP address, or this machine."""
        return is_ip_address(host) or is_loopback(host)

    async def start(self, accept: Accept) -> None:
        # Made again, because a transport that was closed may start again.
        self._accepting = TaskSet("a handshake with a node that dialled")
        self._accept = accept

    def listen(
        self, host: str, port: int, ssl_options: ssl.SSLContext | None = None
    ) -> list[tuple[str, int]]:
        """Open a listener that serves ``/peer-ws``, and to guests ``/guest-ws`` and their page.

        Args:
            host: Address to bind; empty for all.
            port: Port; 0 for a free one.
            ssl_options: To speak TLS.

        Returns:
            The (host, port) pairs that were bound.

        Raises:
            OSError: The address cannot be bound.
        """
        sockets = _bind(host, port)
        bound = [sock.getsockname()[:2] for sock in sockets]
        port = bound[0][1]
        application = Application(
            [
                (PATH, PeerWebSocketHandler, {"transport": self, "port": port}),
                (GUEST_PATH, GuestWebSocketHandler, {"transport": self, "port": port}),
                (r"/s/(.*)", GuestPageHandler),
            ],
            default_handler_class=_Nothing,
            log_function=lambda handler: None,
        )
        server = StrangersServer(
            application,
            ssl_options=ssl_options,
            idle_connection_timeout=DIAL_TIMEOUT_S,
            max_header_size=16 * 1024,
            max_body_size=0,
            max_connections=self._max_links["never"],
        )
        server.add_sockets(sockets)
        self._servers[port] = server
        return bound

    async def stop_listening(self, port: int) -> None:
        """Close the extra listener at a port, and the links that it accepted; others stay."""
        server = self._servers.pop(port, None)
        if server is None:
            return
        server.stop()
        # Links in their handshake too: a handshake ends as soon as its link does.
        await self._end([link for link in self._links if link.port == port])
        await server.close_all_connections()

    async def close(self) -> None:
        self._accept = None
        for server in self._servers.values():
            server.stop()
        await self._accepting.close()
        links, self._links = self._links, {}
        await self._end(links)
        for server in self._servers.values():
            await server.close_all_connections()
        self._servers.clear()

    @staticmethod
    async def _end(links: Collection[WebSocketLink]) -> None:
        """Close links, and cut those whose other end does not answer in time."""
        for link in links:
            await link.close("shutdown")
        loop = asyncio.get_running_loop()
        ends = [loop.create_task(link.until_ended()) for link in links]
        if ends:
            await asyncio.wait(ends, timeout=_FAREWELL_S)
        for link in links:
            link.cut()
        await asyncio.gather(*ends)

    def can_dial(self, address: str) -> bool:
        return address.startswith(("ws://", "wss://"))

    async def dial(self, address: str, node_id: str | None) -> PeerLink:
        url = normalize_address(address)
        link = WebSocketLink(url, is_dialled=True)
        link.max_frame = self.max_frame_before_auth
        link.open(
            await open_websocket(
                url, link, ssl_context=self._ssl_context, max_message=link.max_frame
            )
        )
        link.note_remote_host()
        self._keep(link)
        return link

    def has_room(self, guests: Literal["never", "only"]) -> bool:
        """Return whether one more link of a peer, or of a guest, may be accepted.

        A link that was closed here counts until its other end answers. If all places are taken,
        the oldest of these closed links is cut.
        """
        links = [link for link in self._links if (link.guests == "only") == (guests == "only")]
        if len(links) < self._max_links[guests]:
            return True
        closing = next((link for link in links if link.is_closed), None)
        if closing is None:
            return False
        closing.cut()
        self._forget(closing)
        return True

    def take(self, link: WebSocketLink) -> None:
        """Accept an incoming link."""
        if self._accept is None or not self._is_accepting:
            link.abort("not accepting")
            return
        self._keep(link)
        if self.on_incoming is not None:
            self.on_incoming(link)

        self._accepting.start(self._accept(link))

    def _keep(self, link: WebSocketLink) -> None:
        if not link.is_ended:
            self._links[link] = None
            link.on_ended = self._forget

    def _forget(self, link: WebSocketLink) -> None:
        self._links.pop(link, None)
