"""This node for all parts of its hub: settings, key, clock and announcements.

All parts of one hub share one :class:`LocalNode`. It knows no peers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ..errors import BadNameError, StoreError
from ..primitives.clock import Clock
from ..primitives.signal import Signal
from ..store.store import Store
from ..transports.base import Transport
from ..trust.base import TrustPolicy
from ..wire.addresses import leads_here
from ..wire.invite import MAX_ADDRESSES
from ..wire.link.channel import DEFAULT_LIMITS, Limits
from ..wire.link.envelope import KEEPS_ORDER
from ..wire.link.handshake import MAX_FRAME, Offer
from ..wire.link.identity import Identity, clean_name
from .info import HubEvent

log = logging.getLogger(__name__)

CAPABILITIES = ("panes", "pane-buffers", "pane-widgets", "groups", KEEPS_ORDER)
MAX_LEARNED = 4
#: An address under which no browser came for so long is dropped.
LEARNED_FOR_S = 30 * 24 * 3600.0
# Age at which the stored time of a learned address is written again.
_LEARNED_ANEW_S = 24 * 3600.0
_LEARNED = "learned_addresses"
_NAME, _PROPOSED = "node_name", "proposed_name"


def _learned_in(store: Store) -> dict[str, float]:
    """Return the stored learned addresses, each with its last use by a browser."""
    text = store.setting(_LEARNED)
    try:
        return msgspec.json.decode(text, type=dict[str, float]) if text else {}
    except msgspec.DecodeError as error:
        log.warning("the addresses learned before cannot be read: %s", error)
        return {}


class HubConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a hub; durations in seconds.

    Attributes:
        node_name: Cosmetic name; a name in the store takes precedence.
        is_named: Whether somebody has chosen ``node_name``; otherwise it is a proposal.
        advertised_addresses: Configured addresses of this node, best first.
        relay_url: Relay for invites.
        lobby_url: Lobby for invites.
        allow_unsealed_peers: Whether nodes of the original system may connect.
        handshake_timeout_s: Time after which a handshake is aborted.
        max_frame_before_auth: Bytes of the largest frame of a handshake, on any transport.
        max_handshakes: Incoming handshakes under way at once.
        max_peers: Number of remembered peers.
        limits: Limits of each link.
        invite_ttl_s: Default lifetime of an invite.
        max_invite_ttl_s: Longest lifetime of an invite.
        link_ttl_s: Default lifetime of a guest link.
        max_link_ttl_s: Longest lifetime of a guest link.
        max_link_guests: Highest number of guests of one link at once.
        max_guests: Highest number of guests of all links at once.
        ping_interval_s: Interval between pings; two unanswered pings end the link.
        head_start_s: Delay before the next address is tried beside a better one.
        backoff_s: First pause before a lost link is dialled again.
        max_backoff_s: Longest such pause.
        upgrade_s: First pause before better paths than the current one are tried.
        max_upgrade_s: Longest such pause.
        wake_poll_s: Interval between checks for sleep of the machine.
    """

    node_name: str = ""
    is_named: bool = True
    advertised_addresses: tuple[str, ...] = ()
    relay_url: str | None = None
    lobby_url: str | None = None
    allow_unsealed_peers: bool = False
    handshake_timeout_s: float = 10.0
    max_frame_before_auth: int = MAX_FRAME
    max_handshakes: int = 64
    max_peers: int = 256
    limits: Limits = DEFAULT_LIMITS
    invite_ttl_s: float = 24 * 3600.0
    max_invite_ttl_s: float = 30 * 24 * 3600.0
    link_ttl_s: float = 8 * 3600.0
    max_link_ttl_s: float = 30 * 24 * 3600.0
    max_link_guests: int = 64
    max_guests: int = 256
    ping_interval_s: float = 15.0
    head_start_s: float = 0.25
    backoff_s: float = 0.25
    max_backoff_s: float = 60.0
    upgrade_s: float = 5.0
    max_upgrade_s: float = 300.0
    wake_poll_s: float = 2.0


class LocalNode:
    """This node.

    Args:
        identity: The node's key.
        store: The store of peers, invites, grants and settings.
        transports: Ways to reach others.
        policy: Decides about strangers.
        config: Settings.
        clock: Time and random numbers.

    Attributes:
        capabilities: The capabilities that this node announces.
        events: Emits each :class:`.HubEvent`.
        relay_url, lobby_url: Relay and lobby for new invites.
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
        self._learned = _learned_in(store)
        self.relay_url, self.lobby_url = config.relay_url, config.lobby_url
        proposed = None if config.is_named else store.setting(_PROPOSED)
        self._name = clean_name(store.setting(_NAME) or proposed or config.node_name)

    @property
    def node_id(self) -> str:
        """The node id of its key."""
        return self.identity.node_id

    @property
    def name(self) -> str:
        """The cosmetic name."""
        return self._name

    @property
    def is_named(self) -> bool:
        """Whether the user or the configuration has chosen the name."""
        return self.config.is_named or self.store.setting(_NAME) is not None

    def propose_name(self, name: str) -> bool:
        """Use a name until somebody chooses one; return whether that changes the name.

        The first proposal stays, over restarts too, so that peers do not see the name change often.
        """
        cleaned = clean_name(name)
        if not cleaned or self.is_named or self.store.setting(_PROPOSED) is not None:
            return False
        try:
            self.store.set_setting(_PROPOSED, cleaned)
        except StoreError as error:
            log.warning("the name %r is not kept over a restart: %s", cleaned, error)
        is_new, self._name = cleaned != self._name, cleaned
        return is_new

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
        self.store.set_setting(_NAME, cleaned)
        self._name = cleaned

    def addresses(self) -> list[str]:
        """Return this node's addresses: configured, learned, then listening ones."""
        found = [*self.config.advertised_addresses, *self.learned_addresses]
        for transport in self.transports:
            found += transport.addresses()
        return list(dict.fromkeys(found))[:MAX_ADDRESSES]

    @property
    def is_local_only(self) -> bool:
        """Whether no other machine can dial this node."""
        return all(leads_here(address) for address in self.addresses())

    @property
    def learned_addresses(self) -> list[str]:
        """Addresses at which browsers have reached this server, newest first."""
        oldest = self.clock.time() - LEARNED_FOR_S
        return [address for address, at in self._learned.items() if at > oldest]

    def learn_address(self, address: str) -> bool:
        """Store an address at which a browser has reached this server; return whether it is new.

        It is kept over restarts, because after the next start no browser may be open.
        """
        is_new = address not in self.addresses()
        now = self.clock.time()
        if not is_new and now - self._learned.get(address, now) < _LEARNED_ANEW_S:
            return False
        others = [(at, self._learned[at]) for at in self.learned_addresses if at != address]
        self._learned = dict([(address, now), *others][:MAX_LEARNED])
        try:
            self.store.set_setting(_LEARNED, msgspec.json.encode(self._learned).decode())
        except StoreError as error:
            log.warning("%s is not kept over a restart: %s", address, error)
        return is_new

    def announcement(self) -> dict[str, Any]:
        """Return the payload of ``addresses``."""
        return {"addresses": self.addresses(), "node_name": self.name}

    def offer(self, stamp: Callable[[], tuple[str, float]]) -> Offer:
        """Return the offer for one handshake, with fresh secrets.

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
