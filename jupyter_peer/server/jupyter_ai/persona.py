"""The persona "Peers" of jupyter-ai: ``@Peers ada which epoch is best?`` asks Ada's agent.

It runs in the Jupyter server and needs no language model. jupyter-ai finds it by its entry point.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_ai_persona_manager import BasePersona, PersonaDefaults
from jupyterlab_chat.models import Message, NewMessage

from ...agents.questions import WAITING, Piece
from ...control.rows.agents import DEFAULT_TIMEOUT_S
from ...document.plain_text import to_text
from ...errors import PeerError
from ..context import SETTING, ServerContext, UnavailableError
from .asking import Quotation, addressed, failure

_AVATAR = Path(__file__).with_name("peers.svg")


class PeersPersona(BasePersona):  # type: ignore[misc]
    """Asks agents of peers and writes their answers into the chat as they come."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._asking: asyncio.Task[None] | None = None
        # Follow-up questions to a peer belong to the conversation with it in this chat.
        self._conversations: defaultdict[str, str] = defaultdict(lambda: secrets.token_hex(16))

    @property
    def defaults(self) -> PersonaDefaults:
        """What the chat shows of this persona."""
        return PersonaDefaults(
            name="Peers",
            description="Asks the agents of your peers: name a peer, then ask.",
            avatar_path=str(_AVATAR),
            system_prompt="",
        )

    async def process_message(self, message: Message) -> None:
        """Ask the peer that a message names, and write the answer until it ends or is stopped."""
        self._asking = asyncio.get_running_loop().create_task(self._answer(message.body))
        try:
            await asyncio.wait([self._asking])
        finally:
            self._asking.cancel()
        if not self._asking.cancelled():
            self._asking.result()

    async def cancel_response(self) -> None:
        """Stop the answer; the peer's agent is stopped too."""
        if self._asking is not None:
            self._asking.cancel()

    async def shutdown(self) -> None:
        """Stop the answer, and leave the chat."""
        await super().shutdown()
        await self.cancel_response()

    async def _answer(self, body: str) -> None:
        written = Quotation(self._writer())
        remark = "stopped"
        try:
            await self._ask(body, written)
            remark = ""
        except UnavailableError as error:
            remark = failure(error.error)
        except PeerError as error:
            remark = failure(error)
        finally:
            written.end(remark)
            self.clear_status()

    async def _ask(self, body: str, written: Quotation) -> None:
        hub, agents = await self._node()
        peer, question = addressed(body, hub.find_peer)

        async def take(piece: Piece) -> None:
            if isinstance(piece, str):
                written.add(piece)
            elif piece is WAITING:
                self.set_status(f"waits for {peer.label}'s yes to a tool")
            else:
                written.add(f"{to_text({'output_type': 'display_data', **piece})}\n")

        self.set_status(f"asks {peer.label}")
        await agents.questions.ask(
            peer.node_id,
            question,
            take,
            timeout_s=DEFAULT_TIMEOUT_S,
            conversation=self._conversations[peer.node_id],
        )

    async def _node(self) -> tuple[Any, Any]:
        # The manager of a chat's personas belongs to the extension of jupyter-ai.
        context: ServerContext = self.parent.parent.serverapp.web_app.settings[SETTING]
        operations = (await context.ready()).operations
        return operations.hub, operations.agents

    def _writer(self) -> Callable[[str], None]:
        """Return a function that appends to one message of this persona."""
        written: list[str] = []

        def write(text: str) -> None:
            if not written:
                new = NewMessage(body="", sender=self.id)
                written.append(self.chat.add_message(new, trigger_actions=[]))
            # No actions: a mention in a peer's text must not wake another persona.
            self.chat.update_message(
                Message(id=written[0], body=text, time=time.time(), sender=self.id, raw_time=False),
                append=True,
                trigger_actions=[],
            )

        return write
