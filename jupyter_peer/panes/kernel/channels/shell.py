"""Messages to a kernel on its shell channel, under a session of this node's own."""

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
    """Sends, and reads no answer: what its messages lead to is heard on IOPub.

    Nothing here waits. A kernel that is busy for hours takes what was sent when it is done, so who
    sends bounds how much that is.

    Args:
        info: The kernel's connection info.
        session: Signs.

    Raises:
        KernelGoneError: It has no shell channel on this machine.
    """

    def __init__(self, info: Json, session: Session) -> None:
        if not info.get("shell_port"):
            raise KernelGoneError("the kernel has no shell channel on this machine")
        self._session = session
        self._socket: Any = zmq.Context.instance().socket(zmq.DEALER)
        prepare(self._socket, info)
        self._socket.connect(url_of(info, "shell"))

    def send(self, msg_type: str, content: Json, metadata: Json, buffers: Sequence[bytes]) -> str:
        """Send a message; return its id, which is the parent of all it leads to.

        Raises:
            KernelGoneError: The kernel takes no more.
        """
        # An answer that nobody reads would fill the socket some day.
        with contextlib.suppress(zmq.Again):
            while True:
                self._socket.recv_multipart(zmq.NOBLOCK)
        message = self._session.msg(msg_type, content, metadata=metadata)
        try:
            self._socket.send_multipart([*self._session.serialize(message), *buffers], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            raise KernelGoneError("the kernel takes no message") from error
        return str(message["header"]["msg_id"])

    def close(self) -> None:
        """Send nothing any more; may be called twice."""
        self._socket.close(linger=0)
