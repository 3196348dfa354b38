"""What a test needs from the system; without it the test skips, or fails where all must run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess

import pytest

# Debian's package of each program, for the message.
_PACKAGES = {
    "chromium": "chromium",
    "firefox-esr": "firefox-esr",
    "ip": "iproute2",
    "iptables": "iptables",
    "iptables-restore": "iptables",
    "caddy": "caddy",
    "nats-server": "nats-server",
    "nginx": "nginx-light",
    "ss": "iproute2",
    "tc": "iproute2",
    "turnserver": "coturn",
}
_NAMES = {"chromium": ("chromium", "chromium-browser", "google-chrome")}


def all_required() -> bool:
    """Whether ``JUPYTER_PEER_REQUIRE_ALL=1`` says that a missing part is a failure."""
    return os.environ.get("JUPYTER_PEER_REQUIRE_ALL") == "1"


def missing(reason: str) -> None:
    """Skip the running test with the reason, or fail it where all must run."""
    if all_required():
        pytest.fail(f"{reason} (JUPYTER_PEER_REQUIRE_ALL=1 asks for every part)", pytrace=False)
    pytest.skip(reason)


def needs_program(name: str) -> str:
    """Return the path of a system program; ``JUPYTER_PEER_<NAME>`` overrides the search."""
    override = os.environ.get(f"JUPYTER_PEER_{name.upper().replace('-', '_')}")
    for candidate in (override,) if override else _NAMES.get(name, (name,)):
        # Debian keeps daemons and network tools outside an ordinary user's PATH.
        path = shutil.which(candidate) or shutil.which(candidate, path="/usr/sbin:/sbin")
        if path:
            return path
    missing(f"no {name} on this machine: apt-get install {_PACKAGES.get(name, name)}")
    raise AssertionError("unreachable")


def needs_module(name: str, extra: str | None = None) -> None:
    """Require an optional Python package."""
    if importlib.util.find_spec(name) is None:
        missing(
            f"no Python package {name}: pip install {f'jupyter-peer[{extra}]' if extra else name}"
        )


def needs_network_namespaces() -> None:
    """Require the right to make network namespaces and to filter packets in them."""
    ip = needs_program("ip")
    needs_program("iptables")
    name = f"jpeer-probe-{os.getpid()}"
    made = subprocess.run([ip, "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        missing(f"no right to make network namespaces: {made.stderr.strip()}")
    subprocess.run([ip, "netns", "del", name], capture_output=True, check=False)
