"""The keys of objects stay in the order of their owner, except towards nodes that accept sorted keys alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_peer.wire.link.envelope import KEEPS_ORDER
from tests.machine.waiting import until
from tests.panes.kernel.test_widgets import make, view
from tests.panes.test_guests import minted, opened
from tests.peers.nodes import Node, nodes, two_nodes

Json = dict[str, Any]

#: Out of order at each level, with keys that JavaScript and UTF-16 would order in another way.
TREE: Json = {
    "rate": 1,
    "layers": [{"z": {"b": 1, "a": 2}, "y": 3}],
    "10": 0,
    "9": 0,
    "😀": 1,
    "～": 2,
}
BUNDLE: Json = {"application/json": TREE, "text/plain": "x", "application/geo+json": {}}
#: A tree by itself, and one beside a string that travels by reference.
BUNDLES = [BUNDLE, {"text/x-long": "x" * 100_000, **BUNDLE}]


def text(value: Any) -> str:
    return json.dumps(value)


def show(node: Node, bundle: Json) -> None:
    node.kernel.say("display_data", {"data": bundle, "metadata": {}})


def become_old(node: Node, peer: Node) -> None:
    """Let a node take a peer for one that accepts sorted keys alone."""
    session = node.hub._peers.connected(peer.id).session
    assert session is not None
    session.peer.capabilities.remove(KEEPS_ORDER)
    node.hub._peers.connected(peer.id).record.capabilities.remove(KEEPS_ORDER)


@pytest.mark.parametrize("bundle", BUNDLES, ids=["plain", "by reference"])
async def test_live_and_late_viewers_get_the_keys_in_the_order_of_the_owner(bundle: Json) -> None:
    async with nodes("ada", "bob", "carol", "dan") as (ada, bob, carol, dan):
        await ada.share()
        become_old(ada, dan)
        for viewer in (bob, carol, dan):
            ada.publisher.grant("loss", viewer.id, "view")
        live = [await viewer.watcher.open(ada.id, "loss") for viewer in (bob, dan)]
        show(ada, bundle)
        await until(lambda: all(each.state.outputs.outputs for each in live))
        late = await carol.watcher.open(ada.id, "loss")
        shown = [each.state.outputs.outputs[0]["data"] for each in (*live, late)]
        assert [text(each) == text(bundle) for each in shown] == [True, False, True]
        # An older one gets the same content.
        assert shown[1] == bundle


async def test_the_state_of_a_widget_and_an_input_keep_their_keys_in_order() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, grant="interact", other_widgets="all")
        make(ada.kernel, "figure", "FigureModel", _model_module="figures", spec=TREE)
        view(ada.kernel, "figure")
        watch = await bob.watcher.open(ada.id, "loss")
        model = watch.state.widgets.get("figure")
        assert model is not None
        assert text(model.state["spec"]) == text(TREE)
        asked: Json = {"method": "custom", "content": TREE}
        await watch.input({"msg_type": "comm_msg", "content": {"comm_id": "figure", "data": asked}})
        (sent,) = await until(lambda: ada.kernel.sent)
        assert text(sent.content["data"]["content"]) == text(TREE)


@pytest.mark.parametrize(
    ("capabilities", "ordered"),
    [
        (("pane-widgets", KEEPS_ORDER), lambda value: value),
        (("pane-widgets",), lambda value: sorted_(value)),
    ],
    ids=["new", "old"],
)
async def test_a_guest_gets_the_order_that_its_page_accepts(
    capabilities: tuple[str, ...], ordered: Callable[[Any], Any]
) -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        show(ada, BUNDLE)
        guest = await opened(ada, minted(ada), capabilities=capabilities)
        snapshot: Json = guest.snapshot  # type: ignore[attr-defined]
        assert text(snapshot["outputs"][0]["data"]) == text(ordered(BUNDLE))
        show(ada, BUNDLE)
        update = await guest.got("pane_update")
        assert text(update.data["messages"][0]["content"]["data"]) == text(ordered(BUNDLE))


def sorted_(value: Any) -> Any:
    return json.loads(json.dumps(value, sort_keys=True))


async def test_one_message_to_many_goes_in_the_form_that_each_accepts() -> None:
    async with nodes("ada", "bob", "carol") as (ada, bob, carol):
        become_old(ada, carol)
        got: dict[str, str] = {}
        for node in (bob, carol):
            node.hub.on("tree", lambda message, at=node: got.update({at.id: text(message.data)}))
        unknown = "a" * 16
        assert ada.hub.send_many([bob.id, carol.id, unknown], "tree", TREE) == [unknown]
        await until(lambda: len(got) == 2)
        assert got == {bob.id: text(TREE), carol.id: text(sorted_(TREE))}
