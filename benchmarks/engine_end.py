"""One end of a data channel by an engine of WebRTC; as a program it answers an offer.

The program takes the engine's name and the offer as arguments, writes the answer as its first line,
and receives. To a text frame it answers its processor time, so an answer follows all that was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Iterator

import aioice.ice

from jupyter_peer.transports.webrtc.connection import Connection, IceServers
from jupyter_peer.transports.webrtc.engine import Engine
from jupyter_peer.transports.webrtc.native_engine import NativeEngine
from jupyter_peer.transports.webrtc.python_engine import PythonEngine
from jupyter_peer.transports.webrtc.sdp import Description

from .processes import until_stdin_ends

ENGINES: dict[str, type[Engine]] = {"libwebrtc": NativeEngine, "aiortc": PythonEngine}
#: Size of the frames of a sealed link.
FRAME_BYTES = 60_000
LINK_TIMEOUT_S = 20.0


@contextlib.contextmanager
def on_loopback() -> Iterator[None]:
    """Let both engines use loopback, so that a machine without a network measures too."""
    before = aioice.ice.get_host_addresses
    aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]
    if importlib.util.find_spec("wrtc") is not None:
        with contextlib.suppress(Exception):  # a connection was made before, so it is allowed
            importlib.import_module("webrtc").allow_loopback()
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = before


def connect(engine: Engine) -> Connection:
    """Return a new connection without servers."""
    return engine.connect(IceServers(), 0, "webrtc:", lambda connection: None, allow_loopback=True)


async def receive(name: str, offer: str) -> None:
    """Answer an offer, and receive until stdin ends."""
    engine = ENGINES[name]()
    connection = connect(engine)
    answer = await connection.answer(Description.from_sdp("offer", offer, allow_loopback=True))
    print(json.dumps(answer.to_sdp()), flush=True)
    link = await connection.link(LINK_TIMEOUT_S)
    link.max_frame = FRAME_BYTES

    def take(frame: str | bytes) -> None:
        if isinstance(frame, str):
            link.send([str(time.process_time())])

    link.attach(take, lambda reason: None)

    async def end() -> None:
        await connection.ended()
        await engine.close()

    await until_stdin_ends(end)


if __name__ == "__main__":
    with on_loopback():
        asyncio.run(receive(*sys.argv[1:]))
