"""Operations on this node's reach: who can dial it."""

from __future__ import annotations

from collections.abc import Callable

from ...control.fields import NoParams
from ...control.rows import reach as rows
from ...doctor.doctor import Doctor
from ...findings import Finding, failure, warning
from ...hub.hub import PeerHub
from ...phrase import phrase
from ..call import Call, OnProgress, serves
from ..node.reach import Reach
from .group import Group


class ReachOperations(Group):
    """Shows and changes who can reach this node; each choice is checked as it is made.

    Args:
        hub: The node.
        on_change: See :class:`.Group`.
        reach: Applies the choice.
        doctor: Checks connections.
    """

    def __init__(
        self, hub: PeerHub, on_change: Callable[..., None], reach: Reach, doctor: Doctor
    ) -> None:
        super().__init__(hub, on_change)
        self._reach = reach
        self._doctor = doctor
        self._checked: tuple[object, list[Finding]] | None = None

    @serves(rows.REACH)
    async def _show(self, params: NoParams, call: Call) -> rows.ReachResult:
        return await self._result(call.on_progress)

    @serves(rows.SET_REACH)
    async def _choose(self, params: rows.SetReachParams, call: Call) -> rows.ReachResult:
        await self._reach.choose(params.mode, params.relay_url, params.port)
        self._checked = None
        self.audit("reach_chosen", mode=params.mode, fixed_by=self._reach.fixed_by())
        self.on_change("peers", "lobby", "reach")
        return await self._result(call.on_progress)

    async def _result(self, report: OnProgress | None) -> rows.ReachResult:
        mode, _ = self._reach.mode()
        state = (mode, self._reach.relay_url(), self.hub.addresses())
        # The node does not dial itself each time a client reads this.
        if self._checked is None or self._checked[0] != state:
            found = await self._doctor.examine_reach(mode, report or (lambda step: None))
            self._checked = (state, found)
        return rows.ReachResult(
            mode=mode,
            chosen=self._reach.choice.mode,
            relay_url=self._reach.relay_url(),
            last_relay_url=self._reach.choice.relay_url or None,
            fixed_by=self._reach.fixed_by(),
            locked=self._reach.locked(),
            addresses=self.hub.addresses(),
            checked=[*self._about_choice(), *self._checked[1]],
        )

    def _about_choice(self) -> list[Finding]:
        """Return why the choice is not in effect."""
        chosen, (mode, _) = self._reach.choice.mode, self._reach.mode()
        if self._reach.failure is not None:
            return [failure("choice", self._reach.failure, chosen)]
        trait = self._reach.fixed_by()
        if trait is None or mode == chosen:
            return []
        name = trait if "." in trait else f"PeerExtension.{trait}"
        return [
            warning(
                "choice",
                phrase(
                    "The configuration sets {name}, so the choice '{chosen}' has no effect.",
                    name=name,
                    chosen=chosen,
                ),
                phrase("remove {name} from the configuration, and restart Jupyter", name=name),
                chosen,
            )
        ]
