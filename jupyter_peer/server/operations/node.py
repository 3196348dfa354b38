"""Operations on this node itself: identity, figures, audit log, connection check."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from ...control.fields import NameParams, NoParams
from ...control.rows import node as rows
from ...control.rows.peers import SelfModel
from ...doctor.doctor import Doctor
from ...errors import NotEnabledError
from ...hub.hub import PeerHub
from ..call import Call, serves
from .group import Group
from .peers import PeerOperations


class NodeOperations(Group):
    """Operations on this node.

    Args:
        hub: The node.
        on_change: See :class:`.Group`.
        peers: Describes a peer that was checked.
        doctor: Checks connections; None leaves that out.
    """

    def __init__(
        self,
        hub: PeerHub,
        on_change: Callable[..., None],
        peers: PeerOperations,
        doctor: Doctor | None,
    ) -> None:
        super().__init__(hub, on_change)
        self._peers = peers
        self._doctor = doctor

    @serves(rows.IDENTITY)
    def _identity(self, params: NoParams, call: Call) -> SelfModel:
        return self._peers.me()

    @serves(rows.SET_NAME)
    def _set_name(self, params: NameParams, call: Call) -> SelfModel:
        self.hub.set_node_name(params.name)
        self.on_change("peers")
        return self._peers.me()

    @serves(rows.METRICS)
    def _metrics(self, params: NoParams, call: Call) -> rows.MetricsResult:
        return msgspec.convert({"peers": self.hub.metrics()}, rows.MetricsResult)

    @serves(rows.AUDIT)
    def _audit(self, params: rows.AuditParams, call: Call) -> rows.AuditResult:
        return rows.AuditResult(
            [
                rows.AuditModel(entry.at, entry.kind, entry.peer, entry.detail)
                for entry in self.hub.store.audit(params.limit)
            ]
        )

    @serves(rows.DOCTOR)
    async def _check(self, params: rows.DoctorParams, call: Call) -> rows.DoctorResult:
        if self._doctor is None:
            raise NotEnabledError("this server has no connection check", hint="update jupyter-peer")
        at, started = time.time(), time.monotonic()
        node_id = None if params.peer is None else self.id_of(params.peer)
        report = call.on_progress or (lambda step: None)
        findings = await self._doctor.examine(node_id, report)
        return rows.DoctorResult(
            findings,
            None if node_id is None else self._peers.result(node_id).peer,
            at,
            round(time.monotonic() - started, 3),
        )
