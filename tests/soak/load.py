"""Numbered messages, questions, revisions of a pane and visits of guests, all at the same time."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable

from jupyter_peer.agents.questions import Piece
from jupyter_peer.agents.turn import Turn
from jupyter_peer.errors import LinkClosedError, NotConnectedError, PeerError
from jupyter_peer.hub.message import Message
from tests.machine.waiting import until
from tests.peers.guests import HandGuest, shown
from tests.peers.nodes import FakeAgent, Node
from tests.soak.numbered_pane import NAME, Counting, Viewing, newest
from tests.soak.tally import Tally
from tests.wire.by_hand import HandError, HandMessage

#: Nothing on a busy machine takes longer.
PATIENCE_S = 60.0
#: A soak asks more than people do.
AGENTS = {"turns_at_once": 32, "turns_a_minute": 10**6}
_PAUSE_S = 0.02
_GUESTS_PAUSE_S = 0.1
_STAY_S = 0.2

Once = Callable[[], Awaitable[None]]


class EchoingAgent(FakeAgent):
    """Answers with the question, a character at a time, and keeps no turn.

    Args:
        node: Whose agent it is.
        begun: Called with the number in each question.
    """

    def __init__(self, node: Node, begun: Callable[[int], None]) -> None:
        async def answer(turn: Turn) -> None:
            node.now = time.monotonic()
            begun(int(turn.prompt))
            for character in turn.prompt:
                await turn.write(character)

        super().__init__("echo", answer)

    async def answer(self, turn: Turn) -> None:
        await self._answer(turn)


class Load:
    """What ada, bob and the distant node do to each other.

    Args:
        ada: Shares the pane, and asks the other two.
        bob: Reaches ada over a relay; asks her, too.
        eve: Node id of the distant node, whose journal is read at the end.

    Attributes:
        tallies: By what they count.
        eve_seen: The last number that the distant node has seen in the pane.
        eve_tasks: How many tasks it had when it last answered.
        pane: What is written to the pane.
    """

    def __init__(self, ada: Node, bob: Node, eve: str) -> None:
        self._ada, self._bob, self._eve = ada, bob, eve
        self.tallies = {
            name: Tally(name)
            for name in (
                "messages ada to bob",
                "messages bob to ada",
                "messages ada to eve",
                "questions ada to bob",
                "questions bob to ada",
                "questions ada to eve",
                "visits of guests",
            )
        }
        self.eve_seen = self.eve_tasks = 0
        self.pane = Counting(ada.kernel)
        self._running: list[asyncio.Task[None]] = []
        self._is_over = True
        for node, other in ((ada, "bob to ada"), (bob, "ada to bob")):
            self._serve(node, other)

    async def watch(self) -> None:
        """Let bob watch the pane, and make the link for guests."""
        self._link = self._ada.hub.guests.mint(NAME)
        await until(self._bob.watcher.offered, PATIENCE_S)
        self.viewing = Viewing(await self._bob.watcher.open(self._ada.id, NAME))

    def _serve(self, node: Node, whose: str) -> None:
        messages = self.tallies[f"messages {whose}"]
        questions = self.tallies[f"questions {whose}"]

        def carry_out(message: Message) -> None:
            messages.carried_out(message.data["number"])
            message.reply("carried_out", {})

        node.hub.on("carry_out", carry_out)
        node.board.register(EchoingAgent(node, questions.carried_out))

    def start(self) -> None:
        """Begin, or go on."""
        self._is_over = False
        ada, bob = self._ada, self._bob
        pairs = (
            ("ada to bob", ada, bob.id),
            ("bob to ada", bob, ada.id),
            ("ada to eve", ada, self._eve),
        )
        every = [
            (self._write, _PAUSE_S),
            (self._visit, _GUESTS_PAUSE_S),
            *((self._message(*pair), _PAUSE_S) for pair in pairs),
            *((self._question(*pair), _PAUSE_S) for pair in pairs),
        ]
        self._running = [asyncio.ensure_future(self._again(*each)) for each in every]

    async def rest(self) -> None:
        """Begin nothing more, and wait for the end of all that has begun."""
        self._is_over = True
        await asyncio.gather(*self._running)
        self._running = []
        await self.settle()

    async def give_up(self) -> None:
        """End all that is under way, after something did not come back."""
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _again(self, once: Once, pause_s: float) -> None:
        while not self._is_over:
            await once()
            await asyncio.sleep(pause_s)

    async def progress(self) -> None:
        """Wait until something of every kind has come through.

        Raises:
            AssertionError: Something does not.
        """
        before = {name: tally.done for name, tally in self.tallies.items()}
        written = self.pane.written

        def late() -> list[str]:
            kinds = [name for name, tally in self.tallies.items() if tally.done <= before[name]]
            seen = {"bob": self.viewing.seen, "eve": self.eve_seen}
            return kinds + [f"the pane at {who}" for who, last in seen.items() if last <= written]

        try:
            await until(lambda: not late(), PATIENCE_S)
        except AssertionError:
            reasons = {name: dict(tally.reasons) for name, tally in self.tallies.items()}
            raise AssertionError(
                f"in {PATIENCE_S:.0f} s nothing came through of: {', '.join(late())}; {reasons}"
            ) from None

    async def settle(self) -> None:
        """Wait, at rest, until both viewers have seen the newest revision."""

        async def is_seen() -> bool:
            await self._message("ada to eve", self._ada, self._eve)()
            return self.viewing.seen == self.eve_seen == self.pane.written

        await until(is_seen, PATIENCE_S, "the last revision at every viewer")

    # One of each kind.

    async def _write(self) -> None:
        self.pane.write()

    def _message(self, whose: str, node: Node, to: str) -> Once:
        tally = self.tallies[f"messages {whose}"]

        async def once() -> None:
            number = tally.begin()
            data, bulk = {"number": number}, [os.urandom(number % 3 * 1000)]
            try:
                reply = await node.hub.request(to, "carry_out", data, bulk, timeout=PATIENCE_S)
            except PeerError as error:
                tally.refused(number, error)
                return
            tally.did(number)
            if to == self._eve:
                self.eve_seen, self.eve_tasks = reply.data["seen"], reply.data["tasks"]
                for words in reply.data["wrong"]:
                    tally.blame(f"the pane: {words}")

        return once

    def _question(self, whose: str, node: Node, to: str) -> Once:
        tally = self.tallies[f"questions {whose}"]

        async def once() -> None:
            number = tally.begin()
            pieces: list[Piece] = []

            async def take(piece: Piece) -> None:
                pieces.append(piece)

            try:
                await node.questions.ask(to, str(number), take, timeout_s=PATIENCE_S)
            except PeerError as error:
                tally.refused(number, error)
                return
            tally.did(number)
            if "".join(map(str, pieces)) != str(number):
                tally.blame(f"number {number}: the answer is {pieces}")

        return once

    async def _visit(self) -> None:
        tally = self.tallies["visits of guests"]
        number = tally.begin()
        try:
            await self._see_as_guest(tally, number)
        except (PeerError, HandError) as error:
            tally.refused(number, error if isinstance(error, PeerError) else NotConnectedError())

    async def _see_as_guest(self, tally: Tally, number: int) -> None:
        hub = self._ada.hub
        guest = HandGuest(shown(self._link))
        await guest.dial(hub)
        await _got(guest, "pane_offer")
        guest.say("pane_open", {"pane": NAME})
        await _got(guest, "pane_snapshot")
        await asyncio.sleep(_STAY_S)
        if guest.is_closed:
            raise LinkClosedError
        try:
            newest(_page(guest.hand.inbox))
        except ValueError as error:
            tally.blame(f"number {number}: {error}")
        guest.shut()
        tally.carried_out(number)
        tally.did(number)


def _page(messages: list[HandMessage]) -> str:
    """Return what a guest's page shows after these messages."""
    text = ""
    for message in messages:
        if message.type == "pane_snapshot":
            text = "".join(output["text"] for output in message.data["outputs"])
        elif message.type == "pane_update":
            for update in message.data["messages"]:
                is_text = update["msg_type"] == "stream"
                text = text + update["content"]["text"] if is_text else ""
    return text


async def _got(guest: HandGuest, type: str) -> None:
    def has_come() -> bool:
        return guest.is_closed or any(message.type == type for message in guest.hand.inbox)

    await until(has_come, PATIENCE_S, f"{type} at a guest")
    if guest.is_closed:
        raise LinkClosedError
