"""Policies that decide whether a stranger may connect.

The hub asks a policy only about nodes it does not trust yet, after the handshake has proven that
the applicant holds its key. Trusted peers (known by their pinned key) and blocked peers
never reach a policy. Below is ``store``; this module does no I/O.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec

from ..errors import NotTrustedError, PeerError


class Applicant(msgspec.Struct, frozen=True, kw_only=True):
    """A stranger that has proven its identity and asks to connect.

    Attributes:
        node_id: Its id, which the handshake has compared with its key.
        public_key: Its key, base64 of 32 bytes.
        node_name: The name that it announces.
        token: The token of its invite, if it has one.
        address: Its network address as seen by the socket, if known. It must be None
            behind a proxy, because a proxy's address says nothing about the caller.
        transport: The name of the transport of its connection.
    """

    node_id: str
    public_key: str
    node_name: str = ""
    token: str | None = None
    address: str | None = None
    transport: str

    def __repr__(self) -> str:
        """Leave the token out: logs and tracebacks show this."""
        return f"<Applicant {self.node_id} by {self.transport} from {self.address}>"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The decision of a policy; made by :meth:`accept` and :meth:`refuse`.

    Attributes:
        accepted: Whether the applicant may connect now.
        remember: Whether it stays trusted permanently, even if the policy changes.
        origin: The name of the policy that accepted it, stored with the peer.
        error: Reason of a refusal, without secrets, because the applicant receives it. None if accepted.
    """

    accepted: bool
    remember: bool = True
    origin: str = ""
    error: PeerError | None = None

    @classmethod
    def accept(cls, origin: str, *, remember: bool = True) -> Verdict:
        """Accept the applicant."""
        return cls(accepted=True, remember=remember, origin=origin)

    @classmethod
    def refuse(cls, error: PeerError) -> Verdict:
        """Refuse the applicant."""
        return cls(accepted=False, remember=False, error=error)


class TrustPolicy(ABC):
    """Decides about strangers.

    Attributes:
        name: Name in the configuration and in a peer's ``origin``.
    """

    name: str

    @abstractmethod
    def verdict(self, applicant: Applicant, now: float) -> Verdict:
        """Decide about one applicant at ``now``, epoch seconds; never raises.

        Accepting may use up an invite; refusing changes nothing.
        """

    def is_welcoming(self, source: str, node_id: str, now: float) -> bool:
        """Return whether a discovered stranger is dialled automatically.

        Args:
            source: Source of the discovery, ``lan`` or ``lobby``.
            node_id: The id that the stranger claims; it is not proven yet.
            now: Epoch seconds.
        """
        return False

    def expects(self, node_id: str, now: float) -> bool:
        """Return whether a stranger of this id might be accepted now.

        The id is not proven yet. The result decides only whether to answer where an answer reveals
        something: over a lobby it reveals this node's network addresses.
        """
        return False

    def stands_by(self, node_id: str, public_key: str, now: float) -> bool:
        """Return whether a node that was accepted but not remembered may stay and reconnect.

        Args:
            node_id: Its id.
            public_key: Its key, base64.
            now: Epoch seconds.
        """
        return False


class CombinedPolicy(TrustPolicy):
    """Accepts an applicant if any of its policies does; they are asked in order.

    If none does, the applicant receives the most specific reason: that its invite has expired
    says more than that this node refuses strangers.
    """

    def __init__(self, policies: Sequence[TrustPolicy]) -> None:
        if not policies:
            raise ValueError("a combined policy needs at least one policy")
        self._policies = tuple(policies)
        self.name = "+".join(policy.name for policy in self._policies)

    def verdict(self, applicant: Applicant, now: float) -> Verdict:
        refusals: list[Verdict] = []
        for policy in self._policies:
            verdict = policy.verdict(applicant, now)
            if verdict.accepted:
                return verdict
            refusals.append(verdict)
        telling = (v for v in refusals if not isinstance(v.error, NotTrustedError))
        return next(telling, refusals[-1])

    def is_welcoming(self, source: str, node_id: str, now: float) -> bool:
        return any(policy.is_welcoming(source, node_id, now) for policy in self._policies)

    def expects(self, node_id: str, now: float) -> bool:
        return any(policy.expects(node_id, now) for policy in self._policies)

    def stands_by(self, node_id: str, public_key: str, now: float) -> bool:
        return any(policy.stands_by(node_id, public_key, now) for policy in self._policies)
