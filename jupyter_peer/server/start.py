"""Starts the node of a Jupyter server: the one place where concrete classes meet.

The extension imports this module when it starts the node, so that a starting Jupyter server does
not wait for the modules of a node.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from ..control.fields import Done
from ..directory.refresh import DirectoryRefresher
from ..files.data_dir import DataDir, load_or_make_identity, open_data_dir
from ..hub.chat import Chats
from ..hub.hub import PeerHub
from ..hub.info import HubEvent
from ..lobby_client.lobby import LobbyClient
from ..panes.kernel.channels.still import STILL, StillKernel
from ..panes.kernel.channels.taps import KernelTaps
from ..panes.owner.publish import PanePublisher
from ..panes.viewer.watch import PaneWatcher
from ..primitives.clock import Clock
from ..store.store import Store
from ..trust.base import TrustPolicy
from ..trust.modes import DIRECTORY, policy_for
from .control.notices import Notices
from .control.runtime_file import RunningServer, runtime_file, write_runtime_file
from .control.secrets import COMMAND_LINE, Secrets
from .events.audit_events import emit_audit
from .node.addresses import certificate_of, local_url
from .node.doctor import doctor_of
from .node.kernels import ServerKernels
from .node.listening import trusting
from .node.network_watch import NetworkWatch
from .node.notebooks import follow_moves
from .node.reach import Reach
from .node.transports import Transports
from .operations.agents import NodeAgents
from .operations.codes import Codes
from .operations.lobby import lobby_client
from .operations.operations import Operations
from .running import Running
from .settings.settings import PeerSettings

log = logging.getLogger(__name__)

#: Variables with secrets: they open the Jupyter server, or act for its user at JupyterHub.
SECRETS_OF_JUPYTER = ("JUPYTER_TOKEN", "JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN")


async def start_node(
    settings: PeerSettings,
    server: Any,
    kernels: ServerKernels,
    server_secrets: Secrets,
    on_activity: Callable[[], None],
    stack: AsyncExitStack,
) -> Running:
    """Start the node.

    Args:
        settings: Settings of the extension.
        server: Jupyter's ``ServerApp``.
        kernels: The kernels whose outputs can be shared.
        server_secrets: The secrets of kernels and the command line.
        on_activity: Called when the user does something.
        stack: Receives the functions that close the node, also after a failed start.

    Raises:
        PeerError: A setting or the data directory cannot be used.
    """
    settings.check_settings()
    config = settings.hub_config()
    data_dir = open_data_dir(Path(settings.data_dir))
    stack.callback(data_dir.close)
    identity = load_or_make_identity(
        data_dir.path / "identity.key", lambda: secrets.token_bytes(32)
    )
    store = Store.open(data_dir.path / "peer.sqlite")
    stack.callback(store.close)

    stack.callback(emit_audit(store, server.event_logger))

    def make_lobby() -> LobbyClient | None:
        return lobby_client(settings, identity, lambda: hub, Clock().jitter)

    lobby = make_lobby()
    transports = Transports(settings, server, identity, lambda: hub, lobby)
    stack.push_async_callback(transports.close)
    directory = _directory(settings, data_dir, stack)

    hub = PeerHub(
        identity=identity,
        store=store,
        transports=transports.all,
        policy=_policy(settings, store, directory),
        config=config,
    )
    stack.push_async_callback(hub.close)
    chats = Chats(hub)

    publisher = _publisher(
        hub, settings, kernels, lambda: _live_secrets(server, server_secrets), stack
    )
    stack.callback(follow_moves(server.event_logger, publisher.cells.notebook_moved))
    watcher = PaneWatcher(hub)
    stack.push_async_callback(watcher.close)
    agents = NodeAgents(hub, publisher, settings.agent_config())
    stack.push_async_callback(agents.close)
    notices = _notices(lambda: operations, agents)
    doctor = doctor_of(settings, server, hub, data_dir, directory, lambda: operations.lobby.client)
    codes = Codes(
        settings.lobby_urls,
        lambda: trusting(settings.relay_certificate),
        Clock().random_bytes,
        lambda: settings.is_lobby_off,
    )
    stack.push_async_callback(codes.close)
    operations = Operations(
        hub,
        publisher,
        watcher,
        kernels,
        agents,
        on_activity=on_activity,
        on_change=notices.mark,
        doctor=doctor,
        chats=chats,
        page_url=transports.guest_page,
        codes=codes,
    )
    stack.push_async_callback(operations.lobby.close)
    await operations.lobby.use(lobby)
    reach = Reach(settings, server, hub, transports, operations.lobby, make_lobby)
    operations.add_reach(reach, doctor)
    chats.on_change = lambda: notices.mark("chat")
    stack.callback(hub.subscribe(lambda event: notices.mark("peers", "invites", "links", "lobby")))
    stack.callback(publisher.subscribe(lambda: notices.mark("panes", "links")))
    stack.callback(watcher.subscribe(lambda: notices.mark("panes", "peers")))
    for source in (agents.board, agents.turns):
        stack.callback(source.subscribe(lambda: notices.mark("agents")))
    stack.callback(agents.approvals.subscribe(lambda: notices.mark("approval")))
    await hub.start()
    await reach.start()
    network = NetworkWatch(transports.network_changed)
    network.start()
    stack.push_async_callback(network.close)
    if directory is not None:
        from .node.directory import keep_to

        keep_to(directory, hub)
    _write_runtime_file(server, server_secrets, hub, data_dir, stack)
    log.info("jupyter-peer is node %s (%s)", hub.node_id, hub.node_name)
    return Running(operations, notices, transports.direct)


def _policy(
    settings: PeerSettings, store: Store, directory: DirectoryRefresher | None
) -> TrustPolicy:
    def members_only() -> TrustPolicy:
        from ..trust.directory import DirectoryPolicy

        return DirectoryPolicy(
            lambda: directory.current if directory else None, settings.directory_groups
        )

    return policy_for(settings.trust_mode, store, more={DIRECTORY: members_only})


def _publisher(
    hub: PeerHub,
    settings: PeerSettings,
    kernels: ServerKernels,
    live_secrets: Callable[[], list[str]],
    stack: AsyncExitStack,
) -> PanePublisher:
    """Return the publisher of panes, which listens to the kernels of this server."""
    taps = KernelTaps(kernels.get, live_secrets)
    stack.callback(taps.close)
    still = StillKernel(live_secrets)
    publisher = PanePublisher(
        hub,
        lambda kernel_id: still if kernel_id == STILL else taps(kernel_id),
        max_panes=settings.max_panes,
        max_viewers=settings.max_viewers,
    )
    stack.push_async_callback(publisher.close)
    stack.callback(kernels.on_ended(taps.end))
    return publisher


def _notices(operations: Callable[[], Operations], agents: NodeAgents) -> Notices:
    """Return the topics of the control socket; ``operations`` is called at each notice."""
    return Notices(
        {
            "peers": lambda: operations().peers.all(),
            "panes": lambda: operations().panes.all(),
            "invites": Done,
            "reach": Done,
            "links": lambda: operations().links.all(),
            "lobby": lambda: operations().lobby.model(),
            "chat": lambda: operations().chat.news(),
            "agents": agents.model,
            "approval": agents.approvals_model,
        }
    )


def _directory(
    settings: PeerSettings, data_dir: DataDir, stack: AsyncExitStack
) -> DirectoryRefresher | None:
    """Return the directory whose members may connect; None if the trust mode needs none."""
    if settings.trust_mode == DIRECTORY:
        from .node.directory import directory_of

        directory = directory_of(settings, data_dir.path)
        stack.push_async_callback(directory.close)
        return directory
    if settings.directory_url:
        log.warning(
            "PeerExtension.directory_url has no effect: trust_mode is %s", settings.trust_mode
        )
    return None


def _write_runtime_file(
    server: Any, server_secrets: Secrets, hub: PeerHub, data_dir: DataDir, stack: AsyncExitStack
) -> None:
    secret = server_secrets.mint(COMMAND_LINE)
    directory = Path(server.runtime_dir)

    def write(event: HubEvent | None = None) -> None:
        if event is not None and event.kind != "self":
            return
        running = RunningServer(
            url=local_url(server),
            secret=secret,
            pid=os.getpid(),
            node_id=hub.node_id,
            node_name=hub.node_name,
            data_dir=str(data_dir.path),
            certificate=certificate_of(server),
        )
        try:
            write_runtime_file(directory, running)
        except OSError as error:
            log.warning(
                "`jupyter peer` will not find this server, because writing its file failed: %s",
                error,
            )

    write()
    stack.callback(_remove, runtime_file(directory, os.getpid()))
    # A node is chosen by its name, which can change.
    stack.callback(hub.subscribe(write))


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _live_secrets(server: Any, server_secrets: Secrets) -> list[str]:
    """Return the secrets that no pane may show: they open this server or act for its user."""
    of_jupyter = [os.environ.get(name, "") for name in SECRETS_OF_JUPYTER]
    of_jupyter.append(getattr(server.identity_provider, "token", ""))
    return [*server_secrets.live(), *filter(None, of_jupyter)]
