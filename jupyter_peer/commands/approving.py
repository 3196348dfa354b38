"""Asks a person at a terminal about the tool calls that wait, one after the other."""

from __future__ import annotations

import queue
import sys

from ..errors import LookupFailedError
from ..server_client.client import Client
from ..server_client.results.approvals import Approvals, describe
from ..server_client.results.drawing.blocks import text_of
from ..server_client.results.drawing.shown import Record
from .terminal import describe as describe_error, remark, tell

#: What a person can type, and what it decides: whether the call may run, and for the whole turn.
_ANSWERS = {
    "once": (True, False),
    "turn": (True, True),
    "no": (False, False),
}
_PROMPT = "Type once, turn (every call of {tool} until the turn ends) or no; Enter decides later:"


def is_at_terminal() -> bool:
    """Return whether a person reads and types here."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def decide_by_hand(client: Client) -> Approvals:
    """Ask about each waiting or new call until the input ends or Ctrl-C; return the waiting calls.

    Until then this terminal counts as a place where the owner can be asked.
    """
    changes: queue.SimpleQueue[object] = queue.SimpleQueue()
    ends = [client.on_event(event, changes.put) for event in ("approval", "link")]
    put_off: set[int] = set()
    try:
        waiting = client.approvals()
        remark("Calls that come are asked here too. Ctrl-C ends this.")
        while True:
            asked = next((each for each in waiting if each["id"] not in put_off), None)
            if asked is None:
                changes.get()
            elif not _decide(client, asked):
                put_off.add(asked["id"])
            waiting = client.approvals()
    except (KeyboardInterrupt, EOFError):
        return client.approvals(watching=False)
    finally:
        for end in ends:
            end()


def _decide(client: Client, approval: Record) -> bool:
    """Ask about one call; return False if the person decides later.

    Raises:
        EOFError: The input has ended.
    """
    tell(text_of(describe(approval)))
    while True:
        remark(_PROMPT.format(tool=approval["tool"]))
        typed = sys.stdin.readline()
        if not typed:
            raise EOFError
        word = typed.strip().lower()
        if not word:
            return False
        if word in _ANSWERS:
            break
        remark("This is not one of the answers.")
    allow, for_turn = _ANSWERS[word]
    try:
        remark(client.approve(approval["id"], allow, for_turn).to_text())
    except LookupFailedError as error:
        remark(describe_error(error))
    return True
