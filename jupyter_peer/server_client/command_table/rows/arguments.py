"""Arguments that several commands have."""

from __future__ import annotations

from .. import known
from ..command import Argument

PEER = Argument(
    "peer", "a peer: its alias, node name, node id, or a unique prefix of one", known.peers
)
GRANTS = ("view", "interact")
