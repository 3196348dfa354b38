"""What the user can do with the hub: the one implementation behind REST and the control socket.

Both only carry parameters in and results out (:mod:`jupyter_peer.control.operations`). Watching a pane is
the one thing that belongs to a connection, so it is in :mod:`.control_session`.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from ..._version import __version__
from ...control import agents as agent_ops, operations as ops
from ...errors import (
    AmbiguousPeerError,
    BadRequestError,
    KernelGoneError,
    NotEnabledError,
    NotGrantedError,
    PeerError,
    UnknownPeerError,
)
from ...panes.owner.publish import SharePane
from ..control.secrets import BROWSER, Caller
from .chat import ChatDesk
from .lobby import LobbyDesk

if TYPE_CHECKING:
    from ...doctor.doctor import Doctor
    from ...hub.chat import Chats
    from ...hub.hub import PeerHub
    from ...hub.peers import PeerInfo
    from ...lobby_client.lobby import LobbyClient
    from ...panes.owner.publish import PanePublisher
    from ...panes.viewer.watch import PaneWatcher
    from ..control.agents import ConnectionAgents
    from ..node.kernels import ServerKernels
    from .agents import NodeAgents

OnProgress = Callable[[dict[str, Any]], None]
#: Operations that only look, or that programs repeat by themselves: no sign of a user at work.
QUIET = frozenset(
    {"identity", "invites", "peers", "panes", "ping", "ack", "close", "metrics", "audit"}
    | {"lobby", "lobby_who", "rooms", "chats", "agents", "approvals", "read"}
)
#: A connection is told of without its round trip when that takes longer.
FIRST_PING_S = 2.0


class Call(msgspec.Struct, frozen=True):
    """Who asks for an operation, and where its progress goes.

    Attributes:
        caller: Who it is.
        on_progress: Takes steps on the way; some may be left out for one who does not read.
        tell: Takes what must not be left out; returns when the next may come.
        agents: Those of the connection; None without one.
    """

    caller: Caller = BROWSER
    on_progress: OnProgress | None = None
    tell: Callable[[Mapping[str, Any]], Awaitable[None]] | None = None
    agents: ConnectionAgents | None = None


class Operations:
    """Runs operations on one hub.

    Args:
        hub: The node.
        publisher: Its own panes.
        watcher: The panes of others.
        kernels: Which kernels there are to share from.
        agents: Its agents, and the way to those of others.
        on_activity: Called when the user does something.
        on_change: Called with the topics that an operation has changed besides the hub's own events.
        doctor: Examines the node; None leaves that out.
        lobby: The lobby the node is at; None without one.
        chats: Its conversations with peers; None leaves that out.
    """

    def __init__(
        self,
        hub: PeerHub,
        publisher: PanePublisher,
        watcher: PaneWatcher,
        kernels: ServerKernels,
        agents: NodeAgents,
        on_activity: Callable[[], None] = lambda: None,
        on_change: Callable[..., None] = lambda *topics: None,
        doctor: Doctor | None = None,
        lobby: LobbyClient | None = None,
        chats: Chats | None = None,
    ) -> None:
        self.lobby = LobbyDesk(lobby, hub, self._audit_act, lambda: on_change("lobby"))
        self.chat = ChatDesk(chats, hub, self._id_of)
        self.hub = hub
        self.publisher = publisher
        self.watcher = watcher
        self.agents = agents
        #: Panes that kernels of this server watch, by owner and name.
        self.kernel_watches: Counter[tuple[str, str]] = Counter()
        self._kernels = kernels
        self._on_activity = on_activity
        self._on_change = on_change
        self._doctor = doctor
        self.under_way = 0
        self._methods: dict[str, Callable[[Any, Call], Any]] = {
            "identity": lambda _, call: self.me(),
            "set_name": self._set_name,
            "invite": self._invite,
            "invites": self._invites,
            "revoke_invite": self._revoke_invite,
            "pair": self._pair,
            "connect": self._connect,
            "peers": lambda _, call: self.peers(),
            "disconnect": self._disconnect,
            "block": self._block,
            "unblock": self._unblock,
            "forget": self._forget,
            "alias": self._alias,
            "ping": self._ping,
            "panes": lambda _, call: self.panes(),
            "share": self._share,
            "grant": self._grant,
            "unshare": self._unshare,
            "read": self._read,
            "metrics": self._metrics,
            "audit": self._audit,
            "doctor": self._examine,
            **self.lobby.methods,
            **self.chat.methods,
            **agents.methods,
        }

    async def run(
        self,
        op: str,
        params: Mapping[str, Any],
        call: Call = Call(),  # noqa: B008 - immutable
    ) -> msgspec.Struct:
        """Run one operation.

        Args:
            op: A key of :data:`jupyter_peer.control.operations.OPS`.
            params: As they came from outside.
            call: Who asks.

        Raises:
            PeerError: The parameters do not fit, or the operation's own error.
        """
        checked = ops.check_params(op, params)
        if op not in self._methods:
            raise BadRequestError(f"{op} belongs to an open control socket")
        is_act = op not in QUIET
        if is_act:
            self._on_activity()
        self.under_way += is_act
        try:
            result = self._methods[op](checked, call)
            if isinstance(result, Awaitable):
                result = await result
        finally:
            self.under_way -= is_act
            if is_act:
                self._on_activity()
        assert isinstance(result, msgspec.Struct)
        return result

    # Looking

    def me(self) -> ops.SelfModel:
        """Return this node as its user sees it."""
        hub = self.hub
        return ops.SelfModel(
            node_id=hub.node_id,
            public_key=hub.identity.public_key_b64,
            fingerprint=hub.identity.fingerprint,
            node_name=hub.node_name,
            capabilities=list(hub.capabilities),
            addresses=hub.addresses(),
            version=__version__,
        )

    def peers(self) -> ops.PeersResult:
        """Return everybody this node knows."""
        offered = self._offered_names()
        return ops.PeersResult(
            self.me(),
            [_peer_model(peer, offered.get(peer.node_id, [])) for peer in self.hub.peers()],
            self._found(),
        )

    def _found(self) -> list[ops.FoundModel]:
        known = {peer.node_id for peer in self.hub.peers()}
        return [
            ops.FoundModel(
                node_id=node.node_id,
                node_name=node.node_name,
                source=node.source,
                addresses=node.addresses,
            )
            for node in self.hub.found_nodes()
            if node.node_id not in known
        ]

    def panes(self) -> ops.PanesResult:
        """Return own panes and those offered."""
        return ops.PanesResult(self.publisher.mine(), self.watcher.offered())

    def _offered_names(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for pane in self.watcher.offered():
            names.setdefault(pane["peer"]["node_id"], []).append(pane["name"])
        return names

    def _peer(self, node_id: str) -> ops.PeerResult:
        panes = self._offered_names().get(node_id, [])
        return ops.PeerResult(_peer_model(self.hub.peer(node_id), panes))

    def _id_of(self, text: str) -> str:
        return self.hub.find_peer(text).node_id

    def _id_to_dial(self, text: str) -> str:
        """Return the id of a peer, or of the one found node that has this id or name."""
        try:
            return self._id_of(text)
        except UnknownPeerError:
            wanted = text.strip().casefold()
            fits = {
                node.node_id
                for node in self._found()
                if wanted in (node.node_id, node.node_name.casefold())
            }
            if len(fits) > 1:
                raise AmbiguousPeerError(
                    f"more than one node was found by this name: {', '.join(sorted(fits))}"
                ) from None
            if not fits:
                raise
            return fits.pop()

    def _invites(self, params: ops.NoParams, call: Call) -> ops.InvitesResult:
        fields = ops.InviteModel.__struct_fields__
        return ops.InvitesResult(
            [
                ops.InviteModel(**{name: getattr(invite, name) for name in fields})
                for invite in self.hub.invites()
            ]
        )

    def _metrics(self, params: ops.NoParams, call: Call) -> ops.MetricsResult:
        return ops.MetricsResult(self.hub.metrics())

    def _audit(self, params: ops.AuditParams, call: Call) -> ops.AuditResult:
        return ops.AuditResult(
            [
                ops.AuditModel(entry.at, entry.kind, entry.peer, entry.detail)
                for entry in self.hub.store.audit(params.limit)
            ]
        )

    async def _examine(self, params: ops.DoctorParams, call: Call) -> ops.DoctorResult:
        if self._doctor is None:
            raise NotEnabledError("there is no doctor here")
        at, started = time.time(), time.monotonic()
        node_id = None if params.peer is None else self._id_of(params.peer)
        report = call.on_progress or (lambda step: None)
        findings = await self._doctor.examine(node_id, report)
        return ops.DoctorResult(
            findings,
            None if node_id is None else self._peer(node_id).peer,
            at,
            round(time.monotonic() - started, 3),
        )

    def _audit_act(self, kind: str, peer: str | None, detail: dict[str, Any] | None = None) -> None:
        self.hub.store.add_audit(kind, peer, detail or {}, time.time())

    # This node

    def _set_name(self, params: ops.SetNameParams, call: Call) -> ops.SelfModel:
        self.hub.set_node_name(params.name)
        self._on_change("peers")
        return self.me()

    def _invite(self, params: ops.InviteParams, call: Call) -> ops.InviteResult:
        minted = self.hub.mint_invite(params.ttl_s, params.note)
        self._audit_act("invite_minted", None, {"invite": minted.id, "expires": minted.expires})
        self._on_change("invites")
        return ops.InviteResult(minted.text, minted.id, minted.expires)

    def _revoke_invite(self, params: ops.RevokeInviteParams, call: Call) -> ops.Done:
        self.hub.revoke_invite(params.id)
        self._audit_act("invite_revoked", None, {"invite": params.id})
        self._on_change("invites")
        return ops.Done()

    # Peers

    async def _pair(self, params: ops.PairParams, call: Call) -> ops.PeerResult:
        peer = await self.hub.pair(params.invite, on_progress=call.on_progress)
        self._audit_act("peer_paired", peer.node_id, {"address": peer.address})
        return await self._measured(peer.node_id)

    async def _connect(self, params: ops.ConnectParams, call: Call) -> ops.PeerResult:
        node_id = None if params.node_id is None else self._id_to_dial(params.node_id)
        peer = await self.hub.connect(
            node_id=node_id, address=params.address, on_progress=call.on_progress
        )
        return await self._measured(peer.node_id)

    async def _measured(self, node_id: str) -> ops.PeerResult:
        """Return a peer that has just connected, with the round trip people want to see."""
        with contextlib.suppress(PeerError):
            await self.hub.ping(node_id, FIRST_PING_S)
        return self._peer(node_id)

    async def _disconnect(self, params: ops.PeerParams, call: Call) -> ops.PeerResult:
        node_id = self._id_of(params.peer)
        await self.hub.disconnect(node_id)
        return self._peer(node_id)

    async def _block(self, params: ops.PeerParams, call: Call) -> ops.PeerResult:
        node_id = self._id_of(params.peer)
        await self.hub.block(node_id)
        self._audit_act("peer_blocked", node_id)
        return self._peer(node_id)

    def _unblock(self, params: ops.PeerParams, call: Call) -> ops.PeerResult:
        node_id = self._id_of(params.peer)
        self.hub.unblock(node_id)
        self._audit_act("peer_unblocked", node_id)
        return self._peer(node_id)

    async def _forget(self, params: ops.PeerParams, call: Call) -> ops.Done:
        node_id = self._id_of(params.peer)
        name = self.hub.peer(node_id).label
        await self.hub.forget(node_id)
        self._audit_act("peer_forgotten", node_id, {"name": name})
        return ops.Done()

    def _alias(self, params: ops.AliasParams, call: Call) -> ops.PeerResult:
        node_id = self._id_of(params.peer)
        self.hub.set_alias(node_id, params.alias)
        return self._peer(node_id)

    async def _ping(self, params: ops.PeerParams, call: Call) -> ops.PingResult:
        seconds = await self.hub.ping(self._id_of(params.peer))
        return ops.PingResult(seconds * 1000)

    # Panes

    async def _share(self, params: ops.ShareParams, call: Call) -> ops.PaneResult:
        kernel_id = params.kernel_id or call.caller.kernel_id
        if kernel_id is None:
            raise BadRequestError("kernel_id says whose output is shared; it is missing")
        if call.caller.kernel_id not in (None, kernel_id):
            raise NotGrantedError(
                "a kernel can share its own outputs only", hint="leave kernel_id out"
            )
        if kernel_id not in self._kernels:
            raise KernelGoneError
        kind, key = ("cell", params.cell) if params.cell else ("display", params.display)
        assert key is not None
        pane = await self.publisher.share(
            SharePane(params.name, params.title, kernel_id, {kind: key}),
            with_=[self._id_of(peer) for peer in params.with_],
            grant=params.grant,
        )
        return ops.PaneResult(msgspec.to_builtins(pane))

    def _read(self, params: ops.PaneParams, call: Call) -> agent_ops.TurnPaneResult:
        return agent_ops.TurnPaneResult(self.publisher.outputs(params.name))

    def _grant(self, params: ops.GrantParams, call: Call) -> ops.PaneResult:
        pane = self.publisher.grant(params.name, self._id_of(params.peer), params.grant)
        return ops.PaneResult(msgspec.to_builtins(pane))

    def _unshare(self, params: ops.PaneParams, call: Call) -> ops.Done:
        self.publisher.unshare(params.name)
        return ops.Done()


def _peer_model(peer: PeerInfo, panes: list[str]) -> ops.PeerModel:
    fields = {
        name: getattr(peer, name) for name in ops.PeerModel.__struct_fields__ if name != "panes"
    }
    return ops.PeerModel(**fields, panes=panes)
