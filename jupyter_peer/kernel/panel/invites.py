"""The part of the panel that makes an invite, shows it for copying, and follows its status."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from ...server_client.client import Client
from ...server_client.results.drawing.markup import box, clock_time, faint
from ...server_client.results.results import Invite
from .parts import Action, button, copy_button, heading

_TTLS = (("as configured", ""), ("10 minutes", "10m"), ("1 hour", "1h"), ("1 day", "24h"))
_HIDDEN, _SHOWN = "none", ""


class InvitePart(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Makes single-use invites.

    Args:
        client: The connection to this kernel's server.
        do: Runs an action of a click.

    Attributes:
        ttl: Lifetime of the next invite.
        text: The last invite.
        row: The invite with its button to copy; hidden without one.
        remark: How the last invite can be used, or why not.
        reach_button: Opens this node to the network; shown for an invite that others cannot use.
    """

    def __init__(self, client: Client, do: Callable[[Action, widgets.Button | None], None]) -> None:
        self._client = client
        self._do = do
        self._invite: Invite | None = None
        self.mint_button = button("Make an invite", "A single-use invite to give to one person")
        self.ttl = widgets.Dropdown(
            options=_TTLS,
            description="valid for",
            tooltip="How long the invite can be used",
            layout={"width": "auto"},
            style={"description_width": "initial"},
        )
        self.text = widgets.Text(tooltip="The invite", layout={"flex": "1 1 auto"})
        self.copy_button = widgets.HTML(layout={"flex": "0 0 auto"})
        self.row = widgets.HBox([self.text, self.copy_button], layout={"display": _HIDDEN})
        self.remark = widgets.HTML(layout={"display": _HIDDEN})
        self.reach_button = button(
            "Open to this network", "Let this network reach you, and make a new invite"
        )
        self.reach_button.layout.display = _HIDDEN
        self.mint_button.on_click(lambda _: do(self._mint, self.mint_button))
        self.reach_button.on_click(lambda _: do(self._open_and_mint, self.reach_button))
        super().__init__(
            [
                heading("Invite"),
                widgets.HBox([self.mint_button, self.ttl]),
                self.row,
                self.remark,
                self.reach_button,
            ]
        )

    def follow(self) -> None:
        """Update the shown invite after a change of any invite."""
        if self._invite is not None:
            self._do(self._check, None)

    async def _mint(self) -> None:
        invite = await self._client.aio.invite(self.ttl.value or None)
        assert isinstance(invite, Invite)
        self._invite = invite
        self.text.value = invite.text
        self.copy_button.value = copy_button(invite.text)
        self._say(
            f"Give this to one person. It works once, until {clock_time(invite.expires)}."
            + " It works on this machine alone, because no other machine can reach you."
            * invite.local_only
        )
        self.row.layout.display = self.remark.layout.display = _SHOWN
        self.reach_button.layout.display = _SHOWN if invite.local_only else _HIDDEN

    async def _open_and_mint(self) -> None:
        await self._client.aio.reach("network")
        await self._mint()

    async def _check(self) -> None:
        for each in await self._client.aio.invites():
            if self._invite is not None and each.id == self._invite.id and each.status != "open":
                self._say(f"The invite {each.id} is {each.status}.")
                self._invite = None
                self.text.value = ""
                self.row.layout.display = self.reach_button.layout.display = _HIDDEN

    def _say(self, text: str) -> None:
        self.remark.value = box(faint(text))
