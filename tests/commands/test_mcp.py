"""``jupyter peer mcp``, asked by the official client over stdio, in both eras of the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
import warnings
from pathlib import Path

import msgspec
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.shared.subscriptions import ResourcesListChanged, ResourceUpdated

from jupyter_peer.commands.mcp import command as mcp_command
from jupyter_peer.errors import NotEnabledError
from jupyter_peer.panes.owner.publish import SharePane
from jupyter_peer.server.control.runtime_file import RunningServer, write_runtime_file
from tests.agents.servers import kernel, run, servers
from tests.commands.test_agents import PNG, ada_and_bob
from tests.machine.waiting import until
from tests.server.servers import jupyter_server

pytestmark = pytest.mark.usefixtures("jp_environ")

ERAS = ("legacy", "auto")
DOCS = Path(__file__).resolve().parents[2] / "docs" / "agents.md"


@contextlib.asynccontextmanager
async def client_of(server_or_directory, *words, mode="auto", **options):
    """An MCP client of ``jupyter peer mcp``, started by the path of Python alone."""
    directory = getattr(server_or_directory, "app", None)
    directory = directory.runtime_dir if directory else str(server_or_directory)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER_")}
    environment |= {"JUPYTER_RUNTIME_DIR": directory, "PATH": "/nonexistent"}
    argv = ["-m", "jupyter_peer", "mcp", *words]
    server = StdioServerParameters(command=sys.executable, args=argv, env=environment)
    async with Client(server, read_timeout_seconds=30, mode=mode, cache=None, **options) as client:
        yield client


def error_of(result):
    assert result.is_error
    return result.structured_content


@pytest.mark.parametrize("mode", ERAS)
async def test_a_client_looks_and_asks(mode, tmp_path):
    async with ada_and_bob(tmp_path) as (ada, bob), client_of(bob, "--allow-ask", mode=mode) as ai:
        tools = {tool.name: tool for tool in (await ai.list_tools()).tools}
        assert list(tools) == [
            "list_peers",
            "list_panes",
            "read_pane",
            "list_agents",
            "ask_peer",
        ]
        for tool in tools.values():
            assert tool.input_schema["additionalProperties"] is False
            assert all(each["description"] for each in tool.input_schema["properties"].values())
            assert tool.output_schema["type"] == "object"
            assert tool.annotations.destructive_hint is False
            assert tool.annotations.read_only_hint is (tool.name != "ask_peer")
        peers = (await ai.call_tool("list_peers", {})).structured_content["peers"]
        (peer,) = peers
        assert (peer["name"], peer["node_id"]) == ("ada", ada.hub.node_id)
        assert (peer["status"], peer["panes"]) == ("connected", ["loss"])
        panes = (await ai.call_tool("list_panes", {})).structured_content
        (pane,) = panes["offered"]
        uri = f"pane://{ada.hub.node_id}/loss"
        assert (pane["peer"], pane["uri"], pane["status"]) == ("ada", uri, "live")
        assert 0 <= pane["age_s"] < 60
        result = await ai.call_tool("read_pane", {"peer": "ada", "name": "loss"})
        text, image = result.content
        assert text.text == "final loss 0.01\n<Figure>"
        assert (image.mime_type, image.data) == ("image/png", PNG)
        assert result.structured_content["pictures"] == 1
        (listed,) = (await ai.list_resources()).resources
        assert (str(listed.uri), listed.name, listed.title) == (uri, "ada/loss", "Training")
        read = await ai.read_resource(uri)
        assert read.contents[0].text.startswith("final loss")
        assert {name: tool.meta for name, tool in tools.items() if tool.meta} == {
            "read_pane": {"ui": {"resourceUri": "ui://jupyter-peer/pane.html"}}
        }
        (page,) = (await ai.read_resource("ui://jupyter-peer/pane.html")).contents
        assert page.mime_type == "text/html;profile=mcp-app"
        assert "ui/initialize" in page.text
        agents = (await ai.call_tool("list_agents", {"peer": "ada"})).structured_content["agents"]
        assert {each["name"]: each["default"] for each in agents}["helper"] is True
        steps = []

        async def on_progress(progress, total, message):
            steps.append(message)

        answer = await ai.call_tool(
            "ask_peer",
            {"peer": "ada", "question": "how?", "agent": "helper", "timeout_s": 20},
            progress_callback=on_progress,
        )
        assert answer.content[0].text == answer.structured_content["answer"] == "you asked: how?"
        await until(lambda: steps[:2] == ["ada is asked", "ada answers"])


async def test_the_end_of_a_pane_can_be_read_and_what_is_left_out_is_said(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, bob), client_of(bob) as ai:
        tap = ada.extension.context.running.operations.publisher.kernels.tap("k1")
        tap.write("".join(f"line {n}\n" for n in range(100)), name="stderr")
        source = {"peer": "ada", "name": "loss"}
        whole = (await ai.call_tool("read_pane", source)).structured_content
        assert whole["notice"] == ""
        tail = (await ai.call_tool("read_pane", {**source, "tail": 2})).structured_content
        left_out = len(whole["text"]) - len(tail["text"])
        assert tail["text"].split() == ["line", "98", "line", "99"]
        assert tail["notice"] == f"the first {left_out} characters of its text are left out"
        result = await ai.call_tool("read_pane", {**source, "max_chars": 3})
        assert len(result.structured_content["text"]) == 3
        assert result.content[0].text.startswith("[the first ")


async def test_what_fails_says_code_and_hint_in_words_for_the_user_of_an_ai(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, bob), client_of(bob, "--allow-ask") as ai:

        async def fails(tool, **arguments):
            return error_of(await ai.call_tool(tool, arguments))

        gone = await fails("read_pane", peer="ada", name="other")
        assert gone["code"] == "not_granted"
        assert gone["hint"] == "ask ada to share 'other' with you"
        stranger = await fails("read_pane", peer="eve", name="loss")
        assert stranger["code"] == "unknown_peer"
        assert "list_peers" in stranger["hint"]
        unknown = await fails("read_pane", peer="ada", name="loss", lines=3)
        assert unknown["message"] == "read_pane has no argument 'lines'"
        assert unknown["hint"] == "its arguments are peer, name, tail, max_chars"
        wrong = await fails("read_pane", peer="ada", name="loss", tail=0)
        assert (wrong["code"], "tail" in wrong["message"]) == ("bad_request", True)
        missing = await fails("ask_peer", peer="ada")
        assert "question" in missing["message"]
        assert (await fails("ask_peer", peer="ada", question="?", agent="no"))["code"] == (
            "unknown_agent"
        )
        assert (await fails("run_code", code="1"))["code"] == "lookup"
        with pytest.raises(MCPError) as caught:
            await ai.read_resource(f"pane://{ada.hub.node_id}/other")
        assert caught.value.error.data["code"] == "not_granted"
        with pytest.raises(MCPError) as caught:
            await ai.read_resource("pane://nothing")
        assert caught.value.error.code == -32602


async def test_nobody_is_asked_unless_the_user_allows_it_and_own_panes_are_read(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, _), client_of(ada) as ai:
        tools = [tool.name for tool in (await ai.list_tools()).tools]
        assert tools == ["list_peers", "list_panes", "read_pane"]
        own = await ai.call_tool("read_pane", {"peer": "me", "name": "loss"})
        assert own.content[0].text.startswith("final loss 0.01")
        (pane,) = (await ai.call_tool("list_panes", {})).structured_content["mine"]
        assert (pane["name"], pane["status"], pane["viewers"]) == ("loss", "live", [])
        read = await ai.read_resource("pane://me/loss")
        assert read.contents[0].text.startswith("final loss")


async def share_more(ada, bob, name):
    publisher = ada.extension.context.running.operations.publisher
    shared = SharePane(name, "", "k1", {"cell": "other"})
    await publisher.share(shared, with_=[bob.hub.node_id])
    return publisher.kernels.tap("k1")


async def test_subscriptions_tell_changes_of_panes_and_of_their_list(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, bob), client_of(bob) as ai:
        uri = f"pane://{ada.hub.node_id}/loss"
        async with ai.listen(resources_list_changed=True, resource_subscriptions=[uri]) as events:
            watcher = bob.extension.context.running.operations.watcher
            # It is told at once, since the pane may have changed since it was read.
            assert await anext(events) == ResourceUpdated(uri=uri)
            tap = await share_more(ada, bob, "more")
            tap.write("0.005\n")
            told = {await anext(events), await anext(events)}
            assert told == {ResourceUpdated(uri=uri), ResourcesListChanged()}
        text = (await ai.read_resource(uri)).contents[0].text
        assert "0.005" in text
        # Nobody watches any more.
        await until(lambda: not watcher._replicas)


async def test_a_client_of_before_is_told_of_changes_too(tmp_path):
    told = []

    async def on_message(message):
        told.append(type(message).__name__)

    async with (
        ada_and_bob(tmp_path) as (ada, bob),
        client_of(bob, mode="legacy", message_handler=on_message) as ai,
    ):
        assert ai.server_capabilities.resources.subscribe is True
        assert ai.server_capabilities.resources.list_changed is True
        await ai.list_resources()
        uri = f"pane://{ada.hub.node_id}/loss"
        watcher = bob.extension.context.running.operations.watcher
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            await ai.subscribe_resource(uri)
            await until(lambda: told == ["ResourceUpdatedNotification"])
            told.clear()
            tap = await share_more(ada, bob, "more")
            tap.write("0.005\n")
            expected = ["ResourceListChangedNotification", "ResourceUpdatedNotification"]
            await until(lambda: sorted(set(told)) == expected)
            await ai.unsubscribe_resource(uri)
        await until(lambda: not watcher._replicas)


async def test_it_starts_without_a_server_and_outlives_restarts_on_other_ports(tmp_path):
    home = tmp_path / "ada"
    async with client_of(home / "runtime") as ai:
        nothing = error_of(await ai.call_tool("list_peers", {}))
        assert nothing["code"] == "no_server"
        assert "start JupyterLab" in nothing["hint"]
        assert (await ai.list_resources()).resources == []
        ports = set()
        for _ in range(2):
            async with jupyter_server(home, "/ada/", PeerExtension={"node_name": "ada"}) as server:
                ports.add(server.app.port)
                found = await ai.call_tool("list_peers", {})
                assert found.structured_content == {"peers": []}
            assert error_of(await ai.call_tool("list_peers", {}))["code"] == "no_server"
        assert len(ports) == 2


def file_of(server):
    (path,) = Path(server.app.runtime_dir).glob("jupyter-peer-*.json")
    return path


async def test_with_two_servers_a_node_is_chosen_by_its_name(tmp_path):
    both = tmp_path / "both"
    async with servers(tmp_path, "ada", "bob") as (ada, bob):
        for server, pid in ((ada, os.getpid()), (bob, os.getppid())):
            facts = msgspec.json.decode(file_of(server).read_bytes(), type=RunningServer)
            write_runtime_file(both, msgspec.structs.replace(facts, pid=pid))
        async with (
            client_of(both) as any_of_both,
            client_of(both, "--node", "ada") as of_ada,
            client_of(both, f"--node={bob.hub.node_id}") as of_bob,
            client_of(both, "--node", "eve") as of_eve,
        ):
            which = error_of(await any_of_both.call_tool("list_peers", {}))
            assert which["code"] == "ambiguous_server"
            assert "--node" in which["hint"]
            assert "ada" in which["hint"]
            for ai, name in ((of_ada, "bob"), (of_bob, "ada")):
                (peer,) = (await ai.call_tool("list_peers", {})).structured_content["peers"]
                assert peer["name"] == name
            assert error_of(await of_eve.call_tool("list_peers", {}))["code"] == "no_server"


async def test_a_new_name_of_a_node_is_in_its_file(tmp_path):
    async with servers(tmp_path, "ada") as (ada,):
        ada.hub.set_node_name("grace")
        path = file_of(ada)
        assert json.loads(path.read_bytes())["node_name"] == "grace"
        assert path.stat().st_mode & 0o777 == 0o600


async def test_a_text_and_a_picture_are_shared_with_the_named_peers_alone(tmp_path):
    async with servers(tmp_path, "ada", "bob", "eve") as (ada, bob, eve):
        token = "a-token-of-this-server-0123456789"
        ada.app.identity_provider.token = token
        async with client_of(ada, "--allow-share") as ai:
            tools = {tool.name: tool for tool in (await ai.list_tools()).tools}
            assert list(tools)[-2:] == ["share_pane", "stop_sharing"]
            assert tools["share_pane"].annotations.destructive_hint is True
            content = {"text": f"loss 0.01 {token}\n", "picture": PNG, "title": "Result"}
            asked = {"name": "result", "peers": ["bob"], **content}
            shared = await ai.call_tool("share_pane", asked)
            assert shared.structured_content["viewers_allowed"] == [bob.hub.node_id]
            watcher = bob.extension.context.running.operations.watcher
            await until(lambda: [offer["title"] for offer in watcher.offered()] == ["Result"])
            watch = await watcher.open(ada.hub.node_id, "result")
            text, picture = watch.state.outputs.outputs
            assert text["text"].startswith("loss 0.01 ")
            assert token not in text["text"]
            assert picture["data"]["image/png"] == PNG
            assert eve.extension.context.running.operations.watcher.offered() == []
            await ai.call_tool("share_pane", {**asked, "text": "loss 0.005", "picture": None})
            await until(lambda: "0.005" in watch.state.outputs.outputs[0]["text"])
            # Who is not named any more does not see what replaces it.
            with_eve = await ai.call_tool("share_pane", {**asked, "peers": ["eve"]})
            assert with_eve.structured_content["viewers_allowed"] == [eve.hub.node_id]
            await until(lambda: watcher.offered() == [])
            await ai.call_tool("share_pane", asked)
            await until(watcher.offered)
            await ai.call_tool("stop_sharing", {"name": "result"})
            await until(lambda: watcher.offered() == [])

            async def refused(tool, **arguments):
                return error_of(await ai.call_tool(tool, arguments))["code"]

            assert await refused("share_pane", name="x", peers=["bob"]) == "bad_request"
            assert await refused("share_pane", name="x", peers=["nobody"], text="t") == (
                "unknown_peer"
            )
            assert await refused("share_pane", name="/", peers=["bob"], text="t") == "bad_name"
            bad = await refused("share_pane", name="x", peers=["bob"], picture="<svg>")
            assert bad == "bad_request"
            assert await refused("stop_sharing", name="other") == "unknown_pane"


async def test_an_ai_cannot_replace_or_stop_the_pane_of_a_notebook(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, _), client_of(ada, "--allow-share") as ai:
        asked = {"name": "loss", "peers": ["bob"], "text": "loss 0"}
        assert error_of(await ai.call_tool("share_pane", asked))["code"] == "pane_exists"
        assert error_of(await ai.call_tool("stop_sharing", {"name": "loss"}))["code"] == (
            "unknown_pane"
        )
        (pane,) = ada.extension.context.running.operations.publisher.mine()
        assert (pane["name"], pane["status"]) == ("loss", "live")


async def test_a_call_that_the_client_gives_up_ends_the_question(tmp_path):
    async with servers(tmp_path, "ada", "bob", allow_remote_agent=True) as (ada, bob):
        begun = asyncio.Event()
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wait_for_ever(turn):
            loop.call_soon_threadsafe(begun.set)
            while not turn.is_over:
                yield ""
            loop.call_soon_threadsafe(ended.set)

        async with kernel(ada) as adas, client_of(bob, "--allow-ask") as ai:
            await run(adas.agent, wait_for_ever, name="slow")
            arguments = {"peer": "ada", "question": "how long?"}
            asking = asyncio.ensure_future(ai.call_tool("ask_peer", arguments))
            await asyncio.wait_for(begun.wait(), 20)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            desk = ada.extension.context.running.operations.agents.turns
            await until(lambda: desk.under_way == 0)


def configurations():
    """The commands of all configurations in the docs."""
    text = DOCS.read_text()
    for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL):
        for entries in json.loads(block).values():
            for entry in entries.values():
                yield [entry["command"], *entry["args"]]
    for line in re.findall(r"^claude mcp add \S+ -- (.*)$", text, re.MULTILINE):
        yield line.split()


async def test_every_configuration_in_the_docs_starts_a_server(tmp_path):
    found = list(configurations())
    assert len(found) >= 3
    for words in found:
        assert words[:4] == ["/path/to/python", "-m", "jupyter_peer", "mcp"]
        async with client_of(tmp_path, *words[4:]) as ai:
            assert "list_panes" in [tool.name for tool in (await ai.list_tools()).tools]


def test_without_its_package_it_says_what_to_install(monkeypatch):
    for name in ("mcp", "mcp.server"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "jupyter_peer.commands.mcp.server", raising=False)
    with pytest.raises(NotEnabledError, match="not installed") as caught:
        mcp_command.McpCommand().run()
    assert "jupyter-peer[mcp]" in caught.value.hint
