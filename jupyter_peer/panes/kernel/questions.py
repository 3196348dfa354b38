"""Asks a kernel for widgets that it has told of before anybody listened.

All at once by ``request_states`` (ipywidgets 8), and what that does not bring one by one with
``request_state``, which every implementation of widgets knows. That the kernel is idle again is the
answer that there is no answer, so nothing here needs a clock.
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from ...errors import PeerError

log = logging.getLogger(__name__)

Json = dict[str, Any]

CONTROL_TARGET = "jupyter.widget.control"
CONTROL_VERSION = "1.0.0"
#: Ids the kernel does not know, and is not asked for again.
_MAX_ABSENT = 16_384
_MAX_ASKED = 1024


class Questions:
    """What one kernel is asked of its widgets.

    Args:
        send: Sends the kernel a message and returns its id.
        when_idle: Calls back when the kernel is done with a message.
        is_known: Whether the kernel has told of a model.
        on_done: Called when it has been asked for all that was wanted.
    """

    def __init__(
        self,
        send: Callable[..., str],
        when_idle: Callable[[str, Callable[[], None]], None],
        is_known: Callable[[str], bool],
        on_done: Callable[[], None],
    ) -> None:
        self._send = send
        self._when_idle = when_idle
        self._is_known = is_known
        self._on_done = on_done
        self._wanted: set[str] = set()
        self._absent: dict[str, None] = {}
        self._is_asking = False

    def is_wanted(self, model_id: str) -> bool:
        """Whether a model is waited for."""
        return model_id in self._wanted

    def found(self, model_id: str) -> None:
        """Note that the kernel has told of a model."""
        self._absent.pop(model_id, None)

    def gone(self, model_id: str) -> None:
        """Note that the kernel has no such model, so that it is not asked for it again."""
        self._absent[model_id] = None
        if len(self._absent) > _MAX_ABSENT:
            del self._absent[next(iter(self._absent))]

    def want(self, model_ids: Iterable[str]) -> None:
        """Ask for models that are not known."""
        new = {each for each in model_ids if not self._is_known(each) and each not in self._absent}
        self._wanted |= new
        if new and not self._is_asking:
            self._ask_all()

    def _ask_all(self) -> None:
        comm_id = uuid.uuid4().hex
        content: Json = {"comm_id": comm_id, "data": {}}
        metadata = {"version": CONTROL_VERSION}
        try:
            self._send("comm_open", content | {"target_name": CONTROL_TARGET}, metadata)
            asked = self._send(
                "comm_msg", content | {"data": {"method": "request_states"}}, metadata
            )
        except PeerError as error:
            log.info("the kernel cannot be asked for its widgets: %s", error)
            return
        self._is_asking = True
        self._when_idle(asked, lambda: self._on_states(comm_id))

    def _on_states(self, comm_id: str) -> None:
        """Take notice that the kernel has answered ``request_states``, or does not know it."""
        with contextlib.suppress(PeerError):
            self._send("comm_close", {"comm_id": comm_id, "data": {}})
        self._ask_each()

    def _ask_each(self) -> None:
        """Ask for each model by itself that is still wanted, and for what that leads to."""
        self._wanted = {each for each in self._wanted if not self._is_known(each)}
        asked = sorted(self._wanted)[:_MAX_ASKED]
        self._wanted -= set(asked)
        last = ""
        try:
            for model_id in asked:
                content = {"comm_id": model_id, "data": {"method": "request_state"}}
                last = self._send("comm_msg", content)
        except PeerError as error:
            log.info("the kernel cannot be asked for its widgets: %s", error)
            last = ""
        if last:
            self._when_idle(last, lambda: self._on_each(asked))
        else:
            self._is_asking = False
            self._wanted.clear()
            self._on_done()

    def _on_each(self, asked: list[str]) -> None:
        for model_id in asked:
            if not self._is_known(model_id):
                self.gone(model_id)
        self._ask_each()
