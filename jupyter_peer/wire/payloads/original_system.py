"""Messages that nodes of the original system send in another form (SPEC section 6.6).

Such a node is at the other end of an unsealed link. Each function converts its message to the form
of this system.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from .agents import MAX_ANSWER, AgentResult, AgentStream, RequestId
from .hub import Capabilities, ErrorReply, Name, convert

_Text = Annotated[str, msgspec.Meta(max_length=MAX_ANSWER)]
_Reason = Annotated[str, msgspec.Meta(max_length=2000)]

# The error code for each reason of that system, which has no codes.
_CODES = {
    "remote agent access is disabled on this node": "not_enabled",
    "peer not trusted": "not_trusted",
    "request loop detected": "agent_loop",
    "max peer hops exceeded": "too_many_hops",
    "remote agent turn timed out": "timeout",
    "cancelled": "turn_cancelled",
}


class _Stream(msgspec.Struct, frozen=True, kw_only=True):
    """``agent_stream``: ``delta`` belongs to the answer if ``event`` is ``token``."""

    request_id: RequestId
    event: Annotated[str, msgspec.Meta(max_length=64)] = "token"
    delta: _Text = ""


class _Result(msgspec.Struct, frozen=True, kw_only=True):
    """``agent_result``: the whole answer in ``text``, or the reason of a failure in ``error``."""

    request_id: RequestId
    ok: bool
    text: _Text | None = None
    error: _Reason | None = None


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """``presence``: the name and the capabilities of the sender have changed."""

    node_name: Name = ""
    capabilities: Capabilities | None = None


def read_stream(data: dict[str, Any]) -> AgentStream:
    """Return the next piece of an answer; it is empty if the piece is the agent's reasoning.

    Raises:
        MalformedError: The payload is not a piece of an answer.
    """
    piece = convert(data, _Stream)
    return AgentStream(
        request_id=piece.request_id, text=piece.delta if piece.event == "token" else ""
    )


def read_result(data: dict[str, Any], received: str) -> AgentResult:
    """Return the end of an answer.

    Args:
        data: The payload.
        received: The earlier pieces, joined.

    Raises:
        MalformedError: The payload is not the end of an answer.
    """
    result = convert(data, _Result)
    reason = result.error or "the peer's agent failed"
    return AgentResult(
        request_id=result.request_id,
        ok=result.ok,
        text=_missing(result.text or "", received),
        error=None
        if result.ok
        else ErrorReply(code=_CODES.get(reason, "agent_failed"), message=reason),
    )


def _missing(answer: str, received: str) -> str:
    """Return the part of an answer that is missing in its pieces.

    The pieces may also contain text from before the agent used a tool, which the answer lacks.
    """
    if answer.startswith(received):
        return answer[len(received) :]
    return "" if received.rstrip().endswith(answer.strip()) else f"\n\n{answer}"
