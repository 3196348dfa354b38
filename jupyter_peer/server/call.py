"""Calls of operations: the caller, and the method that serves each row of the operation table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from ..agents.turn import Turn
from ..control.operation import Operation
from .control.secrets import BROWSER, Caller

P = TypeVar("P", bound=msgspec.Struct)
R = TypeVar("R", bound=msgspec.Struct)

OnProgress = Callable[[dict[str, Any]], None]

_SERVES = "_serves_operation"


class CallerTurns(Protocol):
    """The turns that a connection answers."""

    def turn(self, number: int) -> Turn:
        """Return a turn by its number.

        Raises:
            LookupFailedError: The turn is over, or belongs to another connection.
        """


@dataclass(frozen=True)
class Call:
    """The caller of an operation, and the receiver of its progress.

    Attributes:
        caller: The caller.
        on_progress: Receives steps of progress. Some are dropped for a client that does not read.
        tell: Receives pieces that must not be dropped; returns when the next may come.
        turns: The turns of the connection; None without one.
        own: The methods of the connection, by operation.
    """

    caller: Caller = BROWSER
    on_progress: OnProgress | None = None
    tell: Callable[[Mapping[str, Any]], Awaitable[None]] | None = None
    turns: CallerTurns | None = None
    own: Mapping[str, Method] = field(default_factory=dict)


#: A bound method that serves an operation: parameters and call -> result, or a coroutine of it.
Method = Callable[[Any, Call], Any]


def serves(
    row: Operation[P, R],
) -> Callable[
    [Callable[[Any, P, Call], R | Awaitable[R]]], Callable[[Any, P, Call], R | Awaitable[R]]
]:
    """Mark a method as the one that serves an operation; its types are those of the row."""

    def mark(
        method: Callable[[Any, P, Call], R | Awaitable[R]],
    ) -> Callable[[Any, P, Call], R | Awaitable[R]]:
        setattr(method, _SERVES, row.name)
        return method

    return mark


def served_by(owner: object) -> dict[str, Method]:
    """Return the marked methods of an object, by operation."""
    marked = [
        (getattr(function, _SERVES, None), name) for name, function in vars(type(owner)).items()
    ]
    return {op: getattr(owner, name) for op, name in marked if op is not None}
