"""Makes the golden vectors again: exact bytes of the wire for fixed keys, nonces and times.

``python tests/vectors/make.py`` writes the JSON files beside it; ``tests/wire/test_vectors.py``
checks that they are what it would write and what other programs read in them. Bytes are hex, keys
and signatures on the wire base64. A change here is a change of the protocol.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from jupyter_peer.wire.codes.code import Code, CodeGuest, CodeOwner
from jupyter_peer.wire.directory import Directory, Member
from jupyter_peer.wire.guest_link import fragment, link_id
from jupyter_peer.wire.invite import Invite, make_token, token_hash
from jupyter_peer.wire.link.channel import Limits
from jupyter_peer.wire.link.envelope import canonical_bytes, to_text
from jupyter_peer.wire.link.frames import (
    batch_digest,
    batch_frame,
    batch_part,
    credit_frame,
    envelope_chunks,
    fragment_header,
)
from jupyter_peer.wire.link.handshake import Acceptor, Dialer, Offer
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.link.outbox import Outgoing
from jupyter_peer.wire.link.seal import SealKeys, x25519_shared
from jupyter_peer.wire.payloads.agent_chain import begin_chain, extend_chain
from jupyter_peer.wire.payloads.hub import GuestAuth
from jupyter_peer.wire.relay.group import GroupKey, GroupSealer

HERE = Path(__file__).resolve().parent
TS = 1760000000.125
ADA_SEED, BOB_SEED = bytes(range(32)), bytes(range(32, 64))
ADA_X25519, BOB_X25519 = bytes(range(64, 96)), bytes(range(96, 128))
ADA_NONCE, BOB_NONCE = bytes(range(16)).hex(), bytes(range(16, 32)).hex()
TOKEN = make_token(bytes(range(128, 144)))
GUEST = GuestAuth(
    link=link_id(bytes(range(8))), secret=make_token(bytes(range(144, 160))), name="Zoë"
)
ADA, BOB = Identity.from_seed(ADA_SEED), Identity.from_seed(BOB_SEED)

PAYLOADS: list[dict[str, Any]] = [
    {},
    {
        "text": 'Ω "quoted" \\ \n \x7f \U0001f600',
        "n": -1,
        "f": 0.1,
        "e": 1e22,
        "t": True,
        "z": None,
    },
    {"B": 1, "a": [[], {}, [1, [2]]], "": "empty", "é": "key", "lone": "\ud83d"},
]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def msg_id(number: int) -> str:
    return f"{number:032x}"


def canonical(
    number: int, data: dict[str, Any], type: str = "note", re: str | None = None
) -> bytes:
    return canonical_bytes(
        type=type, msg_id=msg_id(number), re=re, src=ADA.node_id, ts=TS + number, data=data
    )


def identities() -> dict[str, Any]:
    return {
        name: {
            "seed": seed.hex(),
            "public_key": identity.public_key_b64,
            "node_id": identity.node_id,
            "fingerprint": identity.fingerprint,
            "pem": identity.to_pem().decode(),
            "signature_of_empty": identity.sign(b"").hex(),
        }
        for name, seed, identity in (("ada", ADA_SEED, ADA), ("bob", BOB_SEED, BOB))
    }


def invites() -> dict[str, Any]:
    whole = {
        "v": 1,
        "id": BOB.node_id,
        "pk": BOB.public_key_b64,
        "t": TOKEN,
        "a": ["ws://192.0.2.7:8888/peer-ws", "bob.example:9797"],
        "x": TS,
        "n": "Bob's laptop",
        "r": "wss://relay.example/relay-ws",
        "l": "wss://relay.example/lobby-ws",
    }
    short = {name: whole[name] for name in ("v", "id", "pk", "t", "a", "x", "n")}
    return {
        "token_bytes": bytes(range(128, 144)).hex(),
        "token_hash": token_hash(TOKEN),
        "invites": [
            {"fields": fields, "text": Invite(**fields).to_text()} for fields in (whole, short)
        ],
    }


def envelopes() -> dict[str, Any]:
    cases = []
    for number, data in enumerate(PAYLOADS):
        raw = canonical(number, data, re=msg_id(99) if number else None)
        sig = ADA.sign(raw)
        cases.append(
            {
                "data": data,
                "msg_id": msg_id(number),
                "re": msg_id(99) if number else None,
                "src": ADA.node_id,
                "ts": TS + number,
                "type": "note",
                "canonical": raw.decode("ascii"),
                "sig": sig.hex(),
                "unsealed_text": to_text(raw, sig, dst=BOB.node_id),
            }
        )
    return {"src_key": ADA.public_key_b64, "envelopes": cases}


# An envelope with one thing in it that has another form, and why its form is not the canonical one.
ODD_VALUES = {
    "white space": "[1, 2]",
    "a float with a zero too many": "0.50",
    "a float without its fraction": "1.",
    "an integer with a zero before it": "01",
    "an integer with a sign": "+1",
    "minus zero as an integer": "-0",
    "an exponent without a sign": "1e16",
    "an exponent of one digit": "1e-7",
    "a capital exponent": "1E+16",
    "an exponent that is not needed": "1e+2",
    "a small number without an exponent": "0.00001",
    "a large number without an exponent": "10000000000000000.0",
    "digits that no float holds": "0.10000000000000001",
    "a letter as an escape": '"\\u0061"',
    "an escape in capitals": '"\\u00E9"',
    "an escaped solidus": '"\\/"',
    "a tab as a number": '"\\u0009"',
    "UTF-8": '"é"',
    "delete as it is": '"\x7f"',
    "a key twice": '{"a":1,"a":1}',
    "a key twice with another between": '{"a":1,"b":1,"a":1}',
    "a key twice, once as an escape": '{"a":1,"\\u0061":1}',
}
CANONICAL_VALUES = [
    "[0,-1,1.0,-0.0,0.5,0.0001,1e-05,1.5e-07,5e-324]",
    "[1e+16,9999999999999998.0,1.7976931348623157e+308,18446744073709551616]",
    '["\\u00e9","\\u007f","\\t\\n\\r\\b\\f\\u0000","/","\\ud83d\\ude00","\\ud83d"]',
    '{"":1,"A":1,"a":{},"aa":[],"\\uff5e":1,"\\ud83d\\ude00":1}',
    '{"b":1,"a":{"z":1,"y":1}}',
    '{"10":1,"a":1,"9":1,"__proto__":1}',
    '{"\\ud83d\\ude00":1,"\\uff5e":1}',
]


def with_value(value: str) -> str:
    text = canonical(0, {"odd": 0, "pad": ""}).decode()
    return text.replace('"odd":0', f'"odd":{value}')


def canonical_forms() -> dict[str, Any]:
    """Return envelopes whose bytes are canonical, and such as mean the same and are not."""
    whole = with_value("0")
    fields = json.loads(whole)
    others = {
        "a line behind it": whole + "\n",
        "a field that is not signed": whole[:-1] + ',"zz":1}',
        "fields out of order": json.dumps(dict(reversed(fields.items())), separators=(",", ":")),
        "re left out": whole.replace('"re":null,', ""),
        "ts with a zero too many": whole.replace(str(TS), f"{TS}0"),
        "v as a float": whole.replace('"v":1', '"v":1.0'),
    }
    refused = {**{why: with_value(value) for why, value in ODD_VALUES.items()}, **others}
    return {
        "accepted": [
            whole,
            whole.replace(str(TS), "1760000000"),
            *map(with_value, CANONICAL_VALUES),
        ],
        "refused": [{"why": why, "text": text} for why, text in refused.items()],
    }


def offer(identity: Identity, name: str, nonce: str, x25519: bytes, first: int) -> Offer:
    numbers = iter(range(first, first + 10))

    def stamp() -> tuple[str, float]:
        number = next(numbers)
        return msg_id(number), TS + number

    return Offer(
        identity=identity,
        node_name=name,
        capabilities=["pane-buffers", "panes"],
        nonce=nonce,
        x25519=x25519,
        stamp=stamp,
        allow_unsealed=not x25519,
    )


def handshake(
    *, is_sealed: bool, is_guest: bool = False
) -> tuple[dict[str, Any], Dialer, Acceptor]:
    dialer = Dialer(
        offer(ADA, "" if is_guest else "ada", ADA_NONCE, ADA_X25519 if is_sealed else b"", 256),
        expect=BOB.node_id,
        token=None if is_guest else TOKEN,
        guest=GUEST if is_guest else None,
    )
    acceptor = Acceptor(offer(BOB, "bob", BOB_NONCE, BOB_X25519 if is_sealed else b"", 512))
    hello = dialer.hello()
    hello_ack = acceptor.on_hello(hello)
    auth = dialer.on_hello_ack(hello_ack)
    acceptor.on_auth(auth)
    auth_result = acceptor.accept()
    dialer.on_auth_result(auth_result)
    frames = {"hello": hello, "hello_ack": hello_ack, "auth": auth, "auth_result": auth_result}
    written: dict[str, Any] = {
        name: frame if isinstance(frame, str) else frame.hex() for name, frame in frames.items()
    }
    if is_sealed:
        raws = []
        for frame in (hello, hello_ack):
            fields = json.loads(frame)
            names = ("type", "msg_id", "re", "src", "ts", "data")
            raws.append(canonical_bytes(**{name: fields[name] for name in names}))
        theirs = json.loads(hello_ack)["data"]["seal"]["x25519"]
        shared = x25519_shared(ADA_X25519, theirs)
        keys = SealKeys(shared, *raws)
        written["keys"] = {
            "x25519_dialer": ADA_X25519.hex(),
            "x25519_acceptor": BOB_X25519.hex(),
            "shared": shared.hex(),
            "dialer_to_acceptor": keys.dialer.hex(),
            "acceptor_to_dialer": keys.acceptor.hex(),
            "session": keys.session,
        }
    return written, dialer, acceptor


def guest_link() -> dict[str, Any]:
    """The link of Bob's that Ada's browser opens."""
    assert GUEST.name is not None
    return {
        "id": GUEST.link,
        "secret": GUEST.secret,
        "name": GUEST.name,
        "fragment": fragment(GUEST.secret, BOB.public_key),
    }


def group() -> dict[str, Any]:
    """Ada's group: two epochs, two frames each."""
    epochs = []
    for epoch in (0, 1):
        key = GroupKey.of(bytes(range(8)), epoch, bytes(range(160 + epoch, 192 + epoch)))
        sealer, sealed = GroupSealer(key), []
        for number in (1, 2):
            data = {**PAYLOADS[1], "buffers": [sha256(b"\x00\x01")], "group": sealer.place}
            item = Outgoing(canonical(number + 2 * epoch, data, "pane_update"), [b"\x00\x01"])
            item.sig(ADA.sign)
            sealed.append({"canonical": item.canonical.decode(), "frame": sealer.seal(item).hex()})
        epochs.append({"key": msgspec.to_builtins(key), "sealed": sealed})
    return {"owner": ADA.node_id, "owner_key": ADA.public_key_b64, "epochs": epochs}


def frames() -> dict[str, Any]:
    buffers = [b"\x00\x01\x02", b"", "Ω".encode()]
    plain = canonical(1, PAYLOADS[1])
    with_buffers = canonical(2, {"buffers": [sha256(buffer) for buffer in buffers]})
    block = bytes(number % 251 for number in range(130_000))
    large = canonical(3, {"buffers": [sha256(block)]})
    whole = b"".join(envelope_chunks(large, ADA.sign(large), [block]))
    size = 60 * 1024
    pieces = [
        fragment_header(7, at + size >= len(whole)) + whole[at : at + size]
        for at in range(0, len(whole), size)
    ]
    return {
        "src_key": ADA.public_key_b64,
        "buffers": [buffer.hex() for buffer in buffers],
        "envelope": b"".join(envelope_chunks(plain, ADA.sign(plain), ())).hex(),
        "envelope_with_buffers": b"".join(
            envelope_chunks(with_buffers, ADA.sign(with_buffers), buffers)
        ).hex(),
        "batch": batch_frame(
            ADA.sign(batch_digest([plain, with_buffers])),
            [batch_part(plain, ()), batch_part(with_buffers, buffers)],
        ).hex(),
        "batch_signs": batch_digest([plain, with_buffers]).hex(),
        "credit": {"consumed": 4_194_304, "frame": credit_frame(4_194_304).hex()},
        "fragments": {
            "block": "130000 bytes, byte i is i % 251",
            "canonical": large.decode("ascii"),
            "sizes": [len(piece) for piece in pieces],
            "headers": [piece[:6].hex() for piece in pieces],
            "sha256": [sha256(piece) for piece in pieces],
        },
    }


def session() -> dict[str, Any]:
    """What the dialler sends after the handshake of ``handshake.json``, sealed."""
    _, dialer, _ = handshake(is_sealed=True)
    channel = dialer.channel(Limits())
    turns = []
    for numbers in ([10], [11, 12, 13]):
        for number in numbers:
            channel.put(Outgoing(canonical(number, {"n": number})))
        turns.append({"n": numbers, "frames": [bytes(f).hex() for f in channel.frames(1 << 20)]})
    return {"first_counter": 1, "turns": turns}


def directories() -> dict[str, Any]:
    """A directory that Ada signs, of herself and Bob."""
    members = [
        Member(id=ADA.node_id, pk=ADA.public_key_b64, name="ada", groups=("staff", "lab-1")),
        Member(id=BOB.node_id, pk=BOB.public_key_b64, name="bób", expires=TS + 1),
    ]
    directory = Directory(serial=7, expires=TS + 60, members=members, name="Physics")
    return {
        "directory_key": ADA.public_key_b64,
        "document": directory.to_bytes(ADA).decode("ascii"),
    }


def chains() -> dict[str, Any]:
    """A question of Ada's that Bob passes on to Cy."""
    cy = Identity.from_seed(bytes(range(160, 192)))
    first = begin_chain(ADA, bytes(range(192, 224)), BOB.node_id)
    second = extend_chain(first, BOB, cy.node_id)
    return {
        "chains": [
            {"sender": ADA.node_id, "asked": BOB.node_id, "fields": first.fields()},
            {"sender": BOB.node_id, "asked": cy.node_id, "fields": second.fields()},
        ],
    }


def codes() -> dict[str, Any]:
    """Bob's invite, handed over by a code; the numbers of both sides are fixed."""
    code = Code.of(7, bytes((5, 6)))
    raw_owner, raw_guest = bytes(range(64)), bytes(range(64, 128))
    owner, guest = CodeOwner(code, raw_owner), CodeGuest(code, raw_guest)
    invite = Invite(
        v=1, id=BOB.node_id, pk=BOB.public_key_b64, t=TOKEN, a=[], x=TS, n="bob"
    ).to_text()
    answer = owner.on_share(guest.share)
    confirmation = guest.on_answer(answer)
    sealed = owner.on_confirmation(confirmation, invite)
    return {
        "code": code.text,
        "random_owner": raw_owner.hex(),
        "random_guest": raw_guest.hex(),
        "password": f"{code.password:064x}",
        "share": guest.share.hex(),
        "answer": answer.hex(),
        "confirmation": confirmation.hex(),
        "invite": invite,
        "sealed_invite": sealed.hex(),
    }


def make() -> dict[str, str]:
    """Return the text of each file."""
    sealed, _, _ = handshake(is_sealed=True)
    unsealed, _, _ = handshake(is_sealed=False)
    guest, _, _ = handshake(is_sealed=True, is_guest=True)
    files = {
        "identity.json": identities(),
        "invite.json": invites(),
        "directory.json": directories(),
        "chain.json": chains(),
        "envelope.json": envelopes(),
        "canonical.json": canonical_forms(),
        "handshake.json": {
            "ts": TS,
            "token": TOKEN,
            "guest_link": guest_link(),
            "sealed": sealed,
            "unsealed": unsealed,
            "guest": guest,
        },
        "frames.json": frames(),
        "session.json": session(),
        "group.json": group(),
        "code.json": codes(),
    }
    return {name: json.dumps(content, indent=1) + "\n" for name, content in files.items()}


if __name__ == "__main__":
    for name, text in make().items():
        (HERE / name).write_text(text, encoding="utf-8")
