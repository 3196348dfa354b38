"""A client written from the protocol's text alone understands the package, and the other way."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from jupyter_peer.errors import BlockedError, InviteUsedError, PeerError, UnsealedRefusedError
from jupyter_peer.wire.invite import Invite
from jupyter_peer.wire.link.channel import Channel
from jupyter_peer.wire.link.handshake import Acceptor, Dialer
from tests.wire.by_hand import HandError, HandPeer, read_invite, verify, write_invite
from tests.wire.makers import BOB, NOW, TOKEN, an_item, an_offer, arrived, b64, json_objects

SEED = b"h" * 32
BLOCK = random.Random(2).randbytes(9 << 20)
UNSEALED = {"x25519": b"", "allow_unsealed": True}


def by_hand(is_dialer: bool, **options: Any) -> HandPeer:
    make = HandPeer.dialing if is_dialer else HandPeer.accepting
    counter = random.Random(7)
    return make(SEED, random=counter.randbytes, clock=lambda: NOW, **options)


def connect(hand: HandPeer, **offer: Any) -> Channel:
    """Let bob, of the package, dial or be dialled by the hand-made peer."""
    if hand._is_dialer:
        acceptor = Acceptor(an_offer(BOB, **offer))
        (hello,) = hand.start()
        (auth,) = hand.receive(acceptor.on_hello(hello))
        assert acceptor.on_auth(auth) == hand._token
        assert hand.receive(acceptor.accept()) == []
        side: Acceptor | Dialer = acceptor
    else:
        dialer = Dialer(an_offer(BOB, **offer), expect=hand.node_id, token=TOKEN)
        (ack,) = hand.receive(dialer.hello())
        (result,) = hand.receive(dialer.on_hello_ack(ack))
        dialer.on_auth_result(result)
        assert hand.got_token == TOKEN
        side = dialer
    assert hand.is_ready
    assert side.peer is not None
    assert side.peer.node_id == hand.node_id
    assert hand.peer["node_id"] == BOB.node_id
    assert hand.peer["node_name"] == "bob"
    return side.channel()


def exchange(hand: HandPeer, channel: Channel, to_bob: list[Any]) -> list[Any]:
    """Carry frames both ways until none is left; return what bob received."""
    received: list[Any] = []
    waiting = list(to_bob)
    while True:
        for frame in waiting:
            received += channel.receive(frame, NOW)
        waiting = [answer for frame in channel.frames(1 << 40) for answer in hand.receive(frame)]
        if not waiting:
            return received


both_roles = pytest.mark.parametrize("is_dialer", [True, False], ids=["dialer", "acceptor"])


@both_roles
def test_they_shake_hands_and_exchange_messages(is_dialer):
    hand = by_hand(is_dialer, **({"token": TOKEN, "expect": BOB.node_id} if is_dialer else {}))
    channel = connect(hand)
    assert channel.is_sealed
    assert hand.is_sealed
    channel.put(an_item({"n": 1, "text": "é\ud800"}, identity=BOB))
    (message,) = exchange(hand, channel, hand.send("note", {"n": 2}, (b"one", b""), re="a" * 32))
    assert (message.type, message.data["n"], message.re) == ("note", 2, "a" * 32)
    assert [bytes(buffer) for buffer in message.buffers] == [b"one", b""]
    assert [(m.type, m.data) for m in hand.inbox] == [("note", {"n": 1, "text": "é\ud800"})]


@both_roles
def test_batches_are_read_and_each_envelope_is_proven_by_the_list_of_hashes(is_dialer):
    hand = by_hand(is_dialer)
    if not is_dialer:
        hand._token = TOKEN
    channel = connect(hand)
    for number in range(300):
        channel.put(an_item({"n": number}, (b"x",) if number % 3 else (), identity=BOB))
    batch = hand.send_batch([("note", {"n": number}) for number in range(50)])
    received = exchange(hand, channel, batch)
    assert [envelope.data["n"] for envelope in received] == list(range(50))
    assert [message.data["n"] for message in hand.inbox] == list(range(300))
    for message in hand.inbox:
        own = hashlib.sha256(message.canonical).digest()
        assert own in message.hashes
        verify(BOB.public_key, message.sig, b"jupyter-peer/1 batch" + b"".join(message.hashes))


@both_roles
def test_large_messages_go_in_fragments_under_credits(is_dialer):
    hand = by_hand(is_dialer)
    channel = connect(hand)
    channel.put(an_item({}, (BLOCK,), identity=BOB), "bulk")
    channel.put(an_item({"text": "x" * 200_000}, identity=BOB), "text")
    first = hand.send("bulk", {}, (BLOCK, b"tail"))
    assert sum(map(len, first)) <= (4 << 20) + 16 * len(first)
    (message,) = exchange(hand, channel, first)
    assert [bytes(buffer) for buffer in message.buffers] == [BLOCK, b"tail"]
    small, large = hand.inbox
    assert small.data == {"text": "x" * 200_000}
    assert large.buffers == [BLOCK]
    assert hand.sent - hand.credited < 512 * 1024
    assert channel.queued == 0


@both_roles
def test_a_large_batch_may_go_in_fragments(is_dialer):
    hand = by_hand(is_dialer)
    channel = connect(hand)
    frames = hand.send_batch([("note", {"n": n, "text": "x" * 5000}) for n in range(60)])
    assert len(frames) > 4
    assert [e.data["n"] for e in exchange(hand, channel, frames)] == list(range(60))


@both_roles
def test_a_ping_is_answered(is_dialer):
    hand = by_hand(is_dialer)
    channel = connect(hand)
    ping = an_item({}, identity=BOB, msg_id="b" * 32)
    ping.canonical = ping.canonical.replace(b'"note"', b'"ping"')
    channel.put_urgent(ping)
    (pong,) = exchange(hand, channel, [])
    assert (pong.type, pong.re) == ("pong", "b" * 32)


@settings(max_examples=40)
@given(
    st.booleans(),
    st.lists(st.tuples(json_objects, st.lists(st.binary(max_size=90), max_size=3)), max_size=6),
)
def test_every_payload_is_understood_on_both_sides(is_dialer, messages):
    hand = by_hand(is_dialer)
    channel = connect(hand)
    messages = [({"payload": data}, buffers) for data, buffers in messages]
    frames = []
    for data, buffers in messages:
        channel.put(an_item(data, buffers, identity=BOB))
        frames += hand.send("note", data, tuple(buffers))
    received = exchange(hand, channel, frames)
    payloads = [data["payload"] for data, _ in messages]
    assert [message.data["payload"] for message in received] == arrived(payloads)
    assert [message.data["payload"] for message in hand.inbox] == payloads
    for got in (received, hand.inbox):
        assert [[bytes(buffer) for buffer in message.buffers] for message in got] == [
            buffers for _, buffers in messages
        ]


# The unsealed wire.


@both_roles
@pytest.mark.parametrize("without", ["hand", "package"])
def test_unsealed_links_are_made_where_both_allow_it(is_dialer, without):
    hand = by_hand(is_dialer, offers_seal=without != "hand", allows_unsealed=True)
    channel = connect(hand, **({"allow_unsealed": True} if without == "hand" else UNSEALED))
    assert not channel.is_sealed
    assert not hand.is_sealed
    channel.put(an_item({"n": 1}, identity=BOB))
    (message,) = exchange(hand, channel, hand.send("note", {"n": 2}))
    assert message.data == {"n": 2}
    assert hand.inbox[0].data == {"n": 1}


@both_roles
def test_the_package_refuses_an_unsealed_peer_unless_allowed(is_dialer):
    hand = by_hand(is_dialer, offers_seal=False, allows_unsealed=True)
    with pytest.raises(UnsealedRefusedError):
        connect(hand)


@both_roles
def test_the_hand_made_peer_refuses_an_unsealed_package(is_dialer):
    with pytest.raises(HandError, match="unsealed"):
        connect(by_hand(is_dialer), **UNSEALED)


# Refusals, and both sides' suspicion.


def test_refusals_are_understood_both_ways():
    hand = by_hand(True, token=TOKEN)
    acceptor = Acceptor(an_offer(BOB))
    (auth,) = hand.receive(acceptor.on_hello(hand.start()[0]))
    acceptor.on_auth(auth)
    with pytest.raises(HandError, match="blocked"):
        hand.receive(acceptor.refuse(BlockedError()))

    hand = by_hand(False, admits=lambda token: "invite_used")
    dialer = Dialer(an_offer(BOB), expect=hand.node_id, token=TOKEN)
    (ack,) = hand.receive(dialer.hello())
    (result,) = hand.receive(dialer.on_hello_ack(ack))
    with pytest.raises(InviteUsedError):
        dialer.on_auth_result(result)


def test_a_refusal_at_once_is_understood():
    hand = by_hand(True)
    hand.start()
    with pytest.raises(HandError, match="blocked"):
        hand.receive(Acceptor(an_offer(BOB)).refuse(BlockedError()))


def test_another_node_than_the_expected_is_refused_by_both():
    with pytest.raises(HandError, match="wrong node"):
        connect(by_hand(True, expect="a" * 16))
    hand = by_hand(False)
    dialer = Dialer(an_offer(BOB), expect="a" * 16)
    with pytest.raises(PeerError):
        dialer.on_hello_ack(hand.receive(dialer.hello())[0])


def test_invites_are_read_both_ways():
    hand = by_hand(False)
    fields = {"id": BOB.node_id, "pk": BOB.public_key_b64, "t": TOKEN, "a": ["h:1"], "x": NOW}
    assert Invite.from_text(write_invite(**fields, n="bob")).a == ["h:1"]
    text = Invite(v=1, **fields, n="bob").to_text()
    assert read_invite(text) == {"v": 1, **fields, "n": "bob"}
    assert hand.node_id == read_invite(write_invite(id=hand.node_id, pk=b64(hand.public_key))).get(
        "id"
    )
