"""The proof of a node's id, with which every connection begins (SPEC, *Registration*)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

import msgspec

from ..errors import PeerTimeoutError
from ..wire.relay.frames import CHALLENGE_BYTES, Admission
from .connection import Connection


class Proof(msgspec.Struct, frozen=True):
    """A proven id of a node that still waits for the answer.

    Attributes:
        node_id: The proven id.
        public_key: Its raw key.
        answer: Makes the ``registered`` text, to be sent when the node is ready to be reached;
            keyword arguments are added to it.
    """

    node_id: str
    public_key: bytes
    answer: Callable[..., str]


async def prove(
    connection: Connection,
    timeout: float,
    door: str,
    host: str | None = None,
    relay_id: str | None = None,
) -> Proof:
    """Have a node prove its id.

    Args:
        connection: A WebSocket that was just opened.
        timeout: Seconds that the proof may take.
        door: Path of the URL; the proof is valid for this door only.
        host: The name that the node has dialled, which the node signs; None if the operator has
            not configured the names of this relay.
        relay_id: Id of the relay.

    Raises:
        PeerError: The node did not prove its id.
        ConnectionError: The connection ended.
    """
    admission = Admission(secrets.token_bytes(CHALLENGE_BYTES), host, relay_id, door)
    try:
        async with asyncio.timeout(timeout):
            return await _prove(connection, admission)
    except TimeoutError as error:
        raise PeerTimeoutError("the registration took too long") from error


async def _prove(connection: Connection, admission: Admission) -> Proof:
    while (answer := admission.receive(await connection.read_text())) is not None:
        connection.send_text(answer)
    assert admission.node_id is not None
    return Proof(admission.node_id, admission.public_key, admission.registered)
