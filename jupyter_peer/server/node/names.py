"""What a node is called before its user has given it a name: what Jupyter or the system calls them."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Mapping

from .jupyterhub import name_at_hub

#: Accounts that many people have: their names alone tell nobody apart.
_SHARED = {
    "",
    "admin",
    "codespace",
    "ec2-user",
    "jovyan",
    "jupyter",
    "root",
    "ubuntu",
    "user",
    "vscode",
}
_RANDOM_ID = re.compile(r"[0-9a-f]{32}")
_LONGEST = 64


def name_of_user(environment: Mapping[str, str]) -> str:
    """Return the user's name at the Hub or of the account; a shared account's with the machine's."""
    at_hub = name_at_hub(environment)
    if at_hub:
        return at_hub[:_LONGEST]
    try:
        account = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user id without an account, as in containers
        account = ""
    if account.casefold() not in _SHARED:
        return account[:_LONGEST]
    machine = socket.gethostname().partition(".")[0]
    return f"{account or 'jupyter'}@{machine}"[:_LONGEST]


def name_in_jupyter(user: object, environment: Mapping[str, str]) -> str:
    """Return what Jupyter calls the user of a request, as ``/api/me`` does; empty if by chance.

    Jupyter gives who comes with a token or password a random id and the name of a moon. A
    JupyterHub has named its user already, and lets others open a server that is shared with them.
    """
    if name_at_hub(environment):
        return ""
    username = str(getattr(user, "username", "") or "")
    if not username or _RANDOM_ID.fullmatch(username):
        return ""
    return str(getattr(user, "display_name", "") or getattr(user, "name", "") or username)
