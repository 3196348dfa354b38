"""One watched pane in a kernel: its state, its status, and waiting for updates.

The server watches the peer's pane and sends its changes as ``pane`` events. This end applies them
and acknowledges each step, so that a slow kernel receives the newest state instead of a queue. It
opens the pane again after the control socket was lost.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ...document.outputs import OutputList
from ...document.widgets import COMMS, WidgetSet, shown_in
from ...errors import MalformedError, NotConnectedError, PeerError
from ...primitives import background
from ...primitives.signal import Signal
from ..connection import Connection, Json
from ..results.provenance import Provenance, verified
from .widgets import CLICK, find_model, saying, shown_beneath, update_of

log = logging.getLogger(__name__)

LIVE = "live"
LAST_SEEN = "last seen"
ENDED = "ended"
WITHDRAWN = "withdrawn"
CLOSED = "closed"


class Feed:
    """One watch. The coroutines belong to the loop's thread; the properties to any.

    Args:
        connection: The control socket.
        peer: The owner, as the user names it.
        name: The pane.
    """

    def __init__(self, connection: Connection, peer: str, name: str) -> None:
        self.peer = peer
        self.name = name
        self._connection = connection
        self._lock = threading.Lock()
        self._outputs = OutputList()
        self._widgets = WidgetSet()
        self._closed: set[str] = set()
        self._info: Json = {}
        self._watch: int | None = None
        self._rev = 0
        self._epoch: Any = None
        self._lost_at: float | None = None
        self._is_closed = False
        self._version = 0
        self._seen = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self._changed: Signal[[]] = Signal("a pane changed")
        self._ends: list[Callable[[], None]] = []
        self._reopening: asyncio.Task[None] | None = None

    def outputs(self) -> list[Json]:
        """Return the outputs as nbformat has them. They are only to be read."""
        with self._lock:
            return self._outputs.outputs

    def widgets(self) -> Json:
        """Return the widget-state document of the pane. It is only to be read."""
        with self._lock:
            return self._widgets.document()

    def beneath(self, output: Json) -> list[Json]:
        """Return the widgets of an output as text and pictures, if they can be shown so."""
        with self._lock:
            return shown_beneath(self._widgets, output)

    def is_closed_widget(self, output: Json) -> bool:
        """Whether an output shows a widget that its owner has closed, which leaves nothing."""
        data = output.get("data")
        return isinstance(data, dict) and shown_in(data) in self._closed

    @property
    def truncated(self) -> int:
        """Characters cut from the beginnings of the streams that are shown."""
        return self._outputs.truncated

    @property
    def info(self) -> Json:
        """The facts about the pane, with the current ``status``."""
        with self._lock:
            info = dict(self._info)
            if self._is_closed:
                info["status"] = CLOSED
            elif self._lost_at is not None and info.get("status", LIVE) == LIVE:
                info |= {"status": LAST_SEEN, "last_seen": self._lost_at}
            return info

    @property
    def rev(self) -> int:
        """Revision of the pane that the outputs are of; grows with each change."""
        return self._rev

    @property
    def version(self) -> int:
        """Counts updates."""
        return self._version

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call back, on the loop's thread, whenever outputs or info change."""
        self._changed.connect(callback)

    async def open(self) -> Feed:
        """Open the watch.

        Raises:
            PeerError: The pane is unknown, not granted, or its owner cannot be reached.
        """
        # Before it listens, because a link that opens now would open the pane a second time.
        await self._connection.ready()
        self._ends = [
            self._connection.subscribe("pane", self._on_pane),
            self._connection.subscribe("panes", self._on_panes),
            self._connection.on_link(self._on_link),
        ]
        try:
            await self._ask()
        except BaseException:
            self._unsubscribe()
            raise
        self._seen = self._version
        return self

    async def wait_for_update(self, timeout: float | None = None) -> bool:
        """Wait for an update since the last call, or since the pane was opened.

        Args:
            timeout: Seconds; None waits without limit.

        Returns:
            True if there is an update, False after the timeout.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._version == self._seen:
            left = None if deadline is None else deadline - time.monotonic()
            if (left is not None and left <= 0) or self._is_closed:
                return False
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await asyncio.wait((waiter,), timeout=left)
            finally:
                self._waiters.discard(waiter)
        self._seen = self._version
        return True

    async def send(self, model_id: str, state: Mapping[str, Any]) -> None:
        """Set keys of a widget, as its own page would; return when the owner has applied them.

        Args:
            model_id: As in ``widgets``.
            state: Keys and JSON values; bytes for binary values.

        Raises:
            NotGrantedError: The pane may be viewed only, or this key is not for viewers.
            PeerError: The owner refused it for another reason.
        """
        await self._input(update_of(model_id, state))

    async def say(self, model_id: str, content: Any) -> None:
        """Send a custom message to a widget in the owner's kernel, as its own page would.

        Args:
            model_id: As in ``widgets``.
            content: A message in the form that the widget expects.

        Raises:
            PeerError: As of :meth:`send`.
        """
        await self._input(saying(model_id, content))

    async def set(self, which: str, /, **state: Any) -> None:
        """Set keys of a widget: ``view.set("Learning rate", value=0.1)``.

        Args:
            which: Its description, or its model id.
            **state: Keys and values.

        Raises:
            BadRequestError: No widget is called that, or several are.
            PeerError: As of :meth:`send`.
        """
        await self._input(update_of(find_model(self._widgets, which), state))

    async def click(self, which: str) -> None:
        """Click on a button.

        Args:
            which: Its description, or its model id.

        Raises:
            BadRequestError: No widget is called that, or several are.
            PeerError: As of :meth:`send`.
        """
        await self._input(saying(find_model(self._widgets, which), CLICK))

    async def provenance(self) -> Provenance:
        """Check a proof of the pane's state; return who signed it and when.

        The owner is asked for the whole pane and signs it anew. ``save(path)`` of the result writes
        a file that anybody can check with ``jupyter peer verify``.

        Raises:
            ProofError: The owner's signature does not match.
            NotConnectedError, LinkError: The owner cannot be asked.
            PeerError: The owner refused it.
        """
        answer = await self._connection.request("prove", {"watch": self._open_watch()})
        return verified(answer["proof"])

    async def _input(self, message: Json) -> None:
        await self._connection.request("input", {"watch": self._open_watch(), "message": message})

    def _open_watch(self) -> int:
        if self._watch is None or self._is_closed:
            raise NotConnectedError(
                f"{self.peer}/{self.name} is not being watched",
                hint="open it again, or wait until the server is connected",
            )
        return self._watch

    async def close(self) -> None:
        """Stop watching; the outputs stay. May be called twice."""
        if self._is_closed:
            return
        with self._lock:
            self._is_closed = True
        self._unsubscribe()
        if self._reopening is not None:
            self._reopening.cancel()
        if self._watch is not None:
            self._connection.tell("close", {"watch": self._watch})
        self._tell(is_new=False)

    async def _ask(self) -> None:
        await self._connection.request(
            "open", {"peer": self.peer, "name": self.name}, on_result=self._on_opened
        )

    def _on_opened(self, answer: Json) -> None:
        self._watch = answer["watch"]
        with self._lock:
            self._lost_at = None
            self._info = dict(answer.get("info") or {})
            self._load(answer.get("state") or {})
        self._tell(is_new=True)

    def _on_pane(self, data: Json) -> None:
        if data.get("watch") != self._watch or self._is_closed:
            return
        before = self.info.get("status")
        try:
            with self._lock:
                moved = self._apply(data)
        except MalformedError:
            log.info("a step of pane %s is missing; opening it again", self.name)
            self._reopen()
            return
        if moved:
            self._connection.tell("ack", {"watch": self._watch, "rev": self._rev})
        ended = self.info.get("status") in (ENDED, WITHDRAWN)
        self._tell(is_new=moved or (ended and self.info.get("status") != before))

    def _apply(self, data: Json) -> bool:
        if isinstance(info := data.get("info"), dict):
            self._info |= info
        if "outputs" in data:
            self._load(data)
            return True
        if "messages" not in data:
            return False
        if data.get("prev") != self._rev or data.get("epoch", self._epoch) != self._epoch:
            raise MalformedError("the step does not build on the known state")
        for message in data["messages"]:
            if message["msg_type"] in COMMS:
                self._widgets.apply(message)
                model_id = message["content"]["comm_id"]
                if message["msg_type"] == "comm_close":
                    self._closed.add(model_id)
                else:
                    self._closed.discard(model_id)
            else:
                self._outputs.apply(message["msg_type"], message["content"])
        self._outputs.truncated = data.get("truncated", 0)
        self._rev = data["rev"]
        return True

    def _load(self, state: Json) -> None:
        self._outputs = OutputList.from_state(state)
        document = state.get("widgets") or {}
        self._widgets = WidgetSet.from_document(document)
        self._closed = set(document.get("closed", ()))
        self._rev = state.get("rev", 0)
        self._epoch = state.get("epoch")

    def _on_link(self, is_up: bool) -> None:
        if is_up:
            self._reopen()
            return
        self._watch = None
        with self._lock:
            self._lost_at = time.time()
        self._tell(is_new=False)

    def _on_panes(self, data: Json) -> None:
        # An earlier attempt to reopen it failed; the owner offers it now.
        names = (pane.get("name") for pane in data.get("offered", ()))
        if self._watch is None and self.name in names:
            self._reopen()

    def _reopen(self) -> None:
        if self._reopening is None or self._reopening.done():
            self._reopening = background.start(self._open_again(), "opening a pane again")

    async def _open_again(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            self._connection.tell("close", {"watch": watch})
        try:
            await self._ask()
        except PeerError as error:
            # A lost socket reopens by itself; any other error is the owner's answer.
            log.info("pane %s cannot be opened again: %s", self.name, error.code)

    def _tell(self, is_new: bool) -> None:
        if is_new:
            self._version += 1
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
        self._changed.emit()

    def _unsubscribe(self) -> None:
        for end in self._ends:
            end()
        self._ends = []
        if self._is_closed:
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
