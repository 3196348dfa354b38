"""Operations on peers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import msgspec

from ..._version import __version__
from ...control.fields import Done, NoParams
from ...control.rows import peers as rows
from ...control.rows.invites import PAIR, PairParams
from ...errors import AmbiguousPeerError, BadRequestError, PeerError, UnknownPeerError
from ...hub.hub import PeerHub
from ...hub.info import PeerInfo
from ...panes.viewer.watch import PaneWatcher
from ...phrase import phrase
from ...sockets.guest_page import guest_page
from ...wire.codes.code import Code
from ..call import Call, serves
from .codes import Codes
from .group import Group

#: A new connection is reported without its round trip if measuring that takes longer.
FIRST_PING_S = 2.0


class PeerOperations(Group):
    """Lists, pairs, dials, renames, blocks and forgets peers.

    Args:
        hub: The node.
        on_change: See :class:`.Group`.
        watcher: Knows the panes that peers offer.
        codes: Uses received codes.
    """

    def __init__(
        self, hub: PeerHub, on_change: Callable[..., None], watcher: PaneWatcher, codes: Codes
    ) -> None:
        super().__init__(hub, on_change)
        self._watcher = watcher
        self._codes = codes

    def me(self) -> rows.SelfModel:
        """Return this node as its user sees it."""
        hub, page = self.hub, guest_page()
        return rows.SelfModel(
            node_id=hub.node_id,
            public_key=hub.identity.public_key_b64,
            fingerprint=hub.identity.fingerprint,
            node_name=hub.node_name,
            named=hub.is_named,
            capabilities=list(hub.capabilities),
            addresses=hub.addresses(),
            version=__version__,
            guest_page=page.digest if page is not None else None,
        )

    def all(self) -> rows.PeersResult:
        """Return all known and all discovered nodes."""
        offered = self._offered_names()
        return rows.PeersResult(
            self.me(),
            [_peer_model(peer, offered.get(peer.node_id, [])) for peer in self.hub.peers()],
            self._found(),
        )

    def result(self, node_id: str) -> rows.PeerResult:
        """Return the current description of a peer."""
        panes = self._offered_names().get(node_id, [])
        return rows.PeerResult(_peer_model(self.hub.peer(node_id), panes))

    def _found(self) -> list[rows.FoundModel]:
        known = {peer.node_id for peer in self.hub.peers()}
        return [
            rows.FoundModel(
                node_id=node.node_id,
                node_name=node.node_name,
                source=node.source,
                addresses=node.addresses,
            )
            for node in self.hub.found_nodes()
            if node.node_id not in known
        ]

    def _offered_names(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for pane in self._watcher.offered():
            names.setdefault(pane["peer"]["node_id"], []).append(pane["name"])
        return names

    def _id_to_dial(self, text: str) -> str:
        """Return the id of a peer, or of the one discovered node that has this id or name."""
        try:
            return self.id_of(text)
        except UnknownPeerError:
            wanted = text.strip().casefold()
            fits = {
                node.node_id
                for node in self._found()
                if wanted in (node.node_id, node.node_name.casefold())
            }
            if len(fits) > 1:
                raise AmbiguousPeerError(
                    phrase(
                        "more than one discovered node has this name: {names}",
                        names=", ".join(sorted(fits)),
                    ),
                    hint="give the node id",
                ) from None
            if not fits:
                raise
            return fits.pop()

    @serves(rows.PEERS)
    def _peers(self, params: NoParams, call: Call) -> rows.PeersResult:
        return self.all()

    @serves(PAIR)
    async def _pair(self, params: PairParams, call: Call) -> rows.PeerResult:
        code = Code.from_text(params.invite)
        invite = params.invite if code is None else await self._codes.invite_of(code)
        peer = await self.hub.pair(invite, on_progress=call.on_progress)
        self.audit("peer_paired", peer.node_id, address=peer.address)
        return await self._measured(peer.node_id)

    @serves(rows.CONNECT)
    async def _connect(self, params: rows.ConnectParams, call: Call) -> rows.PeerResult:
        node_id = None if params.node_id is None else self._id_to_dial(params.node_id)
        peer = await self.hub.connect(
            node_id=node_id, address=params.address, on_progress=call.on_progress
        )
        return await self._measured(peer.node_id)

    async def _measured(self, node_id: str) -> rows.PeerResult:
        """Measure the round trip of a new connection, and return the peer."""
        with contextlib.suppress(PeerError):
            await self.hub.ping(node_id, FIRST_PING_S)
        return self.result(node_id)

    @serves(rows.DISCONNECT)
    async def _disconnect(self, params: rows.PeerParams, call: Call) -> rows.PeerResult:
        node_id = self.id_of(params.peer)
        await self.hub.disconnect(node_id)
        return self.result(node_id)

    @serves(rows.BLOCK)
    async def _block(self, params: rows.PeerParams, call: Call) -> rows.PeerResult:
        node_id = self.id_of(params.peer)
        await self._set_blocked(node_id, True)
        return self.result(node_id)

    @serves(rows.UNBLOCK)
    async def _unblock(self, params: rows.PeerParams, call: Call) -> rows.PeerResult:
        node_id = self.id_of(params.peer)
        await self._set_blocked(node_id, False)
        return self.result(node_id)

    @serves(rows.FORGET)
    async def _forget(self, params: rows.PeerParams, call: Call) -> Done:
        node_id = self.id_of(params.peer)
        name = self.hub.peer(node_id).label
        await self.hub.forget(node_id)
        self.audit("peer_forgotten", node_id, name=name)
        return Done()

    @serves(rows.ALIAS)
    def _alias(self, params: rows.AliasParams, call: Call) -> rows.PeerResult:
        node_id = self.id_of(params.peer)
        self.hub.set_alias(node_id, params.alias)
        return self.result(node_id)

    @serves(rows.CHANGE_PEER)
    async def _change(self, params: rows.ChangePeerParams, call: Call) -> rows.PeerResult:
        # By its id, because the change may have removed the name in the request.
        node_id = self.id_of(params.peer)
        if params.alias is msgspec.UNSET and params.blocked is msgspec.UNSET:
            raise BadRequestError("there is nothing to change", hint="give alias, blocked or both")
        if params.alias is not msgspec.UNSET:
            self.hub.set_alias(node_id, params.alias)
        if params.blocked is not msgspec.UNSET:
            await self._set_blocked(node_id, params.blocked)
        return self.result(node_id)

    async def _set_blocked(self, node_id: str, is_blocked: bool) -> None:
        if is_blocked:
            await self.hub.block(node_id)
        else:
            self.hub.unblock(node_id)
        self.audit("peer_blocked" if is_blocked else "peer_unblocked", node_id)

    @serves(rows.PING)
    async def _ping(self, params: rows.PeerParams, call: Call) -> rows.PingResult:
        seconds = await self.hub.ping(self.id_of(params.peer))
        return rows.PingResult(seconds * 1000)


def _peer_model(peer: PeerInfo, panes: list[str]) -> rows.PeerModel:
    fields = msgspec.structs.asdict(peer) | {"panes": panes}
    return msgspec.convert(fields, rows.PeerModel)
