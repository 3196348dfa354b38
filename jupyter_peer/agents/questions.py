"""The asker's side: sends a question to a peer's agent and receives the answer piece by piece."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ..document.outputs import weigh_held
from ..errors import (
    AgentError,
    AgentFailedError,
    AgentLoopError,
    AnswerTooLongError,
    BadChainError,
    BadRequestError,
    BusyError,
    LinkError,
    MalformedError,
    NotEnabledError,
    NotTrustedError,
    PeerError,
    TooLargeError,
    UnknownAgentError,
    UnsupportedError,
    from_wire,
)
from ..hub.hub import PeerHub
from ..hub.message import Message
from ..phrase import phrase
from ..wire.link.identity import Identity, decode_public_key
from ..wire.payloads import original_system
from ..wire.payloads.agent_chain import ROOT_BYTES, Chain, extend_chain
from ..wire.payloads.agents import (
    DISPLAYS,
    MAX_ANSWER,
    MAX_DISPLAY_BYTES,
    MAX_DISPLAYS,
    AgentList,
    AgentResult,
    AgentStream,
    ListedAgent,
)
from ..wire.payloads.hub import convert
from ..wire.proofs.proof import MAX_KEPT, MAX_MESSAGES, Proof, SignedMessage, proof_of
from .audit import AgentAudit

MAX_QUESTIONS = 64
#: Seconds beyond the deadline that the owner's own word for it may take.
GRACE_S = 0.5

#: A piece of an answer: a text, ``data`` and ``metadata`` of something displayed, or WAITING.
Piece = str | dict[str, Any]
#: Nothing comes for now, since the peer is asked about a tool of its agent.
WAITING: dict[str, Any] = {"waiting": True}
Take = Callable[[Piece], Awaitable[None]]
# Error codes that an owner may send. Other codes would look like a failure of this side.
_THEIRS = (
    AgentError,
    BadChainError,
    BusyError,
    LinkError,
    MalformedError,
    NotTrustedError,
    TooLargeError,
    UnsupportedError,
)


class _Question:
    """A question under way.

    Attributes:
        peer: Node id of the owner.
        agent: Name of the agent; None if the owner chooses.
        news: Set when a message has arrived.
    """

    def __init__(self, peer: str, agent: str | None) -> None:
        self.peer = peer
        self.agent = agent
        self._texts: list[str] = []
        self._pieces: list[Piece] = []
        self._received = self._displays = self._display_bytes = 0
        self._signed: list[SignedMessage] | None = []
        self._signed_bytes = 0
        self.news = asyncio.Event()

    @property
    def is_too_long(self) -> bool:
        """Whether the peer has sent more than an answer may contain."""
        return (
            self._received > MAX_ANSWER
            or self._displays > MAX_DISPLAYS
            or self._display_bytes > MAX_DISPLAY_BYTES
        )

    def add(self, text: str) -> None:
        self._received += len(text)
        if not self.is_too_long:
            self._texts.append(text)
        self._keep(text)

    def text(self) -> str:
        """Return the text of the answer so far."""
        return "".join(self._texts)

    def show(self, display: dict[str, Any]) -> None:
        self._displays += 1
        self._display_bytes += weigh_held(display)
        self._keep(display)

    def prove(self, message: Message) -> None:
        """Keep a signed message for the proof, unless the answer is too large for one."""
        if self._signed is None:
            return
        self._signed.append(message.signed)
        self._signed_bytes += self._signed[-1].size
        if self._signed_bytes > MAX_KEPT or len(self._signed) > MAX_MESSAGES - 2:
            self._signed = None

    def proof(self, asked: bytes, identity: Identity, peer_key: bytes) -> Proof | None:
        """Return a proof of the whole answer; None if the answer is too large.

        Args:
            asked: Canonical bytes of the question.
            identity: Identity of the asker.
            peer_key: The raw public key of the node that answered.
        """
        if self._signed is None:
            return None
        question = SignedMessage(asked.decode("ascii"), identity.sign(asked))
        return proof_of((question, *self._signed), identity.public_key, peer_key)

    def wait(self) -> None:
        if self._pieces[-1:] != [WAITING]:
            self._keep(WAITING)

    def take(self) -> list[Piece]:
        """Pop the received pieces, with neighbouring texts joined."""
        pieces, self._pieces = self._pieces, []
        joined: list[Piece] = []
        for is_text, group in itertools.groupby(pieces, lambda piece: isinstance(piece, str)):
            run = list(group)
            joined += ["".join(map(str, run))] if is_text else run
        return [piece for piece in joined if piece]

    def _keep(self, piece: Piece) -> None:
        if not self.is_too_long:
            self._pieces.append(piece)
        self.news.set()


class Questions:
    """Asks agents of peers.

    Args:
        hub: The node.
        audit: Writes the asked peers to the audit log.
        now: Epoch seconds.
    """

    def __init__(
        self, hub: PeerHub, audit: AgentAudit, now: Callable[[], float] = time.time
    ) -> None:
        self._hub = hub
        self._audit = audit
        self._now = now
        self._questions: dict[str, _Question] = {}
        hub.add_capability(DISPLAYS)
        hub.on("agent_stream", self._on_stream)
        # a question that nobody waits for
        hub.on("agent_result", lambda message: None)

    @property
    def under_way(self) -> int:
        """Number of awaited answers."""
        return len(self._questions)

    async def list(self, peer: str) -> list[ListedAgent]:
        """Return the agents of a peer that this node may ask.

        Raises:
            UnsupportedError: The peer's version does not list its agents.
            PeerError: This node may ask no agent there, or the peer cannot be reached.
        """
        try:
            reply = await self._hub.request(peer, "agent_list", {})
        except UnsupportedError:
            raise UnsupportedError("the peer's version does not list its agents") from None
        except NotEnabledError:
            raise self._switched_off(peer) from None
        return convert(reply.data, AgentList).agents

    async def ask(
        self,
        peer: str,
        prompt: str,
        take: Take,
        *,
        agent: str | None = None,
        timeout_s: float,
        chain: Chain | None = None,
        conversation: str | None = None,
    ) -> Proof | None:
        """Ask a question; return a proof of the whole answer, or None if it cannot be proven.

        Cancelling this cancels the turn of the peer's agent. ``take`` also receives the pieces
        before an error.

        Args:
            peer: Node id of the peer.
            prompt: The question.
            take: Receives each piece of the answer; while it waits, texts are joined.
            agent: Name of the agent; None lets the peer choose.
            timeout_s: Seconds to wait for the answer.
            chain: Chain of the question that this node is answering, if this question serves it.
            conversation: Id of its conversation; 32 hex digits.

        Raises:
            AgentLoopError: The question has already been at the peer, or the peer is this node.
            BadRequestError: The question is empty.
            PeerError: There is no answer; the code names the reason.
        """
        if not prompt.strip():
            raise BadRequestError("the question is empty")
        if len(self._questions) >= MAX_QUESTIONS:
            raise BusyError(phrase("{most} answers are awaited already", most=MAX_QUESTIONS))
        identity = self._hub.identity
        chain = chain or Chain((), secrets.token_bytes(ROOT_BYTES), ())
        detail = {
            **self._audit.chain(chain.root, (*chain.nodes, identity.node_id)),
            **_named(agent),
            **self._audit.prompt(prompt),
        }
        try:
            asked = extend_chain(chain, identity, peer)
        except AgentLoopError as error:
            self._audit.note("agent_asked", peer, outcome=error.code, **detail)
            raise
        request_id = secrets.token_hex(16)
        data: dict[str, Any] = {
            "request_id": request_id,
            "prompt": prompt,
            **asked.fields(),
            **({"agent": agent} if agent is not None else {}),
            **({"conversation": conversation} if conversation is not None else {}),
        }
        question = self._questions[request_id] = _Question(peer, agent)
        outcome = "cancelled"
        try:
            proof = await self._follow(question, data, take, timeout_s)
            outcome = "ok"
            return proof
        except PeerError as error:
            outcome = error.code
            raise
        finally:
            del self._questions[request_id]
            self._audit.note("agent_asked", peer, outcome=outcome, **detail)

    async def _follow(
        self, question: _Question, data: dict[str, Any], take: Take, timeout_s: float
    ) -> Proof | None:
        waiting = asyncio.ensure_future(self._put(question.peer, data, timeout_s))
        waiting.add_done_callback(lambda done: question.news.set())
        is_over = False
        try:
            while not waiting.done():
                await question.news.wait()
                question.news.clear()
                await self._pass_on(question, take)
            is_over = not isinstance(waiting.exception(), LinkError)
            result = self._result(question, waiting)
            question.add(result.text)
            await self._pass_on(question, take)
            if not result.ok:
                raise self._theirs(question, from_wire(msgspec.to_builtins(result.error)))
            if result.pieces is None:
                return None
            end = waiting.result()
            question.prove(end)
            key = decode_public_key(self._hub.peer(question.peer).public_key)
            return question.proof(end.asked, self._hub.identity, key)
        finally:
            if not is_over:
                with contextlib.suppress(PeerError):
                    request = {"request_id": data["request_id"]}
                    self._hub.send(question.peer, "agent_cancel", request)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    async def _put(self, peer: str, data: dict[str, Any], timeout_s: float) -> Message:
        # Together with the message's own time: the peer uses their difference, so the clock must
        # not be set between the two.
        dated = data | {"deadline": self._now() + timeout_s}
        return await self._hub.request(peer, "agent_request", dated, timeout=timeout_s + GRACE_S)

    async def _pass_on(self, question: _Question, take: Take) -> None:
        if question.is_too_long:
            raise AnswerTooLongError
        for piece in question.take():
            await take(piece)

    def _result(self, question: _Question, waiting: asyncio.Future[Message]) -> AgentResult:
        try:
            data = waiting.result().data
            if self._hub.is_original(question.peer):
                return original_system.read_result(data, question.text())
            return convert(data, AgentResult)
        except UnsupportedError:
            raise UnsupportedError("the peer's version of jupyter-peer has no agents") from None
        except PeerError as error:
            raise self._theirs(question, error) from None

    def _theirs(self, question: _Question, error: PeerError) -> PeerError:
        """Return an owner's error as this side reports it."""
        if isinstance(error, UnknownAgentError):
            owner = self._hub.peer(question.peer).label
            return UnknownAgentError(
                phrase("{owner} has no agent that answers you", owner=owner)
                if question.agent is None
                else phrase(
                    "{owner} has no agent '{name}' that answers you",
                    owner=owner,
                    name=question.agent,
                )
            )
        if isinstance(error, NotEnabledError):
            return self._switched_off(question.peer)
        if isinstance(error, _THEIRS):
            return error
        return AgentFailedError(
            phrase("the agent failed: {reason}", reason=error.message_phrase), hint=error.hint
        )

    def _switched_off(self, peer: str) -> NotEnabledError:
        owner = self._hub.peer(peer).label
        return NotEnabledError(
            phrase("{owner} does not let peers ask agents", owner=owner),
            hint=phrase("ask {owner} to run %peer agent on", owner=owner).on_page(
                phrase("ask {owner} to tick “Peers may ask my agent”", owner=owner)
            ),
        )

    def _on_stream(self, message: Message) -> None:
        piece = (
            original_system.read_stream(message.data)
            if self._hub.is_original(message.peer_id)
            else convert(message.data, AgentStream)
        )
        question = self._questions.get(piece.request_id)
        if question is not None and question.peer == message.peer_id:
            question.prove(message)
            if piece.waiting:
                question.wait()
            elif piece.display is None:
                question.add(piece.text)
            else:
                question.show({"data": piece.display.data, "metadata": piece.display.metadata})


def _named(agent: str | None) -> dict[str, str]:
    return {} if agent is None else {"agent": agent}
