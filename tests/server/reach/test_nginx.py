"""Guest links behind nginx with TLS, as the documentation writes it."""

from __future__ import annotations

import contextlib
import os
import ssl
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from tests.machine.proxies import ACCESS_LOG, proxied
from tests.server.servers import jupyter_server
from tests.wire.by_hand import HandPeer

pytestmark = pytest.mark.usefixtures("jp_environ")


async def test_a_guest_comes_in_through_nginx_with_tls_and_other_sites_do_not(
    tmp_path: Path,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        ada = await stack.enter_async_context(jupyter_server(tmp_path / "ada", "/user/ada/"))
        ada.hub.store.put_pane("loss", "Loss", 1.0)
        port = stack.enter_context(proxied("nginx", tmp_path, f"127.0.0.1:{ada.app.port}"))
        trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        trusting.check_hostname = False
        link = ada.hub.guests.mint("loss")
        secret = link.fragment.split(".")[1]
        place = f"localhost:{port}/user/ada"
        page = await AsyncHTTPClient().fetch(
            f"https://{place}/jupyter-peer/s/{link.id}", ssl_options=trusting, raise_error=False
        )
        # Without a built front end there is no page; nothing asks for a login either way.
        assert page.code in (200, 404)

        async def opened(origin: str) -> Any:
            request = HTTPRequest(
                f"wss://{place}/guest-ws", headers={"Origin": origin}, ssl_options=trusting
            )
            return await websocket_connect(request)

        with pytest.raises(HTTPClientError, match="403"):
            await opened("https://evil.example")
        hand = HandPeer.dialing(
            os.urandom(32), guest={"link": link.id, "secret": secret, "name": ""}, name=""
        )
        guest = await opened(f"https://localhost:{port}")
        for frame in hand.start():
            await guest.write_message(frame)
        while not hand.is_ready:
            for frame in hand.receive(await guest.read_message()):
                await guest.write_message(frame, binary=isinstance(frame, bytes))
        assert ada.hub.guests.get(hand.node_id) is not None
        guest.close()
        logs = (tmp_path / ACCESS_LOG).read_text() + (tmp_path / "log").read_text()
        assert link.id in logs
        assert secret not in logs
