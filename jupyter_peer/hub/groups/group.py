"""One group of this node: its members, and its key (SPEC section 4.4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ...errors import LinkError, TooLargeError
from ...transports.base import GroupDoor, PeerLink
from ...wire.link.envelope import Buffer
from ...wire.relay.frames import GROUP_BYTES
from ...wire.relay.group import KEY_BYTES, GroupKey, GroupSealer
from ..links.linked_node import LinkedNode
from ..message import Messenger

log = logging.getLogger(__name__)

FindNode = Callable[[str], LinkedNode | None]


class Group:
    """Sends one message to all members at once.

    The key is renewed before the next message whenever somebody who has it leaves. Each member gets
    it over its own sealed link.

    Args:
        door: Hands frames on to the members.
        find: Returns a connected node by its id, or None.
        messenger: Writes and signs messages.
        random_bytes: Makes id and keys.

    Attributes:
        id: Its id.
        door: As given.
    """

    def __init__(
        self,
        door: GroupDoor,
        find: FindNode,
        messenger: Messenger,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self.id = random_bytes(GROUP_BYTES)
        self.door = door
        self._find = find
        self._messenger = messenger
        self._random_bytes = random_bytes
        # Who has the key, by the link over which it came; and who of them has joined.
        self._links: dict[str, PeerLink] = {}
        self._joined: set[str] = set()
        self._is_stale = False
        self._key = self._make_key(0)
        self._sealer = GroupSealer(self._key)
        door.open_group(self.id)

    def __len__(self) -> int:
        return len(self._links)

    def _make_key(self, epoch: int) -> GroupKey:
        return GroupKey.of(self.id, epoch, self._random_bytes(KEY_BYTES))

    @property
    def members(self) -> list[str]:
        """The ids of those who receive what is sent now."""
        return [node_id for node_id in self._joined if self.is_invited(node_id)]

    def is_invited(self, node_id: str) -> bool:
        """Return whether a node has the key, by the link that it uses now."""
        link, node = self._links.get(node_id), self._find(node_id)
        if link is None or node is None or node.session is None:
            return False
        return node.session.link is link and not link.is_closed

    def invite(self, node_id: str) -> None:
        """Hand a node the key; it becomes a member when it has joined."""
        self.remove(node_id)  # by an earlier link it receives nothing any more
        node = self._find(node_id)
        if node is None or node.session is None or len(self._links) >= self.door.max_members:
            return
        if self._is_stale:
            self._renew()
        key = msgspec.structs.replace(self._key, join=True)
        try:
            node.send("group_key", msgspec.to_builtins(key))
        except LinkError as error:
            log.debug("%s cannot be invited to a group: %s", node_id, error.code)
            return
        self._links[node_id] = node.session.link

    def joined(self, node_id: str) -> None:
        """Note that the relay hands a node the frames of the group from now on."""
        if self.is_invited(node_id):
            self._joined.add(node_id)

    def remove(self, node_id: str) -> None:
        """Take a node out; the key that it has opens nothing that is sent from now on."""
        link = self._links.pop(node_id, None)
        self._joined.discard(node_id)
        if link is not None:
            self._is_stale = True
            link.leave(self.id)

    def send(
        self,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
    ) -> bool:
        """Send a message to the members; return False when it is too large for a group.

        Args:
            type: Kind of message, see :data:`.CARRIED`.
            data: Payload.
            buffers: Raw bytes.
            digests: Their hashes.
        """
        for node_id in [each for each in self._links if not self.is_invited(each)]:
            self.remove(node_id)
        if self._is_stale:
            self._renew()
        data = {**data, "group": self._sealer.place}
        item = self._messenger.write_for_many(
            type, data, buffers, digests=digests, keep_order=self._keeps_order()
        )
        try:
            frame = self._sealer.seal(item)
        except TooLargeError:
            return False
        # Behind the new key, which the links send at the end of this turn of the loop.
        asyncio.get_running_loop().call_soon(self.door.send_to_group, self.id, frame)
        return True

    def _keeps_order(self) -> bool:
        """Return whether all members accept payloads with their keys in any order."""
        nodes = map(self._find, self._links)
        return all(node and node.session and node.session.keeps_order for node in nodes)

    def _renew(self) -> None:
        self._key = self._make_key(self._key.epoch + 1)
        self._sealer = GroupSealer(self._key)
        item = self._messenger.write_for_many("group_key", msgspec.to_builtins(self._key))
        for node_id in list(self._links):
            node = self._find(node_id)
            if node is None or not node.try_put(item, ""):
                self.remove(node_id)
        # Who was removed just now has not got this key.
        self._is_stale = False

    def close(self) -> None:
        """End the group; its members go on with their own links."""
        self._links.clear()
        self._joined.clear()
        # Behind what was sent in this turn of the loop.
        asyncio.get_running_loop().call_soon(self.door.close_group, self.id)
