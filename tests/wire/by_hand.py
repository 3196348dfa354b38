"""The peer wire once more, written from the protocol's text alone.

It shares no line with the package, so what both understand is what the text says. It does no I/O:
give it frames, send what it returns::

    peer = HandPeer.dialing(seed, token=invite_token, expect=node_id)
    frames = peer.start()                 # send these
    frames = peer.receive(frame)          # for every frame that comes: send what it returns
    peer.is_ready, peer.inbox             # the handshake is over; messages that came
    frames = peer.send("note", {"a": 1})  # send these

Text frames are ``str`` and binary frames are ``bytes``, as a WebSocket has them. What is not right
raises :exc:`HandError`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FRAGMENT = 60 * 1024
WINDOW = 4 * 1024 * 1024

Frame = str | bytes


class HandError(Exception):
    """The other side broke the protocol, or refused."""


@dataclass
class HandMessage:
    """One envelope that came."""

    type: str
    data: dict[str, Any]
    msg_id: str
    re: str | None = None
    buffers: list[bytes] = field(default_factory=list)
    canonical: bytes = b""
    hashes: list[bytes] = field(default_factory=list)  # of the whole batch it came in, if any
    sig: bytes = b""


def node_id_of(public_key: bytes) -> str:
    return base64.b32encode(hashlib.sha256(public_key).digest())[:16].decode().lower()


def canonical_of(envelope: dict[str, Any]) -> bytes:
    signed = {name: envelope[name] for name in ("data", "msg_id", "re", "src", "ts", "type", "v")}
    return canonical_json(signed)


def canonical_json(value: Any) -> bytes:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode()


def check_chain(fields: dict[str, Any], sender: str, asked: str) -> list[str]:
    """Return the nodes of a question's chain, once each of them has proven to be in it."""
    nodes, root = fields["origin_chain"], bytes.fromhex(fields["chain_root"])
    if len(root) != 32 or not 0 < len(nodes) == len(fields["chain_proof"]) <= 16:
        raise HandError("not a chain")
    if nodes[-1] != sender or len(set(nodes)) != len(nodes):
        raise HandError("not a chain of its sender")
    before = b""
    for node, proof, following in zip(
        nodes, fields["chain_proof"], [*nodes[1:], asked], strict=True
    ):
        key, sig = base64.b64decode(proof["public_key"]), base64.b64decode(proof["sig"])
        if node_id_of(key) != node:
            raise HandError("another node's key")
        digest = hashlib.sha256(before).digest()
        verify(key, sig, b"jupyter-peer/1 hop" + root + digest + following.encode())
        before = sig
    return list(nodes)


def extend_chain(seed: bytes, asked: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the chain with this seed's node at its end; ``fields`` has at least a root."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes_raw()
    proof = list(fields.get("chain_proof", []))
    before = base64.b64decode(proof[-1]["sig"]) if proof else b""
    signed = bytes.fromhex(fields["chain_root"]) + hashlib.sha256(before).digest()
    sig = key.sign(b"jupyter-peer/1 hop" + signed + asked.encode())
    hop = {"public_key": base64.b64encode(public).decode(), "sig": base64.b64encode(sig).decode()}
    return {
        "origin_chain": [*fields.get("origin_chain", []), node_id_of(public)],
        "chain_root": fields["chain_root"],
        "chain_proof": [*proof, hop],
    }


def read_invite(text: str) -> dict[str, Any]:
    if not text.startswith("jpeer1:"):
        raise HandError("not an invite")
    body = text[len("jpeer1:") :]
    invite = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    if invite["v"] != 1 or node_id_of(base64.b64decode(invite["pk"])) != invite["id"]:
        raise HandError("not an invite of its own key")
    return invite


def write_invite(**fields: Any) -> str:
    body = json.dumps({"v": 1, **fields}).encode()
    return "jpeer1:" + base64.urlsafe_b64encode(body).decode().rstrip("=")


def read_directory(document: str, directory_key: str, now: float) -> dict[str, list[str]]:
    """Return the groups of each node that is a member at a moment (SPEC section 10)."""
    fields = json.loads(document)
    sig = base64.b64decode(fields.pop("sig"))
    signed = b"jupyter-peer/1 directory" + canonical_json(fields)
    verify(base64.b64decode(directory_key), sig, signed)
    if fields["v"] != 1 or not now < fields["expires"]:
        return {}
    members = {}
    for node in fields["nodes"]:
        if node_id_of(base64.b64decode(node["pk"])) != node["id"]:
            raise HandError("the key is another node's")
        if now < node.get("expires", fields["expires"]):
            members[node["id"]] = node.get("groups", [])
    return members


def verify(public_key: bytes, sig: bytes, data: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(sig, data)
    except InvalidSignature:
        raise HandError("wrong signature") from None


def open_of_group(
    key: dict[str, Any], owner: str, public_key: bytes, frame: bytes, least: int = 0
) -> HandMessage:
    """Return the message in a frame of a group, whose ``n`` must be at least ``least``."""
    epoch, n = struct.unpack_from(">IQ", frame)
    if epoch != key["epoch"] or n < least:
        raise HandError("another place")
    try:
        inner = AESGCM(base64.b64decode(key["key"])).decrypt(frame[:12], frame[12:], None)
    except InvalidTag:
        raise HandError("broken seal") from None
    reader = HandPeer.dialing(bytes(32))
    reader._peer_key, reader.peer = public_key, {"node_id": owner}
    message, end = reader._read_one(inner, 1)
    if inner[0] != 0 or end != len(inner) or message.type != "pane_update" or message.re:
        raise HandError("no update")
    if message.data.get("group") != {"id": key["group"], "epoch": epoch, "n": n}:
        raise HandError("signed for another place")
    return message


class HandPeer:
    """One end of one link, dialling or accepting.

    Attributes:
        node_id, public_key: This node.
        peer: ``{node_id, public_key, node_name, capabilities}`` of the other one, once introduced.
        is_ready: Whether the handshake is over.
        is_sealed: Whether the link is sealed.
        inbox: Messages that came and were not taken out yet.
        got_token: The token of a dialler's ``auth``.
        got_guest: The guest link in it.
        consumed, credited, sent: The credit accounts.
    """

    def __init__(
        self,
        seed: bytes,
        *,
        is_dialer: bool,
        token: str | None = None,
        guest: dict[str, Any] | None = None,
        expect: str | None = None,
        name: str = "by hand",
        capabilities: tuple[str, ...] = (),
        offers_seal: bool = True,
        allows_unsealed: bool = False,
        admits: Callable[[str | None], str | None] = lambda token: None,
        random: Callable[[int], bytes] = os.urandom,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw()
        self.node_id = node_id_of(self.public_key)
        self._is_dialer = is_dialer
        self._token = token
        self._guest = guest
        self._expect = expect
        self._name = name
        self._capabilities = list(capabilities)
        self._admits = admits
        self._random = random
        self._clock = clock
        self._allows_unsealed = allows_unsealed
        self._nonce = random(16).hex()
        self._exchange = X25519PrivateKey.from_private_bytes(random(32)) if offers_seal else None
        self._hello = b""
        self._session: str | None = None
        self._out: AESGCM | None = None
        self._in: AESGCM | None = None
        self._out_count = self._in_count = 0
        self._step = "hello_ack" if is_dialer else "hello"
        self._partial: dict[int, bytearray] = {}
        self._fragment_number = 0
        self._held_back: list[bytes] = []
        self._peer_key = b""
        self.peer: dict[str, Any] = {}
        self.inbox: list[HandMessage] = []
        self.got_token: str | None = None
        self.got_guest: dict[str, Any] | None = None
        self.consumed = self.credited = self.sent = 0

    @classmethod
    def dialing(cls, seed: bytes, **options: Any) -> HandPeer:
        return cls(seed, is_dialer=True, **options)

    @classmethod
    def accepting(cls, seed: bytes, **options: Any) -> HandPeer:
        """``admits`` gets the token and returns None, or the code of a refusal."""
        return cls(seed, is_dialer=False, **options)

    @property
    def is_ready(self) -> bool:
        return self._step == "ready"

    @property
    def is_sealed(self) -> bool:
        return self._out is not None

    # Handshake.

    def start(self) -> list[Frame]:
        if not self._is_dialer:
            return []
        data = self._introduction()
        if self._exchange is not None:
            data["seal"] = {"x25519": self._exchange_key()}
        envelope = self._envelope("hello", data)
        self._hello = canonical_of(envelope)
        return [json.dumps(envelope)]

    def receive(self, frame: Frame) -> list[Frame]:
        """Take a frame of the other side; return what is to be sent to it."""
        if self._step == "ready":
            return self._receive_message(frame)
        if self._step in ("hello", "hello_ack"):
            envelope = self._read_plain(frame)
            if envelope["type"] == "auth_result" and not envelope["data"].get("ok"):
                raise HandError(f"refused: {envelope['data'].get('code')}")
        else:
            envelope = self._read_own(frame)
        if envelope["type"] != self._step:
            raise HandError(f"{envelope['type']} came where {self._step} was due")
        return getattr(self, "_on_" + self._step)(envelope)

    def _on_hello(self, envelope: dict[str, Any]) -> list[Frame]:
        hello = envelope["data"]
        self._meet(envelope)
        data = self._introduction()
        data["echo"] = hello["nonce"]
        canonical_hello = canonical_of(envelope)
        will_seal = hello.get("seal") is not None and self._exchange is not None
        if will_seal:
            data["seal"] = {
                "x25519": self._exchange_key(),
                "hello": hashlib.sha256(canonical_hello).hexdigest(),
            }
        elif not self._allows_unsealed:
            raise HandError("unsealed")
        ack = self._envelope("hello_ack", data, envelope["msg_id"])
        if will_seal:
            self._agree(hello["seal"]["x25519"], canonical_hello, canonical_of(ack))
        self._step = "auth"
        return [json.dumps(ack)]

    def _on_hello_ack(self, envelope: dict[str, Any]) -> list[Frame]:
        ack = envelope["data"]
        self._meet(envelope)
        if self._expect is not None and envelope["src"] != self._expect:
            raise HandError("wrong node")
        if ack["echo"] != self._nonce:
            raise HandError("wrong echo")
        if ack.get("seal") is not None and self._exchange is not None:
            if ack["seal"]["hello"] != hashlib.sha256(self._hello).hexdigest():
                raise HandError("another hello")
            self._agree(ack["seal"]["x25519"], self._hello, canonical_of(envelope))
        elif not self._allows_unsealed:
            raise HandError("unsealed")
        data = {"echo": ack["nonce"]}
        if self._token is not None:
            data["token"] = self._token
        if self._guest is not None:
            data["guest"] = self._guest
        self._step = "auth_result"
        return self._handshake_frame("auth", data, envelope["msg_id"])

    def _on_auth(self, envelope: dict[str, Any]) -> list[Frame]:
        auth = envelope["data"]
        if auth["echo"] != self._nonce:
            raise HandError("wrong echo")
        self._check_session(auth)
        self.got_token, self.got_guest = auth.get("token"), auth.get("guest")
        refusal = self._admits(self.got_token)
        data: dict[str, Any] = {"ok": refusal is None}
        if refusal is not None:
            data.update(code=refusal, reason=refusal)
        frames = self._handshake_frame("auth_result", data, envelope["msg_id"])
        self._step = "ready" if refusal is None else "refused"
        return frames

    def _on_auth_result(self, envelope: dict[str, Any]) -> list[Frame]:
        result = envelope["data"]
        self._check_session(result)
        if not result["ok"]:
            raise HandError(f"refused: {result.get('code')}")
        self._step = "ready"
        return []

    def _introduction(self) -> dict[str, Any]:
        return {
            "public_key": base64.b64encode(self.public_key).decode(),
            "node_name": self._name,
            "capabilities": self._capabilities,
            "nonce": self._nonce,
        }

    def _exchange_key(self) -> str:
        assert self._exchange is not None
        return base64.b64encode(self._exchange.public_key().public_bytes_raw()).decode()

    def _meet(self, envelope: dict[str, Any]) -> None:
        self._peer_key = base64.b64decode(envelope["data"]["public_key"])
        if node_id_of(self._peer_key) != envelope["src"] or envelope["src"] == self.node_id:
            raise HandError("wrong identity")
        verify(self._peer_key, base64.b64decode(envelope["sig"]), canonical_of(envelope))
        names = ("public_key", "node_name", "capabilities")
        self.peer = {name: envelope["data"][name] for name in names}
        self.peer["node_id"] = envelope["src"]

    def _agree(self, their_key: str, hello: bytes, hello_ack: bytes) -> None:
        assert self._exchange is not None
        shared = self._exchange.exchange(
            X25519PublicKey.from_public_bytes(base64.b64decode(their_key))
        )
        transcript = hashlib.sha256(
            b"jupyter-peer/1 handshake"
            + struct.pack(">I", len(hello))
            + hello
            + struct.pack(">I", len(hello_ack))
            + hello_ack
        ).digest()
        keys = HKDF(hashes.SHA256(), 96, transcript, b"jupyter-peer/1 seal").derive(shared)
        to_acceptor, to_dialer = AESGCM(keys[:32]), AESGCM(keys[32:64])
        self._out, self._in = (
            (to_acceptor, to_dialer) if self._is_dialer else (to_dialer, to_acceptor)
        )
        self._session = keys[64:].hex()

    def _check_session(self, data: dict[str, Any]) -> None:
        if self._session is not None and data.get("session") != self._session:
            raise HandError("wrong session")

    def _handshake_frame(self, type: str, data: dict[str, Any], re: str) -> list[Frame]:
        if self._session is not None:
            data["session"] = self._session
        envelope = self._envelope(type, data, re)
        if not self.is_sealed:
            return [json.dumps(envelope)]
        return [self._seal(self._envelope_frame(envelope, []))]

    def _read_own(self, frame: Frame) -> dict[str, Any]:
        """Read a frame of the handshake that must come from the introduced node."""
        if self.is_sealed:
            message, _ = self._read_one(self._open(frame), 1)
            return json.loads(message.canonical)
        envelope = self._read_plain(frame)
        verify(self._peer_key, base64.b64decode(envelope["sig"]), canonical_of(envelope))
        if envelope["src"] != self.peer["node_id"]:
            raise HandError("another node")
        return envelope

    # Envelopes and frames.

    def _envelope(self, type: str, data: dict[str, Any], re: str | None = None) -> dict[str, Any]:
        envelope: dict[str, Any] = {
            "v": 1,
            "type": type,
            "msg_id": self._random(16).hex(),
            "re": re,
            "src": self.node_id,
            "dst": self.peer.get("node_id"),
            "ts": self._clock(),
            "ttl": 8,
            "data": data,
        }
        envelope["sig"] = base64.b64encode(self._key.sign(canonical_of(envelope))).decode()
        return envelope

    def _read_plain(self, frame: Frame) -> dict[str, Any]:
        if not isinstance(frame, str):
            raise HandError("binary where text was due")
        envelope: dict[str, Any] = json.loads(frame)
        if envelope["v"] != 1:
            raise HandError("another version")
        return envelope

    def _seal(self, inner: bytes) -> bytes:
        assert self._out is not None
        nonce = bytes(4) + struct.pack(">Q", self._out_count)
        self._out_count += 1
        return self._out.encrypt(nonce, inner, None)

    def _open(self, frame: Frame) -> bytes:
        if isinstance(frame, str):
            raise HandError("text where binary was due")
        assert self._in is not None
        nonce = bytes(4) + struct.pack(">Q", self._in_count)
        self._in_count += 1
        try:
            return self._in.decrypt(nonce, frame, None)
        except InvalidTag:
            raise HandError("broken seal") from None

    @staticmethod
    def _tail(buffers: list[bytes]) -> bytes:
        lengths = b"".join(struct.pack(">Q", len(buffer)) for buffer in buffers)
        return struct.pack(">BI", 8, len(buffers)) + lengths + b"".join(buffers)

    def _envelope_frame(self, envelope: dict[str, Any], buffers: list[bytes]) -> bytes:
        canonical = canonical_of(envelope)
        sig = base64.b64decode(envelope["sig"])
        return b"\0" + struct.pack(">I", len(canonical)) + canonical + sig + self._tail(buffers)

    def _read_one(self, inner: bytes, at: int, *, has_sig: bool = True) -> tuple[HandMessage, int]:
        (size,) = struct.unpack_from(">I", inner, at)
        at += 4
        canonical = inner[at : at + size]
        at += size
        sig = b""
        if has_sig:
            sig = inner[at : at + 64]
            verify(self._peer_key, sig, canonical)
            at += 64
        _, count = struct.unpack_from(">BI", inner, at)
        at += 5
        lengths = struct.unpack_from(f">{count}Q", inner, at)
        at += 8 * count
        buffers = []
        for length in lengths:
            buffers.append(inner[at : at + length])
            at += length
        if at > len(inner):
            raise HandError("cut off")
        fields = json.loads(canonical)
        if "key-order" not in self._capabilities and canonical != canonical_of(fields):
            raise HandError("an older node accepts sorted keys alone")
        listed = [hashlib.sha256(buffer).hexdigest() for buffer in buffers]
        if buffers and fields["data"].get("buffers") != listed:
            raise HandError("a buffer that was not signed")
        if fields["src"] != self.peer["node_id"]:
            raise HandError("another node")
        message = HandMessage(
            fields["type"], fields["data"], fields["msg_id"], fields["re"], buffers, canonical
        )
        message.sig = sig
        return message, at

    # After the handshake.

    def send(
        self,
        type: str,
        data: dict[str, Any],
        buffers: tuple[bytes, ...] = (),
        *,
        re: str | None = None,
    ) -> list[Frame]:
        """Return the frames of one message that may be sent now; the rest follows with credit."""
        if buffers:
            data = {**data, "buffers": [hashlib.sha256(b).hexdigest() for b in buffers]}
        envelope = self._envelope(type, data, re)
        if not self.is_sealed:
            if buffers:
                raise HandError("the original wire has no buffers")
            return [json.dumps(envelope)]
        return self._queue(self._envelope_frame(envelope, list(buffers)))

    def send_batch(self, messages: list[tuple[str, dict[str, Any]]]) -> list[Frame]:
        """Return the frames of several messages under one signature."""
        canonicals = [canonical_of(self._envelope(type, data)) for type, data in messages]
        hashed = b"".join(hashlib.sha256(canonical).digest() for canonical in canonicals)
        inner = b"\2" + self._key.sign(b"jupyter-peer/1 batch" + hashed)
        inner += struct.pack(">I", len(canonicals))
        for canonical in canonicals:
            inner += struct.pack(">I", len(canonical)) + canonical + self._tail([])
        return self._queue(inner)

    def _queue(self, inner: bytes) -> list[Frame]:
        if len(inner) <= FRAGMENT:
            self._held_back.append(inner)
        else:
            number = self._fragment_number
            self._fragment_number += 1
            for at in range(0, len(inner), FRAGMENT):
                piece = inner[at : at + FRAGMENT]
                is_last = at + FRAGMENT >= len(inner)
                self._held_back.append(struct.pack(">BIB", 1, number, is_last) + piece)
        return self._release()

    def _release(self) -> list[Frame]:
        frames: list[Frame] = []
        while self._held_back:
            inner = self._held_back[0]
            if self._costs(inner):
                if self.sent - self.credited + len(inner) > WINDOW:
                    break
                self.sent += len(inner)
            frames.append(self._seal(self._held_back.pop(0)))
        return frames

    @staticmethod
    def _costs(inner: bytes) -> bool:
        return inner[0] in (1, 2) or (inner[0] == 0 and len(inner) >= 4096)

    def _receive_message(self, frame: Frame) -> list[Frame]:
        if not self.is_sealed:
            envelope = self._read_own(frame)
            self.inbox.append(
                HandMessage(envelope["type"], envelope["data"], envelope["msg_id"], envelope["re"])
            )
            return self._answer_pings(len(self.inbox) - 1)
        inner = self._open(frame)
        before = len(self.inbox)
        answers: list[Frame] = []
        if inner[0] == 3:
            (self.credited,) = struct.unpack(">Q", inner[1:])
            return self._release()
        if inner[0] == 1:
            number, is_last = struct.unpack_from(">IB", inner, 1)
            self._partial.setdefault(number, bytearray()).extend(inner[6:])
            if is_last:
                self._receive_whole(bytes(self._partial.pop(number)))
        else:
            self._receive_whole(inner)
        if self._costs(inner):
            self.consumed += len(inner)
            answers.append(self._seal(b"\3" + struct.pack(">Q", self.consumed)))
        return answers + self._answer_pings(before)

    def _receive_whole(self, inner: bytes) -> None:
        if inner[0] == 0:
            message, end = self._read_one(inner, 1)
            messages = [message]
        elif inner[0] == 2:
            sig = inner[1:65]
            (count,) = struct.unpack_from(">I", inner, 65)
            end = 69
            messages = []
            for _ in range(count):
                message, end = self._read_one(inner, end, has_sig=False)
                messages.append(message)
            hashed = [hashlib.sha256(message.canonical).digest() for message in messages]
            verify(self._peer_key, sig, b"jupyter-peer/1 batch" + b"".join(hashed))
            for message in messages:
                message.sig, message.hashes = sig, hashed
        else:
            raise HandError(f"a frame of kind {inner[0]}")
        if end != len(inner):
            raise HandError("bytes left over")
        self.inbox += messages

    def _answer_pings(self, start: int) -> list[Frame]:
        frames: list[Frame] = []
        for message in self.inbox[start:]:
            if message.type == "ping":
                frames += self.send("pong", {}, re=message.msg_id)
        return frames
