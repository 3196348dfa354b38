"""Links between hubs of one process, without sockets."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Literal

from jupyter_peer.errors import LinkClosedError, UnreachableError
from jupyter_peer.primitives.signal import Signal
from jupyter_peer.primitives.task_set import TaskSet
from jupyter_peer.transports.base import Accept, Frame, PeerLink, Transport

SCHEME = "loopback:"


class LoopbackNetwork:
    """Connects the loopback transports that share it.

    Links can be stopped and cut, so that tests can play slow and broken networks.

    Attributes:
        guests: Whether guests come by the links that are dialled next; as of a :class:`.PeerLink`.
    """

    def __init__(self) -> None:
        self.transports: dict[str, LoopbackTransport] = {}
        self.links: list[LoopbackLink] = []
        self.guests: Literal["never", "also", "only"] = "also"
        self._names = itertools.count(1)

    def transport(self, name: str | None = None) -> LoopbackTransport:
        """Return a new transport on this network."""
        return LoopbackTransport(self, name or f"node-{next(self._names)}")

    def cut(self) -> None:
        """Close every link at once, as a network that went away."""
        for link in list(self.links):
            link.abort("cut")


class LoopbackLink(PeerLink):
    """One end of a pair; what is sent arrives at the other in a later turn of the loop.

    Attributes:
        max_backlog: Bytes on the way to the other end from which on this end is backed up.
    """

    transport = "loopback"
    priority = 0
    max_backlog = 256 * 1024

    def __init__(self, network: LoopbackNetwork, address: str, *, is_dialled: bool) -> None:
        super().__init__(address, is_dialled=is_dialled)
        self.peer: LoopbackLink | None = None
        self._network = network
        self._inbound: asyncio.Queue[Frame] = asyncio.Queue()
        self._backlog = 0
        self._writable = Signal[[]]("a loopback link may be written to")
        self._reading = asyncio.Event()
        self._reading.set()
        self._pump = asyncio.get_running_loop().create_task(self._read())
        network.links.append(self)

    def stop_reading(self) -> None:
        """Take nothing from the link until :meth:`go_on_reading`."""
        self._reading.clear()

    def go_on_reading(self) -> None:
        """Undo :meth:`stop_reading`."""
        self._reading.set()

    def send(self, frames: Sequence[Frame]) -> None:
        if self.is_closed or self.peer is None:
            raise LinkClosedError
        for frame in frames:
            self._backlog += len(frame)
            self.peer.take(frame)

    def take(self, frame: Frame) -> None:
        """Take a frame of the other end."""
        self._inbound.put_nowait(frame)

    @property
    def is_backed_up(self) -> bool:
        return self._backlog > self.max_backlog

    def on_writable(self, callback: Callable[[], None]) -> None:
        if self.is_closed or not self.is_backed_up:
            asyncio.get_running_loop().call_soon(callback)
        else:
            self._writable.connect(callback)

    async def _read(self) -> None:
        while True:
            frame = await self._inbound.get()
            await self._reading.wait()
            assert self.peer is not None
            self.peer.passed(len(frame))
            handled = self._deliver(frame)
            if handled is not None:
                await handled

    def passed(self, size: int) -> None:
        """Note that the other end has taken so many bytes."""
        self._backlog -= size
        if not self.is_backed_up:
            self._writable.release()

    def _shut(self, reason: str) -> None:
        if self.peer is not None and not self.peer.is_closed:
            # the other end first gets what was sent before
            asyncio.get_running_loop().call_soon(self.peer.ended, reason)

    def ended(self, reason: str) -> None:
        """Note that the other end was closed."""
        self._closed(reason)

    def _closed(self, reason: str) -> None:
        if not self.is_closed:
            if self in self._network.links:
                self._network.links.remove(self)
            self._pump.cancel()
            super()._closed(reason)
            self._writable.release()


class LoopbackTransport(Transport):
    """Dials ``loopback:NAME`` on its network.

    Attributes:
        scheme: Begins its addresses.
        link_class: Of its links; tests play other transports with it.
    """

    name = "loopback"
    priority = 0
    scheme = SCHEME
    link_class = LoopbackLink

    def __init__(self, network: LoopbackNetwork, own_name: str) -> None:
        self._network = network
        self._own_name = own_name
        self._accept: Accept | None = None
        self._accepting = TaskSet("a handshake with a node that dialled")

    async def start(self, accept: Accept) -> None:
        # Anew, because a transport that was closed may start again.
        self._accepting = TaskSet("a handshake with a node that dialled")
        self._accept = accept
        self._network.transports[self._own_name] = self

    async def close(self) -> None:
        self._network.transports.pop(self._own_name, None)
        await self._accepting.close()

    def can_dial(self, address: str) -> bool:
        return address.startswith(self.scheme)

    async def dial(self, address: str, node_id: str | None) -> PeerLink:
        other = self._network.transports.get(address[len(self.scheme) :])
        if other is None:
            raise UnreachableError(f"nothing listens at {address}")
        here = self.link_class(self._network, address, is_dialled=True)
        there = other.link_class(self._network, self.scheme + self._own_name, is_dialled=False)
        here.peer, there.peer = there, here
        there.guests = self._network.guests
        other.take(there)
        return here

    def addresses(self) -> list[str]:
        return [self.scheme + self._own_name]

    def take(self, link: LoopbackLink) -> None:
        """Take a link that was dialled."""
        assert self._accept is not None

        self._accepting.start(self._accept(link))
