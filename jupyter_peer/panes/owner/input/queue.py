"""Queues the inputs of viewers to one kernel, at the speed of the kernel.

The kernel gets one input at a time. Of the inputs that arrive meanwhile, only the newest value of each
key of each viewer is kept. So a slider that was dragged a thousand times while the kernel was busy
ends at its last position, and the queue does not grow.
"""

from __future__ import annotations

import logging
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from ....errors import BusyError, PeerError
from ....wire.payloads.widgets import CustomData, InputMessage, decode_buffer
from .rules import Act

log = logging.getLogger(__name__)

Json = dict[str, Any]

MAX_WAITING = 64
MAX_WAITING_SIZE = 8 * 1024 * 1024
#: Of all viewers of the kernel together.
MAX_SIZE = 32 * 1024 * 1024


class Sender(Protocol):
    """The functions of a kernel that this module needs."""

    @property
    def kernel(self) -> Any:
        """The kernel's tap."""

    def when_idle(self, msg_id: str, callback: Callable[[], None]) -> None:
        """Call back when the kernel is done with a message."""

    def echo(
        self, msg_id: str, model_id: str, state: Json, paths: list[Any], buffers: list[str]
    ) -> None:
        """Send the panes the values that the kernel has accepted without an echo."""

    def values(self, model_id: str, keys: set[Any]) -> tuple[Json, list[Any], list[str]]:
        """Return the current values of keys of a model: state, buffer paths and buffers."""


class Input:
    """One input that waits for the kernel.

    Args:
        peer_id: The viewer.
        pane: The pane in which it was made.
        message: The checked input.
        may: Returns whether the viewer may still use the pane; checked again before sending.
        fits: Returns whether the widget still accepts the input; checked again before sending,
            because the widget may be disabled by then.
        on_sent: Called with the id of the message to the kernel.
        size: Approximate number of characters.
    """

    def __init__(
        self,
        peer_id: str,
        pane: str,
        message: InputMessage,
        may: Callable[[], bool],
        fits: Callable[[Act], bool],
        on_sent: Callable[[str], None],
        size: int,
    ) -> None:
        self.peer_id = peer_id
        self.pane = pane
        self.model_id = message.content.comm_id
        self.may = may
        self.fits = fits
        self.on_sent = on_sent
        self.size = size
        self.buffers = list(message.buffers)
        data = message.content.data
        self.is_custom = isinstance(data, CustomData)
        self.said = data.content if isinstance(data, CustomData) else None
        self.state: Json = {} if isinstance(data, CustomData) else dict(data.state)
        self.paths = [] if isinstance(data, CustomData) else [list(p) for p in data.buffer_paths]

    @property
    def keys(self) -> set[Any]:
        """The keys that it sets."""
        return self.act.keys

    @property
    def act(self) -> Act:
        """The act, for the rules."""
        return Act(self.state, self.paths, self.said, self.is_custom, len(self.buffers))

    def only(self, keys: set[Any]) -> tuple[Json, list[Any], list[str]]:
        """Return the state, buffer paths and buffers of some of its keys."""
        pairs = [
            (path, buffer)
            for path, buffer in zip(self.paths, self.buffers, strict=True)
            if path[0] in keys
        ]
        return (
            {key: value for key, value in self.state.items() if key in keys},
            [path for path, _ in pairs],
            [buffer for _, buffer in pairs],
        )

    def leave_out(self, keys: set[Any]) -> None:
        """Remove some keys from the input."""
        self.state, self.paths, self.buffers = self.only(self.keys - keys)

    def content(self) -> Json:
        """Return the content of the message to the kernel."""
        data: Json = {"method": "custom", "content": self.said}
        if not self.is_custom:
            data = {"method": "update", "state": self.state, "buffer_paths": self.paths}
        return {"comm_id": self.model_id, "data": data}


class InputQueue:
    """Sends inputs to one kernel, one after another.

    Args:
        sender: The kernel.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._waiting: deque[Input] = deque()
        self._sent: tuple[str, Input] | None = None
        self._silent: set[Any] = set()
        self._unechoed: set[Any] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, made: Input) -> None:
        """Queue an input.

        Raises:
            BusyError: Too many inputs of this viewer wait; the waiting ones stay as they are.
        """
        replaced = self._replaced_by(made)
        left = [
            each
            for each in self._waiting
            if each.peer_id == made.peer_id
            and not (id(each) in replaced and each.keys <= made.keys)
        ]
        if (
            len(left) >= MAX_WAITING
            or sum([each.size for each in left]) + made.size > MAX_WAITING_SIZE
            or sum([each.size for each in self._waiting]) + made.size > MAX_SIZE
        ):
            raise BusyError("the owner's kernel is busy, and too many inputs wait for it")
        for each in list(self._waiting):
            if id(each) in replaced:
                each.leave_out(made.keys)
                if not each.keys:
                    self._waiting.remove(each)
        self._waiting.append(made)
        self._send_next()

    def _replaced_by(self, made: Input) -> set[int]:
        """Return the waiting inputs whose keys a new input sets too.

        A message of the viewer between two inputs may depend on the values before it.
        """
        found: set[int] = set()
        if made.is_custom:
            return found
        for each in reversed(self._waiting):
            if each.peer_id != made.peer_id:
                continue
            if each.is_custom:
                break
            if each.pane == made.pane and each.model_id == made.model_id:
                found.add(id(each))
        return found

    def drop(self, pane: str, peer_id: str | None = None) -> None:
        """Drop the waiting inputs of one viewer of a pane, or of all viewers."""
        self._waiting = deque(
            each
            for each in self._waiting
            if each.pane != pane or peer_id not in (None, each.peer_id)
        )

    def heard(self, msg_id: str, model_id: str, keys: set[Any], is_echo: bool) -> None:
        """Mark keys that the kernel has reported while it handled an input."""
        if self._sent is None or self._sent[0] != msg_id:
            return
        if self._sent[1].model_id == model_id:
            self._silent -= keys
            if is_echo:
                self._unechoed -= keys

    def close(self) -> None:
        """Stop sending."""
        self._waiting.clear()
        self._sent = None

    def _send_next(self) -> None:
        while self._waiting and self._sent is None:
            next_one = self._waiting.popleft()
            if not next_one.may():
                continue
            if next_one.fits(next_one.act):
                self._send(next_one)
            else:
                self._give_back(next_one)

    def _give_back(self, made: Input) -> None:
        """Send the panes the widget's own values in place of an input that it no longer accepts."""
        if made.is_custom:
            return
        # No message to the kernel has this id.
        not_sent = f"not-sent-{uuid.uuid4().hex}"
        made.on_sent(not_sent)
        self._sender.echo(not_sent, made.model_id, *self._sender.values(made.model_id, made.keys))

    def _send(self, made: Input) -> None:
        try:
            buffers = [decode_buffer(text) for text in made.buffers]
            msg_id = self._sender.kernel.send("comm_msg", made.content(), {}, buffers)
        except PeerError as error:
            log.info("an input of %s does not reach the kernel: %s", made.peer_id, error)
            return
        self._sent = msg_id, made
        self._silent = set() if made.is_custom else made.keys
        self._unechoed = set(self._silent)
        made.on_sent(msg_id)
        self._sender.when_idle(msg_id, lambda: self._on_idle(msg_id))

    def _on_idle(self, msg_id: str) -> None:
        if self._sent is None or self._sent[0] != msg_id:
            return
        made, self._sent = self._sent[1], None
        if self._unechoed:
            # Some kernels never echo, and none echoes every key; but viewers wait for an echo.
            state, paths, buffers = made.only(self._silent)
            more = self._sender.values(made.model_id, self._unechoed - self._silent)
            self._sender.echo(
                msg_id, made.model_id, state | more[0], paths + more[1], buffers + more[2]
            )
        self._send_next()
