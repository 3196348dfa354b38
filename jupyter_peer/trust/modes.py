"""The policy of each ``trust_mode``; an invite works in every mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import BadRequestError
from ..phrase import phrase
from ..store.store import Store
from .base import CombinedPolicy, TrustPolicy
from .invites import InvitePolicy
from .open_lan import OpenLanPolicy

MANUAL = "manual"
DIRECTORY = "directory"
PolicyMaker = Callable[[], TrustPolicy]


def policy_for(
    trust_mode: str, store: Store, *, more: Mapping[str, PolicyMaker] | None = None
) -> TrustPolicy:
    """Return the policy of a trust mode.

    Args:
        trust_mode: ``manual``, ``open-lan`` or a key of ``more``.
        store: The store of the invites.
        more: Modes that need further configuration, each with a function that makes its
            policy; called only for ``trust_mode``.

    Raises:
        BadRequestError: There is no such mode.
    """
    makers: dict[str, PolicyMaker] = {OpenLanPolicy.name: OpenLanPolicy, **(more or {})}
    invites = InvitePolicy(store)
    if trust_mode == MANUAL:
        return invites
    if trust_mode not in makers:
        raise BadRequestError(
            phrase("there is no trust mode {trust_mode}", trust_mode=repr(trust_mode)),
            hint=phrase(
                "set PeerExtension.trust_mode to one of {modes}",
                modes=", ".join(sorted([MANUAL, *makers])),
            ),
        )
    return CombinedPolicy([invites, makers[trust_mode]()])
