"""Finds Jupyter servers that run without a node, and the reason; used when no node is found."""

from __future__ import annotations

import contextlib
import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import msgspec

from ..errors import from_wire
from ..findings import Finding, failed
from ..phrase import phrase
from .servers import is_running

_TIMEOUT_S = 3.0
_MAX_ANSWER = 16 * 1024
_INSTALL = phrase(
    "restart it; check that `jupyter server extension list` in its environment shows jupyter_peer"
)


class JupyterServer(msgspec.Struct, frozen=True):
    """Jupyter's own file about a running server; its token opens the server."""

    url: str
    pid: int
    token: str = ""

    def __repr__(self) -> str:
        """Leave the token out."""
        return f"<JupyterServer {self.url}>"


def jupyter_servers(directory: Path) -> list[JupyterServer]:
    """Return the Jupyter servers of this user that run now.

    Args:
        directory: Jupyter's runtime directory.
    """
    found = []
    for path in sorted(directory.glob("jpserver-*.json")):
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            server = msgspec.json.decode(path.read_bytes(), type=JupyterServer)
            if is_running(server.pid) and server.url.startswith(("http://", "https://")):
                found.append(server)
    return found


def ask_why(server: JupyterServer) -> Finding:
    """Return why a server has no node, according to its own answer."""
    where = f"{server.url} (pid {server.pid})"
    status, body = _get(f"{server.url.rstrip('/')}/jupyter-peer/api/identity", server.token)
    if status == 503:
        error = from_wire(body)
        return failed(
            "server",
            phrase(
                "This Jupyter server runs, but its node could not start: {reason}.",
                reason=error.message.rstrip("."),
            ),
            error.hint_phrase,
            where,
            code=error.data.get("code", error.code),
        )
    if status == 404:
        return failed(
            "server",
            phrase(
                "This Jupyter server runs without jupyter-peer: it was started before that was "
                "installed, or from another environment."
            ),
            _INSTALL,
            where,
        )
    if status == 200:
        return failed(
            "server",
            phrase("This Jupyter server has a node, but could not write its runtime file."),
            phrase("read the reason in its log, and make the runtime directory writable"),
            where,
        )
    text = (
        phrase("This Jupyter server runs, and asks for a login.")
        if status in (302, 401, 403)
        else phrase("This Jupyter server runs, and does not answer.")
    )
    return failed(
        "server",
        text,
        phrase("read the reason in its log"),
        where,
    )


def _get(url: str, token: str) -> tuple[int, object]:
    """Return status and JSON of an answer; status 0 without an answer."""
    context = ssl.create_default_context()
    # A server's certificate is rarely for 127.0.0.1. The file of this user names the address.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}"})  # noqa: S310 - http(s) was checked
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as response:
            return int(response.status), _json(response.read(_MAX_ANSWER))
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _json(error.read(_MAX_ANSWER))
    except (OSError, ValueError):
        return 0, None


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
