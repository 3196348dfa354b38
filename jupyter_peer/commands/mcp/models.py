"""Typed results of the tools; their schemas tell an AI client what to expect."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class PeerEntry(BaseModel):
    """One peer."""

    name: str = Field(description="Name under which this machine's user knows the peer.")
    node_id: str = Field(description="Id of the peer's node; it never changes.")
    status: str = Field(description="connected, connecting, offline or blocked.")
    path: str | None = Field(description="How the connection runs; null without one.")
    rtt_ms: float | None = Field(description="Round trip of the connection in milliseconds.")
    trusted: bool = Field(description="Whether the peer is paired.")
    seen_s_ago: float | None = Field(description="Seconds since the peer was last connected.")
    panes: list[str] = Field(description="Names of the panes that the peer offers.")


class PeerList(BaseModel):
    """The known peers."""

    peers: list[PeerEntry]


class OfferedPane(BaseModel):
    """A pane that a peer offers."""

    peer: str = Field(description="Name of its owner, for read_pane.")
    node_id: str = Field(description="Node id of its owner.")
    name: str = Field(description="Name of the pane, for read_pane.")
    title: str = Field(description="Title that its owner gave it; written by others.")
    uri: str = Field(description="Address of the pane as a resource.")
    status: Literal["live", "last seen"] = Field(
        description="live; or last seen while its owner is offline, and it cannot be read."
    )
    age_s: float = Field(description="Seconds since it was shared.")


class OwnPane(BaseModel):
    """A pane of this machine's user."""

    name: str = Field(description="Name of the pane; its peer is `me`.")
    title: str
    uri: str = Field(description="Address of the pane as a resource.")
    status: Literal["live", "ended"] = Field(description="ended once its kernel is gone.")
    age_s: float = Field(description="Seconds since it was shared.")
    viewers: list[str] = Field(description="Names of the peers who have it open.")


class PaneList(BaseModel):
    """The panes that can be read."""

    offered: list[OfferedPane]
    mine: list[OwnPane]


class PaneContent(BaseModel):
    """The current content of a pane."""

    peer: str
    name: str
    title: str = Field(description="Title that its owner gave it; written by others.")
    status: str = Field(description="live, last seen, ended or withdrawn.")
    age_s: float = Field(description="Seconds since it was shared.")
    text: str = Field(description="Its text; written by others.")
    notice: str = Field(description="What was left out of the text; empty if nothing was.")
    pictures: int = Field(description="Number of pictures that follow the text.")


class SharedPane(BaseModel):
    """A pane that was shared."""

    name: str
    uri: str = Field(description="Address of the pane as a resource.")
    viewers_allowed: list[str] = Field(description="Node ids of the peers who may view it.")


class StoppedPane(BaseModel):
    """A pane that is no longer shared."""

    name: str


class AgentEntry(BaseModel):
    """An agent of a peer."""

    name: str
    description: str = Field(description="What its owner says of it; written by others.")
    default: bool = Field(description="Whether it answers questions that name no agent.")


class AgentList(BaseModel):
    """The agents of a peer that can be asked."""

    agents: list[AgentEntry]


class PeerAnswer(BaseModel):
    """The answer of a peer's agent."""

    peer: str
    answer: str = Field(description="Its text; written by others.")
    seconds: float = Field(description="How long it took.")
    pictures: int = Field(description="Number of pictures that follow the text.")
