"""Facts from the JupyterHub that has started a server: its address, its user, its own name.

The Hub sets them as environment variables before any page is opened. See
https://jupyterhub.readthedocs.io/en/stable/reference/services.html and ``Spawner.get_env``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from .addresses import is_host, peer_address

#: Characters of a server's name that a folder's name may have.
_LONGEST_FOLDER = 100


def address_at_hub(environment: Mapping[str, str]) -> str | None:
    """Return the address that a JupyterHub names for this server; None without one.

    ``JUPYTERHUB_PUBLIC_URL`` is the server's own public URL (JupyterHub 5 and later, where its
    administrator has set one), and ``JUPYTERHUB_SERVICE_PREFIX`` the path below which the Hub
    passes requests on to it. A Hub for one machine alone has a loopback address, which stays
    when the server's own port changes.
    """
    url = environment.get("JUPYTERHUB_PUBLIC_URL", "")
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not is_host(parts.netloc):
        return None
    base_url = environment.get("JUPYTERHUB_SERVICE_PREFIX") or parts.path
    return peer_address(parts.scheme, parts.netloc, f"/{base_url.strip('/')}/".replace("//", "/"))


def name_at_hub(environment: Mapping[str, str]) -> str:
    """Return the Hub's name of the user, with the name of a named server; empty without a Hub."""
    user = environment.get("JUPYTERHUB_USER", "").strip()
    server = _server_name(environment)
    return f"{user}-{server}" if user and server else user


def folder_at_hub(environment: Mapping[str, str]) -> str:
    """Return the name of the data directory: each named server of a user has one of its own.

    All servers of a user may share one home directory. With one data directory, the order of their
    starts would decide which server gets which identity.
    """
    server = _server_name(environment)
    if not server:
        return "peer"
    escaped = quote(server, safe="")
    if len(escaped) > _LONGEST_FOLDER:
        escaped = hashlib.sha256(server.encode()).hexdigest()
    return f"peer-server-{escaped}"


def _server_name(environment: Mapping[str, str]) -> str:
    return environment.get("JUPYTERHUB_SERVER_NAME", "").strip()
