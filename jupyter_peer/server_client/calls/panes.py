"""The calls about shared panes and guest links."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ...errors import BadRequestError
from ..bridge import exposed
from ..connection import Json
from ..durations import parse_duration
from ..results.links import Link, Links
from ..results.panes import Panes, granted
from ..results.results import Done
from .asking import Asking

GRANTS = ("view", "interact")


class PaneCalls(Asking):
    """The calls about shared panes and guest links."""

    @exposed
    async def panes(self) -> Panes:
        """Return ``mine`` and those ``offered`` to this node."""
        panes, peers, links = await asyncio.gather(
            self._ask("panes"), self._ask("peers"), self._ask("links")
        )
        return Panes(panes, peers["peers"], links["links"])

    @exposed
    async def read(self, name: str) -> list[Json]:
        """Return the outputs that one of your panes shows now, as nbformat has them.

        Raises:
            UnknownPaneError: You share none of this name, or its kernel is gone.
        """
        outputs: list[Json] = (await self._ask("read", {"name": name}))["outputs"]
        return outputs

    @exposed
    async def post(
        self, name: str, outputs: Sequence[Json], with_: Sequence[str] = (), title: str = ""
    ) -> Done:
        """Share fixed content as a pane, from a program that is not a kernel.

        Args:
            name: Name of the pane; an earlier posted pane of this name is replaced.
            outputs: Its outputs, in the form of nbformat.
            with_: Peers that may view it, and nobody else.
            title: For people.

        Raises:
            BadNameError: The name cannot be used.
            UnknownPeerError: One of the peers is not known.
            PaneExistsError: A kernel shares a pane of this name.
        """
        params = {"name": name, "outputs": list(outputs), "with": list(with_), "title": title}
        return Done(f"{name} is shared", (await self._ask("post", params))["pane"])

    @exposed
    async def grant(self, name: str, peer: str, grant: str) -> Done:
        """Set the grant of a peer for a pane: ``view``, ``interact`` or ``none``."""
        check_grant(grant, (*GRANTS, "none"))
        answer = await self._ask("grant", {"name": name, "peer": peer, "grant": grant})
        return Done(granted(name, peer, grant), answer.get("pane"))

    @exposed
    async def unshare(self, name: str) -> Done:
        """Stop sharing a pane."""
        await self._ask("unshare", {"name": name})
        return Done(f"{name} is not shared any more")

    @exposed
    async def link(
        self,
        pane: str,
        ttl: str | float | None = None,
        grant: str = "view",
        max_guests: int | None = None,
    ) -> Link:
        """Make a link that opens one of your panes in any browser; the result is its URL.

        Args:
            pane: One of your panes.
            ttl: Its life: ``"8h"``, ``"10m"`` or seconds; None for 8 hours.
            grant: Grant of the guests: ``view``, or ``interact`` to use its widgets too.
            max_guests: Highest number of guests at once; None for 64.

        Raises:
            UnknownPaneError: You share no pane of this name.
            BadRequestError: A value is out of range.
            NotEnabledError: No browser can reach this node.
        """
        check_grant(grant, GRANTS)
        params: Json = {"pane": pane, "grant": grant}
        if ttl is not None:
            params["ttl_s"] = parse_duration(ttl)
        if max_guests is not None:
            params["max_guests"] = max_guests
        answer = await self._ask("link", params)
        return Link(
            answer["link"], id=answer["id"], expires=answer["expires"], pane=pane, grant=grant
        )

    @exposed
    async def links(self) -> Links:
        """Return your guest links, newest first, each with its present guests."""
        return Links((await self._ask("links"))["links"])

    @exposed
    async def unlink(self, id: str) -> Done:
        """Stop a guest link and disconnect its guests.

        Raises:
            LookupFailedError: No link has this id.
        """
        # A Link is a str, but its text is not its id.
        known = id.id if isinstance(id, Link) else id
        await self._ask("unlink", {"id": known})
        return Done(f"guest link {known} is stopped")

    @exposed
    async def drop_guest(self, id: str, guest: str) -> Done:
        """Cut off one guest of a link for good; the others stay.

        Args:
            id: Id of the link.
            guest: Id of the guest, as :meth:`links` shows it.

        Raises:
            LookupFailedError: No link has this id.
            NotGrantedError: No such guest has it open.
        """
        known = id.id if isinstance(id, Link) else id
        await self._ask("drop_guest", {"id": known, "guest": guest})
        return Done(f"guest {guest} is cut off")


def check_grant(grant: str, grants: Sequence[str]) -> None:
    """Check that a grant is one of a few.

    Raises:
        BadRequestError: The value is not one of them.
    """
    if grant not in grants:
        raise BadRequestError(f"{grant!r} is not a grant", hint=f"use {' or '.join(grants)}")
