"""The state of one pane with its recent past, and cursors that follow it at their own pace.

The owner has one :class:`PaneState` a pane and one :class:`PaneCursor` a viewer; a viewer's hub has
a replica of the state and one cursor for each of its own consumers (kernels, browser tabs). Both
ends are the same code. A cursor that is asked seldom gets what happened meanwhile in one step,
compacted, or the whole state when that is smaller: so a slow viewer costs no memory and is never
shown anything but the newest state. It loses no text that the state still has.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from ..document.outputs import MAX_WEIGHT, TEXT_LIMIT, OutputList, weigh_held
from ..document.widget_past import WidgetPast
from ..document.widgets import COMMS, WidgetSet, is_command
from ..errors import MalformedError, TooLargeError
from ..wire.payloads.widgets import MAX_MODELS
from .compaction import MESSAGE_WEIGHT, compact

Json = dict[str, Any]

MAX_JOURNAL = 256
MAX_JOURNAL_WEIGHT = 4 * 1024 * 1024
# Text of 62 MiB as UTF-8 may take four times as much as a Python string.
_SLACK = 4


class Step(NamedTuple):
    """One change of a state: an entry of its journal."""

    prev: int
    rev: int
    messages: tuple[tuple[Json, int], ...]
    weight: int


class Delta(NamedTuple):
    """What a cursor is behind its state, in one step.

    Attributes:
        epoch: Which life of the pane this is; a pane shared again begins a new one.
        prev: The revision ``messages`` build on; None with ``snapshot``.
        rev: The revision the step leads to.
        messages: Jupyter messages ``{msg_type, content}``; those of widgets also have ``buffers``.
        snapshot: What :meth:`.OutputList.state` gives, and ``widgets``.
        truncated: Characters cut from the streams shown.
        weight: About how many bytes it takes.
    """

    epoch: str
    prev: int | None
    rev: int
    messages: list[Json] | None
    snapshot: Json | None
    truncated: int
    weight: int

    def data(self) -> Json:
        """Return the step as it travels, on the peer wire and on the control socket."""
        head: Json = {"epoch": self.epoch, "rev": self.rev, "truncated": self.truncated}
        if self.messages is not None:
            return head | {"prev": self.prev, "messages": self.messages}
        assert self.snapshot is not None
        return head | self.snapshot


class PaneState:
    """Outputs and widgets, their revision, and a bounded journal of how they came about.

    Args:
        epoch: 16 hex digits; drawn when not given.
        text_limit: Characters a stream keeps.
        max_weight: Bound of all outputs and widgets; an output that would exceed it is replaced by
            a note.

    Attributes:
        outputs: What is shown.
        widgets: The models of the widgets in it.
        past: What these have said besides their state.
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
        """Begin a new life, empty."""
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
        """Take a message of the kernel's, as :func:`.outputs.clean` gives it.

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
        """Show a note behind the outputs, or with None no note; see :meth:`.OutputList.put_note`.

        No message of Jupyter takes an output away, so every cursor gets the whole state next.

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
        """About how many bytes widgets may still take."""
        return self._max_weight - self.outputs.weight - self.widgets.weight - self.past.weight

    def tell(self, messages: Sequence[Json]) -> bool:
        """Take comm messages of widgets, which are one change.

        Args:
            messages: As :mod:`jupyter_peer.wire.payloads.widgets` has them, within the bounds.

        Returns:
            Whether anything changed.
        """
        pairs = tuple(
            (message, weigh_held(message) + MESSAGE_WEIGHT)
            for message in messages
            if self._take(message, self.rev + 1)
        )
        if not pairs:
            return False
        self.outputs.reserve(self.widgets.weight + self.past.weight)
        self._record(Step(self.rev, self.rev + 1, pairs, sum([weight for _, weight in pairs])))
        return True

    def _take(self, message: Json, rev: int) -> bool:
        self.past.before(rev, message, self.widgets)
        return self.widgets.apply(message)

    def follow(self, delta: Delta) -> bool:
        """Take a step of another state, whose replica this is.

        Args:
            delta: Checked already: its messages and outputs are well-formed.

        Returns:
            Whether anything changed; a step that was taken before changes nothing.

        Raises:
            MalformedError: It does not build on what is here; the state must be asked for anew.
            TooLargeError: The owner sends more than a pane may hold. What was here is gone.
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
            raise MalformedError("the update does not build on what is here")
        assert delta.messages is not None
        pairs = self._apply_all(delta.messages, delta.rev)
        self.outputs.truncated = delta.truncated
        weight = sum([weight for _, weight in pairs])
        self._record(Step(self.rev, delta.rev, pairs, weight))
        return True

    def _apply_all(self, messages: list[Json], rev: int) -> tuple[tuple[Json, int], ...]:
        pairs: list[tuple[Json, int]] = []
        taken = 0
        for message in messages:
            if message["msg_type"] in COMMS:
                self._take(message, rev)
                weight = weigh_held(message) + MESSAGE_WEIGHT
            else:
                self.outputs.effect_weight = 0
                self.outputs.apply(message["msg_type"], message["content"])
                weight = self.outputs.effect_weight + MESSAGE_WEIGHT
            pairs.append((message, weight))
            # One long string may stand for many, so a short message can be a lot of work.
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
        # The newest step stays whatever it weighs: what it brought is mostly shared with the state.
        while len(self._journal) > 1 and (
            len(self._journal) > MAX_JOURNAL or self._journal_weight > MAX_JOURNAL_WEIGHT
        ):
            self._journal_weight -= self._journal.popleft().weight
        self._memo.clear()

    def since(self, epoch: str | None, rev: int | None) -> Delta | None:
        """Return what has happened since a revision, None when it is the newest.

        It is a snapshot when the journal does not reach back, or when that is smaller.
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
            pairs = compact([pair for step in steps for pair in step.messages])
            weight = sum([weight for _, weight in pairs])
            # What widgets say besides their state is in no snapshot, so it does not make one better.
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
        """Return everything that is held here, as payloads: outputs, widgets, and the journal."""
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
                # A revision inside a step is one this state never had.
                return steps[::-1] if step.prev == rev else None
        return None


class PaneCursor:
    """How far one consumer has followed a state.

    Args:
        state: What is followed.
        epoch: With ``rev`` what the consumer has; without them it begins with a snapshot.
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
        """Whether :meth:`next` has something to give."""
        return self.epoch != self.state.epoch or self.rev != self.state.rev

    def peek(self) -> Delta | None:
        """Return what :meth:`next` would, and stay."""
        return self.state.since(self.epoch, self.rev)

    def next(self) -> Delta | None:
        """Return the step to the newest revision and take it; None when the cursor is there."""
        delta = self.peek()
        if delta is not None:
            self.advance(delta)
        return delta

    def advance(self, delta: Delta) -> None:
        """Take a step that :meth:`peek` gave and that has been delivered."""
        self.epoch, self.rev = delta.epoch, delta.rev
