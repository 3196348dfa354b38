"""Set-up and addresses of a kernel's ZeroMQ sockets."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def prepare(socket: Any, info: Json) -> None:
    """Set up a socket to a kernel before it is connected."""
    socket.linger = 0
    if ":" in info.get("ip", ""):
        socket.ipv6 = True
    if info.get("curve_publickey"):
        socket.curve_secretkey = info["curve_secretkey"].encode()
        socket.curve_publickey = socket.curve_serverkey = info["curve_publickey"].encode()


def url_of(info: Json, channel: str) -> str:
    """Return the address of one of a kernel's channels."""
    separator = ":" if info["transport"] == "tcp" else "-"
    return f"{info['transport']}://{info['ip']}{separator}{info[f'{channel}_port']}"
