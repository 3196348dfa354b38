"""Who can reach a node is switched while two whole Jupyter servers run on two machines."""

from __future__ import annotations

import pytest

from tests.machine.waiting import until
from tests.nat.lab import Lab, lab
from tests.nat.people import MEET_S, connected, pair, people

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def net():
    with lab() as built:
        yield built


async def test_a_node_is_opened_to_its_network_and_closed_again_without_a_restart(
    net: Lab, tmp_path
):
    router = net.router(1)
    hosts = [net.host(name, router.lan, last) for name, last in (("a", 20), ("b", 30))]
    with people((tmp_path, "ada", hosts[0], ()), (tmp_path, "bob", hosts[1], ())) as (ada, bob):
        assert ada.peer_call("GET", "reach")["mode"] == "local"
        invite = ada.peer_call("POST", "invite", {"ttl_s": 300})
        assert invite["local_only"] is True
        refused = bob.peer_call("POST", "pair", {"invite": invite["invite"]})
        assert refused["error"]["code"] == "unreachable"

        at = f"{hosts[0].address}:9797"
        answer = ada.peer_call("PUT", "reach", {"mode": "network"})
        assert (answer["mode"], answer["fixed_by"]) == ("network", None)
        assert answer["addresses"][0] == f"ws://{at}/peer-ws"
        assert answer["checked"][0]["status"] == "ok"
        assert answer["checked"][0]["text"].startswith(
            f"Peers on this network can reach you at {at}"
        )
        assert ada.peer_call("POST", "invite", {"ttl_s": 1})["local_only"] is False
        peer, seconds = pair(ada, bob)
        print(f"paired without a restart in {seconds:.2f} s")
        assert peer["address"] == f"ws://{at}/peer-ws"
        await connected(ada, bob, "direct")

        assert ada.peer_call("PUT", "reach", {"mode": "local"})["mode"] == "local"
        await until(lambda: bob.path_to(ada) is None, MEET_S, "the connection to end")
        with pytest.raises(ConnectionRefusedError):
            hosts[1].connect(hosts[0].address, 9797)

        # Both know each other still, so nobody has to pair again.
        ada.peer_call("PUT", "reach", {"mode": "network"})
        await connected(ada, bob, "direct")
