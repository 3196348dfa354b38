"""nginx and Caddy before a server of a test, as the documentation writes them."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.machine.certificates import make_certificate
from tests.machine.needs import needs_program
from tests.machine.ports import free_port
from tests.machine.waiting import until_sync

PAGE = (Path(__file__).parents[2] / "docs" / "proxies.md").read_text(encoding="utf-8")
HOST = "jupyter.example"
PROXIES = ("nginx", "caddy")
ACCESS_LOG = "access.log"


def _example(kind: str) -> str:
    """Return the example of the documentation for a proxy."""
    (text,) = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


@contextlib.contextmanager
def proxied(kind: str, folder: Path, behind: str) -> Iterator[int]:
    """Run a proxy with TLS, as the documentation writes it, and yield its port.

    Args:
        kind: One of ``PROXIES``.
        folder: For its files and logs.
        behind: Host and port that it forwards to.
    """
    port = free_port()
    certificate, key = make_certificate(folder, HOST)
    text = (
        _example(kind)
        .replace("127.0.0.1:8888", behind)
        .replace("/etc/ssl/jupyter.pem", str(certificate))
        .replace("/etc/ssl/jupyter-key.pem", str(key))
    )
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            _COMMANDS[kind](folder, text, port), stdout=output, stderr=output
        )
    try:

        def answers() -> bool:
            assert process.poll() is None, (folder / "output").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        until_sync(answers, 20, "the proxy")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _nginx(folder: Path, text: str, port: int) -> list[str]:
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}")
    paths = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if Path("/root").owner() == "root" else ""
    (folder / "nginx.conf").write_text(
        f"daemon off; {user} pid {folder}/pid; error_log {folder}/log;\n"
        f"events {{}}\nhttp {{ access_log {folder}/{ACCESS_LOG}; {paths}\n{text} }}\n"
    )
    return [needs_program("nginx"), "-e", f"{folder}/log", "-c", f"{folder}/nginx.conf"]


def _caddy(folder: Path, text: str, port: int) -> list[str]:
    names = ", ".join(f"https://{host}:{port}" for host in (HOST, "localhost", "127.0.0.1"))
    options = (
        "{\n admin off\n auto_https disable_redirects\n default_bind 127.0.0.1\n"
        f" storage file_system {folder}\n}}\n"
    )
    (folder / "Caddyfile").write_text(options + text.replace(HOST, names))
    return [
        needs_program("caddy"),
        "run",
        "--adapter",
        "caddyfile",
        "--config",
        f"{folder}/Caddyfile",
    ]


_COMMANDS: dict[str, Callable[[Path, str, int], list[str]]] = {"nginx": _nginx, "caddy": _caddy}
