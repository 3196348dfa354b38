"""Recognises names and texts that look like secrets, so that the guide shows no content of them.

The lists have common words and forms. They cannot have every secret. Before an output is shared,
JupyterLab looks for the same in the page: ``secretwords.ts``. ``tests/vectors/secrets.json`` has
cases that both have to know.
"""

from __future__ import annotations

import re

_WORDS = frozenset(
    (
        *("auth", "authorization", "bearer", "cookie", "credential", "dsn", "invite", "jwt", "key"),
        *("pass", "passcode", "passphrase", "pin", "pwd"),
    )
)
_PARTS = re.compile(
    r"passw(?:or)?d?|secret|token|credential|api[_-]?key|private[_-]?key|access[_-]?key", re.I
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_VALUE = re.compile(
    r"jpeer1:"  # an invite of this program
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(?:sk|pk|rk)-[\w-]{16}|\bgh[pousr]_\w{16}|\bglpat-[\w-]{16}|\bhf_\w{16}|\bxox[a-z]-\w"
    r"|\bAKIA[0-9A-Z]{12}|\bAIza[\w-]{30}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\."  # a JSON web token
    r"|://[^/\s:@]*:[^/\s@]+@"  # a password in a URL
)


def is_secret_name(name: str) -> bool:
    """Return whether a variable, key or column of this name probably holds a secret."""
    words = [word.lower() for word in _WORD.findall(name)]
    plurals = [word.removesuffix("s") for word in words]
    return not _WORDS.isdisjoint([*words, *plurals]) or _PARTS.search(name) is not None


def is_secret_text(text: str) -> bool:
    """Return whether a text contains something of the form of a known kind of secret."""
    return _VALUE.search(text) is not None
