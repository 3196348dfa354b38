"""A Jupyter server extension of the bench alone, which cuts the links of the server's node.

It is loaded by name into servers that the bench starts (see :mod:`.reconnect`). What is cut is what
carries the link, below all that this package or Tornado writes: nobody says goodbye.
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
from jupyter_peer.transports.direct.direct import WebSocketLink
from jupyter_peer.transports.relay.link import RelayLink
from jupyter_peer.transports.relay.multiplexer import RelayCarrier
from jupyter_peer.transports.webrtc.link import DataChannelLink

PATH = "bench/cut"
#: For the command line of a server.
OPTION = f"--ServerApp.jpserver_extensions={__name__}=True"
_RESET = struct.pack("ii", 1, 0)


class CutHandler(APIHandler):
    """Cuts the live links; answers with when, in epoch seconds."""

    @authenticated
    async def post(self) -> None:
        """Cut them.

        Raises:
            NotConnectedError: There is none.
        """
        extension: PeerExtension = self.settings[PeerExtension.name]
        running = await extension.context.ready()
        peers = running.operations.hub._peers  # noqa: SLF001 - no user of the hub has a link
        links = [peer.session.link for peer in peers if peer.session is not None]
        if not links:
            raise NotConnectedError
        at = time.time()
        for link in links:
            await cut(link)
        self.finish({"at": at})


async def cut(link: PeerLink) -> None:
    """Cut what carries a link.

    A link in the local network, direct or over a relay loses its TCP connection by a reset (RFC
    9293 section 3.10.5): the other end of the connection, the peer or the relay, sees an error and
    no WebSocket's close. One by WebRTC loses its SCTP association by an ABORT (RFC 9260 section
    3.3.7), which is the same there: the channel is not closed and the DTLS session says nothing.
    """
    if isinstance(link, WebSocketLink):
        _reset(link._socket)  # noqa: SLF001 - there is no other way down, on purpose
    elif isinstance(link, RelayLink):
        carrier = link._carrier  # noqa: SLF001
        assert isinstance(carrier, RelayCarrier)
        _reset(carrier.socket._connection)  # noqa: SLF001
    elif isinstance(link, DataChannelLink):
        await link._channel.transport.stop()  # noqa: SLF001
    else:
        raise TypeError(f"it is not known what carries this: {type(link).__name__}")


def _reset(opened: WebSocket | None) -> None:
    transport = opened._transport if opened is not None else None  # noqa: SLF001
    if opened is None or transport is None or opened.is_ended:
        raise NotConnectedError
    # Closed without waiting for what is unsent, which the kernel does by a reset.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    opened.abort()


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    if "enable_lan" in server.config.PeerExtension:
        _stay_on_loopback()
    server.web_app.add_handlers(".*$", [(f"{server.base_url}{PATH}", CutHandler)])


def _stay_on_loopback() -> None:
    """Let this process see no other network, so that nobody hears of a server that is measured."""
    near = [each for each in ifaddr.get_adapters() if any(at.ip == "127.0.0.1" for at in each.ips)]
    ifaddr.get_adapters = lambda include_unconfigured=False: near
