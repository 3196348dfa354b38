from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from jupyter_peer.document.outputs import OutputList
from jupyter_peer.errors import MalformedError, TooLargeError
from jupyter_peer.panes.state import (
    MAX_JOURNAL,
    MAX_JOURNAL_WEIGHT,
    Delta,
    PaneCursor,
    PaneState,
    compact,
)
from jupyter_peer.wire.payloads.hub import convert
from jupyter_peer.wire.payloads.panes import PaneUpdate, check_messages, check_outputs
from jupyter_peer.wire.payloads.widgets import check_document
from tests.document.test_widgets import opening, update
from tests.panes.kernels import display
from tests.panes.messages import Json, Message, comms, messages


def over_the_wire(delta: Delta) -> Delta:
    """Return a delta as it arrives, or fail if it would be refused."""
    data = json.loads(json.dumps({"pane": "p", **delta.data()}))
    content = convert(data, PaneUpdate)
    checked = snapshot = None
    if content.messages is not None:
        checked = check_messages(content.messages)
        assert checked == content.messages
    else:
        snapshot = {
            "outputs": check_outputs(content.outputs, content.display_ids),
            "display_ids": content.display_ids,
            "clear_wait": content.clear_wait,
            "text_limit": content.text_limit,
            "truncated": content.truncated,
            "widgets": check_document(content.widgets),
        }
    return Delta(
        content.epoch, content.prev, content.rev, checked, snapshot, content.truncated, delta.weight
    )


def shown(state: PaneState) -> Json:
    """Return all that a pane shows."""
    return {"outputs": state.outputs.state(), "widgets": state.widgets.document()}


class Follower:
    """A viewer's replica, its cursor at the owner, and a consumer of the replica."""

    def __init__(self, owner: PaneState) -> None:
        self.owner = owner
        self.state = PaneState()
        self.cursor = PaneCursor(owner)
        self.consumer = PaneState()
        self.inner = PaneCursor(self.state)
        self.steps: list[tuple[str, int | None, int]] = []

    def step(self) -> None:
        delta = self.cursor.next()
        if delta is None:
            return
        before = (self.state.epoch, self.state.rev)
        arrived = over_the_wire(delta)
        assert arrived.prev is None or before == (arrived.epoch, arrived.prev)
        assert self.state.follow(arrived)
        # What comes twice changes nothing.
        assert not self.state.follow(arrived)

    def lose(self) -> None:
        """Let a step get lost with the link, and resume by what the replica has."""
        self.cursor.next()
        self.cursor = PaneCursor(self.owner, epoch=self.state.epoch, rev=self.state.rev)

    def consume(self) -> None:
        delta = self.inner.next()
        if delta is not None:
            assert self.consumer.follow(over_the_wire(delta))


class Panes(RuleBasedStateMachine):
    """Any interleaving of updates, slow followers, cuts and new lives."""

    followers = Bundle("followers")

    @initialize()
    def begin(self) -> None:
        self.owner = PaneState(text_limit=2048, max_weight=40_000)
        self.all: list[Follower] = []

    @rule(target=followers)
    def join(self) -> Follower:
        follower = Follower(self.owner)
        self.all.append(follower)
        return follower

    @rule(message=messages(), times=st.integers(1, 3))
    def update(self, message: Message, times: int) -> None:
        for _ in range(times):
            before = self.owner.rev
            assert self.owner.apply(*message) == (self.owner.rev == before + 1)

    @rule(told=st.lists(comms(), min_size=1, max_size=4))
    def tell(self, told: list[Json]) -> None:
        before = self.owner.rev
        if self.owner.widgets.weight < 40_000:
            assert self.owner.tell(told) == (self.owner.rev == before + 1)

    @rule(follower=followers)
    def step(self, follower: Follower) -> None:
        follower.step()
        assert shown(follower.state) == shown(self.owner)
        assert follower.state.rev == self.owner.rev

    @rule(follower=followers)
    def cut(self, follower: Follower) -> None:
        follower.lose()

    @rule(follower=followers)
    def consume(self, follower: Follower) -> None:
        if follower.state.rev or follower.state.epoch == self.owner.epoch:
            follower.consume()

    @rule()
    def restart(self) -> None:
        self.owner.restart()

    @invariant()
    def the_journal_is_bounded(self) -> None:
        if hasattr(self, "owner"):
            assert len(self.owner._journal) <= MAX_JOURNAL
            newest = self.owner._journal[-1].weight if self.owner._journal else 0
            assert self.owner._journal_weight <= max(MAX_JOURNAL_WEIGHT, newest)

    def teardown(self) -> None:
        for follower in getattr(self, "all", []):
            follower.step()
            follower.consume()
            assert shown(follower.state) == shown(self.owner)
            assert shown(follower.consumer) == shown(self.owner)
            assert follower.consumer.rev == self.owner.rev
            assert not follower.cursor.is_behind


Panes.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestPanes = Panes.TestCase


@given(st.lists(messages(), max_size=8), st.lists(messages(), max_size=16))
@settings(max_examples=300)
def test_compacted_messages_lead_to_the_same(before: list[Message], after: list[Message]) -> None:
    owner = OutputList(text_limit=2048, max_weight=40_000)
    for kind, content in before:
        owner.apply(kind, content)
    follower = OutputList.from_state(owner.state())
    effects = [effect for kind, content in after if (effect := owner.apply(kind, content))]
    pairs = compact([(effect, 1) for effect in effects])
    assert len(pairs) <= len(effects)
    for message, _ in pairs:
        follower.apply(message["msg_type"], message["content"])
    follower.truncated = owner.truncated
    assert follower.state() == owner.state()


def test_a_redrawn_plot_is_compacted_to_its_last_drawing() -> None:
    state = PaneState()
    cursor = PaneCursor(state)
    cursor.next()
    for number in range(100):
        state.apply("clear_output", {"wait": True})
        state.apply("display_data", display(f"plot {number}"))
    delta = cursor.next()
    assert delta is not None
    assert delta.messages is None or len(delta.messages) <= 2
    follower = PaneState()
    follower.follow(over_the_wire(PaneCursor(state).next()))
    assert follower.outputs.outputs[0]["data"] == {"text/plain": "plot 99"}


def test_updates_of_one_display_are_compacted_to_the_last() -> None:
    state = PaneState()
    state.apply("stream", {"name": "stdout", "text": "x" * 10_000})
    state.apply("display_data", display("0", "d"))
    cursor = PaneCursor(state)
    cursor.next()
    for number in range(100):
        state.apply("update_display_data", display(str(number), "d"))
    delta = cursor.next()
    assert delta is not None
    assert delta.messages == [
        {"msg_type": "update_display_data", "content": display("99", "d")},
    ]


def test_a_value_that_a_step_sets_and_resets_reaches_each_that_follows() -> None:
    owner, replica = PaneState(), PaneState()
    owner.tell([opening(text="rest", n=0, large="x" * 4000)])
    near, far = PaneCursor(owner), PaneCursor(replica)
    replica.follow(over_the_wire(near.next() or pytest.fail("nothing")))
    far.next()
    steps = [[update(n=1)], [update(text="pressed")], [update(text="rest")], [update(n=2)]]
    for step in steps:
        owner.tell(step)
    replica.follow(over_the_wire(near.next() or pytest.fail("nothing")))
    delta = far.next()
    assert delta is not None
    assert delta.messages == [update(text="pressed"), update(text="rest"), update(n=2)]


def test_a_cursor_that_never_moves_costs_nothing() -> None:
    state = PaneState()
    PaneCursor(state)
    for number in range(10_000):
        state.apply("stream", {"name": "stdout", "text": f"{number}\n"})
    assert len(state._journal) == MAX_JOURNAL
    assert not state._memo


def test_revisions_a_state_never_had_are_answered_by_a_snapshot() -> None:
    state = PaneState()
    for number in range(10):
        state.apply("stream", {"name": "stdout", "text": str(number)})
    for epoch, rev in [(state.epoch, 11), (state.epoch, 2**53), ("0" * 16, 3), (None, 3)]:
        delta = state.since(epoch, rev)
        assert delta is not None
        assert delta.snapshot is not None
    assert len(state._memo) == 1


def test_a_step_that_does_not_build_on_the_replica_is_refused() -> None:
    owner, replica = PaneState(), PaneState()
    replica.follow(PaneCursor(owner).next())
    message = {"msg_type": "stream", "content": {"name": "stdout", "text": "x"}}
    with pytest.raises(MalformedError):
        replica.follow(Delta(owner.epoch, 1, 2, [message], None, 0, 0))
    with pytest.raises(MalformedError):
        replica.follow(Delta("f" * 16, 0, 1, [message], None, 0, 0))
    assert replica.rev == 0


def test_an_owner_cannot_make_a_replica_hold_more_than_the_bound() -> None:
    owner, replica = PaneState(), PaneState(max_weight=1000)
    replica.follow(PaneCursor(owner).next())
    big: Any = [{"msg_type": "display_data", "content": display("x" * 5000)}]
    with pytest.raises(TooLargeError):
        replica.follow(Delta(owner.epoch, 0, 1, big, None, 0, 0))
    assert not len(replica.outputs)
    snapshot = OutputList([{"output_type": "display_data", **display("x" * 5000)}]).state()
    with pytest.raises(TooLargeError):
        replica.follow(Delta(owner.epoch, None, 1, None, snapshot, 0, 0))
    assert not len(replica.outputs)
