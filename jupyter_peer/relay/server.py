"""HTTP of the relay program: WebSocket doors, the page for guests, ``/health`` and ``/metrics``.

A door is a path at which nodes connect, prove their id and are served. The server takes the
connection over from Tornado (:mod:`~jupyter_peer.sockets.tornado_upgrade`), which would keep the
request, its headers and five coroutine frames in memory as long as the connection lasts.
"""

from __future__ import annotations

import json
import logging
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from tornado.httputil import HTTPServerRequest
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from ..errors import BusyError, PeerError
from ..primitives.task_set import TaskSet
from ..sockets.guest_page import GuestPageHandler, is_same_origin
from ..sockets.half_open import HalfOpen
from ..sockets.listener import StrangersServer
from ..sockets.tornado_upgrade import take_over, upgrade_key
from .broker.limits import Limits
from .broker.metrics import CONTENT_TYPE, Metrics
from .connection import Connection
from .proof import Proof, prove

log = logging.getLogger(__name__)

_HEADER_BYTES = 16 * 1024
# Largest message of a node that has not proven its id yet.
UNPROVEN_BYTES = 16 * 1024

# Serves a node until its connection ends; raises PeerError to refuse it or end it.
Door = Callable[[Connection, Proof], Awaitable[None]]
Health = Callable[[], Mapping[str, object]]


class RelayServer:
    """Listens, upgrades connections, verifies the ids of nodes, and passes each to its door.

    Args:
        limits: Limits of unproven connections and of frames.
        metrics: Counters of the server, shown at ``/metrics``.
        doors: By path, such as ``/relay-ws``.
        health: Returns the content of ``/health``; its ``ok`` decides between 200 and 503.
        relay_id: Returns the id of the relay.
        names: Hosts under which nodes reach this relay, in lower case and with port where it is not
            the scheme's own. Others are refused, and a proof then holds for this name alone. Only a
            relay that nobody outside this machine reaches may have none.
        guest_door: The door that browsers may use, as guests, with the page for them; None admits
            no browser at all.
    """

    def __init__(
        self,
        limits: Limits,
        metrics: Metrics,
        doors: Mapping[str, Door],
        health: Health,
        relay_id: Callable[[], str],
        names: tuple[str, ...] = (),
        guest_door: str | None = None,
    ) -> None:
        self.limits = limits
        self.metrics = metrics
        self.health = health
        self.names = names
        self._doors = dict(doors)
        self._guest_door = guest_door
        self._guests: Counter[str] = Counter()
        self._relay_id = relay_id
        self._serving = TaskSet("serving a node")
        self._unproven = HalfOpen(limits.max_unproven, time.monotonic, spares_prompt=True)
        self._servers: list[StrangersServer] = []
        self._is_closing = False
        self._application = Application(
            [
                *((path, _Upgrade, {"server": self, "door": path}) for path in doors),
                ("/health", _Health, {"server": self}),
                ("/metrics", _Metrics, {"server": self}),
                *([(r"/s/(.*)", GuestPageHandler)] if guest_door is not None else ()),
            ],
            default_handler_class=_Nothing,
            log_function=lambda handler: None,
        )
        metrics.add_gauge("connections", "WebSockets open.", lambda: len(self._serving))

    def listen(
        self, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> list[tuple[str, int]]:
        """Open a listener and return the (host, port) pairs that were bound.

        Args:
            host: Address to bind; empty for all.
            port: Port; 0 for a free one.
            tls: To speak TLS.

        Raises:
            OSError: The address cannot be bound.
        """
        sockets = bind_sockets(port, host or None, backlog=1024)
        # `xheaders` stays off, because any client could send X-Forwarded-For.
        server = StrangersServer(
            self._application,
            ssl_options=tls,
            idle_connection_timeout=self.limits.proof_s,
            max_header_size=_HEADER_BYTES,
            max_body_size=0,
            max_connections=self.limits.max_unproven,
        )
        bound = [sock.getsockname()[:2] for sock in sockets]
        server.add_sockets(sockets)
        self._servers.append(server)
        return bound

    def stop_listening(self) -> None:
        """Stop accepting connections."""
        self._is_closing = True
        for server in self._servers:
            server.stop()

    async def close(self) -> None:
        """End all connections; may be called twice. The doors have closed theirs before."""
        self.stop_listening()
        await self._serving.close()
        for server in self._servers:
            await server.close_all_connections()
        self._servers.clear()

    def is_admitted(self, request: HTTPServerRequest, door: str) -> bool:
        """Return whether a request with this ``Origin`` is allowed; programs send no ``Origin``.

        A page of another site must not make the browsers of its visitors connect.
        """
        origin = request.headers.get("Origin")
        if origin is None:
            return True
        return door == self._guest_door and is_same_origin(origin, request.host)

    async def take(self, handler: RequestHandler, key: str, door: str) -> None:
        """Upgrade a connection and serve it in a task of its own.

        Raises:
            BusyError: The server accepts no further connection.
        """
        self._check_room(handler.request)
        host = handler.request.host.lower()
        connection = Connection(is_guest="Origin" in handler.request.headers)
        self._unproven.enter(connection, handler.request.remote_ip or "", connection.abort)
        try:
            opened = await take_over(handler, key, connection, UNPROVEN_BYTES)
        except BaseException:
            self._unproven.leave(connection)
            raise
        if opened is None:
            self._unproven.leave(connection)
            return
        connection.open(opened)
        if connection.is_guest:
            self._guests[connection.address] += 1
        self._serving.start(self._serve(connection, door, host))

    def _check_room(self, request: HTTPServerRequest) -> None:
        if self._is_closing:
            raise BusyError("this relay is shutting down")
        # a node may be at both doors, and some close slowly
        if len(self._serving) >= 2 * self.limits.max_nodes + self.limits.max_unproven:
            raise BusyError("there are too many connections")
        guests = self._guests[request.remote_ip or ""]
        if "Origin" in request.headers and guests >= self.limits.max_guests_of_address:
            raise BusyError("there are too many guests from this address")

    async def _serve(self, connection: Connection, door: str, host: str) -> None:
        address = connection.address
        try:
            try:
                proof = await prove(
                    connection,
                    self.limits.proof_s,
                    door,
                    host if self.names else None,
                    self._relay_id(),
                )
            finally:
                self._unproven.leave(connection)
            connection.max_message = self.limits.max_frame
            await self._doors[door](connection, proof)
        except ConnectionError:
            pass
        except PeerError as error:
            self.metrics.refused[error.code] += 1
            log.info("%s: refused or ended: %s", connection.address, error.code)
            await connection.refuse(error)
        except Exception:
            self.metrics.refused["error"] += 1
            log.exception("%s: serving it failed", connection.address)
        finally:
            await connection.close()
            if connection.is_guest:
                self._guests[address] -= 1
                self._guests += Counter()  # forgets those that have none


class _Page(RequestHandler):
    """The base of all pages."""

    server: RelayServer
    door: str

    def initialize(self, server: RelayServer, door: str = "") -> None:
        """Keep the server the page belongs to, and the path of the door if it is one."""
        self.server = server
        self.door = door

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def compute_etag(self) -> None:
        """Return no tag: the pages are small."""

    def refuse(self, status: int) -> None:
        """Answer with a status and no body."""
        self.set_status(status)
        self.finish()


class _Nothing(RequestHandler):
    def prepare(self) -> None:
        self.set_status(404)
        self.finish()

    def compute_etag(self) -> None:
        """Return no tag: there is no body."""


class _Health(_Page):
    """``/health``, for load balancers and people."""

    def get(self) -> None:
        state = self.server.health()
        self.set_status(200 if state["ok"] else 503)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(state))

    head = get


class _Metrics(_Page):
    """``/metrics``, for Prometheus."""

    def get(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE)
        self.finish(self.server.metrics.to_text())


class _Upgrade(_Page):
    """The end point of one door."""

    async def get(self) -> None:
        headers = self.request.headers
        key = upgrade_key(headers)
        if key is None:
            self.set_header("Upgrade", "websocket")
            self.refuse(426)
        elif headers.get("Sec-WebSocket-Version") != "13":
            self.set_header("Sec-WebSocket-Version", "13")
            self.refuse(426)
        elif self.server.names and self.request.host.lower() not in self.server.names:
            self.refuse(421)
        elif not self.server.is_admitted(self.request, self.door):
            self.refuse(403)
        else:
            try:
                await self.server.take(self, key, self.door)
            except BusyError:
                self.set_header("Retry-After", "5")
                self.refuse(503)


def url_of(host: str, port: int, *, is_tls: bool) -> str:
    """Return the URL of a bound address, as nodes on this machine would dial it."""
    shown = f"[{host}]" if ":" in host else host
    return f"{'wss' if is_tls else 'ws'}://{shown}:{port}"
