"""What commands write: results to stdout, everything about them to stderr.

So a result can be piped or caught in a variable while its reader still sees what goes on.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from ...errors import PeerError, to_wire
from ...server_client.results.markup import clean, line

_MAGIC = re.compile(r"%%?peer( [a-z]+)?")


def tell(text: str) -> None:
    """Write a result for people."""
    sys.stdout.write(clean(text) + "\n")
    sys.stdout.flush()


def remark(text: str) -> None:
    """Write something about a result, or on the way to it."""
    sys.stderr.write(clean(text) + "\n")
    sys.stderr.flush()


def tell_json(value: Any) -> None:
    """Write a result for programs. What is not ASCII is escaped, so no name acts on a terminal."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
    sys.stdout.flush()


def for_terminals(text: str) -> str:
    """Return a text with the magics it names turned to this program."""
    return _MAGIC.sub(r"`jupyter peer\1`", text)


def describe(error: PeerError) -> str:
    """Return ``code: message (hint)``, with hints about magics turned to this program."""
    text = to_wire(error)
    code = error.data.get("code", text["code"])
    hint = for_terminals(text["hint"])
    return line(f"{code}: {text['message']}" + (f" ({hint})" if hint else ""), 2000)
