"""``jupyter peer ask``, as a program beside a running server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import pty
import signal
import subprocess
import sys

import pytest

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


async def test_the_owner_decides_about_a_tool_at_a_terminal_without_a_browser(tmp_path):
    used = []

    def restart(run):
        used.append(run)
        return "restarted"

    def agent(turn):
        return turn.tools.restart(run="a\u202eb")

    async with servers(tmp_path, "ada", "bob") as (ada, bob), kernel(ada) as adas:
        await run(adas.agent, agent, name="helper", tools=[restart])
        await run(adas.agent_on, mode="ask")
        argv, environment = command(ada, "approvals")
        person, terminal = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *argv, env=environment, stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        await shown(person, "Ctrl-C ends this.")
        asking = asyncio.ensure_future(output_of(bob, "ask", "ada", "again?"))
        text = await shown(person, "Enter decides later:")
        assert "bob" in text
        assert "again?" in text
        assert r"'a\u202eb'" in text
        assert used == []
        os.write(person, b"once\n")
        assert (await asking)[:2] == (0, "restarted\n")
        assert used == ["a\u202eb"]
        process.send_signal(signal.SIGINT)  # as Ctrl-C does
        await shown(person, "No call of a tool waits for you.")
        assert await asyncio.wait_for(process.wait(), 30) == 0
        os.close(person)
        node = ada.extension.context.running.operations.agents
        await until(lambda: not node.approvals._screens)


async def shown(terminal, words):
    """Return what a terminal shows, once it has these words."""
    text = b""
    async with asyncio.timeout(20):
        while words.encode() not in text:
            text += await asyncio.to_thread(os.read, terminal, 4096)
    return text.decode()
