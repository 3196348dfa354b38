"""Asks a kernel for widgets that were made before anybody listened.

``request_states`` (ipywidgets 8) asks for all at once. ``request_state``, which every implementation
of widgets knows, asks for the missing ones one by one. If the kernel is idle again without an answer,
no answer will come, so nothing here needs a clock.
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
    """The requests for widgets to one kernel.

    Args:
        send: Sends the kernel a message and returns its id.
        when_idle: Calls back when the kernel has finished with a message.
        is_known: Returns whether a model is known.
        on_done: Called when all wanted models were requested.
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
        """Return whether a model is still requested."""
        return model_id in self._wanted

    def found(self, model_id: str) -> None:
        """Mark a model as known."""
        self._absent.pop(model_id, None)

    def gone(self, model_id: str) -> None:
        """Mark a model as missing in the kernel, so that it is not requested again."""
        self._absent[model_id] = None
        if len(self._absent) > _MAX_ABSENT:
            del self._absent[next(iter(self._absent))]

    def want(self, model_ids: Iterable[str]) -> None:
        """Request unknown models."""
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
        """Handle the end of ``request_states``, which the kernel has answered or does not know."""
        with contextlib.suppress(PeerError):
            self._send("comm_close", {"comm_id": comm_id, "data": {}})
        self._ask_each()

    def _ask_each(self) -> None:
        """Request each model that is still wanted, and the models to which it refers."""
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
