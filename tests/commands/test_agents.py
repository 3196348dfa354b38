"""``jupyter peer ask`` and ``jupyter peer mcp``, as programs beside a running server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import subprocess
import sys

import pytest
from mcp import Client, StdioServerParameters

from jupyter_peer.commands import mcp as mcp_command
from jupyter_peer.errors import NotEnabledError
from jupyter_peer.panes.owner.publish import SharePane
from tests.agents.servers import kernel, run, servers
from tests.machine.waiting import until
from tests.panes.kernels import FakeTap

pytestmark = pytest.mark.usefixtures("jp_environ")
_MAIN = "import sys; from jupyter_peer.cli import main; sys.exit(main())"
PNG = base64.b64encode(b"\x89PNG not really").decode()


def command(server, *words):
    """Words and environment of a command that finds this server."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER_")}
    environment["JUPYTER_RUNTIME_DIR"] = server.app.runtime_dir
    environment["JUPYTER_CONFIG_DIR"] = str(server.app.config_dir)
    return [sys.executable, "-c", _MAIN, *words], environment


@contextlib.asynccontextmanager
async def ada_and_bob(path):
    async with servers(path, "ada", "bob", allow_remote_agent=True) as (ada, bob):
        publisher = ada.extension.context.running.operations.publisher
        tap = FakeTap()
        publisher.kernels.tap = lambda kernel_id: tap
        await publisher.share(
            SharePane("loss", "Training", "k1", {"cell": "cell"}), with_=[bob.hub.node_id]
        )
        tap.write("final loss \x1b[31m0.01\n")
        tap.say(
            "display_data", {"data": {"image/png": PNG, "text/plain": "<Figure>"}, "metadata": {}}
        )
        async with kernel(ada) as adas:
            await run(adas.agent, lambda turn: f"you asked: {turn.prompt}", name="helper")
            offered = bob.extension.context.running.operations.watcher.offered
            await until(offered)
            yield ada, bob


async def output_of(server, *words, stdin=b""):
    argv, environment = command(server, *words)
    process = await asyncio.create_subprocess_exec(
        *argv,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(stdin), 30)
    return process.returncode, out.decode(), err.decode()


async def test_ask_writes_the_answer_and_says_why_there_is_none(tmp_path):
    async with ada_and_bob(tmp_path) as (_, bob):
        assert await output_of(bob, "ask", "ada", "what's up?") == (
            0,
            "you asked: what's up?\n",
            "",
        )
        code, out, _ = await output_of(bob, "ask", "ada", "--json", stdin=b"from stdin")
        assert (code, out.count("you asked: from stdin")) == (0, 1)
        code, out, err = await output_of(bob, "ask", "ada", "?", "--agent=nobody")
        assert (code, out) == (1, "")
        assert err.startswith("unknown_agent: ")


async def test_mcp_lets_a_client_look_and_ask(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, bob):
        argv, environment = command(bob, "mcp", "--allow-ask")
        server = StdioServerParameters(command=argv[0], args=argv[1:], env=environment)
        async with Client(server, read_timeout_seconds=20) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == {"list_peers", "list_panes", "read_pane", "ask_peer"}
            assert tools["read_pane"].annotations.read_only_hint is True
            peers = await client.call_tool("list_peers", {})
            assert ada.hub.node_id in peers.content[0].text
            assert '"name": "ada"' in peers.content[0].text
            panes = await client.call_tool("list_panes", {})
            assert f"pane://{ada.hub.node_id}/loss" in panes.content[0].text
            text, image = (
                await client.call_tool("read_pane", {"peer": "ada", "name": "loss"})
            ).content
            assert text.text == "final loss 0.01\n<Figure>"
            assert (image.mime_type, image.data) == ("image/png", PNG)
            read = await client.read_resource(f"pane://{ada.hub.node_id}/loss")
            assert read.contents[0].text.startswith("final loss")
            answer = await client.call_tool("ask_peer", {"peer": "ada", "question": "how?"})
            assert answer.content[0].text == "you asked: how?"
            gone = await client.call_tool("read_pane", {"peer": "ada", "name": "other"})
            assert gone.is_error
            assert "not_granted" in gone.content[0].text
            assert gone.content[0].text.endswith("(ask ada to share 'other' with you)")


async def test_mcp_does_not_ask_unless_it_may_and_reads_own_panes(tmp_path):
    async with ada_and_bob(tmp_path) as (ada, _):
        argv, environment = command(ada, "mcp")
        server = StdioServerParameters(command=argv[0], args=argv[1:], env=environment)
        async with Client(server, read_timeout_seconds=20) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            assert tools == ["list_peers", "list_panes", "read_pane"]
            own = await client.call_tool("read_pane", {"peer": "me", "name": "loss"})
            assert own.content[0].text.startswith("final loss 0.01")


async def test_mcp_without_a_server_says_so(tmp_path):
    async with servers(tmp_path, "ada") as (ada,):
        ada.app.runtime_dir = str(tmp_path / "elsewhere")
        code, out, err = await output_of(ada, "mcp")
        assert (code, out) == (1, "")
        assert err.startswith("no_server: ")


def test_mcp_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    monkeypatch.delitem(sys.modules, "jupyter_peer.commands.mcp_server", raising=False)
    with pytest.raises(NotEnabledError, match="not installed") as caught:
        mcp_command.McpCommand().run()
    assert "jupyter-peer[mcp]" in caught.value.hint
