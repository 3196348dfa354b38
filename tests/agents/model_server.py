"""A server on loopback with the API of OpenAI: it streams chat completions and keeps connections."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from tests.machine.waiting import until

#: Says what the model answers: a text, or the calls of tools as (name, arguments).
Reply = Callable[[list[dict[str, Any]]], "str | list[tuple[str, dict[str, Any]]]"]


class ModelServer:
    """What the server was asked, and how it answers.

    Attributes:
        url: Base URL for a client.
        reply: Makes the answer from the messages; by default it repeats the last one.
        asked: The body of each request.
        connections: Connections there have been.
        hold: While this is not set, an answer stops after its first word.
        abandoned: Answers whose client went away before the end.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.reply: Reply = lambda messages: f"you said {messages[-1]['content']}"
        self.asked: list[dict[str, Any]] = []
        self.connections = 0
        self.abandoned = 0
        self.hold = asyncio.Event()
        self.hold.set()


class _Completions(RequestHandler):
    def initialize(self, model: ModelServer) -> None:
        self._model = model
        self._is_gone = False

    def on_connection_close(self) -> None:
        self._is_gone = True

    async def post(self) -> None:
        body = json.loads(self.request.body)
        self._model.asked.append(body)
        answer = self._model.reply(body["messages"])
        self.set_header("Content-Type", "text/event-stream")
        with contextlib.suppress(StreamClosedError):
            if isinstance(answer, str):
                await self._say(answer)
            else:
                await self._call(answer)
            self.write("data: [DONE]\n\n")

    async def _say(self, answer: str) -> None:
        for word in answer.split(" "):
            await self._send({"content": f"{word} "})
            await until(lambda: self._model.hold.is_set() or self._is_gone)
            if self._is_gone:
                self._model.abandoned += 1
                return
        await self._send({}, "stop")

    async def _call(self, calls: list[tuple[str, dict[str, Any]]]) -> None:
        tools = [
            {
                "index": at,
                "id": f"call-{len(self._model.asked)}-{at}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for at, (name, arguments) in enumerate(calls)
        ]
        await self._send({"role": "assistant", "tool_calls": tools})
        await self._send({}, "tool_calls")

    async def _send(self, delta: dict[str, Any], reason: str | None = None) -> None:
        chunk = {
            "id": "answer",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "fake",
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        }
        self.write(f"data: {json.dumps(chunk)}\n\n")
        await self.flush()


@contextlib.asynccontextmanager
async def model_server() -> AsyncIterator[ModelServer]:
    """Run the server on a port of loopback."""
    sock, port = bind_unused_port()
    model = ModelServer(f"http://127.0.0.1:{port}/v1")

    class Counted(HTTPServer):
        def handle_stream(self, stream: Any, address: Any) -> None:
            model.connections += 1
            super().handle_stream(stream, address)

    http = Counted(Application([("/v1/chat/completions", _Completions, {"model": model})]))
    http.add_sockets([sock])
    try:
        yield model
    finally:
        http.stop()
        await http.close_all_connections()
