"""Checks each input of viewers in this node's panes before it reaches a kernel."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from ....document.outputs import weigh_held
from ....document.widgets import Model
from ....errors import BadNameError, BusyError, NotGrantedError, PaneEndedError, PeerError
from ....hub.hub import PeerHub
from ....hub.message import Message
from ....phrase import phrase
from ....primitives.rate_limit import RateLimit
from ....wire.payloads.hub import convert
from ....wire.payloads.panes import check_pane_name
from ....wire.payloads.widgets import CustomData, PaneInput, check_input
from ...kernel.source import PaneSource
from ..pane import OwnPane
from .queue import Input
from .rules import Act, check_act, own_keys_of_pages

log = logging.getLogger(__name__)

Json = dict[str, Any]

#: Inputs that one viewer may send at once, and per second.
BURST = 2_000
RATE = 500.0
#: A refusal of one kind to one peer is written down at most so often.
AUDIT_EVERY_S = 60.0
#: And what a viewer does in a pane.
AUDIT_ACTS_EVERY_S = 600.0
_MAX_REMEMBERED = 4096


class PaneInputs:
    """Answers ``pane_input``.

    Args:
        hub: The node.
        granted: Returns a pane that a peer may see; raises an error if it may not.
        audit: Writes ``kind, node_id, pane, detail`` to the audit log.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        hub: PeerHub,
        granted: Callable[[str, str], OwnPane],
        audit: Callable[[str, str, str, Json], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._granted = granted
        self._audit = audit
        self._clock = clock
        self._limits: dict[str, RateLimit] = {}
        self._written: dict[tuple[str, ...], tuple[float, int]] = {}
        hub.on("pane_input", self._on_input)

    def forget_peer(self, node_id: str) -> None:
        """Forget the rate of a peer that was removed."""
        self._limits.pop(node_id, None)

    def _on_input(self, message: Message) -> None:
        if message.re is not None:
            return  # the request has ended, so nobody waits for an answer
        try:
            self._count(message.peer_id)
            name = check_pane_name(message.data.get("pane"))
            pane = self._granted(message.peer_id, name)
            # A viewer who may only view gets no error for what its page did by itself.
            if pane.grant_of(message.peer_id) == "interact" or not self._is_of_page(message, pane):
                self.may(message.peer_id, name)
                self._take(message.peer_id, convert(message.data, PaneInput))
        except PeerError as error:
            self._write_refusal(message, error)
            raise
        message.reply("pane_input", {})

    def _is_of_page(self, message: Message, pane: OwnPane) -> bool:
        """Return whether an input comes from the page itself and not from a person."""
        try:
            made = convert(message.data, PaneInput)
        except PeerError:
            return False
        model_id, data = made.message.content.comm_id, made.message.content.data
        if isinstance(data, CustomData) or pane.source is None:
            return False
        model = pane.source.state.widgets.get(model_id)
        if model is None:
            return False
        act = Act(data.state, [list(path) for path in data.buffer_paths])
        return act.keys <= _left_out(pane.source, message.peer_id, model_id, model, act)

    def _take(self, peer_id: str, made: PaneInput) -> None:
        pane = self.may(peer_id, made.pane)
        source = pane.source
        assert source is not None
        if peer_id not in pane.audience.viewers:
            raise NotGrantedError(
                f"the pane '{made.pane}' is not open", hint=f"open '{made.pane}' first"
            )
        check_input(made.message)
        model_id = made.message.content.comm_id
        model = source.state.widgets.get(model_id)
        if model is None:
            raise NotGrantedError(
                f"the pane '{made.pane}' shows no such widget", hint="use what the pane shows now"
            )

        def may() -> bool:
            try:
                now = self.may(peer_id, made.pane)
            except PeerError:
                return False
            return now.source is source and model_id in source.state.widgets

        def fits(act: Act) -> bool:
            now = source.state.widgets.get(model_id)
            return now is not None and _is_allowed(now, act, source.other_widgets)

        data = made.message.content.data
        value = data.content if isinstance(data, CustomData) else data.state
        queued = Input(
            peer_id,
            made.pane,
            made.message,
            may,
            fits,
            lambda msg_id: source.widgets.note_input(msg_id, made.id),
            weigh_held(value) + sum(map(len, made.message.buffers)),
        )
        if not queued.is_custom:
            queued.leave_out(_left_out(source, peer_id, model_id, model, queued.act))
            if not queued.keys:
                return
        check_act(model, queued.act, source.other_widgets)
        source.kernel.inputs.put(queued)
        self._write("pane_input", peer_id, made.pane, AUDIT_ACTS_EVERY_S, {})

    def may(self, peer_id: str, name: str) -> OwnPane:
        """Return a pane that a peer may use.

        Raises:
            PeerError: The peer may not use the pane.
        """
        pane = self._granted(peer_id, name)
        if pane.grant_of(peer_id) != "interact":
            raise NotGrantedError(
                f"you can view the pane '{name}', not use it",
                hint=f"ask its owner to let you use '{name}'",
            )
        if pane.is_ended or pane.source is None:
            raise PaneEndedError(phrase("the pane '{name}' has ended", name=name))
        return pane

    def _count(self, peer_id: str) -> None:
        limit = self._limits.setdefault(peer_id, RateLimit(RATE, BURST))
        if not limit.allows(self._clock()):
            raise BusyError("too many inputs in a short time")

    def _write_refusal(self, message: Message, error: PeerError) -> None:
        try:
            pane = check_pane_name(message.data.get("pane"))
        except BadNameError:
            pane = ""
        detail = {"code": error.code}
        self._write("pane_input_refused", message.peer_id, pane, AUDIT_EVERY_S, detail)

    def _write(self, kind: str, peer_id: str, pane: str, every: float, detail: Json) -> None:
        """Write an entry to the audit log, unless the same entry was written a short time ago."""
        # Not counted by the name of the pane, because a peer can invent names.
        key = (kind, peer_id, detail.get("code", pane))
        now = self._clock()
        at, times = self._written.get(key, (now - every, 0))
        if now - at < every:
            self._written[key] = at, times + 1
            return
        self._written.pop(key, None)
        if len(self._written) >= _MAX_REMEMBERED:
            self._written.pop(next(iter(self._written)))
        self._written[key] = now, 0
        self._audit(kind, peer_id, pane, detail | ({"more_before": times} if times else {}))


def _left_out(source: PaneSource, peer_id: str, model_id: str, model: Model, act: Act) -> set[str]:
    """Return the keys of an input that no person has set; they are ignored without an error.

    They are keys that each page writes by itself, steps of a page that does not drive a ``Play``, and
    keys that a link of two widgets sets in the viewer's page and in the owner's page alike.
    """
    left_out = own_keys_of_pages(model, act.keys)
    left_out |= source.kernel.plays.step_left_out(model_id, model, peer_id, act.state)
    left_out |= {
        key
        for key in source.kernel.linked_keys(model_id) & act.keys
        if _follows_play(source, peer_id, model_id, key, act.state.get(key))
        or not _is_allowed(model, act.only({key}), source.other_widgets)
    }
    return left_out


def _follows_play(source: PaneSource, peer_id: str, model_id: str, key: str, value: object) -> bool:
    """Return whether a key was set because the viewer's page counts for a ``Play`` that it does not drive."""
    kernel = source.kernel
    return any(
        (other := kernel.get(other_id)) is not None
        and kernel.plays.counts_elsewhere(other_id, other, peer_id, value)
        for other_id, other_key in kernel.linked_with(model_id, key)
        if other_key == "value"
    )


def _is_allowed(model: Model, act: Act, other_widgets: str) -> bool:
    try:
        check_act(model, act, other_widgets)
    except NotGrantedError:
        return False
    return True
