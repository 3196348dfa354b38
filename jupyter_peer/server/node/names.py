"""Names of a node before its user has chosen one: the user's name in Jupyter or in the system."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Mapping

from .jupyterhub import name_at_hub

#: Accounts that many people use, so their names alone do not identify a person.
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
    """Return Jupyter's name of the user of a request (``/api/me``); empty if it is random.

    Jupyter gives users with a token or password a random id and the name of a moon. Under a
    JupyterHub the name is known already, and other users may open a server that is shared with them.
    """
    if name_at_hub(environment):
        return ""
    username = str(getattr(user, "username", "") or "")
    if not username or _RANDOM_ID.fullmatch(username):
        return ""
    return str(getattr(user, "display_name", "") or getattr(user, "name", "") or username)
