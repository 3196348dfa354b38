"""A control server that answers what a test tells it to, on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError
from tornado.websocket import WebSocketHandler

from jupyter_peer.control import frames as control
from jupyter_peer.errors import PeerError
from tests.machine.waiting import until_sync

SECRET = "a secret of these tests"
NODE = "aaaabbbbccccdddd"
PEER = {
    "node_id": "eeeeffffgggghhhh",
    "node_name": "ada",
    "alias": None,
    "public_key": "",
    "transport": "direct",
    "address": "ws://127.0.0.1:9/peer-ws",
    "status": "connected",
    "trusted": True,
    "blocked": False,
    "last_seen": 1.0,
    "rtt_ms": 1.5,
    "capabilities": [],
    "panes": ["loss"],
}
ME = {
    "node_id": NODE,
    "public_key": "",
    "fingerprint": "0123 4567",
    "node_name": "bob",
    "capabilities": [],
    "addresses": ["ws://127.0.0.1:8888/peer-ws"],
    "version": "0",
}
OFFER = {
    "name": "loss",
    "title": "",
    "grant": "view",
    "peer": {"node_id": PEER["node_id"], "node_name": "ada", "alias": None},
}

Answer = dict[str, Any] | PeerError | None


class _Handler(WebSocketHandler):
    fake: FakeServer

    def initialize(self, fake: FakeServer) -> None:
        self.fake = fake

    def prepare(self) -> None:
        if self.fake.refusal is not None:
            raise HTTPError(self.fake.refusal)
        if self.request.headers.get("Authorization") != f"peer-secret {SECRET}":
            raise HTTPError(403)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.finish({"code": "store_corrupt", "message": "the database is damaged", "hint": ""})

    def open(self, *args: str, **kwargs: str) -> None:
        self.fake.sockets.append(self)

    def on_close(self) -> None:
        self.fake.sockets.remove(self)

    async def on_message(self, message: str | bytes) -> None:
        request = control.decode_request(message)
        self.fake.asked.append((request.op, request.params))
        if request.id is None:
            return
        answer = self.fake.answer(request.op, request.params, self, request.id)
        if isinstance(answer, PeerError):
            self.send(control.encode_failure(request.id, answer))
        elif answer is not None:
            self.send(control.encode_reply(request.id, answer))

    def send(self, frame: control.Frame) -> None:
        self.write_message(frame.payload, frame.is_binary)


class FakeServer:
    """Serves the control socket under a base URL.

    Attributes:
        asked: Operations and their parameters, in the order they came.
        answers: What to answer to an operation: a result, an error, None for silence, or a
            callable of the parameters that returns one of these.
        refusal: Status with which new sockets are refused.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.refusal: int | None = None
        self.sockets: list[_Handler] = []
        self.progress: dict[str, list[dict[str, Any]]] = {}
        self.answers: dict[str, Answer | Callable[[dict[str, Any]], Answer]] = {
            "identity": ME,
            "peers": {"self": ME, "peers": [PEER]},
            "panes": {"mine": [], "offered": [OFFER]},
            "lobby": {"url": None, "status": "off", "listed": False, "rooms": [], "error": None},
            "invites": {"invites": []},
            "links": {"links": []},
            "chats": {"lines": [], "unread": {}},
            "approvals": {"approvals": []},
            "agents": {"on": False, "mode": "read-only", "default": None, "agents": [], "turns": 0},
            "share": lambda params: {"pane": _pane(params)},
            "unshare": {},
            "open": {"watch": 1, "info": {"status": "live"}, "state": state()},
        }
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        (self._socket,) = bind_sockets(0, "127.0.0.1")
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/base/"
        self._http: HTTPServer | None = None
        self._thread.start()
        self._do(self._start)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _do(self, work: Callable[[], None]) -> None:
        async def call() -> None:
            work()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(5)

    def _start(self) -> None:
        app = Application([("/base/jupyter-peer/ws", _Handler, {"fake": self})])
        self._http = HTTPServer(app)
        self._http.add_sockets([self._socket])

    def answer(self, op: str, params: dict[str, Any], socket: _Handler, id: int) -> Answer:
        for step in self.progress.get(op, ()):
            socket.send(control.encode_progress(id, step))
        found = self.answers.get(op)
        return found(params) if callable(found) else found

    def ops(self) -> list[str]:
        """The operations that were asked for."""
        return [op for op, _ in self.asked]

    def push(self, event: str, data: dict[str, Any]) -> None:
        """Tell an event to everybody connected."""
        frame = control.encode_event(event, data)
        self._do(lambda: [socket.send(frame) for socket in self.sockets] and None)

    def push_raw(self, text: str) -> None:
        """Send what need not be a frame."""
        self._do(lambda: [socket.write_message(text) for socket in self.sockets] and None)

    def drop(self) -> None:
        """Cut all connections."""
        self._do(lambda: [socket.ws_connection.stream.close() for socket in self.sockets] and None)

    def wait_for(self, op: str, count: int = 1) -> dict[str, Any]:
        """Return the parameters of an operation once it was asked for ``count`` times."""
        until_sync(lambda: self.ops().count(op) >= count, what=f"{count} times {op}")
        return [params for name, params in self.asked if name == op][count - 1]

    def stop(self) -> None:
        """End everything; may be called twice."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end(self) -> None:
        assert self._http is not None
        self._http.stop()
        for socket in list(self.sockets):
            socket.close()
        await self._http.close_all_connections()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def state(*outputs: dict[str, Any], rev: int = 0, epoch: str = "0" * 16) -> dict[str, Any]:
    """A snapshot as the server sends it."""
    return {"epoch": epoch, "rev": rev, "truncated": 0, "outputs": list(outputs)}


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    """A message that writes text."""
    return {"msg_type": "stream", "content": {"name": name, "text": text}}


def _pane(params: dict[str, Any]) -> dict[str, Any]:
    grants = dict.fromkeys(params["with"], params["grant"])
    return {"name": params["name"], "title": "", "rev": 0, "viewers": [], "grants": grants}
