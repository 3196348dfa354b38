"""The result of a call that makes a spoken code."""

from __future__ import annotations

import time
from typing import Any, final

from ..durations import format_duration
from .drawing.blocks import Block, Line, Text, note
from .drawing.markup import clock_time
from .drawing.shown import Shown


@final
class SpokenCode(Shown, str):
    """A new code, such as ``7-adult-amulet``; ``invite`` is the invite behind it."""

    __slots__ = ("expires", "id", "invite")

    id: str
    expires: float
    invite: str

    def __new__(cls, code: str, *, id: str, expires: float, invite: str) -> SpokenCode:
        self = super().__new__(cls, code)
        self.id, self.expires, self.invite = id, expires, invite
        return self

    @property
    def code(self) -> str:
        """The code, as a plain str."""
        return str.__str__(self)

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        facts = {"id": self.id, "expires": self.expires, "invite": self.invite}
        return (self.code,), facts

    def _describe(self) -> list[Block]:
        left = format_duration(self.expires - time.time())
        return [
            Line(Text(self.code, "strong")),
            note(
                f"say it to one person, who runs: %peer pair {self.code}; it works once, until "
                f"{clock_time(self.expires)} ({left} left)"
            ),
            note(
                "a wrong guess ends it; both of you need the same relay; "
                f"to revoke it: %peer revoke {self.id}"
            ),
        ]

    def to_json(self) -> Any:
        return {
            "code": self.code,
            "invite": self.invite,
            "id": self.id,
            "expires": self.expires,
        }
