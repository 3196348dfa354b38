"""All settings of the extension, as traits: ``c.PeerExtension.x = ...``, ``--PeerExtension.x=...``.

Traits check the types of values. A value that cannot be used stops the node when it starts. The log
and every answer then have the reason, and Jupyter itself keeps running.
"""

from __future__ import annotations

import os
from pathlib import Path

from traitlets import Bool, Float, Int, Unicode, default, validate

from ...directory import DEFAULT_INTERVAL_S
from ...errors import BadAddressError, BadRequestError
from ...hub.local_node import HubConfig
from ...phrase import phrase
from ...wire.addresses import (
    RELAY_SCHEME,
    lobby_name,
    lobby_urls,
    normalize_address,
    relay_address,
    relay_urls,
)
from ...wire.link.channel import DEFAULT_LIMITS, Limits
from ...wire.link.handshake import MAX_FRAME
from ..node.jupyterhub import address_at_hub
from ..node.names import name_of_user
from .agents import AgentSettings
from .texts import Texts
from .tolerant import TolerantSettings

LOBBY_OFF = "off"


class PeerSettings(AgentSettings, TolerantSettings):
    """The settings of ``PeerExtension``."""

    node_name = Unicode(
        help="""Name under which peers see this node; any text of up to 64 characters.

        It is cosmetic: peers are identified by their keys. A name set with `%peer name` takes
        precedence. The default is your name: the one that Jupyter knows (`/api/me`),
        `JUPYTERHUB_USER` (with the name of a named server), or that of your account."""
    ).tag(config=True)

    data_dir = Unicode(
        help="""Directory of identity, peers, invites and audit log. Only this user may write to it.

        The default is `peer` in Jupyter's data directory. A second server of the same user that
        finds it in use takes `peer-2`, and is a separate node. A named server of a JupyterHub has
        `peer-server-NAME`."""
    ).tag(config=True)

    trust_mode = Unicode(
        "manual",
        help="""Who may connect besides known peers and those who redeem an invite.

        `manual`: nobody. `open-lan`: everybody in the local network, for demonstrations in networks
        where everybody is trusted. `directory`: the members of a directory (`directory_url`), for
        as long as it lists them.""",
    ).tag(config=True)

    enable_direct = Bool(
        True,
        help="""Whether peers can connect directly: to this server's own port at `peer-ws`, and from
        here to theirs.""",
    ).tag(config=True)

    peer_listen = Unicode(
        "",
        help="""Extra address to listen on for peers, such as `0.0.0.0:9797`; empty for none.

        Only the peer wire is served there, so this port can be open to others while
        Jupyter itself stays on localhost.""",
    ).tag(config=True)

    advertised_addresses = Texts(
        help="""Addresses under which peers can reach this node, best first, as `host:port`,
        `ws://host:port/peer-ws` or `wss://host/base/peer-ws`.

        Invites list them before the addresses that the server finds. Needed when a router
        forwards a port, or a proxy is in front. The public URL that a JupyterHub gives its
        servers (`JUPYTERHUB_PUBLIC_URL`) is added automatically.""",
    ).tag(config=True)

    allow_unsealed_peers = Bool(
        False,
        help="""Whether peers may connect that sign their messages but do not seal them.

        Relays and proxies on the path can read such messages.""",
    ).tag(config=True)

    relay_url = Unicode(
        "",
        help="""URL of the relay over which peers can reach this node, such as `wss://relay.example`;
        empty for none. If a relay has several brokers, give the URLs of all, with commas
        between them: the first that answers is used, and the next after a failure.

        Invites contain it. The relays of peers are used as well.""",
    ).tag(config=True)

    relay_certificate = Unicode(
        "",
        help="""PEM file of a certificate to trust when connecting to relays, beside those of the
        system; for a relay with a self-signed certificate.""",
    ).tag(config=True)

    lobby_url = Unicode(
        "",
        help="""URL of the lobby where people meet in rooms and see who is online, such as
        `wss://relay.example`; when empty, the one of `relay_url`; `off` for none.

        Nothing is sent to it before you use it, except that `enable_webrtc` keeps
        a connection for signals. `%peer lobby on` shows this node to everybody there.""",
    ).tag(config=True)

    allow_pane_sites = Bool(
        True,
        help="""Whether a user can let a pane load scripts, styles, pictures and fonts from known
        public sites, such as `cdn.jsdelivr.net`. JupyterLab asks for each site. Without it, panes
        have no network at all.""",
    ).tag(config=True)

    enable_lan = Bool(
        False,
        help="""Whether this node announces itself in the local network by mDNS, and finds others.

        Everybody in the network then sees its name, its id and where it listens. Peers connect by
        themselves; strangers are listed, and connected under `trust_mode="open-lan"` only.""",
    ).tag(config=True)

    enable_webrtc = Bool(
        False,
        help="""Whether links can cross routers by WebRTC; needs `lobby_url` and the extra `webrtc`.

        The lobby and the peer then see this machine's network addresses.""",
    ).tag(config=True)

    stun_servers = Texts(
        help="""STUN servers, as `stun:host:3478`, that tell this node its address outside its router.

        Each attempt asks one of them, in turn. There is none by default, so that no server learns
        of this node unless you chose it.""",
    ).tag(config=True)

    turn_url = Unicode(
        "",
        help="""TURN server, as `turn:host:3478` or `turns:host:5349?transport=tcp`. It forwards
        packets between routers that allow nothing else, and sees only sealed packets.""",
    ).tag(config=True)

    turn_username = Unicode("", help="User name at the TURN server.").tag(config=True)

    turn_credential = Unicode(
        "",
        help="""Password at the TURN server. Set it in the configuration file: the command line
        of a program is visible to all users of its machine.""",
    ).tag(config=True, is_secret=True)

    directory_url = Unicode(
        "",
        help="""URL of the directory whose members may connect under `trust_mode` `directory`, such
        as `https://host/directory.json` or `file:///path/directory.json`; `http` only on this
        machine.""",
    ).tag(config=True)

    directory_key = Unicode(
        "",
        help="""Public key that must have signed the directory, base64, as `jupyter peer directory
        init` prints it.""",
    ).tag(config=True)

    directory_groups = Texts(
        help="""Groups of the directory whose members may connect; empty for all its members.""",
    ).tag(config=True)

    directory_refresh_s = Float(
        DEFAULT_INTERVAL_S,
        min=1.0,
        help="""Seconds between two downloads of the directory, plus or minus a fifth. A node that
        was removed from it is disconnected after the next one.""",
    ).tag(config=True)

    max_frame_before_auth = Int(
        MAX_FRAME,
        min=1024,
        max=MAX_FRAME,
        help="""Bytes of the largest frame that a node may send during the handshake. The protocol
        allows no more than the default.""",
    ).tag(config=True)

    max_message = Int(
        DEFAULT_LIMITS.max_message, min=64 * 1024, help="Bytes of the largest message of a peer."
    ).tag(config=True)

    max_unconsumed = Int(
        DEFAULT_LIMITS.max_unconsumed,
        min=64 * 1024,
        help="""Most bytes under way to a peer that it has not consumed yet; the rest waits. Less
        than 512 KiB counts as 512 KiB.""",
    ).tag(config=True)

    max_send_queue = Int(
        DEFAULT_LIMITS.max_queued,
        min=64 * 1024,
        help="Most bytes that may wait for a peer; then the link is closed and dialled again.",
    ).tag(config=True)

    handshake_timeout_s = Float(10.0, min=0.1, help="Most seconds a handshake may take.").tag(
        config=True
    )

    max_handshakes = Int(64, min=1, help="Most handshakes of strangers under way at once.").tag(
        config=True
    )

    max_peers = Int(256, min=1, help="Most peers that this node knows.").tag(config=True)

    max_panes = Int(64, min=1, help="Most panes that this node shares at once.").tag(config=True)

    max_viewers = Int(64, min=1, help="Most viewers of one pane at once.").tag(config=True)

    max_guests = Int(
        256, min=1, help="Most browsers that may have guest links of this node open at once."
    ).tag(config=True)

    invite_ttl_s = Float(24 * 3600.0, min=1, help="Default lifetime of an invite, in seconds.").tag(
        config=True
    )

    max_invite_ttl_s = Float(
        30 * 24 * 3600.0, min=1, help="Longest lifetime of an invite, in seconds."
    ).tag(config=True)

    @default("node_name")
    def _default_node_name(self) -> str:
        return name_of_user(os.environ)

    @validate("data_dir")
    def _whole_path(self, proposal: dict[str, str]) -> str:
        return str(Path(proposal["value"]).expanduser().absolute())

    def hub_config(self) -> HubConfig:
        """Return the settings of the hub.

        Raises:
            BadRequestError: A setting cannot be used.
        """
        if self.invite_ttl_s > self.max_invite_ttl_s:
            raise BadRequestError("invite_ttl_s is longer than max_invite_ttl_s")
        return HubConfig(
            node_name=self.node_name,
            is_named=self.is_configured("node_name"),
            advertised_addresses=self._outer_addresses(),
            relay_url=self._relay_url(),
            lobby_url=lobby_name(self.lobby_urls()) or None,
            allow_unsealed_peers=self.allow_unsealed_peers,
            handshake_timeout_s=self.handshake_timeout_s,
            max_frame_before_auth=self.max_frame_before_auth,
            max_handshakes=self.max_handshakes,
            max_peers=self.max_peers,
            max_guests=self.max_guests,
            limits=Limits(
                max_message=self.max_message,
                max_unconsumed=self.max_unconsumed,
                max_queued=self.max_send_queue,
            ),
            invite_ttl_s=self.invite_ttl_s,
            max_invite_ttl_s=self.max_invite_ttl_s,
        )

    def _outer_addresses(self) -> tuple[str, ...]:
        """Return this node's addresses from the configuration or from its JupyterHub."""
        at_hub = address_at_hub(os.environ) if self.enable_direct else None
        return (*dict.fromkeys([*self._advertised(), *([at_hub] if at_hub else [])]),)

    def _relay_url(self) -> str | None:
        if not self.relay_url:
            return None
        try:
            return relay_address(relay_urls(self.relay_url)).removeprefix(RELAY_SCHEME)
        except BadAddressError as error:
            raise BadAddressError(
                phrase("relay_url cannot be {relay_url}", relay_url=repr(self.relay_url)),
                hint='write it as "wss://relay.example" or "ws://host:9000"',
            ) from error

    @property
    def is_lobby_off(self) -> bool:
        """Whether ``lobby_url`` rules a lobby out, also that of the relay."""
        return self.lobby_url.strip() == LOBBY_OFF

    def lobby_urls(self) -> list[str]:
        """Return the URLs of the lobby; empty without a lobby.

        Raises:
            BadAddressError: ``lobby_url`` is not a URL of a lobby.
        """
        text = self.lobby_url.strip() or self.relay_url
        if not text or self.is_lobby_off:
            return []
        try:
            return lobby_urls(text)
        except BadAddressError as error:
            raise BadAddressError(
                phrase("lobby_url cannot be {text}", text=repr(text)),
                hint='write it as "wss://relay.example" or "ws://host:9000", or "off" for none',
            ) from error

    def _advertised(self) -> list[str]:
        try:
            return [normalize_address(text) for text in self.advertised_addresses]
        except BadAddressError as error:
            raise BadAddressError(
                phrase(
                    "advertised_addresses has an entry that cannot be dialled: {address}",
                    address=repr(self.advertised_addresses),
                )
            ) from error
