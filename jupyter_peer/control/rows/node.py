"""Operations on this node itself: identity, figures, audit log, connection check."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from ...findings import Finding
from ..fields import NameParams, NoParams, Short, StepModel
from ..operation import Operation, looks
from .peers import PeerModel, SelfModel


class MetricsModel(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of one connection since ``since``, epoch seconds.

    Attributes:
        rtt_ms: The last round trip in milliseconds, None before the first.
        bytes_in, bytes_out, messages_in, messages_out: Received and sent so far.
        transport: Transport of the connection.
        queue: Bytes that wait to be sent.
    """

    rtt_ms: float | None
    bytes_in: int
    bytes_out: int
    messages_in: int
    messages_out: int
    transport: str
    queue: int
    since: float


class MetricsResult(msgspec.Struct, frozen=True):
    """Counters of each connected peer by node id."""

    peers: dict[str, MetricsModel]


class AuditParams(msgspec.Struct, frozen=True):
    """How many entries to return."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100


class AuditModel(msgspec.Struct, frozen=True):
    """One entry of the audit log; ``at`` is epoch seconds."""

    at: float
    kind: str
    peer: str | None
    detail: dict[str, Any]


class AuditResult(msgspec.Struct, frozen=True):
    """Entries of the audit log, newest first."""

    audit: list[AuditModel]


class DoctorParams(msgspec.Struct, frozen=True):
    """The peer whose paths are checked; None checks this node."""

    peer: Short | None = None


class DoctorResult(msgspec.Struct, frozen=True):
    """Findings of a connection check.

    Attributes:
        findings: About this node, or about the paths to the peer.
        peer: The peer that was checked, None for this node.
        at: Time of the check's start, epoch seconds.
        took_s: Its duration in seconds.
    """

    findings: list[Finding]
    peer: PeerModel | None
    at: float
    took_s: float


IDENTITY = looks(
    "identity",
    NoParams,
    SelfModel,
    "Return this node's id, names, key, addresses and capabilities.",
    "GET identity",
)
SET_NAME = Operation(
    "set_name", NameParams, SelfModel, "Set the cosmetic name of this node.", "PATCH identity"
)
METRICS = looks(
    "metrics", NoParams, MetricsResult, "Return the counters of each connection.", "GET metrics"
)
AUDIT = looks(
    "audit", AuditParams, AuditResult, "Return the newest audit entries.", "GET audit?limit"
)
DOCTOR = Operation(
    "doctor",
    DoctorParams,
    DoctorResult,
    "Check the connections of this node, or the paths to one peer.",
    "GET doctor?peer",
    is_repeatable=True,
    progress=StepModel,
    timeout_s=60.0,
)
