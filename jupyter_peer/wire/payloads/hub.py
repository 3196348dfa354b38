"""One typed struct per payload of the handshake and of the hub (SPEC section 6).

Unknown keys are ignored, so that newer peers can add keys. Panes, relay, lobby and the control
socket have their own files.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec

from ...errors import MalformedError
from .validation import misfit

Name = Annotated[str, msgspec.Meta(max_length=256)]
Capability = Annotated[str, msgspec.Meta(max_length=64)]
Capabilities = Annotated[list[Capability], msgspec.Meta(max_length=64)]
Base64Key = Annotated[str, msgspec.Meta(min_length=44, max_length=44)]
Nonce = Annotated[str, msgspec.Meta(min_length=32, max_length=32)]
Hash = Annotated[str, msgspec.Meta(min_length=64, max_length=64)]
Address = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]

Struct = TypeVar("Struct")


def convert(data: dict[str, Any], struct: type[Struct]) -> Struct:
    """Convert a payload to its struct.

    Raises:
        MalformedError: A field is missing, too long or has another type. The text names the field
            and never its value.
    """
    try:
        return msgspec.convert(data, struct)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        # ValueError: JSON allows keys that have no UTF-8
        raise MalformedError(f"{struct.__name__}: {misfit(error)}") from None


class SealHello(msgspec.Struct, frozen=True):
    """``hello.seal``: the dialler's X25519 key."""

    x25519: Base64Key


class SealAck(msgspec.Struct, frozen=True):
    """``hello_ack.seal``: the acceptor's X25519 key and the hello it answers."""

    x25519: Base64Key
    hello: Hash


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """``hello``, dialler to acceptor."""

    public_key: Base64Key
    node_name: Name = ""
    capabilities: Capabilities = []
    nonce: Nonce
    seal: SealHello | None = None


class HelloAck(msgspec.Struct, frozen=True, kw_only=True):
    """``hello_ack``, acceptor to dialler; ``echo`` is the hello's nonce."""

    public_key: Base64Key
    node_name: Name = ""
    capabilities: Capabilities = []
    nonce: Nonce
    echo: Nonce
    seal: SealAck | None = None


class GuestAuth(msgspec.Struct, frozen=True, kw_only=True):
    """``auth.guest``: the guest link that a browser opens, its secret, and the guest's own name."""

    link: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    secret: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    name: Name = ""

    def __repr__(self) -> str:
        """Return a text without the secret, because it may appear in logs and tracebacks."""
        return f"<GuestAuth of link {self.link}>"


class Auth(msgspec.Struct, frozen=True, kw_only=True):
    """``auth``, dialler to acceptor; ``echo`` is the hello_ack's nonce.

    ``replaces`` names the session of the link that this one replaces (SPEC section 5).
    """

    echo: Nonce
    token: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    session: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    replaces: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    guest: GuestAuth | None = None

    def __post_init__(self) -> None:
        if self.guest is not None and (self.token is not None or self.replaces is not None):
            raise ValueError("a guest has neither token nor replaces")


class AuthResult(msgspec.Struct, frozen=True, kw_only=True):
    """``auth_result``, acceptor to dialler.

    A node of the original system may keep a link to a node that it does not trust. ``trusted`` is
    then false.
    """

    ok: bool
    trusted: bool = True
    reason: str | None = None
    code: str | None = None
    session: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class ErrorReply(msgspec.Struct, frozen=True, kw_only=True):
    """``error``, the reply to a request that failed."""

    code: Annotated[str, msgspec.Meta(max_length=64)] = "error"
    message: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    hint: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """``addresses``: the addresses of the sender, sent after the handshake and when they change.

    They are only candidates. The node that answers there must prove that it is the same node.
    """

    addresses: Annotated[list[Address], msgspec.Meta(max_length=16)]
    node_name: Name = ""
