"""Chat between two real servers: REST, control sockets, and what is refused."""

from __future__ import annotations

import json

import pytest

from jupyter_peer.errors import BadRequestError, NotEnabledError, UnknownPeerError
from jupyter_peer.server.operations.chat import NEWS_CHARACTERS, ChatOperations
from tests.machine.waiting import until
from tests.peers.hubs import make_hub
from tests.server.servers import jupyter_server

pytestmark = pytest.mark.usefixtures("jp_environ")
API = "jupyter-peer/api/chat"


async def test_what_one_writes_the_others_browsers_hear_and_rest_tells(tmp_path):
    ada = jupyter_server(tmp_path / "ada", "/ada/", PeerExtension={"node_name": "ada"})
    bob = jupyter_server(tmp_path / "bob", PeerExtension={"node_name": "bob"})
    async with ada as ada, bob as bob:
        invite = (await ada.call("POST", "invite"))["invite"]
        await bob.call("POST", "pair", {"invite": invite})
        tab = await ada.control()
        await tab.ask("alias", peer="bob", alias="Bobby")
        sent = (await bob.call("POST", "chat", {"peer": "ada", "text": "<i>hello</i>"}))["line"]
        assert (sent["mine"], sent["text"]) == (True, "<i>hello</i>")
        assert sent["peer"] == {"node_id": ada.hub.node_id, "node_name": "ada", "alias": None}
        await until(lambda: tab.named("chat"))
        told = tab.named("chat")[-1]
        (line,) = told["lines"]
        assert (line["mine"], line["text"]) == (False, "<i>hello</i>")
        assert line["peer"]["alias"] == "Bobby"
        assert told["unread"] == {bob.hub.node_id: 1}

        # Looking by REST marks nothing as read; a page that shows it does.
        assert (await ada.call("GET", "chat?peer=Bobby&limit=1"))["lines"] == [line]
        assert (await ada.call("GET", "chat"))["unread"] == {bob.hub.node_id: 1}
        seen = await tab.ask("chats", peer="Bobby", seen=True)
        assert (seen["lines"], seen["unread"]) == ([line], {})
        await until(lambda: tab.named("chat")[-1]["unread"] == {})
        assert (await bob.call("GET", "chat?peer=ada"))["lines"][0]["text"] == "<i>hello</i>"

        for body, status, code in (
            ({"peer": "nobody", "text": "x"}, 404, "unknown_peer"),
            ({"peer": "ada"}, 400, "bad_request"),
            ({"peer": "ada", "text": " "}, 400, "bad_request"),
            ({"peer": "ada", "text": "x" * 20_000}, 413, "too_large"),
        ):
            answer = await bob.fetch(
                API, method="POST", body=json.dumps(body), allow_nonstandard_methods=True
            )
            assert (answer.code, json.loads(answer.body)["code"]) == (status, code)
        for query in ("limit=x", "limit=0", "limit=99999999999999999999", "peer=nobody"):
            assert (await bob.fetch(f"{API}?{query}")).code in (400, 404)
        await bob.call("PATCH", f"peers/{ada.hub.node_id}", {"blocked": True})
        answer = await bob.fetch(
            API, method="POST", body='{"peer": "ada", "text": "x"}', allow_nonstandard_methods=True
        )
        assert (answer.code, json.loads(answer.body)["code"]) == (403, "blocked")
        await tab.close()


class GivenChats:
    """Conversations that were held."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def lines(self, node_id=None, limit=200):
        from jupyter_peer.hub.chat import Line

        numbered = enumerate(self.texts)
        return [
            Line(number=number, node_id="a" * 16, mine=False, at=1.0, text=text)
            for number, text in numbered
        ][-limit:]

    def unread(self):
        return {}


def test_an_event_is_bounded_and_has_the_newest_line(tmp_path, network):
    hub = make_hub(network, tmp_path, "ada")
    big = "x" * (NEWS_CHARACTERS // 2)
    for texts, told in (
        (["a", big, "b", big], ["b", big]),
        ([big * 3], [big * 3]),
        ([str(n) for n in range(30)], [str(n) for n in range(10, 30)]),
        ([], []),
    ):
        news = ChatOperations(hub, print, GivenChats(*texts)).news()
        assert [line.text for line in news.lines] == told
    hub.store.close()


def test_a_node_without_chat_says_so(tmp_path, network):
    hub = make_hub(network, tmp_path, "ada")
    with pytest.raises(NotEnabledError):
        ChatOperations(hub, print, None).news()
    hub.store.close()


@pytest.fixture
def network():
    from tests.peers.loopback import LoopbackNetwork

    return LoopbackNetwork()


async def test_the_control_socket_refuses_what_does_not_fit(open_control):
    tab = await open_control()
    assert await tab.ask("chats") == {"lines": [], "unread": {}}
    for params in ({"limit": 0}, {"limit": "x"}, {"seen": 1}, {"peer": ""}):
        with pytest.raises(BadRequestError):
            await tab.ask("chats", **params)
    with pytest.raises(UnknownPeerError):
        await tab.ask("chats", peer="nobody")
    with pytest.raises(BadRequestError):
        await tab.ask("chat", peer="bob", text=5)
