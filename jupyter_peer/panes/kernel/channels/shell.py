"""Messages to a kernel on its shell channel, in a session of this node."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import zmq
from jupyter_client.session import Session

from ....errors import KernelGoneError
from .sockets import prepare, url_of

Json = dict[str, Any]


class KernelShell:
    """Sends messages and reads no answers; their effects are seen on IOPub.

    Nothing here waits. A busy kernel reads the messages when it is idle again, perhaps after hours.
    So the sender must bound their number.

    Args:
        info: The kernel's connection info.
        session: The session, which signs the messages.

    Raises:
        KernelGoneError: The kernel has no shell channel on this machine.
    """

    def __init__(self, info: Json, session: Session) -> None:
        if not info.get("shell_port"):
            raise KernelGoneError("the kernel has no shell channel on this machine")
        self._session = session
        self._socket: Any = zmq.Context.instance().socket(zmq.DEALER)
        prepare(self._socket, info)
        self._socket.connect(url_of(info, "shell"))

    def send(self, msg_type: str, content: Json, metadata: Json, buffers: Sequence[bytes]) -> str:
        """Send a message; return its id, which is the parent id of its effects.

        Raises:
            KernelGoneError: The kernel accepts no more messages.
        """
        # Answers that nobody reads would fill the socket some day.
        with contextlib.suppress(zmq.Again):
            while True:
                self._socket.recv_multipart(zmq.NOBLOCK)
        message = self._session.msg(msg_type, content, metadata=metadata)
        try:
            self._socket.send_multipart([*self._session.serialize(message), *buffers], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            raise KernelGoneError("the kernel accepts no message") from error
        return str(message["header"]["msg_id"])

    def close(self) -> None:
        """Close the channel; may be called twice."""
        self._socket.close(linger=0)
