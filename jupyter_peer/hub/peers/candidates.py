"""Addresses from discovery, kept in memory beside the addresses that peers announce.

A source (the local network, a lobby) reports each node that it sees. No report is proven: the node at
such an address still has to prove the right key, and nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from ...wire.invite import MAX_ADDRESS
from ...wire.link.identity import clean_name, is_node_id

# Strangers of each source. Anybody can announce any number of nodes, so it is bounded.
MAX_FOUND = 256
MAX_FOUND_ADDRESSES = 8


class FoundNode(msgspec.Struct, frozen=True, kw_only=True):
    """One node as one source reports it.

    Attributes:
        source: ``lan`` or ``lobby``.
        node_id: Id that the node claims.
        node_name: Announced name, made printable.
        addresses: Addresses to dial, best first.
    """

    source: str
    node_id: str
    node_name: str
    addresses: list[str]


class Candidates:
    """All nodes that discovery sees at the moment.

    Args:
        own_id: Id of this node, which is never added.
        is_known: Returns whether a node is a peer; peers replace strangers.
    """

    def __init__(self, own_id: str, is_known: Callable[[str], bool]) -> None:
        self._own_id = own_id
        self._is_known = is_known
        self._found: dict[str, dict[str, FoundNode]] = {}

    def put(self, source: str, node_id: str, node_name: str, addresses: Iterable[str]) -> bool:
        """Store the report of a source; return whether it changes anything.

        Malformed reports are ignored. So are more than 256 strangers of a source and more than 8
        addresses of a node.
        """
        if not is_node_id(node_id) or node_id == self._own_id:
            return False
        of_source = self._found.setdefault(source, {})
        fit = (at for at in addresses if 0 < len(at) <= MAX_ADDRESS and at.isprintable())
        node = FoundNode(
            source=source,
            node_id=node_id,
            node_name=clean_name(node_name),
            addresses=list(dict.fromkeys(fit))[:MAX_FOUND_ADDRESSES],
        )
        if of_source.get(node_id) == node:
            return False
        if node_id not in of_source and not self._has_room(of_source, node_id):
            return False
        of_source[node_id] = node
        return True

    def _has_room(self, of_source: dict[str, FoundNode], node_id: str) -> bool:
        if len(of_source) < MAX_FOUND:
            return True
        if not self._is_known(node_id):
            return False
        stranger = next((other for other in of_source if not self._is_known(other)), None)
        if stranger is None:
            return False
        del of_source[stranger]
        return True

    def drop(self, source: str, node_id: str) -> bool:
        """Remove a node of a source; return whether it was there."""
        return self._found.get(source, {}).pop(node_id, None) is not None

    def addresses(self, node_id: str, sources: Callable[[str], bool] | None = None) -> list[str]:
        """Return the addresses of a node from all sources, or from some of them."""
        return list(
            dict.fromkeys(
                address
                for source, nodes in self._found.items()
                if node_id in nodes and (sources is None or sources(source))
                for address in nodes[node_id].addresses
            )
        )

    def all(self) -> list[FoundNode]:
        """Return all found nodes, sorted by name."""
        found = [node for nodes in self._found.values() for node in nodes.values()]
        return sorted(found, key=lambda node: (node.node_name.casefold(), node.node_id))
