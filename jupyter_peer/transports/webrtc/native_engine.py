"""WebRTC by libwebrtc, the engine of Chrome, through the package ``wrtc``: quick, and not everywhere.

The library's objects live in a thread with an event loop of its own. There nothing else waits, so
its mailbox is emptied however busy the server's loop is. Only a call that keeps Python's lock could
still hold up that loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, TypeVar

from ...primitives.loop_thread import LoopThread
from .connection import LABEL, Connection, IceServers
from .native_channel import NativeChannel

T = TypeVar("T")

#: A description waits no longer for STUN and TURN servers that do not answer.
GATHER_TIMEOUT_S = 5.0
#: libwebrtc calls a path disconnected after 7 s without an answer. A path that does not come back
#: within this time is given up, long before libwebrtc calls it failed.
SILENCE_S = 1.0


class NativeEngine:
    """Makes connections by libwebrtc; see :class:`.engine.Engine`."""

    module: ClassVar[str] = "webrtc"
    #: Another package has a module ``webrtc`` too.
    needs: ClassVar[tuple[str, ...]] = ("wrtc", "webrtc")

    def __init__(self) -> None:
        self._thread: LoopThread | None = None

    def connect(
        self,
        servers: IceServers,
        turn_of: int,
        address: str,
        on_end: Callable[[Connection], None],
        *,
        allow_loopback: bool,
    ) -> Connection:
        if self._thread is None:
            self._thread = LoopThread("libwebrtc")
        return NativeConnection(
            self._thread, servers, address, on_end, allow_loopback=allow_loopback
        )

    async def close(self) -> None:
        """End the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.stop)


class NativeConnection(Connection):
    """A connection of libwebrtc; see :class:`.connection.Connection`."""

    def __init__(self, thread: LoopThread, servers: IceServers, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._thread = thread
        loop = asyncio.get_running_loop()

        def post(callback: Callable[..., None], *args: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(callback, *args)

        self._peer = _Peer(thread, servers, post, self._on_state, self._on_channel)

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the library's thread."""
        return await asyncio.wrap_future(self._thread.submit(work))

    async def _open_channel(self) -> Any:
        return await self._there(self._peer.open_channel())

    async def _describe_here(self, kind: str) -> str:
        return await self._there(self._peer.describe(kind))

    async def _describe_there(self, kind: str, sdp: str) -> None:
        await self._there(self._peer.take(kind, sdp))

    async def _close(self) -> None:
        await self._there(self._peer.close())


class _Peer:
    """A peer connection of libwebrtc; all methods belong to the library's thread.

    Args:
        thread: The library's thread.
        servers: STUN and TURN; all are asked at once.
        post: Calls back on the loop of the link.
        on_state: Called on that loop with each state of the connection.
        on_channel: Called on that loop with each channel that the other side opens.
    """

    def __init__(
        self,
        thread: LoopThread,
        servers: IceServers,
        post: Callable[..., None],
        on_state: Callable[[str], None],
        on_channel: Callable[[Any], None],
    ) -> None:
        self._thread = thread
        self._servers = servers
        self._post = post
        self._on_state = on_state
        self._on_channel = on_channel
        self._pc: Any = None
        self._channels: list[NativeChannel] = []
        self._silence: asyncio.TimerHandle | None = None
        self._gathered = asyncio.Event()

    def _made(self) -> Any:
        if self._pc is None:
            webrtc = importlib.import_module("webrtc")
            # A STUN server has no transport to choose; libwebrtc refuses a URL that names one.
            stun = [url.partition("?")[0] for url in self._servers.stun]
            listed = [webrtc.RTCIceServer(urls=stun)] if stun else []
            if self._servers.turn:
                listed.append(
                    webrtc.RTCIceServer(
                        urls=self._servers.turn,
                        username=self._servers.username,
                        credential=self._servers.credential,
                    )
                )
            pc = webrtc.RTCPeerConnection(webrtc.RTCConfiguration(ice_servers=listed))
            pc.on("icegatheringstatechange", lambda event: self._gathering(pc))
            pc.on("connectionstatechange", lambda event: self._state(pc.connection_state.value))
            pc.on("datachannel", lambda event: self._announced(event.channel))
            self._pc = pc
        return self._pc

    async def open_channel(self) -> NativeChannel:
        return self._kept(self._made().create_data_channel(LABEL))

    async def describe(self, kind: str) -> str:
        """Make the offer or answer, and return it with its candidates."""
        pc = self._made()
        made = pc.create_offer() if kind == "offer" else pc.create_answer()
        await pc.set_local_description(await made)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_TIMEOUT_S):
                await self._gathered.wait()
        return str(pc.local_description.sdp)

    async def take(self, kind: str, sdp: str) -> None:
        """Apply the description of the other side."""
        described = importlib.import_module("webrtc").RTCSessionDescriptionInit
        await self._made().set_remote_description(described(type=kind, sdp=sdp))

    async def close(self) -> None:
        self._end_silence()
        self._gathered.set()
        if self._pc is not None:
            self._pc.close()
        for channel in self._channels:
            channel.ended()

    def _kept(self, channel: Any) -> NativeChannel:
        kept = NativeChannel(channel, self._thread, self._post)
        self._channels.append(kept)
        return kept

    def _announced(self, channel: Any) -> None:
        self._post(self._on_channel, self._kept(channel))

    def _gathering(self, pc: Any) -> None:
        if pc.ice_gathering_state == "complete":
            self._gathered.set()

    def _state(self, state: str) -> None:
        self._end_silence()
        if state == "disconnected":
            self._silence = asyncio.get_running_loop().call_later(SILENCE_S, self._give_up)
        else:
            self._post(self._on_state, state)

    def _give_up(self) -> None:
        """Give up the channels first: nothing that is sent on a silent path needs time to arrive."""
        for channel in self._channels:
            channel.ended()
        self._post(self._on_state, "failed")

    def _end_silence(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
