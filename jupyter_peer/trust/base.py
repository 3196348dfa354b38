"""Who may connect: a policy gives a verdict about a stranger.

The hub asks a policy only about nodes it does not trust yet, after the handshake has proven that
the applicant holds the key it shows. Known trusted peers (by their pinned key) and blocked ones
never come here. Below is ``store``; nothing here does I/O of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec

from ..errors import NotTrustedError, PeerError


class Applicant(msgspec.Struct, frozen=True, kw_only=True):
    """A stranger who has proven its identity and asks to be let in.

    Attributes:
        node_id: Its id, which the handshake has compared with its key.
        public_key: Its key, base64 of 32 bytes.
        node_name: The name it gives itself.
        token: The token of an invite, if it presents one.
        address: The network address it really comes from, if that is known. It has to be None
            when a proxy stands in between, since a proxy's address says nothing about who calls.
        transport: The name of the transport it comes by.
    """

    node_id: str
    public_key: str
    node_name: str = ""
    token: str | None = None
    address: str | None = None
    transport: str

    def __repr__(self) -> str:
        """Tell no token: this goes into logs and tracebacks."""
        return f"<Applicant {self.node_id} by {self.transport} from {self.address}>"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy says; made by :meth:`accept` and :meth:`refuse`.

    Attributes:
        accepted: Whether the applicant may connect now.
        remember: Whether it stays trusted for ever, also when the policy changes.
        origin: The name of the policy that accepted it, as kept with the peer.
        error: Why it is refused; sent to the applicant, so it holds no secrets. None if accepted.
    """

    accepted: bool
    remember: bool = True
    origin: str = ""
    error: PeerError | None = None

    @classmethod
    def accept(cls, origin: str, *, remember: bool = True) -> Verdict:
        """Let the applicant in."""
        return cls(accepted=True, remember=remember, origin=origin)

    @classmethod
    def refuse(cls, error: PeerError) -> Verdict:
        """Keep the applicant out."""
        return cls(accepted=False, remember=False, error=error)


class TrustPolicy(ABC):
    """Decides about strangers.

    Attributes:
        name: As in the configuration and in a peer's ``origin``.
    """

    name: str

    @abstractmethod
    def verdict(self, applicant: Applicant, now: float) -> Verdict:
        """Decide about one applicant at ``now``, epoch seconds; never raises.

        A policy may use something up by accepting (an invite); it changes nothing by refusing.
        """

    def is_welcoming(self, source: str, node_id: str, now: float) -> bool:
        """Return whether a stranger that was found is dialled without being asked for.

        Args:
            source: Who found it, ``lan`` or ``lobby``.
            node_id: Who it claims to be; it has proven nothing yet.
            now: Epoch seconds.
        """
        return False

    def expects(self, node_id: str, now: float) -> bool:
        """Return whether a stranger of this id may be let in if it comes now.

        It has proven nothing yet. This only decides whether it is worth an answer where an answer
        tells something: over a lobby, one's network addresses.
        """
        return False

    def stands_by(self, node_id: str, public_key: str, now: float) -> bool:
        """Return whether a node that was let in without being remembered is to stay and come back.

        Args:
            node_id: Its id.
            public_key: Its key, base64.
            now: Epoch seconds.
        """
        return False


class CombinedPolicy(TrustPolicy):
    """Lets in whom any of its policies lets in; they are asked in order, until one does.

    When none does, the applicant is told the most telling reason: that its invite has expired
    says more than that this node does not trust strangers.
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
