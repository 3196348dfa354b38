"""A list of listeners that are called at every change."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, ParamSpec

log = logging.getLogger(__name__)

P = ParamSpec("P")


class Signal(Generic[P]):
    """Calls its listeners in the order in which they connected.

    If a listener raises, the error is logged and the others are still called. A listener that
    disconnects during a call is no longer called; one that connects is called from the next call on.

    Args:
        name: What happened, for the log line of a listener that failed.
    """

    __slots__ = ("_listeners", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._listeners: dict[object, Callable[P, object]] = {}

    def __len__(self) -> int:
        return len(self._listeners)

    def connect(self, listener: Callable[P, object]) -> Callable[[], None]:
        """Add a listener.

        Returns:
            A function that removes this listener; it may be called twice.
        """
        key = object()
        self._listeners[key] = listener

        def disconnect() -> None:
            self._listeners.pop(key, None)

        return disconnect

    def emit(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call every listener."""
        for key in list(self._listeners):
            listener = self._listeners.get(key)
            if listener is not None:
                self._call(listener, *args, **kwargs)

    def release(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Remove every listener and call each one a last time."""
        listeners, self._listeners = self._listeners, {}
        for listener in listeners.values():
            self._call(listener, *args, **kwargs)

    def clear(self) -> None:
        """Remove every listener."""
        self._listeners.clear()

    def _call(self, listener: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            listener(*args, **kwargs)
        except Exception:
            log.exception("a listener failed: %s", self._name)
