"""Tornado's WebSocket with a quicker way to read (RFC 6455).

Tornado awaits three reads a frame. Here one read takes whatever the socket has, and
:class:`~jupyter_peer.wire.websocket.MessageReader` finds all messages in it. Opening, closing and
answering pings stay Tornado's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from tornado.iostream import StreamClosedError
from tornado.util import _websocket_mask
from tornado.websocket import WebSocketClientConnection, WebSocketHandler, WebSocketProtocol13

from ..errors import MalformedError, TooLargeError
from ..wire.websocket import BINARY, MessageReader, Payload

#: Taken from the socket at once.
READ_BYTES = 256 * 1024
# After so many bytes others get their turn, also when the socket never runs dry.
_TURN_BYTES = 256 * 1024
_TOO_BIG = 1009


class QuickProtocol(WebSocketProtocol13):
    """One WebSocket after it was opened."""

    async def _receive_frame_loop(self) -> None:
        try:
            await self._read_messages()
        except (StreamClosedError, MalformedError):
            self._abort()
        except TooLargeError:
            self.close(_TOO_BIG, "message too big")
            self._abort()
        finally:
            self.handler.on_ws_connection_close(self.close_code, self.close_reason)

    async def _read_messages(self) -> None:
        stream = self.stream
        is_server = not self.mask_outgoing
        reader = MessageReader(
            self.params.max_message_size, from_client=is_server, unmask=_websocket_mask
        )
        taken = 0
        while not self.client_terminated:
            data = await stream.read_bytes(READ_BYTES, partial=True)
            reader.max_message = self.params.max_message_size
            for opcode, payload in reader.feed(data):
                handling = self._take(opcode, payload)
                if handling is not None:
                    await handling
                # What was handled may have let the other side in, who may then send more at once.
                reader.max_message = self.params.max_message_size
            taken += len(data)
            if taken >= _TURN_BYTES:
                taken = 0
                await asyncio.sleep(0)

    def _take(self, opcode: int, payload: Payload) -> Awaitable[None] | None:
        if opcode == BINARY and not self.client_terminated:
            return self.handler.on_message(bytes(payload))
        return self._handle_message(opcode, bytes(payload))


class QuickClient(WebSocketClientConnection):
    """A WebSocket this side opens."""

    def get_websocket_protocol(self) -> QuickProtocol:
        return QuickProtocol(self, mask_outgoing=True, params=self.params)


class QuickHandler(WebSocketHandler):
    """A WebSocket this side is asked for."""

    def get_websocket_protocol(self) -> WebSocketProtocol13 | None:
        theirs = super().get_websocket_protocol()
        if not isinstance(theirs, WebSocketProtocol13):
            return None
        return QuickProtocol(self, mask_outgoing=False, params=theirs.params)
