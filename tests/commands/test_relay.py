"""`jupyter peer relay` as an operator runs it."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from jupyter_peer.cli import main
from tests.relay.nodes import RawNode
from tests.relay.process import relay_process


async def test_it_says_where_it_listens_carries_frames_and_ends_in_good_order():
    secret = os.urandom(24).hex().encode()
    with relay_process("--log-level=DEBUG") as relay:
        ada, bob = await RawNode.connect(relay.url), await RawNode.connect(relay.url)
        ada.send(bob, secret)
        assert bytes((await bob.frame()).payload) == secret
        ended = asyncio.get_running_loop().run_in_executor(None, relay.terminate)
        assert await bob.read() is None
        assert bob.socket.connection.close_code == 1012
        ada.close()
        bob.close()
        code, said = await ended
    assert code == 0
    assert ada.id in said
    assert secret.decode() not in said
    assert "Traceback" not in said


def test_it_prints_the_name_by_which_nodes_reach_it():
    with relay_process("--name=relay.example:9000", "--no-guests") as relay:
        assert relay.process.stdout is not None
        assert relay.process.stdout.readline() == "nodes reach it as: relay.example:9000\n"


async def test_ctrl_c_ends_it_too():
    with relay_process() as relay:
        relay.process.send_signal(signal.SIGINT)
        code, said = await asyncio.to_thread(relay.ended)
        assert code == 0
        assert "Traceback" not in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--certfile=/nonexistent.pem"], "bad_request: the certificate"),
        (["--keyfile=/nonexistent.pem"], "bad_request: a keyfile needs a certfile"),
    ],
)
def test_what_it_cannot_use_is_said_in_one_line(options, said, capsys):
    assert main(["relay", "--port=0", *options]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(said)
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_port_that_is_no_port_is_a_misuse(capsys):
    assert main(["relay", "--port=70000"]) == 2
    assert "65535" in capsys.readouterr().err


async def test_a_node_at_rest_costs_it_little_memory():
    with relay_process("--log-level=WARN") as relay:
        first = [await RawNode.connect(relay.url) for _ in range(50)]
        before = relay.memory()
        rest = [await RawNode.connect(relay.url) for _ in range(300)]
        a_node = (relay.memory() - before) / len(rest)
        for node in (*first, *rest):
            node.close()
    assert a_node < 40 * 1024
