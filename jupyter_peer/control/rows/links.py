"""Operations on guest links: a URL opens one pane of this node for anybody who has it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ..fields import Done, Grant, NoParams, Short
from ..operation import Operation, looks


class LinkParams(msgspec.Struct, frozen=True, kw_only=True):
    """A new guest link.

    Attributes:
        pane: A pane of this node.
        grant: Grant of the guests.
        ttl_s: Life in seconds; None for the server's setting.
        max_guests: Highest number of guests at once; None for the highest allowed number.
        qr: Whether to draw the link as a QR code, too.
    """

    pane: Short
    grant: Grant = "view"
    ttl_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    max_guests: Annotated[int, msgspec.Meta(ge=1)] | None = None
    qr: bool = False


class LinkResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """A new guest link. Its URL is shown this once; ``expires`` is epoch seconds.

    Attributes:
        qr: SVG of its QR code, if it was asked for.
    """

    link: str
    id: str
    expires: float
    qr: str | None = None


class GuestModel(msgspec.Struct, frozen=True):
    """A browser that has a link open.

    Attributes:
        id: Id of the key that its tab has made.
        name: Name that the guest announces; may be empty.
        since: Start of its connection, epoch seconds.
        path: The transport of its connection.
    """

    id: str
    name: str
    since: float
    path: str


class LinkModel(msgspec.Struct, frozen=True, kw_only=True):
    """A guest link and its present guests; ``expires`` is epoch seconds."""

    id: str
    pane: str
    grant: Grant
    expires: float
    max_guests: int
    guests: list[GuestModel]


class LinksResult(msgspec.Struct, frozen=True):
    """The guest links that have not expired, newest first."""

    links: list[LinkModel]


class UnlinkParams(msgspec.Struct, frozen=True):
    """The id of a guest link."""

    id: Short


class DropGuestParams(msgspec.Struct, frozen=True):
    """The id of a guest link, and of one of its present guests."""

    id: Short
    guest: Short


LINK = Operation(
    "link", LinkParams, LinkResult, "Make a link that opens one pane in any browser.", "POST links"
)
LINKS = looks(
    "links", NoParams, LinksResult, "Return the guest links and who has each open.", "GET links"
)
UNLINK = Operation(
    "unlink",
    UnlinkParams,
    Done,
    "Stop a guest link and disconnect its guests.",
    "DELETE links/{id}",
)
DROP_GUEST = Operation(
    "drop_guest",
    DropGuestParams,
    Done,
    "Cut off one guest of a link for good.",
    "DELETE links/{id}/guests/{guest}",
)
