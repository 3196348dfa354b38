"""The connection check of this server, and the facts about settings that it needs."""

from __future__ import annotations

import os
from collections.abc import Callable

from jupyter_core.paths import jupyter_path
from jupyter_server.serverapp import ServerApp

from ...directory.refresh import DirectoryRefresher
from ...doctor.doctor import Doctor
from ...doctor.examine import Check
from ...doctor.facts import ServerFacts
from ...doctor.speed import Responder
from ...errors import PeerError
from ...files.data_dir import DataDir
from ...findings import Finding
from ...hub.hub import PeerHub
from ...lobby_client.lobby import LobbyClient
from ...transports.webrtc.turn import try_turn
from ...wire.addresses import RELAY_PATH, relay_urls
from ..operations.lobby import lobby_findings
from ..settings.settings import PeerSettings
from .addresses import certificate_of

_WAYS = {
    "relay": "relay_url",
    "lobby": "lobby_url",
    "lan": "enable_lan",
    "webrtc": "enable_webrtc",
}
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def doctor_of(
    settings: PeerSettings,
    serverapp: ServerApp,
    hub: PeerHub,
    data_dir: DataDir,
    directory: DirectoryRefresher | None,
    lobby: Callable[[], LobbyClient | None],
) -> Doctor:
    """Return the doctor of a node, which also answers the measurements of peers."""
    Responder(hub)

    async def turn() -> list[Finding]:
        if not settings.turn_url:
            return []
        return [await try_turn(settings.turn_url, settings.turn_username, settings.turn_credential)]

    def more() -> dict[str, Check]:
        client = lobby()
        at_lobby = {} if client is None else {"lobby": lambda: lobby_findings(client)}
        return {"turn": turn, **at_lobby}

    return Doctor(
        hub,
        lambda: facts_of(settings, serverapp, hub, data_dir),
        directory=directory.status if directory is not None else None,
        more=more,
        labextensions=jupyter_path("labextensions"),
    )


def _brokers(settings: PeerSettings) -> tuple[str, ...]:
    try:
        urls = relay_urls(settings.relay_url) if settings.relay_url else []
    except PeerError:  # changed after the start
        urls = []
    return tuple(url.removesuffix(RELAY_PATH).replace("ws", "http", 1) for url in urls)


def facts_of(
    settings: PeerSettings, serverapp: ServerApp, hub: PeerHub, data_dir: DataDir
) -> ServerFacts:
    """Return the facts as they are now."""
    try:
        advertised = settings.hub_config().advertised_addresses
    except PeerError:  # changed after the start
        advertised = ()
    wanted = tuple(way for way, name in _WAYS.items() if bool(getattr(settings, name)))
    running = {transport.name for transport in hub.transports}
    return ServerFacts(
        ip=serverapp.ip,
        port=serverapp.port,
        socket=serverapp.sock,
        has_tls=certificate_of(serverapp) is not None,
        base_url=serverapp.base_url,
        allow_remote_access=bool(serverapp.allow_remote_access),
        trust_xheaders=bool(serverapp.trust_xheaders),
        hub_prefix=os.environ.get("JUPYTERHUB_SERVICE_PREFIX", ""),
        proxies=tuple(
            name for plain in _PROXIES for name in (plain, plain.upper()) if os.environ.get(name)
        ),
        peer_listen=settings.peer_listen,
        advertised=advertised,
        learned=tuple(hub.learned_addresses),
        enable_direct=settings.enable_direct,
        wanted=wanted,
        ways=tuple(way for way in wanted if way in running or _WAYS[way].endswith("_url")),
        brokers=_brokers(settings),
        trust_mode=settings.trust_mode,
        stun_servers=tuple(settings.stun_servers),
        data_dir=data_dir.path,
        is_fallback=data_dir.fallback,
    )
