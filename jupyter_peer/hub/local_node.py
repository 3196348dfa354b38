"""This node, as every part of its hub uses it: key, settings, clock, and what it announces.

All parts of one hub share one :class:`LocalNode`. It knows no peers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import BadNameError
from ..primitives.signal import Signal
from ..store.store import Store
from ..transports.base import Transport
from ..trust.base import TrustPolicy
from ..wire.invite import MAX_ADDRESSES
from ..wire.link.handshake import Offer
from ..wire.link.identity import Identity, clean_name
from .clock import Clock
from .config import HubConfig
from .info import HubEvent

CAPABILITIES = ("panes", "pane-buffers", "pane-widgets")
MAX_LEARNED = 4


class LocalNode:
    """This node.

    Args:
        identity: Its key.
        store: Peers, invites, grants, settings.
        transports: Ways to reach others.
        policy: Decides about strangers.
        config: Settings.
        clock: Time and random numbers.

    Attributes:
        capabilities: What this node announces that it can do.
        events: Emits each :class:`.HubEvent`.
        learned_addresses: Addresses under which browsers have reached this server, newest first.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        store: Store,
        transports: Sequence[Transport],
        policy: TrustPolicy,
        config: HubConfig,
        clock: Clock,
    ) -> None:
        self.identity = identity
        self.store = store
        self.transports = list(transports)
        self.policy = policy
        self.config = config
        self.clock = clock
        self.capabilities: tuple[str, ...] = CAPABILITIES
        self.events: Signal[[HubEvent]] = Signal("an event of the hub")
        self.learned_addresses: list[str] = []
        self._name = clean_name(store.setting("node_name") or config.node_name)

    @property
    def node_id(self) -> str:
        """The id that its key certifies."""
        return self.identity.node_id

    @property
    def name(self) -> str:
        """Its cosmetic name."""
        return self._name

    def set_name(self, name: str) -> None:
        """Change and store the cosmetic name.

        Raises:
            BadNameError: The name has nothing printable, or more than 64 characters.
        """
        cleaned = clean_name(name)
        if not cleaned or cleaned != name.strip():
            raise BadNameError(
                "a node name has 1 to 64 printable characters", hint="use letters and digits"
            )
        self.store.set_setting("node_name", cleaned)
        self._name = cleaned

    def addresses(self) -> list[str]:
        """Return where this node can be dialled: configured, learned, then listening addresses."""
        found = [*self.config.advertised_addresses, *self.learned_addresses]
        for transport in self.transports:
            found += transport.addresses()
        return list(dict.fromkeys(found))[:MAX_ADDRESSES]

    def learn_address(self, address: str) -> bool:
        """Add an address under which a browser has reached this server; return whether it is new."""
        if address in self.addresses():
            return False
        self.learned_addresses = [address, *self.learned_addresses][:MAX_LEARNED]
        return True

    def announcement(self) -> dict[str, Any]:
        """Return the payload of ``addresses``."""
        return {"addresses": self.addresses(), "node_name": self.name}

    def offer(self, stamp: Callable[[], tuple[str, float]]) -> Offer:
        """Return what this node says in one handshake, with fresh secrets.

        Args:
            stamp: Returns a fresh message id and the time.
        """
        return Offer(
            identity=self.identity,
            node_name=self.name,
            capabilities=self.capabilities,
            nonce=self.clock.random_bytes(16).hex(),
            x25519=self.clock.random_bytes(32),
            stamp=stamp,
            allow_unsealed=self.config.allow_unsealed_peers,
        )

    def tell(self, kind: str, node_id: str) -> None:
        """Emit an event about a node."""
        self.events.emit(HubEvent(kind, node_id))
