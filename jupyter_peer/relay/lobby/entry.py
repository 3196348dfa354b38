"""Decides who may enter a room: by its token, or by the relay's directory."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from typing import Protocol

from ...errors import NotEnabledError, RoomRefusedError
from ...wire.relay.lobby import token_hash
from .rooms import RoomRecord
from .session import Guest


class Membership(Protocol):
    """The directory of members; see :class:`jupyter_peer.wire.directory.Directory`."""

    def is_member(
        self, node_id: str, public_key: str, now: float, group: str | None = None
    ) -> bool:
        """Return whether a node with this proven key (base64) is a member at ``now``."""


class Entry:
    """Checks join policies.

    Args:
        directory: Returns the current directory; None without one.
        now: Returns epoch seconds.
    """

    def __init__(
        self, directory: Callable[[], Membership | None], now: Callable[[], float]
    ) -> None:
        self._directory = directory
        self._now = now

    def check(self, guest: Guest, room: RoomRecord, token: str | None) -> None:
        """Check that a node may enter a room.

        Raises:
            RoomRefusedError: The token is not the room's, or the node is not in the directory.
            NotEnabledError: The relay has no directory.
        """
        if room.join_policy == "token":
            self._check_token(room, token)
        elif room.join_policy == "directory":
            self.check_directory(guest, room.group)

    def check_directory(self, guest: Guest, group: str | None) -> None:
        """Check that a node is in the directory, and in a group of it.

        Raises:
            RoomRefusedError: It is not a member.
            NotEnabledError: The relay has no directory.
        """
        directory = self._directory()
        if directory is None:
            raise NotEnabledError(
                "this lobby has no directory to ask", hint="choose another join policy"
            )
        key = base64.b64encode(guest.public_key).decode()
        if not directory.is_member(guest.node_id, key, self._now(), group):
            whom = "the lobby's directory" if group is None else f"the group {group!r} of it"
            raise RoomRefusedError(
                f"this node is not in {whom}", hint="ask who keeps the directory to add it"
            )

    @staticmethod
    def _check_token(room: RoomRecord, token: str | None) -> None:
        if token is None:
            raise RoomRefusedError("this room asks for a token")
        if not hmac.compare_digest(room.token_sha256 or "", token_hash(token)):
            raise RoomRefusedError("this is not the token of this room")
