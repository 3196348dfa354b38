"""The reach of this node: the user's choice, stored in the data directory and applied at once.

Traits of the configuration take precedence over the choice. The traits always have the effective
values: a choice sets those that the configuration does not set.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, get_args

import msgspec

from ...control.rows.reach import ReachMode
from ...errors import BadAddressError, BadRequestError, NotEnabledError, PeerError
from ...hub.hub import PeerHub
from ...lobby_client.lobby import LobbyClient
from ...phrase import phrase
from ...wire.addresses import RELAY_SCHEME, is_loopback, lobby_name, relay_address, relay_urls
from ..operations.lobby import LobbyOperations
from ..settings.settings import PeerSettings
from .addresses import is_on_unix_socket
from .transports import Transports

log = logging.getLogger(__name__)

#: IPv4 only. A router usually keeps strangers on the internet from its network's IPv4
#: addresses. IPv6 addresses are often reachable from everywhere.
LISTEN_HOST = "0.0.0.0"  # noqa: S104 - only by the user's choice, and for the peer wire alone
DEFAULT_PORT = 9797
MODES: tuple[ReachMode, ...] = get_args(ReachMode)
_KEY = "reach"
#: The traits without which a mode cannot be in effect.
_NEEDS: dict[ReachMode, tuple[str, ...]] = {
    "local": (),
    "network": ("peer_listen", "enable_direct"),
    "relay": ("relay_url",),
    "webrtc": ("enable_webrtc",),
}


class Choice(msgspec.Struct, frozen=True):
    """The user's choice.

    Attributes:
        mode: One of :data:`MODES`.
        relay_url: The last chosen relay; empty at first.
        port: The last port of the extra listener.
    """

    mode: ReachMode = "local"
    relay_url: str = ""
    port: int = DEFAULT_PORT


class Reach:
    """Applies and stores the choice.

    Args:
        settings: Settings of the extension; a choice sets traits that the configuration does not.
        server: Jupyter's ``ServerApp``.
        hub: The node.
        transports: Its transports.
        lobby: Uses its lobby.
        make_lobby: Returns the client of the lobby that the settings name now.

    Attributes:
        choice: The stored choice.
        failure: Error of applying the stored choice at the node's start.
    """

    def __init__(
        self,
        settings: PeerSettings,
        server: Any,
        hub: PeerHub,
        transports: Transports,
        lobby: LobbyOperations,
        make_lobby: Callable[[], LobbyClient | None],
    ) -> None:
        self.choice = Choice()
        self.failure: PeerError | None = None
        self._settings = settings
        self._server = server
        self._hub = hub
        self._transports = transports
        self._lobby = lobby
        self._make_lobby = make_lobby
        self._port: int | None = None
        self._open_ports: set[int] = set()
        self._lock = asyncio.Lock()
        self._changing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Apply the stored choice; if that fails, only this machine can reach the node."""
        kept = self._kept()
        try:
            await self._apply(kept, is_port_asked=False)
        except PeerError as error:
            log.warning("the reach %r cannot be applied: %s", kept.mode, error)
            await self._restore(Choice())
            self.failure, self.choice = error, kept

    def _kept(self) -> Choice:
        text = self._hub.store.setting(_KEY)
        try:
            return msgspec.json.decode(text, type=Choice) if text else Choice()
        except msgspec.DecodeError as error:
            log.warning(
                "the stored reach cannot be read, so only this machine can reach the node: %s",
                error,
            )
            return Choice()

    # The effective values.

    def mode(self) -> tuple[ReachMode, str]:
        """Return the widest mode in effect, and the trait behind it; no trait for ``local``."""
        settings = self._settings
        if self._transports.webrtc is not None and self._lobby.client is not None:
            return "webrtc", "enable_webrtc"
        if settings.relay_url:
            return "relay", "relay_url"
        if self._transports.direct is not None:
            host = settings.peer_listen.rpartition(":")[0]
            if self._port is not None or (settings.peer_listen and not is_loopback(host)):
                return "network", "peer_listen"
            if not is_on_unix_socket(self._server) and not is_loopback(self._server.ip):
                return "network", "ServerApp.ip"
        return "local", ""

    def fixed_by(self) -> str | None:
        """Return the trait of the configuration that decides; None if the choice decides."""
        mode, trait = self.mode()
        chosen = self.choice.mode
        if trait and self._is_fixed(trait):
            return trait
        if mode == chosen:
            return None
        if trait == "ServerApp.ip" and chosen == "local":
            return trait
        return next((name for name in _NEEDS[chosen] if self._is_fixed(name)), None)

    def locked(self) -> dict[str, str]:
        """Return the modes that a choice cannot put in effect, and the trait that forbids each."""
        settings = self._settings
        forced, trait = self._forced()
        locked: dict[str, str] = dict.fromkeys(MODES[: MODES.index(forced)], trait)
        for mode, needs in _NEEDS.items():
            fixed = next((name for name in needs if self._is_fixed(name)), None)
            if fixed is not None and mode not in {forced, *locked}:
                locked[mode] = fixed
        if "webrtc" not in (forced, *locked) and settings.is_lobby_off:
            locked["webrtc"] = "lobby_url"
        return locked

    def _forced(self) -> tuple[ReachMode, str]:
        """Return the widest mode that the configuration alone puts in effect, and its trait."""
        settings, fixed = self._settings, self._is_fixed
        if self._transports.webrtc is not None and fixed("enable_webrtc"):
            return "webrtc", "enable_webrtc"
        if settings.relay_url and fixed("relay_url"):
            return "relay", "relay_url"
        if self._transports.direct is not None:
            host = settings.peer_listen.rpartition(":")[0]
            if settings.peer_listen and fixed("peer_listen") and not is_loopback(host):
                return "network", "peer_listen"
            if not is_on_unix_socket(self._server) and not is_loopback(self._server.ip):
                return "network", "ServerApp.ip"
        return "local", ""

    def relay_url(self) -> str | None:
        """Return this node's relay, None without one."""
        return self._settings.relay_url or None

    def _is_fixed(self, trait: str) -> bool:
        return trait in self._settings.trait_names() and self._settings.is_configured(trait)

    # Choosing.

    async def choose(
        self, mode: str, relay_url: str | None = None, port: int | None = None
    ) -> None:
        """Apply a choice at once and store it.

        Args:
            mode: One of :data:`MODES`.
            relay_url: The relay, or that of the lobby; None for the last one.
            port: Port of the extra listener; None for the last one, or a free one.

        Raises:
            BadRequestError: There is no such mode, no relay is known, or the port is in use.
            BadAddressError: The relay's URL is malformed.
            NotEnabledError: Something that the mode needs is missing. As above, nothing has changed.
            StoreError: The choice cannot be stored, so it is not applied either.
        """
        if mode not in MODES:
            raise BadRequestError(
                phrase("{mode} is not a reach", mode=repr(mode[:40])),
                hint=phrase("use {modes} or {last}", modes=", ".join(MODES[:-1]), last=MODES[-1]),
            )
        if relay_url is not None and mode not in ("relay", "webrtc"):
            raise BadRequestError(
                phrase("the reach {mode} uses no relay", mode=mode),
                hint="leave the URL out, or choose relay",
            )
        url = None if relay_url is None else _relay_name(relay_url)
        async with self._lock:
            work = self._change(mode, url, port)
            # A caller that disconnects must not leave the change half done.
            self._changing = asyncio.get_running_loop().create_task(work)
            await asyncio.shield(self._changing)

    async def _change(self, mode: ReachMode, relay_url: str | None, port: int | None) -> None:
        former = self.choice
        chosen = Choice(mode, relay_url or former.relay_url, port or former.port)
        try:
            await self._apply(chosen, is_port_asked=port is not None)
            self._hub.store.set_setting(_KEY, msgspec.json.encode(self.choice).decode())
        except PeerError:
            await self._restore(former)
            raise
        self.failure = None

    async def _restore(self, former: Choice) -> None:
        for choice in (former, Choice(relay_url=former.relay_url, port=former.port)):
            try:
                await self._apply(choice, is_port_asked=False)
            except PeerError as error:
                log.warning("the reach %r cannot be restored: %s", choice.mode, error)
            else:
                return

    def _check(self, chosen: Choice) -> None:
        """Check the requirements of a choice before anything changes."""
        settings = self._settings
        relay_url = settings.relay_url if self._is_fixed("relay_url") else chosen.relay_url
        if chosen.mode == "relay" and not (relay_url or self._is_fixed("relay_url")):
            raise BadRequestError(
                "no relay is known",
                hint=phrase("name one: %peer reach relay wss://relay.example").on_page(
                    phrase("enter the URL of a relay")
                ),
            )
        if chosen.mode != "webrtc" or self._is_fixed("enable_webrtc"):
            return
        from ...transports.webrtc.webrtc import check_extra

        check_extra()
        if settings.is_lobby_off:
            raise NotEnabledError(
                "WebRTC needs a lobby, and lobby_url is off",
                hint="remove PeerExtension.lobby_url from the configuration",
            )
        if not settings.lobby_url.strip() and not relay_url:
            raise BadRequestError(
                "WebRTC needs a lobby, but no lobby is configured",
                hint=phrase(
                    "name the relay that has one: %peer reach webrtc wss://relay.example"
                ).on_page(phrase("enter the URL of a relay that has one")),
            )

    async def _apply(self, chosen: Choice, *, is_port_asked: bool) -> None:
        self._check(chosen)
        settings = self._settings
        if not self._is_fixed("peer_listen") and settings.enable_direct:
            if chosen.mode != "network":
                self._port = None
            elif self._port is None or (is_port_asked and self._port != chosen.port):
                self._port = self._listen(chosen.port, is_port_asked=is_port_asked)
            if self._port is not None:
                chosen = msgspec.structs.replace(chosen, port=self._port)
            settings.peer_listen = f"{LISTEN_HOST}:{self._port}" if self._port is not None else ""
        by_relay = chosen.mode in ("relay", "webrtc")
        if not self._is_fixed("relay_url"):
            settings.relay_url = chosen.relay_url if by_relay else ""
        if not self._is_fixed("enable_webrtc"):
            settings.enable_webrtc = chosen.mode == "webrtc"
        await self._transports.relay.use(settings.relay_url or None)
        await self._use_lobby()
        for port in self._open_ports - {self._port}:
            self._open_ports.discard(port)
            await self._transports.stop_listening(port)
        self.choice = chosen
        config = settings.hub_config()
        self._hub.reach_changed(config.relay_url, config.lobby_url)

    def _listen(self, port: int, *, is_port_asked: bool) -> int:
        try:
            bound = self._transports.listen(LISTEN_HOST, port)
        except BadRequestError:
            if is_port_asked:
                raise
            log.info("port %d is in use; a free port is opened for peers", port)
            bound = self._transports.listen(LISTEN_HOST, 0)
        self._open_ports.add(bound)
        return bound

    async def _use_lobby(self) -> None:
        """Use the lobby that the settings name; a lobby that stays keeps its rooms."""
        settings, former = self._settings, self._lobby.client
        url = lobby_name(settings.lobby_urls())
        is_new = url != (former.url if former is not None else "")
        if is_new:
            await self._lobby.use(self._make_lobby())
        client = self._lobby.client
        if client is not None:
            client.wait_for_signals(settings.enable_webrtc)
        if is_new or settings.enable_webrtc != (self._transports.webrtc is not None):
            await self._transports.use_webrtc(client)


def _relay_name(text: str) -> str:
    try:
        return relay_address(relay_urls(text)).removeprefix(RELAY_SCHEME)
    except BadAddressError as error:
        raise BadAddressError(
            phrase("{text} is not the URL of a relay", text=repr(text[:200])),
            hint='write it as "wss://relay.example" or "ws://host:9000"',
        ) from error
