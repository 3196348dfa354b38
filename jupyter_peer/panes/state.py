"""The state of one pane with its recent past, and cursors that follow it at their own pace.

The owner has one :class:`PaneState` for each pane and one :class:`PaneCursor` for each viewer. A
viewer's hub has a replica of the state, and one cursor for each of its consumers (kernels, browser
tabs). Both ends use the same code. A slow cursor gets all changes in one compacted step, or the whole
state if that is smaller. So a slow viewer costs no memory and always sees the newest state. No text is
lost that the state still has.
"""

from __future__ import annotations

import secrets
from collections import ChainMap, deque
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from ..document.outputs import MAX_WEIGHT, TEXT_LIMIT, OutputList, weigh_held
from ..document.widget_past import WidgetPast
from ..document.widgets import COMMS, Values, WidgetSet, is_command
from ..errors import MalformedError, TooLargeError
from ..wire.payloads.widgets import MAX_MODELS
from .compaction import MESSAGE_WEIGHT, compact

Json = dict[str, Any]

MAX_JOURNAL = 256
MAX_JOURNAL_WEIGHT = 4 * 1024 * 1024
# Text of 62 MiB as UTF-8 may take four times as much as a Python string.
_SLACK = 4


class Step(NamedTuple):
    """One change of a state: an entry of its journal.

    Attributes:
        prev: The revision before it.
        rev: The revision after it.
        messages: Each with its weight.
        weight: That of all messages.
        was: The values of widgets before it, of keys that it sets.
    """

    prev: int
    rev: int
    messages: tuple[tuple[Json, int], ...]
    weight: int
    was: Values = MappingProxyType({})


class Delta(NamedTuple):
    """The changes between a cursor and its state, as one step.

    Attributes:
        epoch: The life of the pane; a pane that is shared again begins a new one.
        prev: The revision before ``messages``; None with ``snapshot``.
        rev: The revision after the step.
        messages: Jupyter messages ``{msg_type, content}``; those of widgets also have ``buffers``.
        snapshot: Result of :meth:`.OutputList.state`, and ``widgets``.
        truncated: Number of characters that were cut from the shown streams.
        weight: Approximate size in bytes.
    """

    epoch: str
    prev: int | None
    rev: int
    messages: list[Json] | None
    snapshot: Json | None
    truncated: int
    weight: int

    def data(self) -> Json:
        """Return the fields of the step for the peer wire and the control socket."""
        head: Json = {"epoch": self.epoch, "rev": self.rev, "truncated": self.truncated}
        if self.messages is not None:
            return head | {"prev": self.prev, "messages": self.messages}
        assert self.snapshot is not None
        return head | self.snapshot


class PaneState:
    """Outputs and widgets, their revision, and a bounded journal of the changes.

    Args:
        epoch: 16 hex digits; random if it is not given.
        text_limit: Number of characters that a stream keeps.
        max_weight: Largest size of all outputs and widgets in bytes; a note replaces an output
            that would exceed it.

    Attributes:
        outputs: The shown outputs.
        widgets: The models of the shown widgets.
        past: Messages of these models besides their state.
    """

    def __init__(
        self,
        epoch: str | None = None,
        *,
        text_limit: int = TEXT_LIMIT,
        max_weight: int = MAX_WEIGHT,
    ) -> None:
        self._max_weight = max_weight
        self._text_limit = text_limit
        self.epoch = ""
        self.rev = 0
        self.outputs = OutputList()
        self.widgets = WidgetSet()
        self.past = WidgetPast()
        self._journal: deque[Step] = deque()
        self._journal_weight = 0
        self._memo: dict[int | None, Delta] = {}
        self.restart(epoch)

    def restart(self, epoch: str | None = None) -> None:
        """Begin a new life with an empty state."""
        self._set(
            epoch or secrets.token_hex(8),
            0,
            OutputList(text_limit=self._text_limit, max_weight=self._max_weight),
            WidgetSet(),
            WidgetPast(),
        )

    def _set(
        self, epoch: str, rev: int, outputs: OutputList, widgets: WidgetSet, past: WidgetPast
    ) -> None:
        self.epoch, self.rev = epoch, rev
        self.outputs, self.widgets, self.past = outputs, widgets, past
        self._journal.clear()
        self._journal_weight = 0
        self._memo.clear()

    def apply(self, msg_type: str, content: Json) -> bool:
        """Apply a message of the kernel, cleaned by :func:`.outputs.clean`.

        Returns:
            Whether anything changed.
        """
        effect = self.outputs.apply(msg_type, content)
        if effect is None:
            return False
        weight = self.outputs.effect_weight + MESSAGE_WEIGHT
        self._record(Step(self.rev, self.rev + 1, ((effect, weight),), weight))
        return True

    def put_note(self, text: str | None) -> bool:
        """Show a note after the outputs; None removes it. See :meth:`.OutputList.put_note`.

        No message of Jupyter removes a single output, so every cursor gets the whole state next.

        Returns:
            Whether anything changed.
        """
        if not self.outputs.put_note(text):
            return False
        self.rev += 1
        self._journal.clear()
        self._journal_weight = 0
        self._memo.clear()
        return True

    @property
    def room(self) -> int:
        """Approximate number of bytes that widgets may still use."""
        return self._max_weight - self.outputs.weight - self.widgets.weight - self.past.weight

    def tell(self, messages: Sequence[Json]) -> bool:
        """Apply comm messages of widgets as one change.

        Args:
            messages: Messages in the form of :mod:`jupyter_peer.wire.payloads.widgets`.

        Returns:
            Whether anything changed.
        """
        was: dict[tuple[str, str], Any] = {}
        pairs = tuple(
            (message, weigh_held(message) + MESSAGE_WEIGHT)
            for message in messages
            if self._take(message, self.rev + 1, was)
        )
        if not pairs:
            return False
        self.outputs.reserve(self.widgets.weight + self.past.weight)
        weight = sum([weight for _, weight in pairs])
        self._record(Step(self.rev, self.rev + 1, pairs, weight, was))
        return True

    def _take(self, message: Json, rev: int, was: dict[tuple[str, str], Any]) -> bool:
        model = self.widgets.get(message["content"]["comm_id"])
        if model is not None and message["msg_type"] == "comm_msg":
            for key in message["content"]["data"].get("state", ()):
                if key in model.state:
                    was.setdefault((message["content"]["comm_id"], key), model.state[key])
        self.past.before(rev, message, self.widgets)
        return self.widgets.apply(message)

    def follow(self, delta: Delta) -> bool:
        """Apply a step of the state of which this is a replica.

        Args:
            delta: The step; its messages and outputs were checked before.

        Returns:
            Whether anything changed; a step that was applied before changes nothing.

        Raises:
            MalformedError: The step does not follow this revision; the state must be requested again.
            TooLargeError: The owner sends more than a pane may hold. This state is now empty.
        """
        is_known = delta.epoch == self.epoch and delta.rev <= self.rev
        if is_known:
            return False
        if delta.snapshot is not None:
            outputs = OutputList.from_state(delta.snapshot)
            document = delta.snapshot.get("widgets") or {}
            widgets = WidgetSet.from_document(document)
            self._check_weight(outputs, widgets)
            outputs.truncated = delta.truncated
            past = WidgetPast.from_document(document)
            self._set(delta.epoch, delta.rev, outputs, widgets, past)
            return True
        if delta.epoch != self.epoch or delta.prev != self.rev:
            raise MalformedError("the update does not follow the revision that is here")
        assert delta.messages is not None
        was: dict[tuple[str, str], Any] = {}
        pairs = self._apply_all(delta.messages, delta.rev, was)
        self.outputs.truncated = delta.truncated
        weight = sum([weight for _, weight in pairs])
        self._record(Step(self.rev, delta.rev, pairs, weight, was))
        return True

    def _apply_all(
        self, messages: list[Json], rev: int, was: dict[tuple[str, str], Any]
    ) -> tuple[tuple[Json, int], ...]:
        pairs: list[tuple[Json, int]] = []
        taken = 0
        for message in messages:
            if message["msg_type"] in COMMS:
                self._take(message, rev, was)
                weight = weigh_held(message) + MESSAGE_WEIGHT
            else:
                self.outputs.effect_weight = 0
                self.outputs.apply(message["msg_type"], message["content"])
                weight = self.outputs.effect_weight + MESSAGE_WEIGHT
            pairs.append((message, weight))
            # One long string may be referred to many times, so a short message can cost much work.
            taken += weight
            if taken > _SLACK * self._max_weight:
                self._refuse()
            self._check_weight(self.outputs, self.widgets)
        return tuple(pairs)

    def _check_weight(self, outputs: OutputList, widgets: WidgetSet) -> None:
        weight = outputs.weight + widgets.weight
        if weight > _SLACK * self._max_weight or len(widgets) > MAX_MODELS:
            self._refuse()

    def _refuse(self) -> NoReturn:
        self.restart()
        raise TooLargeError("the peer's pane holds more than a pane may hold")

    def _record(self, step: Step) -> None:
        self.rev = step.rev
        self._journal.append(step)
        self._journal_weight += step.weight
        # The newest step stays whatever its size, because it shares most content with the state.
        while len(self._journal) > 1 and (
            len(self._journal) > MAX_JOURNAL or self._journal_weight > MAX_JOURNAL_WEIGHT
        ):
            self._journal_weight -= self._journal.popleft().weight
        self._memo.clear()

    def since(self, epoch: str | None, rev: int | None) -> Delta | None:
        """Return the changes since a revision; None if it is the newest.

        The result is a snapshot if the journal does not reach back, or if a snapshot is smaller.
        """
        if epoch == self.epoch and rev == self.rev:
            return None
        steps = self._steps_since(rev) if epoch == self.epoch else None
        key = rev if steps is not None else None
        if key not in self._memo:
            self._memo[key] = self._since(key, steps)
        return self._memo[key]

    def _since(self, rev: int | None, steps: list[Step] | None) -> Delta:
        if steps is not None:
            known = ChainMap(*[dict(step.was) for step in steps])
            pairs = compact([pair for step in steps for pair in step.messages], known)
            weight = sum([weight for _, weight in pairs])
            # Custom messages of widgets are in no snapshot, so they do not count in this comparison.
            said = sum([weight for message, weight in pairs if is_command(message)])
            if weight - said <= self.outputs.weight + self.widgets.weight + MESSAGE_WEIGHT:
                messages = [message for message, _ in pairs]
                return Delta(
                    self.epoch, rev, self.rev, messages, None, self.outputs.truncated, weight
                )
        past = self.past.document(self.outputs.outputs, self.widgets)
        state = self.outputs.state() | {"widgets": self.widgets.document() | past}
        weight = self.outputs.weight + self.widgets.weight + self.past.weight
        return Delta(self.epoch, None, self.rev, None, state, self.outputs.truncated, weight)

    def held(self) -> list[Json]:
        """Return all content of this state as payloads: outputs, widgets, and the journal."""
        journal = [message for step in self._journal for message, _ in step.messages]
        outputs = self.outputs.outputs
        widgets = self.widgets.document() | self.past.document(outputs, self.widgets)
        return [{"outputs": outputs, "widgets": widgets}, {"messages": journal}]

    def _steps_since(self, rev: int | None) -> list[Step] | None:
        if rev is None or not self._journal or rev < self._journal[0].prev:
            return None
        steps: list[Step] = []
        for step in reversed(self._journal):
            steps.append(step)
            if step.prev <= rev:
                # This state never had a revision inside a step.
                return steps[::-1] if step.prev == rev else None
        return None


class PaneCursor:
    """The position of one consumer in the history of a state.

    Args:
        state: The state to follow.
        epoch: With ``rev`` the position of the consumer; without both it begins with a snapshot.
        rev: See ``epoch``.
    """

    def __init__(
        self, state: PaneState, *, epoch: str | None = None, rev: int | None = None
    ) -> None:
        self.state = state
        self.epoch = epoch
        self.rev = rev

    @property
    def is_behind(self) -> bool:
        """Whether :meth:`next` returns a step."""
        return self.epoch != self.state.epoch or self.rev != self.state.rev

    def peek(self) -> Delta | None:
        """Return the result of :meth:`next` without moving."""
        return self.state.since(self.epoch, self.rev)

    def next(self) -> Delta | None:
        """Move to the newest revision and return the step; None if the cursor is already there."""
        delta = self.peek()
        if delta is not None:
            self.advance(delta)
        return delta

    def advance(self, delta: Delta) -> None:
        """Move by a step of :meth:`peek` after its delivery."""
        self.epoch, self.rev = delta.epoch, delta.rev
