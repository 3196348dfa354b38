"""What a tap hands to its listeners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

Json = dict[str, Any]


class TapMessage(NamedTuple):
    """A message of a kernel.

    Attributes:
        content, buffers: As :func:`.comms.read` gives them; buffers are base64.
        msg_id: Of the message itself.
    """

    msg_type: str
    parent_id: str
    content: Json
    buffers: Sequence[str] = ()
    msg_id: str = ""


class TapListener(Protocol):
    """Who listens to a tap. None of these may raise or block."""

    def wants(self, msg_type: str, parent_id: str) -> bool:
        """Whether :meth:`on_message` should get such messages."""

    def on_message(self, message: TapMessage) -> None:
        """Take a message."""

    def on_end(self, reason: str) -> None:
        """Take notice that the kernel restarted or died; nothing comes after it."""
