"""The variables of a notebook as a peer may hear of them: by exact name, never by an expression."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

from ....errors import LookupFailedError
from .secret_words import is_secret_name
from .values import HIDDEN, kind, lines_of, size

#: Variables in one list.
MAX_LISTED = 200
#: What IPython puts beside the variables of the notebook.
_OF_SHELL = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open"})
_CODE = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
)


class Variables:
    """The variables of a namespace.

    Args:
        namespace: Returns it; cells may change it at any time.
    """

    def __init__(self, namespace: Callable[[], Mapping[str, Any]]) -> None:
        self._namespace = namespace

    def shown(self) -> dict[str, object]:
        """Return the variables, without code and what belongs to the shell or to this program."""
        return {
            name: value
            for name, value in list(self._namespace().items())
            if not name.startswith("_")
            and name not in _OF_SHELL
            and not issubclass(type(value), _CODE)
            # Views and answers hold what other people shared with the owner.
            and not kind(value).startswith("jupyter_peer.")
        }

    def list(self) -> str:
        """Return one line for each variable: its name, type, and shape or length."""
        found = self.shown()
        if not found:
            return "The notebook has no variables."
        lines = [_head(name, value) for name, value in list(found.items())[-MAX_LISTED:]]
        more = len(found) - len(lines)
        return "\n".join([*lines, *([f"and {more:,} older ones"] if more else [])])

    def describe(self, name: str) -> str:
        """Return type, size and content of one variable, in a text of bounded length.

        Raises:
            LookupFailedError: There is no variable of exactly this name.
        """
        found = self.shown()
        if name not in found:
            raise LookupFailedError(
                f"the notebook has no variable {name[:64]!r}", hint="ask for the list of variables"
            )
        value = found[name]
        head = _head(name, value)
        if is_secret_name(name):
            return head
        try:
            lines = list(lines_of(value))
        except Exception:  # a cell may change the value while it is read
            lines = ["(it cannot be described just now)"]
        return "\n".join([head, *(f"  {line}" for line in lines)])


def _head(name: str, value: object) -> str:
    if is_secret_name(name):
        return f"{name}: {kind(value)}; {HIDDEN}"
    of = size(value)
    return f"{name}: {kind(value)}{f' ({of})' if of else ''}"
