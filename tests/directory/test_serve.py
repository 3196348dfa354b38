"""The read-only server of a signed directory."""

from __future__ import annotations

import contextlib

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.testing import bind_unused_port

from jupyter_peer.directory.serve import DirectoryServer
from jupyter_peer.directory.source import source_of
from jupyter_peer.errors import BadRequestError
from jupyter_peer.wire.directory import MAX_BYTES


@contextlib.asynccontextmanager
async def served(path):
    server = DirectoryServer(path)
    try:
        yield server.listen("127.0.0.1", 0)
    finally:
        await server.close()
        await server.close()


async def ask(url, method="GET", **headers):
    return await AsyncHTTPClient().fetch(
        url, method=method, headers=headers, raise_error=False, allow_nonstandard_methods=True
    )


async def test_it_sends_the_document_once_and_then_only_when_it_has_changed(tmp_path):
    path = tmp_path / "d.json"
    path.write_bytes(b'{"serial": 1}')
    async with served(path) as url:
        source = source_of(url)
        first = await source.fetch()
        assert first.raw == b'{"serial": 1}'
        assert await source.fetch(first.etag) is None
        path.write_bytes(b'{"serial": 2}')
        assert (await source.fetch(first.etag)).raw == b'{"serial": 2}'


async def test_head_says_the_same_without_the_document(tmp_path):
    path = tmp_path / "d.json"
    path.write_bytes(b"{}")
    async with served(path) as url:
        got, head = await ask(url), await ask(url, "HEAD")
        assert head.code == 200
        assert head.headers["ETag"] == got.headers["ETag"]
        assert head.body == b""
        assert got.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_can_be_changed_through_it(tmp_path, method):
    path = tmp_path / "d.json"
    path.write_bytes(b"{}")
    async with served(path) as url:
        assert (await ask(url, method)).code == 405
    assert path.read_bytes() == b"{}"


async def test_nothing_else_is_served(tmp_path):
    (tmp_path / "directory.key").write_text("secret")
    path = tmp_path / "directory.json"
    path.write_bytes(b"{}")
    async with served(path) as url:
        base = url.rpartition("/")[0]
        for other in ("directory.key", "..%2fdirectory.key", "%2e%2e/directory.key", "x"):
            answer = await ask(f"{base}/{other}")
            assert answer.code == 404
            assert b"secret" not in answer.body
        assert (await ask(f"{base}/")).body == b"{}"


async def test_a_missing_or_oversized_file_is_said_so_without_its_path(tmp_path):
    path = tmp_path / "d.json"
    async with served(path) as url:
        for content in (None, b" " * (MAX_BYTES + 1)):
            if content is not None:
                path.write_bytes(content)
            answer = await ask(url)
            assert answer.code == 503
            assert str(tmp_path).encode() not in answer.body


async def test_a_taken_port_and_a_bad_certificate_are_said_so(tmp_path):
    sock, port = bind_unused_port()
    with contextlib.closing(sock), pytest.raises(BadRequestError, match="cannot be used"):
        DirectoryServer(tmp_path / "d.json").listen("127.0.0.1", port)
    (tmp_path / "cert.pem").write_text("no certificate")
    for name in ("cert.pem", "missing.pem"):
        with pytest.raises(BadRequestError, match="certificate"):
            DirectoryServer(tmp_path / "d.json").listen("127.0.0.1", 0, tmp_path / name)
