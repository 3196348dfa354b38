"""REST: agents, and asking those of peers."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
from jupyter_server.auth.decorator import authorized
from tornado import web

from ...control import agents as agent_ops, operations as ops
from ...errors import PeerError, to_wire
from ..operations.operations import Operations
from .base import PeerAPIHandler


class AgentsHandler(PeerAPIHandler):
    """``agents``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Return how agents stand here."""
        await self.answer("agents", {})


class AskBody(msgspec.Struct, frozen=True):
    """A question; ``peer_id`` is any name of the peer."""

    peer_id: str
    prompt: str
    timeout_s: float = agent_ops.DEFAULT_TIMEOUT_S
    agent: str | None = None


class AskAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """How asking went."""

    ok: bool
    answer: str | None = None
    error: dict[str, str] | None = None


class AskPeerHandler(PeerAPIHandler):
    """``ask-peer``: a request of the right form is answered with 200 and ``{ok, answer?, error?}``."""

    _asking: asyncio.Future[msgspec.Struct] | None = None

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Ask ``{peer_id, prompt, timeout_s?, agent?}``."""

        async def work(operations: Operations) -> msgspec.Struct:
            body = ops.check_struct(AskBody, self.json_body())
            params = {
                "peer": body.peer_id,
                "prompt": body.prompt,
                "timeout_s": body.timeout_s,
                "agent": body.agent,
            }
            ops.check_params("ask", params)
            self._asking = asyncio.ensure_future(operations.run("ask", params))
            try:
                result = await self._asking
            except PeerError as error:
                return AskAnswer(ok=False, error=to_wire(error))
            assert isinstance(result, agent_ops.AskResult)
            return AskAnswer(ok=True, answer=result.answer)

        # the client may be gone, and the question with it
        with contextlib.suppress(asyncio.CancelledError):
            await self.respond(work)

    def on_connection_close(self) -> None:
        """Cancel the question: nobody waits for the answer any more."""
        super().on_connection_close()
        if self._asking is not None:
            self._asking.cancel()
