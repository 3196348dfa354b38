"""What a hostile owner or viewer sends changes nothing it should not."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from jupyter_peer.document.blobs import blob_hash
from jupyter_peer.errors import (
    BadRequestError,
    MalformedError,
    NotGrantedError,
    PeerError,
    WireError,
)
from jupyter_peer.panes.buffers import Arrived, BufferCache, pack, references
from jupyter_peer.wire.payloads import panes as pane_messages
from jupyter_peer.wire.payloads.hub import convert
from jupyter_peer.wire.payloads.panes import check_messages, check_outputs, check_pane_name
from tests.machine.waiting import until
from tests.panes.messages import json_values
from tests.peers.nodes import Node, texts, two_nodes

PAYLOADS = [
    pane_messages.PaneOffer,
    pane_messages.PaneWithdraw,
    pane_messages.PaneGrant,
    pane_messages.PaneOpen,
    pane_messages.PaneClose,
    pane_messages.PaneUpdate,
    pane_messages.PaneSnapshot,
    pane_messages.PaneBuffers,
]

fields = st.dictionaries(
    st.sampled_from(
        [
            "pane",
            "title",
            "grant",
            "epoch",
            "since",
            "reason",
            "rev",
            "prev",
            "messages",
            "outputs",
            "display_ids",
            "clear_wait",
            "text_limit",
            "truncated",
            "hashes",
            "widgets",
            "ended",
            "whole",
        ]
    ),
    json_values | st.sampled_from(["loss", "view", "0" * 16, "unshared", 5, "../x", "x" * 600]),
)


@given(st.sampled_from(PAYLOADS), fields)
@settings(max_examples=400)
def test_payloads_of_any_shape_are_read_or_refused(payload: Any, data: Any) -> None:
    with contextlib.suppress(MalformedError):
        convert(data, payload)


@given(json_values | st.lists(fields, max_size=3))
@settings(max_examples=300)
def test_messages_and_outputs_of_any_shape_are_read_or_refused(value: Any) -> None:
    with contextlib.suppress(MalformedError):
        check_messages(value)
    with contextlib.suppress(MalformedError):
        check_outputs(value, {})


def test_limits_of_every_field() -> None:
    stream = {"msg_type": "stream", "content": {"name": "stdout", "text": "x"}}
    good = {"pane": "p", "epoch": "0" * 16, "rev": 2, "prev": 1, "messages": [stream]}
    assert convert(good, pane_messages.PaneUpdate).rev == 2
    for change in (
        {"pane": "p\n"},
        {"pane": "x" * 65},
        {"epoch": "0" * 17},
        {"epoch": "G" * 16},
        {"rev": -1},
        {"rev": 2**53},
        {"rev": True},
        {"rev": 1.5},
        {"prev": 3},
        {"prev": None},
        {"outputs": []},
        {"messages": None},
        {"messages": [{}] * 10_001},
        {"messages": [[]]},
        {"display_ids": {"d": [-1]}},
        {"display_ids": {"": [0]}},
        {"display_ids": {"d" * 300: [0]}},
        {"text_limit": 10},
        {"text_limit": 2**40},
        {"truncated": -1},
    ):
        with pytest.raises(MalformedError):
            convert(good | change, pane_messages.PaneUpdate)
    for content in (
        {"name": "x" * 300, "text": ""},
        {"name": "stdout"},
        {"name": "stdout", "text": ["x"]},
    ):
        with pytest.raises(MalformedError):
            check_messages([{"msg_type": "stream", "content": content}])
    for data in ({"text/html": {"a": 1}}, {str(at): "" for at in range(65)}, {"x" * 300: ""}):
        with pytest.raises(MalformedError):
            check_messages([{"msg_type": "display_data", "content": {"data": data}}])
    for message in (
        {"msg_type": "comm_open", "content": {}},
        {"msg_type": "update_display_data", "content": {"data": {}}},
        {"msg_type": "error", "content": {"ename": "", "evalue": "", "traceback": [""] * 10_001}},
    ):
        with pytest.raises(MalformedError):
            check_messages([message])
    display = {"output_type": "display_data", "data": {}}
    with pytest.raises(MalformedError):
        check_outputs([display], {"d": [1]})
    with pytest.raises(MalformedError):
        check_outputs([{"output_type": "stream", "name": "stdout", "text": ""}], {"d": [0]})
    with pytest.raises(MalformedError):
        check_outputs([display], {str(at): [0] * 5000 for at in range(3)})
    with pytest.raises(BadRequestError):
        check_pane_name(3)


def test_unknown_keys_are_dropped() -> None:
    content = {"name": "stdout", "text": "x", "evil": "y" * 1000}
    (message,) = check_messages([{"msg_type": "stream", "content": content, "metadata": {}}])
    assert message == {"msg_type": "stream", "content": {"name": "stdout", "text": "x"}}
    (output,) = check_outputs(
        [{"output_type": "display_data", "data": {}, "metadata": {}, "transient": {}}], {}
    )
    assert output == {"output_type": "display_data", "data": {}, "metadata": {}}


values_with_marks = st.recursive(
    st.text(max_size=4) | st.just("x" * 5000) | st.just("ä" * 5000),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["$buffer", "$object", "a"]), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(st.lists(values_with_marks, max_size=4), st.data())
@settings(max_examples=300)
def test_every_value_survives_the_way_by_reference(values: list[Any], draw: Any) -> None:
    packed = pack({"outputs": values})
    found = references(packed.data)
    names = found.names
    assert names == set(packed.blobs)
    assert not found.is_plain or packed.data == {"outputs": values}
    cache = BufferCache()
    kept = draw.draw(st.sets(st.sampled_from(sorted(names)))) if names else set()
    texts = {name: packed.blobs[name].decode() for name in kept}
    cache.put({name: len(packed.blobs[name]) for name in kept}, texts)
    came = sorted(names - kept)
    arrived = Arrived(came, [packed.blobs[name] for name in came], cache)
    assert arrived.missing(found) == []
    assert arrived.unpack(packed.data, found) == {"outputs": values}
    assert all(name in cache for name in names)


@given(st.lists(st.dictionaries(st.integers(0, 9), st.integers(1, 60), max_size=4), max_size=30))
def test_both_ends_of_a_link_keep_the_same(messages: list[dict[int, int]]) -> None:
    sizes: dict[int, int] = {}
    owner, viewer = BufferCache(100), BufferCache(100)
    for message in messages:
        used = {str(name): sizes.setdefault(name, size) for name, size in message.items()}
        missing = {name for name in used if name not in owner}
        assert missing == {name for name in used if name not in viewer}
        owner.put(used)
        viewer.put(dict(reversed(used.items())), dict.fromkeys(used, "text"))
        assert owner._bytes == viewer._bytes <= 100
        assert list(owner._kept) == list(viewer._kept)


@given(json_values)
def test_references_of_any_shape_are_read_or_refused(value: Any) -> None:
    arrived = Arrived(None, (), BufferCache())
    data = {"outputs": value}
    found = references(data)
    if not arrived.missing(found):
        with contextlib.suppress(MalformedError):
            arrived.unpack(data, found)


def test_malformed_references_are_refused() -> None:
    name = blob_hash(b"\xff")
    arrived = Arrived([name], [b"\xff"], BufferCache())
    with pytest.raises(MalformedError):
        data = {"outputs": [{"$buffer": name}]}
        arrived.unpack(data, references(data))
    with pytest.raises(MalformedError):
        Arrived([name], [], BufferCache()) and Arrived([], [b""], BufferCache())
    with pytest.raises(MalformedError):
        references({"outputs": [{"$buffer": f"{at:064}"} for at in range(300)]})
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(MalformedError):
        references({"outputs": deep})


async def test_more_strings_than_one_message_may_refer_to_still_arrive() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        for number in range(400):
            ada.kernel.show(f"{number:04}" + "x" * 5000)
        watch = await bob.watcher.open(ada.id, "loss")
        assert len(texts(watch)) == 400
        assert texts(watch)[399].startswith("0399")


async def _ask(node: Node, other: Node, type: str, data: Any) -> PeerError | None:
    try:
        await node.hub.request(other.id, type, data, timeout=2)
    except PeerError as error:
        return error
    return None


async def test_a_hostile_viewer_gets_errors_and_nothing_else() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share("secret")
        await ada.share("loss", to=bob)
        ada.kernel.show("x" * 5000)
        name = blob_hash(b"x" * 5000)
        for type, data, expected in (
            ("pane_open", {}, MalformedError),
            ("pane_open", {"pane": "../../x"}, MalformedError),
            ("pane_open", {"pane": "loss", "rev": -1}, MalformedError),
            ("pane_open", {"pane": "secret"}, NotGrantedError),
            ("pane_open", {"pane": "secret", "grant": "view"}, NotGrantedError),
            ("pane_open", {"pane": "nope"}, NotGrantedError),
            ("pane_close", {"pane": 3}, MalformedError),
            ("pane_buffers", {"pane": "secret", "hashes": [name]}, NotGrantedError),
            ("pane_buffers", {"pane": "loss", "hashes": [name]}, NotGrantedError),
            ("pane_buffers", {"pane": "loss", "hashes": ["x"]}, MalformedError),
            ("pane_buffers", {"pane": "loss", "hashes": [name] * 1000}, MalformedError),
            ("pane_input", {"pane": "loss"}, NotGrantedError),
        ):
            assert isinstance(await _ask(bob, ada, type, data), expected), (type, data)
        assert not ada.publisher.mine()[0]["viewers"]
        for _ in range(50):
            bob.hub.send(ada.id, "pane_open", {"pane": "loss", "epoch": "0" * 16, "rev": 2**50})
        reply = await bob.hub.request(ada.id, "pane_open", {"pane": "loss"})
        assert reply.data["rev"] == 1
        reply = await bob.hub.request(ada.id, "pane_buffers", {"pane": "loss", "hashes": [name]})
        assert bytes(reply.buffers[0]) == b"x" * 5000
        reply = await bob.hub.request(
            ada.id, "pane_buffers", {"pane": "loss", "hashes": ["0" * 64]}
        )
        assert reply.data["hashes"] == []
        assert len(ada.publisher.mine()[1]["viewers"]) == 1


async def test_a_hostile_owner_cannot_touch_what_is_not_its_own() -> None:
    async with two_nodes() as (ada, bob):
        await bob.share("own")
        await ada.share("loss", to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        ada.kernel.write("true")
        await until(lambda: texts(watch) == ["true"])
        epoch, rev = watch.state.epoch, watch.state.rev
        stream = {"msg_type": "stream", "content": {"name": "stdout", "text": "false"}}
        for data in (
            {},
            {"pane": "other", "epoch": epoch, "rev": 2, "prev": 1, "messages": [stream]},
            {"pane": "loss"},
            {"pane": "loss", "epoch": epoch, "rev": rev, "prev": rev - 1, "messages": [stream]},
            {"pane": "loss", "epoch": epoch, "rev": 9, "prev": 8, "messages": [stream]},
            {"pane": "loss", "epoch": epoch, "rev": 2, "prev": 1, "messages": [{"msg_type": "x"}]},
            {"pane": "loss", "epoch": "0" * 16, "rev": 2, "prev": 1, "messages": [stream]},
            {"pane": "loss", "epoch": epoch, "rev": 2, "outputs": [{"output_type": "x"}]},
            {"pane": "loss", "epoch": epoch, "rev": 2, "outputs": [{"$buffer": "0" * 64}]},
            {"pane": "loss", "epoch": epoch, "rev": 2, "outputs": [{"$object": 3}]},
        ):
            ada.hub.send(bob.id, "pane_update", data, stream="pane/loss")
        for data in ({}, {"pane": "loss", "reason": "x"}, {"pane": "own", "reason": "unshared"}):
            ada.hub.send(bob.id, "pane_withdraw", data)
        for data in ({}, {"pane": "own", "grant": "view"}, {"pane": "loss", "grant": "all"}):
            ada.hub.send(bob.id, "pane_grant", data)
        ada.hub.send(bob.id, "pane_snapshot", {"pane": "loss"})
        ada.kernel.write(" still")
        await until(lambda: texts(watch) == ["true still"])
        assert bob.publisher.mine()[0]["name"] == "own"
        assert watch.info["status"] == "live"


async def test_offers_without_end_are_bounded() -> None:
    async with two_nodes() as (ada, bob):
        offer = {"title": "", "grant": "view", "epoch": "0" * 16, "since": 0.0}
        for number in range(1000):
            ada.hub.send(bob.id, "pane_offer", {"pane": f"p{number}", **offer})
        ada.hub.send(bob.id, "pane_offer", {"pane": "p0", **offer, "title": "last"})
        await until(lambda: any(each["title"] == "last" for each in bob.watcher.offered()))
        assert len(bob.watcher.offered()) == 256


async def test_an_owner_that_answers_rubbish_fails_the_open() -> None:
    async with two_nodes() as (ada, bob):
        await ada.publisher.close()
        handlers = ada.hub._messenger.handlers._handlers
        answers = [
            ("pane_snapshot", {}),
            ("pong", {}),
            ("pane_snapshot", {"pane": "other", "epoch": "0" * 16, "rev": 0, "outputs": []}),
        ]
        for type, data in answers:
            handlers["pane_open"] = (
                lambda message, answer=(type, data): message.reply(*answer),
                None,
            )
            with pytest.raises(WireError):
                await bob.watcher.open(ada.id, "loss")
        assert not bob.watcher._replicas


async def test_an_owner_that_withholds_strings_is_asked_ever_more_seldom() -> None:
    async with two_nodes() as (ada, bob):
        asked: list[str] = []
        handlers = ada.hub._messenger.handlers._handlers

        def answer(message: Any) -> None:
            asked.append(message.type)
            if message.type == "pane_buffers":
                message.reply("pane_buffers", {"pane": "loss", "hashes": []})
                return
            content = {
                "pane": "loss",
                "epoch": "0" * 16,
                "rev": 1,
                "outputs": [{"$buffer": "0" * 64}],
                "grant": "view",
                "since": 0.0,
            }
            message.reply("pane_snapshot", content)

        handlers["pane_open"] = handlers["pane_buffers"] = (answer, None)
        opening = asyncio.ensure_future(bob.watcher.open(ada.id, "loss"))
        await until(lambda: asked.count("pane_open") >= 3)
        opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await opening
        assert len(asked) < 12
        assert not bob.watcher._replicas
