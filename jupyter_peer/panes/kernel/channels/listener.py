"""The messages of a tap, and the interface of its listeners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

Json = dict[str, Any]


class TapMessage(NamedTuple):
    """A message of a kernel.

    Attributes:
        content, buffers: Results of :func:`.comms.read`; buffers are base64.
        msg_id: Id of this message.
    """

    msg_type: str
    parent_id: str
    content: Json
    buffers: Sequence[str] = ()
    msg_id: str = ""


class TapListener(Protocol):
    """A listener of a tap. Its methods must not raise or block."""

    def wants(self, msg_type: str, parent_id: str) -> bool:
        """Return whether :meth:`on_message` should receive such messages."""

    def on_message(self, message: TapMessage) -> None:
        """Handle a message."""

    def on_end(self, reason: str) -> None:
        """Handle the restart or the end of the kernel; nothing is called after this."""
