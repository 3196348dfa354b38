"""Agents over REST and the control socket."""

from __future__ import annotations

import asyncio
import threading

import pytest

from jupyter_peer.errors import (
    BadRequestError,
    LookupFailedError,
    PeerError,
    UnknownAgentError,
)
from jupyter_peer.server.control.secrets import Caller
from tests.agents.servers import kernel, run, servers
from tests.machine.waiting import until
from tests.server.control.control_client import connect

pytestmark = pytest.mark.usefixtures("jp_environ")


def agents_of(server):
    return server.extension.context.running.operations.agents


async def kernels_socket(server, kernel_id="k1"):
    secret = server.extension._secrets.mint(Caller("kernel", kernel_id))
    url = f"{server.url}jupyter-peer/ws".replace("http", "ws", 1)
    return await connect(url, {"Authorization": f"peer-secret {secret}"})


async def test_rest_asks_and_answers_with_ok_or_the_error(tmp_path):
    async with servers(tmp_path, "ada", "bob") as (ada, bob), kernel(ada) as adas:
        body = {"peer_id": ada.hub.node_id, "prompt": "how?"}
        answer = await bob.call("POST", "ask-peer", body)
        assert answer["ok"] is False
        assert answer["error"]["code"] == "not_enabled"
        await run(adas.agent, lambda turn: f"so: {turn.prompt}", name="helper")
        await run(adas.agent_on)
        assert await bob.call("POST", "ask-peer", body) == {"ok": True, "answer": "so: how?"}
        answer = await bob.call("POST", "ask-peer", {**body, "peer_id": "nobody"})
        assert answer["error"]["code"] == "unknown_peer"
        status = await ada.call("GET", "agents")
        assert (status["on"], status["default"]) == (True, "helper")
        kinds = [entry["kind"] for entry in (await ada.call("GET", "audit"))["audit"]]
        assert {"agent_registered", "agents_on", "agent_turn", "agent_turn_ended"} <= {*kinds}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prompt": "?"},
        {"peer_id": "ada"},
        {"peer_id": "ada", "prompt": 1},
        {"peer_id": "ada", "prompt": "?", "timeout_s": 0},
        {"peer_id": "ada", "prompt": "?", "timeout_s": 1e9},
        {"peer_id": "ada", "prompt": "?", "agent": "no spaces"},
        {"peer_id": "", "prompt": "?"},
    ],
)
async def test_a_question_of_another_form_is_refused(call, body):
    answer = await call("POST", "ask-peer", body)
    assert (answer.code, answer.json["code"]) == (400, "bad_request")


async def test_a_client_that_goes_away_cancels_its_question(tmp_path):
    async with servers(tmp_path, "ada", "bob", allow_remote_agent=True) as (ada, bob):
        client = await kernels_socket(ada)
        await client.ask("agent_register", name="helper")
        body = '{"peer_id": "ada", "prompt": "?"}'
        head = [
            f"POST {bob.app.base_url}jupyter-peer/api/ask-peer HTTP/1.1",
            f"Host: 127.0.0.1:{bob.app.port}",
            f"Authorization: {bob.headers['Authorization']}",
            f"Content-Length: {len(body)}",
        ]
        _, writer = await asyncio.open_connection("127.0.0.1", bob.app.port)
        writer.write("\r\n".join([*head, "", body]).encode())
        await until(lambda: client.named("turn"))
        writer.close()
        await until(lambda: agents_of(bob).questions.under_way == 0)
        await until(lambda: agents_of(ada).turns.under_way == 0)
        await until(lambda: client.named("turn_over") == [{"turn": 1}])
        await client.close()


async def test_a_turn_belongs_to_the_connection_that_answers_it(tmp_path):
    async with servers(tmp_path, "ada", "bob", allow_remote_agent=True) as (ada, bob):
        mine, other = await kernels_socket(ada), await kernels_socket(ada, "k2")
        await mine.ask("agent_register", name="helper", tools=[{"name": "act"}])
        asking = asyncio.ensure_future(
            bob.call("POST", "ask-peer", {"peer_id": "ada", "prompt": "?"})
        )
        (turn,) = await until(lambda: mine.named("turn"))
        assert other.named("turn") == []
        number = turn["turn"]
        for op, params in (
            ("turn_write", {"text": "x"}),
            ("turn_end", {}),
            ("turn_tool", {"tool": "act"}),
            ("turn_panes", {}),
            ("turn_pane", {"name": "loss"}),
            ("ask", {"peer": "bob", "prompt": "?"}),
        ):
            with pytest.raises(LookupFailedError):
                await other.ask(op, turn=number, **params)
        with pytest.raises(LookupFailedError):
            await other.ask("agent_unregister", name="helper")
        with pytest.raises(LookupFailedError):
            await mine.ask("turn_pane", turn=number, name="loss")
        with pytest.raises(PeerError, match="read-only"):
            await mine.ask("turn_tool", turn=number, tool="act")
        await mine.ask("turn_write", turn=number, text="mine")
        await mine.ask("turn_end", turn=number)
        assert await asking == {"ok": True, "answer": "mine"}
        with pytest.raises(LookupFailedError):
            await mine.ask("turn_write", turn=number, text="more")
        await mine.close()
        await other.close()


async def test_only_a_kernel_brings_agents(open_control):
    browser = await open_control()
    with pytest.raises(BadRequestError):
        await browser.ask("agent_register", name="helper")


@pytest.mark.parametrize(
    ("op", "params"),
    [
        ("agent_register", {"name": "no spaces"}),
        ("agent_register", {"name": "x", "tools": [{"name": "a"}, {"name": "a"}]}),
        ("agent_register", {"name": "x", "tools": [{"name": "not a name"}]}),
        ("agent_on", {"mode": "anything"}),
        ("ask", {"peer": "bob", "prompt": "x" * (1024 * 1024 + 1)}),
        ("turn_write", {"turn": -1, "text": ""}),
        ("approve", {"id_": 1}),
        ("cancel", {"request": "7"}),
    ],
)
async def test_parameters_that_do_not_fit_are_refused(open_control, op, params):
    browser = await open_control()
    with pytest.raises(BadRequestError):
        await browser.ask(op, **params)


async def test_a_request_can_be_cancelled_and_gets_no_answer(tmp_path):
    async with servers(tmp_path, "ada", "bob", allow_remote_agent=True) as (ada, bob):
        agent, browser = await kernels_socket(ada), await bob.control()
        await agent.ask("agent_register", name="helper")
        browser.tell("ask", 77, peer="ada", prompt="?", stream=True)
        await until(lambda: agent.named("turn"))
        browser.tell("cancel", request=77)
        await until(lambda: agents_of(bob).questions.under_way == 0)
        await until(lambda: agent.named("turn_over"))
        assert await browser.ask("cancel", request=77) == {}
        assert browser.failures == []
        await agent.close()
        await browser.close()


async def test_what_is_switched_is_told_to_every_page(tmp_path):
    async with servers(tmp_path, "ada") as (ada,):
        browser = await ada.control()
        assert (await browser.ask("agent_on", mode="ask"))["mode"] == "ask"
        await until(lambda: browser.named("agents") and browser.named("agents")[-1]["on"])
        assert (await browser.ask("agents"))["default"] == "reader"
        await browser.ask("agent_off")
        await until(lambda: not browser.named("agents")[-1]["on"])
        with pytest.raises(PeerError):
            await browser.ask("agent_on", agent="nobody")
        await browser.close()


async def test_a_page_is_told_who_asks_now_and_when_it_is_over(tmp_path):
    async with servers(tmp_path, "ada", "bob") as (ada, bob), kernel(ada) as adas:
        browser = await ada.control()
        may_end = threading.Event()
        await run(adas.agent, lambda turn: may_end.wait(20) and "so", name="helper")
        await run(adas.agent_on)

        def told() -> list[str] | None:
            events = browser.named("agents")
            return events and [turn["peer"]["label"] for turn in events[-1]["running"]]

        body = {"peer_id": ada.hub.node_id, "prompt": "how?"}
        question = asyncio.create_task(bob.call("POST", "ask-peer", body))
        await until(lambda: told() == ["bob"])
        may_end.set()
        assert (await question)["answer"] == "so"
        await until(lambda: told() == [])
        await browser.close()


async def test_a_page_counts_for_approvals_as_long_as_it_is_open(tmp_path):
    async with servers(tmp_path, "ada") as (ada,):
        browser = await ada.control()
        approvals = agents_of(ada).approvals
        assert not approvals._screens
        await browser.ask("approvals")
        assert len(approvals._screens) == 1
        # Who only lists changes nothing, on this connection or another.
        terminal = await ada.control()
        for client in (terminal, browser):
            assert await client.ask("approvals", watching=None) == {"approvals": []}
        assert len(approvals._screens) == 1
        await terminal.close()
        await browser.close()
        await until(lambda: not approvals._screens)


async def test_a_server_that_is_restarted_asks_and_answers_again(tmp_path):
    async with servers(tmp_path, "bob") as (bob,):
        for _ in range(2):
            async with servers(tmp_path, "ada", allow_remote_agent=True) as (ada,):
                if not bob.hub.peers():
                    invite = (await ada.call("POST", "invite", {}))["invite"]
                    assert (await bob.call("POST", "pair", {"invite": invite}))["ok"]
                else:
                    address = f"127.0.0.1:{ada.app.port}/ada/peer-ws"
                    await bob.call("POST", "connect", {"address": f"ws://{address}"})
                async with kernel(ada) as adas:
                    await run(adas.agent, lambda turn: "here", name="helper")
                    body = {"peer_id": "ada", "prompt": "?"}
                    assert (await bob.call("POST", "ask-peer", body))["answer"] == "here"
            await until(lambda: bob.hub.peers()[0].status != "connected")
            answer = await bob.call("POST", "ask-peer", {"peer_id": "ada", "prompt": "?"})
            assert answer["error"]["code"] == "not_connected"


async def test_a_server_that_stops_ends_the_question(tmp_path):
    async with servers(tmp_path, "bob") as (bob,):
        async with servers(tmp_path, "ada", allow_remote_agent=True) as (ada,):
            invite = (await ada.call("POST", "invite", {}))["invite"]
            assert (await bob.call("POST", "pair", {"invite": invite}))["ok"]
            agent = await kernels_socket(ada)
            await agent.ask("agent_register", name="helper")
            body = {"peer_id": "ada", "prompt": "?"}
            asking = asyncio.ensure_future(bob.call("POST", "ask-peer", body))
            await until(lambda: agent.named("turn"))
        answer = await asking
        await agent.close()
        assert answer["ok"] is False
        assert answer["error"]["code"] in ("turn_cancelled", "agent_gone", "link_closed")
        assert agents_of(bob).questions.under_way == 0


async def test_asking_oneself_or_a_stranger_is_refused(call, extension):
    await call("GET", "identity")
    node_id = extension.context.running.operations.hub.node_id
    for peer in (node_id, "nobody"):
        answer = await call("POST", "ask-peer", {"peer_id": peer, "prompt": "?"})
        assert (answer.code, answer.json["error"]["code"]) == (200, "unknown_peer")


async def test_a_page_removes_the_guide_at_once_and_for_good(tmp_path):
    async with (
        servers(tmp_path, "ada", "bob") as (ada, bob),
        kernel(ada) as adas,
        kernel(bob) as bobs,
    ):
        await run(adas.guide, {"losses": [0.5]})
        await run(adas.agent_on, "guide")
        assert "losses" in await run(bobs.ask, "ada", "losses?", agent="guide")
        page = await connect(ada.url.replace("http", "ws", 1) + "jupyter-peer/ws", ada.headers)
        await page.ask("agent_unregister", name="guide")
        assert [each["name"] for each in (await page.ask("agents"))["agents"]] == ["reader"]
        with pytest.raises(UnknownAgentError):
            await run(bobs.ask, "ada", "losses?", agent="guide")
        with pytest.raises(LookupFailedError):
            await page.ask("agent_unregister", name="guide")
        with pytest.raises(LookupFailedError, match="reader"):
            await page.ask("agent_unregister", name="reader")
        # The kernel does not register it again with the next server.
        await until(lambda: "guide" not in adas.host._agents)
        await run(adas.guide, {"losses": [0.5]})
        assert "losses" in await run(bobs.ask, "ada", "losses?", agent="guide")
        await page.close()
