"""The doctor's word on NATs, behind real ones."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.doctor import stun_servers
from tests.nat.lab import PUB, Host, Lab, lab

PORTS = (3478, 3479)
ASK = """
import asyncio, json, sys
from jupyter_peer.doctor.checks.nat import check_nat
[finding] = asyncio.run(check_nat(sys.argv[1:]))
print(json.dumps({"status": finding.status, **finding.data}))
"""


@pytest.fixture
def net():
    with lab() as built, stun_in(built):
        yield built


@contextlib.contextmanager
def stun_in(net: Lab):
    script = str(Path(stun_servers.__file__))
    process = subprocess.Popen(
        [*net.pub.prefix, sys.executable, script, PUB, *map(str, PORTS)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.kill()
        process.communicate()


def ask(host: Host) -> dict:
    servers = [f"stun:{PUB}:{port}" for port in PORTS]
    return json.loads(host.run(sys.executable, "-c", ASK, *servers))


def test_the_kind_of_nat_is_told_behind_each_kind(net: Lab):
    public = ask(net.host("p", last=50))
    assert (public["kind"], public["status"]) == ("open", "ok")

    cone = net.router(1)
    behind = ask(net.host("c", cone.lan))
    assert (behind["kind"], behind["servers"]) == ("cone", 2)
    assert behind["mapped"][0].startswith(f"{cone.address}:")

    symmetric = net.router(2, is_symmetric=True)
    behind = ask(net.host("s", symmetric.lan))
    assert (behind["kind"], behind["status"]) == ("symmetric", "warning")
    assert all(seen.startswith(f"{symmetric.address}:") for seen in behind["mapped"])

    cone.filter("*filter\n-I FORWARD -p udp -j DROP\nCOMMIT\n")
    assert ask(net.host("b", cone.lan, 3))["kind"] == "blocked"
