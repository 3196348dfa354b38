"""All URLs of the extension, relative to the server's base URL."""

from __future__ import annotations

from typing import Any

from ...control.table import OPERATIONS
from ..control.socket import ControlWebSocketHandler
from ..rest.base import NothingHere
from ..rest.operations import routes_of
from .peer_ws import (
    MountedGuestPageHandler,
    MountedGuestWebSocketHandler,
    MountedPeerWebSocketHandler,
)
from .viewer_page import ViewerHandler

API = r"/jupyter-peer/api"

ROUTES: list[tuple[str, type[Any]]] = [
    *routes_of(OPERATIONS.values(), API),
    (API + r"(?:/.*)?", NothingHere),
    (r"/jupyter-peer/viewer(?:/([^/]*))?", ViewerHandler),
    (r"/jupyter-peer/ws", ControlWebSocketHandler),
    (r"/jupyter-peer/s/(.*)", MountedGuestPageHandler),
    (r"/peer-ws", MountedPeerWebSocketHandler),
    (r"/guest-ws", MountedGuestWebSocketHandler),
]
