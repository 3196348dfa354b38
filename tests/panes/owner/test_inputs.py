"""What viewers do in panes: what reaches the kernel, in which order, and what never does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from jupyter_peer.errors import (
    BusyError,
    MalformedError,
    NotGrantedError,
    PaneEndedError,
    PeerError,
    TooLargeError,
)
from jupyter_peer.panes.owner.input import inputs as pane_inputs
from jupyter_peer.panes.owner.input.queue import MAX_WAITING
from jupyter_peer.panes.viewer.watch import Watch
from tests.machine.waiting import until
from tests.panes.kernel.test_widgets import change, make, view
from tests.panes.kernels import Sent
from tests.panes.messages import json_values
from tests.panes.widget_cells import send, turn
from tests.peers.nodes import Node, texts, two_nodes

Json = dict[str, Any]


@contextlib.asynccontextmanager
async def sliding(grant: str = "interact") -> AsyncIterator[tuple[Node, Node, Watch]]:
    """Yield two nodes, and a watch of a pane with a slider."""
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, grant=grant)
        make(ada.kernel, "slider", value=0, min=0, max=100, _view_name="View")
        view(ada.kernel, "slider")
        watch = await bob.watcher.open(ada.id, "loss")
        yield ada, bob, watch


@contextlib.asynccontextmanager
async def unbounded() -> AsyncIterator[tuple[Node, Node, Watch]]:
    """The same with a slider of another library, of which the owner allows everything."""
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, grant="interact", other_widgets="all")
        make(ada.kernel, "slider", _model_module="other", value=0, min=0)
        view(ada.kernel, "slider")
        yield ada, bob, await bob.watcher.open(ada.id, "loss")


def reached(ada: Node) -> list[Any]:
    """Return the states and contents that reached the kernel."""
    data = [message.content["data"] for message in ada.kernel.sent]
    return [each.get("state", each.get("content")) for each in data]


def audit(ada: Node, kind: str) -> list[Json]:
    return [entry.detail for entry in ada.hub.store.audit(1000) if entry.kind == kind]


async def test_an_input_reaches_the_kernel_and_its_echo_everybody() -> None:
    async with sliding() as (ada, _, watch):
        await turn(watch, "slider", id="my-input", value=5)
        (sent,) = ada.kernel.sent
        assert sent == Sent(
            sent.msg_id,
            "comm_msg",
            {
                "comm_id": "slider",
                "data": {"method": "update", "state": {"value": 5}, "buffer_paths": []},
            },
            [],
        )
        heard: list[Json] = []
        cursor = watch.state
        rev = cursor.rev
        change(ada.kernel, "slider", sent.msg_id, echo=True, value=5)
        await until(lambda: watch.state.rev > rev)
        heard = watch.state.held()[1]["messages"]
        assert heard[-1]["re"] == "my-input"
        ada.kernel.write("from the callback", sent.msg_id)
        ada.kernel.idle(sent.msg_id)
        await until(lambda: texts(watch) == ["<slider>", "from the callback"])
        assert watch.state.widgets.document()["state"]["slider"]["state"]["value"] == 5
        assert len(audit(ada, "pane_input")) == 1


async def test_buffers_and_messages_reach_the_kernel_as_they_are() -> None:
    async with unbounded() as (ada, _, watch):
        data = {"method": "update", "state": {}, "buffer_paths": [["value"]]}
        await send(watch, "slider", data, buffers=["AQID"])
        ada.kernel.idle("sent-0")
        await send(
            watch, "slider", {"method": "custom", "content": {"event": "click"}}, buffers=["AAAA"]
        )
        assert ada.kernel.sent[0].buffers == [b"\1\2\3"]
        assert ada.kernel.sent[1].buffers == [b"\0\0\0"]
        assert ada.kernel.sent[1].content["data"] == {
            "method": "custom",
            "content": {"event": "click"},
        }


async def test_what_comes_while_the_kernel_is_busy_is_put_together() -> None:
    async with unbounded() as (ada, _, watch):
        for number in range(1, 1001):
            await turn(watch, "slider", value=number)
            if number % 100 == 0:
                await turn(watch, "slider", min=-number)
        assert reached(ada) == [{"value": 1}]
        for _ in range(4):
            ada.kernel.idle(ada.kernel.sent[-1].msg_id)
        assert reached(ada) == [{"value": 1}, {"value": 1000}, {"min": -1000}]
        await until(lambda: watch.state.widgets.get("slider").state["value"] == 1000)


async def test_values_are_not_put_together_across_a_click() -> None:
    async with unbounded() as (ada, _, watch):
        for number in range(3):
            await turn(watch, "slider", value=number)
            await send(watch, "slider", {"method": "custom", "content": number})
            await turn(watch, "slider", value=number + 10)
        for _ in range(8):
            ada.kernel.idle(ada.kernel.sent[-1].msg_id)
        assert reached(ada) == [
            {"value": 0}, 0, {"value": 1}, 1, {"value": 2}, 2, {"value": 12},
        ]  # fmt: skip


async def test_what_the_kernel_takes_without_a_word_is_told_to_all() -> None:
    async with unbounded() as (ada, _, watch):
        await turn(watch, "slider", id="mine", value=5, min=1)
        change(ada.kernel, "slider", "sent-0", value=4)
        ada.kernel.idle("sent-0")
        await until(lambda: watch.state.widgets.get("slider").state["min"] == 1)
        assert watch.state.widgets.get("slider").state["value"] == 4
        # And who waits for the echo of both has it.
        echo = watch.state.held()[1]["messages"][-1]
        assert echo["re"] == "mine"
        assert echo["content"]["data"]["state"] == {"value": 4, "min": 1}


@pytest.mark.parametrize(
    ("change_of", "error"),
    [
        ({"comm": "outside"}, NotGrantedError),
        ({"comm": "nowhere"}, NotGrantedError),
        ({"state": {"value": 1, "min": -1}}, NotGrantedError),
        ({"state": {"value": 101}}, NotGrantedError),
        ({"state": {"_view_name": "x"}}, NotGrantedError),
        ({"state": {"_model_module": "evil"}}, NotGrantedError),
        ({"comm": "any", "state": {"_esm": "alert(1)"}}, NotGrantedError),
        ({"comm": "any", "state": {"_css": "x"}}, NotGrantedError),
        ({"comm": "html", "state": {"value": "<img src=x onerror=alert(1)>"}}, NotGrantedError),
        ({"comm": "out", "state": {"outputs": []}}, NotGrantedError),
        ({"comm": "out", "state": {"msg_id": "cell"}}, NotGrantedError),
        ({"comm": "html", "state": {"description_allow_html": True}}, NotGrantedError),
        ({"comm": "box", "state": {"children": ["IPY_MODEL_outside"]}}, NotGrantedError),
        ({"state": {"value": {"x": ["IPY_MODEL_slider"]}}}, NotGrantedError),
        ({"comm": "layout", "state": {"width": "1px"}}, NotGrantedError),
        ({"comm": "link", "state": {"title": "x"}}, NotGrantedError),
        ({"state": {"value": "x" * (4 * 2**20)}}, TooLargeError),
        ({"data": {"method": "request_state"}}, MalformedError),
        ({"data": {"method": "echo_update", "state": {"value": 1}}}, MalformedError),
        ({"msg_type": "comm_open"}, MalformedError),
        ({"msg_type": "comm_close"}, MalformedError),
        ({"msg_type": "execute_request"}, MalformedError),
        ({"buffers": ["AAAA"]}, MalformedError),
        ({"id": "x" * 100}, MalformedError),
        ({"pane": "other"}, NotGrantedError),
        ({"pane": "../loss"}, PeerError),
        ({"pane": ["loss"]}, PeerError),
    ],
)
async def test_what_is_not_for_viewers_never_reaches_the_kernel(
    change_of: Json, error: type[PeerError]
) -> None:
    async with sliding() as (ada, bob, _):
        make(ada.kernel, "outside", value=1)
        make(ada.kernel, "any", "AnyModel", _model_module="anywidget", _esm="", _css="")
        make(ada.kernel, "html", "HTMLModel", value="", description_allow_html=False)
        make(ada.kernel, "out", "OutputModel", outputs=[], msg_id="")
        make(ada.kernel, "layout", "LayoutModel", width=None)
        make(ada.kernel, "text", "IntTextModel", value=0)
        ends = {end: [f"IPY_MODEL_{model}", key] for end, model, key in
                (("source", "text", "value"), ("target", "box", "box_style"))}  # fmt: skip
        make(ada.kernel, "link", "LinkModel", title="", **ends)
        children = [f"IPY_MODEL_{each}" for each in ("any", "html", "out", "layout", "text")]
        make(ada.kernel, "box", "VBoxModel", children=children)
        view(ada.kernel, "box")
        data = {"method": "update", "state": change_of.get("state", {"value": 1})}
        asked: Json = {
            "pane": change_of.get("pane", "loss"),
            "message": {
                "msg_type": change_of.get("msg_type", "comm_msg"),
                "content": {
                    "comm_id": change_of.get("comm", "slider"),
                    "data": change_of.get("data", data),
                },
                "buffers": change_of.get("buffers", []),
            },
        } | ({"id": change_of["id"]} if "id" in change_of else {})
        sent = len(ada.kernel.sent)
        for _ in range(3):
            with pytest.raises(error) as caught:
                await bob.hub.request(ada.id, "pane_input", asked)
        assert len(ada.kernel.sent) == sent
        # Written down once, however often it is tried.
        (refusal,) = audit(ada, "pane_input_refused")
        assert refusal["code"] == caught.value.code


async def test_a_viewer_without_interact_changes_nothing_whatever_it_says() -> None:
    async with sliding("view") as (ada, bob, watch):
        watch._replica.grant = "interact"
        for _ in range(50):
            with pytest.raises(NotGrantedError):
                await turn(watch, "slider", value=5)
        for model_id, told in (("slider", "custom"), ("of no pane", "update")):
            with pytest.raises(NotGrantedError):
                await send(watch, model_id, {"method": told, "content": 1, "state": {}})
        for rubbish in ({"pane": "loss"}, {"pane": "loss", "grant": "interact", "message": 1}):
            with pytest.raises(NotGrantedError):
                await bob.hub.request(ada.id, "pane_input", rubbish)
        assert ada.kernel.sent == []
        assert len(audit(ada, "pane_input_refused")) == 1
        ada.publisher.grant("loss", bob.id, "interact")
        await turn(watch, "slider", value=6)
        assert reached(ada) == [{"value": 6}]


@pytest.mark.parametrize("end", ["view", "none", "unshare", "block", "forget", "end", "again"])
async def test_what_waits_is_dropped_when_the_right_to_it_ends(end: str) -> None:
    async with sliding() as (ada, bob, watch):
        await turn(watch, "slider", value=1)
        await turn(watch, "slider", value=2)
        if end in ("view", "none"):
            ada.publisher.grant("loss", bob.id, end)
        elif end == "unshare":
            ada.publisher.unshare("loss")
        elif end == "block":
            await ada.hub.block(bob.id)
        elif end == "forget":
            await ada.hub.forget(bob.id)
        elif end == "end":
            ada.kernel.end()
        else:
            await ada.share(cell="cell 2")
        ada.kernel.idle("sent-0")
        assert reached(ada) == [{"value": 1}]
        if end in ("view", "none"):
            # What waited then does not come back with the grant.
            ada.publisher.grant("loss", bob.id, "interact")
            ada.kernel.idle("sent-0")
            assert reached(ada) == [{"value": 1}]


async def test_an_ended_pane_takes_no_input() -> None:
    async with sliding() as (ada, _, watch):
        ada.kernel.end()
        with pytest.raises(PaneEndedError):
            await turn(watch, "slider", value=1)


async def test_a_pane_must_be_open_to_be_used() -> None:
    async with sliding() as (ada, bob, watch):
        await watch.close()
        with pytest.raises(PaneEndedError):
            await turn(watch, "slider", value=1)
        await until(lambda: not ada.publisher.mine()[0]["viewers"])
        message = {
            "msg_type": "comm_msg",
            "content": {"comm_id": "slider", "data": {"method": "update", "state": {"value": 1}}},
        }
        with pytest.raises(NotGrantedError):
            await bob.hub.request(ada.id, "pane_input", {"pane": "loss", "message": message})
        assert ada.kernel.sent == []


async def test_a_flood_is_refused_and_other_work_goes_on(monkeypatch: Any) -> None:
    monkeypatch.setattr(pane_inputs, "BURST", 20)
    monkeypatch.setattr(pane_inputs, "RATE", 0.001)
    async with unbounded() as (ada, bob, watch):
        for number in range(20):
            await turn(watch, "slider", value=number)
        for number in range(50):
            with pytest.raises(BusyError):
                await turn(watch, "slider", value=number)
        assert await bob.hub.ping(ada.id) < 5
        assert [each["code"] for each in audit(ada, "pane_input_refused")] == ["busy"]


async def test_what_waits_for_a_kernel_is_bounded_and_nothing_of_it_is_lost() -> None:
    async with unbounded() as (ada, _, watch):
        await turn(watch, "slider", value=-1)
        click = {"method": "custom", "content": {"event": "click"}}
        for _ in range(MAX_WAITING - 1):
            await send(watch, "slider", click)
        await turn(watch, "slider", value=1)
        with pytest.raises(BusyError):
            await send(watch, "slider", click)
        # What takes the place of what waits has room.
        await turn(watch, "slider", value=2)
        large = "x" * (3 * 2**20)
        await turn(watch, "slider", value=large)
        with pytest.raises(BusyError):
            await turn(watch, "slider", min=large)
        for _ in range(MAX_WAITING + 2):
            ada.kernel.idle(ada.kernel.sent[-1].msg_id)
        assert len(reached(ada)) == MAX_WAITING + 1
        assert reached(ada)[-1] == {"value": large}


async def test_a_kernel_that_takes_nothing_does_not_hold_up_anything() -> None:
    async with sliding() as (ada, _, watch):
        ada.kernel.error = PaneEndedError()
        for number in range(5):
            await turn(watch, "slider", value=number)
        ada.kernel.error = None
        await turn(watch, "slider", value=9)
        assert reached(ada) == [{"value": 9}]


moves = st.lists(
    st.tuples(st.sampled_from(["value", "min", "click", "idle"]), st.integers(0, 9)),
    max_size=25,
)


@given(moves)
@settings(max_examples=12)
def test_however_inputs_are_put_together_the_kernel_ends_where_they_do(
    made: list[tuple[str, int]],
) -> None:
    asyncio.run(_put_together(made))


async def _put_together(made: list[tuple[str, int]]) -> None:
    async with unbounded() as (ada, _, watch):
        expected: Json = {}
        clicks: list[tuple[int, Json]] = []
        for kind, number in made:
            if kind == "idle":
                if ada.kernel.sent:
                    ada.kernel.idle(ada.kernel.sent[-1].msg_id)
            elif kind == "click":
                clicks.append((number, dict(expected)))
                await send(watch, "slider", {"method": "custom", "content": number})
            else:
                expected[kind] = number
                await turn(watch, "slider", **{kind: number})
        for _ in made:
            if ada.kernel.sent:
                ada.kernel.idle(ada.kernel.sent[-1].msg_id)
        state: Json = {}
        seen: list[tuple[int, Json]] = []
        for message in ada.kernel.sent:
            data = message.content["data"]
            if data["method"] == "custom":
                seen.append((data["content"], dict(state)))
            else:
                state |= data["state"]
        assert state == expected
        assert seen == clicks


anything = json_values | st.fixed_dictionaries(
    {"msg_type": st.just("comm_msg")},
    optional={
        "content": json_values
        | st.fixed_dictionaries({"comm_id": st.just("slider"), "data": json_values}),
        "buffers": json_values,
    },
)


@given(st.lists(json_values | st.fixed_dictionaries({"message": anything}), max_size=6))
@settings(max_examples=12)
def test_inputs_with_anything_in_them_are_refused_and_the_link_stays(made: list[Any]) -> None:
    asyncio.run(_send_anything(made))


async def _send_anything(made: list[Any]) -> None:
    async with sliding() as (ada, bob, watch):
        for data in made:
            asked = {"pane": "loss"} | (data if isinstance(data, dict) else {"message": data})
            with pytest.raises(PeerError):
                await bob.hub.request(ada.id, "pane_input", asked)
        assert ada.kernel.sent == []
        await turn(watch, "slider", value=1)
        assert reached(ada) == [{"value": 1}]
