"""Where nodes were found: addresses from discovery, kept in memory beside what peers say themselves.

A source (the local network, a lobby) tells the hub of each node it sees. Nothing of that is proven:
whoever answers at such an address still has to show the right key, and nothing goes to the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from ...wire.invite import MAX_ADDRESS
from ...wire.link.identity import clean_name, is_node_id

# Of each source. Sources tell of whoever speaks up, so their number is anybody's choice.
MAX_FOUND = 256
MAX_FOUND_ADDRESSES = 8


class FoundNode(msgspec.Struct, frozen=True, kw_only=True):
    """One node as one source saw it.

    Attributes:
        source: ``lan`` or ``lobby``.
        node_id: What it says its id is.
        node_name: What it calls itself, made printable.
        addresses: Where it may be dialled, best first.
    """

    source: str
    node_id: str
    node_name: str
    addresses: list[str]


class Candidates:
    """All nodes found at the moment.

    Args:
        own_id: This node, which is never found.
        is_known: Returns whether a node is a peer; peers take the place of strangers.
    """

    def __init__(self, own_id: str, is_known: Callable[[str], bool]) -> None:
        self._own_id = own_id
        self._is_known = is_known
        self._found: dict[str, dict[str, FoundNode]] = {}

    def put(self, source: str, node_id: str, node_name: str, addresses: Iterable[str]) -> bool:
        """Take what a source tells; return whether it is news.

        What is not well formed is left out, and so are strangers beyond 256 of a source and
        addresses beyond 8 of a node.
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
        """Forget that a source sees a node; return whether it did."""
        return self._found.get(source, {}).pop(node_id, None) is not None

    def addresses(self, node_id: str, sources: Callable[[str], bool] | None = None) -> list[str]:
        """Return where a node was found, by all sources or those chosen."""
        return list(
            dict.fromkeys(
                address
                for source, nodes in self._found.items()
                if node_id in nodes and (sources is None or sources(source))
                for address in nodes[node_id].addresses
            )
        )

    def all(self) -> list[FoundNode]:
        """Return everything found, by name."""
        found = [node for nodes in self._found.values() for node in nodes.values()]
        return sorted(found, key=lambda node: (node.node_name.casefold(), node.node_id))
