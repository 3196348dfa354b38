"""The control socket of one server."""

from __future__ import annotations

import asyncio
import json
import struct
import time

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from jupyter_peer.control.table import OPERATIONS
from jupyter_peer.errors import (
    BadRequestError,
    KernelGoneError,
    LookupFailedError,
    NotGrantedError,
    PeerError,
    UnknownPeerError,
)
from jupyter_peer.server.control.notices import INTERVAL_S
from jupyter_peer.server.control.secrets import Caller
from jupyter_peer.server.control.session import MAX_UNDER_WAY
from tests.machine.waiting import PATIENCE_S, until


async def test_every_operation_that_needs_nothing_has_its_result(open_control):
    client = await open_control()
    assert (await client.ask("identity"))["node_name"] == "ada"
    assert (await client.ask("peers"))["peers"] == []
    assert await client.ask("panes") == {"mine": [], "offered": []}
    assert await client.ask("invites") == {"invites": []}
    assert await client.ask("metrics") == {"peers": {}}
    assert (await client.ask("audit", limit=5))["audit"] is not None
    assert (await client.ask("set_name", name="Ada"))["node_name"] == "Ada"


async def test_rest_and_the_socket_say_the_same(open_control, call):
    client = await open_control()
    for op in ("identity", "peers", "panes", "metrics", "invites"):
        assert await client.ask(op) == (await call("GET", op)).json, op


@pytest.mark.parametrize(
    ("op", "params", "error"),
    [
        ("dance", {}, BadRequestError),
        ("invite", {"ttl_s": -1}, BadRequestError),
        ("open", {"peer": "nobody", "name": "loss"}, UnknownPeerError),
        ("close", {"watch": 7}, LookupFailedError),
        ("disconnect", {"peer": "nobody"}, UnknownPeerError),
        ("share", {"name": "a", "cell": "b", "kernel_id": "none"}, KernelGoneError),
        ("share", {"name": "a", "cell": "b"}, BadRequestError),
    ],
)
async def test_what_fails_is_answered_with_its_error(open_control, op, params, error):
    client = await open_control()
    with pytest.raises(error) as raised:
        await client.ask(op, **params)
    assert type(raised.value) is error
    assert raised.value.hint


async def test_a_request_without_an_id_gets_no_answer(open_control):
    client = await open_control()
    client.tell("invite")
    client.tell("dance")
    client.tell("ack", watch=1, rev=1)
    assert len((await client.ask("invites"))["invites"]) == 1
    assert client.failures == []


async def test_an_acknowledgement_of_a_closed_watch_is_no_error(open_control):
    client = await open_control()
    assert await client.ask("ack", watch=1, rev=1) == {}


async def test_rubbish_is_answered_and_the_connection_stays(open_control):
    client = await open_control()
    client.socket.write_message("{")
    client.socket.write_message(b"\xff\xff\xff\xff", binary=True)
    client.socket.write_message('{"id": 77, "op": 5}')
    await until(lambda: len(client.failures) == 3)
    assert [failure.id for failure in client.failures] == [None, None, 77]
    assert all(failure.error.code == "bad_request" for failure in client.failures)
    assert await client.ask("identity")


async def test_a_binary_request_is_as_good_as_text(open_control):
    client = await open_control()
    header = json.dumps({"id": 900, "op": "identity"}).encode()
    await client.socket.write_message(struct.pack(">I", len(header)) + header, binary=True)
    await until(lambda: client.failures)  # an answer nobody of this client waits for
    assert client.failures[0].result["node_name"] == "ada"


async def test_a_message_over_tornados_limit_ends_the_connection(open_control, extension):
    client = await open_control()
    await until(lambda: extension.context.sessions)
    client.socket.write_message("x" * (11 * 1024 * 1024))
    await until(lambda: client.is_closed)
    await until(lambda: not extension.context.sessions)


async def test_all_hear_of_a_new_invite_and_a_new_name(open_control):
    acting, watching = await open_control(), await open_control()
    await acting.ask("invite")
    await until(lambda: watching.named("invites"))
    await acting.ask("set_name", name="Ada")
    await until(lambda: watching.named("peers"))
    assert watching.named("peers")[-1]["self"]["node_name"] == "Ada"


async def test_many_changes_are_few_events(open_control):
    acting, watching = await open_control(), await open_control()
    began = time.monotonic()
    for number in range(200):
        acting.tell("set_name", name=f"name {number}")
    await acting.ask("identity")
    await until(
        lambda: (
            watching.named("peers")
            and watching.named("peers")[-1]["self"]["node_name"] == "name 199"
        ),
        15,
    )
    # One at once, then one an interval, however long a busy machine takes for the changes.
    most = 2 + (time.monotonic() - began) / INTERVAL_S
    assert len(watching.named("peers")) <= min(most, 150)


async def test_a_connection_hears_only_of_what_happens_while_it_is_open(open_control):
    acting = await open_control()
    await acting.ask("invite")
    late = await open_control()
    await late.ask("identity")
    await acting.ask("identity")
    assert late.events == []


async def test_too_many_requests_under_way_are_refused_at_once(open_control, extension):
    client = await open_control()
    await client.ask("identity")
    release = asyncio.Event()
    hub = extension.context.running.operations.hub

    async def pair(*args, **kwargs):
        await release.wait()
        raise UnknownPeerError

    hub.pair = pair
    for number in range(MAX_UNDER_WAY):
        client.tell("pair", id=1000 + number, invite="x")
    with pytest.raises(PeerError, match="too many requests") as refused:
        await client.ask("identity")
    assert refused.value.code == "busy"
    assert extension.current_activity() == {"under_way": MAX_UNDER_WAY}
    release.set()
    await until(lambda: len(client.failures) == MAX_UNDER_WAY)
    assert await client.ask("identity")
    assert extension.current_activity() is None


async def test_what_was_under_way_ends_with_the_connection(open_control, extension):
    client = await open_control()
    await client.ask("identity")
    ended = asyncio.Event()

    async def pair(*args, **kwargs):
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    extension.context.running.operations.hub.pair = pair
    client.tell("pair", id=1000, invite="x")
    await until(extension.current_activity)
    await client.close()
    await asyncio.wait_for(ended.wait(), PATIENCE_S)
    await until(lambda: not extension.context.sessions)


async def test_an_unexpected_error_is_told_without_its_text(open_control, extension):
    client = await open_control()
    await client.ask("identity")

    def fail(*args, **kwargs):
        raise ValueError("/home/ada/secret")

    extension.context.running.operations.hub.invites.mint = fail
    with pytest.raises(PeerError, match="unexpected ValueError") as raised:
        await client.ask("invite")
    assert "secret" not in str(raised.value)


async def test_a_kernel_can_share_nothing_of_another_kernel(open_control, extension):
    await open_control()
    secret = extension.context.secrets.mint(Caller("kernel", "k1"))
    client = await open_control({"Authorization": f"peer-secret {secret}"})
    with pytest.raises(NotGrantedError):
        await client.ask("share", name="loss", cell="c", kernel_id="k2")
    with pytest.raises(KernelGoneError):
        await client.ask("share", name="loss", cell="c")


async def test_the_connection_of_a_kernel_ends_with_the_kernel(open_control, extension):
    secret = extension.context.secrets.mint(Caller("kernel", "k1"))
    kernel = await open_control({"Authorization": f"peer-secret {secret}"})
    page = await open_control()
    await kernel.ask("identity")
    extension.context.kernel_ended("k1")
    await until(lambda: kernel.is_closed)
    assert await page.ask("identity")


async def test_stopping_hangs_up_on_everybody(open_control, extension):
    clients = [await open_control() for _ in range(3)]
    await extension.stop_extension()
    await until(lambda: all(client.is_closed for client in clients))


async def test_where_a_browser_reaches_the_server_is_told_to_peers(
    open_control, extension, ws_url, jp_serverapp, jp_auth_header
):
    jp_serverapp.web_app.settings["allow_remote_access"] = True
    secret = extension.context.secrets.mint(Caller("kernel", "k1"))
    await open_control({**jp_auth_header, "Host": "127.0.0.1:8888"})
    hub = extension.context.running.operations.hub
    before = hub.addresses()
    await open_control({"Authorization": f"peer-secret {secret}"})
    assert hub.addresses() == before
    await open_control(
        {**jp_auth_header, "Host": "hub.example:8443", "Origin": "https://hub.example:8443"}
    )
    assert hub.addresses() == ["wss://hub.example:8443/a%40b/peer-ws", *before]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=5,
)
names = st.sampled_from(["name", "peer", "id", "invite", "node_id", "watch", "rev", "grant", "alias",
                         "with", "cell", "display", "kernel_id", "ttl_s", "limit"])  # fmt: skip
requests = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(10_000, 20_000) | json_values,
        "op": st.sampled_from(list(OPERATIONS)) | st.text(max_size=10),
        "params": st.dictionaries(names, json_values, max_size=4) | json_values,
    },
)


def test_nothing_a_client_sends_breaks_the_connection(open_control, jp_asyncio_loop, caplog):
    client = jp_asyncio_loop.run_until_complete(open_control())

    @settings(max_examples=300, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(
            requests.map(json.dumps) | st.text(max_size=20) | st.binary(max_size=20), max_size=3
        )
    )
    def send(frames):
        async def work():
            for frame in frames:
                text = frame if isinstance(frame, bytes) else frame.encode("utf-8", "replace")
                client.socket.write_message(text, binary=isinstance(frame, bytes))
            assert (await client.ask("identity"))["node_id"]

        jp_asyncio_loop.run_until_complete(work())

    send()
    assert not [
        record for record in caplog.records if "failed" in record.message and record.exc_info
    ]
