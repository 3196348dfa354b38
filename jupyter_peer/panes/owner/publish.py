"""A node's own panes: their grants and their content.

Above is the server, which shares panes for the user. Below are the hub and the taps on kernels. Grants
are checked only here, and never read from a viewer's message. The store keeps them by the pane's name,
so they outlive kernel and server.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ...errors import (
    BadRequestError,
    BlockedError,
    BusyError,
    KernelGoneError,
    PaneExistsError,
    PeerError,
    UnknownPaneError,
)
from ...hub.hub import PeerHub
from ...hub.info import HubEvent
from ...phrase import phrase
from ...primitives.signal import Signal
from ...store.records import Grant
from ...wire.payloads.panes import MAX_PANES, MAX_TITLE, check_pane_name
from ..kernel.source import PaneSource
from .cells import NotebookCells
from .delivery import Delivery
from .input.inputs import PaneInputs
from .input.rules import OTHER_WIDGETS
from .installed import installed_folders
from .kernels import HeardKernels, Tap
from .modules import PaneModules
from .notices import PaneNotices
from .pane import OwnPane, PaneInfo, SharePane
from .requests import PaneRequests

__all__ = ["PaneInfo", "PanePublisher", "SharePane"]

log = logging.getLogger(__name__)

Json = dict[str, Any]

MAX_VIEWERS = 64


class PanePublisher:
    """Shares panes of this node's kernels with peers.

    Args:
        hub: The node.
        taps: Returns the tap of a kernel; raises KernelGoneError if there is no such kernel.
        clock: Returns epoch seconds.
        max_panes: Highest number of panes shared at once.
        max_viewers: Highest number of viewers of one pane.
        module_folders: Returns the folders with the code of widgets.

    Attributes:
        kernels: The kernels that its panes listen to.
        cells: The cells of notebooks that its panes stay with.
    """

    def __init__(
        self,
        hub: PeerHub,
        taps: Callable[[str], Tap],
        *,
        clock: Callable[[], float] = time.time,
        max_panes: int = MAX_PANES,
        max_viewers: int = MAX_VIEWERS,
        module_folders: Callable[[], Iterable[Path]] = installed_folders,
    ) -> None:
        self._hub = hub
        self._clock = clock
        self._max_panes = max_panes
        self._panes: dict[str, OwnPane] = {}
        self.kernels = HeardKernels(taps)
        self._changes = Signal[[]]("own panes changed")
        self.cells = NotebookCells(self._panes, self.kernels, self._tell)
        self._delivery = Delivery(hub)
        self._notices = PaneNotices(hub)
        self._sharing: dict[str, asyncio.Lock] = {}
        self._unsubscribe = hub.subscribe(self._on_hub_event)
        self._requests = PaneRequests(
            hub, self._panes, self._stored_grants, max_viewers, self._tell
        )
        self._inputs = PaneInputs(hub, self._requests.granted, self._note)
        self._modules = PaneModules(hub, self._requests.granted, module_folders)

    async def close(self) -> None:
        """Stop listening to kernels; stored grants stay. May be called twice."""
        self._unsubscribe()
        self.kernels.close()
        for pane in self._panes.values():
            pane.unsubscribe()
            pane.audience.groups.close()
        self._panes.clear()
        await self._delivery.close()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back when :meth:`mine` has changed, revisions aside; return a function to stop it."""
        return self._changes.connect(listener)

    # Operations of the user.

    def mine(self) -> list[Json]:
        """Return all own panes. Those whose kernel has ended are included: their grants still hold."""
        stored = {record.name: record for record in self._hub.store.panes()}
        infos = [self._info(pane) for pane in self._panes.values()]
        infos += [
            PaneInfo(
                name=record.name,
                title=record.title,
                rev=0,
                status="ended",
                since=record.created,
                kernel_id=None,
                viewers=[],
                grants=dict(record.grants),
            )
            for record in stored.values()
            if record.name not in self._panes
        ]
        return [msgspec.to_builtins(info) for info in infos]

    def granted(self, node_id: str) -> list[OwnPane]:
        """Return the panes that a peer may see now, including those whose kernel has just ended."""
        panes = self._panes.values()
        return [pane for pane in panes if node_id in pane.grants and pane.source is not None]

    def outputs(self, name: str) -> list[Json]:
        """Return the current outputs of an own pane in the form of nbformat; do not change them.

        Raises:
            UnknownPaneError: No pane has this name, or its kernel has ended.
        """
        pane = self._panes.get(name)
        if pane is None or pane.source is None:
            raise UnknownPaneError(phrase("this node shares no live pane {name}", name=repr(name)))
        return pane.state.outputs.outputs

    async def share(
        self, pane: SharePane, with_: Iterable[str] = (), grant: str = "view"
    ) -> PaneInfo:
        """Share a pane; returns when no output of the kernel can be missed.

        A pane of the same name and kernel gets the new content and keeps its viewers. Earlier
        grants stay valid.

        Args:
            pane: The pane.
            with_: Node ids of peers who may see it.
            grant: Their grant, ``view`` or ``interact``.

        Raises:
            BadNameError, BadRequestError: The name, title, source or grant cannot be used.
            UnknownPeerError, BlockedError: A peer in ``with_`` is unknown or blocked.
            PaneExistsError: Another kernel shares a pane of this name.
            BusyError: Too many panes are shared already.
            KernelGoneError, PeerTimeoutError: The kernel cannot be listened to.
        """
        check_pane_name(pane.name)
        if len(pane.title) > MAX_TITLE:
            raise BadRequestError(phrase("a title has at most {most} characters", most=MAX_TITLE))
        if pane.other_widgets not in (None, *OTHER_WIDGETS):
            raise BadRequestError(
                phrase(
                    "there is no choice {other_widgets} for other_widgets",
                    other_widgets=repr(pane.other_widgets),
                ),
                hint=phrase(
                    "other_widgets is one of {choices}",
                    choices=", ".join(OTHER_WIDGETS),
                ),
            )
        _check_grant(grant)
        node_ids = list(dict.fromkeys(with_))
        for node_id in node_ids:
            self._check_peer(node_id)
        # A slow kernel delays only calls that share a pane of the same name.
        turn = self._sharing.setdefault(pane.name, asyncio.Lock())
        try:
            async with turn:
                self._check_free(pane)
                return await self._share(pane, node_ids, grant)
        finally:
            if not turn.locked() and self._sharing.get(pane.name) is turn:
                del self._sharing[pane.name]

    def _check_free(self, pane: SharePane) -> None:
        known = self._panes.get(pane.name)
        if known is not None and not known.is_ended:
            if known.kernel_id != pane.kernel_id:
                raise PaneExistsError(
                    phrase("another kernel already shares a pane '{name}'", name=pane.name)
                )
            return
        live = {each.name for each in self._panes.values() if not each.is_ended}
        if len(live | self._sharing.keys() - {pane.name}) >= self._max_panes:
            raise BusyError(
                phrase("{count} panes are shared already", count=self._max_panes),
                hint="unshare one of them",
            )

    async def _share(self, asked: SharePane, node_ids: list[str], grant: str) -> PaneInfo:
        tap = self.kernels.tap(asked.kernel_id)
        pane = self._panes.get(asked.name) or self._own_pane(asked.name)
        other_widgets = asked.other_widgets or pane.other_widgets
        tracebacks = pane.tracebacks if asked.tracebacks is None else asked.tracebacks
        kernel = self.kernels.widgets(asked.kernel_id, tap)
        source: PaneSource = asked.source_type(
            asked.source,
            kernel,
            on_change=lambda: self._on_change(pane),
            on_end=lambda: self._end(pane, source),
            other_widgets=other_widgets,
            tracebacks=tracebacks,
        )
        # Connected before the pane, so that the kernel's widgets see each message first.
        detach = kernel.attach(source.widgets)
        hearing = kernel.hearing
        stop_hearing = hearing.begin()
        ends = [lambda: kernel.inputs.drop(pane.name), detach, stop_hearing]

        def unsubscribe() -> None:
            for end in ends:
                end()

        try:
            await tap.start()
            if not hearing.is_used:
                raise KernelGoneError("the kernel ended while the pane was being shared")
            cell = asked.source.get("cell", "")
            heard = hearing.of(cell) if cell else hearing.all()
            kernel.loaders.add(tap.masked({"data": each}, cell)["data"] for each in asked.loaders)
            source.state.past.loaders = kernel.loaders.bundles()
            source.begin([tap.masked(each, cell) for each in asked.outputs], heard, asked.known)
            ends.append(tap.subscribe(source))
            if asked.cell_id is None and not asked.is_notebook:
                stop_hearing()
            self._store(asked, node_ids, grant)
        except BaseException:
            unsubscribe()
            raise
        pane.unsubscribe()
        pane.unsubscribe, pane.source = unsubscribe, source
        pane.kernel_id = asked.kernel_id
        pane.cell_id, pane.path, pane.output = asked.cell_id, asked.path, asked.output
        pane.other_widgets, pane.tracebacks = other_widgets, tracebacks
        pane.title = asked.title or asked.name
        pane.since = self._clock()
        pane.is_ended = False
        pane.told_failed = pane.has_failed
        pane.grants = self._stored_grants(asked.name)
        self._panes[asked.name] = pane
        self._notices.offer(pane, pane.allowed())
        pane.audience.show(source.state)
        self._tell()
        return self._info(pane)

    def _own_pane(self, name: str) -> OwnPane:
        return OwnPane(name, self._delivery, lambda: self._hub.guests.of_pane(name))

    def grant(self, name: str, node_id: str, grant: str | None) -> PaneInfo:
        """Set the grant of a peer at once; None or ``none`` revokes it.

        Raises:
            UnknownPaneError: No pane has this name.
            UnknownPeerError, BlockedError: The peer is unknown or blocked.
            BadRequestError: There is no such grant.
        """
        if grant in (None, "none"):
            return self._revoke(name, node_id)
        assert grant is not None
        _check_grant(grant)
        self._check_peer(node_id)
        self._hub.store.set_grant(name, node_id, _GRANTS[grant])
        self._note("pane_granted", node_id, name, {"grant": grant})
        pane = self._panes.get(name)
        if pane is not None:
            pane.grants[node_id] = grant
            if grant != "interact":
                self._drop_inputs(pane, node_id)
            self._notices.offer(pane, [node_id])
        self._tell()
        return self._info_of(name)

    def _revoke(self, name: str, node_id: str) -> PaneInfo:
        self._hub.store.set_grant(name, node_id, None)
        self._note("pane_revoked", node_id, name, {})
        pane = self._panes.get(name)
        if pane is not None and pane.grants.pop(node_id, None) is not None:
            self._drop_inputs(pane, node_id)
            self._notices.withdraw(pane, [node_id], "revoked")
        self._tell()
        return self._info_of(name)

    def unshare(self, name: str) -> None:
        """Withdraw a pane from everybody, and forget its grants and guest links.

        Raises:
            UnknownPaneError: No pane has this name.
        """
        is_stored = self._hub.store.delete_pane(name)
        pane = self._panes.pop(name, None)
        if not is_stored and pane is None:
            raise UnknownPaneError(phrase("this node shares no pane {name}", name=repr(name)))
        self._note("pane_unshared", None, name, {})
        if pane is not None:
            pane.unsubscribe()
            pane.audience.groups.close()
            self._notices.withdraw(pane, pane.allowed(), "unshared")
        self._hub.guests.end_pane(name)
        self._tell()

    def _on_change(self, pane: OwnPane) -> None:
        pane.audience.changed()
        if pane.has_failed != pane.told_failed:
            pane.told_failed = pane.has_failed
            self._tell()

    def kernel_ended(self, kernel_id: str) -> None:
        """Handle the shutdown or restart of a kernel."""
        for pane in list(self._panes.values()):
            if pane.kernel_id == kernel_id and pane.source is not None:
                self._end(pane, pane.source)

    # Internal.

    def _check_peer(self, node_id: str) -> None:
        if self._hub.peer(node_id).blocked:
            raise BlockedError(phrase("{peer} is blocked here", peer=self._hub.peer(node_id).label))

    def _store(self, asked: SharePane, node_ids: list[str], grant: str) -> None:
        self._make_room(asked.name)
        store = self._hub.store
        store.put_pane(asked.name, asked.title or asked.name, self._clock())
        for node_id in node_ids:
            store.set_grant(asked.name, node_id, _GRANTS[grant])
        self._note("pane_shared", None, asked.name, {"with": node_ids, "grant": grant})

    def _make_room(self, name: str) -> None:
        """Forget panes of ended kernels: first their content, much later their grants."""
        ended = [each for each in self._panes.values() if each.is_ended and each.name != name]
        ended.sort(key=lambda pane: pane.since)
        others = len(self._panes.keys() - {name})
        for pane in ended[: max(0, others + 1 - self._max_panes)]:
            pane.audience.groups.close()
            del self._panes[pane.name]
        stored = [record.name for record in self._hub.store.panes() if record.name != name]
        gone = [each for each in stored if each not in self._panes]
        for oldest in gone[: max(0, len(stored) + 1 - 2 * self._max_panes)]:
            self._hub.store.delete_pane(oldest)

    def _stored_grants(self, name: str) -> dict[str, str]:
        for record in self._hub.store.panes():
            if record.name == name:
                # Grants of another version that this one does not know are not served.
                return {peer: grant for peer, grant in record.grants.items() if grant in _GRANTS}
        return {}

    def _drop_inputs(self, pane: OwnPane, node_id: str) -> None:
        if pane.source is not None:
            pane.source.kernel.inputs.drop(pane.name, node_id)

    def _end(self, pane: OwnPane, source: PaneSource) -> None:
        if pane.source is not source or pane.is_ended:
            return
        pane.is_ended = True
        pane.unsubscribe()
        ended = {"pane": pane.name, "reason": "ended", "epoch": source.state.epoch}
        for node_id in pane.allowed():
            self._notices.tell(node_id, "pane_withdraw", ended)
        self._tell()

    def _info(self, pane: OwnPane) -> PaneInfo:
        return pane.info(self._name_of)

    def _info_of(self, name: str) -> PaneInfo:
        for info in self.mine():
            if info["name"] == name:
                return msgspec.convert(info, PaneInfo)
        raise UnknownPaneError(phrase("this node shares no pane {name}", name=repr(name)))

    def _name_of(self, node_id: str) -> str:
        try:
            return self._hub.peer(node_id).node_name
        except PeerError:
            return ""

    def _note(self, kind: str, node_id: str | None, name: str, detail: Mapping[str, Any]) -> None:
        self._hub.store.note_audit(kind, node_id, {"pane": name, **detail}, self._clock())

    def _tell(self) -> None:
        self._changes.emit()

    def _on_hub_event(self, event: HubEvent) -> None:
        node_id = event.node_id
        if event.kind not in _ENDS and event.kind not in _BEGINS:
            return
        if event.kind in ("blocked", "forgotten", "guest_down"):
            self._inputs.forget_peer(node_id)
            for pane in self._panes.values():
                self._drop_inputs(pane, node_id)
        # This includes a new link in place of a lost one. The last messages on the lost link may
        # not have arrived, so the viewer reports again what it has.
        self._delivery.forget_link(node_id)
        dropped = [pane.audience.drop(node_id) for pane in self._panes.values()]
        if event.kind == "link_up":
            for pane in self._panes.values():
                if node_id in pane.grants and not self._hub.peer(node_id).blocked:
                    self._notices.offer(pane, [node_id])
        elif event.kind == "guest_up":
            self._receive_guest(node_id)
        elif event.kind == "forgotten":
            for pane in self._panes.values():
                pane.grants.pop(node_id, None)
        if any(dropped) or event.kind == "forgotten":
            self._tell()

    def _receive_guest(self, node_id: str) -> None:
        """Offer a guest the pane of its link, or tell it that the pane is not shared now."""
        guest = self._hub.guests.get(node_id)
        if guest is None:
            return
        pane = self._panes.get(guest.link.pane)
        if pane is not None and pane.source is not None and not pane.is_ended:
            self._notices.offer(pane, [node_id])
        else:
            ended = {"pane": guest.link.pane, "reason": "ended"}
            self._notices.tell(node_id, "pane_withdraw", ended)


_BEGINS = frozenset({"link_up", "guest_up"})
_ENDS = frozenset({"link_down", "blocked", "forgotten", "guest_down"})
_GRANTS: dict[str, Grant] = {"view": "view", "interact": "interact"}


def _check_grant(grant: object) -> None:
    if grant not in _GRANTS:
        raise BadRequestError("there is no such grant", hint="the grant is view or interact")
