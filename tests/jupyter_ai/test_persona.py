"""The persona in a real chat of jupyter-ai: two servers, a kernel, and the chat's own WebSocket.

It needs the package of personas, which changes every JupyterLab it is installed beside, so
``make jupyter-ai`` runs this in an environment of its own.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.e2e.people import Person
from tests.machine.jupyter_process import at_once
from tests.machine.waiting import until

PERSONA = "jupyter-ai-personas::jupyter_peer::PeersPersona"
BOUND_S = 30.0
AGENT = """
import threading, time
import jupyter_peer as peer
ended = threading.Event()

@peer.client().agent(name="helper")
def helper(turn):
    yield "epoch 7 ~~~~~~~~~~~~~~~~ ![x](https://example.org/x.png)\\n"
    if "stay" in turn.prompt:
        yield "so far"
        while not turn.is_over:
            time.sleep(0.01)
        ended.set()
    yield f"after {len(turn.history)} questions"

%peer agent on
"""


class Two(NamedTuple):
    ada: Person
    bob: Person


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    pytest.importorskip("jupyter_ai_persona_manager", reason="make jupyter-ai runs this")
    starts = [
        partial(Person, tmp_path_factory.mktemp(name), name, options=options)
        for name, options in (("ada", ()), ("bob", EXTENSIONS))
    ]
    people = Two(*at_once(starts, Person.stop))
    try:
        invite = people.ada.peer_call("POST", "invite", {})["invite"]
        assert people.bob.peer_call("POST", "pair", {"invite": invite})["ok"]
        yield people
    finally:
        for person in people:
            person.stop()


#: What the installed packages switch on by themselves.
EXTENSIONS = tuple(
    f"--ServerApp.jpserver_extensions={name}=True"
    for name in ("jupyterlab_chat", "jupyter_ai_router", "jupyter_ai_persona_manager")
)


class Chat:
    """A chat as a browser has it open."""

    def __init__(self, person: Person, socket: WebSocketClientConnection) -> None:
        self._person = person
        self._socket = socket
        self.id = ""
        self.users: set[str] = set()
        self.messages: dict[str, dict[str, Any]] = {}

    def on_frame(self, raw: str | bytes | None) -> None:
        frame = json.loads(raw or "{}")
        self.id = frame.get("id", self.id)
        self.users |= frame.get("users", {}).keys()
        if "message" in frame:
            self.messages[frame["message"]["id"]] = frame["message"]

    async def say(self, body: str) -> None:
        frame = {"type": "client", "action": "send", "id": uuid.uuid4().hex, "body": body}
        await self._socket.write_message(json.dumps({**frame, "metadata": {"to_persona": PERSONA}}))

    def stop(self) -> Any:
        return self._person.call("POST", f"api/ai/personas/cancel?chat_id={quote(self.id)}", {})

    def answers(self) -> list[str]:
        return [each["body"] for each in self.messages.values() if each["sender"] == PERSONA]


async def opened(person: Person) -> Chat:
    url = person.url.replace("http", "ws", 1) + "api/chat/ws/peers.chat"
    held: list[str | bytes | None] = []
    chats: list[Chat] = []

    def on_frame(raw: str | bytes | None) -> None:
        chats[0].on_frame(raw) if chats else held.append(raw)

    request = HTTPRequest(url, headers=person.authorization())
    socket = await websocket_connect(request, on_message_callback=on_frame)
    chats.append(Chat(person, socket))
    for raw in held:
        chats[0].on_frame(raw)
    await until(lambda: PERSONA in chats[0].users, BOUND_S)
    return chats[0]


async def test_an_answer_streams_into_the_chat_is_stopped_there_and_makes_no_markdown(
    two: Two,
) -> None:
    ada, bob = two
    chat = await opened(bob)
    async with ada.notebook() as adas:
        await adas.run(AGENT)
        await chat.say("@Peers ada which epoch is best?")
        await until(lambda: any("after 0 questions\n~" in each for each in chat.answers()), BOUND_S)
        fence, *lines, end, rest = chat.answers()[0].split("\n")
        assert (fence, rest) == (f"{end}text", "")
        assert "example.org" in "".join(lines)
        assert all(end not in line for line in lines)

        await chat.say("ada please stay")
        await until(lambda: "so far" in chat.answers()[-1], BOUND_S)
        assert chat.stop()["cancelled"] == [PERSONA]
        assert "True" in await adas.run(f"print(ended.wait({BOUND_S}))")
        await until(lambda: "[stopped]" in chat.answers()[-1], BOUND_S)

        await chat.say("ada and before?")
        await until(lambda: "after 1 questions" in chat.answers()[-1], BOUND_S)
    for asked, said in (
        ("carol why?", "no peer is called 'carol'"),
        ("ada", "there is no question"),
    ):
        await chat.say(asked)
        await until(lambda said=said: said in chat.answers()[-1], BOUND_S)
    avatar = f"{bob.url}api/ai/avatars/{quote(PERSONA, safe='')}"
    shown = await AsyncHTTPClient().fetch(avatar, headers=bob.authorization())
    assert b"<svg" in shown.body
