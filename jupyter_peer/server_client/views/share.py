"""The handle of a shared pane: it displays objects in the pane and stops sharing it."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, final

from ..bridge import Face, awaiting, blocking
from ..connection import Connection, Json, LoopThread
from ..results.drawing.blocks import Block, Line, Text
from ..results.drawing.shown import Record, Shown
from .cell import interactive_shell
from .mime import formatted


class Sharing:
    """One shared pane; the coroutines belong to the loop's thread.

    Args:
        connection: The control socket.
        name: Name of the pane.
        info: Facts about the pane, from the server.
        display_id: Id of the display that is the pane; None when a whole cell is.
        tracebacks: Whether errors in it show lines of the source.
    """

    def __init__(
        self,
        connection: Connection,
        name: str,
        info: Json,
        display_id: str | None,
        tracebacks: bool = True,
    ) -> None:
        self.tracebacks = tracebacks
        self._connection = connection
        self.name = name
        self.info = info
        self.display_id = display_id

    async def unshare(self) -> None:
        """Stop sharing the pane; may be called twice."""
        if self.info.get("withdrawn"):
            return
        await self._connection.request("unshare", {"name": self.name})
        self.info = {**self.info, "withdrawn": True}

    async def grant(self, peer: str, grant: str) -> None:
        """Let a peer ``view`` the pane, ``interact`` with it, or ``none`` of both.

        Raises:
            UnknownPeerError: No peer has this name.
        """
        answer = await self._connection.request(
            "grant", {"name": self.name, "peer": peer, "grant": grant}
        )
        self.info = answer.get("pane", self.info)


class LivePane(Shown, Face[Sharing]):
    """The methods of both kinds of handles."""

    def __init__(self, core: Sharing, thread: LoopThread) -> None:
        super().__init__(core, thread)
        self.name = core.name
        self._is_shown = False

    @property
    def info(self) -> Record:
        """The description of the pane, as in ``GET panes``."""
        return Record(self.core.info)

    def display(self, obj: Any) -> None:
        """Show an object in the pane, in place of the earlier one.

        Here it stands in the cell that called this first. In a pane that is a whole cell it is
        one more output.
        """
        from IPython.display import display

        if self.core.display_id is None:
            display(obj)  # type: ignore[no-untyped-call]
            return
        shell = interactive_shell()
        formatter = shell.display_formatter if shell is not None else None
        if formatter is None:
            return
        data, metadata = formatted(formatter, obj)
        shell.display_pub.publish(
            data=data,
            metadata=metadata,
            transient={"display_id": self.core.display_id},
            update=self._is_shown,
        )
        self._is_shown = True

    def _describe(self) -> list[Block]:
        info: Mapping[str, Any] = self.core.info
        to = ", ".join(f"{peer} ({grant})" for peer, grant in (info.get("grants") or {}).items())
        remark = (
            "no longer shared"
            if info.get("withdrawn")
            else f"shared with {to}"
            if to
            else f"shared with nobody yet: %peer grant {self.name} PEER view"
        )
        if self.core.tracebacks and not info.get("withdrawn"):
            remark += "; errors in it quote your source, unless shared with --no-tracebacks"
        return [Line("pane ", Text(self.name, "strong"), ": ", Text(remark, "faint"))]

    def to_json(self) -> Any:
        return self.info

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


@final
class SharedPane(LivePane):
    """A pane of one's own; leaving its ``with`` block withdraws it."""

    unshare = blocking(Sharing.unshare)
    grant = blocking(Sharing.grant)

    def __enter__(self) -> SharedPane:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.unshare()


@final
class AsyncSharedPane(LivePane):
    """The same with coroutines, for ``async with``."""

    unshare = awaiting(Sharing.unshare)
    grant = awaiting(Sharing.grant)

    async def __aenter__(self) -> AsyncSharedPane:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.unshare()
