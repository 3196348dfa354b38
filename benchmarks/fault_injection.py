"""A Jupyter server extension that cuts the links of a node, for benchmarks only.

:mod:`.reconnect` loads it by name into the servers that it starts. It cuts the carrier below a link,
so neither this package nor Tornado can send a closing frame.
"""

from __future__ import annotations

import socket
import struct
import time
from typing import Any

import ifaddr
from jupyter_server.base.handlers import APIHandler
from tornado.web import authenticated

from jupyter_peer.app import PeerExtension
from jupyter_peer.errors import NotConnectedError
from jupyter_peer.sockets.websocket import WebSocket
from jupyter_peer.transports.base import PeerLink
from jupyter_peer.transports.direct.link import WebSocketLink
from jupyter_peer.transports.relay.link import RelayLink
from jupyter_peer.transports.relay.multiplexer import RelayMultiplexer
from jupyter_peer.transports.webrtc.link import DataChannelLink
from jupyter_peer.transports.webrtc.native_engine import NativeConnection

PATH = "bench/cut"
#: For the command line of a server.
OPTION = f"--ServerApp.jpserver_extensions={__name__}=True"
_RESET = struct.pack("ii", 1, 0)


class CutHandler(APIHandler):
    """Cuts the live links and answers with the time of the cut, in epoch seconds."""

    @authenticated
    async def post(self) -> None:
        """Cut them.

        Raises:
            NotConnectedError: The node has no live link.
        """
        extension: PeerExtension = self.settings[PeerExtension.name]
        running = await extension.context.ready()
        peers = running.operations.hub._peers  # noqa: SLF001 - the hub hands no link out
        links = [peer.session.link for peer in peers if peer.session is not None]
        if not links:
            raise NotConnectedError
        at = time.time()
        for link in links:
            await cut(link)
        self.finish({"at": at})


async def cut(link: PeerLink) -> None:
    """Cut the carrier of a link.

    A direct, LAN or relayed link loses its TCP connection by a reset (RFC 9293 section 3.10.5). The
    other end sees an error and no closing handshake. A WebRTC link loses its SCTP association by an
    ABORT (RFC 9260 section 3.3.7): the channel is not closed first.

    Raises:
        NotConnectedError: The carrier is already closed.
        TypeError: The kind of link is unknown.
    """
    if isinstance(link, WebSocketLink):
        _reset(link._socket)  # noqa: SLF001 - the public interface has no abrupt end
    elif isinstance(link, RelayLink):
        multiplexer = link._multiplexer  # noqa: SLF001
        assert isinstance(multiplexer, RelayMultiplexer)
        _reset(multiplexer.socket._connection)  # noqa: SLF001
    elif isinstance(link, DataChannelLink):
        connection = link._hang_up.__self__  # type: ignore[attr-defined]  # noqa: SLF001
        if isinstance(connection, NativeConnection):
            await connection._close()  # noqa: SLF001
        else:
            await link._channel.transport.stop()  # noqa: SLF001
    else:
        raise TypeError(f"unknown carrier: {type(link).__name__}")


def _reset(opened: WebSocket | None) -> None:
    transport = opened._transport if opened is not None else None  # noqa: SLF001
    if opened is None or transport is None or opened.is_ended:
        raise NotConnectedError
    # With SO_LINGER of 0 s the kernel discards unsent bytes and sends a reset.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    opened.abort()


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    if "enable_lan" in server.config.PeerExtension:
        _stay_on_loopback()
    server.web_app.add_handlers(".*$", [(f"{server.base_url}{PATH}", CutHandler)])


def _stay_on_loopback() -> None:
    """Hide all other interfaces, so that mDNS announces the measured server on loopback only."""
    near = [each for each in ifaddr.get_adapters() if any(at.ip == "127.0.0.1" for at in each.ips)]
    ifaddr.get_adapters = lambda include_unconfigured=False: near
