"""Finds nodes in the local network by mDNS (RFC 6762, RFC 6763) and dials them directly.

The links are those of :mod:`.direct`. The hub decides which of the found nodes it dials.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...errors import UnreachableError
from ...findings import Finding, failed, ok, warning
from ...phrase import phrase
from ...primitives import background
from ...primitives.owned_task import OwnedTask
from ..base import Accept, PeerLink, Transport
from ..direct.direct import DirectTransport
from ..direct.link import WebSocketLink
from .interfaces import Interfaces
from .records import SCHEME, SERVICE, Claim, Endpoint, properties, reachable_at, read

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

log = logging.getLogger(__name__)

NAME = "lan"
PRIORITY = 1
POLL_S = 3.0
CLOSE_TIMEOUT_S = 2.0
RESOLVE_TIMEOUT_S = 3.0
# Anybody can announce anything, so both numbers are bounded: announcements read at once, and known.
MAX_RESOLVING = 32
MAX_INSTANCES = 512

Found = Callable[[str, str, list[str]], None]
Lost = Callable[[str], None]


class LanTransport(Transport):
    """Announces this node, finds other nodes, and dials ``lan:ws://...``.

    Args:
        direct: Carries the links. Connections from the same network segment are named ``lan``, so
            that both ends use the same name.
        node_id: This node.
        node_name: Returns its current name.
        endpoint: Where it listens, see :attr:`endpoint`.
        found: Called with ``(node_id, node_name, addresses)`` of a node that was found.
        lost: Called with the id of a node whose announcement has ended.
        interfaces: Returns the network interfaces; tests simulate changes with it.
        poll_s: Seconds between two checks of the interfaces.

    Attributes:
        endpoint: Where it listens; None if it only searches. A new one is announced within
            ``poll_s``.
    """

    name = NAME
    priority = PRIORITY

    def __init__(
        self,
        direct: DirectTransport,
        *,
        node_id: str,
        node_name: Callable[[], str],
        endpoint: Endpoint | None,
        found: Found,
        lost: Lost,
        interfaces: Callable[[], Interfaces] = Interfaces.now,
        poll_s: float = POLL_S,
    ) -> None:
        self._direct = direct
        self._node_id = node_id
        self._node_name = node_name
        self.endpoint = endpoint
        self._found = found
        self._lost = lost
        self._interfaces = interfaces
        self._poll_s = poll_s
        self._seen = Interfaces(())
        self._failure: OSError | None = None
        self._claims: dict[str, Claim] = {}
        self._resolving: dict[str, asyncio.Task[None]] = {}
        self._task = OwnedTask("announcing this node in the local network")
        direct.on_incoming = self._name_link

    async def start(self, accept: Accept) -> None:
        if self.endpoint is not None and self.endpoint.is_loopback:
            log.warning(
                "enable_lan: this server listens on this machine only, so others in the network "
                "see it and cannot connect to it (it can connect to them); "
                "PeerExtension.peer_listen='0.0.0.0:9797' opens a port for peers alone"
            )
        self._seen = self._interfaces()
        self._task.start(self._run)

    async def close(self) -> None:
        await self._task.close()

    async def diagnose(self) -> list[Finding]:
        seen = len({claim.node_id for claim in self._claims.values()})
        if self._failure is not None:
            return [
                failed(
                    "lan",
                    phrase(
                        "Nodes in the local network cannot be found: {failure}.",
                        failure=self._failure,
                    ),
                    phrase("another program may hold UDP port 5353 for itself"),
                )
            ]
        if self.endpoint is None or self.endpoint.is_loopback:
            return [
                warning(
                    "lan",
                    phrase(
                        "Nodes seen in the local network: {seen}. They cannot connect to this one, "
                        "which listens on this machine only.",
                        seen=seen,
                    ),
                    phrase("set PeerExtension.peer_listen, such as '0.0.0.0:9797'").on_page(
                        phrase("choose “This network” under “Who can reach me”")
                    ),
                    seen=seen,
                )
            ]
        text = phrase(
            "Announced at {at}, port {port}. Nodes seen: {seen}.",
            at=", ".join(reachable_at(self.endpoint, self._seen)),
            port=self.endpoint.port,
            seen=seen,
        )
        return [ok("lan", text, seen=seen)]

    # Links.

    def can_dial(self, address: str) -> bool:
        return address.startswith(SCHEME) and self._direct.can_dial(address[len(SCHEME) :])

    async def dial(self, address: str, node_id: str | None) -> PeerLink:
        if not self.can_dial(address):
            raise UnreachableError(
                phrase("{address} is no address in the local network", address=address)
            )
        link = await self._direct.dial(address[len(SCHEME) :], node_id)
        link.transport, link.priority, link.address = NAME, PRIORITY, address
        return link

    def _name_link(self, link: WebSocketLink) -> None:
        if link.remote_host is not None and self._seen.is_near(link.remote_host):
            link.transport, link.priority = NAME, PRIORITY

    # Announcing and searching.

    async def _run(self) -> None:
        # the import reads files for a tenth of a second, so the start of a server must not wait for it
        zeroconf = await asyncio.to_thread(importlib.import_module, "zeroconf.asyncio")
        while True:
            self._seen = self._interfaces()
            try:
                async with _open(zeroconf, self._seen) as conf:
                    self._failure = None
                    browser = zeroconf.AsyncServiceBrowser(
                        conf.zeroconf, SERVICE, handlers=[self._on_service]
                    )
                    try:
                        await self._announce(zeroconf, conf)
                    finally:
                        await browser.async_cancel()
                        await self._end_resolving()
            except OSError as error:
                # logged once, not every few seconds while this lasts
                is_news = str(error) != str(self._failure)
                level = logging.WARNING if is_news else logging.DEBUG
                log.log(level, "nodes in the local network cannot be found: %s", error)
                self._failure = error
                await asyncio.sleep(self._poll_s)
            except Exception:
                log.exception("looking for nodes in the local network failed")
                await asyncio.sleep(10 * self._poll_s)
            for node_id in self._forget_all():
                self._lost(node_id)

    async def _announce(self, zeroconf: Any, conf: AsyncZeroconf) -> None:
        """Announce this node until its interfaces or endpoint change."""
        name, info, endpoint = self._node_name(), None, self.endpoint
        if endpoint is not None:
            info = self._service(zeroconf, endpoint, f"{self._node_id}.{SERVICE}", name)
            # Another program may use the name, with a copied key or in bad faith.
            await (await conf.async_register_service(info, allow_name_change=True))
            log.debug("announced as %s", info.name)
        while self._interfaces() == self._seen and self.endpoint == endpoint:
            await asyncio.sleep(self._poll_s)
            if endpoint is not None and info is not None and self._node_name() != name:
                name = self._node_name()
                info = self._service(zeroconf, endpoint, info.name, name)
                await (await conf.async_update_service(info))

    def _service(
        self, zeroconf: Any, endpoint: Endpoint, instance: str, name: str
    ) -> AsyncServiceInfo:
        info: AsyncServiceInfo = zeroconf.AsyncServiceInfo(
            SERVICE,
            instance,
            port=endpoint.port,
            # a host name of its own, because the system announces the machine's name
            server=f"{self._node_id}.local.",
            addresses=[_packed(address) for address in reachable_at(endpoint, self._seen)],
            properties=properties(self._node_id, name, endpoint),
        )
        return info

    def _on_service(
        self, zeroconf: Any, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if name.startswith(self._node_id):
            return
        if state_change.name == "Removed":
            self._drop(name)
            return
        running = self._resolving.get(name)
        if running is not None:
            running.cancel()
        elif len(self._resolving) >= MAX_RESOLVING:
            log.debug("too many announcements at once; %s is left out", name[:64])
            return
        task = background.start(self._resolve(zeroconf, name), "reading an announcement")
        self._resolving[name] = task
        task.add_done_callback(lambda done: self._end_of_resolving(name, done))

    def _end_of_resolving(self, name: str, task: asyncio.Task[None]) -> None:
        if self._resolving.get(name) is task:
            del self._resolving[name]

    async def _end_resolving(self) -> None:
        tasks = list(self._resolving.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _resolve(self, zeroconf: Any, name: str) -> None:
        asynchronous = importlib.import_module("zeroconf.asyncio")
        info: AsyncServiceInfo = asynchronous.AsyncServiceInfo(SERVICE, name)
        if not await info.async_request(zeroconf, RESOLVE_TIMEOUT_S * 1000):
            return
        claim = read(name, info.properties, info.port, info.parsed_addresses(), self._seen)
        if claim is None or claim.node_id == self._node_id:
            self._drop(name)
        elif name in self._claims or len(self._claims) < MAX_INSTANCES:
            self._claims[name] = claim
            self._tell(claim.node_id)

    def _tell(self, node_id: str) -> None:
        """Report a node with all addresses that are announced for it; the handshake checks them."""
        claims = [claim for claim in self._claims.values() if claim.node_id == node_id]
        if claims:
            addresses = [address for claim in claims for address in claim.addresses]
            self._found(node_id, claims[0].node_name, addresses)
        else:
            self._lost(node_id)

    def _drop(self, name: str) -> None:
        claim = self._claims.pop(name, None)
        if claim is not None:
            self._tell(claim.node_id)

    def _forget_all(self) -> set[str]:
        node_ids = {claim.node_id for claim in self._claims.values()}
        self._claims.clear()
        return node_ids


@contextlib.asynccontextmanager
async def _open(zeroconf: Any, interfaces: Interfaces) -> Any:
    """Open mDNS on the given interfaces."""
    conf: AsyncZeroconf = zeroconf.AsyncZeroconf(interfaces=interfaces.ipv4() or ["127.0.0.1"])
    try:
        # Closing waits for the start too, and could not do so if this wait were cancelled.
        await asyncio.shield(conf.zeroconf.async_wait_for_start())
        yield conf
    finally:
        # Withdraws the announcement, so that other nodes need not wait until it expires.
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await conf.async_close()


def _packed(address: str) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_pton(family, address)
