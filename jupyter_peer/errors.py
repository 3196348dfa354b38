"""Every error of the project, as one tree.

An error has a stable ``code`` (a contract, because programs branch on it), a message that says what
failed and why, and a ``hint`` that says what to do next. Only ``to_wire`` and ``from_wire`` convert
errors to ``{code, message, hint}`` and back. REST, control socket and command line use them. The peer
wire uses ``to_peer``, which reveals nothing about this machine's files.

* :exc:`PeerError`

  * :exc:`BadRequestError` (``bad_request``) - a caller's input does not have the expected shape

    * :exc:`BadNameError` (``bad_name``)
    * :exc:`InviteMalformedError` (``invite_malformed``)

      * :exc:`CodeMalformedError` (``code_malformed``)

    * :exc:`BadAddressError` (``bad_address``)

  * :exc:`WireError` - what a peer sent breaks the protocol; ends that message or link

    * :exc:`MalformedError` (``malformed``)
    * :exc:`TooLargeError` (``too_large``)
    * :exc:`BadSignatureError` (``bad_signature``)
    * :exc:`BadIdentityError` (``bad_identity``) - the key's fingerprint is not the claimed node id
    * :exc:`BadEchoError` (``bad_echo``) - a handshake answer that belongs to another handshake
    * :exc:`BadSessionError` (``bad_session``)
    * :exc:`SealBrokenError` (``seal_broken``)
    * :exc:`ReplayedError` (``replayed``)
    * :exc:`StaleError` (``stale``)
    * :exc:`UnsupportedError` (``unsupported``)
    * :exc:`ProtocolError` (``protocol``) - a well-formed frame at the wrong moment
    * :exc:`BadChainError` (``bad_chain``) - the signed chain of a question is not valid

  * :exc:`RefusedError` - one side will not connect with the other

    * :exc:`WrongNodeError` (``wrong_node``)
    * :exc:`OwnNodeError` (``own_node``)
    * :exc:`KeyChangedError` (``key_changed``)
    * :exc:`UnsealedRefusedError` (``unsealed_refused``)
    * :exc:`NotTrustedError` (``not_trusted``)
    * :exc:`BlockedError` (``blocked``)
    * :exc:`InviteUnknownError` (``invite_unknown``)
    * :exc:`InviteUsedError` (``invite_used``)
    * :exc:`InviteExpiredError` (``invite_expired``)
    * :exc:`InviteRevokedError` (``invite_revoked``)
    * :exc:`CodeUnknownError` (``code_unknown``) - nobody waits for this code
    * :exc:`CodeWrongError` (``code_wrong``)
    * :exc:`LinkUnknownError` (``link_unknown``) - no such guest link, or not its secret
    * :exc:`LinkExpiredError` (``link_expired``)
    * :exc:`BusyError` (``busy``) - too many handshakes, peers, panes, viewers or turns
    * :exc:`DuplicateLinkError` (``duplicate_link``) - both dialled at once; the other link stays
    * :exc:`RoomRefusedError` (``room_refused``) - the room's join policy does not admit the node
    * :exc:`RoomExistsError` (``room_exists``)

  * :exc:`LinkError` - the other side cannot be reached, or the link to it was lost

    * :exc:`UnreachableError` (``unreachable``)
    * :exc:`NotConnectedError` (``not_connected``)
    * :exc:`LinkClosedError` (``link_closed``)
    * :exc:`OverflowLinkError` (``overflow``)
    * :exc:`PeerTimeoutError` (``timeout``)

  * :exc:`LookupFailedError` - a name that nothing has, or more than one thing

    * :exc:`UnknownPeerError` (``unknown_peer``)
    * :exc:`AmbiguousPeerError` (``ambiguous_peer``)
    * :exc:`UnknownPaneError` (``unknown_pane``)
    * :exc:`NotWatchedError` (``not_watched``) - no kernel of this server watches the pane
    * :exc:`UnknownRoomError` (``unknown_room``)
    * :exc:`UnknownModuleError` (``unknown_module``) - the owner lacks the code of a widget
    * :exc:`UnknownAgentError` (``unknown_agent``)
    * :exc:`AmbiguousServerError` (``ambiguous_server``)

  * :exc:`PaneError` - a pane does not allow what was asked

    * :exc:`PaneExistsError` (``pane_exists``)
    * :exc:`NotGrantedError` (``not_granted``)
    * :exc:`PaneEndedError` (``pane_ended``)
    * :exc:`KernelGoneError` (``kernel_gone``)

  * :exc:`AgentError` (``agent``) - a question to an agent was not answered

    * :exc:`AgentLoopError` (``agent_loop``) - the question has come back to a node it was at
    * :exc:`TooManyHopsError` (``too_many_hops``)
    * :exc:`AgentFailedError` (``agent_failed``) - the agent's own code failed
    * :exc:`AgentGoneError` (``agent_gone``) - its kernel, or the link to the asker, has ended
    * :exc:`TurnCancelledError` (``turn_cancelled``)
    * :exc:`AnswerTooLongError` (``answer_too_long``)
    * :exc:`ToolRefusedError` (``tool_refused``) - the agent may not use this tool now

  * :exc:`ProofError` (``proof``) - a proof does not show who signed what

    * :exc:`ProofMalformedError` (``proof_malformed``) - the text is not a proof, or was changed
    * :exc:`ProofForgedError` (``proof_forged``) - a signature does not match the message
    * :exc:`ProofIncompleteError` (``proof_incomplete``) - a part of the signed content is missing

  * :exc:`StoreError` - the data directory cannot be used

    * :exc:`StoreCorruptError` (``store_corrupt``)
    * :exc:`StoreForeignError` (``store_foreign``)
    * :exc:`KeyFileError` (``key_file``)
    * :exc:`DataDirError` (``data_dir``)

  * :exc:`NoServerError` (``no_server``) - no Jupyter server with this extension was found
  * :exc:`UnauthorizedError` (``unauthorized``)
  * :exc:`NotEnabledError` (``not_enabled``) - the feature is switched off in the configuration
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .phrase import Phrase, as_phrase, phrase


class PeerError(Exception):
    """Base of all errors of the project.

    Args:
        message: What failed and why, without the name of the class. None uses the class's
            ``text``.
        hint: What to do next. None uses the class's ``advice``.
        **data: Facts about the error, kept in :attr:`data` for logs and tests. They are never
            sent to a peer.

    Attributes:
        message, hint: The same in English.
        message_phrase, hint_phrase: The same for the page, which translates them.
    """

    code: ClassVar[str] = "error"
    text: ClassVar[str] = "something failed"
    advice: ClassVar[str | Phrase] = ""

    def __init__(
        self,
        message: str | Phrase | None = None,
        *,
        hint: str | Phrase | None = None,
        **data: Any,
    ) -> None:
        self.message_phrase = as_phrase(message if message is not None else self.text)
        self.hint_phrase = as_phrase(hint if hint is not None else self.advice)
        self.message = str(self.message_phrase)
        self.hint = str(self.hint_phrase)
        self.data = data
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class BadRequestError(PeerError):
    code = "bad_request"
    text = "the request does not have the expected shape"


class BadNameError(BadRequestError):
    code = "bad_name"
    text = "this name cannot be used"
    advice = (
        "use 1 to 64 letters, digits, dots, dashes and underscores, starting with a letter or digit"
    )


class InviteMalformedError(BadRequestError):
    code = "invite_malformed"
    text = "this is not an invite"
    advice = "copy the whole text that starts with jpeer1: and paste it again, in one line"


class CodeMalformedError(InviteMalformedError):
    code = "code_malformed"
    text = "this is not a code"
    advice = "a code is a number and two words, such as 7-adult-amulet"


class BadAddressError(BadRequestError):
    code = "bad_address"
    text = "this is not an address that can be dialled"
    advice = "write it as host:port, ws://host:port/peer-ws or wss://host/path/peer-ws"


class WireError(PeerError):
    code = "wire"
    text = "the peer sent something that breaks the protocol"


class MalformedError(WireError):
    code = "malformed"
    text = "the frame or message is malformed"


class TooLargeError(WireError):
    code = "too_large"
    text = "the frame or message is larger than allowed"


class BadSignatureError(WireError):
    code = "bad_signature"
    text = "the signature does not match"


class BadIdentityError(WireError):
    code = "bad_identity"
    text = "the presented key does not belong to the claimed node id"


class BadEchoError(WireError):
    code = "bad_echo"
    text = "the answer does not belong to this handshake"


class BadSessionError(WireError):
    code = "bad_session"
    text = "the answer does not belong to this sealed session"


class SealBrokenError(WireError):
    code = "seal_broken"
    text = "a sealed frame does not open: it was altered, dropped, repeated or reordered"


class ReplayedError(WireError):
    code = "replayed"
    text = "this message was seen before"


class StaleError(WireError):
    code = "stale"
    text = "the message is too old or comes from the future"
    advice = "check the clocks of both machines"


class UnsupportedError(WireError):
    code = "unsupported"
    text = "the peer does not know this kind of message"
    advice = "update the older side"


class ProtocolError(WireError):
    code = "protocol"
    text = "the peer sent a message at the wrong moment"


class BadChainError(WireError):
    code = "bad_chain"
    text = "the signed chain of the question is not valid"


class RefusedError(PeerError):
    code = "refused"
    text = "the connection was refused"


class WrongNodeError(RefusedError):
    code = "wrong_node"
    text = "another node than the expected one answered"
    advice = "nothing was sent to it; ask for a new invite if the peer moved to another identity"


class OwnNodeError(RefusedError):
    code = "own_node"
    text = "this address or invite belongs to this node itself"
    advice = "give the invite to somebody else"


class KeyChangedError(RefusedError):
    code = "key_changed"
    text = "a known node id shows another key"
    advice = "somebody may be posing as this peer; ask them, then forget the peer and pair again"


class UnsealedRefusedError(RefusedError):
    code = "unsealed_refused"
    text = "the peer does not seal its messages"
    advice = (
        "update the peer, or set PeerExtension.allow_unsealed_peers=True if you trust the network"
    )


class NotTrustedError(RefusedError):
    code = "not_trusted"
    text = "the peer does not trust this node"
    advice = "ask for an invite and pair with it"


class BlockedError(RefusedError):
    code = "blocked"
    text = "this peer is blocked"
    advice = "unblock it first"


class InviteUnknownError(RefusedError):
    code = "invite_unknown"
    text = "the peer does not know this invite"
    advice = "ask for a new invite"


class InviteUsedError(RefusedError):
    code = "invite_used"
    text = "this invite was already used"
    advice = "an invite works once; ask for a new one"


class InviteExpiredError(RefusedError):
    code = "invite_expired"
    text = "this invite has expired"
    advice = "ask for a new invite"


class InviteRevokedError(RefusedError):
    code = "invite_revoked"
    text = "this invite was revoked by the one who made it"
    advice = "ask for a new invite"


class CodeUnknownError(RefusedError):
    code = "code_unknown"
    text = "nobody waits for this code: it was used, has expired or was typed wrong"
    advice = "check its number, or ask for a new code; both nodes need the same relay"


class CodeWrongError(RefusedError):
    code = "code_wrong"
    text = "the words of this code were wrong, so the code is no longer valid"
    advice = "make a new code, and pass on its words again"


class LinkUnknownError(RefusedError):
    code = "link_unknown"
    text = "this guest link was stopped, or is not complete"
    advice = "copy the whole link, or ask its owner for a new one"


class LinkExpiredError(RefusedError):
    code = "link_expired"
    text = "this guest link has expired"
    advice = "ask its owner for a new one"


class BusyError(RefusedError):
    code = "busy"
    text = "there are too many of these already"
    advice = "try again later"


class DuplicateLinkError(RefusedError):
    code = "duplicate_link"
    text = "both sides dialled at once; the other link is used"


class RoomRefusedError(RefusedError):
    code = "room_refused"
    text = "this room does not admit this node"
    advice = "ask a member of the room"


class RoomExistsError(RefusedError):
    code = "room_exists"
    text = "a room with this name already exists"
    advice = "choose another name, or join the room"


class LinkError(PeerError):
    code = "link"
    text = "the peer cannot be reached"


class UnreachableError(LinkError):
    code = "unreachable"
    text = "no address of this peer answers"
    advice = "check that the peer's server runs and that its address can be reached from here"


class NotConnectedError(LinkError):
    code = "not_connected"
    text = "this peer is not connected"
    advice = "this node reconnects by itself when the peer is back"


class LinkClosedError(LinkError):
    code = "link_closed"
    text = "the link was closed"


class OverflowLinkError(LinkError):
    code = "overflow"
    text = "the peer does not read fast enough and the send queue is full"


class PeerTimeoutError(LinkError, TimeoutError):
    code = "timeout"
    text = "no answer came in time"


class LookupFailedError(PeerError):
    code = "lookup"
    text = "there is no such thing"


class UnknownPeerError(LookupFailedError):
    code = "unknown_peer"
    text = "no peer has this name or id"
    advice = phrase("%peer list shows the known peers").on_page(
        phrase("the Peers panel lists the known peers")
    )


class AmbiguousPeerError(LookupFailedError):
    code = "ambiguous_peer"
    text = "more than one peer fits"
    advice = "write more of the node id, or give one of them an alias"


class UnknownPaneError(LookupFailedError):
    code = "unknown_pane"
    text = "there is no such pane"
    advice = phrase("%peer panes shows what is shared").on_page(
        phrase("the Peers panel shows what is shared")
    )


class NotWatchedError(LookupFailedError):
    code = "not_watched"
    text = "no kernel of this server is watching this pane"
    advice = "open it without if_watched"


class UnknownRoomError(LookupFailedError):
    code = "unknown_room"
    text = "there is no such room"
    advice = "check its name; a room ends when its last member leaves"


class UnknownModuleError(LookupFailedError):
    code = "unknown_module"
    text = "the owner has not installed the code of this widget"
    advice = "the owner can install the Python package that brings the widget"


class UnknownAgentError(LookupFailedError):
    code = "unknown_agent"
    text = "no such agent is registered there"
    advice = phrase(
        "its owner registers one with @me.agent, or switches on the built-in one: %peer agent on"
    ).on_page(
        phrase(
            "its owner switches on the agents in the Peers panel, or registers one in a notebook"
        )
    )


class AmbiguousServerError(LookupFailedError):
    code = "ambiguous_server"
    text = "more than one Jupyter server with jupyter-peer runs here"


class PaneError(PeerError):
    code = "pane"
    text = "the pane does not allow this"


class PaneExistsError(PaneError):
    code = "pane_exists"
    text = "another kernel already shares a pane with this name"
    advice = "choose another name, or stop sharing the other pane"


class NotGrantedError(PaneError):
    code = "not_granted"
    text = "the owner of this pane has not granted this"
    advice = "ask the owner for a grant"


class PaneEndedError(PaneError):
    code = "pane_ended"
    text = "this pane has ended"


class KernelGoneError(PaneError):
    code = "kernel_gone"
    text = "the kernel is not known to this server"
    advice = "share from a notebook whose kernel was started by this Jupyter server"


class AgentError(PeerError):
    code = "agent"
    text = "the question was not answered"


class AgentLoopError(AgentError):
    code = "agent_loop"
    text = "the question has returned to a node that has already forwarded it"
    advice = "the agents ask each other in a circle; ask the node with the answer directly"


class TooManyHopsError(AgentError):
    code = "too_many_hops"
    text = "too many nodes have forwarded the question"
    advice = "ask the node with the answer directly"


class AgentFailedError(AgentError):
    code = "agent_failed"
    text = "the agent failed"
    advice = "its owner sees the reason in the notebook that runs the agent"


class AgentGoneError(AgentError):
    code = "agent_gone"
    text = "the agent is gone: its kernel has ended or lost its server"
    advice = "ask again when its owner has started it again"


class TurnCancelledError(AgentError):
    code = "turn_cancelled"
    text = "the turn was cancelled"


class AnswerTooLongError(AgentError):
    code = "answer_too_long"
    text = "the answer is too long"
    advice = "ask for less at once"


class ToolRefusedError(AgentError):
    code = "tool_refused"
    text = "the agent may not use this tool now"


class ProofError(PeerError):
    code = "proof"
    text = "the proof does not show who signed this"
    advice = "do not rely on it; ask the peer itself"


class ProofMalformedError(ProofError):
    code = "proof_malformed"
    text = "this is not a proof of jupyter-peer"
    advice = "give the file exactly as it was saved; a proof that an editor has changed is void"


class ProofForgedError(ProofError):
    code = "proof_forged"
    text = "a signature of the proof does not match"


class ProofIncompleteError(ProofError):
    code = "proof_incomplete"
    text = "a part of the signed content is missing in the proof"
    advice = "do not rely on it; save the proof again, or ask the peer itself"


class StoreError(PeerError):
    code = "store"
    text = "the data directory cannot be used"


class StoreCorruptError(StoreError):
    code = "store_corrupt"
    text = "the database is damaged"
    advice = "nothing was overwritten; move the file away (a new one is made) or restore a copy"


class StoreForeignError(StoreError):
    code = "store_foreign"
    text = "the database was made by another program or a newer version"
    advice = "nothing was overwritten; set PeerExtension.data_dir to another directory"


class KeyFileError(StoreError):
    code = "key_file"
    text = "the identity key cannot be read"
    advice = (
        "nothing was overwritten; restore the file, or move it away to start with a new identity"
    )


class DataDirError(StoreError):
    code = "data_dir"
    text = "the data directory cannot be used"
    advice = "set PeerExtension.data_dir to a directory that only you can write"


class NoServerError(PeerError):
    code = "no_server"
    text = "no Jupyter server with jupyter-peer was found"
    advice = (
        "start one with `jupyter lab`, and run this in a notebook whose kernel that server started"
    )


class UnauthorizedError(PeerError):
    code = "unauthorized"
    text = "the server does not accept this secret or login"


class NotEnabledError(PeerError):
    code = "not_enabled"
    text = "this is switched off"


def _tree(cls: type[PeerError]) -> list[type[PeerError]]:
    return [cls, *(leaf for child in cls.__subclasses__() for leaf in _tree(child))]


_BY_CODE: dict[str, type[PeerError]] = {cls.code: cls for cls in _tree(PeerError)}


def to_wire(error: BaseException) -> dict[str, str]:
    """Return ``{code, message, hint}`` of an error; of a foreign one only the class is named.

    The text of a foreign exception may contain paths or payloads, so it is not passed on.
    """
    if isinstance(error, PeerError):
        return {"code": error.code, "message": error.message, "hint": error.hint}
    return {
        "code": PeerError.code,
        "message": f"an unexpected {type(error).__name__} happened",
        "hint": "the server's log has the details",
    }


def to_page(error: BaseException) -> dict[str, Any]:
    """Return :func:`to_wire` with the phrases that the page of this node translates.

    A text without parameters is its own template, so it has no phrase.
    """
    fields: dict[str, Any] = to_wire(error)
    if isinstance(error, PeerError):
        if error.message_phrase.params:
            fields["message_phrase"] = error.message_phrase
        hint = error.hint_phrase.for_page
        if hint.params or hint is not error.hint_phrase:
            fields["hint_phrase"] = hint
    return fields


def to_peer(error: BaseException) -> dict[str, str]:
    """Return :func:`to_wire` for another node, without errors of this machine's files.

    Such errors name paths, and only the owner of the files can correct them.
    """
    if isinstance(error, StoreError):
        error = BusyError("the peer cannot store anything right now", hint="try again later")
    return to_wire(error)


def from_wire(value: Any) -> PeerError:
    """Return the error that ``{code, message, hint}`` describes; never raises.

    An unknown code gives a plain :exc:`PeerError` that keeps the foreign code in ``data["code"]``.
    The class's own advice becomes its phrase again, and the phrase of :func:`to_page` is kept, for
    the page. Texts of the other side are cut at 500 characters. Characters that do not print, such as control
    sequences of a terminal, become spaces.
    """
    fields = value if isinstance(value, Mapping) else {}
    code, message, hint = (fields.get(key) for key in ("code", "message", "hint"))
    cls = _BY_CODE.get(code) if isinstance(code, str) else None
    is_own = hint == str((cls or PeerError).advice)
    said = fields.get("message_phrase")  # in this process only: decoded JSON has no phrases
    if not isinstance(said, Phrase):
        said = _printable(message, 500) if isinstance(message, str) else None
    error = (cls or PeerError)(
        said,
        hint=_printable(hint, 500) if isinstance(hint, str) and not is_own else None,
    )
    if cls is None and isinstance(code, str):
        error.data["code"] = _printable(code, 64)
    return error


def _printable(text: str, length: int) -> str:
    return "".join([char if char.isprintable() else " " for char in text[:length]])
