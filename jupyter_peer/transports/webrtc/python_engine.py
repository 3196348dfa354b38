"""WebRTC by aiortc, which is written in Python: it runs everywhere and is slow.

Only this file uses aiortc. A connection always closes all its sockets: it waits for those that are
being opened and then closes them, even if the caller no longer waits.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable
from typing import Any, ClassVar

from .connection import LABEL, Connection, IceServers

log = logging.getLogger(__name__)

# Bytes of unfinished messages.
MAX_UNFINISHED = 1024 * 1024


class PythonEngine:
    """Makes connections by aiortc; see :class:`.engine.Engine`."""

    module: ClassVar[str] = "aiortc"
    needs: ClassVar[tuple[str, ...]] = ("aiortc",)

    def connect(
        self,
        servers: IceServers,
        turn_of: int,
        address: str,
        on_end: Callable[[Connection], None],
        *,
        allow_loopback: bool,
    ) -> Connection:
        return PythonConnection(
            configuration(servers, turn_of), address, on_end, allow_loopback=allow_loopback
        )

    async def close(self) -> None:
        """Close nothing: connections share nothing."""


def configuration(servers: IceServers, turn_of: int) -> Any:
    """Return aiortc's configuration. aiortc uses one STUN server, so several take turns."""
    aiortc = importlib.import_module("aiortc")
    listed = []
    if servers.stun:
        listed.append(aiortc.RTCIceServer(urls=servers.stun[turn_of % len(servers.stun)]))
    if servers.turn:
        listed.append(
            aiortc.RTCIceServer(
                urls=servers.turn, username=servers.username, credential=servers.credential
            )
        )
    # Without a server, aiortc would ask one of its own choice.
    return aiortc.RTCConfiguration(iceServers=listed)


class PythonConnection(Connection):
    """A connection of aiortc; see :class:`.connection.Connection`.

    Args:
        configured: Configuration of aiortc.
    """

    def __init__(self, configured: Any, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        aiortc = importlib.import_module("aiortc")
        self._description = aiortc.RTCSessionDescription
        self._pc = aiortc.RTCPeerConnection(configured)
        self._pc.on("connectionstatechange", lambda: self._on_state(self._pc.connectionState))
        self._pc.on("datachannel", self._on_channel)

    async def _open_channel(self) -> Any:
        return self._pc.createDataChannel(LABEL)

    async def _describe_here(self, kind: str) -> str:
        made = self._pc.createOffer() if kind == "offer" else self._pc.createAnswer()
        await self._pc.setLocalDescription(await made)
        return str(self._pc.localDescription.sdp)

    async def _describe_there(self, kind: str, sdp: str) -> None:
        await self._pc.setRemoteDescription(self._description(sdp=sdp, type=kind))
        _bound_unfinished(self._pc.sctp, self.end)

    async def _close(self) -> None:
        sctp = self._pc.sctp
        ice = sctp.transport.transport if sctp is not None else None
        was_checking = ice is not None and ice.state == "checking"
        await self._pc.close()
        if ice is not None and was_checking:
            # aioice polls its checks every 20 ms. If they have just succeeded, it starts to ask for
            # consent on the closed connection; a second close ends that.
            await asyncio.sleep(0.05)
            await ice._connection.close()  # noqa: SLF001 - there is no other way


def _bound_unfinished(sctp: Any, end: Callable[[], None]) -> None:
    """Close a connection if a message on it never ends.

    aiortc keeps everything that arrives, and a sender may ignore the receive window.
    """
    receive = sctp._receive_data_chunk  # noqa: SLF001 - there is no other way
    window = sctp._advertised_rwnd  # noqa: SLF001

    async def bounded(chunk: Any) -> None:
        if window - sctp._advertised_rwnd > MAX_UNFINISHED:  # noqa: SLF001
            log.info("a message on a data channel does not end; the connection is closed")
            end()
            return
        await receive(chunk)

    sctp._receive_data_chunk = bounded  # noqa: SLF001
