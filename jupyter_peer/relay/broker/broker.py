"""The broker: forwards frames between registered nodes, and reads no payload.

Above is the server, which upgrades each connection and verifies the node's id. Below are one outbox
for each node, the frames held for absent nodes, and the backend, which knows the nodes of other
brokers (SPEC, *Forwarding*).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

from ...errors import (
    BadIdentityError,
    BusyError,
    LinkClosedError,
    MalformedError,
    OverflowLinkError,
    ProtocolError,
    TooLargeError,
)
from ...primitives.owned_task import OwnedTask
from ...primitives.pauses import pause_until
from ...sockets.frames import BINARY, Payload
from ...sockets.websocket import POLICY, RESTART
from ...wire.relay.frames import (
    CLOSE,
    DST,
    GROUP,
    GROUP_BYTES,
    HEAD,
    HEAD_BYTES,
    JOIN,
    LANE,
    LEAVE,
    LINK,
    MAX_GROUP_FRAME,
    SRC,
    TTL,
    VERSION,
    Undeliverable,
    check_head,
    close_frame,
)
from ..backends.base import Backend
from ..connection import Connection
from ..proof import Proof
from .groups import Groups
from .hold import HoldStore
from .limits import Limits, NodeRate
from .metrics import Metrics
from .outbox import Outbox

log = logging.getLogger(__name__)

_SWEEP_S = 0.25
_LESS = [bytes((max(ttl - 1, 0),)) for ttl in range(256)]


class _Node:
    """One registered node.

    Attributes:
        host: The only node that a guest sends to: the one of its first frame. Empty before that.
    """

    __slots__ = ("connection", "host", "id", "outbox", "rate", "unread")

    def __init__(
        self,
        node_id: bytes,
        connection: Connection,
        rate: NodeRate | None,
        drained: Callable[[int], None],
    ) -> None:
        self.id = node_id
        self.connection = connection
        self.outbox = Outbox(connection.write, drained)
        self.rate = rate
        self.unread = 0
        self.host = b""


class _Uplink:
    """Receives the frames that one node sends."""

    __slots__ = ("_broker", "_count", "_node", "_size")

    def __init__(self, broker: Broker, node: _Node) -> None:
        self._broker = broker
        self._node = node
        self._size = self._count = 0

    def take(self, opcode: int, payload: Payload) -> None:
        self._count += 1
        self._size += self._broker.take(self._node, opcode, payload)

    def taken(self) -> Awaitable[None] | None:
        size, count = self._size, self._count
        self._size = self._count = 0
        return self._broker.taken(self._node, size, count)


class Broker:
    """Forwards frames between nodes; implements :class:`.Sink`.

    Args:
        limits: Limits of nodes, of links, and in total.
        backend: Knows the nodes of other brokers.
        metrics: Counters of the broker.

    Attributes:
        is_draining: Whether it is about to stop, and admits no more nodes.
    """

    def __init__(self, limits: Limits, backend: Backend, metrics: Metrics) -> None:
        self._limits = limits
        self._backend = backend
        self._metrics = metrics
        self._nodes: dict[bytes, _Node] = {}
        self._attaching: Counter[bytes] = Counter()
        self._guests: Counter[bytes] = Counter()
        self._groups = Groups(limits)
        self._last_kind = LEAVE if self._max_members else CLOSE
        self._touched: set[_Node] = set()
        self._is_flush_due = False
        self._queued = 0
        self._hold = HoldStore(limits.hold_s, limits.hold_node, limits.hold_sender, limits.hold_all)
        self._loop = asyncio.get_running_loop()
        self._sweeping = OwnedTask("removing what has expired at the relay")
        self._drained = asyncio.Event()
        self._emptied = asyncio.Event()
        self.is_draining = False
        metrics.add_gauge("groups", "Groups open at this broker.", lambda: len(self._groups))
        metrics.add_gauge(
            "group_members", "Nodes in these groups.", lambda: self._groups.memberships
        )
        metrics.add_gauge("nodes", "Nodes registered at this broker.", lambda: len(self._nodes))
        metrics.add_gauge("queued_bytes", "Bytes waiting for slow nodes.", lambda: self._queued)
        metrics.add_gauge("held_bytes", "Bytes held for absent nodes.", lambda: self._hold.size)

    def start(self) -> None:
        """Start to ping silent nodes and to drop expired frames."""
        self._sweeping.start(self._sweep)

    async def close(self) -> None:
        """Send what is queued, ask every node to use another broker, and close; may be called twice."""
        self.is_draining = True
        self._note_state()
        await pause_until(self._drained, self._limits.drain_s)
        for node in self._nodes.values():
            node.connection.end(RESTART, "restart")
        await pause_until(self._emptied, self._limits.drain_s)
        await self._sweeping.close()

    @property
    def nodes(self) -> int:
        """How many nodes are registered."""
        return len(self._nodes)

    @property
    def _max_members(self) -> int:
        """Nodes in one group; 0 for no groups."""
        return self._limits.max_group_members if self._backend.has_groups else 0

    # One node.

    async def serve(self, connection: Connection, proof: Proof) -> None:
        """Forward the frames of a node that has proven its id, until its connection ends.

        Raises:
            PeerError: The node is refused, or broke the protocol.
            ConnectionError: The connection ended.
        """
        node_id = proof.node_id.encode()
        if self.is_draining:
            raise BusyError("this relay is shutting down", hint="another one may run already")
        if len(self._nodes) >= self._limits.max_nodes and node_id not in self._nodes:
            raise BusyError("this relay has as many nodes as it allows", hint="use another relay")
        limits = self._limits
        is_limited = NodeRate.is_limited(limits)
        rate = NodeRate(limits) if is_limited else None
        node = _Node(node_id, connection, rate, self._on_drained)
        await self._attach(node_id)
        old = self._nodes.get(node_id)
        self._nodes[node_id] = node
        if old is not None:
            self._metrics.replaced += 1
            self._groups.forget(node_id)
            self._let_go(old, "replaced")
        self._metrics.registered += 1
        log.info("node %s is registered", proof.node_id)
        try:
            facts = {"max_members": self._max_members} if self._max_members else {}
            connection.send_text(proof.answer(max_frame=limits.max_frame, **facts))
            for frame in self._hold.take(node_id):
                self._forward(node, frame[:HEAD_BYTES], frame[HEAD_BYTES:])
            self._flush()
            await connection.carry(_Uplink(self, node))
        finally:
            node.outbox.close()
            self._unseat(node)
            if self._nodes.get(node_id) is node:
                del self._nodes[node_id]
                self._groups.forget(node_id)
                self._note_state()
                log.info("node %s is gone", proof.node_id)
                await self._detach(node_id)

    async def _attach(self, node_id: bytes) -> None:
        self._attaching[node_id] += 1
        try:
            await self._backend.attach(node_id)
        except BaseException:
            self._attaching[node_id] -= 1
            await self._detach(node_id)
            raise
        self._attaching[node_id] -= 1

    async def _detach(self, node_id: bytes) -> None:
        """Detach a node from the backend, unless another connection of the node is here or coming."""
        if self._attaching[node_id] <= 0:
            del self._attaching[node_id]
            if node_id not in self._nodes:
                await self._backend.detach(node_id)

    def take(self, node: _Node, opcode: int, frame: Payload) -> int:
        """Forward a frame of a node; return the bytes that count for its rate.

        Raises:
            PeerError: The bytes are not a frame, or the frame names another sender.
        """
        if opcode != BINARY:
            raise ProtocolError("a registered node sends binary frames only")
        head = bytes(frame[:HEAD_BYTES])
        kind = head[1] if len(head) == HEAD_BYTES else 0
        if head[SRC] != node.id or head[0] != VERSION or kind > self._last_kind:
            check_head(frame)
            if kind > self._last_kind:
                raise MalformedError("this relay has no groups")
            raise BadIdentityError("a frame names another node as its sender")
        if node.connection.is_guest and head[DST] != node.host:
            self._seat(node, head[DST])
        metrics = self._metrics
        metrics.frames += 1
        metrics.bytes += len(frame)
        if not head[2]:
            metrics.dropped["ttl"] += 1
            return len(frame)
        if kind > CLOSE:
            return len(frame) * self._take_group(node, head, frame[HEAD_BYTES:])
        if kind == CLOSE and len(self._groups):
            self._groups.end_link(head[SRC], head[DST], head[LINK])
        head = head[:2] + _LESS[head[2]] + head[3:]
        to = self._nodes.get(head[DST])
        if to is not None:
            self._forward(to, head, frame[HEAD_BYTES:])
        else:
            check_head(frame)  # every registered node has a valid id
            self._send_away(head, frame[HEAD_BYTES:])
        return len(frame)

    def _take_group(self, node: _Node, head: bytes, payload: Payload) -> int:
        """Handle a frame of a group; return how many times it counts for the rate of its sender.

        Raises:
            BadIdentityError: A guest opens a group.
            TooLargeError: A group hands on no frame of this size.
        """
        kind, dst = head[1], head[DST]
        is_own = dst == node.id
        if is_own and node.connection.is_guest:
            raise BadIdentityError("a guest has no groups")
        if kind == GROUP:
            return self._hand_on(node, head, payload) if is_own else 1
        group = bytes(payload[:GROUP_BYTES])
        if is_own:
            change = self._groups.open if kind == JOIN else self._groups.close
            change(node.id, head[LINK])
        elif kind == JOIN:
            self._groups.join(dst, group, node.id, head[LINK])
        else:  # a member, or the owner who takes one out
            self._groups.leave(dst, group, node.id)
            self._groups.leave(node.id, group, dst)
        return 1

    def _hand_on(self, owner: _Node, head: bytes, payload: Payload) -> int:
        """Hand a frame of a group to its members, each by its link to the owner."""
        if len(payload) > MAX_GROUP_FRAME:
            raise TooLargeError("a frame of a group is too large")
        group, limits = head[LINK], self._limits
        members = self._groups.members(owner.id, group)
        for node_id, link in list(members.items()):
            to = self._nodes.get(node_id)
            if to is None:
                continue
            waiting = to.outbox.waiting(owner.id + link) + len(payload)
            # What waits for groups must not end the links of others.
            if waiting > limits.max_group_queue or self._queued > limits.max_queued // 2:
                self._metrics.dropped["group"] += 1
                continue
            self._forward(
                to, HEAD.pack(VERSION, GROUP, TTL, node_id, owner.id, link) + group, payload
            )
        return max(1, len(members))

    def _seat(self, guest: _Node, host: bytes) -> None:
        """Count a browser as a guest of the node that its first frame names.

        Raises:
            BadIdentityError: The browser has been a guest of another node.
            BusyError: That node has as many guests as it may.
        """
        if guest.host:
            raise BadIdentityError("a guest sends to the node of its link alone")
        if self._guests[host] >= self._limits.max_guests_of_node:
            raise BusyError("the owner of this link has as many guests as the relay allows")
        guest.host = host
        self._guests[host] += 1

    def _unseat(self, guest: _Node) -> None:
        if guest.host:
            self._guests[guest.host] -= 1
            if not self._guests[guest.host]:
                del self._guests[guest.host]

    def taken(self, node: _Node, size: int, count: int) -> Awaitable[None] | None:
        """Write the frames of one read; return an awaitable that delays the next read, or None."""
        self._flush()
        pause = node.rate.take(size, count, self._loop.time()) if node.rate is not None else 0.0
        if pause:
            self._metrics.paused += 1
        elif not self._backend.is_congested:
            return None
        return self._pause(pause)

    async def _pause(self, seconds: float) -> None:
        if seconds:
            await asyncio.sleep(seconds)
        if self._backend.is_congested:
            await self._backend.until_drained()

    # Forwarding.

    def _forward(self, to: _Node, head: bytes, payload: Payload) -> None:
        self._metrics.delivered += 1
        self._touched.add(to)
        outbox, before = to.outbox, to.outbox.queued
        limits = self._limits
        if outbox.lanes >= limits.max_links and not outbox.has(head[LANE]):
            # Each link costs more than its bytes. The receiver does not know this link yet.
            self._tell_ended(head[SRC], head[DST], head[LINK], OverflowLinkError.code)
            return
        waiting = outbox.put(head[LANE], head, payload)
        if not waiting:
            return
        self._queued += outbox.queued - before
        if waiting > limits.max_link_queue:
            self._overflow(to, head[LANE])
        elif outbox.queued > limits.max_node_queue:
            self._overflow(to, outbox.longest())
        elif self._queued > limits.max_queued:
            slowest = max(self._nodes.values(), key=lambda node: node.outbox.queued)
            self._overflow(slowest, slowest.outbox.longest())

    def _send_away(self, head: bytes, payload: Payload) -> None:
        """Send a frame for a node that is not here to its broker, or hold it."""
        frame = head + bytes(payload)
        if self._backend.is_elsewhere(head[DST]):
            self._backend.send(frame)
        elif self._hold.add(frame, self._loop.time()):
            self._metrics.held += 1
        elif frame[1] != CLOSE:
            self._hold.drop(head[DST], head[LANE])
            self._end_link(head[DST], head[LANE], OverflowLinkError.code)

    def _overflow(self, to: _Node, lane: bytes | None) -> None:
        """End a link whose queue is full: a gap in its frames could not be repaired."""
        if lane is not None:
            to.outbox.drop(lane)
            self._end_link(to.id, lane, OverflowLinkError.code)

    def _end_link(self, dst: bytes, lane: bytes, reason: str) -> None:
        """Tell both ends that a link has ended; ``lane`` is ``src | link`` as in frames to ``dst``."""
        src, link = lane[:16], lane[16:]
        self._groups.end_link(dst, src, link)
        self._push(close_frame(dst, src, link, reason))
        self._tell_ended(src, dst, link, reason)

    def _tell_ended(self, node: bytes, other: bytes, link: bytes, reason: str) -> None:
        """Tell one end of a link that the link has ended."""
        self._metrics.links_ended[reason] += 1
        self._push(close_frame(node, other, link, reason))

    def _push(self, frame: bytes) -> None:
        """Send a frame of the broker's own, if its node is attached anywhere."""
        node = self._nodes.get(frame[DST])
        if node is not None:
            self._touched.add(node)
            outbox, before = node.outbox, node.outbox.queued
            waiting = outbox.put(frame[LANE], frame[:HEAD_BYTES], frame[HEAD_BYTES:])
            self._queued += outbox.queued - before
            limits = self._limits
            if waiting > limits.max_link_queue or outbox.lanes > 2 * limits.max_links:
                self._give_up(node)
            self._flush_soon()
        elif self._backend.is_elsewhere(frame[DST]):
            self._backend.send(frame)

    def _on_drained(self, size: int) -> None:
        self._queued -= size
        if self.is_draining:
            self._note_state()

    def _note_state(self) -> None:
        if not self._queued:
            self._drained.set()
        if not self._nodes:
            self._emptied.set()

    def _flush(self) -> None:
        self._is_flush_due = False
        touched, self._touched = self._touched, set()
        for node in touched:
            node.outbox.flush()

    def _flush_soon(self) -> None:
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    # Callbacks of the backend.

    def deliver(self, frame: bytes) -> None:
        """Deliver a frame from another broker to its node, or hold it until the node is back."""
        node = self._nodes.get(frame[DST])
        if node is not None:
            self._forward(node, frame[:HEAD_BYTES], frame[HEAD_BYTES:])
            self._flush_soon()
        else:  # the node is about to register, or has just left
            self._hold.add(frame, self._loop.time())

    def appeared(self, node: bytes) -> None:
        """Send the frames held for a node to its new broker."""
        for frame in self._hold.take(node):
            self._backend.send(frame)

    def lost(self, frame: bytes) -> None:
        """End the link of a frame that no broker received."""
        self._metrics.dropped["lost"] += 1
        if frame[1] != CLOSE:
            self._end_link(frame[DST], frame[LANE], LinkClosedError.code)

    def moved(self, node: bytes) -> None:
        """Close the connection of a node that has proven its id to another broker."""
        here = self._nodes.pop(node, None)
        if here is not None:
            self._metrics.replaced += 1
            self._groups.forget(node)
            self._let_go(here, "replaced")

    # Time.

    def _give_up(self, node: _Node) -> None:
        """Close the connection of a node that does not read the notices about its own links."""
        log.info("node %s does not read", node.id.decode())
        self._let_go(node, OverflowLinkError.code)

    def _let_go(self, node: _Node, reason: str) -> None:
        node.outbox.close()
        node.connection.end(POLICY, reason)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = self._loop.time()
            for node_id, lane in self._hold.expire(now):
                self._expired(node_id, lane)
            self._flush()
            for node in list(self._nodes.values()):
                silent = now - node.connection.read_at
                if silent > 2 * self._limits.idle_s:
                    log.info("node %s does not answer", node.id.decode())
                    node.connection.abort()
                elif silent > self._limits.idle_s and not node.connection.is_pinged:
                    node.connection.ping()

    def _expired(self, dst: bytes, lane: bytes) -> None:
        self._metrics.undeliverable += 1
        sender = self._nodes.get(lane[:16])
        if sender is not None:
            notice = Undeliverable(dst.decode(), lane[16:])
            sender.unread = sender.unread + 1 if sender.connection.is_backed_up else 0
            if sender.unread <= self._limits.max_links:
                sender.connection.send_text(notice.to_text())
            else:
                self._give_up(sender)
