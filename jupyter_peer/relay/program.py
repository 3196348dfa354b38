"""The relay program: builds its parts, runs until a signal, and shuts down in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from .._version import __version__
from ..directory.cache import DirectoryCache
from ..directory.refresh import DirectoryRefresher
from ..directory.source import pinned_key, source_of
from ..errors import BadRequestError
from ..sockets.guest_page import guest_page
from ..wire.addresses import LOBBY_PATH, RELAY_PATH, is_loopback
from .backends.base import Backend
from .backends.memory import MemoryBackend
from .broker.broker import Broker
from .broker.limits import Limits
from .broker.metrics import Metrics
from .lobby.limits import LobbyLimits
from .lobby.lobby import Lobby
from .server import Door, RelayServer, url_of

log = logging.getLogger(__name__)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The options of the operator.

    Attributes:
        ip: Address to bind; empty for all.
        port: Port; 0 for a free one.
        certfile: PEM file of a TLS certificate with its chain; None for plain HTTP.
        keyfile: PEM file of its key, if that is not in ``certfile``.
        names: Hosts under which nodes reach it; see :class:`.server.RelayServer`.
        has_guests: Whether browsers may open guest links here.
        limits: All limits of nodes and links.
        lobby_limits: All limits of the lobby.
        directory_url: Directory of members for rooms, https or a file; None for none.
        directory_key: The key it is signed with, base64.
        data_dir: Folder that keeps the newest version of the directory; None for memory alone.
        must_keep: Whether the program refuses to start when that folder cannot be written.
        nats: URLs of the NATS servers that join this broker with others; empty for one alone.
        nats_credentials: Path of a credentials file for them.
        nats_prefix: First word of all subjects; brokers of one prefix are one relay.
        nats_replicas: NATS servers that keep the table of nodes and rooms.
    """

    ip: str = "127.0.0.1"
    port: int = 9000
    certfile: str | None = None
    keyfile: str | None = None
    names: tuple[str, ...] = ()
    has_guests: bool = True
    limits: Limits = Limits()
    lobby_limits: LobbyLimits = LobbyLimits()
    directory_url: str | None = None
    directory_key: str | None = None
    data_dir: Path | None = None
    must_keep: bool = False
    nats: tuple[str, ...] = ()
    nats_credentials: str | None = None
    nats_prefix: str = "jupyter-peer"
    nats_replicas: int = 1


@contextlib.asynccontextmanager
async def serving(options: Options, backend: Backend | None = None) -> AsyncIterator[list[str]]:
    """Run a relay in this event loop; yields the URLs at which it listens.

    Raises:
        BadRequestError: An option cannot be used.
        UnreachableError: The backend's server does not answer.
    """
    _check_names(options)
    tls = _tls(options)
    directory = _directory(options)
    backend = backend or _backend(options)
    metrics = Metrics()
    broker = Broker(options.limits, backend, metrics)
    lobby = Lobby(
        backend,
        metrics,
        options.lobby_limits,
        directory=lambda: None if directory is None else directory.current,
    )
    doors: dict[str, Door] = {RELAY_PATH: broker.serve, LOBBY_PATH: lobby.serve}

    def health() -> dict[str, object]:
        return {
            "ok": backend.is_healthy and not broker.is_draining,
            "version": __version__,
            "backend": backend.name,
            "broker": backend.broker_id,
            "nodes": broker.nodes,
            "guest_page": page.digest if page is not None else None,
        }

    page = guest_page() if options.has_guests else None
    server = RelayServer(
        options.limits,
        metrics,
        doors,
        health,
        lambda: backend.relay_id,
        options.names,
        RELAY_PATH if page is not None else None,
    )
    async with contextlib.AsyncExitStack() as stack:
        await backend.start(broker)
        stack.push_async_callback(backend.close)
        if directory is not None:
            directory.start()
            stack.push_async_callback(directory.close)
        broker.start()
        lobby.start()
        stack.push_async_callback(server.close)
        stack.push_async_callback(lobby.close)
        stack.push_async_callback(broker.close)
        try:
            bound = server.listen(options.ip, options.port, tls)
        except (OSError, OverflowError) as error:
            raise BadRequestError(
                f"cannot listen at {options.ip or '*'} port {options.port}: {error}",
                hint="choose a free port and an address of this machine",
            ) from error
        # Runs first at the end, so that no node connects while the others are disconnected.
        stack.callback(server.stop_listening)
        yield [url_of(*at, is_tls=tls is not None) for at in bound]


async def run(options: Options, on_ready: Callable[[list[str]], None]) -> None:
    """Run a relay until SIGTERM or SIGINT, then send what is queued and stop.

    Args:
        options: The options of the operator.
        on_ready: Called with the URLs once it listens.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    try:
        limits = options.limits
        _allow_files(2 * (limits.max_nodes + limits.max_unproven) + 256)
        async with serving(options) as urls:
            on_ready(urls)
            await ended.wait()
            log.info("draining")
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _allow_files(count: int) -> None:
    """Raise the limit of open files of this process as far as the system allows."""
    try:
        import resource
    except ImportError:  # not on Windows, where there is no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _directory(options: Options) -> DirectoryRefresher | None:
    if not options.directory_url and not options.directory_key:
        return None
    if not options.directory_url or not options.directory_key:
        raise BadRequestError("a directory needs both its URL and its key")
    key = pinned_key(options.directory_key, "directory_key")
    if options.data_dir is None:
        cache = None
    else:
        if options.must_keep:
            _check_folder(options.data_dir)
        cache = DirectoryCache(options.data_dir, key)
    return DirectoryRefresher(source_of(options.directory_url), key, cache)


def _check_names(options: Options) -> None:
    """Refuse a relay without a name where others reach it.

    Its challenges would name no relay, so a node's answer would be valid at any such relay.

    Raises:
        BadRequestError: The relay has no name.
    """
    if not options.names and not is_loopback(options.ip):
        raise BadRequestError(
            f"a relay that listens at {options.ip or 'all addresses'} needs a name",
            hint="--name=relay.example:9000 is the host by which nodes reach it, with its port unless "
            "it is that of http or https",
        )


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(None, "it cannot be written", str(folder))
    except OSError as error:
        raise BadRequestError(
            f"the data directory {folder} cannot be used: {error.strerror}",
            hint="--data-dir names a folder that this user may write",
        ) from error


def _backend(options: Options) -> Backend:
    if not options.nats:
        return MemoryBackend()
    try:
        from .backends.nats import NatsBackend
    except ImportError as error:
        raise BadRequestError(
            "several brokers need the Python package nats-py",
            hint="pip install 'jupyter-peer[cluster]'",
        ) from error
    try:
        return NatsBackend(
            list(options.nats),
            credentials=options.nats_credentials,
            prefix=options.nats_prefix,
            replicas=options.nats_replicas,
        )
    except ValueError as error:
        raise BadRequestError(f"the NATS prefix {options.nats_prefix!r}: {error}") from error


def _tls(options: Options) -> ssl.SSLContext | None:
    if options.certfile is None:
        if options.keyfile is not None:
            raise BadRequestError("a keyfile needs a certfile")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # Without this, OpenSSL would ask on the terminal for the passphrase of a key.
        context.load_cert_chain(options.certfile, options.keyfile, password=lambda: "")
    except (OSError, ssl.SSLError, ValueError) as error:
        raise BadRequestError(
            f"the certificate {options.certfile!r} cannot be used: {error}",
            hint="certfile and keyfile are PEM files, the key without a passphrase",
        ) from error
    return context
