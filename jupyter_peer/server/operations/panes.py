"""Operations on the panes of this node."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ...control.fields import Done, GrantOrNone, NameParams, NoParams
from ...control.rows import panes as rows
from ...errors import BadRequestError, KernelGoneError, NotGrantedError
from ...hub.hub import PeerHub
from ...panes.kernel.channels.still import STILL
from ...panes.kernel.notebook_source import PAGE
from ...panes.owner.pane import PaneInfo
from ...panes.owner.publish import PanePublisher, SharePane
from ...panes.viewer.watch import PaneWatcher
from ..call import Call, serves
from ..node.kernels import ServerKernels
from .group import Group


class PaneOperations(Group):
    """Lists panes, shares them, and sets their grants.

    Args:
        hub: The node.
        on_change: See :class:`.Group`.
        publisher: Its own panes.
        watcher: Those of peers.
        kernels: The kernels whose outputs can be shared.
    """

    def __init__(
        self,
        hub: PeerHub,
        on_change: Callable[..., None],
        publisher: PanePublisher,
        watcher: PaneWatcher,
        kernels: ServerKernels,
    ) -> None:
        super().__init__(hub, on_change)
        self._publisher = publisher
        self._watcher = watcher
        self._kernels = kernels

    def all(self) -> rows.PanesResult:
        """Return own panes and offered panes."""
        lists = {"mine": self._publisher.mine(), "offered": self._watcher.offered()}
        return msgspec.convert(lists, rows.PanesResult)

    @serves(rows.PANES)
    def _panes(self, params: NoParams, call: Call) -> rows.PanesResult:
        return self.all()

    @serves(rows.SHARE)
    async def _share(self, params: rows.ShareParams, call: Call) -> rows.PaneResult:
        kernel_id = self._kernel_of(params.kernel_id, call)
        cell = params.cell or params.cell_id
        kind, key = ("cell", cell) if cell else ("display", params.display)
        if params.notebook:
            kind, key = "notebook", cell or PAGE
        assert key is not None
        is_known = params.outputs is not None or call.caller.kernel_id
        if (
            kind == "cell"
            and not is_known
            and not self._publisher.kernels.has_heard(kernel_id, key)
        ):
            raise BadRequestError(
                "no output of this cell is known",
                hint="name a cell that runs in this kernel, or give cell_id and outputs",
            )
        pane = await self._publisher.share(
            SharePane(
                params.name,
                params.title,
                kernel_id,
                {kind: key},
                other_widgets=params.other_widgets,
                tracebacks=params.tracebacks,
                cell_id=params.cell_id,
                path=params.path,
                outputs=params.outputs or [],
                known=params.known,
                loaders=params.loaders,
                output=params.output,
            ),
            with_=[self.id_of(peer) for peer in params.with_],
            grant=params.grant,
        )
        return _result(pane)

    @serves(rows.POST)
    async def _post(self, params: rows.PostParams, call: Call) -> rows.PaneResult:
        if call.caller.kernel_id is not None:
            raise BadRequestError(
                "a kernel shares its own outputs", hint="share a cell or a display"
            )
        shared = SharePane(
            params.name, params.title, STILL, {"cell": STILL}, outputs=params.outputs
        )
        node_ids = {self.id_of(peer) for peer in params.with_}
        if self._is_open_to_others(params.name, node_ids):
            self._publisher.unshare(params.name)
        return _result(await self._publisher.share(shared, with_=sorted(node_ids)))

    def _is_open_to_others(self, name: str, node_ids: set[str]) -> bool:
        """Return whether peers other than the named ones would see a post under this name."""
        known = next((pane for pane in self._publisher.mine() if pane["name"] == name), None)
        if known is None or known["kernel_id"] is not None:
            return False  # the pane of a running kernel is not replaced
        has_link = any(link.pane == name for link in self.hub.guests.links())
        return has_link or not known["grants"].keys() <= node_ids

    @serves(rows.HEAR)
    async def _hear(self, params: rows.KernelParams, call: Call) -> Done:
        await self._publisher.kernels.hear(self._kernel_of(params.kernel_id, call))
        return Done()

    @serves(rows.PRESENT_CELL)
    def _present_cell(self, params: rows.PresentCellParams, call: Call) -> Done:
        kernel_id = self._kernel_of(params.kernel_id, call)
        self._publisher.cells.present_cell(kernel_id, params.name, params.cell)
        return Done()

    @serves(rows.RUN_AGAIN)
    def _run_again(self, params: rows.RunAgainParams, call: Call) -> Done:
        kernel_id = self._kernel_of(params.kernel_id, call)
        self._publisher.cells.run_again(kernel_id, params.cell_id, params.cell, params.path)
        return Done()

    @serves(rows.WAIT_FOR_OWNER)
    def _wait_for_owner(self, params: rows.WaitForOwnerParams, call: Call) -> Done:
        kernel_id = self._kernel_of(params.kernel_id, call)
        self._publisher.cells.wait_for_owner(kernel_id, params.cell, params.prompt)
        return Done()

    def _kernel_of(self, named: str | None, call: Call) -> str:
        kernel_id = named or call.caller.kernel_id
        if kernel_id is None:
            raise BadRequestError(
                "kernel_id is missing", hint="name the kernel whose output to share"
            )
        if call.caller.kernel_id not in (None, kernel_id):
            raise NotGrantedError(
                "a kernel can share only its own outputs", hint="leave out kernel_id"
            )
        if kernel_id not in self._kernels:
            raise KernelGoneError
        return kernel_id

    @serves(rows.READ)
    def _read(self, params: NameParams, call: Call) -> rows.OutputsResult:
        return rows.OutputsResult(self._publisher.outputs(params.name))

    @serves(rows.GRANT)
    def _grant(self, params: rows.GrantParams, call: Call) -> rows.PaneResult:
        return self._set_grants(params.name, {params.peer: params.grant})

    @serves(rows.CHANGE_PANE)
    def _change(self, params: rows.ChangePaneParams, call: Call) -> rows.PaneResult:
        grants = dict(params.grants)
        if params.peer is not None:
            grants[params.peer] = params.grant
        if not grants:
            raise BadRequestError("there is no grant to set", hint="give peer and grant, or grants")
        return self._set_grants(params.name, grants)

    def _set_grants(self, name: str, grants: dict[str, GrantOrNone | None]) -> rows.PaneResult:
        # All peers are looked up first: either every grant is set or none.
        by_id = {self.id_of(peer): grant for peer, grant in grants.items()}
        for node_id, grant in by_id.items():
            pane = self._publisher.grant(name, node_id, grant)
        return _result(pane)

    @serves(rows.UNSHARE)
    def _unshare(self, params: NameParams, call: Call) -> Done:
        self._publisher.unshare(params.name)
        return Done()


def _result(pane: PaneInfo) -> rows.PaneResult:
    return rows.PaneResult(msgspec.convert(msgspec.to_builtins(pane), rows.PaneModel))
