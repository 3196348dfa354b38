"""Who may come in where."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import socket
from types import SimpleNamespace
from typing import ClassVar
from unittest.mock import AsyncMock
from urllib.parse import urlencode, urlsplit

import pytest
from jupyter_server.auth import Authorizer, IdentityProvider, User
from jupyter_server.auth.security import passwd
from tornado.httpclient import HTTPClientError

from jupyter_peer.control.table import OPERATIONS
from jupyter_peer.server.control.local_callers import is_same_machine, why_not_local
from jupyter_peer.server.control.secrets import COMMAND_LINE, Caller

EVERY = [(row.method, re.sub(r"\{\w+\}", "x", row.path)) for row in OPERATIONS.values() if row.rest]
READS = [path for method, path in EVERY if method == "GET"]
WRITES = [
    *((method, path) for method, path in EVERY if method != "GET"),
    ("GET", "nothing"),
]
ROUTES = [*(("GET", path) for path in READS), *WRITES]
NOBODY = {"Authorization": ""}


async def refusal(connecting):
    with pytest.raises(HTTPClientError) as refused:
        await connecting
    return refused.value.code


@pytest.fixture
def secret(extension):
    return extension.context.secrets.mint(COMMAND_LINE)


async def test_nothing_is_served_without_a_login(call):
    for method, path in ROUTES:
        body = None if method in ("GET", "DELETE") else "{}"
        for headers in (NOBODY, {"Authorization": "token wrong"}):
            answer = await call(method, path, body, headers=dict(headers))
            assert answer.code == 403, (method, path, answer)
            assert answer.json["code"] == "unauthorized"


async def test_a_request_without_a_login_starts_nothing(call, extension):
    await call("GET", "identity", headers=dict(NOBODY))
    assert extension.context.running is None


async def test_the_token_opens_every_route(call):
    for method, path in ROUTES:
        body = None if method in ("GET", "DELETE") else "{}"
        answer = await call(method, path, body)
        assert answer.code in (200, 400, 403, 404, 426), (method, path, answer)
        assert answer.json.get("code") != "unauthorized", (method, path, answer)


async def test_a_secret_opens_no_rest_route(call, secret, jp_fetch):
    for method, path in ROUTES:
        body = None if method in ("GET", "DELETE") else "{}"
        for scheme in ("peer-secret", "token", "Bearer"):
            answer = await call(method, path, body, headers={"Authorization": f"{scheme} {secret}"})
            assert answer.code == 403, (method, path, answer)
    answer = await call("GET", "peers", headers=dict(NOBODY), params={"token": secret})
    assert answer.code == 403
    for part in ("contents", "kernels", "sessions"):
        headers = {"Authorization": f"peer-secret {secret}"}
        response = await jp_fetch("api", part, headers=headers, raise_error=False)
        assert response.code == 403


async def test_the_control_socket_takes_the_token_and_a_secret(open_control, secret):
    for headers in (None, {"Authorization": f"peer-secret {secret}"}):
        client = await open_control(headers)
        assert (await client.ask("identity"))["node_name"] == "ada"


async def test_the_control_socket_takes_nobody_else(open_control, extension, secret):
    for value in (
        "",
        "token wrong",
        "peer-secret",
        "peer-secret ",
        "peer-secret wrong",
        f"peer-secret {secret[:-1]}",
        f"peer-secret {secret}x",
        f"peer-secret x {secret}",
        f"token {secret}",
        f"Bearer {secret}",
    ):
        assert await refusal(open_control({"Authorization": value})) == 403, value
    assert not extension.context.sessions


async def test_a_wrong_secret_is_not_made_good_by_a_token(open_control, jp_serverapp, ws_url):
    token = jp_serverapp.identity_provider.token
    url = f"{ws_url}?token={token}"
    assert await refusal(open_control({"Authorization": "peer-secret wrong"}, url)) == 403
    assert await (await open_control({}, url)).ask("identity")


async def test_the_secret_of_a_kernel_dies_with_it(open_control, extension):
    secrets = extension.context.secrets
    secret = secrets.mint(Caller("kernel", "k1"))
    headers = {"Authorization": f"peer-secret {secret}"}
    await open_control(headers)
    secrets.kernel_started("k1")  # and no kernel manager knows it any more
    assert await refusal(open_control(headers)) == 403


async def test_a_page_of_another_origin_cannot_open_the_control_socket(
    open_control, jp_fetch, ws_url, secret
):
    cookie = (await jp_fetch("api", "me")).headers["Set-Cookie"].split(";")[0]
    host = urlsplit(ws_url).netloc
    assert await open_control({"Cookie": cookie, "Origin": f"http://{host}"})
    for origin in ("http://evil.example", "null", f"http://{host}.evil.example"):
        assert await refusal(open_control({"Cookie": cookie, "Origin": origin})) == 403


@pytest.mark.parametrize(
    "more",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Host": "evil.example:8888"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-Proto": "https"},
        {"x-real-ip": "127.0.0.1"},
        {"X-Scheme": "https"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"CF-Connecting-IP": "203.0.113.9"},
    ],
    ids=str,
)
async def test_a_secret_opens_nothing_for_a_page_or_behind_a_proxy(
    open_control, extension, secret, more
):
    for headers in ({}, {"Authorization": f"peer-secret {secret}"}):
        refused = open_control({**headers, **more})
        assert await refusal(refused) == 403
    assert not extension.context.sessions


async def test_a_page_of_the_server_itself_needs_a_login_too(open_control, ws_url, secret):
    origin = f"http://{urlsplit(ws_url).netloc}"
    headers = {"Authorization": f"peer-secret {secret}", "Origin": origin}
    assert await refusal(open_control(headers)) == 403


@pytest.mark.parametrize(
    ("peer", "own", "is_same"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "::1", True),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", True),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.8", "192.0.2.7", False),
        ("::ffff:192.0.2.8", "::ffff:192.0.2.7", False),
        ("2001:db8::1", "2001:db8::2", False),
        ("", "192.0.2.7", False),
    ],
)
def test_only_this_machine_is_this_machine(peer, own, is_same):
    assert is_same_machine(peer, own) is is_same


def test_a_server_on_a_unix_socket_is_reached_from_this_machine_alone():
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        for end, answer in ((one, None), (None, "it comes from another machine")):
            connection = SimpleNamespace(stream=SimpleNamespace(socket=end))
            request = SimpleNamespace(connection=connection, headers={"Host": "localhost"})
            assert why_not_local(request, "localhost") == answer


async def test_a_secret_opens_nothing_from_another_machine(
    open_control, extension, secret, monkeypatch
):
    monkeypatch.setattr(
        "jupyter_peer.server.control.local_callers._ends", lambda _: ("192.0.2.8", "192.0.2.7")
    )
    headers = {"Authorization": f"peer-secret {secret}"}
    assert await refusal(open_control(headers)) == 403
    assert not extension.context.sessions


async def test_where_direct_connections_are_off_nobody_comes_in_by_them(
    http_server_client, jp_base_url, extension, monkeypatch
):
    running = dataclasses.replace(await extension.context.ready(), direct=None)
    monkeypatch.setattr(extension.context, "ready", AsyncMock(return_value=running))
    response = await http_server_client.fetch(f"{jp_base_url}peer-ws", raise_error=False)
    assert response.code == 403
    assert b"direct connections are disabled here" in response.body


async def test_the_peer_wire_asks_for_no_login_and_gives_no_cookie(
    http_server_client, jp_base_url, extension
):
    response = await http_server_client.fetch(
        f"{jp_base_url}peer-ws", headers=dict(NOBODY), raise_error=False
    )
    assert response.code == 426  # not a WebSocket
    assert "Set-Cookie" not in response.headers
    for method in ("POST", "PUT", "DELETE", "HEAD"):
        response = await http_server_client.fetch(
            f"{jp_base_url}peer-ws",
            method=method,
            raise_error=False,
            allow_nonstandard_methods=True,
        )
        assert response.code == 405


class ReadsOnly(Authorizer):
    """Lets everybody look and nobody act."""

    def is_authorized(self, handler, user, action, resource):
        return (action, resource) == ("read", "jupyter_peer")


class TestWithAnAuthorizer:
    @pytest.fixture
    def jp_server_config(self, jp_server_config):
        jp_server_config["ServerApp"]["authorizer_class"] = ReadsOnly
        return jp_server_config

    async def test_it_decides_by_action_and_resource(self, call, open_control, secret):
        for path in READS:
            answer = await call("GET", path)
            # Without a lobby there is nobody to list.
            assert answer.code == 200 or answer.json["code"] == "not_enabled", path
        for method, path in WRITES[:-1]:
            answer = await call(method, path, None if method == "DELETE" else "{}")
            assert answer.code == 403, (method, path)
            assert answer.json["code"] == "unauthorized", (method, path)
        assert await refusal(open_control()) == 403
        # A kernel acts for the owner of the server.
        await open_control({"Authorization": f"peer-secret {secret}"})


class TestWithAPassword:
    @pytest.fixture
    def jp_server_config(self, jp_server_config):
        jp_server_config["PasswordIdentityProvider"] = {
            "hashed_password": passwd("sesame"),
            "token": "",
        }
        jp_server_config["IdentityProvider"] = {"token": "unused"}
        return jp_server_config

    @pytest.fixture
    def login(self, http_server_client, jp_base_url):
        async def login(password):
            page = await http_server_client.fetch(f"{jp_base_url}login")
            xsrf = re.search(r"_xsrf=([^;]+)", page.headers["Set-Cookie"]).group(1)
            response = await http_server_client.fetch(
                f"{jp_base_url}login",
                method="POST",
                body=urlencode({"password": password, "_xsrf": xsrf}),
                headers={"Cookie": f"_xsrf={xsrf}"},
                follow_redirects=False,
                raise_error=False,
            )
            cookies = [line.split(";")[0] for line in response.headers.get_list("Set-Cookie")]
            return "; ".join([f"_xsrf={xsrf}", *cookies]), xsrf

        return login

    async def test_a_cookie_reads_and_with_its_xsrf_token_acts(self, call, login):
        cookie, xsrf = await login("sesame")
        headers = {"Authorization": "", "Cookie": cookie}
        page = {**headers, "Referer": "http://127.0.0.1/"}
        assert (await call("GET", "peers", headers=dict(page))).code == 200
        refused = await call("POST", "invite", "{}", headers=dict(headers))
        assert (refused.code, refused.json["code"]) == (403, "unauthorized")
        wrong = await call("POST", "invite", "{}", headers={**headers, "X-XSRFToken": "wrong"})
        assert wrong.code == 403
        minted = await call("POST", "invite", "{}", headers={**headers, "X-XSRFToken": xsrf})
        assert minted.code == 200

    async def test_a_wrong_password_opens_nothing(self, call, login):
        cookie, xsrf = await login("wrong")
        headers = {"Authorization": "", "Cookie": cookie, "X-XSRFToken": xsrf}
        assert (await call("GET", "peers", headers=dict(headers))).code == 403
        assert (await call("POST", "invite", "{}", headers=dict(headers))).code == 403

    async def test_a_cookie_opens_the_control_socket(self, open_control, login):
        cookie, _ = await login("sesame")
        assert await (await open_control({"Cookie": cookie})).ask("peers")
        assert await refusal(open_control({"Cookie": "_xsrf=x"})) == 403


class TestWithoutAnyLogin:
    @pytest.fixture
    def jp_server_config(self, jp_server_config):
        jp_server_config["IdentityProvider"] = {"token": "unused"}
        jp_server_config["PasswordIdentityProvider"] = {"token": "", "hashed_password": ""}
        return jp_server_config

    async def test_it_is_as_open_as_its_owner_has_made_it(self, call, open_control):
        assert (await call("GET", "peers", headers=dict(NOBODY))).code == 200
        assert await (await open_control({})).ask("peers")


class Proxy(IdentityProvider):
    """Knows users by a header, as a hub that stands in front does, and asks somebody for it."""

    asked: ClassVar[list[str]] = []

    async def _look(self, handler):
        await asyncio.sleep(0)
        self.asked.append(handler.request.path)
        name = handler.request.headers.get("X-User")
        return User(name) if name else None

    def get_user(self, handler):
        return self._look(handler)


class TestWithAnotherIdentityProvider:
    @pytest.fixture
    def jp_server_config(self, jp_server_config):
        jp_server_config["ServerApp"]["identity_provider_class"] = Proxy
        Proxy.asked.clear()
        return jp_server_config

    async def test_its_users_come_in(self, call, open_control):
        headers = {"Authorization": "", "X-User": "ada", "Referer": "http://127.0.0.1/"}
        assert (await call("GET", "peers", headers=headers)).code == 200
        assert (await call("GET", "peers", headers=dict(NOBODY))).code == 403
        assert await (await open_control({"X-User": "ada"})).ask("peers")
        assert await refusal(open_control({})) == 403

    async def test_it_is_not_asked_about_a_secret(self, open_control, secret):
        await open_control({"Authorization": f"peer-secret {secret}"})
        assert (
            await refusal(open_control({"Authorization": "peer-secret x", "X-User": "ada"})) == 403
        )
        assert Proxy.asked == []
