"""Where directories are fetched from, and from where not."""

from __future__ import annotations

import asyncio
import os
from urllib.parse import quote

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from jupyter_peer.directory import source as source_module
from jupyter_peer.directory.serve import DirectoryServer
from jupyter_peer.directory.source import source_of
from jupyter_peer.errors import BadRequestError, TooLargeError, UnreachableError
from jupyter_peer.wire.directory import MAX_BYTES
from tests.machine.certificates import make_certificate


@pytest.mark.parametrize(
    "url",
    [
        "",
        "office.example",
        "http://office.example/d.json",
        "http://10.0.0.1/d.json",
        "http://127.0.0.1.office.example/d.json",
        "https://",
        "https://user:secret@office.example/",
        "https://office.example:port/",
        "https://[::1/",
        "https://office.example/\n/d.json",
        "ftp://office.example/d.json",
        "file://office.example/d.json",
        "file:relative.json",
        "file:///d.json?x",
        "data:,{}",
        "javascript:1",
        "https://" + "a" * 3000,
    ],
)
def test_other_urls_are_refused(url):
    with pytest.raises(BadRequestError):
        source_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://office.example/d.json",
        "http://127.0.0.1:9100/directory.json",
        "http://[::1]:9100/directory.json",
        "http://localhost/d.json",
        "file:///srv/d.json",
        "file://localhost/srv/d.json",
    ],
)
def test_these_are_taken(url):
    assert source_of(url).url == url


async def test_a_file_is_read(tmp_path):
    path = tmp_path / "a directory.json"
    path.write_bytes(b"{}")
    fetched = await source_of("file://" + quote(str(path))).fetch()
    assert fetched.raw == b"{}"


async def test_what_is_no_file_of_a_fitting_size_is_refused(tmp_path):
    large, pipe = tmp_path / "large", tmp_path / "pipe"
    large.write_bytes(b" " * (MAX_BYTES + 1))
    os.mkfifo(pipe)
    for path, error in (
        (large, TooLargeError),
        (pipe, UnreachableError),
        (tmp_path, UnreachableError),
        (tmp_path / "missing", UnreachableError),
    ):
        with pytest.raises(error):
            await source_of(f"file://{path}").fetch()


class _Hostile(RequestHandler):
    def get(self, what):
        if what == "redirect":
            self.redirect("file:///etc/passwd")
        elif what == "large":
            self.write(b" " * (MAX_BYTES + 1))
        elif what == "unchanged":
            self.set_status(304)
        elif what == "tag":
            self.set_header("ETag", "x" * 1000)
            self.write(b"{}")
        elif what == "bomb":
            self.set_header("Content-Encoding", "gzip")
            self.write(b"\x1f\x8b")
        else:
            self.set_status(404)

    def compute_etag(self):
        return None


@pytest.fixture
def hostile(jp_asyncio_loop):
    """The URL of a server that does what its path says."""
    sock, port = bind_unused_port()
    server = HTTPServer(Application([(r"/(.*)", _Hostile)]))

    async def start():
        server.add_sockets([sock])

    async def stop():
        server.stop()
        await server.close_all_connections()

    jp_asyncio_loop.run_until_complete(start())
    yield f"http://127.0.0.1:{port}"
    jp_asyncio_loop.run_until_complete(stop())


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("redirect", "redirects"),
        ("large", "cannot be fetched"),
        ("unchanged", "304"),
        ("nothing", "404"),
    ],
)
async def test_what_a_server_must_not_answer(hostile, what, words):
    with pytest.raises((UnreachableError, TooLargeError), match=words):
        await source_of(f"{hostile}/{what}").fetch()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
async def test_a_server_that_is_silent_or_stops_half_way_is_given_up(monkeypatch, answer):
    monkeypatch.setattr(source_module, "FETCH_TIMEOUT_S", 0.2)

    async def serve(reader, writer):
        writer.write(answer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        with pytest.raises(UnreachableError, match="timeout"):
            await source_of(f"http://127.0.0.1:{port}/").fetch()
    finally:
        server.close()
        await server.wait_closed()


async def test_a_long_tag_is_forgotten_and_nothing_is_unpacked(hostile):
    assert (await source_of(f"{hostile}/tag").fetch()).etag is None
    assert (await source_of(f"{hostile}/bomb").fetch()).raw == b"\x1f\x8b"


async def test_a_closed_port_is_said_so():
    sock, port = bind_unused_port()
    sock.close()
    with pytest.raises(UnreachableError, match="refused"):
        await source_of(f"http://127.0.0.1:{port}/").fetch()


async def test_https_takes_a_verified_certificate_only(tmp_path, monkeypatch):
    certificate, key = make_certificate(tmp_path, "127.0.0.1")
    (tmp_path / "d.json").write_bytes(b"{}")
    server = DirectoryServer(tmp_path / "d.json")
    url = server.listen("127.0.0.1", 0, certificate, key)
    try:
        assert url.startswith("https://")
        with pytest.raises(UnreachableError, match="certificate"):
            await source_of(url).fetch()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert (await source_of(url).fetch()).raw == b"{}"
        with pytest.raises(UnreachableError, match="certificate"):
            await source_of(url.replace("127.0.0.1", "localhost")).fetch()
    finally:
        await server.close()
