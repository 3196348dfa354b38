"""Secrets that open the control socket to this server's own kernels and command line.

A kernel cannot log in as a user would, so it reads a secret from a file of mode 0600 that its
environment names. The secret opens the control socket alone, from this machine alone, expires with
its kernel, and identifies the kernel that calls: one kernel cannot pose as another.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable

import msgspec

SCHEME = "peer-secret"
SECRET_BYTES = 32


class Caller(msgspec.Struct, frozen=True):
    """A caller of operations.

    Attributes:
        kind: ``browser``, ``kernel`` or ``command line``.
        kernel_id: The kernel that calls; None for the others.
    """

    kind: str
    kernel_id: str | None = None


BROWSER = Caller("browser")
COMMAND_LINE = Caller("command line")


class Secrets:
    """The secrets that are valid now.

    Args:
        is_alive: Returns whether a kernel still runs; called when its secret is used.
    """

    def __init__(self, is_alive: Callable[[str], bool] = lambda _: True) -> None:
        self._is_alive = is_alive
        self._callers: dict[str, Caller] = {}
        self._started: set[str] = set()

    def mint(self, caller: Caller) -> str:
        """Return a new secret for the caller; a kernel's older secret is revoked."""
        if caller.kernel_id is not None:
            self.drop_kernel(caller.kernel_id)
        secret = secrets.token_urlsafe(SECRET_BYTES)
        self._callers[secret] = caller
        return secret

    def kernel_started(self, kernel_id: str) -> None:
        """Record that the kernel started; until then its secret is valid without a check."""
        self._started.add(kernel_id)

    def drop_kernel(self, kernel_id: str) -> None:
        """Revoke the secret of a kernel that ended."""
        self._started.discard(kernel_id)
        self._callers = {
            secret: caller
            for secret, caller in self._callers.items()
            if caller.kernel_id != kernel_id
        }

    def live(self) -> list[str]:
        """Return all valid secrets, for code that must not show them."""
        return list(self._callers)

    def caller(self, secret: str) -> Caller | None:
        """Return the owner of a secret; every secret is compared in constant time."""
        given, found = secret.encode("utf-8", "surrogatepass"), None
        for known, caller in self._callers.items():
            if hmac.compare_digest(known.encode(), given):
                found = caller
        if found is None or found.kernel_id is None or found.kernel_id not in self._started:
            return found
        if self._is_alive(found.kernel_id):
            return found
        self.drop_kernel(found.kernel_id)
        return None

    def caller_of_header(self, authorization: str) -> Caller | None:
        """Return the sender of an ``Authorization: peer-secret ...`` header; None if unknown."""
        scheme, _, secret = authorization.partition(" ")
        return self.caller(secret.strip()) if scheme.lower() == SCHEME else None


def is_secret_header(authorization: str) -> bool:
    """Return whether a request authenticates by a secret, valid or not."""
    return authorization.partition(" ")[0].lower() == SCHEME
