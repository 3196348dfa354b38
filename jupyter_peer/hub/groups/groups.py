"""The groups of this node, and those of its peers that it has joined."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ...errors import LinkError
from ...transports.base import GroupDoor
from ...wire.payloads.hub import convert
from ...wire.relay.group import GroupJoined, GroupKey
from ..message import Message, Messenger
from .group import FindNode, Group

log = logging.getLogger(__name__)

#: What a node announces that can join groups.
CAPABILITY = "groups"


class Groups:
    """Opens groups, and joins those to which peers hand this node the key.

    Args:
        find: Returns a connected node by its id, or None.
        messenger: Writes messages, and hands those that come to their handlers.
        random_bytes: Makes ids and keys.
    """

    def __init__(
        self, find: FindNode, messenger: Messenger, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._find = find
        self._messenger = messenger
        self._random_bytes = random_bytes
        self._own: dict[str, Group] = {}
        messenger.handlers.on("group_key", self._on_key)
        messenger.handlers.on("group_joined", self._on_joined)

    def door_of(self, node_id: str) -> GroupDoor | None:
        """Return what can hand a node the frames of a group; None when nothing can."""
        node = self._find(node_id)
        session = node.session if node is not None else None
        if session is None or not session.is_sealed or session.successor is not None:
            return None
        return session.link.group_door

    def open(self, door: GroupDoor) -> Group:
        """Open a group of this node."""
        group = Group(door, self._find, self._messenger, self._random_bytes)
        self._own[group.id.hex()] = group
        return group

    def close(self, group: Group) -> None:
        """End a group of this node; may be called twice."""
        if self._own.pop(group.id.hex(), None) is not None:
            group.close()

    def _on_joined(self, message: Message) -> None:
        group = self._own.get(convert(message.data, GroupJoined).group)
        if group is not None:
            group.joined(message.peer_id)

    def _on_key(self, message: Message) -> None:
        """Join a group of a peer; whoever does not goes on with its own link."""
        key = convert(message.data, GroupKey)
        node = self._find(message.peer_id)
        if node is None or node.session is None or not node.session.join(key):
            return
        try:
            node.send("group_joined", {"group": key.group})
        except LinkError as error:
            log.debug("%s is not told that its group was joined: %s", message.peer_id, error.code)
