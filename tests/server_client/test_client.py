"""The client against a control server that answers what it is told to."""

from __future__ import annotations

import _thread
import asyncio
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import jupyter_peer
from jupyter_peer.errors import (
    AmbiguousPeerError,
    BadRequestError,
    InviteUsedError,
    NoServerError,
    StoreCorruptError,
    UnauthorizedError,
    UnknownPaneError,
)
from jupyter_peer.server_client import client as client_module
from jupyter_peer.server_client.client import Client, kernel_client
from jupyter_peer.server_client.dialling import socket_url
from tests.machine.waiting import until, until_sync
from tests.server_client.fake_server import ME, NODE, OFFER, PEER, SECRET, FakeServer

FINDING = {"check": "disk", "subject": "", "status": "ok", "text": "Yes.", "hint": "", "data": {}}


def test_the_calls_send_what_the_server_expects_and_return_what_it_answers(
    client: Client, server: FakeServer
) -> None:
    server.answers |= {
        "invite": {"invite": "jpeer1:abc", "id": "12345678", "expires": 4e9, "local_only": False},
        "set_name": lambda params: ME | {"node_name": params["name"]},
        "revoke_invite": {},
        "connect": {"peer": PEER},
        "alias": lambda params: {"peer": PEER | {"alias": params["alias"]}},
        "ping": {"rtt_ms": 2.5},
        "audit": {"audit": [{"at": 1.0, "kind": "pair", "peer": None, "detail": {}}]},
        "grant": {"pane": {"name": "loss"}},
        "doctor": {"findings": [FINDING], "peer": None, "at": 1.0, "took_s": 0.1},
        "forget": {},
        "block": {"peer": PEER | {"status": "blocked"}},
    }
    assert client.whoami().node_id == NODE
    assert client.name("Bob").node_name == "Bob"
    invite = client.invite(ttl="10m", note="for Ada")
    assert (invite, invite.id, invite.expires) == ("jpeer1:abc", "12345678", 4e9)
    client.revoke(invite)
    assert client.connect("ada")["node_name"] == "ada"
    client.connect("localhost:9797")
    assert [peer.status for peer in client.peers()] == ["connected"]
    assert client.alias("ada", "A").alias == "A"
    assert client.ping("ada") == 2.5
    assert client.log(3)[0].kind == "pair"
    assert client.panes().offered[0].peer["node_name"] == "ada"
    client.grant("loss", "ada", "none")
    assert client.doctor()[0].status == "ok"
    assert client.doctor("ada").answer.took_s == 0.1
    client.forget("ada")
    assert client.block("ada").status == "blocked"
    assert server.asked == [
        ("identity", {}),
        ("set_name", {"name": "Bob"}),
        ("invite", {"note": "for Ada", "ttl_s": 600.0}),
        ("revoke_invite", {"id": "12345678"}),
        ("connect", {"node_id": "ada"}),
        ("connect", {"address": "localhost:9797"}),
        ("peers", {}),
        ("alias", {"peer": "ada", "alias": "A"}),
        ("ping", {"peer": "ada"}),
        ("audit", {"limit": 3}),
        ("peers", {}),
        ("panes", {}),
        ("peers", {}),
        ("links", {}),
        ("grant", {"name": "loss", "peer": "ada", "grant": "none"}),
        ("doctor", {}),
        ("doctor", {"peer": "ada"}),
        ("forget", {"peer": "ada"}),
        ("block", {"peer": "ada"}),
    ]


def test_an_error_of_the_server_is_raised_as_its_own_class_with_its_hint(
    client: Client, server: FakeServer
) -> None:
    server.answers["alias"] = AmbiguousPeerError("'a' may be ada or alan", hint="write more of it")
    with pytest.raises(AmbiguousPeerError, match="ada or alan") as raised:
        client.alias("a", "x")
    assert raised.value.hint == "write more of it"


def test_what_cannot_be_right_is_refused_before_it_is_sent(
    client: Client, server: FakeServer
) -> None:
    with pytest.raises(BadRequestError, match="not a length of time"):
        client.invite(ttl="soon")
    with pytest.raises(BadRequestError, match="not a grant"):
        client.share("loss", grant="run")
    assert server.asked == []


def test_pairing_tells_its_steps_in_the_thread_that_waits(
    client: Client, server: FakeServer
) -> None:
    server.answers["pair"] = {"peer": PEER}
    server.progress["pair"] = [{"step": "direct", "ok": None}, {"step": "direct", "ok": True}]
    steps: list[tuple[Any, str]] = []
    peer = client.pair(
        "jpeer1:x", on_progress=lambda step: steps.append((step, threading.current_thread().name))
    )
    assert peer.transport == "direct"
    name = threading.current_thread().name
    assert steps == [(step, name) for step in server.progress["pair"]]


def test_an_error_is_shown_without_its_way_through_the_clients_thread(
    client: Client, server: FakeServer
) -> None:
    server.answers["disconnect"] = AmbiguousPeerError("more than one peer fits: bob, bert")
    with pytest.raises(AmbiguousPeerError) as failed:
        client.disconnect("b")
    assert [entry.name for entry in failed.traceback[1:]] == ["call", "wait"]
    assert failed.value.__cause__ is None


def test_pairing_with_a_used_invite_says_so(client: Client, server: FakeServer) -> None:
    server.answers["pair"] = InviteUsedError()
    with pytest.raises(InviteUsedError):
        client.pair("jpeer1:x")


def test_many_threads_may_use_one_client(client: Client, server: FakeServer) -> None:
    server.answers["alias"] = lambda params: {"peer": PEER | {"alias": params["alias"]}}
    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        answers[number] = client.alias("ada", str(number)).alias

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert answers == {number: str(number) for number in range(20)}
    assert len(server.sockets) == 1


def test_an_interrupt_ends_the_wait_and_leaves_the_client_usable(
    client: Client, server: FakeServer
) -> None:
    server.answers["pair"] = None

    def interrupt() -> None:
        server.wait_for("pair")
        _thread.interrupt_main()

    # A program that a shell started in the background ignores interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            client.pair("jpeer1:x")
    finally:
        signal.signal(signal.SIGINT, before)
    thread.join(5)
    assert client.whoami().node_id == NODE
    until_sync(lambda: client.core.connection.pending == 0)


def test_it_reconnects_by_itself_and_asks_again_what_changes_nothing(
    client: Client, server: FakeServer
) -> None:
    answers = iter([None, ME])
    server.answers["identity"] = lambda _: next(answers)

    def cut() -> None:
        server.wait_for("identity")
        server.drop()

    thread = threading.Thread(target=cut)
    thread.start()
    assert client.whoami().node_id == NODE
    thread.join(5)
    assert server.ops() == ["identity", "identity"]


def test_what_changes_something_is_not_asked_twice_when_the_answer_was_lost(
    client: Client, server: FakeServer
) -> None:
    server.answers["invite"] = None

    def cut() -> None:
        server.wait_for("invite")
        server.drop()

    thread = threading.Thread(target=cut)
    thread.start()
    with pytest.raises(NoServerError, match="lost before it answered 'invite'"):
        client.invite()
    thread.join(5)
    assert client.whoami().node_id == NODE
    assert server.ops() == ["invite", "identity"]


def test_a_server_that_is_gone_is_told(server: FakeServer) -> None:
    server.stop()
    with Client(server.url, SECRET) as client, pytest.raises(NoServerError, match="not answer"):
        client.whoami()


def test_a_wrong_secret_is_told_apart_from_a_missing_server(server: FakeServer) -> None:
    with Client(server.url, "wrong") as client, pytest.raises(UnauthorizedError):
        client.whoami()


def test_a_server_without_the_extension_is_told_apart_too(server: FakeServer) -> None:
    with (
        Client(server.url + "elsewhere/", SECRET) as client,
        pytest.raises(NoServerError, match=r"no control socket \(it answers 404\)"),
    ):
        client.whoami()


def test_a_server_whose_extension_could_not_start_says_why(server: FakeServer) -> None:
    server.refusal = 503
    with Client(server.url, SECRET) as client, pytest.raises(StoreCorruptError):
        client.whoami()


def test_a_frame_that_is_no_frame_does_not_end_the_connection(
    client: Client, server: FakeServer
) -> None:
    client.ready()
    server.push_raw("[1, 2")
    server.push_raw('{"id": 77, "result": {}}')
    assert client.whoami().node_id == NODE
    assert len(server.sockets) == 1


def test_listeners_hear_events_and_a_failing_one_does_not_take_them_from_others(
    client: Client, server: FakeServer
) -> None:
    heard: list[dict[str, Any]] = []

    def fail(data: dict[str, Any]) -> None:
        raise ValueError("a listener's own fault")

    client.on_event("peers", fail)
    end = client.on_event("peers", heard.append)
    client.ready()
    server.push("peers", {"self": ME, "peers": []})
    until_sync(lambda: heard)
    end()
    client.whoami()
    server.push("peers", {"self": ME, "peers": [PEER]})
    client.whoami()
    assert heard == [{"self": ME, "peers": []}]


def test_a_glance_never_fails_and_falls_back_on_what_was_heard(
    client: Client, server: FakeServer
) -> None:
    client.ready()
    server.push("peers", {"self": ME, "peers": [PEER]})
    client.whoami()
    server.answers |= {"peers": None, "panes": None, "invites": None}
    known = client.glance(0.05)
    assert [peer.node_name for peer in known.peers] == ["ada"]
    assert known.panes == {"mine": [], "offered": []}


def test_a_blocking_call_from_the_clients_own_thread_is_refused_instead_of_waiting_for_ever(
    client: Client, server: FakeServer
) -> None:
    raised: list[Exception] = []

    def call(data: dict[str, Any]) -> None:
        try:
            client.whoami()
        except RuntimeError as error:
            raised.append(error)

    client.on_event("peers", call)
    client.ready()
    server.push("peers", {"self": ME, "peers": []})
    until_sync(lambda: raised)


def test_a_closed_client_says_that_it_is_closed(server: FakeServer) -> None:
    client = Client(server.url, SECRET)
    client.ready()
    client.close()
    client.close()
    with pytest.raises(NoServerError, match="closed"):
        client.whoami()


async def test_the_twin_is_the_same_as_coroutines(client: Client, server: FakeServer) -> None:
    server.answers["pair"] = {"peer": PEER}
    server.progress["pair"] = [{"step": "direct", "ok": None}]
    steps: list[dict[str, Any]] = []
    me = await client.aio
    assert me is client.aio
    assert (await me.pair("jpeer1:x", on_progress=steps.append)).node_name == "ada"
    await until(lambda: steps)
    results = await asyncio.gather(me.whoami(), me.peers(), me.panes())
    assert results[0].node_id == NODE
    assert {name for name in vars(type(client)) if not name.startswith("_")} - {
        "aio",
        "close",
    } == {name for name in vars(type(me)) if not name.startswith("_")}


async def test_cancelling_a_coroutine_ends_its_wait(client: Client, server: FakeServer) -> None:
    server.answers["pair"] = None
    task = asyncio.ensure_future(client.aio.pair("jpeer1:x"))
    await until(lambda: "pair" in server.ops())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: client.core.connection.pending == 0)


def test_outside_of_a_jupyter_server_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(client_module.URL, raising=False)
    for call in (jupyter_peer.client, kernel_client, jupyter_peer.aio.client):
        with pytest.raises(NoServerError, match="jupyter lab"):
            call()


def test_a_kernel_whose_secret_is_gone_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, secret_file: Path
) -> None:
    monkeypatch.setenv(client_module.URL, "http://127.0.0.1:1/")
    monkeypatch.setenv(client_module.SECRET_FILE, str(secret_file))
    secret_file.unlink()
    with pytest.raises(NoServerError, match=r"kernel\.secret") as failed:
        kernel_client()
    assert "restart this kernel" in failed.value.hint


def test_a_kernel_has_one_client(
    monkeypatch: pytest.MonkeyPatch, server: FakeServer, secret_file: Path
) -> None:
    monkeypatch.setenv(client_module.URL, server.url)
    monkeypatch.setenv(client_module.SECRET_FILE, str(secret_file))
    monkeypatch.setenv(client_module.KERNEL_ID, "kernel-7")
    me = jupyter_peer.client()
    try:
        assert jupyter_peer.client() is me
        assert jupyter_peer.aio.client() is me.aio
        assert me.core.kernel_id == "kernel-7"
    finally:
        me.close()


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("http://127.0.0.1:8888/", "ws://127.0.0.1:8888/jupyter-peer/ws"),
        ("https://hub/user/ada", "wss://hub/user/ada/jupyter-peer/ws"),
        ("http://h:1/a/?token=x", "ws://h:1/a/jupyter-peer/ws"),
    ],
)
def test_the_control_socket_stands_under_the_base_url(url: str, socket: str) -> None:
    assert socket_url(url) == socket


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(NoServerError):
        socket_url("ftp://x/")


def test_a_pane_may_be_named_without_its_peer_when_one_peer_offers_it(
    client: Client, server: FakeServer
) -> None:
    client.open("loss")
    assert server.wait_for("open") == {"peer": PEER["node_id"], "name": "loss"}
    server.answers["panes"] = {"mine": [], "offered": [OFFER, OFFER]}
    with pytest.raises(BadRequestError, match="ada/loss, ada/loss"):
        client.open("loss")
    with pytest.raises(UnknownPaneError):
        client.open("gain")


def test_a_view_that_opens_the_connection_watches_its_pane_once(
    client: Client, server: FakeServer
) -> None:
    view = client.open("ada/loss")
    client.whoami()
    assert server.ops().count("open") == 1
    view.close()
    assert server.wait_for("close") == {"watch": 1}
