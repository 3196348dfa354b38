"""What a hostile relay gets: nothing but the links it cuts."""

from __future__ import annotations

import asyncio
import base64
import os

import pytest

from jupyter_peer.errors import LinkError, PeerError, WrongNodeError
from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.wire.invite import Invite
from jupyter_peer.wire.link.handshake import Acceptor, Dialer, Offer
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.relay.frames import DATA, RelayFrame
from jupyter_peer.wire.relay.link import CREDIT, OPEN, TEXT, limit_payload, read_payload
from tests.machine.waiting import until
from tests.peers.hubs import relay_hub, relay_hubs, running
from tests.peers.nodes import Node, relay_nodes, texts
from tests.relay.hostile import ATTACKS, Attacks, HostileRelay, honest, hostile_relay
from tests.relay.nodes import LINK, RawNode

SECRET = "the plain text of a pane"


async def tell(ada: Node, start: int, count: int) -> str:
    """Let ada's kernel write lines; return them."""
    said = ""
    for number in range(start, start + count):
        line = f"{number} {SECRET}\n"
        ada.kernel.write(line)
        said += line
        await asyncio.sleep(0.002)
    return said


async def test_it_sees_no_plain_text_and_no_token_though_it_sees_everything():
    async with hostile_relay() as relay, relay_nodes(relay.url, relay.url) as (ada, bob):
        minted = ada.hub.invites.mint()
        token = Invite.from_text(minted.text).t
        await bob.hub.disconnect(ada.id)
        await bob.hub.pair(minted.text)
        await ada.share(to=bob, title=SECRET)
        await until(bob.watcher.offered)
        watch = await bob.watcher.open(ada.id, "loss")
        said = await tell(ada, 0, 20)
        await until(lambda: texts(watch) == [said])
        assert len(relay.seen) > 20
        raw = base64.urlsafe_b64decode(token + "==")
        for secret in (SECRET.encode(), SECRET.encode()[:12], token.encode(), raw, b"pane_offer"):
            assert not relay.holds(secret)
        assert relay.holds(b'"node_name":"ada"')  # so what is not sealed would be found


@pytest.mark.parametrize("name", ATTACKS)
async def test_what_it_does_to_frames_changes_nothing_that_is_shown(name):
    async with hostile_relay() as relay, relay_nodes(relay.url, relay.url) as (ada, bob):
        await ada.share(to=bob)
        await until(bob.watcher.offered)
        watch = await bob.watcher.open(ada.id, "loss")
        attacks = Attacks()
        relay.attack = getattr(attacks, name)
        said = ""

        async def has_attacked() -> bool:
            nonlocal said
            said += await tell(ada, said.count("\n"), 3)
            # however the links break: what is shown is a beginning of what was said
            shown = "".join(texts(watch))
            assert said.startswith(shown)
            return attacks.done >= 5

        await until(has_attacked)
        relay.attack = honest
        said += await tell(ada, said.count("\n"), 3)
        await until(lambda: "".join(texts(watch)) == said, 20)
        for hub, other in ((ada.hub, bob.id), (bob.hub, ada.id)):
            (peer,) = hub.peers()
            assert (peer.node_id, peer.trusted, peer.blocked) == (other, True, False)
        assert not relay.holds(SECRET.encode())


async def test_frames_that_it_gives_to_another_node_are_of_no_use_there():
    async with (
        hostile_relay() as relay,
        relay_nodes(relay.url, relay.url, ping_interval_s=0.3) as (ada, bob),
    ):
        eve = await RawNode.connect(relay.url)
        await ada.share(to=bob)
        await until(bob.watcher.offered)
        watch = await bob.watcher.open(ada.id, "loss")
        got: list[bytes] = []

        def redirect(frame: RelayFrame) -> list[RelayFrame]:
            if frame.dst != bob.id:
                return [frame]
            relay.send(frame, to=eve.id)
            got.append(bytes(frame.payload))
            return []

        relay.attack = redirect
        said = await tell(ada, 0, 10)
        await until(lambda: len(got) >= 2)
        assert (await eve.frame()).dst == bob.id
        assert SECRET.encode() not in b"".join(got)
        relay.attack = honest
        await until(lambda: "".join(texts(watch)) == said, 30)
        eve.close()


class Impostor:
    """Answers for a node with the relay's own key, as far as the other side lets it."""

    def __init__(self, relay: HostileRelay, poses_as: str) -> None:
        self.identity = Identity.from_seed(os.urandom(32))
        self.poses_as = poses_as
        self.got: list[str | bytes] = []
        self._relay = relay

    def attack(self, frame: RelayFrame) -> list[RelayFrame]:
        if frame.dst != self.poses_as or frame.kind != DATA:
            return [frame]
        payload = read_payload(frame.payload)
        if payload.form == OPEN:
            self._answer(frame, bytes((CREDIT,)) + limit_payload(1 << 20))
        elif payload.form != CREDIT:
            self.got.append(payload.frame)
            if len(self.got) == 1:
                acceptor = Acceptor(self._offer())
                ack = str(acceptor.on_hello(payload.frame))
                self._answer(frame, bytes((TEXT,)) + self.disguise(ack).encode())
        return []

    def disguise(self, ack: str) -> str:
        """Change the answer before it is sent."""
        return ack

    def _answer(self, frame: RelayFrame, payload: bytes) -> None:
        self._relay.send(RelayFrame(DATA, frame.src, frame.dst, frame.link, payload))

    def _offer(self) -> Offer:
        return Offer(
            identity=self.identity,
            node_name="ada",
            capabilities=("panes",),
            nonce=os.urandom(16).hex(),
            x25519=os.urandom(32),
            stamp=lambda: (os.urandom(16).hex(), 0.0),
            allow_unsealed=False,
        )


class BetterImpostor(Impostor):
    """Also writes the other's id over its own."""

    def disguise(self, ack: str) -> str:
        return ack.replace(self.identity.node_id, self.poses_as)


@pytest.mark.parametrize("kind", [Impostor, BetterImpostor])
async def test_it_cannot_answer_an_invite_in_the_inviters_place(kind, tmp_path):
    async with hostile_relay() as relay:
        ada = relay_hub(tmp_path, "ada", relay.url)
        bob = relay_hub(tmp_path, "bob", relay.url, handshake_timeout_s=5)
        async with running(ada, bob):
            impostor = kind(relay, ada.node_id)
            relay.attack = impostor.attack
            with pytest.raises(PeerError) as caught:
                await bob.pair(ada.invites.mint().text)
            assert isinstance(caught.value, WrongNodeError) or caught.value.code in (
                "bad_identity", "bad_signature",
            )  # fmt: skip
            # it got the hello, and nothing after it: no token, sealed or not
            assert len(impostor.got) == 1
            assert not bob.peers()
            # and the invite is as good as before
            relay.attack = honest
            await bob.pair(ada.invites.mint().text)


async def test_it_cannot_dial_a_node_in_a_peers_name():
    async with hostile_relay() as relay, relay_hubs(relay.url, relay.url) as (ada, bob):
        before = bob.metrics()[ada.node_id]["since"]
        eve = await RawNode.connect(relay.url)
        hello = await hello_of(eve.identity)
        for text in (hello, hello.replace(eve.id, ada.node_id)):
            link = os.urandom(8)
            for payload in (
                bytes((OPEN,)) + limit_payload(1 << 20),
                bytes((TEXT,)) + text.encode(),
                bytes((TEXT,)) + text.encode(),
            ):
                relay.send(RelayFrame(DATA, bob.node_id, ada.node_id, link, payload))
        # bob answers the link and refuses; ada's session is the one it was
        await bob.ping(ada.node_id)
        assert bob.metrics()[ada.node_id]["since"] == before
        assert [peer.node_id for peer in bob.peers()] == [ada.node_id]
        eve.close()


async def hello_of(identity: Identity) -> str:
    """Return a hello as a node of this key sends it."""
    offer = Offer(
        identity=identity,
        node_name="ada",
        capabilities=(),
        nonce=os.urandom(16).hex(),
        x25519=os.urandom(32),
        stamp=lambda: (os.urandom(16).hex(), 0.0),
        allow_unsealed=False,
    )
    return str(Dialer(offer).hello())


async def test_links_it_opens_by_the_thousand_keep_nobody_who_is_in_from_working():
    async with hostile_relay() as relay, relay_hubs(relay.url, relay.url) as (ada, bob):
        before = bob.metrics()[ada.node_id]["since"]
        for number in range(3_000):
            payload = bytes((OPEN,)) + limit_payload(1 << 20)
            src = ada.node_id if number % 2 else "a" * 16
            relay.send(RelayFrame(DATA, bob.node_id, src, number.to_bytes(8, "big"), payload))
        await bob.ping(ada.node_id, timeout=60)  # it stands in line behind 3,000 links
        assert bob.metrics()[ada.node_id]["since"] == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 5000,
        "[" * 4000,
        '{"undeliverable": 1}',
        '{"error": {"code": "blocked", "message": "\\u001b[2J", "hint": ""}}',
        '{"registered": "again"}',
    ],
)
async def test_whatever_it_says_by_the_way_ends_its_connection_at_worst(text):
    async with hostile_relay() as relay, relay_hubs(relay.url, relay.url) as (ada, bob):
        await until(lambda: relay.nodes.get(bob.node_id))
        relay.nodes[bob.node_id].send_text(text)
        frame = RelayFrame(DATA, ada.node_id, ada.node_id, LINK, b"not bob's")
        relay.send(frame, to=bob.node_id)
        await until_connected(bob, ada)
        assert bob.peer(ada.node_id).blocked is False


async def until_connected(hub: PeerHub, other: PeerHub) -> None:
    async def answers() -> bool:
        try:
            await hub.ping(other.node_id, 2)
        except LinkError:
            return False
        return True

    await until(answers, 15)
