"""The handshake hello / hello_ack / auth / auth_result as two state machines (SPEC section 3).

``Dialer`` and ``Acceptor`` receive and return frames. The hub moves the frames and asks the trust
policy in between. A failed handshake raises, and its object is discarded.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ...errors import (
    BadEchoError,
    BadIdentityError,
    BadSessionError,
    KeyChangedError,
    MalformedError,
    NotTrustedError,
    OwnNodeError,
    PeerError,
    ProtocolError,
    RefusedError,
    TooLargeError,
    UnsealedRefusedError,
    WireError,
    WrongNodeError,
    from_wire,
    to_peer,
)
from ..payloads.hub import Auth, AuthResult, GuestAuth, Hello, HelloAck, convert
from .channel import DEFAULT_LIMITS, Channel, Frame, Limits, SealedChannel, UnsealedChannel
from .envelope import Envelope, canonical_bytes, from_canonical, from_text, to_text
from .frames import ENVELOPE, envelope_chunks, read_envelope
from .identity import Identity, clean_name as clean_name, decode_public_key, node_id_of, verify
from .replay import check_age

if TYPE_CHECKING:
    from .seal import Opener, Sealer

MAX_FRAME = 16 * 1024
_NONCE = re.compile(r"[0-9a-f]{32}")

Stamp = Callable[[], "tuple[str, float]"]
"""Returns a fresh ``(msg_id, ts)``."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """The introduction of this side, and the secrets of one handshake.

    Attributes:
        identity: The node's key.
        node_name: Cosmetic name.
        capabilities: Names of what this node can do.
        nonce: 32 hex digits, fresh.
        x25519: 32 random bytes, fresh; empty to offer no sealing.
        stamp: Returns a message id and a time.
        allow_unsealed: Whether a peer without sealing is accepted.
    """

    identity: Identity
    node_name: str
    capabilities: Sequence[str]
    nonce: str
    x25519: bytes
    stamp: Stamp
    allow_unsealed: bool = False


class Introduction(msgspec.Struct, frozen=True, kw_only=True):
    """The introduction of the other side, proven by its signature.

    Attributes:
        node_id: Fingerprint of its key.
        public_key: Base64 key.
        node_name: Cosmetic name; cut to 64 characters, control characters removed.
        capabilities: At most 64 short names of printable ASCII; others are left out.
        seals: Whether it offers to seal the link; a node of the original system does not.
    """

    node_id: str
    public_key: str
    node_name: str
    capabilities: list[str]
    seals: bool = True


def printable_names(capabilities: Sequence[str]) -> list[str]:
    """Return the capabilities that are printable ASCII."""
    return [name for name in capabilities if name.isascii() and name.isprintable()]


class _Side:
    """The base of dialler and acceptor."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._sealer: Sealer | None = None
        self._opener: Opener | None = None
        self._session: str | None = None
        self._peer_key = b""
        self._sent_id: str | None = None
        self.peer: Introduction | None = None

    # Sending.

    def _envelope(self, type: str, data: dict[str, Any], re: str | None) -> tuple[bytes, bytes]:
        msg_id, ts = self._offer.stamp()
        self._sent_id = msg_id
        identity = self._offer.identity
        canonical = canonical_bytes(
            type=type, msg_id=msg_id, re=re, src=identity.node_id, ts=ts, data=data
        )
        return canonical, identity.sign(canonical)

    def _frame(self, type: str, data: dict[str, Any], re: str | None) -> Frame:
        canonical, sig = self._envelope(type, data, re)
        if self._sealer is None:
            return to_text(canonical, sig, dst=self.peer.node_id if self.peer else None)
        return self._sealer.seal(b"".join(envelope_chunks(canonical, sig, ())))

    def _introduce(self) -> dict[str, Any]:
        offer = self._offer
        return {
            "public_key": offer.identity.public_key_b64,
            "node_name": offer.node_name,
            "capabilities": list(offer.capabilities),
            "nonce": offer.nonce,
        }

    # Receiving.

    def _read_text(self, frame: Frame) -> Envelope:
        if not isinstance(frame, str):
            raise ProtocolError("a binary frame before the keys were agreed")
        envelope = from_text(frame, max_bytes=MAX_FRAME)
        if envelope is None:
            raise MalformedError("the envelope is not JSON")
        return envelope

    def _read(self, frame: Frame) -> Envelope:
        """Read a frame after the introduction; it must be signed by the introduced key."""
        if self._opener is None:
            envelope = self._read_text(frame)
            canonical = envelope.canonical()
        else:
            if isinstance(frame, str):
                raise ProtocolError("a text frame on a sealed link")
            if len(frame) > MAX_FRAME:
                raise TooLargeError(f"a frame of the handshake has at most {MAX_FRAME} bytes")
            inner = self._opener.open(frame)
            if not inner or inner[0] != ENVELOPE:
                raise ProtocolError("the handshake goes on with single envelopes")
            sig, part = read_envelope(inner)
            canonical = part.canonical
            envelope = from_canonical(canonical, sig=sig, ttl=part.ttl)
        verify(self._peer_key, envelope.sig, canonical)
        assert self.peer is not None
        if envelope.src != self.peer.node_id:
            raise BadIdentityError("the peer sent an envelope in another node's name")
        return envelope

    def _meet(self, envelope: Envelope, message: Hello | HelloAck) -> None:
        """Check the other side's signature and fingerprint, and that it is another node."""
        key = decode_public_key(message.public_key)
        if node_id_of(key) != envelope.src:
            raise BadIdentityError
        verify(key, envelope.sig, envelope.canonical())
        if envelope.src == self._offer.identity.node_id:
            raise OwnNodeError
        if not _NONCE.fullmatch(message.nonce):
            raise MalformedError("a nonce is 32 hex digits")
        self._peer_key = key
        self.peer = Introduction(
            node_id=envelope.src,
            # encoded again, because base64 has several spellings of one key
            public_key=base64.b64encode(key).decode(),
            node_name=clean_name(message.node_name),
            capabilities=printable_names(message.capabilities),
            seals=message.seal is not None,
        )

    def _half_key(self) -> str:
        """Return the public half of this side's key exchange, in base64."""
        # Imported for the first link, so that no start of a server waits for OpenSSL's bindings.
        from .seal import x25519_public_b64

        return x25519_public_b64(self._offer.x25519)

    def _seal(self, public_b64: str, hello: bytes, hello_ack: bytes, is_dialer: bool) -> None:
        from .seal import Opener, Sealer, SealKeys, x25519_shared

        keys = SealKeys(x25519_shared(self._offer.x25519, public_b64), hello, hello_ack)
        outward, inward = (
            (keys.dialer, keys.acceptor) if is_dialer else (keys.acceptor, keys.dialer)
        )
        self._sealer, self._opener = Sealer(outward), Opener(inward)
        self._session = keys.session

    @property
    def session(self) -> str | None:
        """Id of the session, the same on both sides: 64 hex digits. None without sealing."""
        return self._session

    def channel(self, limits: Limits = DEFAULT_LIMITS) -> Channel:
        """Return the channel that continues after the handshake."""
        assert self.peer is not None
        who = (self._offer.identity, self.peer.node_id, self._peer_key)
        if self._sealer is None or self._opener is None:
            return UnsealedChannel(*who, limits)
        return SealedChannel(*who, self._sealer, self._opener, limits)


class Dialer(_Side):
    """The side that dials.

    Args:
        offer: This node.
        expect: Node id that must answer, if it is known (a known peer or an invite). No secret is
            sent before that is certain.
        expect_key: Stored base64 key of that node; another key of the same id is refused.
        token: Invite token to redeem.
        replaces: Session of the live link that this one replaces.
        guest: Guest link to open, in place of a token.
    """

    def __init__(
        self,
        offer: Offer,
        *,
        expect: str | None = None,
        expect_key: str | None = None,
        token: str | None = None,
        replaces: str | None = None,
        guest: GuestAuth | None = None,
    ) -> None:
        super().__init__(offer)
        self._expect = expect
        self._expect_key = expect_key
        self._token = token
        self._replaces = replaces
        self._guest = guest
        self._hello = b""

    def hello(self) -> Frame:
        """Return the first frame."""
        data = self._introduce()
        if self._offer.x25519:
            data["seal"] = {"x25519": self._half_key()}
        self._hello, sig = self._envelope("hello", data, None)
        return to_text(self._hello, sig, dst=self._expect)

    def on_hello_ack(self, frame: Frame) -> Frame:
        """Check the answer and return the ``auth`` frame.

        Raises:
            PeerError: The answer is malformed, from another node, or unsealed when that is not
                allowed; or the peer refused at once.
        """
        envelope = self._read_text(frame)
        if envelope.type == "auth_result":
            self._raise_refusal(envelope)
        if envelope.type != "hello_ack":
            raise ProtocolError(f"{envelope.type} came where hello_ack was due")
        ack = convert(envelope.data, HelloAck)
        self._meet(envelope, ack)
        assert self.peer is not None
        if self._expect is not None and self.peer.node_id != self._expect:
            raise WrongNodeError(
                f"{self.peer.node_id} answered where {self._expect} was expected",
                node_id=self.peer.node_id,
            )
        if self._expect_key is not None and self._peer_key != decode_public_key(self._expect_key):
            raise KeyChangedError
        if ack.echo != self._offer.nonce:
            raise BadEchoError
        if ack.seal is not None and self._offer.x25519:
            if ack.seal.hello != hashlib.sha256(self._hello).hexdigest():
                raise BadEchoError("the peer answered another hello than was sent")
            self._seal(ack.seal.x25519, self._hello, envelope.canonical(), is_dialer=True)
        elif not self._offer.allow_unsealed:
            raise UnsealedRefusedError
        else:
            check_age(envelope.ts, self._offer.stamp()[1])
        data: dict[str, Any] = {"echo": ack.nonce}
        if self._token is not None:
            data["token"] = self._token
        if self._replaces is not None:
            data["replaces"] = self._replaces
        if self._guest is not None:
            if self._session is None:
                raise UnsealedRefusedError
            data["guest"] = msgspec.to_builtins(self._guest)
        if self._session is not None:
            data["session"] = self._session
        return self._frame("auth", data, envelope.msg_id)

    def on_auth_result(self, frame: Frame) -> None:
        """Check the last frame; afterwards :meth:`channel` may be used.

        Raises:
            PeerError: The frame is not valid, or the peer refused, with the peer's reason.
        """
        envelope = self._read(frame)
        if envelope.type != "auth_result":
            raise ProtocolError(f"{envelope.type} came where auth_result was due")
        if envelope.re is not None and envelope.re != self._sent_id:
            raise BadEchoError("the peer answered another auth than was sent")
        result = convert(envelope.data, AuthResult)
        if self._session is not None and result.session != self._session:
            raise BadSessionError
        if self._session is None:
            check_age(envelope.ts, self._offer.stamp()[1])
        if not result.ok:
            raise refusal(result)
        if not result.trusted:
            raise NotTrustedError("the peer keeps the link, but does not trust this node")

    def _raise_refusal(self, envelope: Envelope) -> None:
        """Raise the reason of a peer that refused before it introduced itself.

        If its key is known, the signature must be valid. Otherwise the reason is not proven; but it
        only ends the connection, which anybody in between can do anyway.
        """
        if self._expect_key is not None:
            verify(decode_public_key(self._expect_key), envelope.sig, envelope.canonical())
        result = convert(envelope.data, AuthResult)
        if result.ok:
            raise ProtocolError("the peer accepted before it knew who is there")
        raise refusal(result)


class Acceptor(_Side):
    """The side that was dialled.

    Attributes:
        replaces: Session of the link that the dialler replaces; set by ``auth``.
        guest: The guest link that the dialler opens; set by ``auth``, None for a peer.
    """

    def __init__(self, offer: Offer) -> None:
        super().__init__(offer)
        self.replaces: str | None = None
        self.guest: GuestAuth | None = None
        self._auth_id: str | None = None

    def on_hello(self, frame: Frame) -> Frame:
        """Check the first frame and return ``hello_ack``.

        Raises:
            PeerError: The frame is malformed, forged, or from this node itself; or it offers no
                sealing although that is required.
        """
        envelope = self._read_text(frame)
        if envelope.type != "hello":
            raise ProtocolError(f"{envelope.type} came where hello was due")
        hello = convert(envelope.data, Hello)
        self._meet(envelope, hello)
        canonical_hello = envelope.canonical()
        data = self._introduce()
        data["echo"] = hello.nonce
        is_sealing = hello.seal is not None and bool(self._offer.x25519)
        if is_sealing:
            data["seal"] = {
                "x25519": self._half_key(),
                "hello": hashlib.sha256(canonical_hello).hexdigest(),
            }
        elif not self._offer.allow_unsealed:
            raise UnsealedRefusedError
        else:
            check_age(envelope.ts, self._offer.stamp()[1])
        canonical_ack, sig = self._envelope("hello_ack", data, envelope.msg_id)
        if is_sealing:
            assert hello.seal is not None
            self._seal(hello.seal.x25519, canonical_hello, canonical_ack, is_dialer=False)
        assert self.peer is not None
        return to_text(canonical_ack, sig, dst=self.peer.node_id)

    def on_auth(self, frame: Frame) -> str | None:
        """Check ``auth`` and return the invite token in it, if any.

        Raises:
            PeerError: The frame is malformed, forged, or belongs to another handshake.
        """
        envelope = self._read(frame)
        if envelope.type != "auth":
            raise ProtocolError(f"{envelope.type} came where auth was due")
        auth = convert(envelope.data, Auth)
        if auth.echo != self._offer.nonce:
            raise BadEchoError
        if self._session is not None and auth.session != self._session:
            raise BadSessionError
        self._auth_id = envelope.msg_id
        if auth.guest is not None and self._session is None:
            raise UnsealedRefusedError
        self.replaces, self.guest = auth.replaces, auth.guest
        return auth.token

    def accept(self) -> Frame:
        """Return the ``auth_result`` that welcomes the peer."""
        return self._result({"ok": True})

    def refuse(self, error: PeerError) -> Frame:
        """Return the ``auth_result`` that refuses the peer with a reason; valid at every step."""
        fields = to_peer(error)
        return self._result({"ok": False, "code": fields["code"], "reason": fields["message"]})

    def _result(self, data: dict[str, Any]) -> Frame:
        if self._session is not None:
            data["session"] = self._session
        return self._frame("auth_result", data, self._auth_id)


def refusal(result: AuthResult) -> PeerError:
    """Return the error that a refusing ``auth_result`` describes.

    Only refusals and wire errors are accepted. A peer must not make this side believe that its own
    store is damaged or that it has no server.
    """
    error = from_wire({"code": result.code, "message": result.reason})
    if isinstance(error, (RefusedError, WireError)):
        return error
    return RefusedError(error.message if result.reason is not None else None)
