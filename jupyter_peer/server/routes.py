"""All URLs of the extension, relative to the server's base URL."""

from __future__ import annotations

from typing import Any

from .control.socket import ControlWebSocketHandler
from .peer_ws import MountedPeerWebSocketHandler
from .rest.agents import AgentsHandler, AskPeerHandler
from .rest.base import NothingHere
from .rest.chat import ChatHandler
from .rest.invites import InviteHandler, InvitesHandler, OneInviteHandler
from .rest.lobby import JoinHandler, LobbyHandler, MembershipHandler, RoomsHandler, WhoHandler
from .rest.node import AuditHandler, DoctorHandler, IdentityHandler, MetricsHandler
from .rest.panes import PaneHandler, PanesHandler
from .rest.peers import ConnectHandler, PairHandler, PeerHandler, PeersHandler
from .viewer_page import ViewerHandler

API = r"/jupyter-peer/api"
_ONE = r"/([^/]+)"

ROUTES: list[tuple[str, type[Any]]] = [
    (API + r"/identity/?", IdentityHandler),
    (API + r"/metrics/?", MetricsHandler),
    (API + r"/audit/?", AuditHandler),
    (API + r"/doctor/?", DoctorHandler),
    (API + r"/peers/?", PeersHandler),
    (API + r"/peers" + _ONE, PeerHandler),
    (API + r"/pair/?", PairHandler),
    (API + r"/connect/?", ConnectHandler),
    (API + r"/invite/?", InviteHandler),
    (API + r"/invites/?", InvitesHandler),
    (API + r"/invites" + _ONE, OneInviteHandler),
    (API + r"/agents/?", AgentsHandler),
    (API + r"/ask-peer/?", AskPeerHandler),
    (API + r"/panes/?", PanesHandler),
    (API + r"/panes" + _ONE, PaneHandler),
    (API + r"/chat/?", ChatHandler),
    (API + r"/lobby/?", LobbyHandler),
    (API + r"/lobby/who/?", WhoHandler),
    (API + r"/rooms/?", RoomsHandler),
    (API + r"/rooms" + _ONE + r"/join/?", JoinHandler),
    (API + r"/rooms" + _ONE + r"/membership/?", MembershipHandler),
    (API + r"(?:/.*)?", NothingHere),
    (r"/jupyter-peer/viewer(?:/([^/]*))?", ViewerHandler),
    (r"/jupyter-peer/ws", ControlWebSocketHandler),
    (r"/peer-ws", MountedPeerWebSocketHandler),
]
