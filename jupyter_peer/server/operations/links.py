"""Operations on guest links."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ...control.fields import Done, NoParams
from ...control.rows import links as rows
from ...document.qr import qr_svg
from ...errors import NotEnabledError
from ...hub.hub import PeerHub
from ..call import Call, serves
from .group import Group


def no_page(link_id: str) -> str:
    """Refuse, because no browser can open a page of this node.

    Raises:
        NotEnabledError: Always.
    """
    raise NotEnabledError("this server has no guest links", hint="update jupyter-peer")


class LinkOperations(Group):
    """Makes, lists and stops guest links, and drops guests.

    Args:
        hub: The node.
        on_change: See :class:`.Group`.
        page_url: Returns the URL of a link's page by the link's id; raises NotEnabledError when a
            browser can reach no port of this node.
    """

    def __init__(
        self, hub: PeerHub, on_change: Callable[..., None], page_url: Callable[[str], str]
    ) -> None:
        super().__init__(hub, on_change)
        self._page_url = page_url

    def all(self) -> rows.LinksResult:
        """Return the links and their guests."""
        shape = list[rows.LinkModel]
        return rows.LinksResult(
            msgspec.convert(self.hub.guests.links(), shape, from_attributes=True)
        )

    @serves(rows.LINK)
    def _link(self, params: rows.LinkParams, call: Call) -> rows.LinkResult:
        self._page_url("")  # before anything is stored
        minted = self.hub.guests.mint(params.pane, params.grant, params.ttl_s, params.max_guests)
        self.on_change("links")
        link = f"{self._page_url(minted.id)}#{minted.fragment}"
        qr = qr_svg(link) if params.qr else None
        return rows.LinkResult(link, minted.id, minted.expires, qr)

    @serves(rows.LINKS)
    def _links(self, params: NoParams, call: Call) -> rows.LinksResult:
        return self.all()

    @serves(rows.UNLINK)
    async def _unlink(self, params: rows.UnlinkParams, call: Call) -> Done:
        await self.hub.guests.stop(params.id)
        self.on_change("links")
        return Done()

    @serves(rows.DROP_GUEST)
    async def _drop(self, params: rows.DropGuestParams, call: Call) -> Done:
        await self.hub.guests.drop(params.id, params.guest)
        self.on_change("links")
        return Done()
