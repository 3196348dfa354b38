"""A started node with the parts that the handlers of the server use."""

from __future__ import annotations

from dataclasses import dataclass

from ..transports.direct.direct import DirectTransport
from .control.notices import Notices
from .operations.operations import Operations


@dataclass(frozen=True)
class Running:
    """A started node.

    Attributes:
        operations: Runs the operations of users and programs.
        notices: Reports changes to every control connection.
        direct: Accepts the connections at ``/peer-ws``; None if direct connections are disabled.
    """

    operations: Operations
    notices: Notices
    direct: DirectTransport | None
