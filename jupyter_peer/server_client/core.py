"""The core of a client: its connection, and the calls that return live objects."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from ..control.rows.agents import DEFAULT_TIMEOUT_S, checked_timeout
from ..document import loaders
from ..errors import BadRequestError, UnknownPaneError
from .bridge import Core
from .calls.calls import Calls
from .calls.panes import GRANTS, check_grant
from .connection import Connection, Json
from .results.answers import Answer, AnswerPiece, piece_of
from .results.results import peer_title
from .views.feed import Feed
from .views.share import Sharing

# The server ends the request earlier and explains why there is no answer.
_RESERVE_S = 10.0


class ServerCore(Calls, Core):
    """The calls of one client; all of them run on the loop's thread.

    Args:
        connection: The control socket.
        kernel_id: Id of the kernel that this runs in; None outside of one.

    Attributes:
        host: Runs this kernel's agents; None before the first one.
    """

    def __init__(self, connection: Connection, kernel_id: str | None = None) -> None:
        self.connection = self._connection = connection
        self.kernel_id = kernel_id
        self.host: Any = None
        self._ask = connection.request

    async def share(
        self,
        name: str,
        with_: Sequence[str] = (),
        grant: str = "view",
        title: str = "",
        *,
        cell: str | None = None,
        notebook: bool = False,
        tracebacks: bool = True,
        other_widgets: str = "values",
    ) -> Sharing:
        """Share a pane that shows what its handle displays, or the output of one cell.

        Use the result as a handle (``pane.display(obj)``, ``pane.unshare()``) or in a ``with``
        statement, which withdraws the pane at its end. The pane shows everything after this returns.

        Args:
            name: Name of the pane: letters, digits, dots, dashes, underscores.
            with_: Peers that may see it at once.
            grant: ``view`` or ``interact``.
            title: Title for people.
            cell: ``msg_id`` of the running execute request whose output is the pane.
            notebook: Whether the pane shows all cells that run after ``cell``; see ``present``.
            tracebacks: Whether errors show their traceback, which quotes lines of your source.
            other_widgets: Rule for inputs of peers to widgets of other libraries
                than ipywidgets: ``none``, plain ``values``, or ``all``.

        Raises:
            BadNameError: The name cannot be used.
            UnknownPeerError: A peer is not known.
            PaneExistsError: Another kernel shares a pane of this name.
        """
        check_grant(grant, GRANTS)
        display = uuid.uuid4().hex if cell is None else None
        params: Json = {
            "name": name,
            "title": title,
            "grant": grant,
            "with": [with_] if isinstance(with_, str) else list(with_),
            "cell": cell,
            "display": display,
            "kernel_id": self.kernel_id,
            "loaders": loaders.OWN.bundles() or None,
            "notebook": notebook or None,
            "tracebacks": tracebacks,
            "other_widgets": other_widgets,
        }
        answer = await self._ask("share", {k: v for k, v in params.items() if v is not None})
        return Sharing(self.connection, name, answer["pane"], display, tracebacks)

    async def open(self, pane: str) -> Feed:
        """Watch a pane; the view displays itself live.

        Args:
            pane: ``peer/name``; the name alone when only one peer offers such a pane.

        Raises:
            UnknownPeerError: No peer has this name.
            UnknownPaneError: The peer offers no such pane to this node.
            NotConnectedError: The peer is not connected.
        """
        peer, _, name = pane.strip().rpartition("/")
        if not peer:
            peer = await self._offerer(name)
        return await Feed(self.connection, peer, name).open()

    async def ask(
        self,
        peer: str,
        text: str,
        timeout: float = DEFAULT_TIMEOUT_S,
        *,
        agent: str | None = None,
        turn: int | None = None,
        after: Answer | None = None,
        on_piece: Callable[[AnswerPiece], None] | None = None,
    ) -> Answer:
        """Ask a peer's agent; see :meth:`.Client.ask`.

        Args:
            peer: Any of its names.
            text: The question.
            timeout: Seconds.
            agent: Name of one of the peer's agents; None lets the peer choose.
            turn: The turn of this kernel that needs the answer.
            after: The answer that the question refers to.
            on_piece: Receives each piece of the answer, on the loop's thread.
        """
        seconds = checked_timeout(timeout)
        conversation = (after.conversation if after is not None else "") or secrets.token_hex(16)
        params: Json = {
            "peer": peer,
            "prompt": text,
            "timeout_s": seconds,
            "agent": agent,
            "conversation": conversation,
        }
        if turn is not None:
            params["turn"] = turn
        pieces: list[AnswerPiece] = []

        def take(step: Json) -> None:
            if (piece := piece_of(step)) is not None:
                pieces.append(piece)
                if on_piece is not None:
                    on_piece(piece)

        begun = time.monotonic()
        answer = await self._ask(
            "ask",
            {**params, "stream": True, "prove": True},
            on_progress=take,
            timeout=seconds + _RESERVE_S,
        )
        rest = str(answer.get("answer") or "")
        seconds = time.monotonic() - begun
        proof = str(answer.get("proof") or "")
        return Answer([*pieces, rest], peer, seconds, proof, conversation)

    async def _offerer(self, name: str) -> str:
        offered = (await self._ask("panes"))["offered"]
        owners: list[dict[str, Any]] = [p["peer"] for p in offered if p["name"] == name]
        if len(owners) == 1:
            return str(owners[0]["node_id"])
        if owners:
            choices = ", ".join(f"{peer_title(owner)}/{name}" for owner in owners)
            raise BadRequestError(
                f"more than one peer offers {name!r}", hint=f"choose one of {choices}"
            )
        raise UnknownPaneError(f"no peer offers a pane {name!r}")
