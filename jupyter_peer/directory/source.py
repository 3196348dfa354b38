"""Sources of a directory: a URL or a file. They return bytes that are not verified yet."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import ssl
import stat
from abc import ABC, abstractmethod
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import url2pathname

import msgspec
from tornado.httpclient import HTTPError, HTTPResponse
from tornado.iostream import StreamClosedError
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from ..errors import BadRequestError, MalformedError, TooLargeError, UnreachableError
from ..phrase import phrase
from ..wire.directory import MAX_BYTES
from ..wire.link.identity import decode_public_key

FETCH_TIMEOUT_S = 15.0
_MAX_HEADERS = 16 * 1024
_MAX_URL = 2048
_HINT = "write it as https://host/directory.json or file:///path/directory.json"


class Fetched(msgspec.Struct, frozen=True):
    """The answer of a source.

    Attributes:
        raw: The document.
        etag: Sent with the next request, so that an unchanged document is not sent again.
    """

    raw: bytes
    etag: str | None = None


class DirectorySource(ABC):
    """Fetches the newest version of a directory.

    Attributes:
        url: URL of the document.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    @abstractmethod
    async def fetch(self, etag: str | None = None) -> Fetched | None:
        """Return the document; None if it still has this ``etag``.

        Raises:
            UnreachableError: It cannot be fetched; the message has the reason.
            TooLargeError: The document is too large.
        """


def source_of(url: str) -> DirectorySource:
    """Return the source of a URL.

    Raises:
        BadRequestError: It is not an https or file URL, nor http on this machine.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BadRequestError(
            phrase("directory_url cannot be {url}", url=repr(url[:200])), hint=_HINT
        ) from error
    if not 0 < len(text) <= _MAX_URL or not text.isprintable() or "@" in parts.netloc:
        raise BadRequestError(
            phrase("directory_url cannot be {url}", url=repr(url[:200])), hint=_HINT
        )
    if parts.scheme == "file":
        return FileSource(text, _path_of(parts))
    if parts.scheme == "https" and host:
        return WebSource(text)
    if parts.scheme == "http" and host:
        if not _is_loopback(host):
            raise BadRequestError(
                "a directory is fetched by http from this machine only", hint="use https"
            )
        return WebSource(text)
    raise BadRequestError(phrase("directory_url cannot be {url}", url=repr(url[:200])), hint=_HINT)


def pinned_key(text: str, setting: str) -> bytes:
    """Return the public key that must have signed a directory.

    Args:
        text: The key in base64.
        setting: Name of the setting or option with the text, for the error.

    Raises:
        BadRequestError: It is not a public key.
    """
    try:
        return decode_public_key(text.strip())
    except MalformedError as error:
        raise BadRequestError(
            phrase("{setting} is not a public key", setting=setting),
            hint="give the 44 characters of base64 that `jupyter peer directory init` printed",
        ) from error


def _path_of(parts: SplitResult) -> Path:
    path = Path(url2pathname(parts.path))
    if parts.netloc not in ("", "localhost") or not path.is_absolute() or parts.query:
        raise BadRequestError("a file URL needs an absolute path on this machine", hint=_HINT)
    return path


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class FileSource(DirectorySource):
    """A file, on this machine or on a shared disk."""

    def __init__(self, url: str, path: Path) -> None:
        super().__init__(url)
        self._path = path

    async def fetch(self, etag: str | None = None) -> Fetched | None:
        # a network disk may be slow
        reading = asyncio.to_thread(read_document, self._path)
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                return Fetched(await reading)
        except TimeoutError as error:
            raise _unreachable(self.url, "it does not answer in time") from error


class WebSource(DirectorySource):
    """An https server with a verified certificate, or an http server on this machine.

    Redirects are not followed: only the configured server is asked.
    """

    async def fetch(self, etag: str | None = None) -> Fetched | None:
        client = SimpleAsyncHTTPClient(
            force_instance=True,
            max_clients=1,
            max_body_size=MAX_BYTES,
            max_header_size=_MAX_HEADERS,
        )
        try:
            response = await client.fetch(
                self.url,
                raise_error=False,
                headers={} if etag is None else {"If-None-Match": etag},
                follow_redirects=False,
                decompress_response=False,
                connect_timeout=FETCH_TIMEOUT_S,
                request_timeout=FETCH_TIMEOUT_S,
                # the system's certificates, or those of SSL_CERT_FILE
                ssl_options=ssl.create_default_context(),
            )
        except (HTTPError, StreamClosedError, OSError, ValueError) as error:
            raise _unreachable(self.url, _reason(error)) from error
        finally:
            client.close()
        return self._answer(response, etag)

    def _answer(self, response: HTTPResponse, etag: str | None) -> Fetched | None:
        if response.code == 304 and etag is not None:
            return None
        if response.code in (301, 302, 303, 307, 308):
            raise _unreachable(self.url, "it redirects, which is not followed")
        if response.code != 200:
            reason = f"it answered {response.code} {response.reason or ''}".rstrip()
            raise _unreachable(self.url, reason)
        tag = response.headers.get("ETag")
        return Fetched(response.body, tag if tag and len(tag) <= 256 else None)


def read_document(path: Path) -> bytes:
    """Return the bytes of a directory's file.

    Raises:
        UnreachableError: It cannot be read.
        TooLargeError: The document is too large.
    """
    try:
        # reading a pipe could block
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _unreachable(str(path), "it is not a regular file")
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreachable(str(path), _reason(error)) from error
    if len(raw) > MAX_BYTES:
        raise TooLargeError(
            phrase(
                "the directory at {path} is over the limit of {most} bytes",
                path=path,
                most=MAX_BYTES,
            )
        )
    return raw


def _unreachable(where: str, reason: str) -> UnreachableError:
    return UnreachableError(
        phrase("the directory at {where} cannot be fetched: {reason}", where=where, reason=reason),
        hint=phrase("check that {where} is right and its server runs", where=where),
    )


def _reason(error: BaseException) -> str:
    """Return the reason in a few words."""
    if isinstance(error, StreamClosedError) and error.real_error is not None:
        return _reason(error.real_error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, HTTPError):
        return (error.message or "it does not answer").lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
