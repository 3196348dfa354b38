"""Sockets that say nothing do not keep peers and invited people out of a server."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.machine.idle_sockets import idle_sockets
from tests.machine.waiting import until
from tests.server.servers import jupyter_server

pytestmark = pytest.mark.usefixtures("jp_environ")

PLACES = 8
# As many links as peers and places allow for, and more: none of them ever ends by itself.
FLOOD = 8 + 4 * PLACES + 10


@pytest.fixture(params=["peer-ws", "peer_listen"])
def is_extra_port(request):
    return request.param == "peer_listen"


@pytest.mark.parametrize("is_upgraded", [True, False], ids=["upgraded", "mute"])
async def test_peers_and_the_invited_get_in_while_idle_sockets_take_all_places(
    tmp_path, is_extra_port, is_upgraded
):
    settings = {"max_handshakes": PLACES, "max_peers": 8}
    if is_extra_port:
        settings["peer_listen"] = "127.0.0.1:0"
    async with (
        jupyter_server(tmp_path / "ada", PeerExtension=settings) as ada,
        jupyter_server(tmp_path / "bob") as bob,
        jupyter_server(tmp_path / "cy") as cy,
    ):
        invites = [(await ada.call("POST", "invite"))["invite"] for _ in range(2)]
        await bob.call("POST", "pair", {"invite": invites[0]})
        await bob.hub.disconnect(ada.hub.node_id)
        await until(lambda: ada.hub.peer(bob.hub.node_id).status != "connected")
        door = urlsplit(ada.hub.addresses()[0])
        assert (door.port == ada.app.port) is not is_extra_port
        path = door.path if is_upgraded else None
        async with idle_sockets(door.port, path, FLOOD):
            peer = await bob.hub.connect(ada.hub.node_id)
            assert (peer.status, urlsplit(peer.address).port) == ("connected", door.port)
            answer = await cy.call("POST", "pair", {"invite": invites[1]})
            assert (answer["ok"], urlsplit(answer["peer"]["address"]).port) == (True, door.port)
