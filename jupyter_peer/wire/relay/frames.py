"""Frames and registration of a relay, without I/O (``relay/SPEC.md``).

Both ends of a registration are here as small state machines, since broker and lobby ask for the
same proof: :class:`Registration` is the node's side and :class:`Admission` the program's. What
comes after differs: a broker carries binary frames, a lobby JSON messages (``wire/lobby.py``).
"""

from __future__ import annotations

import base64
import binascii
from struct import Struct
from typing import Any

import msgspec

from ...errors import (
    BadIdentityError,
    BadSignatureError,
    MalformedError,
    PeerError,
    ProtocolError,
    TooLargeError,
    WrongNodeError,
    from_wire,
    to_wire,
)
from ..addresses import LOBBY_PATH, RELAY_PATH, host_of, is_loopback
from ..link.identity import (
    SIGNATURE_BYTES,
    Identity,
    decode_public_key,
    is_node_id,
    node_id_of,
    verify,
)

VERSION = 1
DATA = 0
CLOSE = 1
TTL = 8
NODE_BYTES = 16
LINK_BYTES = 8
HEAD = Struct(">BBB16s16s8s")
HEAD_BYTES = HEAD.size
DST = slice(3, 19)
SRC = slice(19, 35)
LINK = slice(35, HEAD_BYTES)
# The source and the link: what keeps one virtual connection apart from all others to a node.
LANE = slice(19, HEAD_BYTES)
MAX_CLOSE_REASON = 64
MAX_TEXT = 4096
# What a node signs at one door must be worth nothing at another.
PROOF_LABELS = {RELAY_PATH: b"jupyter-peer/1 relay ", LOBBY_PATH: b"jupyter-peer/1 lobby "}
CHALLENGE_BYTES = 32

Bytes = bytes | bytearray | memoryview


class RelayFrame(msgspec.Struct, frozen=True):
    """One binary frame between a node and the broker.

    Attributes:
        kind: ``DATA`` or ``CLOSE``.
        dst: Node id of the receiver.
        src: Node id of the sender; the broker checks it.
        link: 8 random bytes of the one who dialled; they name this link in both directions.
        payload: What the peer wire has to say, or the reason of a close.
        ttl: Hops left.
    """

    kind: int
    dst: str
    src: str
    link: bytes
    payload: bytes | memoryview = b""
    ttl: int = TTL

    def to_bytes(self) -> bytes:
        """Return the frame as it travels.

        Raises:
            ValueError: Link or a node id does not have its length.
        """
        return encode_head(self.kind, self.dst, self.src, self.link, self.ttl) + self.payload

    @classmethod
    def from_bytes(cls, data: Bytes) -> RelayFrame:
        """Read a frame; the payload is a view of ``data``, not a copy.

        Raises:
            MalformedError: It is not a frame of this version.
        """
        kind, ttl, dst, src, link = check_head(data)
        return cls(kind, dst.decode(), src.decode(), link, memoryview(data)[HEAD_BYTES:], ttl)

    @property
    def reason(self) -> str:
        """Why a link was closed, as an error code; ``closed`` when the frame does not say."""
        text = bytes(self.payload[:MAX_CLOSE_REASON]).decode("ascii", "replace")
        return text if self.kind == CLOSE and text else "closed"


def encode_head(kind: int, dst: str, src: str, link: bytes, ttl: int = TTL) -> bytes:
    """Return the 43 bytes before a payload, for who writes both without joining them.

    Raises:
        ValueError: Link or a node id does not have its length.
    """
    if len(dst) != NODE_BYTES or len(src) != NODE_BYTES or len(link) != LINK_BYTES:
        raise ValueError("a relay frame needs two node ids of 16 characters and a link of 8 bytes")
    return HEAD.pack(VERSION, kind, ttl, dst.encode(), src.encode(), link)


def check_head(data: Bytes) -> tuple[int, int, bytes, bytes, bytes]:
    """Return ``kind, ttl, dst, src, link`` of a frame.

    Raises:
        MalformedError: It is not a frame of this version.
    """
    if len(data) < HEAD_BYTES:
        raise MalformedError("a relay frame is shorter than its header")
    version, kind, ttl, dst, src, link = HEAD.unpack_from(data)
    if version != VERSION or kind > CLOSE:
        raise MalformedError("a relay frame has an unknown version or kind")
    if not is_node_id(dst.decode("latin-1")) or not is_node_id(src.decode("latin-1")):
        raise MalformedError("a relay frame names something that is not a node id")
    return kind, ttl, dst, src, link


def close_frame(dst: bytes, src: bytes, link: bytes, reason: str) -> bytes:
    """Return the frame that ends a link, as the broker sends it for ``src``."""
    return HEAD.pack(VERSION, CLOSE, TTL, dst, src, link) + reason.encode()[:MAX_CLOSE_REASON]


class Undeliverable(msgspec.Struct, frozen=True):
    """What the broker held for an absent node was dropped; the link is over.

    Attributes:
        dst: Node id of the one who was not there.
        link: The link's 8 bytes.
    """

    dst: str
    link: bytes

    def to_text(self) -> str:
        """Return the text frame."""
        return _to_text({"undeliverable": self.dst, "link": self.link.hex()})


def read_notice(text: str) -> Undeliverable | None:
    """Return what a text frame of the broker says after the registration.

    Returns:
        None for a notice this version does not know.

    Raises:
        MalformedError: It is not JSON of the expected shape.
        PeerError: The broker says why it is about to close the connection.
    """
    fields = _fields(text)
    if "undeliverable" in fields:
        dst, link = fields["undeliverable"], fields.get("link")
        try:
            raw = bytes.fromhex(link) if isinstance(link, str) else b""
        except ValueError:
            raw = b""
        if not is_node_id(dst) or len(raw) != LINK_BYTES:
            raise MalformedError("the relay's notice is malformed")
        return Undeliverable(dst, raw)
    _check_refusal(fields)
    return None


def refusal_text(error: BaseException) -> str:
    """Return the text frame that says why a connection is about to be closed."""
    return _to_text({"error": to_wire(error)})


def proof_bytes(challenge: str, door: str = RELAY_PATH) -> bytes:
    """Return what a node signs to prove its id at a door.

    Args:
        challenge: As the door sent it.
        door: Path of the door.
    """
    return PROOF_LABELS[door] + challenge.encode("utf-8", "surrogatepass")


class Registration:
    """The node's side: send :meth:`begin`, answer each text frame by :meth:`receive`.

    Args:
        identity: The key to register, which need not be the node's own.
        host: The ``Host`` this node dialled. The challenge must name it, so a relay cannot pass on
            another relay's challenge and register there instead. A relay on this machine may leave
            it out: nobody outside reaches it.
        door: Path of the door that was dialled.

    Attributes:
        is_registered: Whether the relay has accepted the proof.
        max_frame: Largest binary frame the relay takes, once registered; 0 when it does not say.
    """

    def __init__(self, identity: Identity, host: str | None = None, door: str = RELAY_PATH) -> None:
        self._identity = identity
        self._host = host
        self._door = door
        self._state = "new"
        self.max_frame = 0

    @property
    def is_registered(self) -> bool:
        return self._state == "registered"

    def begin(self) -> str:
        """Return the first text frame."""
        self._state = "challenge"
        return _to_text(
            {"register": self._identity.node_id, "public_key": self._identity.public_key_b64}
        )

    def receive(self, text: str) -> str | None:
        """Take a text frame of the relay.

        Returns:
            The text frame to send next; None once the node is registered.

        Raises:
            MalformedError: The frame is not what comes next.
            WrongNodeError: The challenge is another relay's.
            PeerError: The relay refuses, with its reason.
        """
        fields = _fields(text)
        _check_refusal(fields)
        if self._state == "challenge":
            self._state = "proof"
            return self._proof(fields.get("challenge"))
        if self._state == "proof" and fields.get("registered") == self._identity.node_id:
            self._state = "registered"
            limit = fields.get("max_frame")
            self.max_frame = limit if isinstance(limit, int) and limit > 0 else 0
            return None
        raise ProtocolError("the relay sent something else than the next step of the registration")

    def _proof(self, challenge: object) -> str:
        if not isinstance(challenge, str) or len(challenge) < 2 * CHALLENGE_BYTES:
            raise MalformedError("the relay's challenge is malformed")
        self._check_host(challenge.partition("@")[2])
        signature = self._identity.sign(proof_bytes(challenge, self._door))
        return _to_text(
            {
                "register": self._identity.node_id,
                "public_key": self._identity.public_key_b64,
                "sig": base64.b64encode(signature).decode(),
            }
        )

    def _check_host(self, named: str) -> None:
        host = self._host
        if host is None or named.lower() == host.lower():
            return
        if named:
            raise WrongNodeError(
                f"the relay at {host} sent the challenge of {named[:255]}",
                hint="this node signed nothing; check the relay's URL",
            )
        if not is_loopback(host_of(f"//{host}")):
            raise WrongNodeError(
                f"the relay at {host} does not name itself in its challenge",
                hint=f"this node signed nothing; start the relay with --name={host}",
            )


class Admission:
    """The program's side: answer each text frame by :meth:`receive` until that returns None.

    Args:
        nonce: 32 random bytes, never used twice.
        host: The name under which the node dialled, when the operator has said which names are
            this relay's; it becomes part of what the node signs.
        relay_id: What the relay calls itself.
        door: Path of the door at which the node registers.

    Attributes:
        node_id: The proven id, or None.
        public_key: Its raw key.
    """

    def __init__(
        self,
        nonce: bytes,
        host: str | None = None,
        relay_id: str | None = None,
        door: str = RELAY_PATH,
    ) -> None:
        self._door = door
        self._facts = {} if relay_id is None else {"relay": relay_id}
        self.challenge = nonce.hex() + (f"@{host}" if host else "")
        self.node_id: str | None = None
        self.public_key = b""
        self._claimed = ""

    def receive(self, text: str) -> str | None:
        """Take a text frame of the node.

        Returns:
            The text frame to answer; None once the id is proven. Then :meth:`registered` is due, as
            soon as the node can be reached.

        Raises:
            MalformedError: The frame is not what comes next.
            BadIdentityError: The key is not that of the claimed id.
            BadSignatureError: The proof is not by that key, or for another challenge.
        """
        if self.node_id is not None:
            raise ProtocolError("this node is registered already")
        fields = _fields(text)
        node_id, key = fields.get("register"), decode_public_key(fields.get("public_key"))
        if not is_node_id(node_id):
            raise MalformedError("a registration needs a node id")
        if node_id_of(key) != node_id:
            raise BadIdentityError
        if not self._claimed:
            self._claimed, self.public_key = node_id, key
            return _to_text({"challenge": self.challenge, **self._facts})
        if key != self.public_key:
            raise BadIdentityError("the proof is of another node than the one that was announced")
        verify(key, _signature(fields.get("sig")), proof_bytes(self.challenge, self._door))
        self.node_id = node_id
        return None

    def registered(self, **facts: Any) -> str:
        """Return the text frame that ends the registration.

        Args:
            **facts: Added to it, such as ``max_frame``.
        """
        return _to_text({"registered": self.node_id, **facts})


def _signature(text: object) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != SIGNATURE_BYTES:
        raise BadSignatureError("the registration carries no signature")
    return raw


def _to_text(fields: dict[str, Any]) -> str:
    return msgspec.json.encode(fields).decode()


def _fields(text: str) -> dict[str, Any]:
    if len(text) > MAX_TEXT:
        raise TooLargeError(f"a text frame of a relay has at most {MAX_TEXT} characters")
    try:
        fields = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedError("the text frame is not JSON") from error
    if not isinstance(fields, dict):
        raise MalformedError("the text frame is not a JSON object")
    return fields


def _check_refusal(fields: dict[str, Any]) -> None:
    if "error" in fields:
        error: PeerError = from_wire(fields["error"])
        raise error
