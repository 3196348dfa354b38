"""Answers of peers' agents: streamed and whole.

An answer comes from a stranger. Its text is escaped where it is shown, and never formatted. Its
displays are drawn like the output of a pane, only as text and pictures.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from itertools import groupby
from queue import SimpleQueue
from types import TracebackType
from typing import Any, final

from ...errors import ProofForgedError, ProofIncompleteError
from ..bridge import wait_step
from ..connection import LoopThread
from ..views.cell import LiveDisplay
from .drawing.blocks import Block, Prose, note
from .drawing.markup import clean
from .drawing.shown import Shown
from .outputs import Foreign
from .provenance import Provenance, verified

#: Seconds between two updates of an unfinished answer.
INTERVAL_S = 0.05

#: Asks the question: takes the receiver of pieces, returns the future of the whole answer.
Begin = Callable[[Callable[["AnswerPiece"], None]], Coroutine[Any, Any, "Answer"]]


@final
class AnswerDisplay(Shown, str):
    """A display in an answer: a ``str`` of its plain text that notebooks show as the display.

    Attributes:
        bundle: ``data`` by MIME type, and ``metadata``.
    """

    __slots__ = ("bundle",)

    bundle: dict[str, Any]

    def __new__(cls, text: str, bundle: dict[str, Any]) -> AnswerDisplay:
        """Make a display from its plain text and its bundle."""
        self = super().__new__(cls, text)
        self.bundle = bundle
        return self

    def __reduce__(self) -> tuple[type[AnswerDisplay], tuple[str, dict[str, Any]]]:
        return AnswerDisplay, (str.__str__(self), self.bundle)

    @property
    def output(self) -> dict[str, Any]:
        """The display as an output of nbformat."""
        return {"output_type": "display_data", **self.bundle}

    def _describe(self) -> list[Block]:
        return [Foreign(self.output)]

    def to_json(self) -> Any:
        return self.output

    def __repr__(self) -> str:
        return str.__repr__(self)


class AnswerWaits(str):
    """An empty piece: the agent waits until its owner allows a tool."""

    __slots__ = ()


#: A piece of an answer: a text, an :class:`AnswerDisplay`, or :class:`AnswerWaits`.
AnswerPiece = str


def piece_of(step: dict[str, Any]) -> AnswerPiece | None:
    """Return the piece of an answer in a step of the request, if it has one."""
    text, display = step.get("text"), step.get("display")
    if not isinstance(text, str):
        return None
    if step.get("waiting") is True:
        return AnswerWaits()
    return AnswerDisplay(text, display) if isinstance(display, dict) else text


@final
class Answer(Shown, str):
    """The answer of a peer's agent: a ``str`` of its text, with its displays.

    Attributes:
        parts: Texts and displays (:class:`AnswerDisplay`), in order.
        peer: Name of the asked peer, as in the call.
        seconds: Duration of the answer.
        proof: Text of the proof file; empty without a proof.
        conversation: Id of its conversation; empty without one.
    """

    __slots__ = ("_is_shown", "conversation", "parts", "peer", "proof", "seconds")

    parts: list[AnswerPiece]
    peer: str
    seconds: float
    proof: str
    conversation: str
    _is_shown: bool

    def __new__(
        cls,
        pieces: Iterable[AnswerPiece],
        peer: str = "",
        seconds: float = 0.0,
        proof: str = "",
        conversation: str = "",
    ) -> Answer:
        """Make an answer from its pieces; neighbouring texts become one part."""
        pieces = [pieces] if isinstance(pieces, str) else list(pieces)
        self = super().__new__(cls, "".join(pieces))
        self.parts = _joined(pieces)
        self.peer, self.seconds, self._is_shown = peer, seconds, False
        self.proof, self.conversation = proof, conversation
        return self

    def __reduce__(self) -> tuple[type[Answer], tuple[list[AnswerPiece], str, float, str, str]]:
        return Answer, (self.parts, self.peer, self.seconds, self.proof, self.conversation)

    def verify(self) -> Provenance:
        """Check the proof; return who signed this answer, to which question, and when.

        ``save(path)`` of the result writes a file that anybody can check with
        ``jupyter peer verify``.

        Raises:
            ProofIncompleteError: The peer's version does not sign answers as a whole, or the answer
                is too large to be proven.
            ProofForgedError: A signature does not match, or the proof is of another answer.
        """
        if not self.proof:
            raise ProofIncompleteError(
                f"there is no proof of this answer of {self.peer or 'a peer'}",
                hint="a peer of an older version signs none, and none is kept of more than 32 MiB",
            )
        provenance = verified(self.proof)
        own = [p.bundle if isinstance(p, AnswerDisplay) else str.__str__(p) for p in self.parts]
        if provenance.parts != own:
            raise ProofForgedError("the proof is of another answer")
        return provenance

    def shown_already(self) -> Answer:
        """Return the answer for a cell that already shows it."""
        self._is_shown = True
        return self

    def _describe(self) -> list[Block]:
        remark = f"{self.peer} · {self.seconds:.1f} s" if self.peer else ""
        return [*_blocks(self.parts), *([note(remark)] if remark else [])]

    def to_text(self) -> str:
        return clean(self)

    def to_terminal(self) -> tuple[str, str]:
        return ("", "") if self._is_shown else super().to_terminal()

    def to_json(self) -> Any:
        return {"ok": True, "answer": str.__str__(self)}

    def _ipython_display_(self) -> None:
        from ..views.cell import interactive_shell

        shell = interactive_shell()
        if self._is_shown or shell is None:
            self._is_shown = False
            return
        shell.display_pub.publish(data=self._repr_mimebundle_())

    def __repr__(self) -> str:
        return str.__repr__(self)


class _Coming:
    """Base of both kinds of streams.

    Args:
        future: The whole answer.
    """

    def __init__(self, future: Future[Answer]) -> None:
        self._future = future
        self._is_over = False
        # A caller that drops the stream does not wait for the rest.
        weakref.finalize(self, future.cancel).atexit = False

    @property
    def answer(self) -> Answer:
        """The whole answer, once the iteration has ended."""
        return self._future.result(timeout=0)

    def close(self) -> None:
        """End the stream; the received pieces stay. May be called twice."""
        self._is_over = True
        self._future.cancel()

    def _piece_of(self, step: AnswerPiece | Future[Answer]) -> AnswerPiece | None:
        """Return the next piece; None at the end. Raises if the answer failed."""
        if isinstance(step, str):
            return step
        self._is_over = True
        step.result()
        return None


@final
class AnswerStream(_Coming):
    """An answer in pieces: iterate over it. ``close()`` cancels the question at the peer."""

    def __init__(self, thread: LoopThread, begin: Begin) -> None:
        self._news: SimpleQueue[AnswerPiece | Future[Answer]] = SimpleQueue()
        super().__init__(thread.submit(begin(self._news.put)))
        self._future.add_done_callback(self._news.put)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._is_over:
            raise StopIteration
        try:
            step = wait_step(self._news)
        except BaseException:
            # An interrupt: nobody waits for the rest.
            self.close()
            raise
        text = self._piece_of(step)
        if text is None:
            raise StopIteration
        return text

    def __enter__(self) -> AnswerStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@final
class AsyncAnswerStream(_Coming):
    """An answer in pieces: ``async for`` over it. See :class:`AnswerStream` for ``close()``."""

    def __init__(self, thread: LoopThread, begin: Begin) -> None:
        loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[AnswerPiece | Future[Answer]] = asyncio.Queue()
        put = self._news.put_nowait

        def tell(news: AnswerPiece | Future[Answer]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(put, news)

        super().__init__(thread.submit(begin(tell)))
        self._future.add_done_callback(tell)

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        if self._is_over:
            raise StopAsyncIteration
        try:
            step = await self._news.get()
        except BaseException:
            self.close()
            raise
        text = self._piece_of(step)
        if text is None:
            raise StopAsyncIteration
        return text

    async def __aenter__(self) -> AsyncAnswerStream:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def show_streamed(stream: AnswerStream, peer: str) -> Answer:
    """Show an answer in the running cell while it arrives, and return the whole answer."""
    display, shown_at = LiveDisplay(), 0.0
    pieces: list[AnswerPiece] = []

    def show(remark: str) -> None:
        bundle = _Partial(_joined(pieces), remark)._repr_mimebundle_()
        (display.update if display.is_shown else display.show)(bundle)

    try:
        show(f"{peer} is asked …")
        for piece in stream:
            pieces.append(piece)
            if isinstance(piece, AnswerWaits):
                show(f"waiting for {peer}'s yes to a tool …")
            elif (now := time.monotonic()) - shown_at >= INTERVAL_S:
                show(f"{peer} answers …")
                shown_at = now
    except BaseException:
        # An interrupt may arrive while a piece is shown, and not only while one is awaited.
        stream.close()
        show(f"{peer}: the answer ends here" if pieces else f"{peer} has not answered")
        raise
    answer = stream.answer
    display.update(answer._repr_mimebundle_())
    return answer.shown_already()


class _Partial(Shown):
    def __init__(self, parts: list[AnswerPiece], remark: str) -> None:
        self._parts, self._remark = parts, remark

    def _describe(self) -> list[Block]:
        return [*_blocks(self._parts), note(self._remark)]

    def to_text(self) -> str:
        return clean("".join(self._parts) or self._remark)


def _joined(pieces: Iterable[AnswerPiece]) -> list[AnswerPiece]:
    """Return the pieces with neighbouring texts as one."""
    parts: list[AnswerPiece] = []
    for is_display, group in groupby(pieces, lambda piece: isinstance(piece, AnswerDisplay)):
        run = list(group)
        parts += run if is_display else ["".join(run)]
    return [part for part in parts if part]


def _blocks(parts: Iterable[AnswerPiece]) -> list[Block]:
    return [Foreign(p.output) if isinstance(p, AnswerDisplay) else Prose(p) for p in parts]
