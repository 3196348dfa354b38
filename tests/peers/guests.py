"""A guest of tests: the wire by hand over a loopback link, as a browser speaks it."""

from __future__ import annotations

import os
from typing import Any

from jupyter_peer.hub.guests.guest_links import MintedLink
from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.transports.base import PeerLink
from tests.machine.waiting import until
from tests.peers.loopback import SCHEME, LoopbackNetwork
from tests.wire.by_hand import HandMessage, HandPeer

Json = dict[str, Any]


class HandGuest:
    """One guest.

    Args:
        shown: ``auth.guest``; None for who poses as a peer.
        seed: Of its key; a fresh one without.

    Attributes:
        hand: Its end of the wire.
        link: Below it; None before :meth:`dial`.
    """

    def __init__(self, shown: Json | None, seed: bytes | None = None, **options: Any) -> None:
        options = {"name": "", "capabilities": ("pane-widgets",), **options}
        self.hand = HandPeer.dialing(seed or os.urandom(32), guest=shown, **options)
        self.link: PeerLink | None = None

    @property
    def id(self) -> str:
        return self.hand.node_id

    async def dial(self, hub: PeerHub) -> None:
        """Do the handshake over the hub's loopback network; raises HandError when refused."""
        network: LoopbackNetwork = hub.network  # type: ignore[attr-defined]
        (address,) = [at for at in hub.addresses() if at.startswith(SCHEME)]
        self.link = await network.transport().dial(address, None)
        self.link.send(self.hand.start())
        while not self.hand.is_ready:
            self.link.send(self.hand.receive(await self.link.recv()))
        self.link.attach(self._take, lambda reason: None)

    def _take(self, frame: bytes | str) -> None:
        assert self.link is not None
        answers = self.hand.receive(frame)
        if not self.link.is_closed:
            self.link.send(answers)
        for message in self.hand.inbox:
            if message.type == "ping":
                self.say("pong", {}, re=message.msg_id)
                self.hand.inbox.remove(message)

    def say(self, type: str, data: Json, re: str | None = None) -> None:
        assert self.link is not None
        self.link.send(self.hand.send(type, data, re=re))

    async def ask(self, type: str, data: Json) -> HandMessage:
        """Send a message and return its answer."""
        before = {id(message) for message in self.hand.inbox}
        self.say(type, data)

        def answer() -> HandMessage | None:
            new = [each for each in self.hand.inbox if id(each) not in before and each.re]
            return new[0] if new else None

        return await until(answer)

    async def got(self, type: str) -> HandMessage:
        """Wait for the next message of a type and take it out of the inbox."""
        message = await until(lambda: next((m for m in self.hand.inbox if m.type == type), None))
        self.hand.inbox.remove(message)
        return message

    @property
    def is_closed(self) -> bool:
        return self.link is None or self.link.is_closed

    def shut(self) -> None:
        """Close its link, as a tab that is closed."""
        assert self.link is not None
        self.link.abort("gone")


def shown(minted: MintedLink, name: str = "") -> Json:
    """Return what the page of a link shows in the handshake."""
    return {"link": minted.id, "secret": minted.fragment.split(".")[1], "name": name}


async def open_link(hub: PeerHub, minted: MintedLink, name: str = "", **options: Any) -> HandGuest:
    """Return a guest who has opened a link."""
    guest = HandGuest(shown(minted, name), **options)
    await guest.dial(hub)
    await until(lambda: hub.guests.get(guest.id) is not None)
    return guest
