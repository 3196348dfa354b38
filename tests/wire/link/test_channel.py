"""Whole links crossed in memory, and what a hostile peer may send over one."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import random
from struct import pack

import pytest
from hypothesis import given, settings, strategies as st

from jupyter_peer.errors import (
    BadIdentityError,
    BadSignatureError,
    MalformedError,
    OverflowLinkError,
    PeerError,
    ProtocolError,
    SealBrokenError,
    StaleError,
    TooLargeError,
)
from jupyter_peer.wire.link.channel import MAX_SEALED_FRAME, Limits
from jupyter_peer.wire.link.envelope import to_text
from jupyter_peer.wire.link.frames import (
    EXEMPT_BYTES,
    MAX_BATCH,
    MAX_IN_PROGRESS,
    batch_digest,
    batch_frame,
    batch_part,
    credit_frame,
    envelope_chunks,
    fragment_header,
)
from jupyter_peer.wire.link.outbox import CREDIT_EVERY
from tests.wire.makers import (
    ADA,
    BOB,
    EVE,
    NOW,
    Attacker,
    an_item,
    arrived,
    canonical,
    cross,
    json_objects,
    two_channels,
)

MIB = 1 << 20
BLOCK = random.Random(1).randbytes(3 * MIB)

sizes = st.sampled_from([0, 1, 100, 4000, 61_000, 61_440, 70_000]) | st.integers(0, 400_000)


def whole(raw: bytes, buffers=(), identity=ADA) -> bytes:
    return b"".join(envelope_chunks(raw, identity.sign(raw), buffers))


def batch(raws: list[bytes], identity=ADA) -> bytes:
    sig = identity.sign(batch_digest(raws))
    return batch_frame(sig, [batch_part(raw, ()) for raw in raws])


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), sizes, st.integers(0, 3), st.integers(0, 2)), max_size=25),
    st.sampled_from([512 * 1024, MIB, 4 * MIB]),
    st.randoms(use_true_random=False),
)
def test_everything_arrives_once_whole_and_in_the_order_of_its_stream(messages, window, chance):
    ends = two_channels(Limits(max_unconsumed=window, max_queued=64 * MIB))
    received: tuple[list, list] = ([], [])
    waiting = list(enumerate(messages))
    wires: tuple[list, list] = ([], [])
    idle = 0
    while idle < 3:
        idle += 1
        for number, (is_back, size, stream, count) in waiting[: chance.randint(0, 4)]:
            sender = ends[is_back]
            step = max(1, size // (count or 1))
            pieces = [BLOCK[at : at + step] for at in range(0, count * step, step)]
            text = "" if count else "x" * size
            item = an_item({"n": number, "text": text}, pieces, identity=(ADA, BOB)[is_back])
            sender.put(item, str(stream))
            waiting.remove((number, messages[number]))
            idle = 0
        for side in (0, 1):
            for frame in ends[side].frames(chance.choice([1, 50_000, 10 * MIB])):
                assert len(frame) <= MAX_SEALED_FRAME
                wires[side].append(frame)
                idle = 0
            for _ in range(min(len(wires[side]), chance.randint(0, 20))):
                received[side].extend(ends[1 - side].receive(wires[side].pop(0), NOW))
                idle = 0
        if waiting or any(wires):
            idle = 0
    for side in (0, 1):
        mine = [n for n, (is_back, *_) in enumerate(messages) if is_back == side]
        assert sorted(envelope.data["n"] for envelope in received[side]) == mine
        for stream in range(4):
            arrived = [e.data["n"] for e in received[side] if messages[e.data["n"]][2] == stream]
            assert arrived == sorted(arrived)
        for envelope in received[side]:
            _, size, _, count = messages[envelope.data["n"]]
            if not count:
                assert envelope.data["text"] == "x" * size
            hashes = [hashlib.sha256(buffer).hexdigest() for buffer in envelope.buffers]
            assert hashes == envelope.data.get("buffers", [])
            assert len(hashes) == count
        assert ends[side].queued == 0


@given(st.lists(json_objects, max_size=5), st.booleans())
def test_every_payload_arrives_as_it_was_sent(payloads, is_sealed):
    ada, bob = two_channels(**({} if is_sealed else {"x25519": b"", "allow_unsealed": True}))
    assert ada.is_sealed == bob.is_sealed == is_sealed
    payloads = [{"payload": data} for data in payloads]
    for data in payloads:
        ada.put(an_item(data))
    _, got = cross(ada, bob)
    assert [envelope.data for envelope in got] == arrived(payloads)


def test_a_ping_overtakes_fifty_megabytes():
    ada, bob = two_channels()
    large = BLOCK * 17
    ada.put(an_item({"n": 0}, [large]), "bulk")
    order = []
    for frame in ada.frames(4 * MIB):
        order += bob.receive(frame, NOW)
    ada.put_urgent(an_item({"n": 1}))
    ada.put(an_item({"n": 2}), "chat")
    _, got = cross(ada, bob)
    assert [envelope.data["n"] for envelope in order + got] == [1, 2, 0]
    assert bytes(got[-1].buffers[0]) == large


def test_a_sender_stops_when_the_peer_stops_reading_and_goes_on_when_it_reads():
    ada, bob = two_channels(Limits(max_unconsumed=MIB))
    ada.put(an_item({}, [BLOCK]))
    unread = list(ada.frames(1 << 40))
    assert sum(map(len, unread)) <= MIB + 64 * len(unread)
    assert list(ada.frames(1 << 40)) == []
    got = [envelope for frame in unread for envelope in bob.receive(frame, NOW)]
    got += cross(ada, bob)[1]
    assert [bytes(envelope.buffers[0]) for envelope in got] == [BLOCK]


def test_credit_is_told_at_least_every_256_kib():
    attacker = Attacker()
    raw = canonical({"text": "x" * 50_000})
    frame = whole(raw)
    told = []
    for count in range(1, 20):
        attacker.send(frame)
        if list(attacker.victim.frames(1)):
            told.append(count * len(frame))
    assert told[0] >= CREDIT_EVERY
    assert all(
        later - sooner <= CREDIT_EVERY + len(frame) for sooner, later in itertools.pairwise(told)
    )


def test_an_envelope_in_a_batch_can_be_proven_alone():
    attacker = Attacker()
    raws = [canonical({"n": number}) for number in range(3)]
    got = attacker.send(batch(raws))
    assert [envelope.data["n"] for envelope in got] == [0, 1, 2]
    assert len({(envelope.sig, envelope.batch) for envelope in got}) == 1
    assert [envelope.signed for envelope in got] == [envelope.canonical() for envelope in got]


# What a peer with the right keys may not send.


def hashed(data: dict, *buffers: bytes) -> bytes:
    return canonical({**data, "buffers": [hashlib.sha256(b).hexdigest() for b in buffers]})


GOOD = canonical({"n": 1})
OTHER = canonical({"n": 2})
AS_EVE = canonical({"n": 1}, EVE)
DEEP = b'{"data":{"a":' + b"[" * 70 + b"]" * 70 + b"}" + GOOD[GOOD.index(b',"msg_id"') :]
LARGE = whole(hashed({}, BLOCK[:200_000]), [BLOCK[:200_000]])

HOSTILE = {
    "an empty frame": (b"", MalformedError),
    "an unknown kind": (b"\x04" + GOOD, MalformedError),
    "no signature": (b"\0" + pack(">I", len(GOOD)) + GOOD, MalformedError),
    "a wrong signature": (
        b"".join(envelope_chunks(GOOD, ADA.sign(OTHER), ())),
        BadSignatureError,
    ),
    "another node's signature": (whole(GOOD, identity=EVE), BadSignatureError),
    "another node's envelope": (whole(AS_EVE, identity=EVE), BadSignatureError),
    "another node's name": (whole(AS_EVE), BadIdentityError),
    "another node's name in a batch": (batch([GOOD, AS_EVE]), BadIdentityError),
    "a signed text that is no envelope": (whole(b"[]"), MalformedError),
    "nesting": (whole(DEEP), MalformedError),
    "a buffer that is not listed": (whole(GOOD, [b"x"]), MalformedError),
    "a buffer that was changed": (whole(hashed({}, b"x"), [b"y"]), BadSignatureError),
    "a buffer that did not come": (whole(hashed({}, b"x")), MalformedError),
    "an empty batch": (batch([]), MalformedError),
    "a batch of too many": (batch([GOOD] * (MAX_BATCH + 1))[:60_000], MalformedError),
    "a batch in another order": (
        batch_frame(
            ADA.sign(batch_digest([GOOD, OTHER])),
            [batch_part(raw, ()) for raw in (OTHER, GOOD)],
        ),
        BadSignatureError,
    ),
    "a batch with one left out": (
        batch_frame(ADA.sign(batch_digest([GOOD, OTHER])), [batch_part(GOOD, ())]),
        BadSignatureError,
    ),
    "an envelope's signature for a batch": (
        batch_frame(ADA.sign(GOOD), [batch_part(GOOD, ())]),
        BadSignatureError,
    ),
    "a batch's signature for an envelope": (
        b"".join(envelope_chunks(GOOD, ADA.sign(batch_digest([GOOD])), ())),
        BadSignatureError,
    ),
    "a short credit": (credit_frame(1)[:-1], MalformedError),
    "a long credit": (credit_frame(1) + b"x", MalformedError),
    "an empty fragment": (fragment_header(0, is_last=True), MalformedError),
    "a fragment in fragments": (fragment_header(0, is_last=True) * 2 + b"x", ProtocolError),
    "a credit in fragments": (fragment_header(0, is_last=True) + credit_frame(1), ProtocolError),
    "the end of a message alone": (
        fragment_header(0, is_last=True) + LARGE[60_000:61_000],
        PeerError,
    ),
    "a beginning marked as the end": (
        fragment_header(0, is_last=True) + LARGE[:60_000],
        MalformedError,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_peer_is_refused(name):
    inner, error = HOSTILE[name]
    attacker = Attacker()
    attacker.send(whole(GOOD))
    with pytest.raises(error):
        attacker.send(inner)


def test_a_fragment_of_another_message_in_its_place_is_refused():
    attacker = Attacker()
    attacker.send(fragment_header(0, is_last=False) + LARGE[:60_000])
    for start in (60_000, 120_000):
        attacker.send(fragment_header(0, is_last=False) + LARGE[start : start + 60_000])
    with pytest.raises(BadSignatureError):
        attacker.send(fragment_header(0, is_last=True) + LARGE[180_000:-1] + b"\0")


def test_more_in_progress_than_allowed_is_refused():
    attacker = Attacker(Limits(max_message=MIB))
    for number in range(MAX_IN_PROGRESS):
        attacker.send(fragment_header(number, is_last=False) + LARGE[:1000])
    with pytest.raises(TooLargeError):
        attacker.send(fragment_header(99, is_last=False) + LARGE[:1000])


def test_an_oversized_frame_is_refused_before_it_is_opened():
    attacker = Attacker()
    with pytest.raises(TooLargeError):
        attacker.victim.receive(bytes(MAX_SEALED_FRAME + 1), NOW)


def test_text_on_a_sealed_link_and_bytes_on_an_unsealed_one_are_refused():
    sealed, _ = two_channels()
    unsealed, _ = two_channels(x25519=b"", allow_unsealed=True)
    with pytest.raises(ProtocolError):
        sealed.receive("{}", NOW)
    with pytest.raises(ProtocolError):
        unsealed.receive(b"{}", NOW)


@pytest.mark.parametrize("what", ["drop", "repeat", "swap", "alter", "reflect", "cut", "session"])
def test_whoever_carries_the_frames_cannot_change_them(what):
    ada, bob = two_channels()
    for number in range(3):
        ada.put(an_item({"n": number}))
        ada.put_urgent(an_item({"n": 10 + number}))
    frames = list(ada.frames(1 << 30))
    if what == "drop":
        del frames[1]
    elif what == "repeat":
        frames.insert(1, frames[0])
    elif what == "swap":
        frames[:2] = frames[1::-1]
    elif what == "alter":
        frames[0] = frames[0][:-1] + bytes((frames[0][-1] ^ 1,))
    elif what == "cut":
        frames[0] = frames[0][:-1]
    elif what == "reflect":
        bob = ada
    elif what == "session":  # the same two nodes, in another session
        _, bob = two_channels(nonce="f" * 32)
    with pytest.raises(SealBrokenError):
        [bob.receive(frame, NOW) for frame in frames]


@given(st.binary(max_size=300), st.sampled_from([b"", b"\0", b"\1", b"\2", b"\3"]), st.booleans())
def test_any_inner_frame_raises_nothing_but_peer_errors(raw, kind, is_sealed):
    attacker = Attacker()
    with contextlib.suppress(PeerError):
        if is_sealed:
            attacker.send(kind + raw)
        else:
            attacker.victim.receive(kind + raw, NOW)


@given(st.data())
def test_a_signed_payload_of_any_form_raises_nothing_but_peer_errors(data):
    fields = json.loads(GOOD)
    name = data.draw(st.sampled_from([*fields, "data.buffers"]))
    value = data.draw(json_objects)
    if name == "data.buffers":
        fields["data"]["buffers"] = value
    else:
        fields[name] = value
    raw = json.dumps(fields).encode()
    for inner in (whole(raw), batch([GOOD, raw]), whole(raw, [b"x"])):
        with contextlib.suppress(PeerError):
            Attacker().send(inner)


# The unsealed wire.


def unsealed(**limits: int):
    return two_channels(Limits(**limits) if limits else None, x25519=b"", allow_unsealed=True)


def test_buffers_and_urgent_messages_travel_unsealed_too():
    ada, bob = unsealed()
    ada.put(an_item({"n": 0}, [BLOCK, b""]))
    ada.put_urgent(an_item({"n": 1}))
    ada.put_urgent(an_item({"n": 2}))
    assert ada.queued > len(BLOCK)
    _, got = cross(ada, bob)
    assert [envelope.data["n"] for envelope in got] == [1, 2, 0]
    assert list(got[-1].buffers) == [BLOCK, b""]
    assert ada.queued == 0


def test_the_largest_message_fits_an_unsealed_frame():
    ada, bob = unsealed(max_message=MIB)
    room = MIB - an_item({}, [b""]).size
    ada.put(an_item({}, [BLOCK[:room]]))
    assert len(cross(ada, bob)[1]) == 1
    with pytest.raises(TooLargeError):
        ada.put(an_item({}, [BLOCK[: room + 1]]))


def test_the_queues_of_an_unsealed_link_are_bounded():
    ada, _ = unsealed(max_queued=10_000)
    ada.put(an_item({"text": "x" * 20_000}))
    with pytest.raises(OverflowLinkError):
        ada.put(an_item({}))
    for _ in range(MAX_BATCH):
        ada.put_urgent(an_item({}))
    with pytest.raises(OverflowLinkError):
        ada.put_urgent(an_item({}))


def test_a_frame_over_the_limit_is_too_large():
    ada, _ = unsealed(max_message=1000)
    with pytest.raises(TooLargeError):
        ada.receive(" " * (ada.max_frame + 1), NOW)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"type": "nota"}, BadSignatureError),
        ({"msg_id": "f" * 32}, BadSignatureError),
        ({"re": "f" * 32}, BadSignatureError),
        ({"src": ADA.node_id}, BadSignatureError),
        ({"ts": NOW + 1}, BadSignatureError),
        ({"data": {"n": 2}}, BadSignatureError),
        ({"sig": "A" * 86 + "=="}, BadSignatureError),
        ({"sig": ""}, MalformedError),
        ({"sig": None}, MalformedError),
        ({"raw": ["eA=="]}, MalformedError),
        ({"v": 2}, MalformedError),
    ],
    ids=str,
)
def test_a_changed_field_of_an_unsealed_envelope_is_refused(change, error):
    ada, bob = unsealed()
    bob.put(an_item({"n": 1}, identity=BOB))
    (text,) = bob.frames(1)
    fields = json.loads(text)
    with pytest.raises(error):
        ada.receive(json.dumps({**fields, **change}), NOW)


def test_relays_may_change_the_routing_headers_alone():
    ada, bob = unsealed()
    bob.put(an_item({"n": 1}, identity=BOB))
    (text,) = bob.frames(1)
    (envelope,) = ada.receive(json.dumps({**json.loads(text), "dst": None, "ttl": 3}), NOW)
    assert (envelope.dst, envelope.ttl) == (None, 3)


def test_a_changed_buffer_of_an_unsealed_envelope_is_refused():
    ada, bob = unsealed()
    bob.put(an_item({}, [b"x"], identity=BOB))
    (text,) = bob.frames(1)
    for raw, error in ((["eQ=="], BadSignatureError), ([], MalformedError)):
        with pytest.raises(error):
            ada.receive(json.dumps({**json.loads(text), "raw": raw}), NOW)


def test_another_node_cannot_speak_on_an_unsealed_link():
    ada, _ = unsealed()
    as_eve = canonical({}, EVE)
    with pytest.raises(BadSignatureError):
        ada.receive(to_text(as_eve, EVE.sign(as_eve)), NOW)
    with pytest.raises(BadIdentityError):
        ada.receive(to_text(as_eve, BOB.sign(as_eve)), NOW)


def test_an_old_message_is_stale_on_an_unsealed_link_only():
    unsealed_ada, unsealed_bob = unsealed()
    sealed_ada, sealed_bob = two_channels()
    for bob in (unsealed_bob, sealed_bob):
        bob.put(an_item({}, identity=BOB))
    (text,), (frame,) = unsealed_bob.frames(1), sealed_bob.frames(1)
    with pytest.raises(StaleError):
        unsealed_ada.receive(text, NOW + 601)
    assert len(sealed_ada.receive(frame, NOW + 601)) == 1


@given(st.text(st.characters(exclude_categories=[]), max_size=300))
def test_any_text_on_an_unsealed_link_raises_nothing_but_peer_errors(text):
    ada, _ = unsealed()
    with contextlib.suppress(PeerError):
        ada.receive(text, NOW)


def test_small_envelopes_of_their_own_need_no_credit():
    attacker = Attacker()
    for _ in range(CREDIT_EVERY // EXEMPT_BYTES + 50):
        attacker.send(whole(canonical({"text": "x" * 3800})))
    assert list(attacker.victim.frames(1)) == []
