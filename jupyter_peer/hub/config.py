"""The settings of a hub, each a trait of ``PeerExtension``."""

from __future__ import annotations

import msgspec

from ..wire.link.channel import DEFAULT_LIMITS, Limits
from ..wire.link.handshake import MAX_FRAME


class HubConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a hub; durations in seconds.

    Attributes:
        node_name: Cosmetic name; the store's setting, when there is one, is stronger.
        advertised_addresses: Where peers can dial this node, best first, as its owner says.
        relay_url: Relay that invites carry.
        lobby_url: Lobby that invites carry.
        allow_unsealed_peers: Whether nodes of the original system may connect.
        handshake_timeout_s: After this a handshake is given up.
        max_frame_before_auth: Bytes of the largest frame of a handshake, by whatever transport.
        max_handshakes: Incoming handshakes under way at once.
        max_peers: Peers remembered.
        limits: Of each link.
        invite_ttl_s: Life of an invite when nothing else is said.
        max_invite_ttl_s: Longest life of an invite.
        ping_interval_s: Between pings; two that are not answered end the link.
        head_start_s: What a better address is ahead of the next when several are tried.
        backoff_s: First pause before a lost link is dialled again.
        max_backoff_s: Longest such pause.
        upgrade_s: First pause before better paths than the one in use are tried.
        max_upgrade_s: Longest such pause.
        wake_poll_s: How often it is looked whether the machine was asleep.
    """

    node_name: str = ""
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
    ping_interval_s: float = 15.0
    head_start_s: float = 0.25
    backoff_s: float = 0.25
    max_backoff_s: float = 60.0
    upgrade_s: float = 5.0
    max_upgrade_s: float = 300.0
    wake_poll_s: float = 2.0
