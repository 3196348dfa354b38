"""Makes a node's transports from its settings and from where its server listens."""

from __future__ import annotations

import logging
import os
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from ...errors import BadRequestError
from ...hub.hub import PeerHub
from ...phrase import phrase
from ...primitives.clock import Clock
from ...transports.base import Transport
from ...transports.relay.relay import RelayTransport
from ...wire.addresses import PATH, host_of, is_loopback
from ...wire.link.identity import Identity
from ..operations.lobby import lobby_visits
from ..settings.settings import PeerSettings
from .addresses import certificate_of, is_on_unix_socket, peer_address
from .guest_urls import best_page, page_of_port, page_of_relay
from .jupyterhub import address_at_hub
from .listening import ServedTransport, hosts_behind, machine_names, parse_listen, trusting

if TYPE_CHECKING:
    from ...transports.lan.lan import LanTransport
    from ...transports.lan.records import Endpoint
    from ...transports.webrtc.webrtc import Signaller, WebRtcTransport

log = logging.getLogger(__name__)


class Listener(msgspec.Struct, frozen=True):
    """One listener for peers: its bound address, and the path of the peer wire there."""

    host: str
    port: int
    path: str
    is_tls: bool
    is_jupyter: bool = False

    def addresses(self) -> list[str]:
        """Return the addresses at which peers dial it, best first."""
        scheme = "https" if self.is_tls else "http"
        base = self.path[: -len(PATH)] + "/"
        return [peer_address(scheme, f"{at}:{self.port}", base) for at in hosts_behind(self.host)]


class Transports:
    """The transports that are switched on; some can be opened and closed while the node runs.

    Args:
        settings: Settings of the extension.
        server: Jupyter's ``ServerApp``.
        identity: This node's key.
        hub: Returns the hub; called only after it was started.
        signaller: The lobby, which WebRTC needs; None without one.

    Raises:
        BadRequestError: ``peer_listen``, ``relay_certificate`` or a server for WebRTC cannot be used.
        BadAddressError: ``relay_url`` cannot be used.
        NotEnabledError: WebRTC is switched on, but its packages are not installed.

    Attributes:
        direct, lan, webrtc: None if switched off.
        relay: Also dials peers over their relays; so it exists without a relay of this node.
    """

    def __init__(
        self,
        settings: PeerSettings,
        server: Any,
        identity: Identity,
        hub: Callable[[], PeerHub],
        signaller: Signaller | None = None,
    ) -> None:
        self._settings = settings
        self._server = server
        self._identity = identity
        self._hub = hub
        self._listeners: list[Listener] = []
        self.webrtc = self._webrtc(signaller)  # before anything is opened, since it may raise
        self.direct = self._direct()
        self.lan = self._lan()
        self.relay = self._relay()
        optional = (self.direct, self.lan, self.webrtc, self.relay)
        self.all: list[Transport] = [transport for transport in optional if transport is not None]

    async def close(self) -> None:
        """Close all transports, even if the hub was never started."""
        if self.direct is not None:
            await self.direct.close()

    def _direct(self) -> ServedTransport | None:
        settings = self._settings
        if not settings.enable_direct:
            if settings.peer_listen:
                log.warning("PeerExtension.peer_listen has no effect: enable_direct is False")
            return None
        direct = ServedTransport(
            # Sealed links do not depend on the certificate of the node that answers.
            ssl_context=ssl.create_default_context() if settings.allow_unsealed_peers else None,
            max_frame_before_auth=settings.max_frame_before_auth,
            max_links=settings.max_peers + 4 * settings.max_handshakes,
            max_guest_links=settings.max_guests + settings.max_handshakes,
        )
        if settings.peer_listen:
            self._open(direct, *parse_listen(settings.peer_listen))
        own = self._own_listener()
        if own is not None:
            self._listeners.append(own)
        direct.reachable_at = self._reachable_at()
        direct.host_names = self._host_names
        return direct

    def _host_names(self) -> set[str]:
        """Return the names of this node: of the machine, as configured, and as browsers reach it."""
        dialled = {host_of(address) for address in self._hub().addresses()}
        configured = {name.lower() for name in self._server.local_hostnames}
        return (machine_names() | dialled | configured) - {""}

    def _open(self, direct: ServedTransport, host: str, port: int) -> int:
        try:
            bound = direct.listen(host, port)
        except OSError as error:
            raise BadRequestError(
                phrase(
                    "peer_listen '{host}:{port}' cannot be used: {strerror}",
                    host=host,
                    port=port,
                    strerror=error.strerror,
                ),
                hint="choose a free port and an address of this machine",
            ) from error
        listener = Listener(host, bound[0][1], PATH, is_tls=False)
        self._listeners.insert(0, listener)
        return listener.port

    # While the node runs.

    def listen(self, host: str, port: int) -> int:
        """Open an extra listener for peers only; return its port.

        Args:
            host: Address to bind.
            port: Port; 0 for a free one.

        Raises:
            BadRequestError: The address cannot be bound; nothing has changed.
        """
        assert self.direct is not None
        bound = self._open(self.direct, host, port)
        self._listeners_changed()
        return bound

    async def stop_listening(self, port: int) -> None:
        """Close the extra listener at a port, and its links."""
        assert self.direct is not None
        own = self._own_listener()
        self._listeners = [each for each in self._listeners if each.port != port or each == own]
        self._listeners_changed()
        await self.direct.stop_listening(port)

    def _listeners_changed(self) -> None:
        if self.direct is not None:
            self.direct.reachable_at = self._reachable_at()
        if self.lan is not None:
            self.lan.endpoint = self._endpoint()

    async def use_webrtc(self, signaller: Signaller | None) -> None:
        """Use WebRTC through a lobby if it is switched on; it replaces the former WebRTC transport.

        Raises:
            NotEnabledError: Its packages are not installed.
            BadRequestError: A STUN or TURN server cannot be used.
        """
        new = self._webrtc(signaller)
        former, self.webrtc = self.webrtc, None
        if former is not None:
            await self._hub().remove_transport(former)
        if new is not None:
            await self._hub().add_transport(new)
            self.webrtc = new

    def guest_page(self, link_id: str) -> str:
        """Return the URL of the page of a guest link, without the fragment.

        Raises:
            NotEnabledError: A browser can reach no port of this node, and there is no relay.
        """
        relay = self._hub().relay_url
        at_hub = address_at_hub(os.environ) if self.direct is not None else None
        outer = [*([at_hub] if at_hub else []), *self._hub().learned_addresses]
        by_proxy = [page_of_port(at, is_jupyter=True) for at in outer]
        ports = [
            page_of_port(at, is_jupyter=listener.is_jupyter)
            for listener in self._listeners
            for at in listener.addresses()
        ]
        page = page_of_relay(relay, self._identity.node_id) if relay else None
        return best_page(page, [*by_proxy, *ports]) + link_id

    # Each of them.

    def _reachable_at(self) -> tuple[str, ...]:
        found = [address for listener in self._listeners for address in listener.addresses()]
        return tuple(dict.fromkeys(found))

    async def network_changed(self) -> None:
        """Handle new addresses of this machine."""
        self._listeners_changed()
        await self._hub().network_changed()

    def _own_listener(self) -> Listener | None:
        """Return the listener of Jupyter itself."""
        server = self._server
        if is_on_unix_socket(server):
            log.warning(
                "this server listens on the UNIX socket %s, which no peer, no notebook and no "
                "command line can reach; set ServerApp.port instead, or PeerExtension.peer_listen "
                "for peers",
                server.sock,
            )
            return None
        path = server.base_url.rstrip("/") + PATH
        is_tls = certificate_of(server) is not None
        return Listener(server.ip, server.port, path, is_tls, is_jupyter=True)

    def _lan(self) -> LanTransport | None:
        if not self._settings.enable_lan:
            return None
        if self.direct is None:
            log.warning("PeerExtension.enable_lan has no effect: enable_direct is False")
            return None
        from ...transports.lan.lan import NAME, LanTransport

        return LanTransport(
            self.direct,
            node_id=self._identity.node_id,
            node_name=lambda: self._hub().node_name,
            endpoint=self._endpoint(),
            found=lambda *news: self._hub().found(NAME, *news),
            lost=lambda gone: self._hub().lost(NAME, gone),
        )

    def _endpoint(self) -> Endpoint | None:
        """Return the address to announce in the local network."""
        from ...transports.lan.records import Endpoint

        # The one that most machines can reach; of several, the extra port, which shows no Jupyter.
        best = min(self._listeners, key=lambda each: is_loopback(each.host), default=None)
        endpoint = None
        if best is not None:
            try:
                host = best.host if best.host in ("", "::") else socket.gethostbyname(best.host)
            except OSError:
                host = best.host
            endpoint = Endpoint(host, best.port, best.path, best.is_tls)
            if not endpoint.can_be_announced:
                log.warning(
                    "enable_lan: %s:%s%s cannot be announced, so others cannot find this node; "
                    "set PeerExtension.peer_listen='0.0.0.0:9797' to open a port that can be "
                    "announced",
                    best.host,
                    best.port,
                    best.path,
                )
                endpoint = None
        return endpoint

    def _relay(self) -> RelayTransport:
        # Needed without a relay of this node too, because peers have relays.
        settings = self._settings
        return RelayTransport(
            self._identity,
            settings.relay_url or None,
            ssl_context=trusting(settings.relay_certificate),
        )

    def _webrtc(self, signaller: Signaller | None) -> WebRtcTransport | None:
        settings = self._settings
        if not settings.enable_webrtc:
            return None
        visit = lobby_visits(settings, Clock().jitter)
        if signaller is None:
            if visit is None:
                log.warning(
                    "PeerExtension.enable_webrtc has no effect: nodes exchange their addresses "
                    "through a "
                    "lobby, and lobby_url is off"
                )
                return None
            log.warning(
                "enable_webrtc without lobby_url: this node can dial peers through the lobbies "
                "in their "
                "invites, but nobody can dial this node by WebRTC"
            )
        from ...transports.webrtc.webrtc import WebRtcTransport, check_extra

        check_extra()
        from ...transports.webrtc.connection import IceServers

        servers = IceServers(
            stun=tuple(settings.stun_servers),
            turn=settings.turn_url,
            username=settings.turn_username,
            credential=settings.turn_credential,
        )
        servers.check()
        return WebRtcTransport(
            self._identity,
            signaller,
            servers,
            visit=visit,
            is_peer=lambda node_id: self._hub().is_peer(node_id),
            is_expected=lambda node_id: self._hub().is_expected(node_id),
        )
