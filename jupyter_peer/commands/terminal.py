"""Writes results to stdout, and notes, steps and errors to stderr.

So a result can be piped or stored in a variable while a person still sees the progress.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import PeerError, from_wire, to_wire
from ..server_client.command_table.command import MisuseError
from ..server_client.results.drawing.blocks import for_terminals as for_terminals
from ..server_client.results.drawing.markup import clean, line
from ..server_client.results.drawing.shown import Shown


def tell(text: str) -> None:
    """Write a result for people."""
    sys.stdout.write(clean(text) + "\n")
    sys.stdout.flush()


def remark(text: str) -> None:
    """Write a note about a result, or a step on the way to it."""
    sys.stderr.write(clean(text) + "\n")
    sys.stderr.flush()


def tell_json(value: Any) -> None:
    """Write a result for programs. Only ASCII is not escaped, so no name controls a terminal."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
    sys.stdout.flush()


def write(result: Shown, *, as_json: bool, key: str = "") -> None:
    """Write a result to stdout and its notes to stderr, or its JSON to stdout.

    Args:
        result: The result.
        as_json: Whether to write JSON.
        key: Key of the result in the JSON; empty to write the result itself.
    """
    if as_json:
        answer = result.to_json()
        tell_json({key: answer} if key else answer)
        return
    text, notes = result.to_terminal()
    if text:
        tell(text)
    if notes:
        remark(notes)


@contextlib.contextmanager
def errors_as_json(as_json: bool) -> Iterator[None]:
    """Write an error as JSON to stdout as well, before the caller sees it."""
    try:
        yield
    except PeerError as error:
        if as_json and not isinstance(error, MisuseError):
            tell_json({"error": to_wire(error)})
        raise


def describe(error: PeerError) -> str:
    """Return ``code: message (hint)``; magics in the hint become commands of this program."""
    text = to_wire(error)
    code = error.data.get("code", text["code"])
    hint = for_terminals(text["hint"])
    return line(f"{code}: {text['message']}" + (f" ({hint})" if hint else ""), 2000)


def tell_step(step: Mapping[str, Any]) -> None:
    """Write one step: an address that is tried, fails or works, or how many checks are done."""
    address = line(step.get("address") or "")
    if not address:
        if sys.stderr.isatty():
            ended = "\n" if step.get("ok") else ""
            sys.stderr.write(f"\r{line(step.get('message') or '')}{ended}")
            sys.stderr.flush()
    elif step.get("ok") is None:
        remark(f"trying {address} ...")
    elif step["ok"]:
        remark(f"connected by {address}")
    else:
        remark(f"  {address}: {describe(from_wire(step))}")
