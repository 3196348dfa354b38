"""Parameters of the operations with which a client touches a pane it watches."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ..wire.payloads.widgets import InputId, InputMessage


class InputParams(msgspec.Struct, frozen=True):
    """Do something with a widget of a watched pane.

    Attributes:
        watch: The watch of this connection.
        message: ``{msg_type: "comm_msg", content: {comm_id, data}, buffers?}``, where ``data`` is
            ``{method: "update", state, buffer_paths?}`` or ``{method: "custom", content}``.
        id: Comes back as ``re`` of what the owner's kernel echoes.
    """

    watch: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
    message: InputMessage
    id: InputId | None = None
