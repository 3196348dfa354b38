"""Displays of an agent in a turn: objects that it returns, yields or displays.

A turn's pictures stay in the turn. ``display`` in a turn adds to the answer instead of the owner's
cell, and pyplot has figures of its own in each turn: those of a turn would otherwise appear in the
owner's next cell.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from ...document.outputs import weigh_held
from ...errors import AgentFailedError, AnswerTooLongError
from ..connection import Json
from ..results.answers import Answer, AnswerDisplay
from ..views.cell import interactive_shell
from ..views.mime import mime_bundle
from .turn import current

#: Bytes of one display; the server receives frames of 10 MiB.
MAX_DISPLAY = 8 * 1024 * 1024
#: Characters of one piece of text.
PIECE = 256 * 1024


def pieces_of(given: object) -> Iterator[Json]:
    """Return the parameters of ``turn_write`` for a value of an agent.

    Raises:
        AgentFailedError: It cannot be sent to anybody.
    """
    if isinstance(given, Answer):
        for part in given.parts:
            yield from pieces_of(part)
    elif isinstance(given, AnswerDisplay):
        yield {"display": given.bundle}
    elif isinstance(given, str):
        for at in range(0, len(given), PIECE):
            yield {"text": given[at : at + PIECE]}
    else:
        yield displayed(_bundle(given))


def displayed(bundle: Json) -> Json:
    """Return a display as parameters of ``turn_write``.

    Raises:
        AnswerTooLongError: The display is too large.
    """
    if (size := weigh_held(bundle)) > MAX_DISPLAY:
        raise AnswerTooLongError(
            f"something that the agent shows has {size / 1024**2:.0f} MiB, and may have "
            f"{MAX_DISPLAY // 1024**2}",
            hint="show a smaller picture, or fewer rows",
        )
    return {"display": bundle}


def _bundle(given: object) -> Json:
    bundle = mime_bundle(given)
    if set(bundle["data"]) <= {"text/plain"} and type(given).__repr__ is object.__repr__:
        raise AgentFailedError(
            f"the agent gave a {type(given).__name__}, which cannot be displayed",
            hint="its owner returns or yields text, or an object that a cell can display",
        )
    return bundle


def hold_displays() -> None:
    """Add displays of a turn on this thread to its answer."""
    # Publishers of kernels have hooks, each for one thread.
    publisher = getattr(interactive_shell(), "display_pub", None)
    register = getattr(publisher, "register_hook", None)
    if register is not None:
        register(_to_turn)


def _to_turn(message: Json) -> Json | None:
    turn = current.get()
    if turn is None:
        return message
    if message["header"]["msg_type"] == "display_data":
        content = message["content"]
        turn.displayed.append({"data": content["data"], "metadata": content["metadata"]})
    return None


class _Figures:
    """The figures of pyplot, by number: in a turn its own, outside those of the notebook."""

    def __init__(self, outside: OrderedDict[int, Any]) -> None:
        self._outside = outside

    def _mine(self) -> OrderedDict[int, Any]:
        turn = current.get()
        return self._outside if turn is None else turn.figures

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mine(), name)

    def __getitem__(self, number: int) -> Any:
        return self._mine()[number]

    def __setitem__(self, number: int, manager: Any) -> None:
        self._mine()[number] = manager

    def __delitem__(self, number: int) -> None:
        del self._mine()[number]

    def __contains__(self, number: object) -> bool:
        return number in self._mine()

    def __iter__(self) -> Iterator[int]:
        return iter(self._mine())

    def __len__(self) -> int:
        return len(self._mine())


def separate_figures() -> None:
    """Give each turn figures of its own in pyplot, if matplotlib is loaded; may be called again."""
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    if helpers is not None and not isinstance(helpers.Gcf.figs, _Figures):
        helpers.Gcf.figs = _Figures(helpers.Gcf.figs)
