"""The tools of ``jupyter peer mcp``.

Texts of peers reach the AI client as data: the descriptions of the tools say that others wrote them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ContentBlock, TextContent, ToolAnnotations
from pydantic import BaseModel, Field, create_model

from ...control.rows.agents import MAX_TIMEOUT_S
from ...document.plain_text import clean
from ...errors import BadRequestError, UnknownPaneError
from ...server_client.client import AsyncClient
from ...server_client.results.answers import AnswerDisplay, AnswerWaits
from ...server_client.results.results import peer_title
from .models import (
    AgentEntry,
    AgentList,
    OfferedPane,
    OwnPane,
    PaneContent,
    PaneList,
    PeerAnswer,
    PeerEntry,
    PeerList,
    SharedPane,
    StoppedPane,
)
from .reading import MAX_PICTURE_BYTES, MAX_TEXT, ME, age, pictures_of, read_pane

ASK_TIMEOUT_S = 120.0
#: Seconds between two reports of progress.
PROGRESS_EVERY_S = 0.2

_LOOKS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
)
_ASKS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)

# Peers keep what they have seen, and a new share replaces the old one of the same name.
_SHARES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
)

_Peer = Annotated[str, Field(description="Name or node id of the peer.", min_length=1)]


class PeerTools:
    """The tools over one client.

    Args:
        me: Client of the node.
    """

    def __init__(self, me: AsyncClient) -> None:
        self._me = me
        self._shared: set[str] = set()

    def all(self, *, allow_ask: bool, allow_share: bool) -> list[Tool]:
        """Return the tools that the user has allowed."""
        tools = [_tool(each, _LOOKS) for each in (self.list_peers, self.list_panes, self.read_pane)]
        if allow_ask:
            tools += [_tool(self.list_agents, _LOOKS), _tool(self.ask_peer, _ASKS)]
        if allow_share:
            tools += [_tool(each, _SHARES) for each in (self.share_pane, self.stop_sharing)]
        return tools

    async def list_peers(self) -> PeerList:
        """List the peers of this machine's user: who is connected, and which panes each offers."""
        return PeerList(
            peers=[
                PeerEntry(
                    name=peer_title(peer),
                    node_id=peer["node_id"],
                    status=peer["status"],
                    path=peer.get("transport"),
                    rtt_ms=peer.get("rtt_ms"),
                    trusted=bool(peer.get("trusted")),
                    seen_s_ago=age(peer["last_seen"]) if peer.get("last_seen") else None,
                    panes=peer.get("panes") or [],
                )
                for peer in await self._me.peers()
            ]
        )

    async def list_panes(self) -> PaneList:
        """List the panes that can be read: those that peers offer, and those of this machine's user."""
        panes = await self._me.panes()
        return PaneList(
            offered=[
                OfferedPane(
                    peer=peer_title(pane["peer"]),
                    node_id=pane["peer"]["node_id"],
                    name=pane["name"],
                    title=clean(pane["title"]),
                    uri=uri_of(pane["peer"]["node_id"], pane["name"]),
                    status=pane["status"],
                    age_s=age(pane.get("since")),
                )
                for pane in panes.offered
            ],
            mine=[
                OwnPane(
                    name=pane["name"],
                    title=clean(pane["title"]),
                    uri=uri_of(ME, pane["name"]),
                    status=pane["status"],
                    age_s=age(pane.get("since")),
                    viewers=[peer_title(viewer) for viewer in pane["viewers"]],
                )
                for pane in panes.mine
            ],
        )

    async def read_pane(
        self,
        peer: Annotated[
            str,
            Field(
                description="Name or node id of the pane's owner; `me` for a pane of this machine's user.",
                min_length=1,
            ),
        ],
        name: Annotated[str, Field(description="Name of the pane, as list_panes shows it.")],
        tail: Annotated[
            int | None, Field(description="Return only this many last lines.", ge=1)
        ] = None,
        max_chars: Annotated[
            int, Field(description="Return at most this many last characters.", ge=1, le=MAX_TEXT)
        ] = MAX_TEXT,
    ) -> Annotated[CallToolResult, PaneContent]:
        """Read what a pane shows now: its text, and its last pictures. Its owner wrote the content."""
        content, pictures = await read_pane(self._me, peer, name, tail, max_chars)
        text = content.text or "(it shows nothing yet)"
        notice = f"[{content.notice}]\n" if content.notice else ""
        return _result(notice + text, content, *pictures)

    async def list_agents(self, peer: _Peer) -> AgentList:
        """List the agents of a peer that can be asked. Their owner wrote the descriptions."""
        found = await self._me.agents_of(peer)
        return AgentList(
            agents=[
                AgentEntry(
                    name=each["name"],
                    description=clean(each["description"]),
                    default=each["default"],
                )
                for each in found
            ]
        )

    async def ask_peer(
        self,
        ctx: Context[Any, Any],
        peer: _Peer,
        question: Annotated[str, Field(description="What to ask, in words.", min_length=1)],
        agent: Annotated[
            str | None,
            Field(description="Which of the peer's agents to ask; without it, the peer chooses."),
        ] = None,
        timeout_s: Annotated[
            float, Field(description="Seconds to wait for the answer.", gt=0, le=MAX_TIMEOUT_S)
        ] = ASK_TIMEOUT_S,
    ) -> Annotated[CallToolResult, PeerAnswer]:
        """Ask the agent of a peer in the name of this machine's user. Others write the answer."""
        received, told_at = 0, 0.0
        stream = self._me.ask_stream(peer, question, timeout_s, agent=agent)
        try:
            await ctx.report_progress(0, None, f"{peer} is asked")
            async for piece in stream:
                received += len(piece)
                if isinstance(piece, AnswerWaits):
                    await ctx.report_progress(received, None, f"waiting for {peer}'s yes to a tool")
                elif (now := time.monotonic()) - told_at >= PROGRESS_EVERY_S:
                    told_at = now
                    await ctx.report_progress(received, None, f"{peer} answers")
        finally:
            stream.close()
        answer = stream.answer
        shown = [part.output for part in answer.parts if isinstance(part, AnswerDisplay)]
        pictures = pictures_of(shown)
        said = PeerAnswer(
            peer=peer,
            answer=clean(answer),
            seconds=round(answer.seconds, 2),
            pictures=len(pictures),
        )
        return _result(said.answer, said, *pictures)

    async def share_pane(
        self,
        name: Annotated[
            str,
            Field(description="Name of the pane: letters, digits, dots, dashes and underscores."),
        ],
        peers: Annotated[
            list[str],
            Field(description="Names or node ids of the peers who may view it.", min_length=1),
        ],
        text: Annotated[str | None, Field(description="Text to show.", max_length=MAX_TEXT)] = None,
        picture: Annotated[
            str | None,
            Field(
                description="Picture to show below the text, base64.",
                max_length=MAX_PICTURE_BYTES * 4 // 3,
            ),
        ] = None,
        picture_type: Annotated[
            Literal["image/png", "image/jpeg"], Field(description="MIME type of the picture.")
        ] = "image/png",
        title: Annotated[
            str, Field(description="Title for the people who see it.", max_length=200)
        ] = "",
    ) -> SharedPane:
        """Share a text or a picture with peers as a pane, in the name of this machine's user.

        An earlier share of this server under the same name is replaced.
        """
        outputs: list[dict[str, Any]] = []
        if text:
            outputs.append({"output_type": "stream", "name": "stdout", "text": text})
        if picture:
            data = {picture_type: picture, "text/plain": "a picture"}
            outputs.append({"output_type": "display_data", "data": data, "metadata": {}})
            if not pictures_of(outputs):
                raise BadRequestError(
                    "the picture is not base64 of up to 5 MiB", hint="encode the bytes of its file"
                )
        if not outputs:
            raise BadRequestError("there is nothing to share", hint="give text, picture, or both")
        pane = await self._me.post(name, outputs, peers, title)
        self._shared.add(name)
        return SharedPane(name=name, uri=uri_of(ME, name), viewers_allowed=sorted(pane["grants"]))

    async def stop_sharing(
        self, name: Annotated[str, Field(description="Name that share_pane gave the pane.")]
    ) -> StoppedPane:
        """Stop sharing a pane that share_pane has shared since this MCP server was started."""
        if name not in self._shared:
            raise UnknownPaneError(f"this MCP server has shared no pane {clean(name)[:64]!r}")
        await self._me.unshare(name)
        self._shared.discard(name)
        return StoppedPane(name=name)


def uri_of(peer: str, name: str) -> str:
    """Return the address of a pane as a resource."""
    return f"pane://{peer}/{name}"


def _result(text: str, content: BaseModel, *more: ContentBlock) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=text), *more],
        structured_content=content.model_dump(mode="json"),
    )


def _tool(function: Callable[..., Any], annotations: ToolAnnotations) -> Tool:
    """Return a function as a tool that refuses unknown arguments."""
    tool = Tool.from_function(function, annotations=annotations)
    loose = tool.fn_metadata.arg_model
    strict = create_model(loose.__name__, __base__=loose, __cls_kwargs__={"extra": "forbid"})
    tool.fn_metadata.arg_model = strict
    tool.parameters = strict.model_json_schema(by_alias=True)
    return tool
