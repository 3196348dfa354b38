"""Frames and registration of a relay, without I/O (``relay/SPEC.md``).

Broker and lobby ask for the same proof, so both ends of a registration are here as small state
machines: :class:`Registration` for the node and :class:`Admission` for the program. Afterwards a
broker carries binary frames, and a lobby JSON messages (:mod:`.lobby`).
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
# Where the relay has groups: a frame for all members, who comes and who goes.
GROUP, JOIN, LEAVE = 2, 3, 4
GROUP_BYTES = 8
MAX_GROUP_FRAME = 256 * 1024
TTL = 8
NODE_BYTES = 16
LINK_BYTES = 8
HEAD = Struct(">BBB16s16s8s")
HEAD_BYTES = HEAD.size
DST = slice(3, 19)
SRC = slice(19, 35)
LINK = slice(35, HEAD_BYTES)
# Source and link: together they tell apart all virtual connections to a node.
LANE = slice(19, HEAD_BYTES)
MAX_CLOSE_REASON = 64
MAX_TEXT = 4096
# A signature for one door must not be valid at another.
PROOF_LABELS = {RELAY_PATH: b"jupyter-peer/1 relay ", LOBBY_PATH: b"jupyter-peer/1 lobby "}
CHALLENGE_BYTES = 32

Bytes = bytes | bytearray | memoryview


class RelayFrame(msgspec.Struct, frozen=True):
    """One binary frame between a node and the broker.

    Attributes:
        kind: ``DATA`` or ``CLOSE``; ``GROUP``, ``JOIN`` or ``LEAVE`` where the relay has groups.
        dst: Node id of the receiver.
        src: Node id of the sender; the broker checks it.
        link: 8 random bytes, chosen by the dialling node; they name the link in both directions.
        payload: Bytes of the peer wire, or the reason of a close.
        ttl: Number of hops left.
    """

    kind: int
    dst: str
    src: str
    link: bytes
    payload: bytes | memoryview = b""
    ttl: int = TTL

    def to_bytes(self) -> bytes:
        """Encode the frame.

        Raises:
            ValueError: Link or a node id does not have its length.
        """
        return encode_head(self.kind, self.dst, self.src, self.link, self.ttl) + self.payload

    @classmethod
    def from_bytes(cls, data: Bytes) -> RelayFrame:
        """Decode a frame; the payload is a view of ``data`` and not a copy.

        Raises:
            MalformedError: It is not a frame of this version.
        """
        kind, ttl, dst, src, link = check_head(data)
        return cls(kind, dst.decode(), src.decode(), link, memoryview(data)[HEAD_BYTES:], ttl)

    @property
    def reason(self) -> str:
        """Why the link was closed, as an error code; ``closed`` if the frame has no reason."""
        text = bytes(self.payload[:MAX_CLOSE_REASON]).decode("ascii", "replace")
        return text if self.kind == CLOSE and text else "closed"


def encode_head(kind: int, dst: str, src: str, link: bytes, ttl: int = TTL) -> bytes:
    """Return the 43 bytes before a payload, for callers that do not join the two.

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
    if version != VERSION or kind > LEAVE:
        raise MalformedError("a relay frame has an unknown version or kind")
    if not is_node_id(dst.decode("latin-1")) or not is_node_id(src.decode("latin-1")):
        raise MalformedError("a relay frame names something that is not a node id")
    return kind, ttl, dst, src, link


def close_frame(dst: bytes, src: bytes, link: bytes, reason: str) -> bytes:
    """Return the frame with which the broker ends a link of ``src``."""
    return HEAD.pack(VERSION, CLOSE, TTL, dst, src, link) + reason.encode()[:MAX_CLOSE_REASON]


class Undeliverable(msgspec.Struct, frozen=True):
    """The broker has dropped the frames that it held for an absent node; the link has ended.

    Attributes:
        dst: Node id of the absent node.
        link: The link's 8 bytes.
    """

    dst: str
    link: bytes

    def to_text(self) -> str:
        """Return the text frame."""
        return _to_text({"undeliverable": self.dst, "link": self.link.hex()})


def read_notice(text: str) -> Undeliverable | None:
    """Read a text frame that the broker sends after the registration.

    Returns:
        The notice; None if this version does not know it.

    Raises:
        MalformedError: The text is not JSON of the expected shape.
        PeerError: The reason why the broker is about to close the connection.
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
    """Return the text frame with the reason why a connection is about to be closed."""
    return _to_text({"error": to_wire(error)})


def proof_bytes(challenge: str, door: str = RELAY_PATH) -> bytes:
    """Return the bytes that a node signs to prove its id at a door.

    Args:
        challenge: The challenge that the door has sent.
        door: Path of the door.
    """
    return PROOF_LABELS[door] + challenge.encode("utf-8", "surrogatepass")


class Registration:
    """The node's side: send :meth:`begin`, answer each text frame by :meth:`receive`.

    Args:
        identity: The key to register, which may be a throwaway key.
        host: The ``Host`` that this node dialled. The challenge must name it, so a relay cannot
            pass on another relay's challenge and register there itself. A relay on this machine
            may omit it, because nobody outside reaches that relay.
        door: Path of the door that was dialled.

    Attributes:
        is_registered: Whether the relay has accepted the proof.
        max_frame: Bytes of the largest binary frame that the relay accepts; 0 if it has not said so.
        max_members: Nodes that may join one group; 0 if the relay has no groups or has not said so.
    """

    def __init__(self, identity: Identity, host: str | None = None, door: str = RELAY_PATH) -> None:
        self._identity = identity
        self._host = host
        self._door = door
        self._state = "new"
        self.max_frame = self.max_members = 0

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
        """Handle a text frame of the relay.

        Returns:
            The text frame to send next; None once the node is registered.

        Raises:
            MalformedError: The frame is not the next step.
            WrongNodeError: The challenge belongs to another relay.
            PeerError: The relay refuses, with its reason.
        """
        fields = _fields(text)
        _check_refusal(fields)
        if self._state == "challenge":
            self._state = "proof"
            return self._proof(fields.get("challenge"))
        if self._state == "proof" and fields.get("registered") == self._identity.node_id:
            self._state = "registered"
            self.max_frame = _limit(fields.get("max_frame"))
            self.max_members = _limit(fields.get("max_members"))
            return None
        raise ProtocolError("the relay did not send the next step of the registration")

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
    """The program's side: answer each text frame with :meth:`receive` until it returns None.

    Args:
        nonce: 32 random bytes for this registration only.
        host: The name that the node has dialled, if the operator has configured the names of this
            relay; the node signs it too.
        relay_id: Id of the relay.
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
        """Handle a text frame of the node.

        Returns:
            The text frame to answer; None once the id is proven. The program then sends
            :meth:`registered` as soon as the node can be reached.

        Raises:
            MalformedError: The frame is not the next step.
            BadIdentityError: The key does not belong to the claimed id.
            BadSignatureError: Another key has signed the proof, or it is for another challenge.
        """
        if self.node_id is not None:
            raise ProtocolError("this node is already registered")
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
            **facts: Further fields, such as ``max_frame``.
        """
        return _to_text({"registered": self.node_id, **facts})


def _limit(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


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
