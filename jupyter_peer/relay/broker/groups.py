"""The groups of a broker: one frame of an owner for all nodes that have joined (SPEC, *Groups*).

A group exists from its owner's ``JOIN`` until the owner leaves it or is gone. Other nodes join it by
a link to the owner, and hear of it by that link. Nobody joins a group that its owner has not opened,
and nobody is put into one by somebody else. What does not fit the limits is ignored: its node goes
on without the group.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...wire.relay.frames import GROUP_BYTES
from .limits import Limits

# A group by its owner and id; the members of one with the link to each.
_Key = tuple[bytes, bytes]
_Members = dict[bytes, bytes]
_NOBODY: Mapping[bytes, bytes] = {}


class Groups:
    """Who has joined which group.

    Args:
        limits: The numbers of groups and members.

    Attributes:
        memberships: Members of all groups together.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._groups: dict[_Key, _Members] = {}
        self._of_owner: dict[bytes, set[_Key]] = {}
        self._of_member: dict[bytes, set[_Key]] = {}
        self.memberships = 0

    def __len__(self) -> int:
        return len(self._groups)

    def open(self, owner: bytes, group: bytes) -> None:
        """Open a group, if there is room for one."""
        own, limits = self._of_owner.get(owner, ()), self._limits
        if len(own) < limits.max_groups_of_node and len(self._groups) < limits.max_groups:
            self._groups.setdefault((owner, group), {})
            self._of_owner.setdefault(owner, set()).add((owner, group))

    def close(self, owner: bytes, group: bytes) -> None:
        """Close a group: nobody is in it any more."""
        for node in list(self._groups.get((owner, group), ())):
            self.leave(owner, group, node)
        self._groups.pop((owner, group), None)
        self._forget(self._of_owner, owner, (owner, group))

    def join(self, owner: bytes, group: bytes, node: bytes, link: bytes) -> None:
        """Let a node join by its link to the owner, if the group is open and there is room."""
        members = self._groups.get((owner, group))
        if members is None or len(group) != GROUP_BYTES:
            return
        limits, joined = self._limits, self._of_member.get(node, ())
        if node not in members:
            if (
                len(members) >= limits.max_group_members
                or len(joined) >= limits.max_groups_of_node
                or self.memberships >= limits.max_memberships
            ):
                return
            self.memberships += 1
            self._of_member.setdefault(node, set()).add((owner, group))
        members[node] = link

    def leave(self, owner: bytes, group: bytes, node: bytes) -> None:
        """Take a node out of a group."""
        if self._groups.get((owner, group), {}).pop(node, None) is not None:
            self.memberships -= 1
            self._forget(self._of_member, node, (owner, group))

    def end_link(self, one: bytes, other: bytes, link: bytes) -> None:
        """Take nodes out of the groups that they have joined by a link which has ended."""
        for node, owner in ((one, other), (other, one)):
            for key in list(self._of_member.get(node, ())):
                if key[0] == owner and self._groups[key].get(node) == link:
                    self.leave(*key, node)

    def forget(self, node: bytes) -> None:
        """Close the groups of a node that is gone, and take it out of those of others."""
        for key in list(self._of_owner.get(node, ())):
            self.close(*key)
        for key in list(self._of_member.get(node, ())):
            self.leave(*key, node)

    def members(self, owner: bytes, group: bytes) -> Mapping[bytes, bytes]:
        """Return who is in a group, each with its link to the owner."""
        return self._groups.get((owner, group), _NOBODY)

    @staticmethod
    def _forget(index: dict[bytes, set[_Key]], node: bytes, key: _Key) -> None:
        keys = index.get(node)
        if keys is not None:
            keys.discard(key)
            if not keys:
                del index[node]
