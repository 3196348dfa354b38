"""Operations on who can reach this node."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ...findings import Finding
from ..fields import NoParams, Short, StepModel
from ..operation import Operation, looks

ReachMode = Literal["local", "network", "relay", "webrtc"]


class SetReachParams(msgspec.Struct, frozen=True):
    """Who shall be able to reach this node.

    Attributes:
        mode: ``local`` (this computer), ``network`` (this network: an extra port that serves the
            peer wire alone), ``relay`` (anywhere, by a relay) or ``webrtc`` (through routers).
        relay_url: The relay, for ``relay``; its lobby, for ``webrtc``. None keeps the last one.
        port: The extra port, for ``network``. None keeps the last one, and takes a free one if
            another program has it.
    """

    mode: Short
    relay_url: Annotated[str, msgspec.Meta(min_length=1, max_length=512)] | None = None
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None


class ReachResult(msgspec.Struct, frozen=True, kw_only=True):
    """Who can reach this node.

    Attributes:
        mode: In effect now.
        chosen: The user's stored choice. A trait of the configuration may take precedence.
        relay_url: This node's relay, None without one.
        last_relay_url: The relay that was named last, which a choice without one uses.
        fixed_by: The trait of the configuration that decides, None when the choice does.
        locked: The modes that a choice cannot put in effect, and the trait that forbids each.
        addresses: Addresses at which peers can dial this node, best first.
        checked: Findings of the connection check about this reach.
    """

    mode: ReachMode
    chosen: ReachMode
    relay_url: str | None
    last_relay_url: str | None
    fixed_by: str | None
    locked: dict[str, str]
    addresses: list[str]
    checked: list[Finding]


REACH = looks("reach", NoParams, ReachResult, "Return who can reach this node.", "GET reach")
SET_REACH = Operation(
    "set_reach",
    SetReachParams,
    ReachResult,
    "Choose who can reach this node; the choice is applied at once and stored.",
    "PUT reach",
    progress=StepModel,
    timeout_s=60.0,
)
