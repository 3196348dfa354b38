"""Writes outputs to the kernel that its ``Output`` widgets have captured after viewers' inputs.

In a notebook the page captures, and sets ``outputs`` of the widget in the kernel. But a page of the
owner captures only outputs of its own messages, and a viewer's input is not one of them. Without this
module, the owner's page and the kernel's ``outputs`` would stay old. ``nbclient`` writes the same
message (``OutputWidget.sync_state``), and the kernel echoes it to the owner's page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...errors import PeerError

Json = dict[str, Any]


class WriteBack:
    """The outputs that still have to be written to the ``Output`` widgets of one kernel.

    A kernel reads no message before it has finished the input, so nothing is sent before that.

    Args:
        send: Sends a message on the shell channel.
        is_busy: Whether the kernel still works on a message.
        outputs_of: Returns the current outputs of a widget in the form of nbformat.
    """

    def __init__(
        self,
        send: Callable[[str, Json], str],
        is_busy: Callable[[str], bool],
        outputs_of: Callable[[str], list[Json]],
    ) -> None:
        self._send = send
        self._is_busy = is_busy
        self._outputs_of = outputs_of
        self._due: dict[str, str] = {}

    def note(self, model_ids: Iterable[str], input_id: str) -> None:
        """Mark widgets that have captured outputs of an input.

        Args:
            model_ids: The widgets.
            input_id: Id of the input's message to the kernel.
        """
        for model_id in model_ids:
            self._due[model_id] = input_id

    def flush(self) -> None:
        """Send the outputs that no running input can change."""
        for model_id, input_id in list(self._due.items()):
            if self._is_busy(input_id):
                continue
            del self._due[model_id]
            state = {"outputs": self._outputs_of(model_id)}
            data = {"method": "update", "state": state, "buffer_paths": []}
            try:
                self._send("comm_msg", {"comm_id": model_id, "data": data})
            except PeerError:
                return  # The panes notice the end of the kernel themselves.

    def drop(self, model_id: str) -> None:
        """Forget a widget that was closed."""
        self._due.pop(model_id, None)
