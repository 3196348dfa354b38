"""The calls of a client: each written once, offered as a blocking method and as a coroutine.

A call asks the server for one operation of the table and wraps its result.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence

from ..errors import BadRequestError
from .bridge import exposed
from .connection import Connection, Json
from .durations import parse_duration
from .results.agent_results import Agents
from .results.chat import ChatLine, ChatLines
from .results.codes import SpokenCode
from .results.findings import Findings
from .results.links import Link, Links
from .results.reach import Reach
from .results.results import (
    AuditLog,
    Done,
    Identity,
    Invite,
    Invites,
    Panes,
    Peer,
    Peers,
    Record,
    granted,
)
from .results.rooms import Lobby, Room, Rooms, Who

Steps = Callable[[Json], None]

_GLANCED = ("peers", "panes", "invites", "links", "lobby", "agents")
GRANTS = ("view", "interact")
_ADDRESS = re.compile(r"\w+://.+|.+:\d+(/.*)?")


class Calls:
    """The calls that both kinds of clients offer; ``self`` is their :class:`.ServerCore`."""

    _ask: Callable[..., Awaitable[Json]]
    _connection: Connection

    @exposed
    async def whoami(self) -> Identity:
        """Return this node's identity: id, name, fingerprint, addresses, capabilities."""
        return Identity(await self._ask("identity"))

    @exposed
    async def name(self, name: str) -> Identity:
        """Set this node's cosmetic name."""
        return Identity(await self._ask("set_name", {"name": name}))

    @exposed
    async def reach(
        self,
        mode: str | None = None,
        relay_url: str | None = None,
        port: int | None = None,
        on_progress: Steps | None = None,
    ) -> Reach:
        """Return who can reach this node, or choose it; a choice is applied at once and kept.

        Args:
            mode: ``local`` (this computer), ``network`` (this network), ``relay`` (anywhere, by a
                relay) or ``webrtc`` (through routers); None changes nothing.
            relay_url: The relay, for ``relay`` and ``webrtc``; None for the last one.
            port: The port that ``network`` opens; None for the last one (9797 at first) or a free one.
            on_progress: Called with ``{step, address, ok, message}`` on the way.

        Raises:
            BadRequestError: There is no such mode, no relay is known, or the port is in use.
            NotEnabledError: What the mode needs is not installed or is switched off.
        """
        if mode is None:
            return Reach(await self._ask("reach"))
        params = {"mode": mode, "relay_url": relay_url, "port": port}
        return Reach(await self._ask("set_reach", params, on_progress=on_progress))

    @exposed
    async def invite(
        self, ttl: str | float | None = None, note: str = "", code: bool = False
    ) -> Invite | SpokenCode:
        """Mint a single-use invite; the result is its text.

        Args:
            ttl: Its life: ``"24h"``, ``"10m"``, ``"90s"`` or seconds; None for the configured one.
            note: For your own list of invites.
            code: Whether to return a code that one can say instead, valid for ten minutes at most.

        Raises:
            BadRequestError: ``ttl`` is not a duration, or longer than allowed.
            NotEnabledError: A code needs a relay, and this node has none.
        """
        params: Json = {"note": note}
        if code:
            params["code"] = True
        if ttl is not None:
            params["ttl_s"] = parse_duration(ttl)
        answer = await self._ask("invite", params)
        if code:
            return SpokenCode(
                answer["code"], id=answer["id"], expires=answer["expires"], invite=answer["invite"]
            )
        return Invite(
            answer["invite"],
            id=answer["id"],
            expires=answer["expires"],
            note=note,
            local_only=answer["local_only"],
        )

    @exposed
    async def invites(self) -> Invites:
        """Return the invites this node made, newest first, without their texts."""
        return Invites((await self._ask("invites"))["invites"])

    @exposed
    async def revoke(self, id: str) -> Done:
        """Revoke an unused invite.

        Raises:
            LookupFailedError: No invite has this id.
        """
        # An Invite is a str, but its text is not its id.
        known = id.id if isinstance(id, Invite | SpokenCode) else id
        await self._ask("revoke_invite", {"id": known})
        return Done(f"invite {known} cannot be used any more")

    @exposed
    async def pair(self, invite: str, on_progress: Steps | None = None) -> Peer:
        """Redeem another node's invite; return the peer once both sides trust each other.

        Args:
            invite: The text that starts with ``jpeer1:``, or a code such as ``7-adult-amulet``.
            on_progress: Called with ``{step, address, ok, message}`` for each path that is tried.

        Raises:
            InviteMalformedError: It is not an invite.
            CodeUnknownError, CodeWrongError: Nobody waits for this code, or its words are wrong.
            RefusedError: The invite is used, expired, revoked or unknown, or the wrong node
                answered.
            UnreachableError: No path leads there.
        """
        answer = await self._ask("pair", {"invite": str(invite)}, on_progress=on_progress)
        return Peer(answer["peer"])

    @exposed
    async def connect(self, target: str, on_progress: Steps | None = None) -> Peer:
        """Dial a known peer (by any of its names) or an address.

        Raises:
            UnreachableError: Nobody answers there.
            RefusedError: The other side refused.
        """
        key = "address" if _ADDRESS.fullmatch(target) else "node_id"
        answer = await self._ask("connect", {key: target}, on_progress=on_progress)
        return Peer(answer["peer"])

    @exposed
    async def peers(self) -> Peers:
        """Return all peers."""
        answer = await self._ask("peers")
        return Peers(answer["peers"], answer.get("self") or {}, answer.get("found") or ())

    @exposed
    async def disconnect(self, peer: str) -> Peer:
        """Close the link to a peer until one side connects again."""
        return await self._peer("disconnect", peer)

    @exposed
    async def block(self, peer: str) -> Peer:
        """Refuse a peer from now on, and end its link and views at once."""
        return await self._peer("block", peer)

    @exposed
    async def unblock(self, peer: str) -> Peer:
        """Accept a blocked peer again."""
        return await self._peer("unblock", peer)

    @exposed
    async def forget(self, peer: str) -> Done:
        """Forget a peer, its grants included; it needs a new invite to come back."""
        await self._ask("forget", {"peer": peer})
        return Done(f"{peer} is forgotten; to connect again takes a new invite")

    @exposed
    async def alias(self, peer: str, alias: str | None) -> Peer:
        """Set your own name for a peer, or remove it with None."""
        return Peer((await self._ask("alias", {"peer": peer, "alias": alias}))["peer"])

    @exposed
    async def ping(self, peer: str) -> float:
        """Measure the round trip to a peer, in milliseconds."""
        return float((await self._ask("ping", {"peer": peer}))["rtt_ms"])

    @exposed
    async def metrics(self) -> Record:
        """Return figures of each link, by node id."""
        return Record((await self._ask("metrics"))["peers"])

    @exposed
    async def log(self, limit: int = 50) -> AuditLog:
        """Return the newest entries of the audit log."""
        entries, peers = await asyncio.gather(
            self._ask("audit", {"limit": limit}), self._ask("peers")
        )
        return AuditLog(entries["audit"], peers["peers"])

    @exposed
    async def doctor(self, peer: str | None = None, on_progress: Steps | None = None) -> Findings:
        """Check the connections of this node, or each path to one peer.

        Args:
            peer: Any of its names; None for this node.
            on_progress: Called with ``{step, address, ok, message}`` on the way.

        Raises:
            UnknownPeerError: No peer has this name.
        """
        params = {} if peer is None else {"peer": peer}
        answer = await self._ask("doctor", params, on_progress=on_progress)
        return Findings(answer["findings"], answer)

    @exposed
    async def panes(self) -> Panes:
        """Return ``mine`` and those ``offered`` to this node."""
        panes, peers = await asyncio.gather(self._ask("panes"), self._ask("peers"))
        return Panes(panes, peers["peers"])

    @exposed
    async def read(self, name: str) -> list[Json]:
        """Return the outputs that one of your panes shows now, as nbformat has them.

        Raises:
            UnknownPaneError: You share none of this name, or its kernel is gone.
        """
        outputs: list[Json] = (await self._ask("read", {"name": name}))["outputs"]
        return outputs

    @exposed
    async def grant(self, name: str, peer: str, grant: str) -> Done:
        """Let a peer ``view`` a pane, ``interact`` with it, or ``none`` of both any more."""
        check_grant(grant, (*GRANTS, "none"))
        answer = await self._ask("grant", {"name": name, "peer": peer, "grant": grant})
        return Done(granted(name, peer, grant), answer.get("pane"))

    @exposed
    async def unshare(self, name: str) -> Done:
        """Stop sharing a pane."""
        await self._ask("unshare", {"name": name})
        return Done(f"{name} is not shared any more")

    @exposed
    async def link(
        self,
        pane: str,
        ttl: str | float | None = None,
        grant: str = "view",
        max_guests: int | None = None,
    ) -> Link:
        """Make a link that opens one of your panes in any browser; the result is its URL.

        Args:
            pane: One of your panes.
            ttl: Its life: ``"8h"``, ``"10m"`` or seconds; None for 8 hours.
            grant: What guests may do: ``view``, or ``interact`` to use its widgets too.
            max_guests: How many may have it open at once; None for 64.

        Raises:
            UnknownPaneError: You share no pane of this name.
            BadRequestError: A value is out of range.
            NotEnabledError: No browser can reach this node.
        """
        check_grant(grant, GRANTS)
        params: Json = {"pane": pane, "grant": grant}
        if ttl is not None:
            params["ttl_s"] = parse_duration(ttl)
        if max_guests is not None:
            params["max_guests"] = max_guests
        answer = await self._ask("link", params)
        return Link(
            answer["link"], id=answer["id"], expires=answer["expires"], pane=pane, grant=grant
        )

    @exposed
    async def links(self) -> Links:
        """Return your guest links, newest first, each with the guests who have it open."""
        return Links((await self._ask("links"))["links"])

    @exposed
    async def unlink(self, id: str) -> Done:
        """Stop a guest link and cut off its guests.

        Raises:
            LookupFailedError: No link has this id.
        """
        # A Link is a str, but its text is not its id.
        known = id.id if isinstance(id, Link) else id
        await self._ask("unlink", {"id": known})
        return Done(f"guest link {known} is stopped")

    @exposed
    async def drop_guest(self, id: str, guest: str) -> Done:
        """Cut off one guest of a link for good; the others stay.

        Args:
            id: Of the link.
            guest: Of the guest, as :meth:`links` shows it.

        Raises:
            LookupFailedError: No link has this id.
            NotGrantedError: No such guest has it open.
        """
        known = id.id if isinstance(id, Link) else id
        await self._ask("drop_guest", {"id": known, "guest": guest})
        return Done(f"guest {guest} is cut off")

    @exposed
    async def chat(self, peer: str, text: str) -> ChatLine:
        """Send a line to a connected peer; return when it has arrived.

        Args:
            peer: Any of its names.
            text: Plain text of up to 16 KiB.

        Raises:
            UnknownPeerError: No peer has this name.
            BadRequestError, TooLargeError: The text is empty, or too long.
            NotConnectedError: The peer is not connected.
            UnsupportedError: Its version has no chat.
            RefusedError: One side is blocked or not trusted, or too many lines came at once.
        """
        answer = await self._ask("chat", {"peer": peer, "text": text})
        return ChatLine(answer["line"])

    @exposed
    async def chats(self, peer: str | None = None, limit: int = 50) -> ChatLines:
        """Return the newest lines with one peer, or with all, and mark them as read.

        The server keeps the last lines of each peer in memory until it stops.

        Raises:
            UnknownPeerError: No peer has this name.
        """
        params: Json = {"limit": limit, "seen": True}
        answer = await self._ask("chats", params if peer is None else {**params, "peer": peer})
        return ChatLines(answer["lines"], peer)

    @exposed
    async def unread(self) -> Record:
        """Return the number of unread lines of each peer, by node id; mark none as read."""
        return Record((await self._ask("chats", {"limit": 1}))["unread"])

    @exposed
    async def agents(self) -> Agents:
        """Return the agents of this node, and their mode."""
        return Agents(await self._ask("agents"))

    @exposed
    async def agent_on(self, agent: str | None = None, mode: str | None = None) -> Agents:
        """Let peers ask agents here, until the server ends or :meth:`agent_off`.

        Args:
            agent: Answers questions that name no agent. None takes the newest, or without any the
                built-in reader, which finds lines in the panes a peer may see.
            mode: ``read-only``, or ``ask``: you decide on each call of a tool that does more.

        Raises:
            UnknownAgentError: There is no such agent.
        """
        if mode not in (None, "read-only", "ask"):
            raise BadRequestError(f"{mode!r} is not a mode", hint="use read-only or ask")
        return Agents(await self._ask("agent_on", {"agent": agent, "mode": mode}))

    @exposed
    async def agent_off(self) -> Agents:
        """Stop peers from asking, and end running turns."""
        return Agents(await self._ask("agent_off"))

    @exposed
    async def stop_turn(self, turn: int) -> Agents:
        """Stop answering one question; its asker is told. :meth:`agents` lists the turns that run.

        Raises:
            LookupFailedError: The turn is over.
        """
        return Agents(await self._ask("stop_turn", {"turn": turn}))

    @exposed
    async def approvals(self, watching: bool = True) -> list[Record]:
        """Return the tool calls that await your decision, oldest first.

        Args:
            watching: Whether this client shows them to you from now on. A call is refused at once
                when nothing shows it.
        """
        answer = await self._ask("approvals", {"watching": watching})
        return [Record(each) for each in answer["approvals"]]

    @exposed
    async def approve(self, id: int, allow: bool, for_turn: bool = False) -> Done:
        """Allow one call of a tool, or refuse it.

        Args:
            id: Of the call.
            allow: Whether it may run.
            for_turn: Whether a yes is for every call of this tool until the turn ends.

        Raises:
            LookupFailedError: It was answered already, or has expired.
        """
        await self._ask("approve", {"id": id, "allow": allow, "for_turn": for_turn})
        return Done(
            "refused" if not allow else "allowed for this turn" if for_turn else "allowed once"
        )

    @exposed
    async def lobby(self) -> Lobby:
        """Return the state of the connection to the lobby."""
        return Lobby(await self._ask("lobby"))

    @exposed
    async def lobby_on(self) -> Lobby:
        """List this node at the lobby: its name, id and capabilities.

        Raises:
            NotEnabledError: No lobby is set.
        """
        return Lobby(await self._ask("lobby_on"))

    @exposed
    async def lobby_off(self) -> Lobby:
        """Remove this node from the lobby's list and from all rooms.

        Raises:
            NotEnabledError: No lobby is set.
        """
        return Lobby(await self._ask("lobby_off"))

    @exposed
    async def lobby_who(self) -> Who:
        """Return who is listed at the lobby.

        Raises:
            NotEnabledError, LinkError: No lobby is set, or it does not answer.
        """
        return Who((await self._ask("lobby_who"))["nodes"])

    @exposed
    async def rooms(self) -> Rooms:
        """Return the rooms this node is in, with their members, and the public ones.

        Raises:
            NotEnabledError, LinkError: No lobby is set, or it does not answer.
        """
        return Rooms((await self._ask("rooms"))["rooms"])

    @exposed
    async def create_room(
        self,
        name: str,
        visibility: str = "unlisted",
        join_policy: str = "open",
        group: str | None = None,
    ) -> Room:
        """Create a room and enter it.

        Args:
            name: 1 to 64 letters, digits, dots, dashes and underscores.
            visibility: ``public`` lists it for everybody at the lobby; ``unlisted`` does not.
            join_policy: Who may enter: ``open`` (everybody who knows the name), ``token`` (holders of
                the token in the result) or ``directory`` (members of the lobby's directory).
            group: With ``directory``: only members of this group.

        Raises:
            RoomExistsError, RoomRefusedError, NotEnabledError, LinkError: No room was created.
        """
        params = {"name": name, "visibility": visibility, "join_policy": join_policy}
        return Room(await self._ask("create_room", {**params, "group": group}))

    @exposed
    async def join_room(self, name: str, token: str | None = None) -> Room:
        """Enter a room; members see each other, and each other's addresses.

        Raises:
            UnknownRoomError, RoomRefusedError, NotEnabledError, LinkError: It was not entered.
        """
        return Room(await self._ask("join_room", {"name": name, "token": token}))

    @exposed
    async def leave_room(self, name: str) -> Done:
        """Leave a room.

        Raises:
            UnknownRoomError: This node is not in it.
        """
        await self._ask("leave_room", {"name": name})
        return Done(f"you have left {name}")

    @exposed
    async def glance(self, patience: float = 0.5) -> Record:
        """Return what completion offers, by operation (``peers``, ``links``, ...); never fails.

        A part that the server does not return within ``patience`` seconds is the last known one.
        """
        answers = await asyncio.gather(
            *(self._ask(op, timeout=patience) for op in _GLANCED),
            return_exceptions=True,
        )
        newest = self._connection.newest
        peers, panes, invites, links, lobby, agents = (
            newest.get(op, {}) if isinstance(answer, BaseException) else answer
            for op, answer in zip(_GLANCED, answers, strict=True)
        )
        return Record(
            peers=Peers(peers.get("peers", ()), peers.get("self", {}), peers.get("found", ())),
            panes=Panes(panes),
            invites=Invites(invites.get("invites", ())),
            links=Links(links.get("links", ())),
            lobby=Lobby(lobby),
            agents=Agents(agents),
        )

    @exposed
    async def ready(self) -> None:
        """Wait until the server is connected.

        Raises:
            NoServerError: It does not answer.
            UnauthorizedError: It does not accept the secret.
        """
        await self._connection.ready()

    async def _peer(self, op: str, peer: str) -> Peer:
        return Peer((await self._ask(op, {"peer": peer}))["peer"])


def check_grant(grant: str, grants: Sequence[str]) -> None:
    """Check that a grant is one of a few.

    Raises:
        BadRequestError: It is none of them.
    """
    if grant not in grants:
        raise BadRequestError(f"{grant!r} is not a grant", hint=f"use {' or '.join(grants)}")
