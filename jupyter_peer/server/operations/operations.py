"""Runs operations on one node: the one implementation behind REST and the control socket.

REST and the socket only carry parameters and results (:mod:`jupyter_peer.control.table`). A session
serves the operations that belong to its connection, such as watching a pane.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ...control.operation import Operation
from ...doctor.doctor import Doctor
from ...errors import BadRequestError
from ...hub.chat import Chats
from ...hub.hub import PeerHub
from ...panes.owner.publish import PanePublisher
from ...panes.viewer.watch import PaneWatcher
from ...phrase import phrase
from ..call import Call, Method, served_by
from ..node.kernels import ServerKernels
from ..node.reach import Reach
from .agents import NodeAgents
from .chat import ChatOperations
from .codes import Codes
from .invites import InviteOperations
from .links import LinkOperations, no_page
from .lobby import LobbyOperations
from .node import NodeOperations
from .panes import PaneOperations
from .peers import PeerOperations
from .reach import ReachOperations


class Operations:
    """Runs operations on one hub.

    Args:
        hub: The node.
        publisher: Its own panes.
        watcher: The panes of peers.
        kernels: The kernels whose outputs can be shared.
        agents: Its agents, and questions to those of peers.
        on_activity: Called when the user does something.
        on_change: Receives the topics that an operation changed, besides the hub's own events.
        doctor: Checks connections; None leaves that out.
        chats: Its conversations with peers; None leaves that out.
        page_url: Returns the URL of a guest link's page by the link's id.
        codes: Makes and reads codes; None leaves that out.

    Attributes:
        under_way: Number of operations of the user that run now.
        kernel_watches: Number of watches by kernels of this server, by owner and name of the pane.
    """

    def __init__(
        self,
        hub: PeerHub,
        publisher: PanePublisher,
        watcher: PaneWatcher,
        kernels: ServerKernels,
        agents: NodeAgents,
        on_activity: Callable[[], None] = lambda: None,
        on_change: Callable[..., None] = lambda *topics: None,
        doctor: Doctor | None = None,
        chats: Chats | None = None,
        page_url: Callable[[str], str] = no_page,
        codes: Codes | None = None,
    ) -> None:
        self.hub = hub
        self.watcher = watcher
        self.publisher = publisher
        self.agents = agents
        codes = codes or Codes.none()
        self.peers = PeerOperations(hub, on_change, watcher, codes)
        self.panes = PaneOperations(hub, on_change, publisher, watcher, kernels)
        self.links = LinkOperations(hub, on_change, page_url)
        self.lobby = LobbyOperations(hub, on_change)
        self.chat = ChatOperations(hub, on_change, chats)
        self.kernel_watches: Counter[tuple[str, str]] = Counter()
        self.under_way = 0
        self._on_activity = on_activity
        self._on_change = on_change
        self._methods: dict[str, Method] = {
            **served_by(NodeOperations(hub, on_change, self.peers, doctor)),
            **served_by(InviteOperations(hub, on_change, codes)),
            **served_by(self.peers),
            **served_by(self.panes),
            **served_by(self.links),
            **served_by(self.lobby),
            **served_by(self.chat),
            **served_by(agents),
        }

    def add_reach(self, reach: Reach, doctor: Doctor) -> None:
        """Add the operations on this node's reach."""
        self._methods |= served_by(ReachOperations(self.hub, self._on_change, reach, doctor))

    async def run(
        self,
        row: Operation[Any, Any],
        params: msgspec.Struct,
        call: Call = Call(),  # noqa: B008 - immutable
    ) -> msgspec.Struct:
        """Run one operation.

        Args:
            row: A row of the operation table.
            params: Result of :meth:`.Operation.read`.
            call: The caller.

        Raises:
            PeerError: The operation's own error.
            BadRequestError: Only a control connection has this operation.
        """
        method = self._methods.get(row.name) or call.own.get(row.name)
        if method is None:
            raise BadRequestError(
                phrase("{name} belongs to an open control socket", name=row.name),
                hint="call it over jupyter-peer/ws",
            )
        if row.is_activity:
            self._on_activity()
        self.under_way += row.is_activity
        try:
            result = method(params, call)
            if isinstance(result, Awaitable):
                result = await result
        finally:
            self.under_way -= row.is_activity
            if row.is_activity:
                self._on_activity()
        assert isinstance(result, msgspec.Struct)
        return result
